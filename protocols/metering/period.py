"""Hour and gas-day records (API MPMS 21.1: hourly and daily QTR): sums of interval records.

An interval belongs to the period in which it begins: it ends with the first scan at or after its
boundary, so by its end the last of a day would count for the next. Means are weighted with the time
in which gas flowed, because only what flows is converted; Cf with line volume (Vc = Vm Cf). All is
kept as integer sums, so hours add up to their day exactly, however the time is cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple

from protocols.metering.carry import Counters
from protocols.metering.energy import MICRO
from protocols.metering.gas_day import gas_day_bounds
from protocols.metering.interval import TotalRecord
from protocols.metering.period_slice import ESTIMATED, SUBSTITUTED, Slice
from protocols.metering.run_config import RunConfig

HOUR_MS: Final = 3_600_000


class PeriodKind(StrEnum):
    """What a period is one of."""

    HOUR = "hour"
    GAS_DAY = "gas_day"


class Period(NamedTuple):
    """From its first instant to the next period's, UTC ms."""

    kind: PeriodKind
    start_ms: int
    end_ms: int


class Means(NamedTuple):
    """P in 0.1 Pa absolute, T in mK, Z, C and Cf in 1e-9."""

    p_dpa: int
    t_mk: int
    z_e9: int
    c_e9: int
    cf_e9: int


class Sums(NamedTuple):
    """What adds up. Volumes in cm3, energy in uJ; `*_sum` are weighted sums of the means.

    `unvalued_cm3`: base volume without a heating value in force, so in no energy. `estimated_ms`
    and `substituted_ms`: time of the intervals that have any volume of that kind.
    """

    intervals: int = 0
    line_main_cm3: int = 0
    line_error_cm3: int = 0
    line_reverse_cm3: int = 0
    base_main_cm3: int = 0
    base_error_cm3: int = 0
    energy_main_uj: int = 0
    energy_error_uj: int = 0
    unvalued_cm3: int = 0
    p_sum: int = 0
    t_sum: int = 0
    z_sum: int = 0
    c_sum: int = 0
    cf_sum: int = 0
    flow_time_ms: int = 0
    elapsed_ms: int = 0
    polls: int = 0
    polls_failed: int = 0
    estimated_ms: int = 0
    substituted_ms: int = 0


@dataclass(frozen=True, slots=True)
class PeriodRecord:
    """One hour or gas day of one run.

    `complete`: an interval has ended at or after its end. `missing_ms`: what of it no interval
    covers, up to the newest end. `last`: the means of its last interval. Heating values in J/m3,
    configuration hashes in the order of
    their use. `opening`, `closing`: the run's own
    counters, None without an interval or where they are not known. `totals`: the device's totals,
    by point and segment.
    """

    run: str
    period: Period
    complete: bool
    missing_ms: int
    sums: Sums
    flags: int
    last: Means | None
    heating_values: tuple[int, ...]
    config_hashes: tuple[bytes, ...]
    opening: Counters | None
    closing: Counters | None
    totals: tuple[TotalRecord, ...]

    @property
    def means(self) -> Means | None:
        """Weighted and rounded half up; with no flow those of the last interval."""
        if self.last is None:
            return None
        sums, flow_ms = self.sums, self.sums.flow_time_ms
        line = sums.line_main_cm3 + sums.line_error_cm3
        return Means(
            _mean(sums.p_sum, flow_ms, self.last.p_dpa),
            _mean(sums.t_sum, flow_ms, self.last.t_mk),
            _mean(sums.z_sum, flow_ms, self.last.z_e9),
            _mean(sums.c_sum, flow_ms, self.last.c_e9),
            _mean(sums.cf_sum, line, self.last.cf_e9),
        )

    @property
    def energy_main_j(self) -> int:
        """Whole joules of the main base volume; what is less stays in the sum."""
        return self.sums.energy_main_uj // MICRO

    @property
    def energy_error_j(self) -> int:
        """Whole joules of the error base volume."""
        return self.sums.energy_error_uj // MICRO

    def methods(self, configs: Mapping[bytes, RunConfig]) -> tuple[str, ...]:
        """Conversion methods in the order of their use, of the configurations that are known."""
        known = (configs[name].method for name in self.config_hashes if name in configs)
        return tuple(dict.fromkeys(known))

    def indexes(self, point: str) -> tuple[int, int] | None:
        """A total's first and last index; over several segments those of the outer ones."""
        own = [total for total in self.totals if total.point == point]
        return (own[0].start, own[-1].end) if own else None


def gas_day_period(day: date, zone: str, start_hour: int) -> Period:
    """The gas day; raises GasDayError."""
    return Period(PeriodKind.GAS_DAY, *gas_day_bounds(day, zone, start_hour))


def hours_of(period: Period) -> list[Period]:
    """Hours from the period's first instant on: 23 or 25 where the clock changes.

    The last is shorter where a zone shifts by half an hour.
    """
    starts = range(period.start_ms, period.end_ms, HOUR_MS)
    return [Period(PeriodKind.HOUR, start, min(start + HOUR_MS, period.end_ms)) for start in starts]


def period_of(
    run: str, period: Period, slices: Sequence[Slice], newest_ms: int | None = None
) -> PeriodRecord:
    """The record of one period, from the run's intervals in the order of its log.

    Those around the period are welcome: they cover its edges and tell whether it is over.
    `newest_ms`: the end of the run's newest interval, where that is far behind the period.
    """
    inside = [one for one in slices if period.start_ms <= one.begin_ms < period.end_ms]
    reached_ms = max((one.end_ms for one in slices), default=period.start_ms)
    reached_ms = max(reached_ms, newest_ms or 0)
    flags = 0
    for one in inside:
        flags |= one.flags
    return PeriodRecord(
        run=run,
        period=period,
        complete=reached_ms >= period.end_ms,
        missing_ms=_missing_ms(period.start_ms, min(period.end_ms, reached_ms), slices),
        sums=added(_sums(one) for one in inside),
        flags=flags,
        last=_means_of(inside[-1]) if inside else None,
        heating_values=tuple(dict.fromkeys(one.hs_j_m3 for one in inside if one.hs_j_m3)),
        config_hashes=tuple(dict.fromkeys(one.config_hash for one in inside)),
        opening=inside[0].opening if inside else None,
        closing=inside[-1].closing if inside else None,
        totals=_joined_totals(total for one in inside for total in one.totals),
    )


def joined(kind: PeriodKind, parts: Sequence[PeriodRecord]) -> PeriodRecord:
    """Adjacent periods as one. Raises ValueError where they are none, or do not adjoin."""
    if not parts or any(a.period.end_ms != b.period.start_ms for a, b in pairwise(parts)):
        raise ValueError("the parts of a period must follow each other, at least one")
    used = [part for part in parts if part.sums.intervals]
    flags = 0
    for part in parts:
        flags |= part.flags
    return PeriodRecord(
        run=parts[0].run,
        period=Period(kind, parts[0].period.start_ms, parts[-1].period.end_ms),
        complete=parts[-1].complete,
        missing_ms=sum(part.missing_ms for part in parts),
        sums=added(part.sums for part in parts),
        flags=flags,
        last=used[-1].last if used else None,
        heating_values=tuple(dict.fromkeys(hs for part in parts for hs in part.heating_values)),
        config_hashes=tuple(dict.fromkeys(name for part in parts for name in part.config_hashes)),
        opening=used[0].opening if used else None,
        closing=used[-1].closing if used else None,
        totals=_joined_totals(total for part in parts for total in part.totals),
    )


def added(parts: Iterable[Sums]) -> Sums:
    """Field by field."""
    columns = list(zip(*parts, strict=True))
    return Sums(*map(sum, columns)) if columns else Sums()


def _sums(one: Slice) -> Sums:
    base, flow_ms = one.base_main_cm3 + one.base_error_cm3, one.flow_time_ms
    return Sums(
        intervals=1,
        line_main_cm3=one.line_main_cm3,
        line_error_cm3=one.line_error_cm3,
        line_reverse_cm3=one.line_reverse_cm3,
        base_main_cm3=one.base_main_cm3,
        base_error_cm3=one.base_error_cm3,
        energy_main_uj=one.base_main_cm3 * one.hs_j_m3,
        energy_error_uj=one.base_error_cm3 * one.hs_j_m3,
        unvalued_cm3=0 if one.hs_j_m3 else base,
        p_sum=one.p_dpa * flow_ms,
        t_sum=one.t_mk * flow_ms,
        z_sum=one.z_e9 * flow_ms,
        c_sum=one.c_e9 * flow_ms,
        cf_sum=one.cf_e9 * (one.line_main_cm3 + one.line_error_cm3),
        flow_time_ms=flow_ms,
        elapsed_ms=one.elapsed_ms,
        polls=one.polls,
        polls_failed=one.polls_failed,
        estimated_ms=one.elapsed_ms if one.flags & ESTIMATED else 0,
        substituted_ms=one.elapsed_ms if one.flags & SUBSTITUTED else 0,
    )


def _means_of(one: Slice) -> Means:
    return Means(one.p_dpa, one.t_mk, one.z_e9, one.c_e9, one.cf_e9)


def _mean(weighted_sum: int, weight: int, otherwise: int) -> int:
    return (2 * weighted_sum + weight) // (2 * weight) if weight else otherwise


def _missing_ms(start_ms: int, end_ms: int, slices: Sequence[Slice]) -> int:
    """What of start..end lies in no interval, whichever period the interval belongs to."""
    missing, reached = 0, start_ms
    for one in sorted(slices, key=lambda one: one.begin_ms):
        if one.begin_ms >= end_ms:
            break
        missing += max(one.begin_ms - reached, 0)
        reached = max(reached, one.end_ms)
    return missing + max(end_ms - reached, 0)


def _joined_totals(totals: Iterable[TotalRecord]) -> tuple[TotalRecord, ...]:
    """One record a point and segment: the first start, the last end, sums of what was booked."""
    found: dict[tuple[str, int], TotalRecord] = {}
    for total in totals:
        key = (total.point, total.segment)
        before = found.get(key)
        found[key] = total if before is None else _joined_total(before, total)
    return tuple(found.values())


def _joined_total(before: TotalRecord, after: TotalRecord) -> TotalRecord:
    return before._replace(
        end=after.end,
        main=before.main + after.main,
        error=before.error + after.error,
        quarantined=before.quarantined + after.quarantined,
        reverse=before.reverse + after.reverse,
    )
