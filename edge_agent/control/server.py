"""The control sockets of a running agent: one for reading, one for acting.

Each socket has a thread that accepts, and a short-lived one for each client, of which there are
few. A line and an answer are bounded, and both have a deadline. Who may connect is a matter of the
file's group; who did is logged with what the kernel says of him.

A turn of a socket is one that found a place for a client, or answered one: where all places are
taken by requests that hang, it makes none, and the watchdog sees that.
"""

from __future__ import annotations

import contextlib
import grp
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from edge_agent.clock import mono_ms
from edge_agent.control.protocol import (
    MAX_ANSWER,
    MAX_LINE,
    BadRequest,
    Call,
    ReadRequest,
    Request,
    Routes,
    encode_answer,
    parse_request,
    refusal,
)

MAX_CLIENTS: Final = 6
MAX_OF_ONE: Final = 4
"""Places that one user may hold: whoever is sent to look still gets in."""
MOST_TOLD: Final = 60
"""Accesses a minute to the socket for reading that have a line of their own; more become a count,
or the log's own limit would take the lines of others.
"""
LINE_S: Final = 5.0
ACCEPT_S: Final = 0.5
SHORT_S: Final = 1.0
BUSY_S: Final = 0.2
_CREDENTIALS: Final = struct.Struct("3i")  # struct ucred: pid, uid, gid
NO_ROUTES: Final[Routes] = {}
_log = logging.getLogger(__name__)

Answer = Callable[[Request, str], Mapping[str, object]]


class Peer:
    """Who is at the other end, by the kernel's word."""

    def __init__(self, connection: socket.socket) -> None:
        data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        self.pid, self.uid, self.gid = _CREDENTIALS.unpack(data)

    def __str__(self) -> str:
        return f"uid {self.uid}"


class ControlServer(threading.Thread):
    """Serves one socket until `stop`. Raises OSError where it cannot be made.

    `answer` knows devices; whatever else may be asked is in `routes`.
    """

    def __init__(
        self,
        path: Path,
        group: str,
        answer: Answer,
        stop: threading.Event,
        *,
        acts: bool,
        routes: Routes = NO_ROUTES,
    ) -> None:
        super().__init__(name=f"control-{path.stem}", daemon=True)
        self._path = path
        self._answer = answer
        self._routes = routes
        self._stop_event = stop
        self._acts = acts
        self._clients: dict[socket.socket, int] = {}  # by whom; added to by this thread alone
        self._told = (0, 0)  # in which minute, how many
        self.last_turn_mono_ms = mono_ms()
        self._is_short = False
        self._socket = _listen(path, group)
        self._file = path.stat()

    def run(self) -> None:
        try:
            while not self._stop_event.is_set():
                if len(self._clients) < MAX_OF_ONE:
                    self.last_turn_mono_ms = mono_ms()
                self._look()
        finally:
            with contextlib.suppress(OSError):  # another agent's may be there already
                if os.path.samestat(self._file, self._path.stat()):
                    self._path.unlink()
            self._socket.close()

    def _look(self) -> None:
        """For a client. Where descriptors or threads are short, he waits and the socket lives."""
        try:
            connection, _ = self._socket.accept()
            self._take(connection)
            self._is_short = False
        except TimeoutError:
            return
        except (OSError, RuntimeError) as error:
            if not self._is_short:
                self._is_short = True
                _log.error("%s: no client is taken now, later again: %s", self.name, error)
            self._stop_event.wait(SHORT_S)

    def hang_up(self) -> None:
        """On all clients: whoever waits for one of them goes on."""
        for connection in tuple(self._clients):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _take(self, connection: socket.socket) -> None:
        connection.settimeout(LINE_S)
        peer = Peer(connection)
        who = (self.name, peer.pid, peer.uid, peer.gid)
        _log.info("%s: pid %d, uid %d, gid %d", *who, extra={"is_told_each": self._is_told_each()})
        served = tuple(self._clients.values())
        if len(served) >= MAX_CLIENTS or served.count(peer.uid) >= MAX_OF_ONE:
            busy = refusal(f"{len(served)} others are served now: try again")
            with connection, contextlib.suppress(OSError):
                connection.settimeout(BUSY_S)
                connection.sendall(encode_answer(busy))
                connection.shutdown(socket.SHUT_WR)
                connection.recv(MAX_LINE)  # closed before it was read, the answer would be lost
            return
        self._clients[connection] = peer.uid
        serving = threading.Thread(
            target=self._serve, args=(connection, peer), name=self.name, daemon=True
        )
        try:
            serving.start()
        except RuntimeError:  # no more threads: TasksMax, or no memory
            self._clients.pop(connection, None)
            connection.close()
            raise

    def _is_told_each(self) -> bool:
        minute = mono_ms() // 60_000
        self._told = (minute, self._told[1] + 1 if self._told[0] == minute else 1)
        return self._acts or self._told[1] <= MOST_TOLD

    def _serve(self, connection: socket.socket, peer: Peer) -> None:
        try:
            with connection, contextlib.suppress(OSError):
                while (line := read_line(connection)) is not None:
                    if self._stop_event.is_set():
                        return  # what it would answer is of an agent that has ended
                    data = encode_answer(self._answer_to(line, f"{peer}"))
                    if len(data) > MAX_ANSWER:
                        data = encode_answer(refusal("the answer is too long: ask for less"))
                    connection.sendall(data)
                    self.last_turn_mono_ms = mono_ms()
        finally:
            self._clients.pop(connection, None)

    def _answer_to(self, line: bytes, peer: str) -> Mapping[str, object]:
        try:
            request = parse_request(line)
            if not isinstance(request, Call):
                if isinstance(request, ReadRequest) == self._acts:
                    return self._other_socket()
                return self._answer(request, peer)
            route = self._routes.get(request.do)
            if route is None:
                known = ", ".join(sorted({"read", "write", "clock", *self._routes}))
                return refusal(f"do: {request.do!r} is not known here; there are: {known}")
            if route.acts != self._acts:
                return self._other_socket()
            return route.answer(request, peer)
        except BadRequest as error:
            return refusal(str(error))

    def _other_socket(self) -> Mapping[str, object]:
        return refusal(f"this is not the socket for {'reading' if self._acts else 'acting'}")


def read_line(connection: socket.socket, now_ms: Callable[[], int] = mono_ms) -> bytes | None:
    """One line; None at the end, and for one that is too long or takes too long. Raises OSError.

    The deadline is that of the whole line: byte by byte nobody keeps a place for hours.
    """
    deadline_ms = now_ms() + round(1000 * LINE_S)
    data = b""
    while not data.endswith(b"\n"):
        chunk = connection.recv(MAX_LINE)
        data += chunk
        if not chunk or len(data) > MAX_LINE or now_ms() >= deadline_ms:
            return None
    return data[:-1]


def _listen(path: Path, group: str) -> socket.socket:
    """A socket file of its own, 0660, of that group; one left behind by a kill is replaced."""
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o755)  # who may connect is the sockets' own matter
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        before = os.umask(0o117)
        try:
            made.bind(str(path))
        finally:
            os.umask(before)
        path.chmod(0o660)
        if group:
            os.chown(path, -1, grp.getgrnam(group).gr_gid)
        made.listen(MAX_CLIENTS)
        made.settimeout(ACCEPT_S)
    except BaseException:
        made.close()
        raise
    return made
