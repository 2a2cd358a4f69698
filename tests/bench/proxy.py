"""A TCP proxy that counts what passes it in each direction: bytes, and TLS records."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass

_PIECE_BYTES = 65_536
_RECORD_HEADER_BYTES = 5  # type, version, length: RFC 8446, section 5.1


@dataclass(frozen=True, slots=True)
class Count:
    """What went one way."""

    byte_count: int
    records: int

    def __sub__(self, other: Count) -> Count:
        return Count(self.byte_count - other.byte_count, self.records - other.records)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What went both ways."""

    request: Count
    response: Count

    def __sub__(self, other: Traffic) -> Traffic:
        return Traffic(self.request - other.request, self.response - other.response)


class RecordCounter:
    """Counts TLS records in a byte stream that may arrive in any pieces."""

    def __init__(self) -> None:
        self.byte_count = 0
        self.records = 0
        self._header = b""
        self._left = 0  # of the current record's content

    def feed(self, data: bytes) -> None:
        self.byte_count += len(data)
        at = 0
        while at < len(data):
            if self._left:
                taken = min(self._left, len(data) - at)
                self._left -= taken
                at += taken
                continue
            taken = _RECORD_HEADER_BYTES - len(self._header)
            self._header += data[at : at + taken]
            at += taken
            if len(self._header) == _RECORD_HEADER_BYTES:
                self._left = int.from_bytes(self._header[3:], "big")
                self._header = b""
                self.records += 1


class CountingProxy:
    """Listens on loopback and passes every connection on to one address."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._streams: list[tuple[RecordCounter, RecordCounter]] = []
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def traffic(self) -> Traffic:
        """All that passed so far; a byte is counted before it is passed on."""
        with self._lock:
            sums = [
                Count(
                    sum(stream[way].byte_count for stream in self._streams),
                    sum(stream[way].records for stream in self._streams),
                )
                for way in (0, 1)
            ]
        return Traffic(*sums)

    def close(self) -> None:
        """End all connections and threads."""
        for held in (self._listener, *self._sockets):
            try:
                held.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # its peer was faster
            finally:
                held.close()
        for thread in self._threads:
            thread.join(5.0)

    def _start(self, run: object, *args: object) -> None:
        thread = threading.Thread(target=run, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            server = socket.create_connection(self._target)
            counters = (RecordCounter(), RecordCounter())
            with self._lock:
                self._streams.append(counters)
                self._sockets += [client, server]
            self._start(self._pump, client, server, counters[0])
            self._start(self._pump, server, client, counters[1])

    def _pump(self, source: socket.socket, target: socket.socket, counter: RecordCounter) -> None:
        try:
            while data := source.recv(_PIECE_BYTES):
                with self._lock:
                    counter.feed(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return  # the other side is gone; what passed is counted
