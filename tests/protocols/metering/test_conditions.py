"""P, T, Z and C by example: readings, substitutes, averages, remainders."""

import pytest

from protocols.metering.composition import Composition, to_e9
from protocols.metering.gas import Gas
from protocols.metering.quality import SUBSTITUTED, Flag
from protocols.metering.run import RunState
from protocols.metering.run_config import Source
from tests.protocols.metering.site import (
    CONFIG,
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


BAROMETER = Source("B1", "a", False, 1_013_250, 850_000, 1_080_000, frozen_ms=10 * MINUTE)
MEASURED = config(barometer=BAROMETER)


def air(site: Site, kpa: float | None, unit: str = "kPa") -> Site:
    """An answer of the barometer."""
    return site.scan("B1", {"a": (kpa, unit)})


def test_a_measured_atmosphere_is_added_to_the_gauge_pressure() -> None:
    """The fixed one of the site is not used while the barometer answers."""
    site = air(Site(MEASURED).measured(), 98.7654).meter(0).wait(1000).meter(10)
    air(site.wait(1000), 102.0).meter(20).close()
    assert site.last().p_dpa == 4_000_000 + (987_654 + 1_020_000 + 1) // 2
    assert (sums(site.records), site.events) == ((20, 0, 0), [])
    check_chain(site)


@pytest.mark.parametrize("trouble", [None, float("nan"), 84.9, 108.1, "unit", "failed", "stale"])
def test_a_barometer_without_a_reading_is_substituted(trouble: float | str | None) -> None:
    """The site's fixed atmosphere, told once, the error counter; then the barometer again."""
    site = air(Site(MEASURED).measured(), 98.0).meter(0)
    for n in range(1, 9):
        site.wait(10_000).measured()
        match trouble:
            case "unit":
                air(site, 980.0, "°C")
            case "failed" | "stale":
                site.failed("B1") if trouble == "failed" else None
            case _:
                air(site, trouble)  # type: ignore[arg-type]
        site.meter(10 * n)
    air(site.wait(1000).measured(), 98.0).meter(90).close()
    late = 60 if trouble in ("failed", "stale") else 0  # an old reading has its age
    assert sums(site.records) == (10 + late, 80 - late, 0)
    assert site.codes() == [
        ("atmosphere_substituted", "off", "on"), ("atmosphere_substituted", "on", "off"),
    ]  # fmt: skip
    assert "B1" in site.events[0].detail
    record = site.last()
    assert record.flags & SUBSTITUTED == Flag.SUBSTITUTE_ATMOSPHERE
    check_chain(site)


def test_a_barometer_and_a_transmitter_may_both_be_gone() -> None:
    """Each is told by itself."""
    site = Site(MEASURED).meter(0).wait(1000).meter(10).close()
    assert [code for code, *_ in site.codes()] == [
        "atmosphere_substituted", "pressure_substituted", "temperature_substituted",
    ]  # fmt: skip
    assert site.last().p_dpa == 4_000_000


def test_the_range_is_one_of_absolute_pressure() -> None:
    """A gauge reading is judged with the atmosphere on top, the measured one if there is one."""
    narrow = config(
        barometer=BAROMETER, pressure=CONFIG.pressure._replace(low=900_000, high=5_000_000)
    )
    site = air(Site(narrow).temperature(15.0).pressure(400.0), 99.0).meter(0)
    air(site.wait(1000), 101.0).meter(10)
    assert site.codes() == [("pressure_substituted", "off", "on")]
    assert "P1 reads 5010000, outside 900000..5000000" in site.events[0].detail


@pytest.mark.parametrize("source", ["pressure", "temperature", "barometer"])
def test_a_frozen_transmitter_is_no_transmitter(source: str) -> None:
    """A reading that does not move by a count for frozen_ms: told, error; until it moves again."""
    frozen = config(**{
        "barometer": BAROMETER._replace(frozen_ms=0),
        source: getattr(MEASURED, source)._replace(frozen_ms=2 * MINUTE),
    })  # fmt: skip
    site = air(Site(frozen).measured(), 99.0).meter(0)
    for n in range(1, 26):
        moved = 0.1 * n if n > 20 else 0.0
        moving = {"pressure": 0.0, "temperature": 0.0, "barometer": 0.0} | {source: moved}
        site.wait(10_000).measured(400.0 + moving["pressure"], 15.0 + moving["temperature"])
        air(site, 99.0 + moving["barometer"]).meter(10 * n)
    site.close()
    assert sums(site.records) == (110 + 50, 90, 0)
    code = {"barometer": "atmosphere"}.get(source, source) + "_substituted"
    assert site.codes() == [(code, "off", "on"), (code, "on", "off")]
    assert "has not moved for 120000 ms" in site.events[0].detail
    check_chain(site)


def test_a_steady_reading_begins_anew_with_a_boot_or_a_fault() -> None:
    """How long it was so before, nobody knows."""
    frozen = config(pressure=CONFIG.pressure._replace(frozen_ms=MINUTE))
    site = Site(frozen).measured().meter(0)
    for n in range(1, 21):
        site.wait(9_000).measured().meter(n)
        if n == 6:
            site.pressure(None)
        if n == 12:
            site.reboot(0)
    assert site.codes() == [("pressure_substituted", "off", "on")]
    assert site.events[0].detail == "P1 has not moved for 60000 ms"
    assert sums(site.close().records) == (19, 1, 0)


@pytest.mark.parametrize(
    ("method", "limits", "kpa", "celsius"),
    [
        ("SGERG-88", "pipeline", 900.0, 70.0),
        ("SGERG-88", "program", 900.0, -24.0),
        ("GROSS-2", "pipeline", 900.0, 60.0),
        ("NX-19-mod", "program", 10.0, -50.0),
        ("AGA8-DETAIL", "pipeline", 400.0, -20.0),
        ("GERG-2008", "pipeline", 400.0, -20.0),
    ],
)
def test_inside_the_sensor_but_outside_the_method(
    method: str, limits: str, kpa: float, celsius: float
) -> None:
    """EN 12405-1: told once, substitutes of P and T, error counter; main when it is over."""
    gas = Gas("g", to_e9(Composition((0.95, 0.02, 0.0, 0.03, *[0.0] * 17))))
    wide = config(
        method=method, limits=limits, gas=gas,
        temperature=Source("T1", "t", False, 288_150, 210_000, 400_000),
    )  # fmt: skip
    site = Site(wide).measured().meter(0)
    for n, there in enumerate((True, True, False, False), 1):
        site.wait(1000)
        site.measured(kpa, celsius) if there else site.measured()
        site.meter(10 * n)
    site.close()
    assert site.last().flags & Flag.Z_OUT_OF_RANGE
    assert sums(site.records) == (20, 20, 0)
    assert site.codes() == [
        ("conversion_out_of_range", "off", "on"), ("conversion_out_of_range", "on", "off"),
    ]  # fmt: skip
    assert method in site.events[0].detail
    check_chain(site)


WAYS = {
    "measured": (0, "main"),
    "pressure": (Flag.SUBSTITUTE_PRESSURE, "error"),
    "temperature": (Flag.SUBSTITUTE_TEMPERATURE, "error"),
    "barometer": (Flag.SUBSTITUTE_ATMOSPHERE, "error"),
    "cold": (Flag.Z_OUT_OF_RANGE, "error"),
    "gap": (Flag.GAP | Flag.ESTIMATED, "error"),
}


@pytest.mark.parametrize("way", WAYS)
def test_which_counter_each_increment_goes_to(way: str) -> None:
    """Line and base volume, and the run's own counters: all of it in one, nothing in the other."""
    wide = config(barometer=BAROMETER, temperature=CONFIG.temperature._replace(low=200_000))
    site = air(Site(wide).measured(), 101.325).meter(0, vb=0)
    site.wait(MINUTE + 1 if way == "gap" else 10_000)
    site.pressure(None if way == "pressure" else 400.0)
    site.temperature({"temperature": None, "cold": -40.0}.get(way, 15.0))
    air(site, None if way == "barometer" else 101.325).meter(100, vb=500).close()
    flags, counter = WAYS[way]
    record, counters = site.last(), site.state.now.counters
    assert record.flags == flags | Flag.PARTIAL
    main = counter == "main"
    assert (record.line_main_cm3, record.line_error_cm3) == ((100_000, 0) if main else (0, 100_000))
    assert bool(record.base_main_cm3) is main is not bool(record.base_error_cm3)
    assert record.base_main_cm3 + record.base_error_cm3 == 100_000 * record.c_e9 // 10**9
    assert (counters.line_main, counters.line_error) == (
        record.line_main_cm3, record.line_error_cm3,
    )  # fmt: skip
    assert (counters.base_main, counters.base_error) == (
        record.base_main_cm3, record.base_error_cm3,
    )  # fmt: skip
    assert counters.line_unhaltable == 100_000
    # the device's base total is its own affair, but for a gap
    assert sums(site.records, "vb") == ((0, 500, 0) if way == "gap" else (500, 0, 0))
    check_chain(site)


@pytest.mark.parametrize(("pascal", "is_read"), [(4.6e17, True), (4.7e17, False), (1e300, False)])
def test_a_reading_that_no_record_could_hold(pascal: float, is_read: bool) -> None:
    """Beyond 2^62 it is none; before that it is outside the transmitter's range."""
    site = Site().measured().meter(0).wait(1000).pressure(pascal, "Pa").meter(10).close()
    assert (site.state.now.pressure is not None) is is_read
    assert sums(site.records) == (0, 10, 0)


@pytest.mark.parametrize(
    ("kpa", "celsius", "codes"),
    [
        (-11.325, -40.0, []),
        (998.675, 80.0, []),
        (-11.3251, 15.0, ["pressure_substituted"]),
        (998.6751, 15.0, ["pressure_substituted"]),
        (400.0, -40.001, ["temperature_substituted"]),
        (400.0, 80.001, ["temperature_substituted"]),
    ],
)
def test_a_transmitters_range_holds_to_its_ends(
    kpa: float, celsius: float, codes: list[str]
) -> None:
    """Both ends are readings; 0.1 Pa or 1 mK beyond them is none."""
    wide = config(method="PT", pressure=CONFIG.pressure._replace(low=900_000, high=11_000_000))
    site = Site(wide).measured(kpa, celsius).meter(0).wait(1000).meter(10)
    assert [code for code, *_ in site.codes()] == codes
