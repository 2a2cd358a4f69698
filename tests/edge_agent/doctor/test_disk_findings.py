"""The disk, by values; on real file systems: `test_faults_disk.py`."""

from __future__ import annotations

from dataclasses import replace

from edge_agent.doctor.disk_findings import disk_findings
from edge_agent.doctor.host import Disk
from edge_agent.status.model import Alarm
from tests.edge_agent.doctor.snapshots import HOST, JOURNAL, host, snapshot


def codes(snapshot_of=None, **seen):
    return [one.code for one in disk_findings(snapshot_of, host(**seen))]


def test_one_cause_explains_the_journal() -> None:
    """A full or read-only disk is why it takes nothing."""
    failing = snapshot(
        journal=replace(JOURNAL, failing="disk I/O error", waiting_scans=900),
        alarms=(Alarm("disk_full", "", None, ""),),
    )
    assert codes(failing, disk=replace(HOST.disk, free_bytes=0)) == ["disk_full"]
    assert codes(failing, disk=replace(HOST.disk, is_read_only=True)) == ["disk_read_only"]
    assert codes(failing, disk=Disk("/state", error="Input/output error")) == ["disk_gone"]
    assert codes(failing) == ["journal_full"]


def test_the_last_room_is_in_use() -> None:
    """How many billing leaves wait is told."""
    told = snapshot(alarms=(Alarm("disk_reserve", "", None, ""),))
    (found,) = disk_findings(told, host())
    assert (found.code, found.facts) == ("journal_reserve", {"billing": "1"})


def test_a_slow_disk() -> None:
    """Scans wait, and nothing fails."""
    assert codes(snapshot(journal=replace(JOURNAL, waiting_scans=600))) == ["disk_slow"]
