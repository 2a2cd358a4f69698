"""A serial line: Modbus RTU on a pty pair, paced as the wire would be.

A pty passes a write on at once; a wire takes ten bit times for each character (8N1). So a request
counts as heard only after its wire time and the silence of 3.5 characters that ends a frame (Modbus
over Serial Line V1.02, clause 2.5.1.1); then the instrument thinks, and each byte of its answer is
delivered when its stop bit would have passed. One talks at a time: what arrives while an answer is
on the line, or before the silence after it, is lost.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
import tty
from pathlib import Path
from typing import TYPE_CHECKING, Final

from protocols.modbus.frames import MAX_RTU, FrameError, rtu_frame, split_rtu

if TYPE_CHECKING:
    from simulators.respond import Respond

BITS_PER_CHAR: Final = 10  # 8N1
SILENCE_CHARS: Final = 3.5
TURNAROUND_NS: Final = 5_000_000  # what the instrument needs to think
_IDLE_S: Final = 0.1  # how often the thread looks whether it shall stop
_NS: Final = 1_000_000_000


class RtuLine(threading.Thread):
    """Serves the units of one line at `path`, a symlink to the pty's other end."""

    def __init__(self, path: Path, respond: Respond, baud: int, stop: threading.Event) -> None:
        super().__init__(name=f"rtu {path.name}", daemon=True)
        self.path = path
        self.lost_frames = 0  # damaged, too early, or into an answer
        self._respond = respond
        # Not `_stop`: Thread has a method of that name.
        self._stopping = stop
        self._char_ns = BITS_PER_CHAR * _NS // baud
        self._silence_ns = int(SILENCE_CHARS * self._char_ns)
        self._quiet_from_ns = 0  # end of the last answer
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
                if self._readable(_IDLE_S):
                    self._serve_one()
        finally:
            self.path.unlink(missing_ok=True)
            os.close(self._master)
            os.close(self._slave)

    def _serve_one(self) -> None:
        begin_ns = time.monotonic_ns()
        frame, end_ns = self._receive(begin_ns)
        try:
            unit, pdu = split_rtu(frame)
        except FrameError:
            self.lost_frames += 1
            return
        if begin_ns < self._quiet_from_ns + self._silence_ns:
            self.lost_frames += 1
            return
        answer = self._respond(unit, pdu)
        if answer is not None:
            self._send(rtu_frame(unit, answer), end_ns + self._silence_ns + TURNAROUND_NS)

    def _receive(self, begin_ns: int) -> tuple[bytes, int]:
        """One frame, ended by silence on the wire, and the instant of its last stop bit.

        More than the longest frame is read off the line but not kept.
        """
        frame = b""
        on_wire_until_ns = begin_ns
        while True:
            now_ns = time.monotonic_ns()
            data = self._read()
            on_wire_until_ns = max(on_wire_until_ns, now_ns) + len(data) * self._char_ns
            frame = (frame + data)[: MAX_RTU + 1]
            if not self._readable_until(on_wire_until_ns + self._silence_ns):
                return frame, on_wire_until_ns

    def _send(self, frame: bytes, start_ns: int) -> None:
        """Deliver each byte at its time; a line that nobody reads loses what its buffer cannot."""
        due_ns = start_ns
        for n in range(len(frame)):
            due_ns += self._char_ns
            _sleep_until(due_ns)
            with contextlib.suppress(BlockingIOError):
                os.write(self._master, frame[n : n + 1])
        self._quiet_from_ns = due_ns
        while self._readable(0.0):
            self._read()
            self.lost_frames += 1

    def _read(self) -> bytes:
        try:
            return os.read(self._master, MAX_RTU + 1)
        except BlockingIOError:
            return b""

    def _readable(self, timeout_s: float) -> bool:
        return bool(self._poll.poll(timeout_s * 1000.0))

    def _readable_until(self, deadline_ns: int) -> bool:
        """Whether a byte came before the deadline; poll(2) counts whole ms, so look again."""
        while (left_ns := deadline_ns - time.monotonic_ns()) > 0:
            if left_ns < 1_000_000:
                _sleep_until(deadline_ns)
                return self._readable(0.0)
            if self._readable(left_ns // 1_000_000 / 1000.0):
                return True
        return False


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
