"""Where pressure, temperature, atmosphere and gas are read, in gateway.toml."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from protocols.metering.gas import GasSource
from protocols.metering.run_config import Source
from protocols.metering.run_config_faults import faults
from tests.edge_agent.gateway import config_of
from tests.edge_agent.rich import SHOWN, changed, faults_of, read, rich_table

RUN = ("run", 0)


def test_every_source_in_its_fixed_units(tmp_path: Path) -> None:
    """Absolute 0.1 Pa and mK, exactly; the site's fixed atmosphere stands in for the barometer."""
    (run,) = read(tmp_path, rich_table()).runs
    assert faults(run) == []
    assert run.pressure == Source(
        "P1", "p1_f32", True, 4_000_000, 900_000, 11_000_000, frozen_ms=3_600_000
    )
    assert run.temperature == Source(
        "T1", "process_temperature", False, 288_150, 233_150, 353_150, frozen_ms=7_200_000
    )
    assert run.barometer == Source(
        "B1", "p1_f32", False, 1_013_250, 850_000, 1_100_000, frozen_ms=86_400_000
    )
    assert run.gas_source == GasSource("GC1", tuple((name, name) for name in SHOWN), 900_000)
    assert run.serials == {"M1", "P1", "T1", "B1", "GC1"}


def test_a_chromatographs_points_may_be_named(tmp_path: Path) -> None:
    """Component by component; without a stale time an analysis lives for an hour."""
    named = {"device": "gc-1", "points": {"methane": "methane", "ethane": "propane"}}
    (run,) = read(tmp_path, changed(rich_table(), (*RUN, "chromatograph"), named)).runs
    assert run.gas_source == GasSource(
        "GC1", (("methane", "methane"), ("propane", "ethane")), 3_600_000
    )


def test_an_analysis_may_live_for_one_poll(tmp_path: Path) -> None:
    """As long as the poll itself is not too short; no more is demanded."""
    (run,) = read(
        tmp_path, changed(rich_table(), (*RUN, "chromatograph", "stale_seconds"), 60)
    ).runs
    assert run.gas_source is not None
    assert run.gas_source.stale_ms == 60_000


def test_without_them_nothing_is_assumed(tmp_path: Path) -> None:
    """No barometer, no chromatograph, nothing that must move."""
    (run,) = config_of(tmp_path).runs
    assert (run.barometer, run.gas_source) == (None, None)
    assert (run.pressure.frozen_ms, run.temperature.frozen_ms) == (0, 0)
    assert (run.qmin_l_h, run.error_curve, run.deviation_e6, run.temporary) == (0, (), 0, False)
    assert (run.limits, run.gas.superior_j_m3, run.gas.combustion) == ("program", 0, "")


def test_a_meter_may_be_its_own_chromatograph(tmp_path: Path) -> None:
    """Then its poll still counts for the life of a reading."""
    own = {"device": "meter-1", "points": {"methane": "vm"}}
    top = changed(rich_table(), (*RUN, "chromatograph"), own)
    top["device"][0]["poll_seconds"] = 25
    assert any("stale_seconds: 20000 ms is shorter" in fault for fault in faults_of(tmp_path, top))


FAULTS: list[tuple[tuple[Any, ...], Any, str]] = [
    (("barometer", "device"), "b-2", "barometer.device: no device 'b-2'; did you mean b-1?"),
    (("barometer", "point"), "tob1_f32", "barometer.point: '°C' is no unit of pressure"),
    (("barometer", "low_kpa"), 20, "barometer.low_kpa: 20 is out of range; must be 30 to 120"),
    (("barometer", "high_kpa"), ..., "barometer.high_kpa: is missing"),
    (("barometer", "low_kpa"), 111, "barometer: range 1110000..1100000 is not inside"),
    (("barometer", "low_kpa"), 105, "barometer.substitute 1013250 lies outside"),
    (("barometer", "frozen_seconds"), -1, "barometer.frozen_seconds: -1 is out of range"),
    (("barometer", "gauge"), True, "barometer.gauge: is no known key"),
    (("pressure", "gauge"), False, "the pressure is absolute and needs none; leave it out"),
    (("pressure", "frozen_seconds"), 604_801, "pressure.frozen_seconds: 604801 is out of range"),
    (("temperature", "frozen_seconds"), "x", "temperature.frozen_seconds: is a text"),
    (("temperature", "low_c"), 90, "temperature.low_c: 90 is not below high_c 80"),
    (("temperature", "substitute_c"), 81, "temperature.substitute_c: 81 lies outside -40 to 80"),
    (("pressure", "fixed_kpa_abs"), 400, "pressure.device: is no known key"),
    (("chromatograph", "device"), "gc", "chromatograph.device: no device 'gc'; did you mean gc-1?"),
    (("chromatograph", "stale_seconds"), 0, "stale_seconds: 0 is out of range; must be 1 to"),
    (("chromatograph", "stale_seconds"), 59, "59000 ms is shorter than its poll of 60000 ms"),
    (("chromatograph", "points"), {}, "chromatograph.points: is missing; say which point shows"),
    (("chromatograph", "points"), {"methan": "methane"}, "points.methan: is no component; did you"),
    (("chromatograph", "points"), {"methane": "methan"}, "points.methane: no polled point 'metha"),
    (("chromatograph", "points"), {"methane": 7}, "points.methane: no polled point '7'"),
    (("chromatograph", "points"), {"ethane": "ethane"}, "methane belongs there, and each"),
    (
        ("conversion",),
        {"method": "SGERG-88", "gas": "grid"},
        "until its first analysis the run needs a gas with a comp",
    ),
    (("error_curve",), [[500, 0], [50, 0]], "error_curve: the flows must rise"),
    (("error_curve",), [[50]], "error_curve: entry 1 is no pair of numbers; write at most 32"),
    (("error_curve",), [[50, 51]], "error_curve: [50, 51] is no point of a meter's curve"),
    (("error_curve",), [[50, Decimal("nan")]], "error_curve: holds something that is no number"),
    (("error_curve",), [[n, 0] for n in range(1, 34)], "error_curve: is a list"),
    (("qmin_m3_h",), ..., "error_curve: it holds from Qmin on; give qmin_l_h"),
    (("qmin_m3_h",), 35, "error_curve: at Qmin the meter gives fewer than 10 counts a second"),
    (("qmin_m3_h",), 1000, "qmin_l_h is 1000000; it must lie in 0..999999"),
    (("line_resolution_m3",), "0.01", "error_curve: at Qmin the meter gives fewer than 10"),
    (("compare_base_percent",), 51, "compare_base_percent: 51 is out of range; must be 0 to 50"),
    (("temporary_meter",), "yes", "temporary_meter: is a text; write true or false"),
]


@pytest.mark.parametrize(("path", "value", "told"), FAULTS, ids=[told for *_, told in FAULTS])
def test_a_fault_is_told(tmp_path: Path, path: tuple[Any, ...], value: Any, told: str) -> None:
    """By its field, with the remedy."""
    found = faults_of(tmp_path, changed(rich_table(), (*RUN, *path), value))
    assert any(told in fault for fault in found), found
    assert all("; " in fault for fault in found)
    assert all(fault.startswith("run[R1]") for fault in found)


@pytest.mark.parametrize("place", [1, 2, 3, 4])
def test_a_faulty_device_is_told_once(tmp_path: Path, place: int) -> None:
    """Whichever source it is: the run is not reproached with that too."""
    top = changed(rich_table(), ("device", place, "profile"), "zzz")
    [fault] = faults_of(tmp_path, top)
    assert ".profile: no profile 'zzz'" in fault


def test_the_curve_is_exact(tmp_path: Path) -> None:
    """Flows in l/h and errors in parts of a million."""
    (run,) = read(tmp_path, rich_table()).runs
    assert run.error_curve == ((50_000, 3_000), (1_000_000, -2_700))
    assert (run.qmin_l_h, run.deviation_e6, run.temporary) == (40_000, 15_000, True)
