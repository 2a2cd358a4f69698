"""What a person reads of a run, a regulator and a device."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.memory import Memory, first_memory
from edge_agent.recording.recording import MapHashes, record_scan, record_start
from edge_agent.status.figures import decimal_text, regulator_part, run_part, values_of
from edge_agent.status.latest_scans import LatestScans
from edge_agent.status.model import Run
from protocols.metering.quality import Quality
from tests.edge_agent.gateway import BOOT_ID, GATEWAY, VERSION, Polls, config_of


class Site:
    """One run, recorded without a journal."""

    def __init__(self, directory: Path) -> None:
        self.config = config_of(directory)
        self.polls = Polls(self.config)
        self.latest = LatestScans(self.config.devices, lambda scan: True)
        self._hashes = MapHashes()
        self._salts = Salts(GATEWAY, b"s" * 32)
        draft = Draft(first_memory(GATEWAY, BOOT_ID), self._salts)
        record_start(draft, self.config, self.polls.clock.now(), VERSION)
        self.memory: Memory = draft.tick().after

    def take(self, scans: list) -> None:  # type: ignore[type-arg]
        draft = Draft(self.memory, self._salts)
        for scan in scans:
            self.latest.deliver(scan)
            record_scan(draft, scan, self._hashes, self.config.regulators)
        self.memory = draft.tick().after

    def run(self, later_ms: int = 0) -> Run:
        now_ms = self.polls.clock.mono_ms + later_ms
        return run_part(self.memory.runs["R1"], self.latest.of("M1"), now_ms)


@pytest.fixture
def running(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_run_that_was_never_read_has_no_figures(running: Site) -> None:
    """Nothing is invented for it."""
    found = running.run()
    assert (found.quality, found.quality_cause) == ("bad", "never_read")
    assert (found.line_index, found.pressure_kpa, found.line_flow_m3_h) == (None, None, None)
    assert found.interval_end_ms is None


def test_a_good_run_has_its_figures(running: Site) -> None:
    """10 counts of a litre in 2 s are 18 m3/h; 3 bar gauge at 101.325 kPa, 59 degF."""
    for _ in range(40):
        running.take(running.polls.round())
    found = running.run()
    assert (found.quality, found.quality_cause, found.substituted) == ("good", "", ())
    assert found.line_index == running.polls.index
    assert found.line_text == "1.400"
    assert found.line_flow_m3_h == 18.0
    assert found.pressure_kpa == pytest.approx(401.325)
    assert found.temperature_c == pytest.approx(15.0)
    assert found.c is not None
    assert found.z is not None
    assert found.base_flow_m3_h == pytest.approx(18.0 * found.c, abs=1e-3)
    counters = running.memory.runs["R1"].state.now.counters
    assert found.base_index == counters.base_unhaltable
    assert found.interval_end_ms is not None
    assert 0 < found.interval_end_ms - (running.polls.clock.now().utc_ms or 0) <= 6000


def test_the_figures_stay_when_an_interval_has_just_begun(running: Site) -> None:
    """A screen that is watched must not flicker at each boundary."""
    for _ in range(12):
        running.take(running.polls.round())
        assert running.run().z is not None


def test_a_lost_poll_is_an_accident_and_a_silent_meter_is_not(running: Site) -> None:
    """The cause is the quality of its last scan."""
    running.take(running.polls.round())
    running.polls.clock.mono_ms += 2000
    running.take([running.polls.scan("meter-1", Quality.BAD_NO_ANSWER)])
    assert running.run().quality == "good"
    running.polls.clock.mono_ms += 4000
    running.take([running.polls.scan("meter-1", Quality.BAD_NO_ANSWER)])
    assert (running.run().quality, running.run().quality_cause) == ("bad", "BAD_NO_ANSWER")


def test_a_meter_whose_bus_tells_nothing_is_silent(running: Site) -> None:
    """A bus thread that hangs delivers no bad scan either."""
    running.take(running.polls.round())
    assert running.run(20_000).quality == "good"
    found = running.run(20_001)
    assert (found.quality, found.line_flow_m3_h) == ("bad", None)


def test_a_substitute_makes_it_uncertain(running: Site) -> None:
    """And which one."""
    running.take(running.polls.round())
    for _ in range(12):
        running.take(running.polls.round()[1:])  # without the pressure
    found = running.run()
    assert (found.quality, found.quality_cause) == ("uncertain", "pressure_substituted")
    assert found.substituted == ("pressure_substituted",)


def test_a_regulator_is_bad_while_an_alarm_is_on(running: Site) -> None:
    """Its pressures are absolute."""
    config = running.config.regulators[0]
    running.take(running.polls.round())
    clock = running.polls.clock
    found = regulator_part(config, running.memory.regulators["PR1"], clock.now())
    assert found.outlet_kpa == pytest.approx(401.325)
    assert found.set_kpa == pytest.approx(401.325)
    assert found.quality == "good"
    for _ in range(10):
        running.polls.clock.mono_ms += 10_000
        running.take([running.polls.scan("p-1", p1_f32=9.0)])
    state = running.memory.regulators["PR1"]
    assert regulator_part(config, state, clock.now()).quality == "bad"
    clock.mono_ms += config.stale_ms + 1
    assert regulator_part(config, state, clock.now()).outlet_kpa is None
    clock.mono_ms, clock.boot_no = 0, 1
    assert regulator_part(config, state, clock.now()).outlet_kpa is None


def test_values_are_text_and_number(running: Site) -> None:
    """As `read` shows them."""
    scan = running.polls.scan("p-1", p1_f32=3.25)
    by_name = {value.name: value for value in values_of(scan)}
    assert (by_name["p1_f32"].number, by_name["p1_f32"].unit) == (3.25, "bar")
    nothing = running.polls.scan("p-1", p1_f32=float("nan"))
    assert {one.name: one.number for one in values_of(nothing)}["p1_f32"] is None


@pytest.mark.parametrize(
    ("count", "exponent", "text"),
    [
        (1234, -3, "1.234"),
        (4, -3, "0.004"),
        (-4, -3, "-0.004"),
        (12, 0, "12"),
        (12, 2, "1200"),
        (0, -1, "0.0"),
    ],
)
def test_an_index_is_shown_with_all_its_digits(count: int, exponent: int, text: str) -> None:
    """As the register's resolution has them."""
    assert decimal_text(count, exponent) == text
