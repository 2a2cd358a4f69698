"""What can be told of a gateway whose agent does not run: by its journal and its files."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from edge_agent.journal.newest import NewestReader
from edge_agent.journal.reader import ReadFailed
from edge_agent.status.words_of_time import clock_time, local_of, span
from protocols.evidence.leaf import Kind, Leaf, Log

if TYPE_CHECKING:
    from edge_agent.language import Words
    from edge_agent.status.site_files import SiteFiles


_TELLING: Final = ("agent_started", "agent_stopped")
_MOST: Final = 1_000
"""Leaves that acts of people may have left since, where no agent runs."""


class Left(NamedTuple):
    """What an agent left behind. `newest`: when it recorded last, UTC ms; `why`: what is in the
    way of reading it; `has_polled`: whether the journal holds anything of an instrument.
    """

    unsent: dict[str, int]
    sizes: dict[str, int]
    newest_ms: int | None
    is_stopped: bool
    stands_still: str
    why: str = ""
    has_polled: bool = True


def left_behind(files: SiteFiles) -> Left:
    """Read it; what cannot be read is told."""
    still = _first_line(files)
    try:
        reader = NewestReader(files.journal, files.gateway)
    except ReadFailed as error:
        return Left({}, {}, None, is_stopped=False, stands_still=still, why=str(error))
    try:
        states = {log: reader.state(log) for log in Log}
        last = {log: _newest(reader, log) for log in Log}
        stopped = _was_stopped(reader)
    except ReadFailed as error:
        return Left({}, {}, None, is_stopped=False, stands_still=still, why=str(error))
    finally:
        reader.close()
    times = [leaf.utc_ms for leaf in last.values() if leaf is not None and leaf.utc_ms is not None]
    return Left(
        {log.value: state.frontier.size - state.receipted.size for log, state in states.items()},
        {log.value: state.frontier.size for log, state in states.items()},
        max(times, default=None),
        is_stopped=stopped,
        stands_still=still,
        has_polled=last[Log.TELEMETRY] is not None,
    )


def told(left: Left, files: SiteFiles, now_ms: int, words: Words) -> list[str]:
    """In words, one thing a line."""
    lines = [words("alone.none", socket=files.read_socket)]
    if files.fault:
        lines.append(files.fault)
    if left.why:
        lines.append(words("alone.unreadable", why=left.why))
    elif left.newest_ms is None:
        lines.append(words("alone.empty", path=files.journal))
    else:
        at = clock_time(left.newest_ms, now_ms, local_of(files.zone))
        ago = span(now_ms - left.newest_ms, words)
        how = "alone.stopped" if left.is_stopped else "alone.ended"
        if not left.has_polled:
            how = "alone.never"
        lines.append(words(how, at=at, ago=ago))
        waits = any(left.unsent.values())
        lines.append(words("alone.unsent", **left.unsent) if waits else words("alone.sent"))
    if left.stands_still:
        lines.append(words("alone.standstill", why=left.stands_still))
    lines.append(words("alone.remedy"))
    return lines


def to_json(left: Left, files: SiteFiles) -> dict[str, Any]:
    """The same for programs."""
    return {
        "schema": 1,
        "agent": None,
        "gateway": files.gateway,
        "journal": {
            "path": str(files.journal),
            "unsent": left.unsent,
            "sizes": left.sizes,
            "newest_ms": left.newest_ms,
            "stopped_in_order": left.is_stopped,
            "fault": left.why,
        },
        "uplink_stopped": left.stands_still,
        "config_fault": files.fault,
    }


def _newest(reader: NewestReader, log: Log) -> Leaf | None:
    with closing(reader.leaves(log)) as leaves:
        return next(leaves, None)


def _was_stopped(reader: NewestReader) -> bool:
    """By the newest leaf that only an agent makes, not a calibration that was recorded since."""
    with closing(reader.leaves(Log.BILLING)) as leaves:
        for leaf in islice(leaves, _MOST):
            if leaf.kind in (Kind.INTERVAL, Kind.LOSS):
                return False
            if leaf.kind is Kind.EVENT and leaf.body[0] in _TELLING:
                return leaf.body[0] == "agent_stopped"
    return False


def _first_line(files: SiteFiles) -> str:
    """Why the uplink stands still, by its file; the first line names the key that it is about."""
    try:
        with (files.state_dir / "uplink.stopped").open("rb") as file:
            text = file.read(2048).decode("utf-8", errors="replace")
    except OSError:
        return ""
    _key, _newline, why = text.partition("\n")
    return why.strip() or "?"
