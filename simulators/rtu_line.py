"""A serial line: Modbus RTU on a pty pair, paced as the wire would be.

A pty passes a write on at once; a wire takes ten bit times for each character (8N1). So a request
counts as heard only after its wire time and the silence of 3.5 characters that ends a frame (Modbus
over Serial Line V1.02, clause 2.5.1.1); then the instrument thinks, and each byte of its answer is
delivered when its stop bit would have passed. One talks at a time: what arrives while an answer is
on the line, or before the silence after it, is lost.

A strict line also measures. It waits busily for the last part of each wait, so that it knows when a
request came, and gives an answer's last byte, to some microseconds; and it wants its silence after
every frame, also after one that nobody answered. It takes most of a core: give it a process of its
own (`strict_line.py`).
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
import tty
from typing import TYPE_CHECKING, Final, NamedTuple

from protocols.modbus.frames import MAX_RTU, FrameError, rtu_frame, split_rtu
from simulators.line_meter import Gap, LineMeter, LineReport

if TYPE_CHECKING:
    from pathlib import Path

    from simulators.respond import Respond

BITS_PER_CHAR: Final = 10  # 8N1
TURNAROUND_NS: Final = 5_000_000  # what the instrument needs to think
_IDLE_S: Final = 0.1  # how often the thread looks whether it shall stop
_SPIN_NS: Final = 300_000  # a sleep ends late by less than this, nearly always
_LISTEN_NS: Final = 10_000_000  # how long a strict line spins for the next request
_PTY_TRIALS: Final = 200
_NS: Final = 1_000_000_000


class LineTiming(NamedTuple):
    """How a line keeps time."""

    bits_per_char: int = BITS_PER_CHAR
    turnaround_ns: int = TURNAROUND_NS
    strict: bool = False


class RtuLine(threading.Thread):
    """Serves the units of one line at `path`, a symlink to the pty's other end."""

    def __init__(
        self,
        path: Path,
        respond: Respond,
        baud: int,
        stop: threading.Event,
        timing: LineTiming = LineTiming(),  # noqa: B008 - immutable
    ) -> None:
        super().__init__(name=f"rtu {path.name}", daemon=True)
        self.path = path
        self.lost_frames = 0  # damaged, too early, or into an answer
        self._respond = respond
        # Not `_stop`: Thread has a method of that name.
        self._stopping = stop
        self._timing = timing
        self._char_ns = timing.bits_per_char * _NS / baud
        self._meter = LineMeter(self._char_ns)
        self._silence_ns = self._meter.silence_ns
        self._quiet_from_ns: int | None = None  # end of the last frame on the wire
        self._empty_ns = 0  # when nothing was last found to read
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._poll = select.poll()
        self._poll.register(self._master, select.POLLIN)
        _link(path, os.ttyname(self._slave))

    def run(self) -> None:
        """Serve until told to stop."""
        try:
            while not self._stopping.is_set():
                if self._heard():
                    self._serve_one()
        finally:
            self.path.unlink(missing_ok=True)
            os.close(self._master)
            os.close(self._slave)

    def report(self) -> LineReport:
        """What a strict line measured; for when it has stopped."""
        return self._meter.report(_pty_us())

    def _heard(self) -> bool:
        """Whether a request begins; after a while nobody is told so, to look whether to stop."""
        if self._timing.strict and self._quiet_from_ns is not None:
            after_ns = self._quiet_from_ns + self._silence_ns
            if time.monotonic_ns() < after_ns + _LISTEN_NS:
                return self._readable_until(after_ns + _LISTEN_NS, spin_from_ns=after_ns)
        heard = self._readable(_IDLE_S)
        self._empty_ns = time.monotonic_ns()
        return heard

    def _serve_one(self) -> None:
        begin_ns, empty_ns, quiet_ns = time.monotonic_ns(), self._empty_ns, self._quiet_from_ns
        gap = None if quiet_ns is None else Gap(empty_ns - quiet_ns, begin_ns - quiet_ns)
        timely = self._meter.request(begin_ns, gap)
        frame, end_ns = self._receive(begin_ns)
        if self._timing.strict:
            self._quiet_from_ns = end_ns
        try:
            unit, pdu = split_rtu(frame)
        except FrameError:
            self.lost_frames += 1
            self._meter.damaged += 1
            return
        if not timely:
            self.lost_frames += 1
            return
        answer = self._respond(unit, pdu)
        if answer is not None:
            start_ns = end_ns + self._silence_ns + self._timing.turnaround_ns
            self._send(rtu_frame(unit, answer), start_ns, len(frame))

    def _receive(self, begin_ns: int) -> tuple[bytes, int]:
        """One frame, ended by silence on the wire, and the instant of its last stop bit.

        More than the longest frame is read off the line but not kept.
        """
        frame = b""
        on_wire_until_ns = begin_ns
        now_ns = begin_ns
        while True:
            data = self._read()
            on_wire_until_ns = max(on_wire_until_ns, now_ns) + int(len(data) * self._char_ns)
            frame = (frame + data)[: MAX_RTU + 1]
            if not self._readable_until(on_wire_until_ns + self._silence_ns):
                return frame, on_wire_until_ns
            now_ns = time.monotonic_ns()

    def _send(self, frame: bytes, start_ns: int, request_chars: int) -> None:
        """Deliver each byte at its time; a line that nobody reads loses what its buffer cannot."""
        sent, last = 0, len(frame) - 1
        while sent < last:
            _sleep_until(start_ns + int((sent + 1) * self._char_ns))
            due = int((time.monotonic_ns() - start_ns) / self._char_ns)
            upto = min(last, max(sent + 1, due))
            self._write(frame[sent:upto])
            sent = upto
        due_ns = start_ns + int(len(frame) * self._char_ns)
        self._wait_until(due_ns)
        while self._readable(0.0):
            self._read()
            self.lost_frames += 1
            self._meter.interrupted()
        self._quiet_from_ns = self._empty_ns = time.monotonic_ns()
        self._write(frame[last:])
        self._meter.answer(request_chars, len(frame), due_ns, self._quiet_from_ns)

    def _read(self) -> bytes:
        try:
            return os.read(self._master, MAX_RTU + 1)
        except BlockingIOError:
            return b""

    def _write(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._master, data)

    def _readable(self, timeout_s: float) -> bool:
        return bool(self._poll.poll(timeout_s * 1000.0))

    def _readable_until(self, deadline_ns: int, spin_from_ns: int | None = None) -> bool:
        """Whether a byte came before the deadline; a strict line spins from `spin_from_ns` on.

        poll(2) counts whole ms and select(2) wakes late, so look again.
        """
        spin_ns = (deadline_ns if spin_from_ns is None else spin_from_ns) - _SPIN_NS
        while (now_ns := time.monotonic_ns()) < deadline_ns:
            if self._timing.strict:
                wait_ns = max(0, spin_ns - now_ns)
                if select.select([self._master], [], [], wait_ns / _NS)[0]:
                    return True
                self._empty_ns = now_ns
            elif deadline_ns - now_ns < 1_000_000:
                _sleep_until(deadline_ns)
                return self._readable(0.0)
            elif self._readable((deadline_ns - now_ns) // 1_000_000 / 1000.0):
                return True
        return False

    def _wait_until(self, due_ns: int) -> None:
        if not self._timing.strict:
            _sleep_until(due_ns)
            return
        _sleep_until(due_ns - _SPIN_NS)
        while time.monotonic_ns() < due_ns:
            pass


def _pty_us() -> list[float]:
    """How long this machine's ptys take to pass a byte on, again and again."""
    master, slave = os.openpty()
    tty.setraw(slave)
    delays = []
    try:
        for _ in range(_PTY_TRIALS):
            began_ns = time.monotonic_ns()
            os.write(slave, b"\x00")
            while not select.select([master], [], [], 0.0)[0]:
                pass
            delays.append((time.monotonic_ns() - began_ns) / 1000)
            os.read(master, 1)
    finally:
        os.close(master)
        os.close(slave)
    return delays


def _link(path: Path, target: str) -> None:
    """Put the stable name in place, over the remains of a plant that was killed."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    beside.replace(path)


def _sleep_until(due_ns: int) -> None:
    left_ns = due_ns - time.monotonic_ns()
    if left_ns > 0:
        time.sleep(left_ns / _NS)
