"""Conditions in the program's own log."""

from __future__ import annotations

import logging

import pytest

from edge_agent.journal.draft import Salts
from edge_agent.journal.memory import AlarmTold
from edge_agent.recorder.alarm_log import changes, tell_alarms
from edge_agent.recorder.recorder import Recorder
from protocols.metering.instant import Instant
from tests.edge_agent.gateway import BOOT_ID, KEYS, VERSION, Polls, config_of, new_journal

NOW = AlarmTold(Instant(0, 1, 2, 2), "resolution_vm shows -2, configured is -3")


def test_what_begins_and_ends_is_told_once() -> None:
    """With its detail; a commit that changes nothing says nothing."""
    on = {("configuration_mismatch", "R1"): NOW}
    (begun,) = changes({}, on)
    assert begun == (
        "R1: configuration_mismatch is on: resolution_vm shows -2, configured is -3",
        *("configuration_mismatch", "R1"),
    )
    assert [one.text for one in changes(on, {})] == ["R1: configuration_mismatch is over"]
    assert changes(on, dict(on)) == []


def test_a_flood_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    """One commit tells twenty."""
    tell_alarms({}, {("code", f"R{number}"): NOW for number in range(50)})
    assert len(caplog.records) == 20


def test_a_resolution_that_contradicts_the_file_is_in_the_log(
    tmp_path, caplog: pytest.LogCaptureFixture
) -> None:
    """The recorder says it once, and when it is over."""
    caplog.set_level(logging.WARNING)
    config = config_of(tmp_path)
    journal = new_journal(config)
    polls = Polls(config)
    memory = journal.load(config.gateway, BOOT_ID, 0)
    salts = Salts(KEYS.gateway, KEYS.salt_secret)
    recorder = Recorder(journal, memory, config, salts, polls.clock, VERSION)
    assert recorder.begin()
    polls.round()
    for resolution in (-3, -2, -2, -3):
        for scan in polls.round()[:2]:
            recorder.deliver(scan)
        values = {"vm": polls.index, "vb": polls.index, "resolution_vb": -3}
        recorder.deliver(polls.scan("meter-1", resolution_vm=resolution, **values))
        assert recorder.turn()
    told = [each.message for each in caplog.records if "configuration_mismatch" in each.message]
    assert told == [
        "R1: configuration_mismatch is on: resolution_vm shows -2, configured is -3",
        "R1: configuration_mismatch is over",
    ]
    journal.close()
