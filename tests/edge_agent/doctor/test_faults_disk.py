"""Faults of the disk: real file systems and files in that state; the agent's own parts on them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.doctor.diagnose import diagnose
from edge_agent.doctor.disk_look import look_at_disk, look_at_state
from edge_agent.doctor.finding import Area, Finding
from edge_agent.doctor.host import AgentState
from edge_agent.doctor.look import Wanted, look
from edge_agent.journal.journal import FILE_NAME
from edge_agent.journal.space import Limits
from edge_agent.keys.keys import LOG_KEY, SALT_SECRET, create_keys
from edge_agent.salvage import quarantine
from tests.edge_agent.agent_thread import agent_thread
from tests.edge_agent.doctor.site_rig import Scene, site
from tests.edge_agent.doctor.snapshots import UTC_S, host, of_recorder
from tests.edge_agent.gateway import GATEWAY, config_of, new_journal, wait_until
from tests.edge_agent.recorder.test_room import KB, SAMPLE_MS, rig_of
from tests.edge_agent.tiny_disk import fill, tiny_disk


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [one.code for one in findings]


def of_state(state_dir: Path, *, deep: bool = False) -> list[str]:
    """What is said of a state directory as it lies there."""
    seen = host(disk=look_at_disk(state_dir), state=look_at_state(state_dir, UTC_S, deep=deep))
    return codes(diagnose(None, None, seen))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Of a gateway that is well."""
    create_keys(tmp_path / "state", GATEWAY, os.urandom)
    new_journal(config_of(tmp_path)).close()
    return tmp_path / "state"


def test_a_good_state_has_no_finding(state: Path) -> None:
    """Also where all of the journal is read."""
    assert of_state(state, deep=True) == []


def test_full_by_other_programs(tmp_path: Path) -> None:
    """Under a running agent; it goes on, and when there is room again nothing is said."""
    with tiny_disk(tmp_path / "disk", 24_000) as disk, site(disk, [Scene("healthy")]) as found:
        assert wait_until(lambda: found.central.requests)
        assert codes(found.examine()) == []
        filler = fill(disk)
        assert codes(found.examine()) == ["disk_full"]
        filler.unlink()
        assert wait_until(lambda: codes(found.examine()) == [], 30)


def test_read_only(tmp_path: Path) -> None:
    """As the kernel leaves a card that failed; without an agent, which cannot even start."""
    with tiny_disk(tmp_path / "disk", 24_000) as disk:
        with site(disk, [Scene("healthy")]) as found:
            pass
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        looked = look(found.path, Wanted(bus="healthy"), lambda _part: None)
        found_codes = codes(diagnose(*looked))
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    assert looked.host.agent is AgentState.NONE
    assert [code for code in found_codes if not code.startswith("clock")] == [
        "no_agent", "disk_read_only"
    ]  # fmt: skip


@contextlib.contextmanager
def few_inodes(directory: Path) -> Iterator[Path]:
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64m,nr_inodes=12", "tmpfs", str(directory)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def test_no_room_for_new_files(tmp_path: Path) -> None:
    """Bytes are free, inodes are not."""
    with few_inodes(tmp_path / "disk") as disk:
        create_keys(disk / "state", GATEWAY, os.urandom)
        assert of_state(disk / "state") == ["disk_inodes"]


def test_not_there(tmp_path: Path) -> None:
    """The card with the state is not mounted: nothing else is said of the disk."""
    found = of_state(tmp_path / "nowhere")
    assert "state_missing" in found or found == ["disk_gone"]


def test_a_damaged_journal_was_put_aside(tmp_path: Path) -> None:
    """By the agent's own start; for a week it is told, and that all of it was read."""
    with site(tmp_path, [Scene("healthy")]) as found:
        assert wait_until(lambda: found.central.requests)
    journal, state = tmp_path / "state" / FILE_NAME, tmp_path / "state"
    data = bytearray(journal.read_bytes())
    data[100:1500] = bytes(1400)
    journal.write_bytes(data)

    def aside(later_s: int = 0):
        return look_at_state(state, int(time.time()) + later_s, deep=False)

    with agent_thread(found.path):
        assert wait_until(lambda: aside().aside and aside().aside[0].is_read, 30)
    assert codes(diagnose(None, None, host(state=aside()))) == ["journal_damaged"]
    assert codes(diagnose(None, None, host(state=aside(8 * 86_400)))) == []


def test_a_damaged_journal_waits_to_be_read(state: Path) -> None:
    """Put aside and not read yet: that is red."""
    quarantine.put_aside(state / FILE_NAME, "boot1", "its header is damaged")
    assert of_state(state) == ["journal_unread"]


def test_a_block_that_the_disk_does_not_give(state: Path) -> None:
    """The deep look reads all of it: a read that ends in an I/O error is told with its place."""
    (state / FILE_NAME).unlink()
    (state / FILE_NAME).symlink_to("/proc/self/mem")  # its first page is nobody's: EIO
    seen = look_at_state(state, UTC_S, deep=True)
    assert "at byte 0" in seen.journal_error
    assert codes(diagnose(None, None, host(state=seen))) == ["disk_errors"]


def test_a_journal_that_takes_nothing(tmp_path: Path) -> None:
    """The recorder's own words; what waits in the queue is no finding of its own."""
    with rig_of(tmp_path, Limits(max_bytes=3_000 * KB)) as rig:
        assert rig.recorder.begin()
        rig.journal.connection.execute("PRAGMA query_only = 1")
        rig.recorder.start()
        rig.deliver(10)
        assert wait_until(lambda: bool(rig.recorder.failing))
        snapshot = of_recorder(rig.recorder, rig.config, rig.path)
        rig.recorder.end()
        rig.recorder.join(10)
    assert codes(diagnose(snapshot, None, host())) == ["disk_errors"]


def test_unsent_scans_had_to_go(tmp_path: Path) -> None:
    """The journal's own limit; the disk has room."""
    with rig_of(tmp_path, Limits(max_bytes=300 * KB)) as rig:
        assert rig.recorder.begin()
        while "disk_full" not in rig.recorder.memory.disk:
            rig.turns(1)
        snapshot = of_recorder(rig.recorder, rig.config, rig.path)
    assert codes(diagnose(snapshot, None, host())) == ["journal_full"]


def test_it_will_be_full(tmp_path: Path) -> None:
    """With the days at that rate, while there is room."""
    with rig_of(tmp_path, Limits(max_bytes=3_000 * KB)) as rig:
        assert rig.recorder.begin()
        for _ in range(8):
            rig.polls.clock.mono_ms += SAMPLE_MS
            rig.turns(1)
        snapshot = of_recorder(rig.recorder, rig.config, rig.path)
    found = diagnose(snapshot, None, host())
    assert codes(found) == ["disk_filling"]
    assert 0 < float(found[0].facts["days"]) < 7


# ---- files --------------------------------------------------------------------------------------


def without(name: str):
    return lambda state: (state / name).unlink()


def open_to_all(state: Path) -> None:
    (state / LOG_KEY).chmod(0o644)


def of_another(state: Path) -> None:
    os.chown(state / SALT_SECRET, 12345, 12345)


def journal_of_root(state: Path) -> None:
    os.chown(state, 12345, 12345)
    for name in (LOG_KEY, SALT_SECRET):
        os.chown(state / name, 12345, 12345)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (without(LOG_KEY), "key_missing"),
        (without(SALT_SECRET), "key_missing"),
        (open_to_all, "key_open"),
        (of_another, "file_of_other"),
        (journal_of_root, "file_of_other"),
    ],
    ids=["no log key", "no salt", "readable", "another's", "the journal is root's"],
)
def test_files_that_keep_an_agent_from_starting(state: Path, fault, code: str) -> None:
    """Each is named by its path."""
    if "chown" in fault.__code__.co_names and os.geteuid() != 0:
        pytest.skip("files cannot be given away here")
    fault(state)
    found = diagnose(None, None, host(state=look_at_state(state, UTC_S, deep=False)))
    assert codes(found) == [code]
    assert found[0].area is Area.DISK
    assert found[0].where.startswith(str(state))
