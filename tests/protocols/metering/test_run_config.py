"""The run's configuration: its hash, and every fault at once."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from protocols.metering.analysis import superior_of
from protocols.metering.body import BodyError
from protocols.metering.flow import CurvePoint
from protocols.metering.gas import Gas, GasSource
from protocols.metering.run_config import Role, RunConfig, Source, Total
from protocols.metering.run_config_faults import faults, parse_run_config
from tests.protocols.metering.site import CONFIG, config

LINE = Total("vm", Role.LINE, 10**9)


def test_good_configurations_have_no_faults() -> None:
    """The three methods can be configured."""
    assert faults(CONFIG) == []
    assert faults(config(method="PT")) == []
    assert faults(config(method="fixed-K", k_e9=980_000_000)) == []


BAROMETER = Source("B1", "p", False, 1_013_250, 900_000, 1_100_000)


@pytest.mark.parametrize("exponent", range(-6, 4))
def test_every_resolution_is_whole_cm3(exponent: int) -> None:
    """A count of 1 cm3 up to 1000 m3 is a whole number of cm3."""
    usable = config(line_exponent=exponent, totals=(Total("vm", Role.LINE, 10**6),), qmax_l_h=1)
    assert faults(usable) == []
    assert usable.count_cm3 == 10 ** (exponent + 6)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"run": ""}, "run has 0 characters"),
        ({"meter_serial": "x" * 65}, "meter_serial has 65 characters"),
        ({"totals": ()}, "0 line totals"),
        ({"totals": (LINE, Total("vb", Role.LINE, 10**9))}, "2 line totals"),
        ({"totals": (LINE, Total("vm", Role.BASE, 10**9))}, "names a point twice"),
        ({"totals": (Total("vm", Role.LINE, 1),)}, "wraps at 1 counts"),
        ({"totals": (Total("vm", Role.LINE, 10**15),)}, "check the digits"),
        ({"totals": tuple(Total(f"t{n}", Role.BASE, 10) for n in range(17))}, "17 entries"),
        ({"interval_ms": 3_600_000}, "interval_ms is 3600000: at Qmax the index may"),
        ({"totals": (Total("vm", Role.LINE, 10**5),)}, "300000: at Qmax the index may"),
        ({"line_exponent": -7}, "line_exponent is -7"),
        ({"base_exponent": 4}, "base_exponent is 4"),
        ({"qmax_l_h": 0}, "qmax_l_h is 0"),
        ({"qmax_l_h": 10**10}, "qmax_l_h is"),
        ({"atmosphere_dpa": 101_325}, "atmosphere_dpa is 101325"),
        ({"interval_ms": 999}, "interval_ms is 999"),
        ({"interval_ms": 3_600_001}, "interval_ms is"),
        ({"stale_ms": 0}, "stale_ms is 0"),
        ({"gas_day_start_hour": 24}, "gas_day_start_hour is 24"),
        ({"zone": "Mars/Base"}, "zone: 'Mars/Base' is no zone"),
        ({"method": "NX-19"}, "method 'NX-19' is unknown; one of T, PT, fixed-K, SGERG-88"),
        ({"method": "fixed-K", "k_e9": 0}, "k_e9 is 0"),
        ({"gas": CONFIG.gas._replace(hs_j_m3=19_900_000)}, "hs_mj_m3 is 19.9"),
        ({"gas": CONFIG.gas._replace(x_co2_e9=50_000_000)}, "relative_density"),
        ({"base_pressure_dpa": 0}, "base_pressure_dpa is 0"),
        ({"base_temperature_mk": 20_000}, "base_temperature_mk is 20000"),
        ({"pressure": Source("P1", "p", True, 0, 0, 100)}, "pressure: range 0..100"),
        ({"pressure": Source("P1", "p", True, 400, 900, 901)}, "pressure.substitute 400"),
        ({"pressure": Source("P1", "p", True, 13 * 10**7, 1, 14 * 10**7)}, "refuses the"),
        ({"temperature": Source("T1", "t", False, 15_000, 10_000, 90_000)}, "temperature: range"),
        ({"temperature": Source("T1", "t", True, 288_150, 240_000, 340_000)}, "temperature.gauge"),
        ({"temperature": Source("", "t", False, 288_150, 240_000, 340_000)}, "no transmitter"),
    ],
)  # fmt: skip
def test_every_impossible_value_is_told(changes: dict[str, Any], told: str) -> None:
    """A fault names the field and what is possible; from outside it is refused."""
    bad = config(**changes)
    assert any(told in fault for fault in faults(bad)), faults(bad)
    with pytest.raises(BodyError):
        parse_run_config(bad.to_body())


def test_all_faults_at_once() -> None:
    """One reading of the list is enough to repair the file."""
    bad = config(run="", qmax_l_h=0, stale_ms=0, zone="", method="?", line_exponent=9)
    assert len(faults(bad)) == 6


def test_hash_covers_every_field() -> None:
    """Any change of any parameter changes the hash; equal configurations have equal hashes."""
    hashes = {CONFIG.hash()}
    for field in dataclasses.fields(RunConfig):
        value = getattr(CONFIG, field.name)
        match value:
            case int():
                new: Any = value + 1
            case str():
                new = value + "x"
            case Gas():
                new = value._replace(name="other")
            case None:
                new = BAROMETER if field.name == "barometer" else GasSource("GC", (), 60_000)
            case ():
                new = (CurvePoint(1000, 5),)
            case Source():
                new = value._replace(gauge=not value.gauge)
            case _:
                new = value[:-1]
        hashes.add(config(**{field.name: new}).hash())
    assert len(hashes) == 1 + len(dataclasses.fields(RunConfig))
    assert RunConfig.from_body(CONFIG.to_body()).hash() == CONFIG.hash()
    assert len(CONFIG.hash()) == 32


def test_hash_is_pinned() -> None:
    """The body's bytes are a contract: this hash changes only with a new version of it."""
    assert CONFIG.hash().hex()[:16] == "cd93167c22706f4b"


def test_unknown_role_is_refused() -> None:
    """A role that does not exist is named."""
    body = list(CONFIG.to_body())
    body[2] = (("vm", "volume", 10),)
    with pytest.raises(BodyError, match="'volume' is none of line, line_error"):
        RunConfig.from_body(tuple(body))
    assert CONFIG.line == CONFIG.totals[0]


def told(field: str, **changes: Any) -> bool:
    """Whether a fault names the field."""
    return any(fault.startswith(field) for fault in faults(config(**changes)))


SLOW: dict[str, Any] = {"qmax_l_h": 10, "totals": (Total("vm", Role.LINE, 10**6),)}


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        ("qmax_l_h", 1, 10**9),
        ("atmosphere_dpa", 300_000, 1_200_000),
        ("base_pressure_dpa", 500_000, 2_000_000),
        ("base_temperature_mk", 223_150, 373_150),
        ("interval_ms", 1_000, 3_600_000),
        ("stale_ms", 1_000, 3_600_000),
        ("gas_day_start_hour", 0, 23),
        ("qmin_l_h", 0, 9),
    ],
)
def test_limits_to_the_last_digit(field: str, low: int, high: int) -> None:
    """Both ends are possible, and nothing beyond them."""
    for value, is_told in ((low, False), (high, False), (low - 1, True), (high + 1, True)):
        assert told(f"{field} is", **SLOW | {field: value}) is is_told, value


def test_k_and_names_and_registers_to_the_last_digit() -> None:
    """K of a gas, the length of a name, the count and size of registers, the time of a reading."""
    for k_e9, is_told in ((499_999_999, True), (500_000_000, False), (1_500_000_001, True)):
        assert told("k_e9 is", method="fixed-K", k_e9=k_e9) is is_told
    assert not told("run has", run="x" * 64)
    assert told("run has", run="x" * 65)
    sixteen = (LINE, *(Total(f"t{n}", Role.BASE, 2) for n in range(15)))
    assert not told("totals", totals=sixteen)
    assert told("totals", totals=(*sixteen, Total("t", Role.BASE, 2)))
    for digits, is_told in ((13, False), (14, True)):  # 10^10 m3 in litres
        assert told("totals.vm", totals=(Total("vm", Role.LINE, 10**digits),)) is is_told
    base = (LINE, Total("vb", Role.BASE, 10**8))
    assert not told("totals.vb", totals=base, base_exponent=2)
    assert told("totals.vb", totals=(LINE, Total("vb", Role.BASE, 10**8 + 1)), base_exponent=2)
    week_ms = 7 * 86_400_000
    for frozen_ms, is_told in ((week_ms, False), (week_ms + 1, True), (-1, True)):
        frozen = CONFIG.pressure._replace(frozen_ms=frozen_ms)
        assert told("pressure.frozen_ms", pressure=frozen) is is_told


def test_a_register_may_not_turn_twice_in_a_record() -> None:
    """At 1.2 Qmax for two intervals and a silence: the counts of that must be less than a turn."""
    longest_ms = 2 * CONFIG.interval_ms + CONFIG.stale_ms
    counts = 12 * longest_ms // 36  # 1.2 x 10^6 l/h in litres
    for modulus, is_told in ((counts + 1, True), (counts + 2, False)):
        assert told("interval_ms", totals=(Total("vm", Role.LINE, modulus),)) is is_told


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"barometer": BAROMETER}, None),
        ({"barometer": BAROMETER._replace(gauge=True)}, "barometer"),
        ({"barometer": BAROMETER._replace(serial="")}, "barometer"),
        ({"barometer": BAROMETER._replace(low=299_999)}, "barometer"),
        ({"barometer": BAROMETER._replace(high=1_200_001)}, "barometer"),
        ({"barometer": BAROMETER._replace(substitute=899_999)}, "barometer.substitute"),
        ({"barometer": BAROMETER._replace(serial="x" * 65)}, "barometer.serial has 65"),
        ({"barometer": BAROMETER._replace(point="")}, "barometer.point has 0"),
        ({"barometer": BAROMETER, "pressure": CONFIG.pressure._replace(gauge=False)}, "barometer"),
        ({"pressure": CONFIG.pressure._replace(point="")}, "pressure.point has 0"),
        ({"temperature": CONFIG.temperature._replace(serial="x" * 65)}, "temperature.serial has 6"),
        ({"pressure": CONFIG.pressure._replace(low=0)}, "pressure: range 0..11000000"),
        ({"pressure": CONFIG.pressure._replace(low=1)}, None),
        ({"pressure": CONFIG.pressure._replace(low=4_000_000)}, None),
        ({"pressure": CONFIG.pressure._replace(low=4_000_001)}, "pressure.substitute 4000000"),
        ({"pressure": CONFIG.pressure._replace(high=4_000_000)}, None),
        ({"pressure": CONFIG.pressure._replace(high=3_999_999)}, "pressure.substitute 4000000"),
        ({"pressure": CONFIG.pressure._replace(high=150_000_000)}, None),
        ({"pressure": CONFIG.pressure._replace(high=150_000_001)}, "pressure: range"),
        ({"temperature": CONFIG.temperature._replace(low=200_000)}, None),
        ({"temperature": CONFIG.temperature._replace(low=199_999)}, "temperature: range"),
        ({"temperature": CONFIG.temperature._replace(high=1_000_001)}, "temperature: range"),
        ({"temperature": CONFIG.temperature._replace(low=288_150, high=288_150)}, "temperature: r"),
        ({"limits": "wide"}, "limits is 'wide'"),
        ({"gas": CONFIG.gas._replace(combustion="20")}, "gas: energy needs a heating value"),
        ({"gas": CONFIG.gas._replace(superior_j_m3=38_000_000)}, "gas: energy needs a heating"),
        (
            {"gas": CONFIG.gas._replace(superior_j_m3=38_000_000, combustion="22")},
            "gas.combustion '22'",
        ),
        ({"gas": CONFIG.gas._replace(superior_j_m3=38_000_000, combustion="20")}, None),
    ],
)
def test_sources_and_energy(changes: dict[str, Any], field: str | None) -> None:
    """Each source by its own limits, absolute; energy by a value and its temperature together."""
    found = faults(config(**changes))
    if field is None:
        assert found == []
    else:
        assert any(fault.startswith(field) for fault in found), found


CURVE = (CurvePoint(40_000, 10), CurvePoint(900_000, -10))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"qmin_l_h": 36_000}, None),  # one count of a litre in 100 ms
        ({"qmin_l_h": 35_999}, "fewer than 10 counts a second"),
        ({"qmin_l_h": 0}, "give qmin_l_h"),
        ({"qmin_l_h": 36_000, "line_exponent": -2, "qmax_l_h": 500_000}, "fewer than 10 counts"),
        ({"qmin_l_h": 36_000, "error_curve": CURVE[::-1]}, "must rise"),
        ({"qmin_l_h": 36_000, "error_curve": (CURVE[0], CURVE[0])}, "must rise"),
    ],
)
def test_a_curve_by_the_rules_of_en_12405_1(changes: dict[str, Any], said: str | None) -> None:
    """At Qmin the meter must give ten counts a second; the points' flows rise."""
    found = faults(config(**{"error_curve": CURVE} | changes))
    assert (found == []) if said is None else any(said in fault for fault in found), found


def test_whose_scans_and_which_points_a_run_is_made_from() -> None:
    """All of them, and no empty name: central reads nothing else."""
    source = GasSource("GC", (("x1", "methane"),), 60_000)
    rich = config(barometer=BAROMETER._replace(point="air"), gas_source=source)
    assert rich.serials == {"M1", "P1", "T1", "B1", "GC"}
    assert rich.points == {"vm", "vm_err", "vb", "vb_err", "resolution_vm", "p", "t", "air", "x1"}
    fixed = config(pressure=CONFIG.pressure._replace(serial="", point=""))
    assert fixed.serials == {"M1", "T1"}
    assert "" not in fixed.points
    assert (CONFIG.line.point, CONFIG.count_cm3) == ("vm", 1000)
    assert config(base_exponent=1).base_count_cm3 == 10_000_000


PURE = Gas("pure", (10**9, *[0] * 20))
SHOWN = (("x1", "methane"), ("x2", "nitrogen"))


@pytest.mark.parametrize(
    ("source", "gas", "said"),
    [
        (GasSource("GC", SHOWN, 60_000), PURE, None),
        (GasSource("GC", SHOWN, 1_000), PURE, None),
        (GasSource("GC", SHOWN, 604_800_000), PURE, None),
        (GasSource("GC", SHOWN, 999), PURE, "gas_source.stale_ms is 999"),
        (GasSource("GC", SHOWN, 604_800_001), PURE, "gas_source.stale_ms is 604800001"),
        (GasSource("GC", SHOWN[1:], 60_000), PURE, "gas_source: methane belongs there"),
        (GasSource("GC", (*SHOWN, ("x3", "methane")), 60_000), PURE, "each component once"),
        (GasSource("GC", (*SHOWN, ("x3", "ether")), 60_000), PURE, "'ether' is no component"),
        (GasSource("", SHOWN, 60_000), PURE, "gas_source.serial has 0"),
        (GasSource("GC", SHOWN, 60_000), CONFIG.gas, "needs a gas with a composition"),
    ],
)
def test_a_chromatograph_of_a_run(source: GasSource, gas: Gas, said: str | None) -> None:
    """Methane and each component once, a life of a second to a week, a gas to begin with."""
    found = faults(config(gas_source=source, gas=gas))
    assert (found == []) if said is None else any(said in fault for fault in found), found


def test_the_heating_value_is_that_of_the_composition() -> None:
    """By ISO 6976 at the base conditions, to the joule; both figures are told."""
    exact = superior_of(config(gas=PURE._replace(combustion="25")), PURE.composition)
    assert isinstance(exact, int)
    for superior, said in ((exact, False), (exact + 1, True), (exact - 1, True)):
        gas = PURE._replace(combustion="25", superior_j_m3=superior)
        assert told(f"gas.superior_j_m3 is {superior}, by ISO 6976 {exact}", gas=gas) is said
