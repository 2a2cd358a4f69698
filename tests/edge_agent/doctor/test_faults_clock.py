"""Faults of the clock: a process whose clock is wrong, the log of a clock that was stepped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from unittest.mock import patch

import pytest

from edge_agent.clock import judge
from edge_agent.doctor.diagnose import diagnose
from edge_agent.doctor.events_look import recent_events
from edge_agent.doctor.host import ClockFacts
from edge_agent.doctor.machine_look import look_at_clock
from edge_agent.journal.draft import Salts
from edge_agent.link_test.judge import Now
from edge_agent.recorder.recorder import Recorder
from edge_agent.recording.device_recording import ClockRead
from protocols.metering.instant import ClockState
from tests.edge_agent.doctor.site_rig import Scene, site
from tests.edge_agent.doctor.snapshots import METER, SENSOR, UTC_S, host, of_recorder
from tests.edge_agent.doctor.test_faults_link import Place
from tests.edge_agent.gateway import (
    BOOT_ID,
    GATEWAY,
    KEYS,
    UTC_MS,
    VERSION,
    Polls,
    config_of,
    new_journal,
    wait_until,
)
from tests.edge_agent.tls_central import Request, TlsCentral, serving

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
SYNC, FREE = ClockState.SYNCHRONISED, ClockState.UNSYNCHRONISED


def codes_of(clock: ClockFacts) -> list[str]:
    return [one.code for one in diagnose(None, None, host(clock=clock))]


def test_a_clock_that_is_well() -> None:
    """No finding."""
    assert codes_of(host().clock) == []


def test_nobody_steers_it(tmp_path: Path) -> None:
    """By what adjtimex(2) says; without a battery behind it that is said instead, as well."""
    state = judge(5, 0x40)
    (tmp_path / "sys/class/rtc/rtc0").mkdir(parents=True)
    clock = look_at_clock(Now(UTC_S, state), 0, tmp_path)
    assert codes_of(clock) == ["clock_unsynchronised"]


def test_no_battery_behind_it(tmp_path: Path) -> None:
    """A machine whose kernel knows no RTC, and whose clock was stepped at its boot."""
    (tmp_path / "sys/class/rtc").mkdir(parents=True)
    clock = look_at_clock(Now(UTC_S, SYNC), 86_400, tmp_path)
    assert codes_of(clock) == ["no_rtc"]
    steady = look_at_clock(Now(UTC_S, SYNC), 0, tmp_path)
    assert codes_of(steady) == []  # by now it is right


def test_it_was_stepped(tmp_path: Path) -> None:
    """As the recorder's CLOCK leaves tell."""
    config = config_of(tmp_path)
    journal = new_journal(config)
    polls = Polls(config)
    memory = journal.load(config.gateway, BOOT_ID, 0)
    salts = Salts(KEYS.gateway, KEYS.salt_secret)
    recorder = Recorder(journal, memory, config, salts, polls.clock, VERSION)
    assert recorder.begin()
    for offset_ms in (UTC_MS, UTC_MS + 7_200_000):
        polls.clock.offset_ms = offset_ms
        for scan in polls.round():
            recorder.deliver(scan)
        assert recorder.turn()
    now_s = (UTC_MS + 7_200_000) // 1000 + 60
    events = recent_events(journal.path, GATEWAY, now_s)
    journal.close()
    steps = [int(event.detail) for event in events if event.code == "clock_step"]
    assert steps == [7200]
    clock = ClockFacts(now_s, SYNC, has_rtc=True, stepped_s=steps[0])
    found = diagnose(None, None, host(clock=clock))
    assert [one.code for one in found] == ["clock_stepped"]
    assert found[0].facts["step"] == "+2 h"


def test_a_devices_clock_drifts(tmp_path: Path) -> None:
    """As the recorder judges what a bus has read of it."""
    config = config_of(tmp_path)
    journal = new_journal(config)
    polls = Polls(config)
    memory = journal.load(config.gateway, BOOT_ID, 0)
    salts = Salts(KEYS.gateway, KEYS.salt_secret)
    recorder = Recorder(journal, memory, config, salts, polls.clock, VERSION)
    assert recorder.begin()
    assert recorder.tell(ClockRead("M1", -95_000, 60_000, polls.clock.now()))
    assert recorder.turn()
    told = replace(of_recorder(recorder, config, journal.path), devices=(METER, SENSOR))
    journal.close()
    found = diagnose(told, config, host())
    assert [(one.code, one.where) for one in found] == [("device_clock", "meter-1")]


@pytest.fixture(scope="module")
def receipted(tmp_path_factory) -> Iterator[Path]:
    """gateway.toml of a running agent, whose journal has receipts."""
    with site(tmp_path_factory.mktemp("site"), [Scene("healthy")]) as found:
        assert wait_until(lambda: len(found.central.requests) > 2)
        yield found.path


@pytest.mark.skipif(FAKETIME is None, reason="libfaketime is not installed (apt: faketime)")
@pytest.mark.parametrize(
    ("shown", "code"),
    [("-40d", "clock_before_receipt"), ("@1970-01-02 00:00:00", "clock_never_set")],
)
def test_a_process_whose_clock_is_wrong(receipted: Path, shown: str, code: str) -> None:
    """A real one, beside a journal with central's receipts: one red finding, the clock's."""
    environment = os.environ | {
        "LD_PRELOAD": str(FAKETIME), "DONT_FAKE_MONOTONIC": "1", "FAKETIME": shown, "TZ": "UTC",
    }  # fmt: skip
    command = [sys.executable, "-m", "edge_agent.cli", "doctor", "--json", "--config"]
    done = subprocess.run(
        [*command, str(receipted)], env=environment, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)["findings"]
    assert [one["code"] for one in told if one["light"] == "bad"] == [code]


@pytest.mark.parametrize(
    ("apart_s", "state", "code"),
    [
        (-400, FREE, "clock_ahead"),
        (400, FREE, "clock_behind"),
        (-400, SYNC, "central_clock_ahead"),
        (400, SYNC, "central_clock_behind"),
    ],
)
def test_apart_from_central(tmp_path: Path, apart_s: int, state: ClockState, code: str) -> None:
    """By the date of central's answer; who steers ours says whose fault is likelier."""
    send = Request.send

    def dated(self, status, body, kind="text/plain", **headers):
        send(self, status, body, kind, Date=formatdate(time.time() + apart_s, usegmt=True))

    with (
        patch.object(Request, "send", dated),
        serving(tmp_path, TlsCentral(), days=(-1, 90)) as central,
    ):
        found = Place(tmp_path, {"url": central.url}, state).findings()
    assert [one.code for one in found] == [code]
