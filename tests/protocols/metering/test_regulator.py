"""The watch over a regulator: each condition by example, then what holds for any scans."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.body import BodyError
from protocols.metering.events import OFF, ON, MeterEvent
from protocols.metering.instant import ClockState, Instant
from protocols.metering.quality import Quality
from protocols.metering.regulator import (
    CONTACT_MISSING,
    HUNTING,
    INLET_BELOW,
    LOCK_UP_HIGH,
    OUTLET_ABOVE,
    OUTLET_BELOW,
    OUTLET_MISSING,
    SET_PRESSURE_DRIFT,
    STANDBY_ACTIVE,
    regulator_step,
)
from protocols.metering.regulator_config import (
    Contact,
    ContactKind,
    IndexPoint,
    PressurePoint,
    RegulatorConfig,
    parse_regulator_config,
    regulator_faults,
)
from protocols.metering.regulator_state import RegulatorState
from protocols.metering.scan import Scan

ATMOSPHERE_DPA = 955_000
CONFIG = RegulatorConfig(
    regulator="PR1",
    outlet=PressurePoint("P2", "p1", True, 900_000, 2_000_000),
    inlet=PressurePoint("P1", "p1", True, 900_000, 10_000_000),
    flow=IndexPoint("M1", "vm", 10**9, 1000, 2_000_000),
    contacts=(
        Contact(ContactKind.SLAM_SHUT, "main", "IO", "inputs", 1, 0),
        Contact(ContactKind.BYPASS, "bypass", "IO", "inputs", 2, 0),
        Contact(ContactKind.DOOR, "door", "IO", "door_closed", 0, 1),
    ),
    atmosphere_dpa=ATMOSPHERE_DPA,
    set_dpa=ATMOSPHERE_DPA + 200_000,
    droop_dpa=18_000,
    lockup_dpa=10_000,
    low_dpa=ATMOSPHERE_DPA + 190_000,
    high_dpa=ATMOSPHERE_DPA + 230_000,
    inlet_low_dpa=ATMOSPHERE_DPA + 2_000_000,
    inlet_high_dpa=ATMOSPHERE_DPA + 4_000_000,
    standby_set_dpa=ATMOSPHERE_DPA + 165_000,
    drift_dpa=6_000,
    drift_window_ms=600_000,
    hunting_dpa=3_000,
    hunting_turns=6,
    hunting_window_ms=60_000,
    flow_window_ms=5_000,
    hysteresis_dpa=500,
    hold_ms=10_000,
    stale_ms=60_000,
)


class Watch:
    """A regulator under watch, fed by hand: each call is a round of polls, two seconds later."""

    def __init__(self, config: RegulatorConfig = CONFIG) -> None:
        self.config = config
        self.state = RegulatorState()
        self.events: list[MeterEvent] = []
        self.now_ms = 1_000_000
        self.boot_no = 7
        self.index = 0
        self.seen = {"inlet_pa": 300_000.0, "inputs": 0, "door_closed": 1}

    def scan(self, serial: str, values: Mapping[str, Any], quality: int = Quality.GOOD) -> None:
        instant = Instant(self.boot_no, self.now_ms, None, ClockState.UNKNOWN)
        scan = Scan(0, serial, instant, quality, values)
        self.state, events = regulator_step(self.config, self.state, scan)
        self.events.extend(events)

    def round(self, outlet_pa: float, flow_l_h: int = 400_000, rounds: int = 1) -> Watch:
        for _ in range(rounds):
            self.now_ms += 2_000
            self.index += flow_l_h * 2_000 // 3_600_000
            self.scan("M1", {"vm": (self.index % 10**9, "")})
            self.scan("P1", {"p1": (self.seen["inlet_pa"] / 1e5, "bar")})
            self.scan("IO", {"inputs": (self.seen["inputs"], ""),
                             "door_closed": (self.seen["door_closed"], "")})  # fmt: skip
            self.scan("P2", {"p1": (outlet_pa / 100, "mbar")})
        return self

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(event.code, str(event.new)) for event in self.events]


def at(outlet_pa: float, flow_l_h: int, rounds: int = 40) -> list[tuple[str, str]]:
    """What is told of a regulator that stands there for `rounds`."""
    return Watch().round(outlet_pa, flow_l_h, rounds).told


@pytest.mark.parametrize(
    ("outlet_pa", "flow_l_h", "told"),
    [
        (20_000, 400_000, []),
        (18_000, 2_000_000, []),  # 190 hPa less the droop at full load: 172
        (17_300, 2_000_000, [(STANDBY_ACTIVE, ON)]),
        (18_500, 400_000, [(OUTLET_BELOW, ON)]),  # a fifth of the droop is allowed: 186.4
        (18_700, 400_000, []),
        (20_900, 0, []),  # closed, within lock-up
        (21_100, 0, [(LOCK_UP_HIGH, ON)]),
        (21_100, 400_000, []),  # the lock-up is a matter of no flow
        (23_100, 400_000, [(OUTLET_ABOVE, ON)]),
        (23_100, 0, [(OUTLET_ABOVE, ON), (LOCK_UP_HIGH, ON)]),
        (16_000, 400_000, [(OUTLET_BELOW, ON), (STANDBY_ACTIVE, ON)]),
    ],
)
def test_the_outlet_is_judged_by_the_load(
    outlet_pa: float, flow_l_h: int, told: list[tuple[str, str]]
) -> None:
    """Limits, droop at the load, lock-up where nothing flows, the standby's range."""
    assert sorted(at(outlet_pa, flow_l_h)) == sorted(told)


def test_an_alarm_is_told_once_after_its_hold_and_ends_inside_the_limit() -> None:
    """Short excursions are not told; a value on the limit does not chatter."""
    watch = Watch().round(20_000, rounds=20)
    watch.round(23_100, rounds=4).round(22_900).round(23_100, rounds=5)
    assert watch.events == []  # 5 rounds are 8 s from first to last
    watch.round(23_100)
    assert watch.told == [(OUTLET_ABOVE, ON)]
    assert watch.events[0].detail == "118600.0 Pa, the limit is 118500.0 Pa"
    watch.round(22_960, rounds=5)
    assert len(watch.events) == 1
    watch.round(22_940)
    assert watch.events[1] == MeterEvent(OUTLET_ABOVE, "PR1", ON, OFF, "")


def test_contacts_are_believed_at_once() -> None:
    """A slam-shut, by its bit, a bypass by another, a door by a point whose normal state is 1."""
    watch = Watch().round(20_000, rounds=3)
    watch.seen |= {"inputs": 1}
    watch.round(20_000)
    watch.seen |= {"inputs": 3, "door_closed": 0}
    watch.round(20_000)
    assert watch.events == [
        MeterEvent("slam_shut", "PR1 main", OFF, ON, "inputs shows 1"),
        MeterEvent("bypass_open", "PR1 bypass", OFF, ON, "inputs shows 1"),
        MeterEvent("door_open", "PR1 door", OFF, ON, "door_closed shows 0"),
    ]
    watch.seen |= {"inputs": 0, "door_closed": 1}
    watch.round(20_000, rounds=5)
    assert watch.told[3:] == [("bypass_open", OFF), ("door_open", OFF), ("slam_shut", OFF)]


def test_hunting_is_a_number_of_turns_in_a_window() -> None:
    """Six turns of 3 hPa within a minute are hunting, five are not; a quiet minute ends it."""
    watch = Watch().round(20_000, rounds=20)
    for n in range(6):  # the first swing has no turn before it
        watch.round(20_000 + (350 if n % 2 else 0))
    assert watch.told == []
    watch.round(20_000, rounds=1).round(20_350, rounds=1)
    for _ in range(3):
        watch.round(20_000).round(20_350)
    assert watch.told == [(HUNTING, ON)]
    watch.round(20_100, rounds=40)
    assert watch.told == [(HUNTING, ON), (HUNTING, OFF)]


def test_a_slow_rise_and_small_ripple_are_no_hunting() -> None:
    """A load curve and noise under the threshold have no turns."""
    watch = Watch()
    for n in range(200):
        watch.round(19_500 + 300 * math.sin(n / 200 * math.pi) + (100 if n % 2 else -100))
    assert watch.told == []


def test_a_relaxed_spring_is_told_from_the_droop() -> None:
    """At three fifths of the load 10.8 hPa of droop are right; 7 hPa less is a drifted spring."""
    sound = Watch().round(20_000 - 1_080, 1_200_000, 700)
    assert sound.told == []
    assert abs(sound.state.drift.found_dpa or 0) < 20
    drifted = Watch().round(20_000 - 1_080 - 700, 1_200_000, 700)
    assert drifted.told == [(SET_PRESSURE_DRIFT, ON)]
    drifted.round(20_000 - 1_080, 1_200_000, 700)
    assert drifted.told[-1] == (SET_PRESSURE_DRIFT, OFF)


def test_missing_readings_are_told_and_keep_what_was_told() -> None:
    """A silent instrument is an alarm of its own; nobody says that the old one has ended."""
    watch = Watch().round(23_100, rounds=20)
    assert watch.told == [(OUTLET_ABOVE, ON)]
    for _ in range(50):
        watch.now_ms += 2_000
        watch.scan("P2", {}, Quality.BAD_NO_ANSWER)
    missing = sorted(event.subject for event in watch.events if event.code == CONTACT_MISSING)
    assert missing == ["PR1 bypass", "PR1 door", "PR1 main"]
    assert {code for code, _ in watch.told} == {
        OUTLET_ABOVE, OUTLET_MISSING, "inlet_missing", CONTACT_MISSING,
    }  # fmt: skip
    assert all(new == ON for _, new in watch.told)
    before = len(watch.events)
    watch.round(20_000, rounds=20)
    assert all(new == OFF for _, new in watch.told[before:])
    assert watch.state.conditions == ()


@pytest.mark.parametrize("shown", [None, math.nan, math.inf, 99.0])
def test_a_value_that_is_none_is_no_reading(shown: float | None) -> None:
    """NaN and what lies outside the transmitter's range end the reading at once."""
    watch = Watch().round(20_000, rounds=40)
    for _ in range(8):
        watch.now_ms += 2_000
        watch.scan("P2", {"p1": (shown, "bar")})
    assert watch.told == [(OUTLET_MISSING, ON)]


def test_an_unknown_unit_is_no_reading() -> None:
    """A pressure in apples is missing, not a crash."""
    watch = Watch().round(20_000, rounds=40)
    for _ in range(8):
        watch.now_ms += 2_000
        watch.scan("P2", {"p1": (1.0, "apples")})
    assert watch.told == [(OUTLET_MISSING, ON)]


def test_inlet_limits() -> None:
    """A starving inlet is told."""
    watch = Watch().round(20_000, rounds=10)
    watch.seen |= {"inlet_pa": 150_000.0}
    watch.round(20_000, rounds=10)
    assert watch.told == [(INLET_BELOW, ON)]


def test_nothing_is_missing_that_could_not_have_come_yet() -> None:
    """In the first minute after the start no alarm says that a reading is missing."""
    watch = Watch()
    for _ in range(30):
        watch.now_ms += 2_000
        watch.scan("P1", {"p1": (3.0, "bar")})
    assert watch.told == []


def test_a_new_boot_keeps_what_was_told_and_measures_anew() -> None:
    """Monotonic time begins again: no reading of before counts, no alarm is told twice."""
    watch = Watch()
    watch.seen |= {"inputs": 1}
    watch.round(23_100, rounds=20)
    told = list(watch.told)
    watch.boot_no, watch.now_ms = 8, 1_000
    watch.round(23_100, rounds=20)
    assert watch.told == told
    watch.seen |= {"inputs": 0}
    watch.round(20_000)
    assert sorted(watch.told[len(told) :]) == [(OUTLET_ABOVE, OFF), ("slam_shut", OFF)]


def test_a_restart_keeps_what_was_told_and_reads_anew() -> None:
    """Contacts that stand in another order now are not taken for each other."""
    watch = Watch()
    watch.seen |= {"inputs": 1}
    watch.round(23_100, rounds=20)
    told = list(watch.told)
    watch.state = watch.state.restarted()
    assert watch.state.outlet is None
    assert watch.state.conditions == (OUTLET_ABOVE, "slam_shut main")
    watch.config = replace(CONFIG, contacts=CONFIG.contacts[::-1])
    watch.scan("P1", {"p1": (3.0, "bar")})
    watch.round(23_100, rounds=20)
    assert watch.told == told


def test_an_index_that_goes_backwards_or_rests_too_long_tells_no_flow() -> None:
    """Unknown flow allows the whole droop, and is no lock-up; a rollover is flow as ever."""
    watch = Watch()
    watch.index = 10**9 - 3_000
    watch.round(20_000, rounds=40)
    assert watch.state.flow.l_h == pytest.approx(400_000, rel=0.01)
    watch.index -= 10**8
    watch.round(20_000, rounds=3)
    assert watch.state.flow.l_h is None
    watch.round(21_500, 400_000, 5)
    watch.now_ms += 200_000
    watch.round(17_700, 0, 3)
    assert watch.state.flow.l_h is None
    assert watch.told == []


def test_scans_of_others_change_nothing() -> None:
    """A device that is not the regulator's leaves its state as it is."""
    watch = Watch().round(20_000)
    before = watch.state
    watch.scan("M2", {"vm": (5, "")})
    assert watch.state is before


def test_a_regulator_without_meter_inlet_and_contacts() -> None:
    """The outlet alone is enough: limits with the whole droop, hunting."""
    config = replace(CONFIG, flow=None, inlet=None, contacts=(), standby_set_dpa=0)
    assert regulator_faults(config) == []
    watch = Watch(config).round(17_300, rounds=20)
    assert watch.told == []
    assert watch.round(17_100, rounds=20).told == [(OUTLET_BELOW, ON)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"regulator": ""}, "regulator has 0 characters"),
        ({"set_dpa": 1}, "set_dpa 1 must lie between"),
        ({"standby_set_dpa": ATMOSPHERE_DPA + 180_000}, "nobody can tell which one works"),
        ({"drift_dpa": 500}, "drift_dpa must be greater than hysteresis_dpa"),
        ({"hunting_turns": 1}, "hunting_turns is 1"),
        ({"stale_ms": 1}, "stale_ms is 1"),
        ({"hold_ms": 10**9}, "hold_ms is"),
        ({"hold_ms": 9_999}, "hold_ms must be two flow_window_ms"),
        ({"inlet_low_dpa": 10**8}, "inlet_low_dpa must be below"),
        ({"outlet": CONFIG.outlet._replace(low=0)}, "outlet: range"),
        ({"outlet": CONFIG.outlet._replace(high=950_000)}, "outside the transmitter's range"),
        ({"contacts": CONFIG.contacts[:1] * 2}, "two have one name"),
        ({"contacts": (CONFIG.contacts[0]._replace(normal=2),)}, "normal must be 0 or 1"),
        ({"flow": CONFIG.flow and CONFIG.flow._replace(full_l_h=0)}, "flow: modulus"),
    ],
)
def test_every_fault_of_a_configuration_is_told(change: dict[str, Any], said: str) -> None:
    """A configuration that cannot be used says which field and why."""
    assert regulator_faults(CONFIG) == []
    config = replace(CONFIG, **change)
    assert any(said in fault for fault in regulator_faults(config))
    with pytest.raises(BodyError):
        parse_regulator_config(config.to_body())


@pytest.mark.parametrize("bare", [False, True])
def test_the_configurations_body_is_strict(*, bare: bool) -> None:
    """It comes back as it was, also through CBOR; a changed type or length is refused."""
    config = replace(CONFIG, inlet=None, flow=None, contacts=()) if bare else CONFIG
    body = config.to_body()
    assert parse_regulator_config(cbor2.loads(cbor2.dumps(body))) == config
    for n in range(len(body)):
        with pytest.raises(BodyError):
            RegulatorConfig.from_body((*body[:n], 1.5, *body[n + 1 :]))
    with pytest.raises(BodyError):
        RegulatorConfig.from_body(body[:-1])
    with pytest.raises(BodyError, match="kind"):
        RegulatorConfig.from_body((*body[:4], (("nonsense", "a", "b", "c", 0, 0),), *body[5:]))


_VALUES = st.one_of(
    st.none(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.floats(0.1, 1.0),
    st.integers(0, 3),
)
_SCANS = st.lists(
    st.tuples(
        st.sampled_from(["M1", "P1", "P2", "IO", "X"]),
        st.dictionaries(
            st.sampled_from(["vm", "p1", "inputs", "door_closed"]),
            st.tuples(_VALUES, st.sampled_from(["bar", "mbar", "", "apples"])),
        ),
        st.sampled_from([Quality.GOOD, Quality.BAD_NO_ANSWER]),
        st.integers(0, 100_000),
        st.integers(0, 1),
    ),
    max_size=40,
)


@given(_SCANS)
def test_any_scans_tell_each_condition_in_turn_and_keep_a_sound_state(scans: Any) -> None:
    """Never a crash; on and off alternate; the state survives its body at every step."""
    watch = Watch()
    on: set[tuple[str, str]] = set()
    for serial, values, quality, later_ms, reboot in scans:
        watch.now_ms += later_ms
        watch.boot_no += reboot
        watch.events.clear()
        watch.scan(serial, values, quality)
        for event in watch.events:
            key = (event.code, event.subject)
            assert (event.new == OFF) == (key in on)
            on ^= {key}
        body = cbor2.loads(cbor2.dumps(watch.state.to_body()))
        assert RegulatorState.from_body(body) == watch.state


def test_the_states_body_is_strict() -> None:
    """A field of another type is refused by its name."""
    body = Watch().round(20_000, rounds=40).state.to_body()
    for n in range(len(body)):
        with pytest.raises(BodyError):
            RegulatorState.from_body((*body[:n], 1.5, *body[n + 1 :]))
    for turns, conditions in ((("x",), ()), ((), (5,))):
        with pytest.raises(BodyError):
            RegulatorState.from_body((*body[:6], (0, 0, turns), *body[7:9], conditions))
