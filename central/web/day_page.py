"""One gas day of a run, hour by hour: what its page shows."""

from collections.abc import Mapping
from datetime import date, timedelta, tzinfo
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from central.ledger.gas_days import Calendar, events_within, gas_day_hours
from central.web import numbers
from central.web.instants import moment
from protocols.metering.energy import J_PER_KWH, MICRO
from protocols.metering.period import PeriodRecord
from protocols.metering.period_fields import line_indexes, quarantined_cm3
from protocols.metering.run_config import RunConfig

EVENT_ROWS: Final = 200
_UJ_PER_WH: Final = J_PER_KWH * MICRO // 1000


class Row(NamedTuple):
    """An hour, or the day: its label, its record, and its line index in m3 as the meter shows it.

    The texts are empty where there is no index.
    """

    label: str
    record: PeriodRecord
    index_start: str
    index_end: str
    edited: int


def day_context(
    conn: Connection, gateway: str, run: str, calendar: Calendar, day: date, zone: tzinfo
) -> dict[str, Any]:
    """What the template needs of the day. Raises TooManyIntervals and GasDayError."""
    _, whole, found = gas_day_hours(conn, gateway, run, calendar, day)
    labels = hour_labels([record.period.start_ms for record in found.records], zone)
    hours = [
        _row(label, record, edited, found.configs)
        for label, record, edited in zip(labels, found.records, found.edited, strict=True)
        if record.sums.intervals or record.missing_ms
    ]
    known = [found.configs[name] for name in whole.config_hashes if name in found.configs]
    return {
        "day": day,
        "before": day - timedelta(days=1) if day > date.min else None,
        "after": day + timedelta(days=1) if whole.complete else None,
        "whole": _row("", whole, sum(found.edited), found.configs),
        "hours": hours,
        "configs": known,
        "events": events_within(conn, gateway, run, whole.period, EVENT_ROWS),
        "quarantined_cm3": quarantined_cm3(whole, found.configs),
        "valued": bool(whole.heating_values),
        "down_ms": down_ms,
    }


def down_ms(record: PeriodRecord) -> int:
    """Time that nobody measured: no interval, or only a volume shared out by time."""
    return record.missing_ms + record.sums.estimated_ms


def hour_labels(starts_ms: list[int], zone: tzinfo) -> list[str]:
    """The wall clock at each hour's beginning; an hour that comes twice is A, then B."""
    shown = []
    for start_ms in starts_ms:
        at = moment(start_ms, zone)
        shown.append("" if at is None else f"{at:%H:%M}")
    seen: set[str] = set()
    labels = []
    for label in shown:
        twice = shown.count(label) > 1
        labels.append(f"{label} {'B' if label in seen else 'A'}" if twice else label)
        seen.add(label)
    return labels


def index_m3(record: PeriodRecord, configs: Mapping[bytes, RunConfig]) -> tuple[str, str]:
    """The line index at both ends, in m3 with the meter's own decimals; empty where unknown."""
    found = line_indexes(record, configs)
    if found is None:
        return "", ""
    known = [configs[name] for name in record.config_hashes if name in configs]
    return _in_m3(found[0], known[0]), _in_m3(found[1], known[-1])


def energy_kwh(uj: int) -> str:
    """For a page: kWh to 0.001, from microjoules, half to even, thousands set off."""
    watt_hours, rest = divmod(abs(uj), _UJ_PER_WH)
    if 2 * rest > _UJ_PER_WH or (2 * rest == _UJ_PER_WH and watt_hours % 2 == 1):
        watt_hours += 1
    return numbers.rounded(-watt_hours if uj < 0 else watt_hours, 3, 3)


def energy_mj(uj: int) -> str:
    """For a page: MJ to 0.001."""
    return numbers.rounded(uj, 12, 3)


def _row(label: str, record: PeriodRecord, edited: int, configs: Mapping[bytes, RunConfig]) -> Row:
    return Row(label, record, *index_m3(record, configs), edited)


def _in_m3(counts: int, config: RunConfig) -> str:
    exponent = config.line_exponent
    return numbers.exact(counts * 10 ** max(exponent, 0), max(-exponent, 0))
