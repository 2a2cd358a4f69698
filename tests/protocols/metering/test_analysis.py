"""A chromatograph on the bus: an interval has one gas, and every record says which."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.metering.analysis import analysed, superior_of
from protocols.metering.carry import Analysis
from protocols.metering.composition import COMPONENTS, Composition, to_e9
from protocols.metering.gas import Gas, GasSource
from protocols.metering.method import factor_at
from protocols.metering.quality import Flag, Quality
from protocols.metering.refusal import OutOfRange
from protocols.metering.run import RunState
from protocols.metering.run_config import RunConfig
from protocols.metering.run_config_faults import faults
from protocols.metering.scan import Scan
from tests.protocols.metering.site import HOUR, MINUTE, Site, check_chain, config, sums

SHOWN = ("methane", "nitrogen", "carbon_dioxide", "ethane", "propane")
SOURCE = GasSource("GC", tuple((f"x_{name}", name) for name in SHOWN), 20 * MINUTE)
LEAN = (0.965, 0.012, 0.006, 0.013, 0.004)
RICH = (0.859, 0.026, 0.015, 0.077, 0.023)
SOUR = (0.55, 0.01, 0.40, 0.03, 0.01)  # more CO2 than SGERG-88 takes


def e9(shares: tuple[float, ...]) -> tuple[int, ...]:
    by_name = dict(zip(SHOWN, shares, strict=True))
    return to_e9(Composition(tuple(by_name.get(name, 0.0) for name in COMPONENTS)))


def billed(**changes: Any) -> RunConfig:
    """A run with a chromatograph, whose energy is asked for at 25 degC of combustion."""
    own = config(**({"method": "SGERG-88", "gas_source": SOURCE} | changes))
    gas = Gas("grid", e9(LEAN), combustion="25")
    hs_j_m3 = superior_of(config(gas=gas), gas.composition)
    assert isinstance(hs_j_m3, int)
    return config(**changes | {
        "method": own.method, "gas_source": own.gas_source,
        "gas": gas._replace(superior_j_m3=hs_j_m3),
    })  # fmt: skip


ANALYSED = billed()


def shows(site: Site, shares: tuple[float | None, ...], unit: str = "", **more: Any) -> Site:
    """An answer of the chromatograph."""
    values = {f"x_{name}": (x, unit) for name, x in zip(SHOWN, shares, strict=True)}
    return site.scan("GC", values | more)


def hs_of(shares: tuple[float, ...]) -> int:
    found = superior_of(ANALYSED, e9(shares))
    assert isinstance(found, int)
    return found


def flowed(site: Site, polls: int = 3) -> Site:
    index = site.state.now.positions[0].index_counts if site.state.now.positions else 0
    for n in range(1, polls + 1):
        site.wait(10_000).measured().meter((index + 100 * n) % 10**6)
    return site


def begun(configuration: RunConfig = ANALYSED) -> Site:
    assert faults(configuration) == []
    return Site(configuration).measured().meter(0)


def test_until_the_first_analysis_the_gas_of_the_file_is_a_substitute() -> None:
    """Told once, in the error counter; the first analysis ends the interval and the alarm."""
    site = flowed(shows(flowed(begun()), RICH)).close()
    first, second = site.records
    assert first.flags & Flag.SUBSTITUTE_GAS
    assert first.flags & Flag.PARTIAL
    assert not second.flags & Flag.SUBSTITUTE_GAS
    assert (first.line_main_cm3, first.line_error_cm3) == (0, 300_000)
    assert (second.line_main_cm3, second.line_error_cm3) == (300_000, 0)
    assert (first.hs_j_m3, second.hs_j_m3) == (hs_of(LEAN), hs_of(RICH))
    assert [code for code, *_ in site.codes()] == [
        "gas_substituted", "gas_changed", "gas_substituted",
    ]  # fmt: skip
    [changed] = [event for event in site.events if event.code == "gas_changed"]
    assert changed.old is None
    assert "CH4 85.9000 %, N2 2.6000 %, CO2 1.5000 %" in str(changed.new)
    assert "analysis of GC" in changed.detail
    check_chain(site)


def test_another_analysis_closes_the_interval() -> None:
    """The record ends with the last meter scan before it, and each is converted with one gas."""
    site = flowed(shows(flowed(shows(begun(), LEAN)), RICH)).close()
    lean, rich = site.records
    assert lean.end == rich.start
    assert (lean.hs_j_m3, rich.hs_j_m3) == (hs_of(LEAN), hs_of(RICH))
    for record, gas in ((lean, LEAN), (rich, RICH)):
        factor = factor_at(ANALYSED, e9(gas), 5_013_250, 288_150)
        assert record.c_e9 == round(factor.conversion_factor * 1e9)  # type: ignore[union-attr]
        assert record.z_e9 == round(factor.z_line * 1e9)  # type: ignore[union-attr]
        assert record.flags in (Flag.PARTIAL, 0)
    [_first, changed] = [event for event in site.events if event.code == "gas_changed"]
    assert "96.5000" in str(changed.old)
    assert "85.9000" in str(changed.new)
    check_chain(site)


def test_the_same_analysis_again_changes_nothing() -> None:
    """It is only fresher: no record, no event."""
    site = shows(begun(), LEAN)
    records, events = len(site.records), len(site.events)
    for _ in range(3):
        flowed(shows(site, LEAN))
    assert (len(site.records), len(site.events)) == (records, events) == (0, 1)
    assert site.close().last().flags == Flag.PARTIAL


@pytest.mark.parametrize(
    ("shares", "unit"),
    [
        ((None, *RICH[1:]), ""),
        ((float("nan"), *RICH[1:]), ""),
        ((float("inf"), *RICH[1:]), ""),
        ((RICH[0] + 2e-4, *RICH[1:]), ""),
        ((-0.001, *RICH[1:]), ""),
        (RICH, "MJ/m3"),
        (RICH, "%"),
    ],
)
def test_a_bad_analysis_is_none(shares: tuple[float | None, ...], unit: str) -> None:
    """Without a number, with a wrong sum or unit, it leaves the last good one to its age."""
    site = flowed(shows(flowed(shows(begun(), LEAN)), shares, unit)).close()
    assert {r.hs_j_m3 for r in site.records} == {hs_of(LEAN)}
    assert site.last().flags == Flag.PARTIAL
    assert sums(site.records)[0] == 600
    check_chain(site)


def test_a_component_that_the_scan_lacks() -> None:
    """A point that was not read makes no analysis."""
    scan = Scan(0, "GC", Site().instant, 0, {"x_methane": (1.0, "")})
    assert analysed(ANALYSED, scan) is None
    assert analysed(config(), scan) is None


@pytest.mark.parametrize(
    ("unit", "factor"), [("", 1), ("1", 1), ("mol/mol", 1), ("%", 100), ("mol%", 100), ("ppm", 1e6)]
)
def test_units_of_chromatographs(unit: str, factor: float) -> None:
    """Fractions, per cent and ppm make the same analysis; a sum off by 1e-4 is divided out."""
    shares = tuple(x * factor * (1 + 5e-5) for x in RICH)
    values = {f"x_{name}": (x, unit) for name, x in zip(SHOWN, shares, strict=True)}
    instant = Site().instant
    found = analysed(ANALYSED, Scan(0, "GC", instant, 0, values))
    assert isinstance(found, Analysis)
    assert max(abs(a - b) for a, b in zip(found.composition, e9(RICH), strict=True)) <= 1
    assert sum(found.composition) == 10**9
    assert (found.boot_no, found.mono_ms) == instant[:2]
    assert found.hs_j_m3 == superior_of(ANALYSED, found.composition)


def test_without_energy_no_heating_value_is_worked_out() -> None:
    """A contract that bills volume has none in its records; an absurd base has no ISO 6976."""
    assert superior_of(config(), e9(RICH)) == 0
    odd = config(gas=Gas("g", e9(LEAN), combustion="25"), base_temperature_mk=280_000)
    assert isinstance(superior_of(odd, e9(RICH)), OutOfRange)


@pytest.mark.parametrize("quality", [q for q in Quality if q != Quality.GOOD])
def test_a_failed_poll_of_the_chromatograph_is_no_analysis(quality: Quality) -> None:
    """Only a good answer is looked at."""
    site = shows(begun(), LEAN)
    values = {f"x_{name}": (x, "") for name, x in zip(SHOWN, RICH, strict=True)}
    before = site.state.now.gas
    assert site.scan("GC", values, quality).state.now.gas == before


def test_a_stale_analysis_is_its_own_substitute() -> None:
    """After stale_ms the last analysis still converts, flagged, into the error counter."""
    site = shows(begun(), RICH)
    flowed(site, 120)
    assert sums(site.records)[1] == 0
    flowed(site, 3)
    assert site.codes()[-1] == ("gas_substituted", "off", "on")
    assert "GC for 1200000 ms" in site.events[-1].detail
    flowed(shows(site, RICH), 2).close()
    assert site.codes()[-1] == ("gas_substituted", "on", "off")
    assert sums(site.records) == (12_200, 300, 0)
    assert {record.hs_j_m3 for record in site.records} == {hs_of(RICH)}
    check_chain(site)


def test_after_a_reboot_the_analysis_is_stale_until_it_is_read_again() -> None:
    """Nobody knows how long the box was off."""
    site = flowed(shows(begun(), RICH)).reboot(off_ms=0)
    flowed(site).close()
    assert site.last().flags & Flag.SUBSTITUTE_GAS
    flowed(shows(site, RICH)).close()
    assert not site.last().flags & Flag.SUBSTITUTE_GAS
    assert {record.hs_j_m3 for record in site.records} == {hs_of(RICH)}
    check_chain(site)


def test_a_gas_that_the_method_refuses() -> None:
    """The gas of the file and the substitutes of P and T stand in: told once, error counter."""
    site = flowed(shows(flowed(shows(begun(), LEAN)), SOUR), 5)
    alarms = [code for code in site.codes() if code[0] == "conversion_out_of_range"]
    assert alarms == [("conversion_out_of_range", "off", "on")]
    flowed(shows(site, LEAN), 2).close()
    lean, sour, again = site.records
    assert (sums([lean]), sums([sour]), sums([again])) == ((300, 0, 0), (0, 500, 0), (200, 0, 0))
    assert sour.flags & Flag.Z_OUT_OF_RANGE
    assert (sour.p_dpa, sour.t_mk) == (4_000_000, 288_150)
    factor = factor_at(ANALYSED, e9(LEAN), 4_000_000, 288_150)
    assert sour.c_e9 == round(factor.conversion_factor * 1e9)  # type: ignore[union-attr]
    assert ("conversion_out_of_range", "on", "off") in site.codes()
    check_chain(site)


def test_one_device_that_is_meter_and_chromatograph() -> None:
    """Its scan closes the interval, and its increment is the first of the next one."""
    own = billed(gas_source=SOURCE._replace(serial="M1"))
    assert faults(own) == []
    site = Site(own)
    for n, gas in enumerate((LEAN, LEAN, RICH, RICH, LEAN)):
        values = {f"x_{name}": (x, "") for name, x in zip(SHOWN, gas, strict=True)}
        shown: dict[str, Any] = {"vm": (10 * n, ""), "resolution_vm": (-3, ""), **values}
        site.wait(10_000).measured().scan("M1", shown)
    site.close()
    assert [(sums([r])[0], r.hs_j_m3) for r in site.records] == [
        (10, hs_of(LEAN)), (20, hs_of(RICH)), (10, hs_of(LEAN)),
    ]  # fmt: skip
    assert [code for code, *_ in site.codes()] == ["gas_changed"] * 3
    check_chain(site)


def test_a_gas_that_changes_in_a_gap_of_the_meter() -> None:
    """The open interval ends where the meter was last seen; the gap has the gas of its end."""
    site = flowed(shows(begun(), LEAN))
    site.wait(4 * MINUTE)
    shows(site, RICH).wait(7 * MINUTE).measured().meter(10_300).close()
    assert sums(site.records) == (300, 10_000, 0)
    assert {r.hs_j_m3 for r in site.records if r.flags & Flag.GAP} == {hs_of(RICH)}
    check_chain(site)


def test_an_analysis_outlives_a_restart() -> None:
    """The state's body keeps it whole."""
    site = flowed(shows(begun(), RICH))
    assert RunState.from_body(site.state.to_body()) == site.state
    flowed(shows(flowed(site.restart()).restart(), LEAN).restart()).close()
    assert [r.hs_j_m3 for r in site.records] == [hs_of(RICH), hs_of(LEAN)]
    check_chain(site)


GASES = st.sampled_from([LEAN, RICH, RICH, SOUR, (None, *LEAN[1:]), (0.5, *LEAN[1:])])
ACTS = st.one_of(
    st.tuples(st.just("gas"), GASES),
    st.tuples(st.just("flow"), st.integers(1, 4)),
    st.tuples(st.sampled_from(["close", "restart", "fail", "lost"]), st.none()),
    st.tuples(st.sampled_from(["wait", "reboot"]), st.sampled_from([1000, MINUTE + 1, HOUR // 2])),
)


@settings(max_examples=60)
@given(acts=st.lists(ACTS, max_size=25), own=st.booleans())
def test_an_interval_has_one_gas(acts: list[tuple[str, Any]], own: bool) -> None:
    """Whatever happens: from its first poll of the meter on a record has the same gas."""
    configuration = ANALYSED if own else billed(method="NX-19-mod", limits="pipeline")
    site = begun(configuration)
    for name, act in acts:
        match name:
            case "gas":
                shows(site, act)
            case "flow":
                flowed(site, act)
            case "wait":
                flowed(site.wait(act), 1)
            case "reboot":
                flowed(site.reboot(act), 1)
            case "fail":
                site.failed("GC")
            case "lost":
                site.failed().failed("P1")
            case "close":
                site.close()
            case _:
                site.restart()
    site.close()
    check_chain(site)
    for record in site.records:
        gas, polled = record.carry.gas, False
        for scan in site.scans[record.telemetry_first : record.telemetry_end]:
            found = _good(site.config, scan)
            if polled and found:
                assert gas is not None
                assert found.composition == gas.composition
            gas, polled = found or gas, polled or scan.serial == "M1"


def _good(configuration: RunConfig, scan: Scan) -> Analysis | None:
    usable = scan.serial == "GC" and scan.quality == Quality.GOOD
    return analysed(configuration, scan) if usable else None
