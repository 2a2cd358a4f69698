"""The arguments of `edge-agent export` and `import`, and what they print."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_agent.console import FINDINGS, GOOD, add_config, could_not, load, show

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig
    from edge_agent.journal.reader import JournalReader
    from edge_agent.parcel.export import Export
    from edge_agent.parcel.receipt_import import Sorted
    from edge_agent.uplink.receipt_file import Judge
    from protocols.evidence.leaf import Log

LOOK_S: Final = 0.2
AGENT_S: Final = 60.0  # so long without progress, and the agent does not take them


def add_parcel(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    export = commands.add_parser(
        "export",
        help="all that has no receipt yet, as a file to carry to central",
        description="Encrypted to central ([central] parcel_key). Works beside a running agent and "
        "without one; take it there with: edge-central import FILE --out RECEIPTS. Exit status: "
        "1 not all of it could be packed, 2 it could not be done.",
        epilog="example: edge-agent export --out /media/stick/gw-0001.parcel",
    )
    take = commands.add_parser(
        "import",
        help="take the receipts that central gave for an export",
        description="Each is verified; then the leaves count as sent. Works beside a running agent "
        "and without one. Exit status: 1 central refused something, 2 it could not be done.",
        epilog="example: edge-agent import /media/stick/gw-0001.receipts",
    )
    for command in (export, take):
        add_config(command)
    export.add_argument("--out", type=Path, required=True, metavar="FILE")
    export.set_defaults(command=_export)
    take.add_argument("receipts", type=Path, metavar="RECEIPTS")
    take.set_defaults(command=_import)


class _Progress:
    """One line on a terminal that is written again; nothing into a file or a pipe."""

    def __init__(self) -> None:
        self._shown = False

    def __call__(self, log: Log, done: int, whole: int) -> None:
        if sys.stderr.isatty():
            self._shown = True
            share = 100 * done // max(1, whole)
            print(f"\r{log.value:<9} {done:>12} of {whole:>12} {share:>3} %", end="", flush=True,
                  file=sys.stderr)  # fmt: skip

    def end(self) -> None:
        if self._shown:
            print(file=sys.stderr)


def _export(options: argparse.Namespace) -> int:
    from edge_agent.journal.journal import FILE_NAME
    from edge_agent.journal.reader import JournalReader, ReadFailed
    from edge_agent.keys.keys import KeyFileError, load_keys
    from edge_agent.parcel.export import Export, write_parcel
    from protocols.evidence.errors import EvidenceError
    from protocols.evidence.parcel import ParcelKey

    config = load(options.config)
    if config is None:
        return FINDINGS
    if not config.central.parcel_key:
        return could_not(
            "[central] parcel_key is not set; copy what edge-central parcel-key prints"
        )
    progress = _Progress()
    try:
        keys = load_keys(config.state_dir)
        reader = JournalReader(config.state_dir / FILE_NAME, config.gateway)
        try:
            export = Export(reader, keys, progress)
            if export.is_empty():
                show("nothing to export: central has given a receipt for every leaf")
                return GOOD
            key = ParcelKey.parse(config.central.parcel_key)
            size = write_parcel(options.out, config.gateway, key, export.uploads())
        finally:
            progress.end()
            reader.close()
    except (KeyFileError, ReadFailed, EvidenceError, OSError) as error:
        return could_not(error)
    return _tell_export(options.out, export, size)


def _tell_export(out: Path, export: Export, size: int) -> int:
    status = GOOD
    show(f"{out}: {size} bytes")
    for log, packed in export.packed.items():
        held = f"{packed.first} to {packed.end - 1}" if packed.end > packed.first else "none"
        show(f"{log.value:<9} leaves {held}")
        if packed.fault:
            print(f"{log.value:<9} not all: {packed.fault}", file=sys.stderr)
            status = FINDINGS
    show("take it to central: edge-central import FILE --store DIR --out RECEIPTS")
    return status


def _import(options: argparse.Namespace) -> int:
    from edge_agent.journal.journal import FILE_NAME, JournalError
    from edge_agent.journal.reader import JournalReader, ReadFailed
    from edge_agent.keys.keys import KeyFileError, load_keys
    from edge_agent.keys.receipt_keys import stored_receipt_keys
    from edge_agent.parcel.receipt_import import settle_file
    from edge_agent.state_lock import AlreadyRunning, state_lock
    from edge_agent.uplink.receipt_file import Judge
    from protocols.evidence.errors import EvidenceError

    config = load(options.config)
    if config is None:
        return FINDINGS
    try:
        keys = load_keys(config.state_dir)
        reader = JournalReader(config.state_dir / FILE_NAME, config.gateway)
        try:
            judge = Judge(
                reader, keys, stored_receipt_keys(config.central.receipt_key, config.state_dir)
            )
            found = _sorted(options.receipts, judge)
            try:
                with state_lock(config.state_dir):
                    why = settle_file(config, keys, reader, options.receipts)
            except AlreadyRunning:
                why = _by_the_agent(config, reader, options.receipts, found.sizes)
            if why:
                return could_not(why)
            return _tell_import(reader, found)
        finally:
            reader.close()
    except (KeyFileError, JournalError, ReadFailed, EvidenceError, OSError) as error:
        return could_not(error)


def _sorted(path: Path, judge: Judge) -> Sorted:
    """All receipts of the file. Raises ReadFailed; OSError and EvidenceError with file, remedy."""
    from edge_agent.parcel.receipt_import import sort_receipts
    from protocols.evidence.errors import EvidenceError

    try:
        return sort_receipts(path, judge)
    except OSError as error:
        why = f"{path}: {error.strerror}; give the file that edge-central import wrote"
        raise OSError(why) from None
    except EvidenceError as error:
        raise type(error)(f"{path}: {error}; give what edge-central import wrote") from None


def _by_the_agent(
    config: AgentConfig, reader: JournalReader, path: Path, sizes: dict[Log, int]
) -> str:
    """Give the file to the running agent and wait while it goes on; why it did not, or ""."""
    from edge_agent.parcel.receipt_import import hand_over, missing

    if not sizes:
        return ""
    hand_over(path, config.state_dir)
    pause, waited = threading.Event(), 0.0
    left = missing(reader, sizes)
    while left:
        pause.wait(LOOK_S)
        now = missing(reader, sizes)
        waited = 0.0 if now < left else waited + LOOK_S
        left = now
        if waited > AGENT_S:
            return f"the running agent settles nothing for {AGENT_S:g} s; look at its log"
    return ""


def _tell_import(reader: JournalReader, found: Sorted) -> int:
    from edge_agent.journal.memory import LOGS

    show(f"{found.good} receipts taken, {found.old} known before, {found.refused_count} refused")
    for log in LOGS:
        state = reader.state(log)
        waits = state.frontier.size - state.receipted.size
        show(f"{log.value:<9} receipts up to {state.receipted.size}, {waits} leaves wait")
    for refused in found.refused:
        print(f"{refused.origin or 'an upload'} from {refused.first}: {refused.reason}; "
              f"{refused.remedy}", file=sys.stderr)  # fmt: skip
    return FINDINGS if found.refused_count else GOOD
