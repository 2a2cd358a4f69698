"""The arguments of `edge-agent events`, `alarms`, `history` and `log`."""

from __future__ import annotations

import argparse
from typing import Final

from edge_agent.console import add_config

TIMES: Final = "2026-11-26, '2026-11-26 14:00', 14:00, or 30min, 6h, 2d ago; site's time"
FIGURES: Final = ("line_flow", "base_flow", "pressure", "temperature", "z", "c", "index")


def add_lookup(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    _add_events(commands)
    _add_alarms(commands)
    _add_history(commands)
    _add_log(commands)


def _add_events(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    events = commands.add_parser(
        "events",
        help="what happened, out of the gateway's own log",
        description="Alarms, changes, losses, acts of people, steps of the clock: the newest last. "
        "With a running agent and without one. Exit status: 0 there are such, 1 none is held, "
        "2 the journal cannot be read.",
        epilog="example: edge-agent events --since 2d --code 'disk_*'",
    )
    _add_filter(events, 20)
    events.set_defaults(command=_events)


def _add_alarms(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    alarms = commands.add_parser(
        "alarms",
        help="alarms that are on, and those that are over",
        description="Exit status: 0 no alarm is on, 1 some are, or no agent runs, 2 the journal "
        "cannot be read.",
        epilog="example: edge-agent alarms --subject R1 --since 2026-11-01",
    )
    _add_filter(alarms, 10)
    alarms.set_defaults(command=_alarms)


def _add_filter(command: argparse.ArgumentParser, limit: int) -> None:
    add_config(command)
    command.add_argument("--since", default="", metavar="TIME", help=TIMES)
    command.add_argument("--until", default="", metavar="TIME")
    command.add_argument("--code", default="", metavar="CODE", help="may have * and ?")
    command.add_argument(
        "--subject", default="", metavar="NAME", help="run, regulator, or serial of a device"
    )
    command.add_argument("--limit", type=_limit, default=limit, metavar="N")
    command.add_argument("--full", action="store_true", help="lines as long as they are")
    command.add_argument("--json", action="store_true", help="one JSON object, schema 1")


def _add_history(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    history = commands.add_parser(
        "history",
        help="a run's intervals, or a device's scans, as a curve and a table",
        description="The last day where no time is given, of scans the last hour. Exit status: "
        "0 shown, 1 nothing is held of that time, 2 no such run, or the journal cannot be read.",
        epilog="example: edge-agent history R1 --from 6h --of pressure",
    )
    add_config(history)
    history.add_argument("what", metavar="RUN", help="a run; with --point a device or its serial")
    history.add_argument("--from", dest="since", default="", metavar="TIME", help=TIMES)
    history.add_argument("--to", dest="until", default="", metavar="TIME")
    history.add_argument("--of", choices=FIGURES, default="line_flow", metavar="FIGURE",
                         help=", ".join(FIGURES))  # fmt: skip
    history.add_argument("--point", default="", metavar="NAME", help="scans of a device's point")
    history.add_argument("--all", action="store_true", help="all rows, also beyond a screen")
    history.add_argument("--csv", action="store_true", help="all rows, comma separated, UTC")
    history.add_argument("--json", action="store_true", help="one JSON object, schema 1")
    history.set_defaults(command=_history)


def _add_log(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    log = commands.add_parser(
        "log",
        help="the last lines of the service's own log",
        description="Out of systemd's journal. Exit status: 0 shown, 1 there is nothing, or you "
        "may not read it, 2 the machine has no such journal.",
        epilog="example: edge-agent log -n 50 --since today",
    )
    log.add_argument("-n", "--lines", type=_limit, default=20, metavar="N")
    log.add_argument("--since", default="", metavar="TIME", help="as journalctl(1) takes it")
    log.add_argument("--unit", default="edge-agent.service", metavar="NAME")
    log.add_argument("--json", action="store_true", help="one JSON object, schema 1")
    log.set_defaults(command=_log)


def _limit(text: str) -> int:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0
    if not 1 <= number <= 10_000:
        raise argparse.ArgumentTypeError("1 to 10000")
    return number


def _events(options: argparse.Namespace) -> int:
    from edge_agent.lookup.event_command import Asked, events

    asked = Asked(options.since, options.until, options.code, options.subject, options.limit)
    return events(options.config, asked, as_json=options.json, whole=options.full)


def _alarms(options: argparse.Namespace) -> int:
    from edge_agent.lookup.event_command import Asked, alarms

    asked = Asked(options.since, options.until, options.code, options.subject, options.limit)
    return alarms(options.config, asked, as_json=options.json, whole=options.full)


def _history(options: argparse.Namespace) -> int:
    from edge_agent.lookup.history_command import Asked, How, history

    asked = Asked(options.what, options.since, options.until, options.of, options.point)
    return history(options.config, asked, How(options.json, options.csv, options.all))


def _log(options: argparse.Namespace) -> int:
    from edge_agent.lookup.service_log import service_log

    return service_log(options.lines, options.since, options.unit, as_json=options.json)
