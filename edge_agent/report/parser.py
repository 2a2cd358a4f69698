"""The arguments of `edge-agent report`, and what it prints."""

from __future__ import annotations

import argparse
import sys
from datetime import date

from edge_agent.console import FINDINGS, GOOD, add_config, could_not, load, said, show


def add_report(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    report = commands.add_parser(
        "report",
        help="a gas day of one run, hour by hour, out of the journal",
        description="Works beside a running agent and without one, as far back as the journal "
        "keeps what central has acknowledged. Exit status: 1 nothing of that day is there, 2 the "
        "journal could not be read.",
        epilog="example: edge-agent report --run R1 --day 2026-03-10",
    )
    add_config(report)
    report.add_argument("--run", required=True, metavar="ID")
    report.add_argument("--day", type=_day, required=True, metavar="YYYY-MM-DD",
                        help="the gas day, dated by its beginning")  # fmt: skip
    report.add_argument("--json", action="store_true", help="everything, unrounded")
    report.set_defaults(command=_report)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no day; write 2026-03-10") from error


def _report(options: argparse.Namespace) -> int:
    from edge_agent.journal.journal import FILE_NAME
    from edge_agent.journal.reader import ReadFailed
    from edge_agent.report.report import ReportError, as_json, report_of
    from edge_agent.report.table import as_table
    from protocols.metering.gas_day import GasDayError

    config = load(options.config)
    if config is None:
        return FINDINGS
    try:
        report = report_of(config, config.state_dir / FILE_NAME, options.run, options.day)
    except ReportError as error:
        print(f"edge-agent: {said(f'{error}')}", file=sys.stderr)
        return FINDINGS
    except (ReadFailed, GasDayError) as error:
        return could_not(error)
    show(as_json(report) if options.json else as_table(report))
    return GOOD
