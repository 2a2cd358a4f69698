"""Agent, reader and stranger as three users of the machine: who may look, can look. As root."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from edge_agent.keys.keys import create_keys
from tests.edge_agent.gateway import GATEWAY, TOML, wait_until, write_ca
from tests.edge_agent.second_user import (
    AGENT,
    GROUP,
    READER,
    STRANGER,
    begin,
    command_of,
    common_place,
    need_users,
    says,
)

CONTROL: Final = f"""
[control]
read_group = "{GROUP}"
act_group = "{GROUP}"
"""
CONFIG: Final = ("--config", "gateway.toml")
JOURNAL: Final = {"journal.db", "journal.db-shm", "journal.db-wal"}
SOCKETS: Final = {"control/read.sock", "control/act.sock"}
BEFORE_IT_BEGAN: Final = (
    "No such file", "not yet given", "ask again", "is uid 64901's alone",
)  # fmt: skip
LOOKS: Final = (
    ("events",),
    ("alarms",),
    ("storage",),
    ("history", "R1"),
    ("report", "--run", "R1", "--day", "2026-01-01"),
)


@pytest.fixture
def site() -> Iterator[Path]:
    """A gateway that was set up; its instruments are not there."""
    need_users()
    with common_place() as place:
        create_keys(place / "state", GATEWAY, os.urandom)
        write_ca(place)
        (place / "gateway.toml").write_text(TOML + CONTROL)
        for path in (place, *place.rglob("*")):
            os.chown(path, AGENT.uid, AGENT.uid)
        yield place


@contextmanager
def agent(site: Path) -> Iterator[subprocess.Popen[str]]:
    """It has begun."""
    before = starts(site)
    child = begin(AGENT, "run", *CONFIG, cwd=site)
    try:
        begun = wait_until(lambda: starts(site) > before, 30.0)
        assert begun, child.communicate(timeout=5)
        yield child
    finally:
        child.kill()
        child.communicate()


def looked(site: Path) -> tuple[int, str, str]:
    """What a reader is told of events."""
    return says(READER, "events", "--json", *CONFIG, cwd=site)


def starts(site: Path) -> int:
    """How often a reader sees that it started."""
    status, out, err = looked(site)
    if status == 1:  # nothing is recorded yet
        return 0
    if status != 0:
        assert any(told in err for told in BEFORE_IT_BEGAN), err
        return 0
    return sum(event["code"] == "agent_started" for event in json.loads(out)["events"])


def for_the_group(state_dir: Path) -> set[str]:
    """Files of the state directory that its group can reach and read."""
    found = set()
    for folder, folders, files in os.walk(state_dir):
        entered = [name for name in folders if (Path(folder) / name).stat().st_mode & stat.S_IXGRP]
        folders[:] = entered
        paths = (Path(folder) / name for name in files)
        found |= {path.relative_to(state_dir) for path in paths if path.lstat().st_mode & 0o077}
    return {str(path) for path in found}


def test_who_may_look_can_look(site: Path) -> None:
    """While it runs, after it has ended, after it was killed; others are told which group."""
    with agent(site) as running:
        for look in LOOKS:
            status, out, err = says(READER, *look, *CONFIG, cwd=site)
            assert status in (0, 1), (look, err)
            assert "sudo" not in out + err
        status, _, err = says(STRANGER, "events", *CONFIG, cwd=site)
        assert status == 2
        assert f"is for the group {GROUP}, and you are not in it" in err
        assert for_the_group(site / "state") == JOURNAL | SOCKETS
        running.send_signal(signal.SIGTERM)
        assert running.wait(15) == 0
    assert for_the_group(site / "state") == {"journal.db"}
    for look in LOOKS:
        status, _, err = says(READER, *look, *CONFIG, cwd=site)
        assert status in (0, 1), (look, err)
    assert starts(site) == 1
    status, _, err = says(STRANGER, "events", *CONFIG, cwd=site)
    assert (status, f"is for the group {GROUP}" in err) == (2, True)
    with agent(site) as running:
        assert wait_until(lambda: starts(site) == 2)
        running.kill()
        running.wait(5)
    assert starts(site) == 2
    assert for_the_group(site / "state") >= JOURNAL


READ: Final = """
import os, sys
from pathlib import Path
from edge_agent.journal.newest import NewestReader
from edge_agent.journal.reader import ReadFailed
from protocols.evidence.leaf import Log

pytestmark = pytest.mark.uncovered
refused = seen = 0
while not os.path.exists("enough"):
    try:
        reader = NewestReader(Path("state/journal.db"), sys.argv[1])
        seqs = [leaf.seq for leaf in reader.leaves(Log.BILLING)]
        reader.close()
        assert seqs == list(range(len(seqs) - 1, -1, -1)), seqs
        assert len(seqs) >= seen, (len(seqs), seen)
        seen = len(seqs)
    except ReadFailed as error:
        if "ask again" not in str(error):
            raise
        refused += 1
print(seen, refused)
"""


@pytest.mark.long
def test_a_reader_while_the_agent_comes_and_goes(site: Path) -> None:
    """Each picture is whole, and never an older one; the agent starts and ends as ever."""
    with agent(site):
        pass
    reading = subprocess.Popen(
        command_of(READER, ("-c", READ, GATEWAY)),
        cwd=site, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        for ending in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM, signal.SIGTERM):
            with agent(site) as running:
                running.send_signal(ending)
                assert running.wait(15) in (0, -9)
        (site / "enough").touch()
        out, err = reading.communicate(timeout=30)
    finally:
        reading.kill()
    assert reading.returncode == 0, err
    print(out, file=sys.stderr)
    assert int(out.split()[0]) > 0


def test_what_is_closed_is_told_with_who_may(site: Path) -> None:
    """Keys are the agent's; a file of root's group is for root, and nobody is put into it."""
    status, _, err = says(STRANGER, "key", "show", "--state", "state", cwd=site)
    assert status == 2
    assert "Permission denied" in err
    assert "alone" in err
    assert "Traceback" not in err
    for path in (site, site / "gateway.toml"):
        os.chown(path, 0, 0)
    (site / "gateway.toml").chmod(0o640)
    for command in (("config", "versions"), ("config", "show"), ("events",)):
        status, _, err = says(STRANGER, *command, *CONFIG, cwd=site)
        assert status == 2
        assert "run it as root (sudo)" in err
        assert "usermod" not in err
