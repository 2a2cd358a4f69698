"""The pipeline of one meter run: scans in, interval records and events out; pure.

An increment belongs to the interval of its later scan; an interval ends with the first good meter
scan at or after its boundary, and the next one opens there. Whoever has the configuration, the
record's opening carry and its scans makes the same record again: `recompute`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import NamedTuple

from protocols.metering.booking import Passage, book
from protocols.metering.carry import Analysis, Carry
from protocols.metering.conditions import conditions_at, same_gas, sense
from protocols.metering.deviation import base_points, gathered, judged, noticed
from protocols.metering.events import (
    CONVERSION_DEVIATES,
    FLOW_ABOVE_QMAX,
    INDEX_HELD,
    MeterEvent,
    condition_alarms,
    condition_events,
    gas_event,
    movement_events,
    scan_fault,
    stays_over_qmax,
)
from protocols.metering.instant import Instant
from protocols.metering.interval import ALGORITHM, IntervalRecord
from protocols.metering.movement import line_is_plausible, moves, positions_after
from protocols.metering.quality import Flag, is_good
from protocols.metering.run_config import RunConfig
from protocols.metering.run_state import RunState
from protocols.metering.scan import Scan
from protocols.metering.tally import Span, seal
from protocols.metering.timeline import HOLD_LIMIT_MS, elapsed_between, since_boot

__all__ = [
    "Agrees",
    "Differs",
    "MeterEvent",
    "Replay",
    "RunState",
    "Step",
    "close",
    "compare",
    "recompute",
    "replay",
    "step",
]


class Step(NamedTuple):
    """The state after a scan, and what became known by it."""

    state: RunState
    records: tuple[IntervalRecord, ...] = ()
    events: tuple[MeterEvent, ...] = ()


class Agrees(NamedTuple):
    """The record follows from its scans; `carry` must be the opening carry of the next record."""

    carry: Carry


class Differs(NamedTuple):
    """The first field that does not follow from the scans."""

    field: str
    recorded: object
    recomputed: object


class Replay(NamedTuple):
    """What a range of scans makes again, and the carry after it."""

    records: tuple[IntervalRecord, ...]
    carry: Carry


def step(config: RunConfig, state: RunState, scan: Scan) -> Step:
    """One scan of any device, in order of `seq`; those of other runs change nothing."""
    if scan.serial not in config.serials:
        return Step(state)
    sensed = sense(config, state.now, scan)
    if not same_gas(state.now, sensed) and sensed.gas is not None:
        return _under_new_gas(config, state, scan, sensed.gas)
    return _sensed(config, replace(state, now=sensed), scan)


def _under_new_gas(config: RunConfig, state: RunState, scan: Scan, gas: Analysis) -> Step:
    """An interval has one gas: it closes before the scan that brings another, if it has a poll."""
    closed = close(config, state) if state.was_polled else Step(state)
    changed = gas_event(config, state.now.gas, gas)
    now = sense(config, closed.state.now, scan)
    taken = _sensed(config, replace(closed.state, now=now), scan)
    return Step(
        taken.state, (*closed.records, *taken.records), (*closed.events, changed, *taken.events)
    )


def _sensed(config: RunConfig, state: RunState, scan: Scan) -> Step:
    """After a scan's P, T and gas are remembered: what it says of the meter."""
    if scan.serial != config.meter_serial:
        return Step(state)
    if not is_good(scan.quality):
        return Step(state.counted(failed=True))
    if fault := scan_fault(config, scan):
        return _alarmed(config, state.counted(failed=True), fault)
    reference = state.now.reference
    if reference is None:
        return _first(config, state, scan)
    return _accept(config, state.counted(failed=False), scan, reference)


def close(config: RunConfig, state: RunState) -> Step:
    """Close the open interval at the last accepted meter scan: before a stop or a new config.

    Without any scan of the run since it opened there is nothing to record.
    """
    opening, tally, end = state.opening, state.tally, state.now.reference
    if opening is None or tally is None or opening.reference is None or end is None:
        return Step(state)
    if state.now.next_seq == opening.next_seq:
        return Step(state)
    tally = tally._replace(flags=int(tally.flags | Flag.PARTIAL))
    record = seal(config, opening, tally, Span(opening.reference, end), state.now.next_seq)
    compared = gathered(config, state.compared, (record,))
    return Step(replace(state.opened(state.now), compared=compared), (record,))


def recompute(config: RunConfig, record: IntervalRecord, scans: Iterable[Scan]) -> Agrees | Differs:
    """Make the record again from `record.carry` and its scans, and compare every field.

    `scans` may hold others; those of the record's telemetry range count. The method's arithmetic
    is the same to the last bit everywhere (see sgerg88.py), so there is no tolerance.
    """
    for field, recorded, known in (
        ("algorithm", record.algorithm, ALGORITHM),
        ("run", record.run, config.run),
        ("config_hash", record.config_hash, config.hash()),
    ):
        if recorded != known:
            return Differs(field, recorded, known)
    return compare(record, replay(config, record.carry, record.telemetry_end, scans))


def replay(config: RunConfig, carry: Carry, telemetry_end: int, scans: Iterable[Scan]) -> Replay:
    """The records that one interval's scans make, in the range from the carry to `telemetry_end`.

    A gap's many records come from one range: whoever compares them all replays it once.
    """
    state = RunState.resume(carry)
    span = range(carry.next_seq, telemetry_end)
    for scan in sorted((scan for scan in scans if scan.seq in span), key=lambda scan: scan.seq):
        state, records, _events = step(config, state, scan)
        if records:
            return Replay(records, state.now)
    state, records, _events = close(config, state)
    return Replay(records, state.now)


def compare(record: IntervalRecord, again: Replay) -> Agrees | Differs:
    """Whether the record is the one that its replay made."""
    if record.parts != len(again.records):
        return Differs("parts", record.parts, len(again.records))
    for field in fields(IntervalRecord):
        recorded = getattr(record, field.name)
        recomputed = getattr(again.records[record.part], field.name)
        if recorded != recomputed:
            return Differs(field.name, recorded, recomputed)
    return Agrees(again.carry)


def _alarmed(config: RunConfig, state: RunState, alarms: dict[str, str]) -> Step:
    """A meter scan that was not evaluated to the end: what was on before stays on."""
    events, conditions = condition_events(config, state.conditions, alarms, partly=True)
    return Step(replace(state, conditions=conditions), events=events)


def _first(config: RunConfig, state: RunState, scan: Scan) -> Step:
    """The first good meter scan moves nothing: it is where the first interval opens."""
    moved = moves(config, state.now, scan, 0)
    state = state.opened(positions_after(config, state.now, scan, moved))
    events, conditions = condition_events(config, state.conditions, {})
    return Step(replace(state, conditions=conditions), events=events)


def _accept(config: RunConfig, state: RunState, scan: Scan, reference: Instant) -> Step:
    """A good meter scan: its movement is held, or booked into one interval or over several."""
    elapsed = elapsed_between(reference, scan.instant)
    moved = moves(config, state.now, scan, elapsed.ms)
    if not (elapsed.certain or line_is_plausible(moved)):
        elapsed = since_boot(scan.instant)
        moved = moves(config, state.now, scan, elapsed.ms)
    held = not (elapsed.certain or line_is_plausible(moved))
    if held and elapsed.ms < HOLD_LIMIT_MS:
        return _alarmed(config, state, {INDEX_HELD: "no clock tells how long the box was off"})
    passage = Passage(
        scan, reference, moved, elapsed, conditions_at(config, state.now, scan.instant)
    )
    alarms = condition_alarms(config, passage)
    before = state.conditions
    state, records = book(config, state, passage)
    compared = gathered(config, noticed(config, state.compared, moved), records)
    verdict = None
    if records:
        compared, verdict = judged(config, compared, passage.at.c_e9)
    if verdict is None and base_points(config) and CONVERSION_DEVIATES in before:
        alarms[CONVERSION_DEVIATES] = ""
    if verdict is not None and not verdict.agrees:
        alarms[CONVERSION_DEVIATES] = verdict.detail
    if stays_over_qmax(before, records):
        detail = f"more than {config.qmax_l_h} l/h over an interval; it is counted"
        alarms.setdefault(FLOW_ABOVE_QMAX, detail)
    events, conditions = condition_events(config, before, alarms)
    state = replace(state, conditions=conditions, compared=compared)
    return Step(state, records, (*movement_events(config, passage), *events))
