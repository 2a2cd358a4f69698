"""The arguments of `edge-agent clock-floor`, and what it does."""

from __future__ import annotations

import argparse
import sys

from edge_agent.console import COULD_NOT, FINDINGS, GOOD, add_config, could_not, load, show


def add_clock(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    floor = commands.add_parser(
        "clock-floor",
        help="compare the clock with central's last receipt, or set it",
        description="For a machine whose clock starts in the past: TLS would fail on its date. "
        "Exit status: 1 the clock is behind and was not set, 2 it could not be told or set.",
        epilog="example: edge-agent clock-floor --set",
    )
    add_config(floor)
    floor.add_argument(
        "--set", action="store_true", help="set it where it is behind (root, before the agent)"
    )
    floor.set_defaults(command=_clock_floor)


def _clock_floor(options: argparse.Namespace) -> int:
    from edge_agent.clock import set_wall, wall_ms
    from edge_agent.commands.clock_floor import floor_of, judge_clock
    from edge_agent.journal.journal import FILE_NAME
    from edge_agent.journal.reader import JournalReader, ReadFailed
    from edge_agent.keys.receipt_keys import stored_receipt_keys

    config = load(options.config)
    if config is None:
        return FINDINGS
    path = config.state_dir / FILE_NAME
    if not path.exists():
        show(f"no receipt to compare the clock with: {path} is not there yet")
        return GOOD
    try:
        reader = JournalReader(path, config.gateway)
        try:
            floor = floor_of(
                reader, stored_receipt_keys(config.central.receipt_key, config.state_dir)
            )
        finally:
            reader.close()
        found = judge_clock(floor, wall_ms() // 1000)
        if floor.unproven:
            print(f"edge-agent: a receipt does not count: {floor.unproven}", file=sys.stderr)
        if found.is_behind and options.set:
            set_wall(floor.utc_s)
            show(f"{found.text}: set to it")
            return GOOD
    except PermissionError as error:
        return could_not(f"the clock cannot be set: {error}; run it as root")
    except (ReadFailed, OSError) as error:
        return could_not(error)
    show(found.text)
    if found.is_behind:
        return FINDINGS
    return COULD_NOT if floor.unproven and not floor.utc_s else GOOD
