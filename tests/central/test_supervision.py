"""Central as systemd watches it: a real notify socket, a real event loop, a real process."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from central.cli import main
from central.supervision import LEDGER_DEADLINE_S, Supervisor, monotonic_s

PID = 77
TURNS = 5


def listen(place: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(place))
    listener.settimeout(30.0)
    return listener


def hears(listener: socket.socket) -> list[str]:
    return listener.recv(4096).decode().split("\n")


def fed(turn_s: float, directory: Path) -> int:
    """How often the watchdog is fed in TURNS looks of an event loop at the ledger."""
    with listen(directory / "notify") as listener:
        listener.setblocking(False)
        supervisor = Supervisor(str(directory / "notify"), watchdog_s=0.04)
        looks = 0

        async def run() -> None:
            enough = asyncio.Event()

            def ledger_turn_s() -> float:
                nonlocal looks
                looks += 1
                if looks == TURNS:
                    enough.set()
                return turn_s

            feeding = asyncio.create_task(supervisor.feed(ledger_turn_s))
            await asyncio.wait_for(enough.wait(), 30.0)
            feeding.cancel()

        asyncio.run(run())
        count = 0
        while True:
            try:
                count += hears(listener) == ["WATCHDOG=1"]
            except BlockingIOError:
                return count


def test_fed_while_the_ledger_turns(tmp_path: Path) -> None:
    """Each look at a ledger that turns feeds once."""
    assert fed(monotonic_s(), tmp_path) == TURNS


def test_not_fed_while_the_ledger_stands_still(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Past its deadline, and that is told once."""
    assert fed(monotonic_s() - LEDGER_DEADLINE_S - 1.0, tmp_path) == 0
    assert caplog.text.count("the ledger has made no turn for 601 s") == 1


@pytest.mark.parametrize(
    "environ",
    [{}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "1", "WATCHDOG_PID": f"{PID + 1}"}],
)
def test_nobody_watches(environ: dict[str, str]) -> None:
    """Feeding ends at once, and nothing is sent."""
    asyncio.run(asyncio.wait_for(Supervisor.of(environ, PID).feed(lambda: 0.0), 5.0))


def test_a_supervisor_that_is_gone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Told once; central goes on."""
    supervisor = Supervisor(str(tmp_path / "gone"), 1.0)
    supervisor.ready("")
    supervisor.stopping()
    assert caplog.text.count("is not told") == 1


def test_a_whole_life(
    tmp_path: Path, certificate: tuple[bytes, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    """Ready with its address, fed, stopping."""
    (tmp_path / "tls.pem").write_bytes(certificate[0])
    (tmp_path / "tls.key").write_bytes(certificate[1])
    (tmp_path / "central.toml").write_text(
        '[store]\ndir = "store"\n'
        '[intake]\nlisten = "127.0.0.1:0"\ncert = "tls.pem"\nkey = "tls.key"\n'
    )
    assert main(["init", "--store", str(tmp_path / "store")]) == 0
    capsys.readouterr()
    command = [sys.executable, "-c", "import sys; from central.cli import main; sys.exit(main())"]
    with listen(tmp_path / "notify") as listener:
        environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000"}
        with subprocess.Popen(
            [*command, "serve", "--config", str(tmp_path / "central.toml")],
            env={**os.environ, **environ}, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            try:
                ready, status = hears(listener)
                assert ready == "READY=1"
                assert re.fullmatch(r"STATUS=intake at 127\.0\.0\.1:\d+", status)
                assert hears(listener) == ["WATCHDOG=1"]
                process.send_signal(signal.SIGTERM)
                while (told := hears(listener)) == ["WATCHDOG=1"]:
                    pass
                assert told[0] == "STOPPING=1"
                assert process.wait(30.0) == 0
            finally:
                process.kill()
