"""Datagrams to a real socket, of both kinds."""

import os
import socket
from pathlib import Path

import pytest

from edge_agent.supervise.notify import MAX_STATUS, Notifier

PID = 77


def listen(place: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(place)
    listener.settimeout(5.0)
    return listener


def told(listener: socket.socket) -> list[str]:
    return listener.recv(4096).decode().split("\n")


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_a_life_as_it_is_told(kind: str, tmp_path: Path) -> None:
    """Ready, alive, reloading, stopping: each a datagram of lines, on either kind of socket."""
    name = str(tmp_path / "notify") if kind == "path" else f"@gas-test-{os.getpid()}"
    with listen(name.replace("@", "\0")) as listener:
        environ = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": f"{PID}"}
        notifier = Notifier.of(environ, PID)
        notifier.ready("polls 2 devices")
        assert told(listener) == ["READY=1", "STATUS=polls 2 devices"]
        notifier.alive()
        assert told(listener) == ["WATCHDOG=1"]
        notifier.extend(120.0)
        assert told(listener) == ["EXTEND_TIMEOUT_USEC=120000000"]
        notifier.reloading(12)
        assert told(listener)[:2] == ["RELOADING=1", "MONOTONIC_USEC=12000"]
        notifier.stopping()
        assert told(listener)[0] == "STOPPING=1"


def test_a_status_is_one_line_and_sent_once(tmp_path: Path) -> None:
    """Of a bounded length; a line break in it cannot be taken for another word to systemd."""
    with listen(str(tmp_path / "notify")) as listener:
        notifier = Notifier(str(tmp_path / "notify"))
        notifier.status("a\nREADY=1" + "x" * 1000)
        notifier.status("a\nREADY=1" + "x" * 1000)
        notifier.status("another")
        (line,) = told(listener)
        assert line.startswith("STATUS=a READY=1xxx")
        assert len(line) == len("STATUS=") + MAX_STATUS
        assert told(listener) == ["STATUS=another"]


@pytest.mark.parametrize(
    ("environ", "watchdog_ms"),
    [
        ({}, 0),
        ({"WATCHDOG_USEC": "1500000"}, 1500),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": "77"}, 1500),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": "78"}, 0),
        ({"WATCHDOG_USEC": "soon"}, 0),
        ({"WATCHDOG_USEC": "-5"}, 0),
    ],
)
def test_whose_watchdog_it_is(environ: dict[str, str], watchdog_ms: int) -> None:
    """That of another process, or what is no number, is none."""
    assert Notifier.of(environ, PID).watchdog_ms == watchdog_ms


def test_no_supervisor_and_one_that_is_gone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is sent to nobody; who is gone is told of once, and holds up nothing."""
    Notifier().ready("")
    assert not caplog.text
    gone = Notifier(str(tmp_path / "gone"), watchdog_ms=1)
    gone.ready("")
    gone.alive()
    assert caplog.text.count("is not told") == 1


def test_a_full_socket_holds_up_nothing(tmp_path: Path) -> None:
    """A supervisor that does not read: sends that do not fit are dropped at once."""
    with listen(str(tmp_path / "notify")) as listener:
        notifier = Notifier(str(tmp_path / "notify"), watchdog_ms=1)
        for _ in range(2000):  # more than any queue of datagrams
            notifier.alive()
        assert told(listener) == ["WATCHDOG=1"]
