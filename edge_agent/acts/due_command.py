"""`edge-agent meter verify-due`: until when verifications and calibrations are good."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from edge_agent.acts.act import SCHEMA, Act, Asking, Who, perform, remembered, rows
from edge_agent.acts.fault import NotDone
from edge_agent.acts.kept import VERIFICATION, Due, is_date
from edge_agent.acts.readings import in_force
from edge_agent.clock import wall_ms
from edge_agent.console import FINDINGS, GOOD, show

if TYPE_CHECKING:
    import argparse

    from edge_agent.config.model import AgentConfig
    from edge_agent.language import Words

SOON_DAYS: Final = 60
"""Time to send a meter to the laboratory, and to have another one in its place."""


def run_due(config: AgentConfig, options: argparse.Namespace, asking: Asking) -> int:
    """Set with --until, else listed: status 1 where one is over. Raises as `record` does."""
    today = date_of(config)
    if not options.until:
        return _list(config, options, asking, today)
    if not options.run or not options.who or not options.reason:
        raise NotDone("until_needs")
    if not is_date(options.until):
        raise NotDone("date", option="--until", text=options.until[:40])
    run = in_force(config, options.run).config
    due = Due(run.run, VERIFICATION, options.until, options.certificate)
    fields = (
        ("what", VERIFICATION),
        ("meter_serial", run.meter_serial),
        ("until", options.until),
        ("certificate", options.certificate),
    )
    lines = [asking.words("due.title", run=run.run, serial=run.meter_serial)]
    lines += rows([_head(asking.words), _row(due, today, asking.words)])
    by = Who(options.who, options.reason)
    act = Act(run.run, "verification_due", by, fields, tuple(lines), not due.is_over(today))
    return perform(config, act, asking)


def date_of(config: AgentConfig) -> date:
    """Today at the site."""
    return datetime.fromtimestamp(wall_ms() / 1000, ZoneInfo(config.site.zone)).date()


def _list(config: AgentConfig, options: argparse.Namespace, asking: Asking, today: date) -> int:
    kept = remembered(config)
    dues = [due for due in kept.due if options.run in ("", due.subject)]
    known = {due.subject for due in dues if due.what == VERIFICATION}
    unknown = [
        run.run for run in config.runs if run.run not in known and options.run in ("", run.run)
    ]
    if options.run and not dues and not unknown:
        raise NotDone("no_run", run=options.run, known=", ".join(r.run for r in config.runs))
    over = any(due.is_over(today) for due in dues)
    if asking.json:
        told = {
            "schema": SCHEMA,
            "today": today.isoformat(),
            "due": [{**due._asdict(), "state": state_of(due, today)} for due in dues],
            "unknown": unknown,
            "maintenance": [one._asdict() for one in kept.work],
        }
        show(json.dumps(told, ensure_ascii=False))
        return FINDINGS if over else GOOD
    words = asking.words
    table = [_row(due, today, words) for due in sorted(dues, key=lambda due: due.until)]
    table += [(run, words("what.verification"), words("state.unknown"), "-") for run in unknown]
    lines = rows([_head(words), *table])
    lines += [words("due.work", subject=one.subject, what=one.what) for one in kept.work]
    show("\n".join(lines))
    return FINDINGS if over else GOOD


def state_of(due: Due, today: date) -> str:
    """ "over", "soon" or "good"."""
    if due.is_over(today):
        return "over"
    return "soon" if (date.fromisoformat(due.until) - today).days <= SOON_DAYS else "good"


def _head(words: Words) -> tuple[str, ...]:
    return (words("col.subject"), words("col.what"), words("col.until"), words("col.certificate"))


def _row(due: Due, today: date, words: Words) -> tuple[str, ...]:
    state = state_of(due, today)
    until = due.until if state == "good" else f"{due.until} {words(f'state.{state}')}"
    return (due.subject, words(f"what.{due.what}"), until, due.certificate or "-")
