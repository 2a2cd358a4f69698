"""The archives of packaged instruments, read for a gap from a served device."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.bus.archive_places import archive_points
from edge_agent.bus.archive_reader import Taken, Wanted, read_gap
from edge_agent.bus.device_reading import Reach, drive, reach
from edge_agent.bus.joining import Failed
from edge_agent.bus.link import Answer, NoAnswer
from edge_agent.config.model import DeviceConfig
from edge_agent.journal.device_memory import PendingGap
from protocols.metering.instant import ClockState, Instant
from protocols.modbus.answer import Damaged, ExceptionAnswer, Registers
from protocols.registers.archive import Archive
from protocols.registers.archive_record import ArchiveRecord, decode_words, device_time
from protocols.registers.library import load_profile
from protocols.registers.register_map import RegisterMap
from tests.edge_agent.served import HOUR_MS, NOON_MS, UNIT, Served

ZONE = "UTC"


class Noon:
    """The gateway's clock stands at noon."""

    def __init__(self, state: ClockState = ClockState.SYNCHRONISED) -> None:
        self.state = state

    def now(self) -> Instant:
        return Instant(1, 1_000, NOON_MS, self.state)


def device_of(profile_id: str, *archives: str) -> DeviceConfig:
    profile = load_profile(profile_id)
    return DeviceConfig(
        "d", "b", UNIT, profile, "S1", profile.default_points, 60_000, 1, archives=archives
    )


def read(
    served: Served,
    device: DeviceConfig,
    hours: tuple[float, float],
    marks: dict[str, int] | None = None,
    clock: Noon | None = None,
) -> tuple[list[Taken], int | Failed]:
    """The records of a gap that began and ended so many hours before noon."""
    start, end = (NOON_MS - round(hour * HOUR_MS) for hour in hours)
    gap = PendingGap(7, "R1", device.serial, start, end)
    to = reach(device, device.points, served.exchange)
    assert isinstance(to, Reach)
    found: list[Taken] = []
    procedure = read_gap(to, Wanted(gap, ZONE, marks or {}), clock or Noon(), found.append)
    return found, drive(procedure, served.exchange)


def utc_hours(found: list[Taken]) -> list[float]:
    return [(NOON_MS - (taken.record.utc_ms or 0)) / HOUR_MS for taken in found]


def test_a_ring_gives_the_records_of_the_gap() -> None:
    """A UNIFLO's interval log: each hour in it, oldest first, with the totals of that hour."""
    device = device_of("flonidan-uniflo1200", "interval")
    served = Served(device.profile)
    found, count = read(served, device, (6.5, 1.5))
    assert utc_hours(found) == [6, 5, 4, 3, 2]
    assert count == 5
    [map_] = {taken.map.hash(): taken.map for taken in found}.values()
    for taken in found:
        assert taken.record.offset_ms == 0
        values = decode_words(map_, taken.record.words)
        assert len(values) > 4
        assert device_time(taken.record.clock, map_, taken.record.words) == taken.record.device_s
        assert ArchiveRecord.from_body(taken.record.to_body()) == taken.record
    assert RegisterMap.from_body(map_.to_body()) == map_


def test_an_enron_history_gives_the_records_of_the_gap() -> None:
    """A Scanner 2000's intervals by number; it has no clock of its own to be measured."""
    device = device_of("cameron-scanner-2000", "interval")
    found, count = read(Served(device.profile), device, (30.2, 26.0))
    assert count == 5
    assert utc_hours(found) == [30, 29, 28, 27, 26]
    assert {taken.record.offset_ms for taken in found} == {None}


def test_a_history_without_a_pointer_is_searched() -> None:
    """Rockwell's tables tell no newest record: it is found by the times in them."""
    device = device_of("rockwell-1758-flo", "hourly_r0")
    served = Served(device.profile)
    found, _ = read(served, device, (6.5, 1.5))
    assert utc_hours(found) == [6, 5, 4, 3, 2]
    assert served.asked < 40


@pytest.mark.parametrize("offset_h", [-3, 5])
def test_a_devices_wrong_clock_finds_the_same_stretch(offset_h: int) -> None:
    """Its records are found by its own clock, and dated by UTC."""
    device = device_of("flonidan-uniflo1200", "interval")
    served = Served(device.profile)
    served.offset_ms = offset_h * HOUR_MS
    found, _ = read(served, device, (6.5, 1.5))
    assert utc_hours(found) == [6, 5, 4, 3, 2]
    assert {taken.record.offset_ms for taken in found} == {offset_h * HOUR_MS}
    shown = [taken.record.device_s for taken in found]
    assert shown[0] == (NOON_MS - (6 - offset_h) * HOUR_MS) // 1000


def test_what_the_gateway_does_not_know_is_not_claimed() -> None:
    """Without synchronised UTC the records have their own time only."""
    device = device_of("flonidan-uniflo1200", "interval")
    found, _ = read(Served(device.profile), device, (3.5, 1), clock=Noon(ClockState.UNKNOWN))
    assert len(found) == 3
    assert {(taken.record.utc_ms, taken.record.offset_ms) for taken in found} == {(None, None)}


def test_reading_goes_on_behind_the_mark() -> None:
    """What was taken before is not taken again; a mark far ahead is one of another clock."""
    device = device_of("flonidan-uniflo1200", "interval")
    mark = (NOON_MS - 4 * HOUR_MS) // 1000
    found, _ = read(Served(device.profile), device, (6.5, 1.5), {"interval": mark})
    assert utc_hours(found) == [3, 2]
    ahead = (NOON_MS + 48 * HOUR_MS) // 1000
    found, _ = read(Served(device.profile), device, (6.5, 1.5), {"interval": ahead})
    assert len(found) == 5


def test_a_gap_longer_than_the_archive_gives_what_is_left() -> None:
    """48 hours are kept; the older ones are gone."""
    device = device_of("flonidan-uniflo1200", "interval")
    found, _ = read(Served(device.profile), device, (100, 40.5))
    assert utc_hours(found) == [47, 46, 45, 44, 43, 42, 41]


def test_a_gap_between_two_records_costs_little() -> None:
    """Nothing lies in it, and that is found out by a search."""
    device = device_of("flonidan-uniflo1200", "interval", "daily")
    served = Served(device.profile)
    assert read(served, device, (1.9, 1.5)) == ([], 0)
    assert served.asked < 60


def test_an_impossible_pointer_is_said() -> None:
    """No record is searched by a number that cannot be."""
    device = device_of("cameron-scanner-2000", "interval")
    archives = tuple(replace(one, capacity=5) for one in device.profile.archives)
    served = Served(device.profile)
    device = replace(device, profile=replace(device.profile, archives=archives))
    found, failed = read(served, device, (6.5, 1.5))
    assert found == []
    assert isinstance(failed, Failed)
    assert "interval_pointer shows" in failed.detail
    assert not failed.busy


def test_one_lost_answer_is_asked_again_and_two_end_it() -> None:
    """What was found until then was given; the rest waits for another time."""
    device = device_of("flonidan-uniflo1200", "interval")
    served = Served(device.profile)
    start, end = NOON_MS - 6 * HOUR_MS - 1, NOON_MS - HOUR_MS
    gap = PendingGap(7, "R1", "S1", start, end)
    to = reach(device, device.points, served.exchange)
    assert isinstance(to, Reach)

    def run(lost: set[int]) -> tuple[list[Taken], int | Failed]:
        found: list[Taken] = []
        asked = 0

        def exchange(request):  # type: ignore[no-untyped-def]
            nonlocal asked
            asked += 1
            return Damaged("noise") if asked in lost else served.exchange(request)

        wanted = Wanted(gap, ZONE, {})
        return found, drive(read_gap(to, wanted, Noon(), found.append), exchange)

    whole, count = run(set())
    assert count == len(whole) == 6
    assert run({9})[1] == count
    part, failed = run({14, 15})
    assert isinstance(failed, Failed)
    assert [taken.record for taken in part] == [taken.record for taken in whole[: len(part)]]


ANSWERS = st.one_of(
    st.just(NoAnswer(0)),
    st.just(Damaged("noise")),
    st.builds(ExceptionAnswer, st.sampled_from([1, 2, 3, 4, 6])),
    st.integers(0, 0xFFFF),
    st.just(0),
    st.just(1),
)


@given(
    st.sampled_from(
        [
            ("flonidan-uniflo1200", "interval"),
            ("cameron-scanner-2000", "daily"),
            ("rockwell-1758-flo", "hourly_r0"),
        ]
    ),
    st.lists(ANSWERS, min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
@settings(max_examples=80)
def test_whatever_a_device_answers_the_reading_ends(
    which: tuple[str, str], answers: list[Answer | int], random: Random
) -> None:
    """Between its good answers it says anything: no crash, no record outside, none out of order."""
    device = device_of(*which)
    served = Served(device.profile)
    to = reach(device, device.points, served.exchange)
    assert isinstance(to, Reach)
    start, end = NOON_MS - 9 * HOUR_MS, NOON_MS - HOUR_MS
    wanted = Wanted(PendingGap(7, "R1", "S1", start, end), ZONE, {})
    found: list[Taken] = []
    asked = 0

    def exchange(request):  # type: ignore[no-untyped-def]
        nonlocal asked
        asked += 1
        if random.random() < 0.7:
            return served.exchange(request)
        answer = random.choice(answers)
        if isinstance(answer, int):
            return Registers((answer,) * (request.data_bytes // 2))
        return answer

    done = drive(read_gap(to, wanted, Noon(), found.append), exchange)
    assert isinstance(done, int | Failed)
    times = [taken.record.device_s for taken in found]
    assert times == sorted(set(times))
    for taken in found:
        taken.record.check()
    assert asked < 100_000


def test_the_points_of_an_archive() -> None:
    """What must be read to find its records."""
    archives = load_profile("flonidan-uniflo1200").archives
    names = archive_points([one for one in archives if one.name == "daily"])
    assert names == ("daily_log_index", "daily_log_size", "daily_log_width")
    assert archive_points([Archive("a", "enron", 1, "", 3600)]) == ()
