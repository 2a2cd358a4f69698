"""What systemd does for edge-agent.service, in small: started again for ever, ready, watched.

The signals, and the command that writes how a process ended, are those of the unit itself.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

UNIT: Final = Path(__file__).parents[2] / "systemd/edge-agent.service"
RESTART_S: Final = 0.2


def setting(name: str) -> str:
    """Of the unit."""
    found = re.search(rf"^{name}=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    assert found, f"{UNIT} sets no {name}"
    return found[1]


class Service(threading.Thread):
    """`lives` counts the starts, `ended` says how each life ended, `said` all that was notified."""

    def __init__(
        self,
        command: Sequence[str],
        directory: Path,
        state_dir: Path,
        *,
        watchdog_s: float,
        abort_s: float = 6.0,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(name="service", daemon=True)
        self.lives = 0
        self.ended: list[str] = []
        self.said: list[str] = []
        self.is_ready = threading.Event()
        self.pid = 0
        self.status = ""
        self._command = list(command)
        self._directory = directory
        self._state_dir = state_dir
        self._watchdog_s = watchdog_s
        self._abort_s = abort_s
        self._environ = dict(environ or {})
        self._over = threading.Event()
        self._place = directory / "notify"
        self._place.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._place))
        self._socket.settimeout(0.05)

    def run(self) -> None:
        while not self._over.is_set():
            result = self._life()
            self.ended.append(result.split()[0])
            self._stop_post(result)
            self._over.wait(RESTART_S)
        self._socket.close()

    def stop(self, within_s: float) -> None:
        """SIGTERM, as `systemctl stop`; the process has ended, and nothing starts it again."""
        self._over.set()
        if self.pid:
            os.kill(self.pid, signal.SIGTERM)
        self.join(within_s)
        if self.is_alive():
            os.kill(self.pid, signal.SIGKILL)
            self.join(10.0)
            raise AssertionError(f"did not end within {within_s} s")

    def kill(self) -> None:
        """Nothing of it outlives the test."""
        self._over.set()
        if self.is_alive() and self.pid:
            os.kill(self.pid, signal.SIGKILL)
        self.join(10.0)

    def _life(self) -> str:
        """$SERVICE_RESULT $EXIT_CODE $EXIT_STATUS of one process."""
        environ = {
            **os.environ, **self._environ, "NOTIFY_SOCKET": str(self._place),
            "WATCHDOG_USEC": str(round(1e6 * self._watchdog_s)),
        }  # fmt: skip
        with (self._directory / "agent.log").open("ab") as log:
            process = subprocess.Popen(
                self._command, cwd=self._directory, env=environ, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.pid, self.lives = process.pid, self.lives + 1
        fed_s: float | None = None
        bitten_s: float | None = None
        while process.poll() is None:
            for word in self._hear():
                if word == "READY=1":
                    self.is_ready.set()
                    fed_s = time.monotonic()
                elif word == "WATCHDOG=1":
                    fed_s = time.monotonic()
                elif word.startswith("STATUS="):
                    self.status = word.removeprefix("STATUS=")
            now_s = time.monotonic()
            if bitten_s is not None:
                if now_s - bitten_s > self._abort_s:
                    process.kill()
            elif fed_s is not None and now_s - fed_s > self._watchdog_s:
                bitten_s = now_s
                process.send_signal(signal.Signals[setting("WatchdogSignal")])
        self.is_ready.clear()
        self.pid = 0
        status = process.returncode
        code = f"exited {status}" if status >= 0 else f"killed {signal.Signals(-status).name[3:]}"
        if bitten_s is not None:
            return f"watchdog {code}"
        result = "success" if status == 0 else "exit-code" if status > 0 else "signal"
        return f"{result} {code}"

    def _hear(self) -> list[str]:
        try:
            words = self._socket.recv(4096).decode().split("\n")
        except TimeoutError:
            return []
        self.said += words
        return words

    def _stop_post(self, result: str) -> None:
        """ExecStopPost of the unit, which writes into this state directory here."""
        command = setting("ExecStopPost").lstrip("-").replace("$$", "$")
        program, option, script = command.split(maxsplit=2)
        script = script.strip("'").replace("/var/lib/edge-agent", str(self._state_dir))
        names = ("SERVICE_RESULT", "EXIT_CODE", "EXIT_STATUS")
        environ = {**os.environ, **dict(zip(names, result.split(), strict=True))}
        subprocess.run(
            [program, option, script], env=environ, check=False, stderr=subprocess.DEVNULL
        )
