"""A Modbus TCP peer with several units behind it, on loopback."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Final

from protocols.modbus.frames import MBAP, FrameError, split_tcp, tcp_frame, tcp_length

if TYPE_CHECKING:
    from simulators.respond import Respond

MAX_CONNECTIONS: Final = 8
_IDLE_S: Final = 0.2  # how often a thread looks whether it shall stop
_SEND_S: Final = 2.0


class TcpBus(threading.Thread):
    """Accepts up to `MAX_CONNECTIONS` clients; a stream that is out of step is closed."""

    def __init__(self, host: str, port: int, respond: Respond, stop: threading.Event) -> None:
        super().__init__(name="modbus tcp", daemon=True)
        self._respond = respond
        self._stopping = stop
        self._places = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._listener = socket.create_server((host, port))
        self._listener.settimeout(_IDLE_S)
        self.port: int = self._listener.getsockname()[1]

    def run(self) -> None:
        """Serve until told to stop."""
        with self._listener:
            while not self._stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    connection, _ = self._listener.accept()
                    self._admit(connection)

    def _admit(self, connection: socket.socket) -> None:
        if not self._places.acquire(blocking=False):
            connection.close()
            return
        name = f"{self.name} client"
        threading.Thread(target=self._serve, args=(connection,), name=name, daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            # A client may vanish at any byte: that ends its connection and nothing else.
            with connection, contextlib.suppress(FrameError, OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while frame := self._frame(connection):
                    self._answer(connection, frame)
        finally:
            self._places.release()

    def _answer(self, connection: socket.socket, frame: bytes) -> None:
        transaction, unit, pdu = split_tcp(frame)
        answer = self._respond(unit, pdu)
        if answer is not None:
            connection.settimeout(_SEND_S)
            connection.sendall(tcp_frame(transaction, unit, answer))

    def _frame(self, connection: socket.socket) -> bytes:
        """Exactly one frame; empty at the end of the stream or when told to stop."""
        header = self._exactly(connection, MBAP)
        if len(header) < MBAP:
            return b""
        rest = tcp_length(header) - MBAP
        body = self._exactly(connection, rest)
        return header + body if len(body) == rest else b""

    def _exactly(self, connection: socket.socket, count: int) -> bytes:
        data = b""
        connection.settimeout(_IDLE_S)
        while len(data) < count and not self._stopping.is_set():
            try:
                more = connection.recv(count - len(data))
            except TimeoutError:
                continue
            if not more:
                break
            data += more
        return data
