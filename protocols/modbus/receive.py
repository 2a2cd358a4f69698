"""What comes after a request, as it comes: when an answer is whole, lost, or can no longer come.

No clock here: whoever owns the port tells what arrived and when, and asks until when to wait.

On a serial line (RTU, ASCII, or RTU through a serial server) an answer ends by its expected length,
not by silence: cellular modems leave gaps of 30 ms and more within a frame. Silence comes after it,
and a byte in that silence makes the whole of it damaged. After a loss nothing may be asked until a
late answer can no longer come (`quiet_s` after the deadline), since it would not tell what it
answers. Over TCP an answer names its transaction, and late ones are passed over.
"""

from typing import Final, NamedTuple

from protocols.modbus.answer import Asked, Checked, Damaged, check_ascii, check_rtu, check_tcp
from protocols.modbus.ascii_frames import Framing, ascii_size
from protocols.modbus.frames import EXCEPTION_BIT, MBAP, FrameError, tcp_length

MAX_LATE_FRAMES: Final = 16
EXCEPTION_PDU: Final = 2
MAX_HEARD: Final = 1024


class NoAnswer(NamedTuple):
    """Silence until the deadline; `late_bytes` came after it and were thrown away."""

    late_bytes: int


class Timing(NamedTuple):
    """Of one line, in seconds. A character takes no time where its rate is not known."""

    char_s: float
    silence_s: float  # behind a whole frame
    timeout_s: float  # until the first byte, and for all gaps of one answer together
    gap_s: float  # the longest within an answer
    quiet_s: float  # after the deadline of a lost answer


Received = Checked | NoAnswer


class SerialReceiver:
    """One request's answer on a line without transactions.

    Until `result` is there: wait for bytes until `until_s`, then call `came` or `silence`. Between
    now and `asleep_until_s` there is nothing to hear but the frame that is being sent.
    """

    def __init__(self, framing: Framing, asked: Asked, timing: Timing, sent_s: float) -> None:
        self.result: Received | None = None
        self.arrived_s = sent_s  # of the newest byte
        self.asleep_until_s = sent_s
        self._framing: Framing = framing
        self._asked = asked
        self._timing = timing
        self.heard = b""  # what came, for who wants to know what it was
        self._whole = self._size(asked.answer_size)
        self._deadline_s = sent_s + timing.timeout_s
        self._quiet_until_s = self._deadline_s + timing.quiet_s
        self._last_s = 0.0  # the answer must be whole by then
        self._judged: Checked | None = None
        self._lost: Received | None = None  # told once the line is quiet
        self.until_s = self._deadline_s

    def came(self, data: bytes, now_s: float) -> None:
        """Bytes that came since the last call; never empty."""
        timing = self._timing
        self.arrived_s = now_s
        if self._lost is not None:
            self._settle(data, now_s)
            return
        if not self.heard:
            wire_s = self._whole * timing.char_s
            self._last_s = now_s + wire_s + timing.timeout_s
        self.heard += data
        if self._is_exception():
            self._whole = self._size(EXCEPTION_PDU)
        missing = self._whole - len(self.heard)
        if missing > 0:
            self.asleep_until_s = now_s + missing * timing.char_s
            self.until_s = min(self.asleep_until_s + timing.gap_s, self._last_s)
        elif missing == 0:
            self._judged = self._check()  # now, since the silence leaves time for it
            self.until_s = now_s + timing.silence_s
        else:
            over = f"{-missing} bytes behind the answer"
            self._lose(Damaged(over), now_s)

    def silence(self, now_s: float) -> None:
        """Nothing came until `until_s`."""
        if self._lost is not None:
            self.result = self._lost
        elif not self.heard:
            self._lose(NoAnswer(0), now_s)
        elif len(self.heard) < self._whole:
            # its check could pass only by chance: what is missing is missing
            came = f"{len(self.heard)} bytes of {self._whole} came"
            self._lose(Damaged(came), now_s)
        elif isinstance(self._judged, Damaged):
            self._lose(self._judged, now_s)
        else:
            self.result = self._judged

    def _check(self) -> Checked:
        check = check_rtu if self._framing == "rtu" else check_ascii
        return check(self._asked, self.heard)

    def _lose(self, lost: Received, now_s: float) -> None:
        self._lost = lost
        self._last_s = max(self._quiet_until_s, now_s) + self._timing.timeout_s
        self.until_s = max(self._quiet_until_s, now_s + self._timing.silence_s)

    def _settle(self, data: bytes, now_s: float) -> None:
        """Late bytes are no answer. A line that never falls silent is given up in time."""
        self.heard = (self.heard + data)[:MAX_HEARD]
        if isinstance(self._lost, NoAnswer):
            self._lost = NoAnswer(self._lost.late_bytes + len(data))
        self.until_s = max(self._quiet_until_s, now_s + self._timing.silence_s)
        if self.until_s > self._last_s:
            self.result = self._lost

    def _size(self, pdu_size: int) -> int:
        return pdu_size + 3 if self._framing == "rtu" else ascii_size(pdu_size)

    def _is_exception(self) -> bool:
        data = self.heard
        if self._framing == "rtu":
            return len(data) > 1 and bool(data[1] & EXCEPTION_BIT)
        return len(data) > 3 and data[3:4] > b"7"  # the first digit of the function


class TcpReceiver:
    """One request's answer on a Modbus TCP connection; with `broken` the stream is out of step."""

    def __init__(self, asked: Asked, transaction: int, timeout_s: float, sent_s: float) -> None:
        self.result: Received | None = None
        self.broken = False
        self.heard = b""  # the frame that was judged, or the bytes that are none
        self.until_s = sent_s + timeout_s
        self._asked = asked
        self._transaction = transaction
        self._data = b""
        self._passed = 0

    def came(self, data: bytes) -> None:
        """Bytes that came since the last call; never empty."""
        self._data += data
        try:
            while self.result is None and len(self._data) >= MBAP:
                length = tcp_length(self._data)
                if len(self._data) < length:
                    return
                self._take(self._data[:length], self._data[length:])
        except FrameError as error:
            self._out_of_step(str(error))

    def silence(self) -> None:
        """Nothing came until `until_s`."""
        if self._data:
            self._out_of_step("answer cut off")
        else:
            self.result = NoAnswer(0)

    def _take(self, frame: bytes, rest: bytes) -> None:
        if int.from_bytes(frame[:2], "big") != self._transaction:
            self._passed += 1
            self._data = rest
            if self._passed == MAX_LATE_FRAMES:
                self._out_of_step("answers to other transactions only")
        elif rest:
            self._out_of_step(f"{len(rest)} bytes after the answer")
        else:
            self.heard = frame
            self.result = check_tcp(self._asked, self._transaction, frame)

    def _out_of_step(self, reason: str) -> None:
        self.result = Damaged(reason)
        self.heard = self._data[:MAX_HEARD]
        self.broken = True
