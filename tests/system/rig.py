"""Plant, central and agent as separate processes, with a link between them that can be cut."""

import datetime
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from simulators.certificates import make_certificates
from simulators.config_files import Gateway, Pace, central_toml, gateway_toml
from simulators.plant_process import PLANT_FILE, read_books
from simulators.site import demo_site
from tests.system.link import Link

GATEWAY = "gw-1"
PROGRAMS = Path(sys.executable).parent
START_S = 60.0
STOP_S = 60.0
PACE = Pace(poll_s=0.5, interval_s=2.0, stale_s=20.0, batch_s=1.0)


class Rig:
    """Use as a context; nothing it started outlives it. Logs lie in the directory."""

    def __init__(self, directory: Path, pace: Pace = PACE) -> None:
        self.directory = directory
        self._pace = pace
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._begins: dict[str, int] = {}  # where in its log a program's newest life begins
        self.commands: dict[str, list[str]] = {}
        # A request in flight may wait for the other two devices of its line, and for its own.
        self.in_flight_ms = round(3000.0 * pace.timeout_s) + 1000
        self.stopped_utc_ms: int | None = None  # the agent, for the first time
        self.store = directory / "store"
        self.journal = directory / "state" / "journal.db"

    def __enter__(self) -> "Rig":
        try:
            self._start_all()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()
        if hasattr(self, "link"):
            self.link.close()

    def kill(self, name: str) -> None:
        """SIGKILL, at whatever line it is."""
        process = self._running.pop(name)
        assert process.poll() is None, f"{name} had died by itself:\n{self.log(name)}"
        process.kill()
        process.wait()

    def start(self, name: str) -> None:
        """Start a program again, as systemd would; its log goes on."""
        with (self.directory / f"{name}.log").open("ab") as log:
            self._begins[name] = log.tell()
            self._running[name] = subprocess.Popen(
                self.commands[name], cwd=self.directory, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def has_said(self, name: str, what: str) -> bool:
        """Since it was last started."""
        with (self.directory / f"{name}.log").open("rb") as log:
            log.seek(self._begins[name])
            return what in log.read().decode(errors="replace")

    def send(self, name: str, number: signal.Signals) -> None:
        """A signal, to a program that goes on."""
        assert self._running[name].poll() is None, f"{name} had died by itself:\n{self.log(name)}"
        self._running[name].send_signal(number)

    def stop(self, name: str) -> None:
        """SIGTERM, and a good end."""
        process = self._running.pop(name)
        if name == "agent":
            self._note_stop()
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(STOP_S)
        finally:
            process.kill()
            process.wait()
        assert status == 0, f"{name} ended with {status}:\n{self.log(name)}"

    def _note_stop(self) -> None:
        """A life after the first stop is ended as soon as it has sent what it had."""
        if self.stopped_utc_ms is None:
            self.stopped_utc_ms = time.time_ns() // 1_000_000

    def log(self, name: str) -> str:
        """The end of a program's log."""
        return (self.directory / f"{name}.log").read_text(errors="replace")[-4000:]

    def get(self, path: str) -> Any:
        """A JSON answer of central's page server."""
        with socket.create_connection(("127.0.0.1", self.page_port), timeout=5.0) as connection:
            request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            connection.sendall(request.encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n")[0], answer[:500]
        return json.loads(body)

    def summary(self) -> Mapping[str, Any] | None:
        """Central's summary, or None while it does not answer."""
        try:
            result: Mapping[str, Any] = self.get("/api/summary")
        except OSError:
            return None
        return result

    def books(self) -> dict[str, Any]:
        """The plant's own books."""
        return read_books(self.directory / "plant")

    def wait(self, what: str, ready: Callable[[], bool], within_s: float = START_S) -> None:
        """Until it is so; an error that shows the logs where it takes too long."""
        deadline_s = time.monotonic() + within_s
        pause = threading.Event()
        while not ready():
            if time.monotonic() > deadline_s:
                logs = "\n".join(f"--- {name}\n{self.log(name)}" for name in self.commands)
                raise AssertionError(f"not within {within_s} s: {what}\n{logs}")
            pause.wait(0.1)

    def has_followed(self) -> bool:
        """Central's ledger has followed its log to the end and recomputed everything."""
        summary = self.summary()
        return bool(
            summary
            and summary["intervals"]
            and summary["ledger_leaves"] == summary["leaves"]
            and not summary["recompute_pending"]
        )

    def command(self, *arguments: str, status: int = 0) -> str:
        """Run a program to its end; its output."""
        done = subprocess.run(
            [str(PROGRAMS / arguments[0]), *arguments[1:]],
            cwd=self.directory, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def make_keys(self) -> None:
        """Before central runs: its allow-list has the gateway's key."""
        self.command("edge-agent", "key", "new", "--state", "state", "--gateway", GATEWAY)
        shown = self.command("edge-agent", "key", "show", "--state", "state")
        vkey = re.search(rf"{GATEWAY}\+[0-9a-f]{{8}}\+\S+", shown)
        assert vkey, shown
        self.command("edge-central", "gateway", "add", "--store", "store", GATEWAY, vkey[0])

    def admit(self) -> None:
        """With central running: what a gateway without a registered key has to do."""

    def _start_all(self) -> None:
        make_certificates(self.directory, datetime.datetime.now(datetime.UTC))
        receipt_key = self.command("edge-central", "init", "--store", "store").split()[-1]
        self.make_keys()
        intake_port, self.page_port = _free_port(), _free_port()
        self.link = Link(intake_port)
        (self.directory / "central.toml").write_text(
            central_toml("store", f"127.0.0.1:{intake_port}", f"127.0.0.1:{self.page_port}")
        )
        self.commands = {
            "plant": [str(PROGRAMS / "edge-sim"), "plant", "--dir", "plant"],
            "central": [str(PROGRAMS / "edge-central"), "serve", "--config", "central.toml"],
            "agent": [str(PROGRAMS / "edge-agent"), "run", "--config", "gateway.toml"],
        }
        self.start("central")
        self.start("plant")
        place = self.directory / "plant" / PLANT_FILE
        self.wait("the plant", place.exists)
        self.wait("central's page", lambda: self.summary() is not None)
        self.admit()
        gateway = Gateway(GATEWAY, f"https://127.0.0.1:{self.link.port}", receipt_key)
        buses = json.loads(place.read_text())["buses"]
        (self.directory / "gateway.toml").write_text(
            gateway_toml(demo_site(), buses, gateway, self._pace)
        )
        self._place_agent()
        self.start("agent")

    def _place_agent(self) -> None:
        """Where the agent runs is here, unless another rig has another place for it."""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
