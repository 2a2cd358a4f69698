"""A new epoch of both logs, as pure steps: everything goes into a draft.

    close the runs in the old epoch -> EPOCH leaf -> unsent leaves once more -> runs go on

What has a receipt stays where it is: central holds it. What has none is appended again in the same
order, each with the place and hash that it was first recorded under, so that central can tell what
it holds already. The metering state goes on; only the telemetry seqs begin anew.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.journal.memory import LOGS, LogHead, Memory
from edge_agent.recording.device_recording import ARCHIVE_FAILED
from edge_agent.recording.recording import AGENT, close_run
from protocols.evidence import cbor
from protocols.evidence.facts import Citation, EpochBody, EpochReason
from protocols.evidence.leaf import Kind, Log
from protocols.evidence.merkle import EMPTY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_agent.journal.draft import Draft
    from protocols.metering.instant import Instant
    from protocols.metering.run import RunState

EPOCH_OPENED: Final = "epoch_opened"


class Opening(NamedTuple):
    """Why a new epoch is opened and what it cites; its number is to be above `above`."""

    reason: EpochReason
    citations: tuple[Citation, ...] = ()
    above: int = -1
    detail: str = ""


def close_runs(draft: Draft, instant: Instant) -> None:
    """Before a new epoch: the open intervals name scans by the old numbers."""
    for memory in list(draft.runs.values()):
        draft.set_run(close_run(draft, memory, instant))
    draft.urgent = True


def at_epoch(memory: Memory, epoch: int) -> Memory:
    """The same memory, with two empty logs of the new epoch."""
    return replace(memory, heads={log: LogHead(epoch, EMPTY) for log in LOGS})


def begin_anew(draft: Draft) -> None:
    """Each total begins anew at its next index: central knows from where to where nobody counted.

    What an old state booked meanwhile stays in the log, as evidence; central books none of it.
    """
    for memory in list(draft.runs.values()):
        state = memory.state
        carry = state.now._replace(positions=(), segment=state.next_segment, flowed=None)
        begun = replace(type(state).resume(carry), conditions=state.conditions)
        draft.set_run(memory._replace(state=begun))


def record_epoch(draft: Draft, opening: Opening, old_epoch: int | None, instant: Instant) -> None:
    """The first leaf of an epoch: what it follows, and why."""
    body = EpochBody(opening.reason, old_epoch, opening.citations, opening.detail)
    draft.append(Kind.EPOCH, "", body.to_body(), instant)
    draft.urgent = True


def go_on(draft: Draft, moved_gaps: Mapping[int, int], instant: Instant) -> None:
    """Behind the repeated leaves: runs, gaps and maps in the new epoch's numbers.

    `moved_gaps`: new seqs of gap events by their old ones. Configurations and register maps are
    recorded again, so that the epoch can be read by itself.
    """
    next_seq = draft.next_seq(Log.TELEMETRY)
    for memory in list(draft.runs.values()):
        draft.set_run(memory._replace(state=renumbered(memory.state, next_seq)))
    if draft.configuration is not None:
        hashed = hashlib.sha256(cbor.encode(draft.configuration)).digest()
        draft.append(Kind.CONFIGURATION, "", draft.configuration, instant, hashed)
    for memory in draft.runs.values():
        if memory.active:
            config = memory.config
            draft.append(Kind.CONFIGURATION, config.run, config.to_body(), instant, config.hash())
    draft.maps.clear()
    _renumber_gaps(draft, moved_gaps, instant)


def renumbered(state: RunState, next_seq: int) -> RunState:
    """A closed run's state, which goes on with scan `next_seq`."""
    carry = state.now._replace(next_seq=next_seq)
    if carry.reference is None:
        return replace(state, now=carry)
    return state.opened(carry)


def _renumber_gaps(draft: Draft, moved: Mapping[int, int], instant: Instant) -> None:
    """A gap whose event stayed behind cannot be named from here: it is given up, and said."""
    gaps = {}
    for seq, gap in draft.devices.gaps.items():
        if seq in moved:
            gaps[moved[seq]] = gap._replace(seq=moved[seq])
            continue
        detail = f"gap of event {seq} of the epoch before: the log was begun anew since"
        draft.event(instant, ARCHIVE_FAILED, gap.run, None, gap.taken, AGENT, detail)
    if draft.devices.gaps:
        draft.devices = replace(draft.devices, gaps=gaps)
