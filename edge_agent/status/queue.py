"""`edge-agent queue`: what waits to be sent, for what, and how long it will take."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from edge_agent.status.words_of_time import Local, clock_time, size, span
from protocols.evidence.leaf import Log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_agent.journal.newest import NewestReader, Sealed
    from edge_agent.language import Words
    from edge_agent.status.model import Snapshot

MOST_COUNTED: Final = 20_000  # leaves whose kinds are told
RECENT: Final = 20  # batches that a rate is measured by
LEAST_SPAN_S: Final = 10
BATCH: Final = 4096
WAITS: Final = ("start", "stored", "key", "central", "window", "batch", "backlog", "nothing")


class LogQueue(NamedTuple):
    """Of one log. `oldest_ms`: UTC of its oldest unsent leaf; `kinds`: of the newest MOST_COUNTED
    unsent leaves; `sealed`: what is held of those that have a receipt.
    """

    unsent: int
    oldest_ms: int | None
    kinds: Mapping[str, int]
    sealed: Sealed | None


class Queue(NamedTuple):
    """`leaves_per_s`: as central took them lately; `waits_for`: one of WAITS; `scans`: in memory,
    `places` for them, and those `dropped`; None without an agent. `forecast_s`: until all that
    waits now is sent, None where that cannot be told.
    """

    logs: Mapping[Log, LogQueue]
    leaves_per_s: float | None
    waits_for: str
    forecast_s: int | None
    scans: int | None
    places: int | None
    dropped: int | None
    failure: str = ""


def read_queue(reader: NewestReader | None, agent: Snapshot | None) -> Queue:
    """Now; by the agent's word alone where the journal may not be read. Raises ReadFailed."""
    logs = _told(agent) if reader is None else _read(reader)
    batches = [] if reader is None else [one for log in Log for one in reader.recent(log, RECENT)]
    rate = rate_of(batches)
    waits_for = waits(agent, {log: one.unsent for log, one in logs.items()})
    waiting = sum(one.unsent for one in logs.values())
    return Queue(
        logs,
        rate,
        waits_for,
        forecast(waits_for, waiting, rate),
        None if agent is None else agent.journal.waiting_scans,
        None if agent is None else agent.journal.queue_scans,
        None if agent is None else agent.journal.dropped,
        "" if agent is None else agent.uplink.failure or agent.journal.failing,
    )


def _told(agent: Snapshot | None) -> dict[Log, LogQueue]:
    unsent = {} if agent is None else agent.journal.unsent
    return {log: LogQueue(unsent.get(log.value, 0), None, {}, None) for log in Log}


def _read(reader: NewestReader) -> dict[Log, LogQueue]:
    sealed = reader.sealed()
    logs = {}
    for log in Log:
        state = reader.state(log)
        unsent = state.frontier.size - state.receipted.size
        oldest = reader.oldest_row(log) if unsent else None
        kinds: Counter[str] = Counter()
        if log is Log.BILLING and unsent:
            with closing(reader.leaves(log)) as leaves:
                for leaf, _ in zip(leaves, range(min(unsent, MOST_COUNTED)), strict=False):
                    kinds[leaf.kind.name.lower()] += 1
        elif unsent:
            kinds["scan"] = unsent
        oldest_ms = None if oldest is None else oldest.utc_ms
        logs[log] = LogQueue(unsent, oldest_ms, dict(kinds), sealed.get(log))
    return logs


def rate_of(batches: list[tuple[int, int]]) -> float | None:
    """Leaves a second, of batches as (leaves, receipt's time in s); the oldest tells a time only.

    None where they are too few, or lie too near together.
    """
    if len(batches) < 2:
        return None
    batches = sorted(batches, key=lambda batch: batch[1])
    span_s = batches[-1][1] - batches[0][1]
    if span_s < LEAST_SPAN_S:
        return None
    return sum(leaves for leaves, _ in batches[1:]) / span_s


def waits(agent: Snapshot | None, unsent: Mapping[Log, int]) -> str:
    """What stands in the way, the first that does."""
    if agent is None:
        return "start"
    if agent.journal.failing:
        return "stored"
    if not any(unsent.values()):
        return "nothing"
    by_state = {"standstill": "key", "failing": "central", "window": "window"}
    if agent.uplink.state in by_state:
        return by_state[agent.uplink.state]
    return "backlog" if max(unsent.values()) > BATCH else "batch"


def forecast(waits_for: str, waiting: int, rate: float | None) -> int | None:
    """Seconds until all that waits now is sent; None where nobody can tell."""
    if not waiting:
        return 0
    if waits_for != "backlog" or not rate:
        return None
    return round(waiting / rate)


def to_json(queue: Queue) -> dict[str, Any]:
    """Schema 1."""
    return {
        "schema": 1,
        "logs": {
            log.value: {
                "unsent": one.unsent,
                "oldest_ms": one.oldest_ms,
                "kinds": dict(one.kinds),
                "sealed_batches": one.sealed.batches if one.sealed else 0,
                "sealed_bytes": one.sealed.bytes if one.sealed else 0,
                "oldest_receipt_s": one.sealed.oldest_s if one.sealed else None,
                "newest_receipt_s": one.sealed.newest_s if one.sealed else None,
            }
            for log, one in queue.logs.items()
        },
        "leaves_per_s": queue.leaves_per_s,
        "waits_for": queue.waits_for,
        "forecast_s": queue.forecast_s,
        "memory": None
        if queue.scans is None
        else {"scans": queue.scans, "places": queue.places, "dropped": queue.dropped},
        "failure": queue.failure,
    }


def is_good(queue: Queue) -> bool:
    """Nothing is in the way, and nothing was lost."""
    return queue.waits_for in ("batch", "nothing", "window", "backlog") and not queue.dropped


def lines(queue: Queue, words: Words, now_ms: int, local: Local) -> list[tuple[str, str]]:
    """Label and text."""
    told = [(words("queue.waits"), words(f"queue.waits.{queue.waits_for}"))]
    if queue.failure:
        told.append((words("queue.failure"), words.said(queue.failure)))
    if queue.forecast_s:
        told.append((words("queue.forecast"), span(1000 * queue.forecast_s, words)))
    for log, one in queue.logs.items():
        text = words("queue.unsent", count=one.unsent)
        if one.oldest_ms is not None:
            at, age = clock_time(one.oldest_ms, now_ms, local), span(now_ms - one.oldest_ms, words)
            text = words("join").join((text, words("queue.oldest", at=at, age=age)))
        told.append((words(f"queue.{log.value}"), text))
        if one.kinds and log is Log.BILLING:
            kinds = ", ".join(
                f"{words(f'kind.{name}')} {count}" for name, count in one.kinds.items()
            )
            told.append(("", kinds))
    for log, one in queue.logs.items():
        if one.sealed is not None:
            newest = clock_time(1000 * one.sealed.newest_s, now_ms, local)
            text = words(
                "queue.sealed", count=one.sealed.batches, size=size(one.sealed.bytes), at=newest
            )
            told.append((words(f"queue.sealed.{log.value}"), text))
    if queue.leaves_per_s is not None:
        told.append((words("queue.rate"), words("queue.per_s", rate=f"{queue.leaves_per_s:.1f}")))
    if queue.scans is not None:
        text = words("queue.scans", count=queue.scans, places=queue.places)
        if queue.dropped:
            text = words("join").join((text, words("journal.dropped", count=queue.dropped)))
        told.append((words("queue.memory"), text))
    return told
