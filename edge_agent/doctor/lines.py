"""Findings as lines of 80 columns and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from edge_agent.doctor.finding import Area, Finding
from edge_agent.language import Words, load_table
from edge_agent.link_test.lines import explained, hung
from edge_agent.link_test.step import Told, tell
from edge_agent.screen import BAD, GOOD, WARNING, mark
from edge_agent.terminal import columns, wrapped

SCHEMA: Final = 1
AREA_COLUMNS: Final = 14


def words_of(*, chinese: bool) -> Words:
    """The doctor's, the codes of the way to central, and what alarms are called."""
    language = "zh" if chinese else "en"
    status, way, own = (
        load_table(f"edge_agent.{name}", language) for name in ("status", "link_test", "doctor")
    )
    names = {key: text for key, text in status.items() if key.startswith("code.")}
    return Words(names | way | own, chinese=chinese)


def told_of(finding: Finding, words: Words) -> Told:
    """Its sentences; `name` is what people call the code of an alarm."""
    facts = dict(finding.facts)
    if "alarm" in facts:
        facts["name"] = words.get(f"code.{facts['alarm']}", facts["alarm"])
    return tell(finding.code, facts, words)


def lines_of(
    findings: Sequence[Finding], unchecked: Sequence[Area], words: Words, encoding: str | None
) -> Iterator[str]:
    """What is wrong, why and what to do; then one line each for what is well, or not checked."""
    for finding in findings:
        yield from _finding(finding, words, encoding)
    for area in Area:
        if not any(finding.area is area for finding in findings):
            name = words(f"area.{area.value}")
            sign = mark(WARNING if area in unchecked else GOOD, encoding)
            text = words("unchecked" if area in unchecked else "nothing")
            yield f"{sign} {name}{' ' * max(1, AREA_COLUMNS - columns(name))}{text}"


def _finding(finding: Finding, words: Words, encoding: str | None) -> Iterator[str]:
    told = told_of(finding, words)
    area = words(f"area.{finding.area.value}")
    where = f"{area} {finding.where}" if finding.where else area
    sign = mark(finding.light, encoding)
    head = f"{sign} "
    first, *rest = wrapped(f"{where}: {told.what}", columns(head), columns(head))
    yield head + first.lstrip()
    yield from rest
    yield from explained(words("cause"), told.cause)
    yield from explained(words("remedy"), told.remedy)


def summary(findings: Sequence[Finding], gateway: str, words: Words, encoding: str | None) -> str:
    """The first line: how it stands."""
    red = sum(finding.light == BAD for finding in findings)
    yellow = len(findings) - red
    light = BAD if red else WARNING if yellow else GOOD
    key = "bad_one" if red == 1 else "bad" if red else "look" if yellow else "good"
    text = words(key, red=red, yellow=yellow) if findings else words(key)
    return f"{mark(light, encoding)} {gateway}: {text}"


def unknown_lines(unknown: Sequence[str], words: Words) -> list[str]:
    """What was not checked, and why."""
    label = f"  {words('unknown')}: "
    return [line for told in unknown for line in hung(label, words.said(told))]


def as_json(
    findings: Sequence[Finding],
    gateway: str,
    checked: tuple[Sequence[Area], Sequence[str], str],
    words: Words,
) -> dict[str, object]:
    """Keys are stable; `code` and `facts` are for programs. `checked`: areas that were not, what
    else was not, the state of the agent.
    """
    unchecked, unknown, agent = checked
    return {
        "schema": SCHEMA,
        "gateway": gateway,
        "agent": agent,
        "good": not findings,
        "findings": [_as_json(finding, words) for finding in findings],
        "areas": {area.value: _light(area, findings, unchecked) for area in Area},
        "unknown": list(unknown),
    }


def _light(area: Area, findings: Sequence[Finding], unchecked: Sequence[Area]) -> str | None:
    """The worst of an area; None where it was not checked."""
    lights = {finding.light for finding in findings if finding.area is area}
    for light in (BAD, WARNING):
        if light in lights:
            return light
    return None if area in unchecked else GOOD


def _as_json(finding: Finding, words: Words) -> dict[str, object]:
    told = told_of(finding, words)
    return {
        "code": finding.code,
        "light": finding.light,
        "area": finding.area.value,
        "where": finding.where,
        "what": told.what,
        "cause": told.cause,
        "remedy": told.remedy,
        "facts": dict(finding.facts),
    }
