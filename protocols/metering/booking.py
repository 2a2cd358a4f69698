"""How an accepted meter scan's movement is booked: into the open interval, or over a gap's many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from protocols.metering.carry import Moment
from protocols.metering.conditions import Conditions
from protocols.metering.index import above_qmax
from protocols.metering.instant import ClockState, Instant
from protocols.metering.interval import MAX_PARTS, IntervalRecord
from protocols.metering.movement import Move, positions_after, reverse_of, share_of
from protocols.metering.quality import Flag
from protocols.metering.run_config import Role, RunConfig
from protocols.metering.run_state import RunState
from protocols.metering.scan import Scan
from protocols.metering.tally import Portion, Span, Tally, add, go_on, is_full, seal
from protocols.metering.timeline import Elapsed, Mark, is_over, marks_between


class Passage(NamedTuple):
    """What one accepted meter scan brings: movements since `reference`, and their P, T, Z, C."""

    scan: Scan
    reference: Instant
    moved: tuple[Move, ...]
    elapsed: Elapsed
    at: Conditions


def is_gap(config: RunConfig, passage: Passage) -> bool:
    """Too long without a meter scan for P and T of its end to speak for it."""
    return not passage.elapsed.certain or passage.elapsed.ms > config.stale_ms


def is_over_qmax(config: RunConfig, passage: Passage) -> bool:
    """Flow above Qmax, though still possible."""
    elapsed = passage.elapsed
    return elapsed.certain and any(
        above_qmax(move.counts, config.qmax_l_h, elapsed.ms, config.count_cm3)
        for move in passage.moved
        if move.total.role is Role.LINE
    )


def book(
    config: RunConfig, state: RunState, passage: Passage
) -> tuple[RunState, tuple[IntervalRecord, ...]]:
    """The state after the passage, and the records of the intervals that ended with it.

    A gap over whole intervals is split by time, one record each. The polls of the gap are all in
    the first of them. A passage that does not fit into the open interval's record has its own.
    """
    opening, tally, carry = state.opening, state.tally, state.now
    assert opening is not None
    assert tally is not None
    assert opening.reference is not None
    start, end = opening.reference, passage.scan.instant
    marks = _marks(config, start, passage)
    if not _fits(tally, passage):
        first = Mark(passage.reference, 0, marks[-1].whole if marks else 1)
        marks = (first, *marks[2 - MAX_PARTS :])
    parts, telemetry_end = len(marks) + 1, carry.next_seq
    records: list[IntervalRecord] = []
    for part, portion in enumerate(_portions(config, passage, marks)):
        tally, carry = add(config, tally, carry, portion, passage.at)
        if part < len(marks):
            span = Span(start, marks[part].instant, part, parts)
            records.append(seal(config, opening, tally, span, telemetry_end))
            start, tally = marks[part].instant, go_on(tally)
    carry = positions_after(config, carry, passage.scan, passage.moved)
    over = is_over(start, end, config.interval_ms) or is_full(tally)
    # A clock that keeps being set back does not keep the interval open.
    over = over or tally.elapsed_ms >= 2 * config.interval_ms
    if parts == 1 and not over:
        return replace(state, now=carry, tally=tally), ()
    span = Span(start, end, parts - 1, parts)
    records.append(seal(config, opening, tally, span, telemetry_end))
    return state.opened(carry), tuple(records)


def _fits(tally: Tally, passage: Passage) -> bool:
    """With the passage every total has still made less than a turn: its indexes prove the law."""
    made = {(total.point, total.segment): total.main + total.error for total in tally.totals}
    return all(
        made.get(move.position[:2], 0) + move.counts < move.total.modulus for move in passage.moved
    )


def _marks(config: RunConfig, start: Instant, passage: Passage) -> tuple[Mark, ...]:
    if not is_gap(config, passage):
        return ()
    limits = (config.interval_ms, config.stale_ms)
    return marks_between(start, passage.reference, passage.scan.instant, passage.elapsed, limits)


def _portions(config: RunConfig, passage: Passage, marks: tuple[Mark, ...]) -> Iterator[Portion]:
    """The passage's shares between the marks; all of it where there is none."""
    in_gap = is_gap(config, passage)
    flags, last_flags = _flags(config, passage)
    whole = marks[-1].whole if marks else 1
    before = 0
    scanned = passage.scan.instant
    ends = (*(mark.instant for mark in marks), scanned)
    for after, end in zip((*(mark.share for mark in marks), whole), ends, strict=True):
        moves = tuple(share_of(move, before, after, whole) for move in passage.moved)
        ms = passage.elapsed.ms
        elapsed_ms = ms * after // whole - ms * before // whole
        flags_here = flags | last_flags if after == whole else flags
        yield Portion(moves, elapsed_ms, Moment(end.boot_no, end.mono_ms), in_gap, flags_here)
        before = after


def _flags(config: RunConfig, passage: Passage) -> tuple[Flag, Flag]:
    """What holds for all of the passage, and what belongs to its end only."""
    flags, last = Flag(0), Flag(0)
    if is_gap(config, passage):
        flags |= Flag.GAP | Flag.ESTIMATED
    if is_over_qmax(config, passage):
        flags |= Flag.OVER_QMAX
    if passage.scan.instant.clock_state != ClockState.SYNCHRONISED:
        flags |= Flag.CLOCK_UNSYNCHRONISED
    if any(move.quarantined for move in passage.moved):
        last |= Flag.INDEX_JUMP
    if any(move.restart is not None for move in passage.moved):
        last |= Flag.NEW_SEGMENT
    if reverse_of(passage.moved):
        last |= Flag.REVERSE_FLOW
    return flags, last
