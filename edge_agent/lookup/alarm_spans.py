"""From events to alarms: from when to when each was on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from protocols.metering.events import OFF, ON

if TYPE_CHECKING:
    from edge_agent.lookup.event_log import Entry


class Span(NamedTuple):
    """An alarm that is over. UTC ms; None: before what was read, or no clock was set."""

    code: str
    subject: str
    begun_ms: int | None
    ended_ms: int | None
    detail: str

    def to_json(self) -> dict[str, Any]:
        """Its fields by name."""
        return self._asdict()


def spans(entries: Iterable[Entry]) -> Iterator[Span]:
    """Of entries newest first: the alarm that began last comes first.

    One whose beginning is not among the entries comes at the end.
    """
    ends: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        key = (entry.code, entry.subject)
        if (entry.old, entry.new) == (ON, OFF):
            ends[key] = entry
        elif (entry.old, entry.new) == (OFF, ON) and key in ends:
            yield Span(*key, entry.utc_ms, ends.pop(key).utc_ms, entry.detail)
    for (code, subject), end in ends.items():
        yield Span(code, subject, None, end.utc_ms, end.detail)
