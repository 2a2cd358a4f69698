"""A meter run to test with: its configuration, and a feed that makes scans of its devices."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from protocols.metering.gas import Gas
from protocols.metering.instant import ClockState, Instant
from protocols.metering.interval import IntervalRecord
from protocols.metering.quality import Quality
from protocols.metering.run import (
    Agrees,
    MeterEvent,
    Replay,
    RunState,
    close,
    compare,
    recompute,
    replay,
    step,
)
from protocols.metering.run_config import Role, RunConfig, Source, Total
from protocols.metering.scan import Scan

START_UTC_MS = 1_790_000_100_000  # a multiple of five minutes
MINUTE, HOUR = 60_000, 3_600_000
MODULUS = 10**6

CONFIG = RunConfig(
    run="R1",
    meter_serial="M1",
    totals=(
        Total("vm", Role.LINE, MODULUS),
        Total("vm_err", Role.LINE_ERROR, MODULUS),
        Total("vb", Role.BASE, MODULUS),
        Total("vb_err", Role.BASE_ERROR, MODULUS),
    ),
    line_exponent=-3,
    base_exponent=-3,
    line_exponent_point="resolution_vm",
    base_exponent_point="",
    qmax_l_h=1_000_000,
    pressure=Source("P1", "p", gauge=True, substitute=4_000_000, low=900_000, high=11_000_000),
    temperature=Source("T1", "t", gauge=False, substitute=288_150, low=233_150, high=353_150),
    atmosphere_dpa=1_013_250,
    method="SGERG-88",
    k_e9=0,
    gas=Gas("grid", (), hs_j_m3=40_660_000, d_e9=581_000_000, x_co2_e9=6_000_000),
    base_pressure_dpa=1_013_250,
    base_temperature_mk=293_150,
    interval_ms=5 * MINUTE,
    stale_ms=MINUTE,
    zone="Asia/Shanghai",
    gas_day_start_hour=8,
)


def config(**changes: Any) -> RunConfig:
    """The run's configuration with some fields changed."""
    return dataclasses.replace(CONFIG, **changes)


class Site:
    """Devices, clock and journal of one run: what it is told becomes scans, states and records."""

    def __init__(self, configuration: RunConfig = CONFIG, utc_ms: int = START_UTC_MS) -> None:
        self.config = configuration
        self.state = RunState.new()
        self.scans: list[Scan] = []
        self.records: list[IntervalRecord] = []
        self.events: list[MeterEvent] = []
        self.boot_no, self.mono_ms, self.true_utc_ms = 1, 1_000_000, utc_ms
        self.clock(ClockState.SYNCHRONISED)

    def clock(self, state: ClockState, error_ms: int = 0) -> Site:
        """From now on UTC is unknown, or wrong by this much, or right."""
        self.clock_state, self.utc_error_ms = state, error_ms
        return self

    @property
    def instant(self) -> Instant:
        utc_ms = max(0, self.true_utc_ms + self.utc_error_ms)
        known = self.clock_state != ClockState.UNKNOWN
        return Instant(self.boot_no, self.mono_ms, utc_ms if known else None, self.clock_state)

    def wait(self, ms: int) -> Site:
        self.mono_ms += ms
        self.true_utc_ms += ms
        return self

    def reboot(self, off_ms: int, boot_ms: int = 30_000) -> Site:
        """The box was off for `off_ms`, and has run for `boot_ms` when it goes on."""
        self.boot_no, self.mono_ms = self.boot_no + 1, boot_ms
        self.true_utc_ms += off_ms + boot_ms
        return self

    def scan(self, serial: str, values: dict[str, Any], quality: int = Quality.GOOD) -> Site:
        scan = Scan(len(self.scans), serial, self.instant, quality, values)
        self.scans.append(scan)
        return self.take(step(self.config, self.state, scan))

    def take(self, result: Any) -> Site:
        self.state = result.state
        self.records += result.records
        self.events += result.events
        return self

    def meter(self, vm: int | None, *, exponent: int = -3, **others: int | None) -> Site:
        """A good meter scan; `others`: vm_err, vb, vb_err."""
        shown = {"vm": vm, "vm_err": 0, "vb": 0, "vb_err": 0} | others
        values = {point: (index, "Cnt") for point, index in shown.items()}
        return self.scan("M1", {**values, "resolution_vm": (exponent, "")})

    def failed(self, serial: str = "M1", quality: int = Quality.BAD_NO_ANSWER) -> Site:
        return self.scan(serial, {}, quality)

    def pressure(self, kpa_gauge: float | None, unit: str = "kPa") -> Site:
        return self.scan("P1", {"p": (kpa_gauge, unit)})

    def temperature(self, celsius: float | None) -> Site:
        return self.scan("T1", {"t": (celsius, "°C")})

    def measured(self, kpa_gauge: float = 400.0, celsius: float = 15.0) -> Site:
        """Both transmitters answer well."""
        return self.temperature(celsius).pressure(kpa_gauge)

    def close(self) -> Site:
        return self.take(close(self.config, self.state))

    def restart(self) -> Site:
        """The process is killed and comes back with the state that the journal kept."""
        self.state = RunState.from_body(self.state.to_body())
        return self

    def last(self) -> IntervalRecord:
        return self.records[-1]

    def codes(self) -> list[tuple[str, int | str | None, int | str | None]]:
        return [(event.code, event.old, event.new) for event in self.events]


def sums(records: Iterable[IntervalRecord], point: str = "vm") -> tuple[int, int, int]:
    """(main, error, quarantined) of a total over all records, in counts."""
    totals = [total for record in records for total in record.totals if total.point == point]
    return (
        sum(total.main for total in totals),
        sum(total.error for total in totals),
        sum(total.quarantined for total in totals),
    )


def check_chain(site: Site) -> None:
    """Records tile in time, telemetry and index; each follows from its scans and its carry."""
    group_end = None
    indexes: dict[str, tuple[int, int]] = {}
    before: IntervalRecord | None = None
    again: Replay | None = None
    for record in site.records:
        if record.part == 0 or again is None:
            result = recompute(site.config, record, site.scans)
            assert isinstance(result, Agrees), result
            again = replay(site.config, record.carry, record.telemetry_end, site.scans)
        assert compare(record, again) == Agrees(again.carry)
        assert IntervalRecord.from_body(record.to_body()) == record
        if before is not None:
            assert record.start == before.end
            assert record.part == (before.part + 1) % before.parts
            if record.part == 0:
                assert record.carry == group_end
                assert record.telemetry_first == before.telemetry_end
            else:
                assert (record.carry, record.parts) == (before.carry, before.parts)
                assert record.telemetry_end == before.telemetry_end
        for total in record.totals:
            modulus = next(t.modulus for t in site.config.totals if t.point == total.point)
            assert (total.start + total.booked) % modulus == total.end
            assert total.moved(modulus) == total.booked
            segment, index = indexes.get(total.point, (total.segment, total.start))
            if segment == total.segment:
                assert total.start == index
            else:
                assert total.segment == segment + 1
            indexes[total.point] = (total.segment, total.end)
        group_end, before = again.carry, record
    if before is not None:
        assert before.part == before.parts - 1
        assert site.state.opening == group_end
