"""A serial line: Modbus RTU or ASCII on a pty pair, paced as the wire would be.

A pty passes a write on at once; a wire takes ten bit times for each character (8N1). So a request
counts as heard only after its wire time and the silence of 3.5 characters that ends a frame (Modbus
over Serial Line V1.02, clause 2.5.1.1; an ASCII frame ends with its line); then the instrument
thinks, and each byte of its answer is delivered when its stop bit would have passed. One talks at a
time: what arrives while an answer is on the line, or before the silence after it, is lost.

A strict line also measures. It waits busily for the last part of each wait, so that it knows when a
request came, and gives an answer's last byte, to some microseconds. It takes most of a core: give
it a process of its own (`strict_line.py`).
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from protocols.modbus.frames import FrameError
from simulators.framing import RTU, Exchange, Framing
from simulators.line_meter import Gap, LineMeter, LineReport
from simulators.pty_port import PtyPort, pty_us

if TYPE_CHECKING:
    from pathlib import Path

BITS_PER_CHAR: Final = 10  # 8N1
TURNAROUND_NS: Final = 5_000_000  # what the instrument needs to think
_ASCII_GAP_NS: Final = 1_000_000_000  # clause 2.5.2.1: up to a second between characters
_IDLE_S: Final = 0.1  # how often the thread looks whether it shall stop
_SPIN_NS: Final = 300_000  # a sleep ends late by less than this, nearly always
_LISTEN_NS: Final = 2_000_000  # how long a strict line spins for the next request; then it sleeps
_NS: Final = 1_000_000_000
_NS_PER_MS: Final = 1_000_000


class LineTiming(NamedTuple):
    """How a line keeps time and ends a frame; `away` says whether its port has vanished now."""

    bits_per_char: int = BITS_PER_CHAR
    turnaround_ns: int = TURNAROUND_NS
    strict: bool = False
    framing: Framing = RTU
    away: Callable[[], bool] = lambda: False


class _Late(NamedTuple):
    """A burst that waits for its time."""

    due_ns: int
    data: bytes


class RtuLine(threading.Thread):
    """Serves the units of one line at `path`, a symlink to the pty's other end."""

    def __init__(
        self,
        path: Path,
        exchange: Exchange,
        baud: int,
        stop: threading.Event,
        timing: LineTiming = LineTiming(),  # noqa: B008 - immutable
    ) -> None:
        super().__init__(name=f"{timing.framing.name} {path.name}", daemon=True)
        self.path = path
        self.lost_frames = 0  # damaged, too early, or into an answer
        self._exchange = exchange
        # Not `_stop`: Thread has a method of that name.
        self._stopping = stop
        self._timing = timing
        self._framing = timing.framing
        self._char_ns = timing.bits_per_char * _NS / baud
        self._meter = LineMeter(self._char_ns)
        self._silence_ns = self._meter.silence_ns
        self._quiet_from_ns: int | None = None  # end of the last answer
        self._empty_ns = 0  # when nothing was last found to read
        self._waiting: list[_Late] = []
        self._port = PtyPort(path)

    def run(self) -> None:
        """Serve until told to stop."""
        try:
            while not self._stopping.is_set():
                if self._timing.away():
                    self._go_away()
                elif self._heard():
                    self._serve_one()
                self._send_what_is_due()
        finally:
            self._port.close()

    def report(self) -> LineReport:
        """What a strict line measured; for when it has stopped."""
        return self._meter.report(pty_us())

    def _go_away(self) -> None:
        """What was under way is lost with the port."""
        self._port.close()
        self._waiting.clear()
        while self._timing.away() and not self._stopping.wait(_IDLE_S / 10):
            pass
        self._quiet_from_ns = None
        self._port.open()

    def _heard(self) -> bool:
        """Whether a request begins; after a while nobody is told so, to look whether to stop."""
        if self._waiting:
            return self._readable_until(self._waiting[0].due_ns)
        if self._timing.strict and self._quiet_from_ns is not None:
            after_ns = self._quiet_from_ns + self._silence_ns
            if time.monotonic_ns() < after_ns + _LISTEN_NS:
                return self._readable_until(after_ns + _LISTEN_NS, spin_from_ns=after_ns)
        heard = self._port.readable(_IDLE_S)
        self._empty_ns = time.monotonic_ns()
        return heard

    def _serve_one(self) -> None:
        begin_ns, quiet_ns = time.monotonic_ns(), self._quiet_from_ns
        if quiet_ns is None or self._framing.end:
            gap = None
        else:
            gap = Gap(self._empty_ns - quiet_ns, begin_ns - quiet_ns)
        timely = self._meter.request(begin_ns, gap)
        frame, end_ns = self._receive(begin_ns)
        start_ns = end_ns + self._timing.turnaround_ns
        if not self._framing.end:
            start_ns += self._silence_ns
        try:
            bursts = self._exchange(frame) if timely else ()
        except FrameError:
            self._meter.damaged += 1
            timely = False
        if not timely:
            self.lost_frames += 1
            return
        for burst in bursts:
            if burst.after_ms:
                due_ns = start_ns + burst.after_ms * _NS_PER_MS
                heapq.heappush(self._waiting, _Late(due_ns, burst.data))
        self._send_what_is_due()
        answering = len(frame)
        for burst in bursts:
            if not burst.after_ms:
                self._send(burst.data, start_ns, answering)
                answering = 0

    def _send_what_is_due(self) -> None:
        """What becomes due while a request is being heard comes after it."""
        while self._waiting and self._waiting[0].due_ns <= time.monotonic_ns():
            late = heapq.heappop(self._waiting)
            self._send(late.data, late.due_ns)

    def _receive(self, begin_ns: int) -> tuple[bytes, int]:
        """One frame, ended by silence on the wire or by its line's end, and when it ended.

        More than the longest frame is read off the line but not kept.
        """
        frame = b""
        on_wire_until_ns = begin_ns
        now_ns = begin_ns
        silence_ns = _ASCII_GAP_NS if self._framing.end else self._silence_ns
        while True:
            data = self._port.read()
            on_wire_until_ns = max(on_wire_until_ns, now_ns) + int(len(data) * self._char_ns)
            frame = (frame + data)[: self._framing.longest + 1]
            if self._framing.end and frame.endswith(self._framing.end):
                return frame, on_wire_until_ns
            if not self._readable_until(on_wire_until_ns + silence_ns):
                return frame, on_wire_until_ns
            now_ns = time.monotonic_ns()

    def _send(self, frame: bytes, due_ns: int, request_chars: int = 0) -> None:
        """Deliver each byte at its time; `request_chars`: of the request, if it answers in time."""
        start_ns = max(due_ns, self._quiet_from_ns or 0)
        sent, last = 0, len(frame) - 1
        while sent < last:
            _sleep_until(start_ns + int((sent + 1) * self._char_ns))
            passed = int((time.monotonic_ns() - start_ns) / self._char_ns)
            upto = min(last, max(sent + 1, passed))
            self._port.write(frame[sent:upto])
            sent = upto
        end_ns = start_ns + int(len(frame) * self._char_ns)
        self._wait_until(end_ns)
        while self._port.readable(0.0):
            self._port.read()
            self.lost_frames += 1
            self._meter.interrupted()
        self._quiet_from_ns = self._empty_ns = time.monotonic_ns()
        self._port.write(frame[last:])
        if request_chars:
            self._meter.answer(request_chars, len(frame), end_ns, self._quiet_from_ns)

    def _readable_until(self, deadline_ns: int, spin_from_ns: int | None = None) -> bool:
        """Whether a byte came before the deadline; a strict line spins from `spin_from_ns` on.

        poll(2) counts whole ms and select(2) wakes late, so look again.
        """
        spin_ns = (deadline_ns if spin_from_ns is None else spin_from_ns) - _SPIN_NS
        while (now_ns := time.monotonic_ns()) < deadline_ns:
            if self._timing.strict:
                if self._port.readable_within_ns(spin_ns - now_ns):
                    return True
                self._empty_ns = now_ns
            elif deadline_ns - now_ns < _NS_PER_MS:
                _sleep_until(deadline_ns)
                return self._port.readable(0.0)
            elif self._port.readable(min(_IDLE_S, (deadline_ns - now_ns) // _NS_PER_MS / 1000.0)):
                return True
            elif self._stopping.is_set():
                return False
        return False

    def _wait_until(self, due_ns: int) -> None:
        if not self._timing.strict:
            _sleep_until(due_ns)
            return
        _sleep_until(due_ns - _SPIN_NS)
        while time.monotonic_ns() < due_ns:
            pass


def _sleep_until(due_ns: int) -> None:
    left_ns = due_ns - time.monotonic_ns()
    if left_ns > 0:
        time.sleep(left_ns / _NS)
