"""A TCP peer with several units behind it, on loopback: Modbus TCP, or serial frames as they are.

A serial server passes RTU or ASCII frames on without a header. An RTU frame then ends by a pause,
an ASCII frame by its line's end, and a damaged one is no reason to hang up.
"""

from __future__ import annotations

import contextlib
import heapq
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from protocols.modbus.frames import MBAP, FrameError, tcp_length
from simulators.framing import TCP, Exchange, Framing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulators.framing import Burst

MAX_CONNECTIONS: Final = 8
PAUSE_S: Final = 0.02  # ends an RTU frame behind a serial server
_IDLE_S: Final = 0.2  # how often a thread looks whether it shall stop
_SEND_S: Final = 2.0


class TcpKind(NamedTuple):
    """What is spoken; `away` says whether the peer has vanished now."""

    framing: Framing = TCP
    away: Callable[[], bool] = lambda: False


class TcpBus(threading.Thread):
    """Accepts up to `MAX_CONNECTIONS` clients; a stream that is out of step is closed."""

    def __init__(
        self,
        host: str,
        port: int,
        exchange: Exchange,
        stop: threading.Event,
        kind: TcpKind = TcpKind(),  # noqa: B008 - immutable
    ) -> None:
        super().__init__(name=f"modbus {kind.framing.name} over tcp", daemon=True)
        self._exchange = exchange
        self._stopping = stop
        self._kind = kind
        self._places = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._listener = socket.create_server((host, port))
        self._listener.settimeout(_IDLE_S)
        self._address: tuple[str, int] = self._listener.getsockname()[:2]
        self.port = self._address[1]

    def run(self) -> None:
        """Serve until told to stop."""
        while not self._stopping.is_set():
            if self._kind.away():
                self._go_away()
            with contextlib.suppress(TimeoutError):
                connection, _ = self._listener.accept()
                self._admit(connection)
        self._listener.close()

    def _go_away(self) -> None:
        self._listener.close()
        while self._kind.away() and not self._stopping.wait(_IDLE_S / 10):
            pass
        self._listener = socket.create_server(self._address)
        self._listener.settimeout(_IDLE_S)

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
                client = _Client(connection, self._kind.framing, self._is_over)
                while (frame := client.frame()) and not self._is_over():
                    client.answer(self._bursts(frame))
        finally:
            self._places.release()

    def _is_over(self) -> bool:
        return self._stopping.is_set() or self._kind.away()

    def _bursts(self, frame: bytes) -> Sequence[Burst]:
        if self._kind.framing is TCP:
            return self._exchange(frame)
        with contextlib.suppress(FrameError):  # a serial server knows nothing of frames
            return self._exchange(frame)
        return ()


class _Client:
    """One connection: its stream cut into frames, and the answers that still have to go."""

    def __init__(
        self, connection: socket.socket, framing: Framing, is_over: Callable[[], bool]
    ) -> None:
        self._connection = connection
        self._framing = framing
        self._is_over = is_over
        self._heard = b""
        self._waiting: list[tuple[float, bytes]] = []

    def frame(self) -> bytes:
        """Exactly one frame; empty at the end of the stream, or when it is over."""
        if self._framing is TCP:
            return self._take(MBAP, lambda: tcp_length(self._heard))
        if self._framing.end:
            return self._take_line()
        while not self._heard:
            if not self._more(_IDLE_S) and self._is_over():
                return b""
        while len(self._heard) <= self._framing.longest and self._more(PAUSE_S):
            pass
        frame, self._heard = self._heard, b""
        return frame

    def answer(self, bursts: Sequence[Burst]) -> None:
        """Send now what is due now."""
        for burst in bursts:
            heapq.heappush(self._waiting, (time.monotonic() + burst.after_ms / 1000.0, burst.data))
        self._send_what_is_due()

    def _take(self, header: int, length: Callable[[], int]) -> bytes:
        if not self._fill(lambda: len(self._heard) >= header):
            return b""
        size = length()
        if not self._fill(lambda: len(self._heard) >= size):
            return b""
        frame, self._heard = self._heard[:size], self._heard[size:]
        return frame

    def _take_line(self) -> bytes:
        end, longest = self._framing.end, self._framing.longest
        if not self._fill(lambda: end in self._heard or len(self._heard) > longest):
            return b""
        line, found, rest = self._heard.partition(end)
        self._heard = rest
        return line + found

    def _fill(self, is_enough: Callable[[], bool]) -> bool:
        while not is_enough():
            if not self._more(_IDLE_S) and self._is_over():
                return False
        return True

    def _more(self, timeout_s: float) -> bool:
        """Whether bytes came in time. Raises OSError at the end of the stream."""
        due_s = self._waiting[0][0] - time.monotonic() if self._waiting else timeout_s
        self._connection.settimeout(min(timeout_s, max(0.001, due_s)))
        try:
            more = self._connection.recv(4096)
        except TimeoutError:
            more = None
        self._send_what_is_due()
        if more == b"":
            raise ConnectionResetError("the client has closed the stream")
        self._heard += more or b""
        return bool(more)

    def _send_what_is_due(self) -> None:
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            self._connection.settimeout(_SEND_S)
            self._connection.sendall(heapq.heappop(self._waiting)[1])
