"""A regulator station: by example at rest and under load, then what holds for any history."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.regulator_physics import (
    Contact,
    Episode,
    Inputs,
    Mode,
    Regulator,
    Script,
    Station,
    StationState,
    at_rest,
    station_step,
)

MAIN = Regulator(20_000.0, 1_800.0, 1_000.0, 26_000.0, 2_000.0)
STANDBY = Regulator(16_500.0, 1_500.0, 1_000.0, 28_000.0, 2_000.0)
DUAL = Station("PR1", (MAIN, STANDBY), 300_000.0, 20_000.0)
SINGLE = Station("PR2", (MAIN,), 300_000.0, 20_000.0)
_STEP_S = 0.05


def run(
    state: StationState, inputs: Inputs, seconds: float, station: Station = DUAL
) -> list[StationState]:
    states = []
    for _ in range(round(seconds / _STEP_S)):
        state = station_step(station, state, inputs, _STEP_S)
        states.append(state)
    return states


@pytest.mark.parametrize(
    ("drawn_m3_h", "outlet_pa"),
    [
        (0.0, 21_000.0),  # lock-up
        (50.0, 20_500.0),  # half of the twentieth that passes at the set pressure
        (100.0, 20_000.0),  # the set pressure
        (1050.0, 19_100.0),  # half of the droop
        (2000.0, 18_200.0),  # full flow: all of it
    ],
)
def test_the_outlet_settles_where_the_curve_says(drawn_m3_h: float, outlet_pa: float) -> None:
    """Lock-up without flow, droop in proportion to the load; the standby stays closed."""
    end = run(at_rest(DUAL), Inputs(drawn_m3_h), 60.0)[-1]
    assert end.outlet_pa == pytest.approx(outlet_pa, abs=0.1)
    assert end.passed_m3_h[0] == pytest.approx(drawn_m3_h, abs=0.1)
    assert not end.standby_active
    load = drawn_m3_h / MAIN.capacity_m3_h
    assert end.inlet_pa == pytest.approx(300_000.0 - 20_000.0 * load * load, abs=5.0)


def test_a_failed_open_regulator_is_shut_off_and_the_standby_takes_over() -> None:
    """Over-pressure trips the main's slam-shut only; the outlet falls to the standby's range."""
    inputs = Inputs(600.0, (Mode.FAILED_OPEN, Mode.SOUND))
    states = run(at_rest(DUAL), inputs, 60.0)
    assert max(state.outlet_pa for state in states) >= MAIN.slam_pa
    end = states[-1]
    assert end.shut == (True, False)
    assert end.standby_active
    assert end.passed_m3_h == (0.0, pytest.approx(600.0, abs=0.1))
    assert STANDBY.set_pa - STANDBY.droop_pa < end.outlet_pa < STANDBY.set_pa


def test_a_slam_shut_stays_shut_until_it_is_reset() -> None:
    """The cause gone, it stays; the reset opens it, and the main regulator works again."""
    broken = run(at_rest(DUAL), Inputs(600.0, (Mode.FAILED_OPEN, Mode.SOUND)), 20.0)[-1]
    mended = run(broken, Inputs(600.0), 60.0)[-1]
    assert mended.shut == (True, False)
    again = run(mended, Inputs(600.0, reset=(True, False)), 20.0)[-1]
    assert again.shut == (False, False)
    assert again.outlet_pa == pytest.approx(run(at_rest(DUAL), Inputs(600.0), 60.0)[-1].outlet_pa)


def test_a_reset_before_the_repair_trips_again() -> None:
    """Whoever resets a regulator that still does not close finds it shut again."""
    inputs = Inputs(600.0, (Mode.FAILED_OPEN, Mode.SOUND), (True, True))
    states = run(at_rest(DUAL), inputs, 60.0)
    assert states[-1].shut[0]
    assert max(state.outlet_pa for state in states[-200:]) >= MAIN.slam_pa


def test_a_single_station_without_its_regulator_runs_empty() -> None:
    """Nobody takes over: the outlet falls to nothing, and never below."""
    inputs = Inputs(600.0, (Mode.FAILED_OPEN,))
    end = run(at_rest(SINGLE), inputs._replace(reset=(False,)), 60.0, SINGLE)[-1]
    assert end.shut == (True,)
    assert end.outlet_pa == 0.0


def test_a_leaking_seat_creeps_beyond_lock_up_and_shows_only_without_flow() -> None:
    """With flow the leak is part of it; without, the outlet creeps up to the slam-shut."""
    inputs = Inputs(300.0, (Mode.LEAKING, Mode.SOUND))
    flowing = run(at_rest(DUAL), inputs, 60.0)[-1]
    sound = run(at_rest(DUAL), Inputs(300.0), 60.0)[-1]
    assert flowing.outlet_pa == pytest.approx(sound.outlet_pa, abs=1.0)
    closed = run(flowing, inputs._replace(drawn_m3_h=0.0), 100.0)
    assert closed[-1].outlet_pa > MAIN.closed_pa + 500.0
    rising = [state.outlet_pa for state in closed]
    assert rising == sorted(rising)
    tripped = run(closed[-1], inputs._replace(drawn_m3_h=0.0), 900.0)[-1]
    assert tripped.shut == (True, False)


def test_hunting_swings_the_outlet_with_its_period() -> None:
    """Ten periods give ten maxima, each swing about `hunting_pa` on both sides."""
    warm = run(at_rest(DUAL), Inputs(600.0, (Mode.HUNTING, Mode.SOUND)), 30.0)[-1]
    states = run(warm, Inputs(600.0, (Mode.HUNTING, Mode.SOUND)), 10 * MAIN.hunting_s)
    p = [state.outlet_pa for state in states]
    maxima = sum(a < b >= c for (a, b), (_, c) in pairwise(pairwise(p)))
    assert maxima in (9, 10, 11)
    assert 1.2 * MAIN.hunting_pa < max(p) - min(p) < 2.0 * MAIN.hunting_pa


def test_a_starving_inlet_starves_the_outlet() -> None:
    """The outlet can never be above the inlet that feeds it."""
    poor = Station("PR3", (MAIN, STANDBY), 15_000.0, 1_000.0)
    end = run(at_rest(poor)._replace(outlet_pa=14_000.0), Inputs(600.0), 60.0, poor)[-1]
    assert end.outlet_pa < 15_000.0


def test_an_impossible_station_is_refused() -> None:
    """A standby within the main's range, a slam-shut below lock-up, three regulators."""
    with pytest.raises(ValueError, match="work along"):
        Station("X", (MAIN, MAIN), 1e6, 0.0)
    low = Regulator(20_000.0, 1_800.0, 1_000.0, 20_900.0, 2_000.0)
    with pytest.raises(ValueError, match="trips by itself"):
        Station("X", (low,), 1e6, 0.0)
    with pytest.raises(ValueError, match="one or two"):
        Station("X", (), 1e6, 0.0)


_MODES = st.sampled_from(list(Mode))
_INPUTS = st.builds(
    Inputs,
    st.floats(0.0, 4_000.0),
    st.tuples(_MODES, _MODES),
    st.tuples(st.booleans(), st.booleans()),
)
_HISTORY = st.lists(st.tuples(_INPUTS, st.floats(0.01, 5.0)), min_size=1, max_size=60)


@settings(max_examples=60)
@given(_HISTORY)
def test_any_history_stays_within_what_is_possible(
    history: list[tuple[Inputs, float]],
) -> None:
    """Never negative, never above the inlet; above lock-up only by a leak or a failure; a closed
    slam-shut passes nothing and stays closed until its reset."""
    state, leaked = at_rest(DUAL), False
    for inputs, duration_s in history:
        leaked |= any(mode in (Mode.LEAKING, Mode.FAILED_OPEN) for mode in inputs.modes)
        before, state = state, station_step(DUAL, state, inputs, duration_s)
        assert 0.0 <= state.outlet_pa <= DUAL.inlet_pa
        assert all(math.isfinite(x) and x >= 0.0 for x in state.passed_m3_h)
        if not leaked:
            assert state.outlet_pa <= MAIN.closed_pa + 1e-6
            assert state.shut == (False, False)
        for n in (0, 1):
            if before.shut[n] and not inputs.reset[n]:
                assert state.shut[n]
                assert state.passed_m3_h[n] == 0.0


@given(st.floats(0.0, 30_000.0), st.floats(0.0, 30_000.0), st.floats(0.0, 1_000.0))
def test_a_regulator_never_opens_with_rising_outlet(a: float, b: float, shift: float) -> None:
    """Its curve falls, between the capacity and nothing."""
    low, high = sorted((a, b))
    assert MAIN.capacity_m3_h >= MAIN.passes(low, shift) >= MAIN.passes(high, shift) >= 0.0


def test_a_script_is_drawn_from_its_seed() -> None:
    """The same seed gives the same script, another another; all things happen, one by one."""
    script = Script.seeded(1, "PR1", 600.0)
    assert script == Script.seeded(1, "PR1", 600.0)
    assert script != Script.seeded(2, "PR1", 600.0)
    assert {item.what for item in script.episodes} == {*Mode, *Contact} - {Mode.SOUND}
    assert max(len(script.now(t)) for t in range(600)) == 1


def test_a_script_gives_modes_and_contacts_by_time() -> None:
    """Episodes begin and end; the reset comes when all is sound again; the span repeats."""
    script = Script((Episode(10.0, 20.0, Mode.LEAKING, 1), Episode(15.0, 25.0, Contact.DOOR)), 60.0)
    assert script.inputs(5.0, 1.0) == Inputs(1.0, (Mode.SOUND, Mode.SOUND), (True, True))
    assert script.inputs(70.0, 1.0).modes == (Mode.SOUND, Mode.LEAKING)
    assert script.inputs(70.0, 1.0).reset == (False, False)
    assert [script.is_open(Contact.DOOR, t) for t in (14.9, 15.0, 25.0, 75.0)] == [
        False, True, False, True,
    ]  # fmt: skip
    assert not script.is_open(Contact.BYPASS, 15.0)
