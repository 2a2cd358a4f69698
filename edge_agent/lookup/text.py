"""An entry of the log in words, in a line or in several. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.status.lines import code as condition
from edge_agent.terminal import columns, printable, wrapped

if TYPE_CHECKING:
    from edge_agent.language import Words
    from edge_agent.lookup.event_log import Entry
    from edge_agent.status.words_of_time import Local

WIDTH: Final = 80
INDENT: Final = 2


class Tongue(NamedTuple):
    """The words of this folder, those of codes, and the wall clock of the site."""

    words: Words
    codes: Words
    local: Local


def code(name: str, tongue: Tongue) -> str:
    """An event in words: a condition by those that `status` has, others by our own."""
    return tongue.words.get(f"code.{name}", "") or condition(name, tongue.codes)


def when(utc_ms: int | None, tongue: Tongue) -> str:
    """Date and time of the site."""
    return "-" if utc_ms is None else f"{tongue.local(utc_ms):%m-%d %H:%M:%S}"


def _value(value: object, tongue: Tongue) -> str:
    """A condition's on and off and the clock's states in words; an index, a number as they are."""
    return "-" if value is None else tongue.words.get(f"value.{value}", str(value))


def entry_text(entry: Entry, tongue: Tongue) -> str:
    """All of it: when, whom it concerns, what, from what to what, why, by whom."""
    at = when(entry.utc_ms, tongue)
    if entry.utc_ms is None:
        at = tongue.words("boot", boot_no=entry.boot_no, seconds=entry.mono_ms // 1000)
    subject = f"{entry.subject}: " if entry.subject else ""
    change = ""
    if entry.old is not None:
        change = f" {_value(entry.old, tongue)} -> {_value(entry.new, tongue)}"
    elif entry.new is not None:
        change = f" {_value(entry.new, tongue)}"
    detail = f"; {tongue.words.said(entry.detail)}" if entry.detail else ""
    who = f"; {tongue.words('by', who=entry.who)}" if entry.who not in ("agent", "") else ""
    return f"{at} {subject}{code(entry.code, tongue)}{change}{detail}{who}"


def fitted(text: str, *, whole: bool) -> list[str]:
    """One line, with a sign that it goes on; or as many as it takes."""
    if whole:
        return wrapped(text, 0, INDENT)
    clean = printable(text)
    if columns(clean) <= WIDTH:
        return [clean]
    while columns(clean) > WIDTH - 2:
        clean = clean[:-1]
    return [f"{clean.rstrip()} >"]
