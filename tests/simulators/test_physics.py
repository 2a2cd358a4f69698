"""Load curve, droop, and volumes in exact integers."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.physics import LoadCurve, RunPhysics, droop, line_volume_mm3
from simulators.site import demo_site

_CURVE = LoadCurve.seeded(1, "R1", 900.0, 5.0)


@given(seed=st.integers(0, 1000), elapsed_s=st.floats(0.0, 1e7))
def test_load_stays_a_fraction(seed: int, elapsed_s: float) -> None:
    """Load is a fraction at any instant of any seed."""
    assert 0.0 <= LoadCurve.seeded(seed, "R", 900.0, 5.0).level(elapsed_s) <= 1.0


def test_load_has_two_peaks_a_day_and_repeats_its_hours() -> None:
    """Morning and evening lie well above night, and the compressed day begins again."""
    by_hour = {h: _CURVE.level((h - 5.0) % 24.0 * 900.0 / 24.0) for h in range(24)}
    assert by_hour[7] > 2 * by_hour[2]
    assert by_hour[19] > 2 * by_hour[2]
    assert by_hour[13] < by_hour[7]
    assert _CURVE.hour(900.0) == pytest.approx(5.0)


def test_the_same_seed_gives_the_same_curve() -> None:
    """A seed and a name fix the curve; another seed gives another."""
    assert LoadCurve.seeded(1, "R1", 900.0, 5.0) == _CURVE
    assert LoadCurve.seeded(2, "R1", 900.0, 5.0) != _CURVE
    assert LoadCurve.seeded(1, "R2", 900.0, 5.0) != _CURVE


def test_pressure_falls_and_gas_cools_as_flow_rises() -> None:
    """At the morning peak the line shows more flow, less pressure than in the night."""
    run = RunPhysics(_CURVE, 400.0, 900.0, 500e3, 10e3, 288.0, 0.0, 1.0)
    night, morning = run.state(21.0 * 37.5), run.state(2.5 * 37.5)  # 02:00 and 07:30
    assert morning.flow_m3_h > night.flow_m3_h + 100.0
    assert morning.pressure_pa < night.pressure_pa - 1e3
    assert morning.temperature_k < night.temperature_k


def test_droop_goes_from_nothing_to_all_and_never_back() -> None:
    """The outlet falls with each step of load, from the no-load value by the whole droop."""
    outlets = [droop(20_000.0, 1_800.0, step / 20) for step in range(21)]
    assert outlets[0] == 20_000.0
    assert outlets[-1] == 18_200.0
    assert all(a > b for a, b in itertools.pairwise(outlets))


def test_volume_of_a_flow_in_cubic_millimetres() -> None:
    """360 m3/h for a second is a tenth of a cubic metre."""
    assert line_volume_mm3(360.0, 1_000_000_000) == 100_000_000
    assert line_volume_mm3(0.0, 1_000_000_000) == 0


def test_the_factor_drifts_slowly_enough_for_polls_each_two_seconds() -> None:
    """P/T moves less than 0.04 % a second: what base volume by polls each 2 s can be out by."""
    for spec in demo_site().runs:
        ratios = []
        for second in range(901):
            state = spec.physics.state(float(second))
            assert 400.0 <= state.flow_m3_h <= 900.0
            ratios.append(state.pressure_pa / state.temperature_k)
        assert max(abs(b / a - 1.0) for a, b in itertools.pairwise(ratios)) < 4e-4
