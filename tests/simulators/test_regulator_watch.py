"""The simulated station against the watch over it: each knows nothing of the other."""

from collections.abc import Iterator

import pytest

from protocols.metering.instant import Instant
from protocols.metering.quality import Quality
from protocols.metering.regulator import regulator_step
from protocols.metering.regulator_config import (
    Contact as WatchedContact,
)
from protocols.metering.regulator_config import (
    ContactKind,
    IndexPoint,
    PressurePoint,
    RegulatorConfig,
    regulator_faults,
)
from protocols.metering.regulator_state import RegulatorState
from protocols.metering.scan import Scan
from protocols.modbus.frames import Request
from simulators.plant import Plant, Start
from simulators.regulator_physics import (
    Contact,
    Episode,
    Mode,
    Script,
    StationState,
    at_rest,
    station_step,
)
from simulators.site import PR1, TCP_BUS, demo_site, with_station

_ATMOSPHERE_DPA = 955_000
_CONFIG = RegulatorConfig(
    regulator="PR1",
    outlet=PressurePoint("P2", "p", True, 900_000, 2_000_000),
    inlet=PressurePoint("P1", "p", True, 900_000, 10_000_000),
    flow=IndexPoint("M1", "vm", 10**9, 1000, 1_000_000),
    contacts=(
        WatchedContact(ContactKind.SLAM_SHUT, "main", "IO", "shut_1", 0, 0),
        WatchedContact(ContactKind.SLAM_SHUT, "standby", "IO", "shut_2", 0, 0),
        WatchedContact(ContactKind.BYPASS, "bypass", "IO", "bypass", 0, 0),
        WatchedContact(ContactKind.DOOR, "door", "IO", "door", 0, 1),
    ),
    atmosphere_dpa=_ATMOSPHERE_DPA,
    set_dpa=_ATMOSPHERE_DPA + 200_000,
    droop_dpa=18_000,
    lockup_dpa=10_500,
    low_dpa=_ATMOSPHERE_DPA + 190_000,
    high_dpa=_ATMOSPHERE_DPA + 225_000,
    inlet_low_dpa=_ATMOSPHERE_DPA + 2_000_000,
    inlet_high_dpa=_ATMOSPHERE_DPA + 4_000_000,
    standby_set_dpa=_ATMOSPHERE_DPA + 165_000,
    drift_dpa=5_000,
    drift_window_ms=60_000,
    hunting_dpa=3_000,
    hunting_turns=6,
    hunting_window_ms=40_000,
    flow_window_ms=2_000,
    hysteresis_dpa=500,
    hold_ms=5_000,
    stale_ms=20_000,
)


def _lived(script: Script, draw_m3_h: float, idle: range) -> Iterator[tuple[int, StationState]]:
    """The station each second; in `idle` seconds nothing is drawn."""
    state = at_rest(PR1)
    for second in range(int(script.span_s)):
        drawn = 0.0 if second in idle else draw_m3_h
        for n in range(10):
            inputs = script.inputs(second + n / 10, drawn)
            state = station_step(PR1, state, inputs, 0.1)
        yield int(second), state


def _watched(script: Script, draw_m3_h: float = 300.0, idle: range = range(0)) -> list[str]:
    """What the watch tells, as "code new" in order."""
    state, told, litres = RegulatorState(), [], 0
    for second, station in _lived(script, draw_m3_h, idle):
        litres += 0 if second in idle else round(draw_m3_h / 3.6)
        door_open = script.is_open(Contact.DOOR, second)
        scans = (
            ("M1", {"vm": (litres, "")}),
            ("P1", {"p": (station.inlet_pa / 1e5, "bar")}),
            ("P2", {"p": (station.outlet_pa / 1e5, "bar")}),
            ("IO", {"shut_1": (int(station.shut[0]), ""), "shut_2": (int(station.shut[1]), ""),
                    "bypass": (int(script.is_open(Contact.BYPASS, second)), ""),
                    "door": (int(not door_open), "")}),
        )  # fmt: skip
        for serial, values in scans:
            instant = Instant(1, 5_000 + second * 1_000, None, 0)
            scan = Scan(0, serial, instant, Quality.GOOD, values)
            state, events = regulator_step(_CONFIG, state, scan)
            told += [f"{event.code} {event.new}" for event in events]
    return told


def test_the_configuration_fits_the_station() -> None:
    """What is watched for is what the station promises."""
    assert regulator_faults(_CONFIG) == []


@pytest.mark.parametrize("draw_m3_h", [10.0, 150.0, 950.0])
def test_a_sound_station_tells_nothing(draw_m3_h: float) -> None:
    """At a trickle, in between and near its capacity, with a stop of a minute."""
    assert _watched(Script((), 300.0), draw_m3_h, range(150, 210)) == []


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (Mode.HUNTING, ["hunting on", "hunting off"]),
        (Mode.DRIFTED, ["set_pressure_drift on", "set_pressure_drift off"]),
        (Contact.BYPASS, ["bypass_open on", "bypass_open off"]),
        (Contact.DOOR, ["door_open on", "door_open off"]),
    ],
)
def test_each_trouble_is_told_by_its_name_and_ends(what: Mode | Contact, told: list[str]) -> None:
    """Two minutes of it in five, nothing else is told."""
    assert _watched(Script((Episode(60.0, 200.0, what),), 400.0)) == told


def test_a_failed_open_regulator_trips_and_the_standby_is_seen() -> None:
    """Slam-shut at once, standby after its hold; both end with the reset after the repair."""
    told = _watched(Script((Episode(60.0, 120.0, Mode.FAILED_OPEN),), 300.0))
    assert told[:3] == ["slam_shut on", "outlet_below on", "standby_active on"]
    assert sorted(told[3:]) == ["outlet_below off", "slam_shut off", "standby_active off"]


def test_a_leaking_seat_is_seen_where_nothing_flows() -> None:
    """With flow it hides; in the pause the lock-up pressure creeps up and is told."""
    script = Script((Episode(30.0, 290.0, Mode.LEAKING),), 300.0)
    assert _watched(script) == []
    told = _watched(script, idle=range(150, 200))
    assert told == ["lock_up_high on", "lock_up_high off"]


def test_the_plants_station_shows_itself_through_its_instruments() -> None:
    """Kellers in front and behind, and an input module whose door shows 1 while it is closed."""
    site = with_station(demo_site())
    plant = Plant(site, Start(0, 1_785_585_600_000))
    moment = plant.advance_to(3_000)
    on_bus = site.on_bus(TCP_BUS)
    answer = on_bus[4].answer(Request(4, 2, 0, 8), moment)
    assert answer.pdu == bytes.fromhex("02 01 08")
    assert answer.points == tuple(f"input_{n}" for n in range(1, 9))
    station = moment.stations["PR1"]
    assert moment.outlets_pa_gauge["PR1"] == station.outlet_pa_gauge
    assert 18_000.0 < station.outlet_pa_gauge <= 21_000.0
    assert 280_000.0 <= station.inlet_pa_gauge <= 300_000.0
    inlet = on_bus[3].readings["p1_f32"](moment)
    assert inlet is not None
    assert inlet * 1e5 == pytest.approx(station.inlet_pa_gauge, abs=25.0)
    tripped = station._replace(shut=(True, False), bypass_open=True, door_open=True)
    moment = moment._replace(stations={"PR1": tripped})
    assert on_bus[4].answer(Request(4, 2, 0, 4), moment).pdu == bytes.fromhex("02 01 05")


def test_a_plant_with_a_station_is_the_same_plant() -> None:
    """What flows through the runs does not depend on it."""
    plain, more = (Plant(site, Start(0, 0)) for site in (demo_site(), with_station(demo_site())))
    assert plain.advance_to(1_000).runs == more.advance_to(1_000).runs
