"""Plain TCP servers that are not central: a proxy, a portal, silence."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

Handler = Callable[[socket.socket], None]


class Wild:
    """Where it listens, and what it saw."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connections = 0
        self.requests: list[bytes] = []
        self.stop = threading.Event()


@contextlib.contextmanager
def listening(handle: Callable[[Wild, socket.socket], None]) -> Iterator[Wild]:
    """Gives each connection to `handle`, in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    wild = Wild(listener.getsockname()[1])
    held: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            handle(wild, connection)
        connection.close()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                held.append(connection)
                wild.connections += 1
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield wild
    finally:
        wild.stop.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in held:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        thread.join(5.0)


def silent(wild: Wild, connection: socket.socket) -> None:
    """Takes everything and says nothing."""
    connection.settimeout(0.05)
    while not wild.stop.is_set():
        with contextlib.suppress(TimeoutError):
            if not connection.recv(65_536):
                return


def dripping(wild: Wild, connection: socket.socket) -> None:
    """A byte each 0.1 s of something that looks like the begin of a TLS record, without an end."""
    for byte in b"\x16\x03\x03\x40\x00" + bytes(1000):
        connection.sendall(bytes([byte]))
        if wild.stop.wait(0.1):
            return


def portal(wild: Wild, connection: socket.socket) -> None:
    """Answers in plain HTTP, as a captive portal does on any port."""
    wild.requests.append(connection.recv(4096))
    connection.sendall(
        b"HTTP/1.1 302 Found\r\nLocation: http://login/\r\nContent-Length: 0\r\n\r\n"
    )


def read_head(connection: socket.socket) -> bytes:
    """Up to the empty line."""
    data = b""
    while not data.endswith(b"\r\n\r\n") and len(data) < 8192:
        piece = connection.recv(1)
        if not piece:
            break
        data += piece
    return data


def connect_proxy(wild: Wild, connection: socket.socket) -> None:
    """An HTTP proxy that knows CONNECT, whatever host it is asked for: always this machine."""
    head = read_head(connection)
    wild.requests.append(head)
    port = int(head.split(b" ")[1].rpartition(b":")[2])
    with socket.create_connection(("127.0.0.1", port)) as target:
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=_pump, args=(target, connection), daemon=True)
        back.start()
        _pump(connection, target)
        back.join(5.0)


def refusing_proxy(wild: Wild, connection: socket.socket) -> None:
    """Wants a password."""
    wild.requests.append(read_head(connection))
    connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
