"""What the clocks are worth."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.clock import Discipline
from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.newest import NewestReader
from edge_agent.language import load_words
from edge_agent.recording.clock_recording import record_clock
from edge_agent.recording.device_recording import ClockRead, record_news
from edge_agent.status.timekeeping import (
    RTC,
    DeviceDrift,
    Step,
    Timekeeping,
    is_good,
    lines,
    read_time,
    to_json,
)
from edge_agent.status.words_of_time import local_of
from protocols.metering.instant import ClockState
from tests.edge_agent.gateway import BOOT_ID, GATEWAY, KEYS, SetClock, config_of, new_journal
from tests.edge_agent.status.snapshots import UTC_MS, device, site

KERNEL = Discipline(ClockState.SYNCHRONISED, 0x2001, -12.5, 3.25, 4000, 200, 37)
GOOD = Timekeeping(
    UTC_MS, KERNEL, (Step(3, UTC_MS - 4_000, UTC_MS, "synchronised"),), 250, 42_000,
    (DeviceDrift("meter-1", 1_500, is_told=False),), "rtc-ds1307",
)  # fmt: skip


def test_out_of_a_journal(tmp_path: Path) -> None:
    """Steps newest first, by how much; the devices' clocks by name."""
    config = config_of(tmp_path)
    journal = new_journal(config)
    clock = SetClock(mono_ms=1_000)
    draft = Draft(journal.load(GATEWAY, BOOT_ID, 0), Salts(KEYS.gateway, KEYS.salt_secret))
    clock.offset_ms, clock.state = None, ClockState.UNSYNCHRONISED
    record_clock(draft, clock.now())
    clock.mono_ms, clock.offset_ms = 5_000, UTC_MS
    record_clock(draft, clock.now())
    clock.offset_ms, clock.state = UTC_MS + 3_600_000, ClockState.SYNCHRONISED
    record_clock(draft, clock.now())
    record_news(draft, ClockRead("M1", 90_000, 60_000, clock.now()), clock.now())
    journal.commit(draft.tick())
    (tmp_path / RTC).parent.mkdir(parents=True)
    (tmp_path / RTC).write_text("rtc-ds1307 1-0068\n")
    reader = NewestReader(journal.path, GATEWAY)
    agent = site(1, devices=(device(1),))
    found = read_time(reader, agent, tmp_path)
    alone = read_time(reader, None, tmp_path / "none")
    reader.close()
    journal.close()
    assert [(step.moved_ms, step.state) for step in found.steps] == [
        (3_600_000, "synchronised"),
        (None, "unsynchronised"),
        (None, "unsynchronised"),
    ]
    assert found.devices == (DeviceDrift("meter-1", 90_000, is_told=True),)
    assert found.rtc == "rtc-ds1307 1-0068"
    assert found.central_ahead_ms == 250
    assert found.utc_ms is not None
    assert (alone.rtc, alone.central_ahead_ms) == ("", None)
    assert alone.devices[0].name == "M1"


@pytest.mark.parametrize(
    ("changed", "good"),
    [
        ({}, True),
        ({"utc_ms": None}, False),
        ({"kernel": KERNEL._replace(state=ClockState.UNKNOWN)}, False),
        ({"central_ahead_ms": None}, True),
        ({"central_ahead_ms": -10_001}, False),
        ({"devices": (DeviceDrift("m", 1, is_told=True),)}, False),
    ],
)
def test_what_is_a_finding(changed: dict[str, object], good: bool) -> None:
    """A battery clock is none: there are machines without."""
    assert is_good(GOOD._replace(**changed)) == good  # type: ignore[arg-type]


def test_json_has_its_keys() -> None:
    """Schema 1."""
    body = to_json(GOOD)
    assert body.keys() == {
        "schema", "utc_ms", "clock_state", "kernel", "steps", "central_ahead_ms",
        "receipt_age_ms", "devices", "rtc",
    }  # fmt: skip
    assert body["steps"] == [
        {
            "boot_no": 3, "before_ms": UTC_MS - 4_000, "utc_ms": UTC_MS, "state": "synchronised",
            "moved_ms": 4_000,
        }
    ]  # fmt: skip
    assert body["kernel"].keys() == {
        "status", "offset_us", "frequency_ppm", "max_error_us", "estimated_error_us", "tai_s",
    }  # fmt: skip


@pytest.mark.parametrize("chinese", [False, True])
def test_in_words(chinese: bool) -> None:
    """Each clock has its line."""
    words = load_words("edge_agent.status", chinese=chinese)
    told = dict(lines(GOOD, words, UTC_MS, local_of("Asia/Shanghai")))
    assert told[words("time.local")] == "2026-05-29 04:26:40"
    assert told["meter-1"] == words("time.drift", seconds="+1.5")
    assert "+4.000" in told[words("time.steps")]
    assert "3.250" in told[words("time.kernel")]
    nothing = GOOD._replace(utc_ms=None, central_ahead_ms=None, rtc="", steps=())
    told = dict(lines(nothing, words, UTC_MS, local_of("UTC")))
    assert told[words("time.rtc")] == words("time.no_rtc")
    assert told[words("time.central")] == words("time.not_compared")
