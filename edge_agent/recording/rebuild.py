"""A run's state made again from the log: the last interval record and the scans behind it. Pure.

The record carries what it opened with, and its scans make it again to the last bit. Only if they do
is the state behind it believed; then the scans after it are stepped again. Where that cannot be,
the run begins a new segment, and what is known is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from protocols.metering.carry import Carry, Counters
from protocols.metering.run import Agrees, RunState, compare, replay, step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from protocols.metering.interval import IntervalRecord
    from protocols.metering.run_config import RunConfig
    from protocols.metering.scan import Scan

SEGMENTS_OF_AN_EPOCH = 1000
"""A run of which nothing is known begins its segments here, times the epoch: no number twice."""


class Rebuilt(NamedTuple):
    """The state, and the records that the scans make beyond the last one that is known."""

    state: RunState
    records: tuple[IntervalRecord, ...] = ()


def is_current(state: RunState, scans: Sequence[Scan], config: RunConfig) -> bool:
    """Whether no scan of the run lies behind the state."""
    return not any(s.seq >= state.now.next_seq and s.serial in config.serials for s in scans)


def rebuilt(config: RunConfig, record: IntervalRecord, scans: Sequence[Scan]) -> Rebuilt | None:
    """From the last known record; None where its scans do not make it again.

    `scans`, in order, from the record's first on; others than the run's change nothing.
    """
    if config.hash() != record.config_hash:
        return None
    again = replay(config, record.carry, record.telemetry_end, scans)
    if record.part >= len(again.records):
        return None
    agreed = compare(record, again)
    if not isinstance(agreed, Agrees):
        return None
    return stepped(config, RunState.resume(agreed.carry), scans)


def stepped(config: RunConfig, state: RunState, scans: Sequence[Scan]) -> Rebuilt:
    """The scans behind a state, in order."""
    records: list[IntervalRecord] = []
    for scan in scans:
        if scan.seq >= state.now.next_seq:
            state, made, _events = step(config, state, scan)
            records.extend(made)
    return Rebuilt(state, tuple(records))


def new_segment(epoch: int, last: IntervalRecord | None) -> RunState:
    """A run that goes on at the next index that its meter shows; its own counters go on if known.

    `epoch`: the new one.
    """
    if last is None:
        return RunState.new(epoch * SEGMENTS_OF_AN_EPOCH)
    segments = [total.segment for total in last.totals]
    booked = (
        *(last.line_main_cm3, last.line_error_cm3, last.line_reverse_cm3),
        *(last.base_main_cm3, last.base_error_cm3),
    )
    counters = Counters(*map(int.__add__, last.carry.counters, booked))
    segment = max((last.carry.segment - 1, *segments)) + 1
    return RunState(Carry(next_seq=0, segment=segment, counters=counters))
