"""Servers for the bus tests: a hostile raw one, a plain pymodbus one, and lines between ports."""

import asyncio
import os
import pty
import select
import socket
import threading
import tty
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from pymodbus.server import ModbusSerialServer, ModbusTcpServer

from edge_agent.config.model import BusConfig
from protocols.modbus.ascii_frames import ascii_frame, split_ascii
from protocols.modbus.frames import (
    MBAP,
    FrameError,
    Request,
    answer_pdu,
    parse_read_request,
    rtu_frame,
    split_rtu,
    tcp_frame,
    tcp_length,
)

CLOSE = "close"
Step = bytes | float | str
Reply = Callable[["RawServer", Request], Sequence[Step]]


class RawServer:
    """One thread that answers each request with whatever bytes, pauses and closings it is told.

    `reply` gives the steps of the answer; by default the exact one, in which each register holds
    the number of the request, so that a stale value is seen.
    """

    def __init__(self) -> None:
        self.replies: dict[int, Reply] = {}  # by unit
        self.count = 0
        self.held = b""
        self.told = 0
        self.on_other: Callable[[], bytes] | None = None  # what answers other than reads
        self.stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def frame(self, unit: int, pdu: bytes) -> bytes:
        raise NotImplementedError

    def exact(self, request: Request) -> bytes:
        words = (self.count % 65536,) * request.count
        return self.frame(request.unit, answer_pdu(request.function, words))

    def steps(self, request: Request) -> Sequence[Step]:
        self.count += 1
        reply = self.replies.get(request.unit)
        return reply(self, request) if reply else [self.exact(request)]

    def play(self, request: Request, write: Callable[[bytes], object]) -> bool:
        """Write an answer; False when the connection shall be closed."""
        for step in self.steps(request):
            if isinstance(step, float):
                self.stop.wait(step)
            elif step == CLOSE:
                return False
            else:
                assert isinstance(step, bytes)
                with suppress(OSError):
                    write(step)
        return True

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self._thread.join(5)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        raise NotImplementedError


class RawTcp(RawServer):
    """A Modbus TCP server by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(0.05)
        self.transaction = 0
        self.connections = 0
        self.config = BusConfig(
            "lan", "tcp", host="127.0.0.1", tcp_port=self.listener.getsockname()[1], timeout_s=0.1
        )

    def frame(self, unit: int, pdu: bytes) -> bytes:
        return tcp_frame(self.transaction, unit, pdu)

    def _run(self) -> None:
        with self.listener:
            while not self.stop.is_set():
                with suppress(TimeoutError):
                    connection, _ = self.listener.accept()
                    self.connections += 1
                    with connection:
                        self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(0.05)
        data = b""
        while not self.stop.is_set():
            try:
                chunk = connection.recv(1024)
            except TimeoutError:
                continue
            except OSError:
                return
            if not chunk:
                return
            data += chunk
            while len(data) >= MBAP and len(data) >= tcp_length(data):
                length = tcp_length(data)
                self.transaction = int.from_bytes(data[:2], "big")
                try:
                    request = parse_read_request(data[6], data[MBAP:length])
                except FrameError:
                    assert self.on_other
                    connection.sendall(self.on_other())
                    data = data[length:]
                    continue
                data = data[length:]
                if not self.play(request, connection.sendall):
                    return


class RawRtu(RawServer):
    """A line with instruments by hand, behind one pty; `port` may be a path that comes later."""

    def __init__(self, baud: int = 115200, timeout_s: float = 0.1) -> None:
        super().__init__()
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.slave = slave
        self.port = os.ttyname(slave)
        self.config = BusConfig("line", "rtu", port=self.port, baud=baud, timeout_s=timeout_s)

    def frame(self, unit: int, pdu: bytes) -> bytes:
        return rtu_frame(unit, pdu)

    def split(self, data: bytes) -> tuple[int, bytes]:
        return split_rtu(data)

    def _run(self) -> None:
        data = b""
        while not self.stop.is_set():
            if not select.select([self.master], [], [], 0.02)[0]:
                data = b""  # the silence that ends a frame
                continue
            with suppress(OSError):
                data += os.read(self.master, 256)
            try:
                unit, pdu = self.split(data)
            except FrameError:
                continue
            data = b""
            if self.on_other and pdu[0] > 4:
                os.write(self.master, self.on_other())
                continue
            request = parse_read_request(unit, pdu)
            self.play(request, lambda chunk: os.write(self.master, chunk))
        os.close(self.master)
        os.close(self.slave)


class RawAscii(RawRtu):
    """The same line in ASCII."""

    def __init__(self) -> None:
        super().__init__()
        self.config = replace(self.config, kind="ascii")  # a pty has eight data bits

    def frame(self, unit: int, pdu: bytes) -> bytes:
        return ascii_frame(unit, pdu)

    def split(self, data: bytes) -> tuple[int, bytes]:
        return split_ascii(data)


class RawRtuOverTcp(RawServer):
    """A serial server that passes the bytes of a line on: RTU frames in a TCP connection."""

    def __init__(self) -> None:
        super().__init__()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(0.05)
        port = self.listener.getsockname()[1]
        self.config = BusConfig(
            "server", "rtu-over-tcp", host="127.0.0.1", tcp_port=port, timeout_s=0.1
        )

    def frame(self, unit: int, pdu: bytes) -> bytes:
        return rtu_frame(unit, pdu)

    def _run(self) -> None:
        with self.listener:
            while not self.stop.is_set():
                with suppress(TimeoutError):
                    connection, _ = self.listener.accept()
                    with connection, suppress(OSError):
                        self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(0.05)
        while not self.stop.is_set():
            with suppress(TimeoutError):
                data = connection.recv(256)
                if not data:
                    return
                request = parse_read_request(*split_rtu(data))
                if not self.play(request, connection.sendall):
                    return


class Line:
    """Two real ptys joined as a serial line: what goes into one port comes out of the other.

    With `baud` each piece takes its time, as on a wire.
    """

    def __init__(self, baud: int = 0) -> None:
        self._masters, self._slaves = zip(pty.openpty(), pty.openpty(), strict=True)
        for slave in self._slaves:
            tty.setraw(slave)
        self.agent, self.instrument = (os.ttyname(slave) for slave in self._slaves)
        self._baud = baud
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        left, right = self._masters
        while not self._stop.is_set():
            for fd in select.select([left, right], [], [], 0.02)[0]:
                data = os.read(fd, 8 if self._baud else 256)
                if self._baud:
                    self._stop.wait(10 * len(data) / self._baud)
                os.write(right if fd == left else left, data)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(5)
        for fd in (*self._masters, *self._slaves):
            os.close(fd)


class PlainServer:
    """A plain pymodbus server with its SimDevices, on a thread with its own loop."""

    def __init__(self, make: Callable[[], ModbusTcpServer | ModbusSerialServer]) -> None:
        self._make = make
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.port = 0

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._server = self._make()
        await self._server.serve_forever(background=True)
        if isinstance(self._server, ModbusTcpServer):
            self.port = self._server.transport.sockets[0].getsockname()[1]
        self._ready.set()
        await self._server.serving

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(5)
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._server.shutdown(), self._loop).result(5)
        self._thread.join(5)
        assert not self._thread.is_alive()
