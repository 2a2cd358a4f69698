"""The run's configuration: its hash, and every fault at once."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

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
