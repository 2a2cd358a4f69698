"""One request, exactly one answer, over a serial line or a TCP connection.

The port and the clock are here. When an answer is whole, lost or can no longer come is decided by
`protocols.modbus.receive`, and whether it is the answer by `protocols.modbus.answer`: pymodbus, a
peer in the tests, searches its input for a frame, and would take junk for one.
"""

from __future__ import annotations

import logging
import time
from typing import Final

from edge_agent.bus.apart import Apart
from edge_agent.bus.port import (
    MAX_DRAIN_BYTES,
    Closed,
    Names,
    PortGone,
    SerialPort,
    TcpPort,
    open_serial,
    open_tcp,
    read_now,
    read_some,
)
from edge_agent.config.bus_time import bits_per_char
from edge_agent.config.model import BusConfig
from protocols.modbus.answer import Asked, Checked, Damaged
from protocols.modbus.ascii_frames import Framing, ascii_frame
from protocols.modbus.budget import char_ms
from protocols.modbus.foreign import foreign_request, sender_of
from protocols.modbus.frames import MBAP, FrameError, rtu_frame, tcp_frame, tcp_length
from protocols.modbus.receive import (
    MAX_HEARD,
    NoAnswer,
    SerialReceiver,
    TcpReceiver,
    Timing,
)

__all__ = ["Answer", "Link", "NoAnswer", "PortGone", "timing_of"]

SILENCE_CHARS: Final = 3.5
MAX_SILENT: Final = 4
Answer = Checked | NoAnswer | PortGone
_log = logging.getLogger(__name__)


def timing_of(bus: BusConfig) -> Timing:
    """The times of a line; behind a serial server the rate is not known, and a character no time.

    The silence is 3.5 characters at every rate. Above 19200 baud the standard recommends 1.75 ms:
    that is for `pause_s`, since most instruments are content with less.
    """
    quiet_s = bus.timeout_s if bus.quiet_s is None else bus.quiet_s
    if not bus.is_serial:
        return Timing(0.0, bus.pause_s, bus.timeout_s, bus.gap_s, quiet_s)
    char_s = char_ms(bus.baud, bits_per_char(bus)) / 1000.0
    silence_s = max(SILENCE_CHARS * char_s, bus.pause_s)
    return Timing(char_s, silence_s, bus.timeout_s, bus.gap_s, quiet_s)


class Link:
    """The port of one bus. Belongs to the bus thread; only `abandon` may be called from another.

    `unasked` counts bytes that came while nothing was asked, and `strangers` are the units that may
    have sent them; `other_master` is what somebody else asked on our line, in words. `frames`: the
    newest request as it was sent, and what was heard after it; `asked` is that request.
    """

    def __init__(self, bus: BusConfig) -> None:
        self.unasked = 0
        self.strangers: set[int] = set()
        self.other_master = ""
        self.frames = (b"", b"")
        self.asked: Asked | None = None
        self._bus = bus
        self._timing = timing_of(bus)
        self._framing: Framing = "ascii" if bus.kind == "ascii" else "rtu"
        self._apart = None if bus.kind == "tcp" else Apart()
        self._names = Names()
        self._port: SerialPort | TcpPort | None = None
        self._transaction = 0
        self._rest = b""  # of a late frame on a TCP connection
        self._used_s = 0.0
        self._silent = 0  # requests in a row that a connection left without any answer
        self._abandoned = False

    def exchange(self, asked: Asked, *, learn: bool = True) -> Answer:
        """Ask and wait for the answer; opens the port where it is not open.

        On a line without transactions something else may be asked first (`apart.py`), and where
        that is lost its loss is the answer; `learn`: this one may be asked to part others.
        """
        if self._apart is None:
            return self._once(asked)
        return self._apart.ask(self._once, asked, time.monotonic(), learn=learn)

    def _once(self, asked: Asked) -> Answer:
        """Takes at most three timeouts, the quiet time and the time on the wire. After silence or
        damage on a line without transactions it returns only when a late answer can no longer come.
        """
        self.asked = asked
        if self._abandoned:
            self._abandoned = False
            self.close()
        port = self._ready()
        if isinstance(port, PortGone):
            return port
        self._used_s = time.monotonic()
        try:
            if self._bus.kind == "tcp":
                return self._counted(self._over_tcp(port, asked))
            return self._counted(self._over_line(port, asked))
        except (Closed, OSError) as error:
            self.close()
            if self._bus.is_serial:
                return PortGone(f"port {self._bus.port} failed while in use: {error}")
            # a gateway may close on one unit's request: the device failed, the next one reconnects
            return Damaged("connection closed by the other end")

    def release_idle(self) -> None:
        """Close a connection that nobody used for a while: its device may serve one client only."""
        idle_s = self._bus.idle_close_s
        if isinstance(self._port, TcpPort) and time.monotonic() - self._used_s >= idle_s:
            self.close()

    def close(self) -> None:
        """Close the port; the next exchange opens it again."""
        if self._port is not None:
            self._port.close()
        self._port = None
        self._rest = b""
        self._silent = 0

    def abandon(self) -> None:
        """From another thread: wake up a stuck bus thread and have it open the port anew."""
        self._abandoned = True
        port = self._port
        if port is not None:
            port.wake()

    def _counted(self, answer: Answer) -> Answer:
        """A connection that nobody answers over any more may be dead without knowing it.

        One silent device does not end it: the others' answers count.
        """
        self._silent = self._silent + 1 if isinstance(answer, NoAnswer) else 0
        if self._silent >= MAX_SILENT and isinstance(self._port, TcpPort):
            self.close()
        return answer

    # ---- the two kinds of line ------------------------------------------------------------------

    def _over_line(self, port: SerialPort | TcpPort, asked: Asked) -> Answer:
        make = ascii_frame if self._framing == "ascii" else rtu_frame
        frame = make(asked.unit, asked.pdu)
        port.send(frame)
        self.frames = (frame, b"")
        sent_s = time.monotonic() + len(frame) * self._timing.char_s
        receiver = SerialReceiver(self._framing, asked, self._timing, sent_s)
        while receiver.result is None:
            # one sleep for what is on the wire, instead of one wake-up a byte
            nap_s = receiver.asleep_until_s - time.monotonic()
            if nap_s > 0:
                time.sleep(nap_s)
            data = read_some(port.fd, receiver.until_s)
            if data:
                receiver.came(data, time.monotonic())
            else:
                receiver.silence(time.monotonic())
        self.frames = (frame, receiver.heard)
        if isinstance(receiver.result, Damaged | NoAnswer):
            return self._lost(port, receiver, frame)
        return receiver.result

    def _lost(
        self, port: SerialPort | TcpPort, receiver: SerialReceiver, sent: bytes
    ) -> Damaged | NoAnswer:
        result = receiver.result
        assert isinstance(result, Damaged | NoAnswer)
        if isinstance(port, SerialPort):
            self._check(port)
        if not self.other_master:
            self.other_master = foreign_request(receiver.heard, sent)
        if isinstance(result, Damaged) and receiver.heard.startswith(sent):
            return Damaged("our own request came back: switch off the adapter's echo")
        return result

    def _check(self, port: SerialPort) -> None:
        """Open it anew where the name leads to another adapter by now, or its settings are gone."""
        if not port.is_still(self._bus.port):
            self.close()
        elif not port.is_as_set():
            self.close()
            _log.warning(
                "bus %s: another program changed the settings of port %s: it is opened anew;"
                " keep other programs (stty, ModemManager) off it",
                self._bus.name,
                self._bus.port,
            )

    def _over_tcp(self, port: SerialPort | TcpPort, asked: Asked) -> Answer:
        self._transaction = (self._transaction + 1) & 0xFFFF
        frame = tcp_frame(self._transaction, asked.unit, asked.pdu)
        port.send(frame)
        self.frames = (frame, b"")
        receiver = TcpReceiver(asked, self._transaction, self._bus.timeout_s, time.monotonic())
        if self._rest:
            receiver.came(self._rest)
            self._rest = b""
        while receiver.result is None:
            data = read_some(port.fd, receiver.until_s)
            if data:
                receiver.came(data)
            else:
                receiver.silence()
        self.frames = (frame, receiver.heard)
        if receiver.broken:
            self.close()
        return receiver.result

    # ---- before a request -----------------------------------------------------------------------

    def _ready(self) -> SerialPort | TcpPort | PortGone:
        """Open if need be; a connection that its peer closed meanwhile is opened anew."""
        if self._port is not None:
            try:
                self._drain(self._port.fd)
            except (Closed, FrameError):
                self.close()
        if self._port is None:
            port = (
                open_serial(self._bus) if self._bus.is_serial else open_tcp(self._bus, self._names)
            )
            if isinstance(port, PortGone):
                return port
            self._port = port
        return self._port

    def _drain(self, fd: int) -> None:
        """Throw away what lies in the input: nothing before the request can be its answer.

        Somebody may be talking still: the line must be silent, but not for ever. Of a TCP stream
        the beginning of a late frame is kept, so that its end is not taken for a frame.
        """
        data = read_now(fd)
        if not data:
            return
        if self._bus.kind == "tcp":
            self._pass_late(self._rest + data, fd)
            return
        heard, give_up_s = data, time.monotonic() + self._bus.timeout_s
        while data and time.monotonic() < give_up_s:
            data = read_some(fd, time.monotonic() + self._timing.silence_s)
            heard = (heard + data)[:MAX_HEARD]
        self.unasked += len(heard)
        self.strangers |= sender_of(heard, self._framing)
        if not self.other_master and self._framing == "rtu":
            self.other_master = foreign_request(heard)

    def _pass_late(self, data: bytes, fd: int) -> None:
        passed = 0
        while passed < MAX_DRAIN_BYTES:
            while len(data) >= MBAP and len(data) >= (length := tcp_length(data)):
                data = data[length:]
                passed += length
            more = read_now(fd)
            if not more:
                self._rest = data
                return
            data += more
        raise Closed("a flood of frames that nobody asked for")
