"""Since when an alarm is on: the log has it, also over restarts."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.newest import NewestReader
from edge_agent.status.alarm_times import AlarmTimes
from edge_agent.status.model import Alarm
from tests.edge_agent.gateway import (
    BOOT_ID,
    GATEWAY,
    KEYS,
    UTC_MS,
    SetClock,
    config_of,
    new_journal,
)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """R1 was on twice, R2 once without a clock, R3 never."""
    made = new_journal(config_of(tmp_path))
    clock = SetClock()
    draft = Draft(made.load(GATEWAY, BOOT_ID, 0), Salts(KEYS.gateway, KEYS.salt_secret))
    for at, subject, way in (
        (1, "R1", ("off", "on")),
        (2, "R1", ("on", "off")),
        (3, "R1", ("off", "on")),
        (4, "R2", ("off", "on")),
    ):
        clock.mono_ms = at
        clock.offset_ms = None if subject == "R2" else UTC_MS
        draft.event(clock.now(), "reverse_flow", subject, *way, "agent", f"at {at}")
    made.commit(draft.tick())
    made.close()
    return made.path


def test_the_last_time_that_it_went_on(journal: Path) -> None:
    """With the reason that was told; what has its time keeps it."""
    times = AlarmTimes(journal, GATEWAY)
    told = times.told(
        [
            Alarm("reverse_flow", "R1", None, ""),
            Alarm("reverse_flow", "R2", None, ""),
            Alarm("reverse_flow", "R3", None, ""),
            Alarm("disk_full", "", 77, "known"),
        ]
    )
    assert told == (
        Alarm("reverse_flow", "R1", UTC_MS + 3, "at 3"),
        Alarm("reverse_flow", "R2", None, "at 4"),
        Alarm("reverse_flow", "R3", None, ""),
        Alarm("disk_full", "", 77, "known"),
    )


def test_the_log_is_searched_once(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever watches the screen must not read the journal each second; until it is over."""
    opened = []
    whole = NewestReader.__init__

    def counted(self: NewestReader, *place: object) -> None:
        opened.append(place)
        whole(self, *place)  # type: ignore[arg-type]

    monkeypatch.setattr(NewestReader, "__init__", counted)
    times = AlarmTimes(journal, GATEWAY)
    on = [Alarm("reverse_flow", "R1", None, ""), Alarm("reverse_flow", "R3", None, "")]
    for _ in range(5):
        times.told(on)
    assert len(opened) == 1
    assert times.told([]) == ()
    times.told(on[1:])
    times.told(on)
    assert len(opened) == 2


def test_a_journal_that_cannot_be_read_costs_the_time_only(tmp_path: Path) -> None:
    """The alarm is on even so."""
    alarm = Alarm("reverse_flow", "R1", None, "")
    assert AlarmTimes(tmp_path / "journal.db", GATEWAY).told([alarm]) == (alarm,)
