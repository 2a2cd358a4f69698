"""Values of a device by themselves: seeds, bounds, what the user gives."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.registers.codec import count, decode, decode_points
from protocols.registers.library import load_profile, profile_ids
from protocols.registers.point import point_limits
from simulators.plausible import Given, Now, Plausible


@settings(max_examples=60)
@given(
    st.sampled_from(profile_ids()),
    st.integers(0, 5),
    st.integers(0, 20 * 365 * 86_400_000),
    st.integers(-(10**6), 10**6),
)
def test_every_raw_integer_is_one_that_its_point_can_hold(
    profile_id: str, seed: int, elapsed_ms: int, jump: int
) -> None:
    """Twenty years on, totals jumped: nothing leaves its type; composites stay whole."""
    profile = load_profile(profile_id)
    values = Plausible(profile, seed)
    now = Now(elapsed_ms, elapsed_ms, 1_785_585_600_000 + elapsed_ms, jump)
    raws = {point.name: values.raw(point.name, now) for point in profile.points}
    for point in profile.points:
        low, high = point_limits(point)
        assert low <= raws[point.name] <= high
        assert raws[point.name] not in point.sentinels
    points = {point.name: point for point in profile.points}
    if jump >= 0:
        for composite in profile.composites:
            assert count(composite, points, raws) is not None


def test_another_seed_is_another_device() -> None:
    """Totals begin elsewhere."""
    profile = load_profile("sick-flowsic500")
    now = Now(0, 0, 0)
    totals = {Plausible(profile, seed).raw("vm", now) for seed in range(10)}
    assert len(totals) == 10


@pytest.mark.parametrize(
    ("unit", "low", "high"), [("bar", 0.5, 50.0), ("°C", -20.0, 50.0), ("psi", 10.0, 1000.0)]
)
def test_a_gauge_shows_what_is_usual_for_its_unit(unit: str, low: float, high: float) -> None:
    """A pressure is a pipeline's, a temperature a cellar's, in every unit."""
    found = 0
    for profile_id in profile_ids():
        profile = load_profile(profile_id)
        values, now = Plausible(profile, 1), Now(0, 0, 0)
        raws = [values.raw(point.name, now) for point in profile.points]
        for name, value in decode_points(profile.points, raws).items():
            point = profile.point(name)
            if value.unit == unit and point.kind == "gauge" and point.type == "f32":
                assert value.number is not None
                assert low <= value.number <= high, (profile_id, name)
                found += 1
    assert found


def test_what_a_point_cannot_show_is_told_at_the_start() -> None:
    """A number too large, a text too long, a total of more digits than its parts have."""
    flowsic = load_profile("sick-flowsic500")
    with pytest.raises(ValueError, match="resolution_vm"):
        Plausible(flowsic, 1, {"resolution_vm": Given(10**9)})
    panametrics = load_profile("ge-panametrics-gf868")
    with pytest.raises(ValueError, match="vm"):
        Plausible(panametrics, 1, {"vm": Given(123_456_789)})


def test_a_frozen_total_stands_while_the_rest_moves() -> None:
    """Totals follow their own time, gauges the device's."""
    profile = load_profile("sick-flowsic500")
    values = Plausible(profile, 1)
    then, frozen = Now(10_000, 10_000, 0), Now(70_000, 10_000, 60_000)
    assert values.raw("vm", then) == values.raw("vm", frozen)
    flow = profile.point("flow_actual")
    assert decode(flow, values.raw("flow_actual", then)) != decode(
        flow, values.raw("flow_actual", frozen)
    )
