"""One request, exactly one answer, over a serial line or a TCP connection.

pymodbus's synchronous clients own the port (pyserial below the serial one, opened exclusively) and
send the request. What comes back is collected here, whole, and judged by `protocols.modbus.answer`:
pymodbus searches its input for a frame, so its own decoder would take junk for an answer.
"""

import logging
import os
import select
import socket
import time
from typing import Any, Final, NamedTuple

from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusIOException

from edge_agent.config import BusConfig
from protocols.modbus.answer import Checked, Damaged, check_rtu, check_tcp
from protocols.modbus.budget import ANSWER_CHARS, REQUEST_CHARS, char_ms, silence_ms
from protocols.modbus.frames import (
    EXCEPTION_BIT,
    MBAP,
    READ_HOLDING,
    FrameError,
    Request,
    tcp_length,
)

MAX_CHUNK: Final = 1024
MAX_LATE_FRAMES: Final = 16
MAX_DRAIN_BYTES: Final = 65_536


class NoAnswer(NamedTuple):
    """Silence until the deadline; `late_bytes` came after it and were thrown away."""

    late_bytes: int


class PortGone(NamedTuple):
    """The port or connection cannot be used; `reason` says why and the remedy."""

    reason: str


Answer = Checked | NoAnswer | PortGone

# pymodbus reports each lost answer as an error of its own; the bus thread says it once, by device
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL + 1)


def bits_per_char(bus: BusConfig) -> int:
    """Start bit, 8 data bits, parity if any, stop bits."""
    return 9 + (bus.parity != "N") + bus.stop_bits


class _Closed(Exception):  # noqa: N818 - the peer's state, caught in this file
    """The other end is gone."""


def _read_some(fd: int, deadline_s: float) -> bytes:
    """Bytes as soon as there are any; empty at the deadline. Raises _Closed at the end of file."""
    ready, _, _ = select.select([fd], [], [], max(0.0, deadline_s - time.monotonic()))
    if not ready:
        return b""
    try:
        chunk = os.read(fd, MAX_CHUNK)
    except BlockingIOError:
        return b""
    except OSError as error:
        raise _Closed(error.strerror) from error
    if not chunk:
        raise _Closed("closed by the other end")
    return chunk


def _drain(fd: int) -> None:
    """Throw away what lies in the input: nothing before the request can be its answer."""
    dropped = 0
    while dropped < MAX_DRAIN_BYTES and (chunk := _read_some(fd, 0.0)):
        dropped += len(chunk)


class _SerialClient(ModbusSerialClient):
    """Collects everything that comes after the request, until the line is silent."""

    def __init__(self, bus: BusConfig) -> None:
        super().__init__(
            bus.port,
            baudrate=bus.baud,
            parity=bus.parity,
            stopbits=bus.stop_bits,
            timeout=bus.timeout_s,
            retries=0,
            name=bus.name,
        )
        self._char_s = char_ms(bus.baud, bits_per_char(bus)) / 1000.0
        self._silence_s = silence_ms(bus.baud, bits_per_char(bus)) / 1000.0
        self._timeout_s = bus.timeout_s
        self.request = Request(1, READ_HOLDING, 0, 1)
        self.answer: Answer = NoAnswer(0)

    def recv(self, size: int | None) -> bytes:
        """The exact answer, or nothing: then the line has been quiet long enough as well."""
        assert self.socket is not None
        fd = self.socket.fileno()
        first_s = time.monotonic() + REQUEST_CHARS * self._char_s + self._timeout_s
        frame = self._collect(fd, first_s)
        if not frame:
            self.answer = NoAnswer(self._settle(fd, first_s + self._timeout_s))
            return b""
        self.answer = check_rtu(self.request, frame)
        if isinstance(self.answer, Damaged):
            self._settle(fd, first_s)
            return b""
        return frame

    def _collect(self, fd: int, first_s: float) -> bytes:
        """All bytes until the answer is whole and the line silent for 3.5 characters.

        The first must come before `first_s`; the rest may take twice its time on the wire, since
        converters and modems deliver in pieces.
        """
        wanted = ANSWER_CHARS + 2 * self.request.count
        last_s = first_s + 2 * wanted * self._char_s
        frame = b""
        while len(frame) < wanted:
            chunk = _read_some(fd, last_s if frame else first_s)
            if not chunk:
                return frame
            frame += chunk
            if len(frame) > 1 and frame[1] & EXCEPTION_BIT:
                wanted = ANSWER_CHARS
            missing = max(0, wanted - len(frame))
            # one sleep for what is on the wire, instead of one wake-up a byte
            time.sleep(min(missing * self._char_s, max(0.0, last_s - time.monotonic())))
        return frame + _read_some(fd, time.monotonic() + self._silence_s)

    def _settle(self, fd: int, until_s: float) -> int:
        """Stay quiet until a late answer can no longer come; the bytes thrown away.

        Bounded: a line that never falls silent is given up a timeout later.
        """
        late = 0
        give_up_s = max(until_s, time.monotonic()) + self._timeout_s
        while chunk := _read_some(fd, max(until_s, time.monotonic() + self._silence_s)):
            late += len(chunk)
            if time.monotonic() > give_up_s:
                break
        return late


class _TcpClient(ModbusTcpClient):
    """Reads whole frames until the one of this transaction; late ones of earlier are dropped."""

    def __init__(self, bus: BusConfig) -> None:
        super().__init__(
            bus.host, port=bus.tcp_port, timeout=bus.timeout_s, retries=0, name=bus.name
        )
        self._timeout_s = bus.timeout_s
        self._transaction = 0
        self.request = Request(1, READ_HOLDING, 0, 1)
        self.answer: Answer = NoAnswer(0)

    def send(self, request: bytes, addr: Any = None) -> int:
        self._transaction = int.from_bytes(request[:2], "big")
        return int(super().send(request, addr))

    def recv(self, size: int | None) -> bytes:
        """The exact answer, or nothing; a stream that is out of step is closed."""
        assert self.socket is not None
        deadline_s = time.monotonic() + self._timeout_s
        rest = b""
        for _ in range(MAX_LATE_FRAMES):
            try:
                frame, rest = self._next_frame(rest, deadline_s)
            except FrameError as error:
                return self._out_of_step(str(error))
            if not frame:
                if rest:
                    return self._out_of_step("answer cut off")
                self.answer = NoAnswer(0)
                return b""
            if int.from_bytes(frame[:2], "big") != self._transaction:
                continue
            if rest:
                return self._out_of_step(f"{len(rest)} bytes after the answer")
            self.answer = check_tcp(self.request, self._transaction, frame)
            return b"" if isinstance(self.answer, Damaged) else frame
        return self._out_of_step("answers to other transactions only")

    def _next_frame(self, data: bytes, deadline_s: float) -> tuple[bytes, bytes]:
        """One whole frame and what came behind it; no frame at the deadline."""
        assert self.socket is not None
        while len(data) < MBAP or len(data) < tcp_length(data):
            chunk = _read_some(self.socket.fileno(), deadline_s)
            if not chunk:
                return b"", data
            data += chunk
        length = tcp_length(data)
        return data[:length], data[length:]

    def _out_of_step(self, reason: str) -> bytes:
        self.close()  # type: ignore[no-untyped-call]
        self.answer = Damaged(reason)
        return b""


class Link:
    """The port of one bus. Belongs to the bus thread; only `abandon` may be called from another."""

    def __init__(self, bus: BusConfig) -> None:
        self._bus = bus
        self._client = _SerialClient(bus) if bus.kind == "rtu" else _TcpClient(bus)
        self._abandoned = False

    def exchange(self, request: Request) -> Answer:
        """Ask once and wait for the answer; opens the port where it is not open.

        Takes at most three timeouts and the time on the wire. After silence or damage on a serial
        line it returns only when a late answer can no longer come.
        """
        if self._abandoned:
            self._abandoned = False
            self.close()
        gone = self._ready()
        if gone:
            return gone
        client = self._client
        client.request, client.answer = request, NoAnswer(0)
        read = (
            client.read_holding_registers
            if request.function == READ_HOLDING
            else client.read_input_registers
        )
        try:
            read(request.address, count=request.count, device_id=request.unit)
        except ModbusIOException:
            pass  # no exact answer; what came instead is in client.answer
        except (ConnectionException, _Closed, OSError) as error:
            self.close()
            if self._bus.kind == "rtu":
                return PortGone(f"port {self._bus.port} failed while in use: {error}")
            # a gateway may close on one unit's request: the device failed, the next one reconnects
            return Damaged("connection closed by the other end")
        return client.answer

    def _ready(self) -> PortGone | None:
        """Open if need be; a TCP connection that its peer closed meanwhile is opened anew."""
        if self._client.socket is not None:
            try:
                _drain(self._client.socket.fileno())
            except (_Closed, OSError):
                self.close()
        if self._client.socket is None and not self._client.connect():
            return PortGone(_why_not(self._bus))
        return None

    def close(self) -> None:
        """Close the port; the next exchange opens it again."""
        self._client.close()  # type: ignore[no-untyped-call]

    def abandon(self) -> None:
        """From another thread: wake up a stuck bus thread and have it open the port anew."""
        self._abandoned = True
        port = self._client.socket
        if port is None:
            return
        try:
            if isinstance(port, socket.socket):
                port.shutdown(socket.SHUT_RDWR)
            else:
                port.cancel_write()
        except OSError:
            pass  # closed meanwhile by its own thread


def _why_not(bus: BusConfig) -> str:
    """pymodbus swallows the reason; these are the ones that a technician can do something about."""
    if bus.kind == "tcp":
        return (
            f"{bus.host}:{bus.tcp_port} does not accept a connection:"
            " check address, cable and that the device serves Modbus TCP"
        )
    if not os.path.exists(bus.port):
        return f"port {bus.port} does not exist: plug the adapter in, or correct port"
    if not os.access(bus.port, os.R_OK | os.W_OK):
        return f"port {bus.port} may not be opened: give the agent's user the group dialout"
    return f"port {bus.port} cannot be opened: another program holds it, or it is no serial port"
