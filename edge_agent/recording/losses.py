"""What was lost, into LOSS leaves; what the disk is like, into events. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from protocols.evidence.facts import Loss, LossReason, Moment
from protocols.evidence.leaf import Kind, Log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_agent.journal.draft import Draft
    from edge_agent.journal.memory import Gone
    from edge_agent.recording.inbox import Dropped
    from protocols.metering.instant import Instant

_AGENT: Final = "agent"
ON: Final = "on"
OFF: Final = "off"


def record_dropped(draft: Draft, dropped: Dropped, instant: Instant) -> None:
    """Polls that found the queue full: how many, between which moments."""
    epoch = draft.before.heads[Log.TELEMETRY].epoch
    detail = "polls that found the queue full, because the journal took nothing"
    loss = Loss(
        LossReason.DROPPED, None, epoch, 0, 0, dropped.polls, dropped.since, dropped.until, detail
    )
    _append(draft, loss, instant)


def record_unclean_end(draft: Draft, ended: tuple[int, int], instant: Instant) -> None:
    """The process before this one ended without a stop: what it had in memory is bounded.

    `ended`: boot, and ms up to which its polls were stored; a boot below 0: not known.
    """
    epoch = draft.before.heads[Log.TELEMETRY].epoch
    since = Moment(*ended) if ended[0] >= 0 else None
    until = _moment(instant)
    detail = "the agent ended without a stop; polls that were not yet stored are lost"
    _append(
        draft, Loss(LossReason.UNCLEAN_END, None, epoch, 0, 0, None, since, until, detail), instant
    )


def record_evicted(draft: Draft, gone: Gone, instant: Instant) -> None:
    """Unsent leaves that went because the disk is full."""
    detail = "the disk is full; their hashes are kept"
    _range(draft, LossReason.EVICTED, gone, detail, instant)


def record_damaged(draft: Draft, gone: Gone, instant: Instant, count: int | None = None) -> None:
    """Leaves that the disk does not give back; `count`: how many, where others there are left."""
    detail = "the disk does not give back what was stored"
    _range(draft, LossReason.DAMAGED, gone, detail, instant, count)


def record_disk(draft: Draft, conditions: Mapping[str, str], instant: Instant) -> None:
    """An event for each condition of the disk that begins or ends; its detail by its code."""
    for code in sorted(conditions.keys() - draft.disk):
        draft.event(instant, code, "", OFF, ON, _AGENT, conditions[code])
    for code in sorted(draft.disk - conditions.keys()):
        draft.event(instant, code, "", ON, OFF, _AGENT)
    if draft.disk != conditions.keys():
        draft.disk = frozenset(conditions)
        draft.urgent = True


def _range(
    draft: Draft, reason: LossReason, gone: Gone, detail: str, instant: Instant,
    count: int | None = None,
) -> None:  # fmt: skip
    lost = gone.size if count is None else count
    loss = Loss(reason, gone.log, gone.epoch, gone.first, gone.end, lost, detail=detail)
    _append(draft, loss, instant)


def _append(draft: Draft, loss: Loss, instant: Instant) -> None:
    draft.append(Kind.LOSS, "", loss.to_body(), instant)
    draft.urgent = True


def _moment(instant: Instant) -> Moment:
    return Moment(instant.boot_no, instant.mono_ms)
