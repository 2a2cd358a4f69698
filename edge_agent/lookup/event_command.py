"""`edge-agent events` and `alarms`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from edge_agent.clock import wall_ms
from edge_agent.console import FINDINGS, GOOD, could_not, show
from edge_agent.lookup.alarm_spans import Span, spans
from edge_agent.lookup.event_log import SLACK_MS, Entry, Wanted, entries
from edge_agent.lookup.period import NoTimeError, utc_ms_of
from edge_agent.lookup.text import Tongue, code, entry_text, fitted, when
from edge_agent.status.alarm_times import AlarmTimes
from edge_agent.status.collect import alarms_on
from edge_agent.status.command import words_here
from edge_agent.status.model import Alarm
from edge_agent.status.site_view import FAILURES, View, view
from edge_agent.status.words_of_time import local_of, span
from protocols.evidence.leaf import Log

PACKAGE: Final = "edge_agent.lookup"
CLOCKS_DIFFER_S: Final = 6 * 3600
"""Central's clock signed a receipt, the gateway's wrote the leaves that it is for."""
MOST_OF_ALARMS: Final = 100_000  # entries that alarms are looked for in


class Asked(NamedTuple):
    """As typed; "" is any."""

    since: str = ""
    until: str = ""
    code: str = ""
    subject: str = ""
    limit: int = 20


def events(path: Path, asked: Asked, *, as_json: bool, whole: bool) -> int:
    """The newest that fit, oldest of them first. Status 1: there is none."""
    try:
        with view(path) as seen:
            found = _read(seen, asked, wall_ms(), asked.limit + 1)
            tongue = tongue_of(seen)
    except (*FAILURES, NoTimeError) as error:
        return could_not(error)
    more, found = len(found) > asked.limit, found[: asked.limit]
    if as_json:
        told = [entry.to_json() for entry in reversed(found)]
        show(json.dumps({"schema": 1, "events": told, "more": more}, ensure_ascii=False))
    else:
        show("\n".join(_event_lines(found, tongue, whole=whole)))
        if more:
            show(tongue.words("more", limit=10 * asked.limit))
    return GOOD if found else FINDINGS


def _event_lines(found: Sequence[Entry], tongue: Tongue, *, whole: bool) -> list[str]:
    texts = [entry_text(entry, tongue) for entry in reversed(found)]
    lines = [line for text in texts for line in fitted(text, whole=whole)]
    return lines or [tongue.words("none")]


def tongue_of(seen: View) -> Tongue:
    """The language of this terminal, and the site's wall clock."""
    return Tongue(words_here(PACKAGE), words_here(), local_of(seen.zone))


def _read(seen: View, asked: Asked, now_ms: int, most: int) -> list[Entry]:
    """Newest first. Raises ReadFailed, NoTimeError."""
    since, until = (
        utc_ms_of(text, now_ms, seen.zone) if text else None for text in (asked.since, asked.until)
    )
    wanted = Wanted(since, until, asked.code, asked.subject)
    receipted_s = 0 if since is None else max(0, (since - SLACK_MS) // 1000 - CLOCKS_DIFFER_S)
    with closing(seen.reader.leaves(Log.BILLING, receipted_s)) as leaves:
        return list(islice(entries(leaves, wanted), most))


def alarms(path: Path, asked: Asked, *, as_json: bool, whole: bool) -> int:
    """Those that are on, and those that are over. Status 1: one is on, or no agent runs."""
    try:
        with view(path) as seen:
            on = _on(seen)
            found = [] if seen.held is None else _read(seen, asked, wall_ms(), MOST_OF_ALARMS)
            tongue = tongue_of(seen)
    except (*FAILURES, NoTimeError) as error:
        return could_not(error)
    over = list(islice(spans(found), asked.limit))
    if as_json:
        body = {
            "schema": 1,
            "agent": seen.agent is not None,
            "on": [vars(alarm) for alarm in on],
            "over": [one.to_json() for one in over],
        }
        show(json.dumps(body, ensure_ascii=False))
    else:
        told = _alarm_lines(on, over, tongue, runs=seen.agent is not None)
        show("\n".join(line for text in told for line in fitted(text, whole=whole)))
    return FINDINGS if on or seen.agent is None else GOOD


def _on(seen: View) -> tuple[Alarm, ...]:
    """By the agent's word, or by what the journal remembers of the last one."""
    if seen.agent is not None:
        return seen.agent.alarms
    times = AlarmTimes(seen.files.journal, seen.files.gateway)
    return times.told(alarms_on(seen.reader.memory()))


def _alarm_lines(
    on: Iterable[Alarm], over: Iterable[Span], tongue: Tongue, *, runs: bool
) -> list[str]:
    words = tongue.words
    now_ms = wall_ms()
    lines = [words("alarms.on" if runs else "alarms.was_on")]
    for alarm in on:
        since = words("alarms.no_time")
        if alarm.since_ms is not None:
            lasts = span(now_ms - alarm.since_ms, tongue.codes)
            since = words("alarms.since", at=when(alarm.since_ms, tongue), span=lasts)
        lines.append(_alarm(alarm.code, alarm.subject, since, alarm.detail, tongue))
    if len(lines) == 1:
        lines.append(f"  {words('alarms.none')}")
    lines.append(words("alarms.history"))
    count = len(lines)
    for one in over:
        ended = when(one.ended_ms, tongue)
        if one.begun_ms is None or one.ended_ms is None:
            time = words("alarms.ended", ended=ended)
        else:
            lasted = span(one.ended_ms - one.begun_ms, tongue.codes)
            begun = when(one.begun_ms, tongue)
            time = words("alarms.lasted", begun=begun, ended=ended, span=lasted)
        lines.append(_alarm(one.code, one.subject, time, one.detail, tongue))
    return [*lines, f"  {words('alarms.none')}"] if len(lines) == count else lines


def _alarm(name: str, subject: str, time: str, detail: str, tongue: Tongue) -> str:
    who = f"{subject}: " if subject else ""
    return (
        f"  {time}  {who}{code(name, tongue)}{f'; {tongue.words.said(detail)}' if detail else ''}"
    )
