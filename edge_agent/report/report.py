"""A gas day of one run as a clerk's report: its hours, their sum, and all that speaks for them."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from edge_agent.report.read import Told, read_material
from protocols.metering.carry import E9
from protocols.metering.period import PeriodRecord, gas_day_period, hours_of, period_of
from protocols.metering.period_fields import period_fields

if TYPE_CHECKING:
    from pathlib import Path

    from edge_agent.config.model import AgentConfig
    from protocols.metering.run_config import RunConfig


class ReportError(Exception):
    """There is nothing to report; says why, and what there is."""


class Report(NamedTuple):
    """All of it. `day_record` sums the hours; `configs` are those in force in the day, by hash."""

    gateway: str
    site: str
    run: str
    day: date
    zone: str
    start_hour: int
    day_record: PeriodRecord
    hours: tuple[PeriodRecord, ...]
    configs: dict[bytes, RunConfig]
    events: tuple[Told, ...]
    software: str
    untimed: tuple[int, int]
    reached_ms: int

    def known(self, record: PeriodRecord) -> list[RunConfig]:
        """The configurations of one of its periods, as far as they are known, in order of use."""
        return [self.configs[name] for name in record.config_hashes if name in self.configs]


def report_of(config: AgentConfig, journal: Path, run: str, day: date) -> Report:
    """The report. Raises ReportError, ReadFailed and GasDayError."""
    configured = next((one for one in config.runs if one.run == run), None)
    if configured is None:
        names = ", ".join(one.run for one in config.runs)
        raise ReportError(f"no run {run!r} in the configuration; there are: {names}")
    zone, start_hour = configured.zone, configured.gas_day_start_hour
    period = gas_day_period(day, zone, start_hour)
    found = read_material(journal, config.gateway, run, period)
    record = period_of(run, period, found.slices)
    if not record.sums.intervals and not record.complete:
        held = found.held
        what = "it holds none" if held is None else f"the oldest of these begins {held[0]} ms UTC"
        raise ReportError(f"{journal} holds no interval of {run} in the gas day {day}; {what}")
    return Report(
        gateway=config.gateway,
        site=config.site.name,
        run=run,
        day=day,
        zone=zone,
        start_hour=start_hour,
        day_record=record,
        hours=tuple(period_of(run, hour, found.slices) for hour in hours_of(period)),
        configs=found.configs,
        events=found.events,
        software=found.software,
        untimed=found.untimed,
        reached_ms=min(max(one.end_ms for one in found.slices), period.end_ms),
    )


def mean_k_e9(record: PeriodRecord, config: RunConfig) -> int | None:
    """K = (P / Pb) (Tb / T) / C by the period's means, 1e-9: the K that converts it as a whole."""
    means = record.means
    if means is None or not means.c_e9 or not means.t_mk:
        return None
    over = means.p_dpa * config.base_temperature_mk * E9 * E9
    under = config.base_pressure_dpa * means.t_mk * means.c_e9
    return (2 * over + under) // (2 * under)


def as_json(report: Report) -> str:
    """Everything, unrounded."""
    return json.dumps(
        {
            "gateway": report.gateway,
            "site": report.site,
            "run": report.run,
            "gas_day": f"{report.day}",
            "zone": report.zone,
            "gas_day_start_hour": report.start_hour,
            "complete": report.day_record.complete,
            "recorded_to_ms": report.reached_ms,
            "day": _fields(report.day_record, report),
            "hours": [_fields(hour, report) for hour in report.hours],
            "configurations": [
                _configuration(config) for config in report.known(report.day_record)
            ],
            "software": report.software,
            "untimed_intervals": report.untimed[0],
            "untimed_line_cm3": report.untimed[1],
            "events": [event._asdict() for event in report.events],
        },
        indent=2,
        ensure_ascii=False,
    )


def _fields(record: PeriodRecord, report: Report) -> dict[str, object]:
    fields = period_fields(record, report.configs)
    known = report.known(record)
    return fields | {"k_e9": mean_k_e9(record, known[-1]) if known else None}


def _configuration(config: RunConfig) -> dict[str, object]:
    return {
        "hash": config.hash().hex(),
        "meter": config.meter_serial,
        "temporary": config.temporary,
        "pressure": config.pressure.serial,
        "temperature": config.temperature.serial,
        "atmosphere_dpa": config.atmosphere_dpa,
        "method": config.method,
        "gas": config.gas.name,
        "gas_source": config.gas_source.serial if config.gas_source else "",
        "hs_j_m3": config.gas.superior_j_m3,
        "combustion": config.gas.combustion,
        "base_pressure_dpa": config.base_pressure_dpa,
        "base_temperature_mk": config.base_temperature_mk,
        "line_exponent": config.line_exponent,
    }
