"""P, T, Z and C by example: readings, substitutes, averages, remainders."""

import pytest

from protocols.metering.quality import Flag
from protocols.metering.run import RunState
from tests.protocols.metering.site import (
    HOUR,
    MINUTE,
    START_UTC_MS,
    Site,
    check_chain,
    config,
    sums,
)


@pytest.mark.parametrize("reading", [float("nan"), float("inf"), None, 5000.0, -100.0, "unit"])
def test_unusable_pressure_is_substituted(reading: float | str | None) -> None:
    """A pressure without number, range or known unit: substitute, and the error counter."""
    site = Site().measured().meter(0).wait(1000)
    if reading == "unit":
        site.pressure(400.0, "inHg")
    else:
        site.pressure(reading)  # type: ignore[arg-type]
    site.meter(10).close()
    record = site.last()
    assert (record.line_main_cm3, record.line_error_cm3, record.p_dpa) == (0, 10_000, 4_000_000)
    assert record.flags & Flag.SUBSTITUTE_PRESSURE
    assert not record.flags & Flag.SUBSTITUTE_TEMPERATURE
    check_chain(site)


def test_stale_readings_are_substituted_and_told_once_each_way() -> None:
    """A reading counts for stale_ms, failed polls or not; then its substitute, until one comes."""
    site = Site().measured().meter(0).wait(MINUTE).failed("P1").meter(10)
    assert site.events == []
    site.wait(1000).meter(20).wait(1000).meter(30).wait(1000).measured().meter(40).close()
    assert sums(site.records) == (20, 20, 0)
    assert site.codes() == [
        ("pressure_substituted", "off", "on"),
        ("temperature_substituted", "off", "on"),
        ("pressure_substituted", "on", "off"),
        ("temperature_substituted", "on", "off"),
    ]
    check_chain(site)


def test_reading_of_another_boot_is_stale() -> None:
    """After a reboot the readings of before are not used."""
    site = Site().measured().meter(0).reboot(off_ms=0, boot_ms=1_000_000).meter(10).close()
    assert site.last().flags & Flag.SUBSTITUTE_PRESSURE


def test_out_of_method_range_is_substituted() -> None:
    """P and T that the transmitters can show but SGERG-88 refuses: substitutes, Z is flagged."""
    site = Site(config(temperature=config().temperature._replace(low=200_000)))
    site.measured(celsius=-30.0).meter(0).wait(1000).measured(celsius=-30.0).meter(10).close()
    record = site.last()
    assert record.flags & Flag.Z_OUT_OF_RANGE
    assert (record.line_main_cm3, record.line_error_cm3, record.t_mk) == (0, 10_000, 288_150)
    assert site.codes() == [("conversion_out_of_range", "off", "on")]
    assert "-23" not in site.events[0].detail
    assert "250.15" in site.events[0].detail


def test_averages_count_only_time_with_flow() -> None:
    """Half an hour at 400 kPa with flow, another at 600 kPa without: 400 kPa (API MPMS 21.1)."""
    atmospheric = config(
        pressure=config().pressure._replace(gauge=False), interval_ms=HOUR, method="PT"
    )
    site = Site(atmospheric, utc_ms=START_UTC_MS // HOUR * HOUR)
    site.measured(400.0).meter(0)
    for n in range(1, 61):
        site.wait(30_000).measured(400.0).meter(n * 8333)
    for _ in range(60):
        site.wait(30_000).measured(600.0).meter(60 * 8333)
    [record] = site.records
    assert (record.p_dpa, record.flow_time_ms, record.elapsed_ms) == (4_000_000, HOUR // 2, HOUR)
    expected = 60 * 8333 * 1000 * (4_000_000 / 1_013_250) * (293.15 / 288.15)
    assert record.base_main_cm3 == pytest.approx(expected, rel=1e-8)


def test_no_flow_shows_the_last_scan() -> None:
    """Without flow the record shows P, T, Z and C of its last scan and says NO_FLOW."""
    site = Site().measured(300.0).meter(0).wait(1000).measured(350.0).meter(0).close()
    assert site.last().p_dpa == 3_500_000 + 1_013_250
    assert site.last().flags == Flag.NO_FLOW | Flag.PARTIAL


def test_remainders_are_carried() -> None:
    """Base volume over many intervals is the integer part of line volume times C, to the cm3."""
    own = config(
        method="fixed-K", k_e9=987_654_321, interval_ms=1000, stale_ms=HOUR,
        pressure=config().pressure._replace(substitute=1_234_567),
    )  # fmt: skip
    for good in (True, False):
        site = Site(own).measured(123.4567 if good else None).meter(0)  # type: ignore[arg-type]
        for n in range(1, 300):
            site.wait(1000).meter(n * 7)
        main, error, _quarantined = sums(site.records)
        assert (main if good else error) == 299 * 7
        [c_e9] = {record.c_e9 for record in site.records}
        base = [r.base_main_cm3 if good else r.base_error_cm3 for r in site.records]
        assert sum(base) == 299 * 7 * 1000 * c_e9 // 10**9
        check_chain(site)


@pytest.mark.parametrize("celsius", [None, float("nan"), -41.0, 81.0])
def test_unusable_temperature_is_substituted(celsius: float | None) -> None:
    """A temperature without number or outside the transmitter's range: the substitute."""
    site = Site().measured().meter(0).wait(1000).temperature(celsius).meter(10).close()
    assert site.last().flags & Flag.SUBSTITUTE_TEMPERATURE
    assert (site.last().t_mk, sums(site.records)) == (288_150, (0, 10, 0))


def test_unknown_unit_of_temperature_is_substituted() -> None:
    """A unit that no temperature has is no reading."""
    site = Site().measured().meter(0).wait(1000).scan("T1", {"t": (15.0, "bar")}).meter(1).close()
    assert site.last().flags & Flag.SUBSTITUTE_TEMPERATURE


def test_meter_that_is_its_own_transmitter() -> None:
    """P and T may come with the meter's own scan, and belong to that very increment."""
    own = config(
        pressure=config().pressure._replace(serial="M1"),
        temperature=config().temperature._replace(serial="M1"),
    )
    state = RunState.new()
    site = Site(own)
    for vm in (0, 10):
        values = {"vm": (vm, ""), "resolution_vm": (-3, ""), "p": (4.0, "bar"), "t": (59.0, "°F")}
        site.wait(1000).scan("M1", values)
    assert state == RunState.new()
    site.close()
    assert (site.last().p_dpa, site.last().t_mk) == (5_013_250, 288_150)
    assert sums(site.records) == (10, 0, 0)
