"""Children: their logs, their deaths, and that none is left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from simulators.children import TAIL_LINES, Children, tail
from simulators.failure import DemoError

_PATIENCE_S = 20.0


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A directory with a few little programs."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for name, body in {
        "wait": "echo ready; exec sleep 1000",
        "deaf": "trap '' TERM; echo ready; while :; do sleep 1; done",
        "die": "for n in $(seq 30); do echo line $n; done; exit 7",
        "say": 'echo "$@"',
        "sulk": 'trap "echo no; exit 3" TERM; echo ready; while :; do sleep 0.05; done',
    }.items():
        path = directory / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
    return directory


def _wait_until(met: Callable[[], bool]) -> None:
    tick = threading.Event()
    deadline = time.monotonic() + _PATIENCE_S
    while not met():
        assert time.monotonic() < deadline
        tick.wait(0.02)


def _is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_child_that_dies_is_told_with_the_end_of_its_log(tmp_path: Path, programs: Path) -> None:
    """Name, status, and the last lines; nothing before the death."""
    with Children(tmp_path, programs) as children:
        waiting = children.start("quiet", ["wait"])
        children.check()
        dead = children.start("dead", ["die"])
        assert dead.process.wait(_PATIENCE_S) == 7
        with pytest.raises(DemoError, match="dead ended with status 7") as error:
            children.check()
    assert "| line 30" in str(error.value)
    assert "| line 10\n" not in str(error.value)
    assert len(tail(dead.log).splitlines()) == TAIL_LINES
    assert waiting.process.poll() is not None


def test_nobody_is_left_behind(tmp_path: Path, programs: Path) -> None:
    """At the end of the context every child is gone, and signals are taken as before."""
    before = signal.getsignal(signal.SIGTERM)
    with Children(tmp_path, programs) as children:
        child = children.start("wait", ["wait"])
        sulking = children.start("sulk", ["sulk"])
    assert sulking.process.returncode is not None
    assert child.process.returncode == -signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_deaf_child_is_killed(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who does not heed SIGTERM within the grace gets SIGKILL, and a stop tells so."""
    monkeypatch.setattr("simulators.children._GRACE_S", 0.2)
    with Children(tmp_path, programs) as children:
        child = children.start("deaf", ["deaf"])
        _wait_until(lambda: b"ready" in child.log.read_bytes())
        with pytest.raises(DemoError, match="deaf did not stop within 0 s"):
            children.stop(child, 0.2)
        assert child.process.returncode == -signal.SIGKILL
        children.check()


def test_a_bad_end_is_told(tmp_path: Path, programs: Path) -> None:
    """Told to stop, a child that ends with another status than 0 fails the demo."""
    with Children(tmp_path, programs) as children:
        child = children.start("sulk", ["sulk"])
        _wait_until(lambda: b"ready" in child.log.read_bytes())
        with pytest.raises(DemoError, match=r"sulk, told to stop, ended with status 3:\n(.|\n)*no"):
            children.stop(child, _PATIENCE_S)


def test_a_command_gives_its_output_or_its_fault(tmp_path: Path, programs: Path) -> None:
    """What it printed; an error with it where it failed; the remedy where it is missing."""
    with Children(tmp_path, programs) as children:
        assert children.run(["say", "a", "b"]) == "a b\n"
        with pytest.raises(DemoError, match=r"die ended with status 7:\n(.|\n)*line 30"):
            children.run(["die"])
        with pytest.raises(DemoError, match="install the project"):
            children.run(["missing"])


def test_children_die_with_a_killed_parent(tmp_path: Path, programs: Path) -> None:
    """Even SIGKILL of the demo leaves no program running."""
    script = (
        "import sys, threading; from pathlib import Path; from simulators.children import Children;"
        f"c = Children(Path({str(tmp_path)!r}), Path({str(programs)!r}));"
        "print(c.start('wait', ['wait']).process.pid, flush=True); threading.Event().wait()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert _is_alive(pid)
        os.kill(parent.pid, signal.SIGKILL)
    _wait_until(lambda: not _is_alive(pid))
