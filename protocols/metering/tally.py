"""The open interval of one run: what its scans have added up to so far."""

from __future__ import annotations

from operator import add as add_int
from typing import NamedTuple

from protocols.metering.body import Body, Fields
from protocols.metering.carry import E9, Carry, Counters, Moment
from protocols.metering.conditions import Conditions, conditions_at
from protocols.metering.flow import (
    corrected_factor_e9,
    correction_e9,
    flow_l_h,
    flow_time_ms,
    hold_ms,
)
from protocols.metering.index import above_qmax
from protocols.metering.instant import Instant
from protocols.metering.interval import (
    ALGORITHM,
    MAX_SEGMENTS,
    IntervalRecord,
    TotalRecord,
    parse_total,
)
from protocols.metering.movement import LINE_ROLES, Move, record_move
from protocols.metering.quality import Flag
from protocols.metering.run_config import Role, RunConfig


class Tally(NamedTuple):
    """Sums of the open interval; `*_sum` are weighted with the ms in which gas flowed.

    Volumes in cm3, `cf_sum` weighted with line volume; `last`: P, T, Z, C and Hs of the last scan
    in 0.1 Pa, mK, 1e-9, 1e-9 and J/m3, or None before the first.
    """

    totals: tuple[TotalRecord, ...]
    line_main_cm3: int = 0
    line_error_cm3: int = 0
    line_reverse_cm3: int = 0
    base_main_cm3: int = 0
    base_error_cm3: int = 0
    p_sum: int = 0
    t_sum: int = 0
    z_sum: int = 0
    c_sum: int = 0
    cf_sum: int = 0
    flow_time_ms: int = 0
    elapsed_ms: int = 0
    polls: int = 0
    polls_failed: int = 0
    flags: int = 0
    last: tuple[int, int, int, int, int] | None = None

    def to_body(self) -> Body:
        return (tuple(total.to_body() for total in self.totals), *self[1:])


class Portion(NamedTuple):
    """One scan's movement, or the share of it that falls into one interval of a gap.

    `end`: when it was over, as far as the monotonic clock knows.
    """

    moves: tuple[Move, ...]
    elapsed_ms: int
    end: Moment
    in_gap: bool
    flags: int


def begin(carry: Carry) -> Tally:
    """The empty tally of an interval that opens with this carry."""
    return Tally(
        tuple(
            TotalRecord(point, segment, index, index, 0, 0, 0)
            for point, segment, index in carry.positions
        )
    )


def go_on(tally: Tally) -> Tally:
    """The empty tally of the next interval, in the middle of a gap."""
    newest = {total.point: total for total in tally.totals}
    return Tally(
        tuple(TotalRecord(t.point, t.segment, t.end, t.end, 0, 0, 0) for t in newest.values())
    )


def is_full(tally: Tally) -> bool:
    """No room for the segments of one more scan: an index that keeps resetting."""
    return len(tally.totals) >= MAX_SEGMENTS


class _Volumes(NamedTuple):
    """Line volume of one portion, in counts."""

    main: int
    error: int
    reverse: int


def add(
    config: RunConfig, tally: Tally, carry: Carry, portion: Portion, at: Conditions
) -> tuple[Tally, Carry]:
    """The tally with one more portion, and the carry with the new remainders and counters.

    Line volume goes to error in a gap, and where P, T, gas or Z is not measured; the device's own
    error totals always do, its base total only in a gap, because it is converted by the device
    itself.
    """
    totals, volumes = _sorted(tally.totals, portion, at)
    main, error, reverse = (counts * config.count_cm3 for counts in volumes)
    counts = volumes.main + volumes.error
    hold = hold_ms(config.count_cm3, config.qmin_l_h)
    idle_ms = _idle_ms(carry, portion)
    flow_ms = flow_time_ms(counts, portion.elapsed_ms, idle_ms, hold)
    flow = flow_l_h(main + error, portion.elapsed_ms, idle_ms, hold)
    cf_e9 = correction_e9(config.error_curve, flow, (config.qmin_l_h, config.qmax_l_h))
    factor_e9 = corrected_factor_e9(at.c_e9, cf_e9)
    base_main, main_remainder = divmod(main * factor_e9 + carry.main_remainder, E9)
    base_error, error_remainder = divmod(error * factor_e9 + carry.error_remainder, E9)
    flags = tally.flags | portion.flags | at.flags
    if counts and flow < config.qmin_l_h:
        flags |= Flag.UNDER_QMIN
    tally = tally._replace(
        totals=totals,
        line_main_cm3=tally.line_main_cm3 + main,
        line_error_cm3=tally.line_error_cm3 + error,
        line_reverse_cm3=tally.line_reverse_cm3 + reverse,
        base_main_cm3=tally.base_main_cm3 + base_main,
        base_error_cm3=tally.base_error_cm3 + base_error,
        p_sum=tally.p_sum + at.p_dpa * flow_ms,
        t_sum=tally.t_sum + at.t_mk * flow_ms,
        z_sum=tally.z_sum + at.z_e9 * flow_ms,
        c_sum=tally.c_sum + at.c_e9 * flow_ms,
        cf_sum=tally.cf_sum + cf_e9 * (main + error),
        flow_time_ms=tally.flow_time_ms + flow_ms,
        elapsed_ms=tally.elapsed_ms + portion.elapsed_ms,
        flags=int(flags),
        last=at.shown,
    )
    added = Counters(main, error, reverse, base_main, base_error)
    return tally, carry._replace(
        main_remainder=main_remainder,
        error_remainder=error_remainder,
        counters=Counters(*map(add_int, carry.counters, added)),
        flowed=portion.end if counts else carry.flowed,
    )


def _sorted(
    totals: tuple[TotalRecord, ...], portion: Portion, at: Conditions
) -> tuple[tuple[TotalRecord, ...], _Volumes]:
    """Every total's movement into its record, and what of it is the run's line volume."""
    main = error = reverse = 0
    for move in portion.moves:
        role = move.total.role
        is_line = role in LINE_ROLES
        in_error = portion.in_gap or role in (Role.LINE_ERROR, Role.BASE_ERROR)
        in_error = in_error or (is_line and at.flags != 0)
        totals = record_move(totals, move, in_error)
        if is_line:
            main += 0 if in_error else move.counts
            error += move.counts if in_error else 0
            reverse += move.reverse
        elif role is Role.LINE_REVERSE:
            reverse += move.counts
    return totals, _Volumes(main, error, reverse)


def _idle_ms(carry: Carry, portion: Portion) -> int | None:
    """From the last count to the end of the portion, where one clock tells it."""
    flowed = carry.flowed
    if flowed is None or flowed.boot_no != portion.end.boot_no:
        return None
    return max(portion.end.mono_ms - flowed.mono_ms, portion.elapsed_ms)


class Span(NamedTuple):
    """Which record of how many, and the time that it covers."""

    start: Instant
    end: Instant
    part: int = 0
    parts: int = 1


def seal(
    config: RunConfig, opening: Carry, tally: Tally, span: Span, telemetry_end: int
) -> IntervalRecord:
    """The interval record of a tally; without any scan it shows the conditions it began with."""
    shown = tally.last or conditions_at(config, opening, span.start).shown
    p_dpa, t_mk, z_e9, c_e9, hs_j_m3 = shown
    flow_ms = tally.flow_time_ms
    flags = tally.flags
    flags |= Flag.TEMPORARY_METER if config.temporary else 0
    flags |= Flag.POLLS_FAILED if tally.polls_failed else 0
    flags |= 0 if flow_ms else Flag.NO_FLOW
    flags |= Flag.OVER_QMAX if _is_over_qmax(config, tally) else 0
    return IntervalRecord(
        run=config.run,
        config_hash=config.hash(),
        algorithm=ALGORITHM,
        carry=opening,
        telemetry_end=telemetry_end,
        part=span.part,
        parts=span.parts,
        start=span.start,
        end=span.end,
        totals=tally.totals,
        line_main_cm3=tally.line_main_cm3,
        line_error_cm3=tally.line_error_cm3,
        line_reverse_cm3=tally.line_reverse_cm3,
        base_main_cm3=tally.base_main_cm3,
        base_error_cm3=tally.base_error_cm3,
        p_dpa=_mean(tally.p_sum, flow_ms, p_dpa),
        t_mk=_mean(tally.t_sum, flow_ms, t_mk),
        z_e9=_mean(tally.z_sum, flow_ms, z_e9),
        c_e9=_mean(tally.c_sum, flow_ms, c_e9),
        cf_e9=_mean(tally.cf_sum, tally.line_main_cm3 + tally.line_error_cm3, E9),
        hs_j_m3=hs_j_m3,
        flow_time_ms=flow_ms,
        elapsed_ms=tally.elapsed_ms,
        polls=tally.polls,
        polls_failed=tally.polls_failed,
        flags=int(flags),
    )


def _is_over_qmax(config: RunConfig, tally: Tally) -> bool:
    """Flow above Qmax over the whole interval: with coarse counts no single scan shows it."""
    if tally.flags & Flag.GAP:
        return False  # how long it took may not be known; the passage was judged by itself
    counts = sum(t.main + t.error for t in tally.totals if t.point == config.line.point)
    return above_qmax(counts, config.qmax_l_h, tally.elapsed_ms, config.count_cm3)


def _mean(weighted_sum: int, weight: int, otherwise: int) -> int:
    """Rounded half up; without any weight, the other value."""
    return (2 * weighted_sum + weight) // (2 * weight) if weight else otherwise


def parse_tally(body: object) -> Tally:
    """The strict inverse of `Tally.to_body`; raises BodyError."""
    fields = Fields("tally", body, 17)
    totals = tuple(parse_total(item) for item in fields.items("totals", 2 * MAX_SEGMENTS))
    # Weighted sums of a long interval may pass 64 bits; they never leave the gateway.
    numbers = {name: fields.integer(name, 0, 2**127) for name in Tally._fields[1:16]}
    last = fields.item()
    return Tally(totals, **numbers, last=None if last is None else _last(last))


def _last(body: object) -> tuple[int, int, int, int, int]:
    fields = Fields("tally.last", body, 5)
    integer = fields.integer
    return (
        integer("p_dpa"), integer("t_mk"), integer("z_e9"), integer("c_e9"), integer("hs_j_m3"),
    )  # fmt: skip
