"""Child processes with a log each; none of them outlives the demo."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from simulators.failure import DemoError

TAIL_LINES: Final = 20
_TAIL_BYTES: Final = 16_384
_COMMAND_S: Final = 60.0
_GRACE_S: Final = 10.0
_PR_SET_PDEATHSIG: Final = 1
_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_libc = ctypes.CDLL(None, use_errno=True)


class Child(NamedTuple):
    """One running program."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


class Children:
    """Use as a context: at its end whatever still runs is ended, politely, then not."""

    def __init__(self, directory: Path, programs: Path) -> None:
        """`directory` is their working directory and holds the logs, `programs` their scripts."""
        self._directory = directory
        self._programs = programs
        self._running: dict[str, Child] = {}

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *_: object) -> None:
        """Last come, first gone. Signals wait: a second Ctrl-C must not leave anybody behind."""
        before = {number: signal.signal(number, signal.SIG_IGN) for number in _ENDING}
        for child in reversed(self._running.values()):
            _end(child.process)
        for number, handler in before.items():
            signal.signal(number, handler)

    def start(self, name: str, arguments: Sequence[str]) -> Child:
        """Start a program; its output goes to `name`.log."""
        path = self._directory / f"{name}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(
                self._command(arguments),
                cwd=self._directory,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is the demo's, not theirs
                preexec_fn=_die_with_parent,  # the demo has one thread
            )
        child = self._running[name] = Child(name, process, path)
        return child

    def run(self, arguments: Sequence[str]) -> str:
        """Run a program to its end; its output. Raises DemoError where it fails."""
        what = " ".join(arguments[:3])
        try:
            done = subprocess.run(
                self._command(arguments),
                cwd=self._directory,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_COMMAND_S,
                check=False,
                text=True,
                preexec_fn=_die_with_parent,
            )
        except subprocess.TimeoutExpired as error:
            raise DemoError(f"{what} did not end within {_COMMAND_S:.0f} s") from error
        if done.returncode != 0:
            raise DemoError(f"{what} ended with status {done.returncode}:\n{done.stdout.strip()}")
        return done.stdout

    def check(self) -> None:
        """Raises DemoError, with the end of its log, where a child has died."""
        for child in self._running.values():
            status = child.process.poll()
            if status is not None:
                raise DemoError(f"{child.name} {_how(status)}:\n{tail(child.log)}")

    def stop(self, child: Child, within_s: float) -> None:
        """SIGTERM, and wait for a good end. Raises DemoError where it is none."""
        child.process.terminate()
        try:
            status = child.process.wait(within_s)
        except subprocess.TimeoutExpired as error:
            raise DemoError(
                f"{child.name} did not stop within {within_s:.0f} s:\n{tail(child.log)}"
            ) from error
        finally:
            _end(child.process)
            del self._running[child.name]
        if status != 0:
            raise DemoError(f"{child.name}, told to stop, {_how(status)}:\n{tail(child.log)}")

    def _command(self, arguments: Sequence[str]) -> list[str]:
        program = self._programs / arguments[0]
        if not program.exists():
            raise DemoError(f"no program {program}: install the project into this environment")
        return [str(program), *arguments[1:]]


def tail(path: Path) -> str:
    """The last lines of a log."""
    with contextlib.suppress(OSError), path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        lines = log.read().decode("utf-8", "replace").splitlines()[-TAIL_LINES:]
        return "\n".join(f"  | {line}" for line in lines) or "  | (its log is empty)"
    return f"  | (no log at {path})"


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    deadline = time.monotonic() + _GRACE_S
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(max(0.0, deadline - time.monotonic()))
        return
    process.kill()
    process.wait()


def _how(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def _environment() -> Mapping[str, str]:
    """Logs line by line, so that a tail shows what happened last."""
    return {**os.environ, "PYTHONUNBUFFERED": "1"}


def _die_with_parent() -> None:
    """In the child, before exec: the kernel ends it when the demo is killed (prctl(2))."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
