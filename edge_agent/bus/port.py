"""Opens what a bus talks over: a serial port by its stable name, or a TCP connection.

Both are file descriptors that never block: whoever reads or writes brings the deadline along.
"""

from __future__ import annotations

import contextlib
import ctypes
import glob
import os
import select
import socket
import termios
import threading
import time
from typing import Final, NamedTuple

import serial

from edge_agent.config.model import BusConfig

MAX_CHUNK: Final = 1024
MAX_DRAIN_BYTES: Final = 65_536
CONNECT_S: Final = 2.0
DNS_S: Final = 2.0
_PR_SET_TIMERSLACK: Final = 29
_PATTERN: Final = frozenset("*?[")


def keep_time() -> None:
    """Let this thread's waits end within microseconds, also on a loaded machine.

    A line's silence is waited for at each request. Timers 50 us late are sharpened (prctl(2)), and
    the lowest real-time priority is taken where it is allowed (`LimitRTPRIO=1` in the unit): a bus
    thread sleeps nearly always, and what it does between is short. Without it the gaps are longer
    while others compute, and nothing else changes.
    """
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, ctypes.c_ulong(1), 0, 0, 0)
    with contextlib.suppress(PermissionError):
        policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(1))


class PortGone(NamedTuple):
    """The port or connection cannot be used; `reason` says why and the remedy."""

    reason: str


class Closed(Exception):  # noqa: N818 - the peer's state, caught by the link
    """The other end is gone."""


def read_some(fd: int, deadline_s: float) -> bytes:
    """Bytes as soon as there are any; empty at the deadline. Raises Closed at the end of file."""
    ready, _, _ = select.select([fd], [], [], max(0.0, deadline_s - time.monotonic()))
    return read_now(fd) if ready else b""


def read_now(fd: int) -> bytes:
    """What lies in the input, up to a chunk; empty where nothing does. Raises Closed."""
    try:
        chunk = os.read(fd, MAX_CHUNK)
    except BlockingIOError:
        return b""
    except OSError as error:
        raise Closed(error.strerror) from error
    if not chunk:
        raise Closed("closed by the other end")
    return chunk


class SerialPort:
    """Opened exclusively; the name may be a link of udev or a pattern that fits one port."""

    def __init__(self, bus: BusConfig, path: str) -> None:
        self._serial = serial.Serial(
            path,
            bus.baud,
            bytesize=bus.data_bits,
            parity=bus.parity,
            stopbits=bus.stop_bits,
            timeout=0,
            exclusive=True,
        )
        self.fd: int = self._serial.fileno()
        _tell_silence_from_the_end(self.fd)
        self._device = os.fstat(self.fd).st_rdev
        self._settings = termios.tcgetattr(self.fd)

    def send(self, data: bytes) -> None:
        """Raises OSError where the port takes it no longer."""
        if os.write(self.fd, data) != len(data):
            raise OSError("the port takes no more")

    def is_still(self, name: str) -> bool:
        """Whether the name leads to this port yet: an adapter may have come back as another."""
        path = find_port(name)
        if isinstance(path, PortGone):
            return False
        try:
            return os.stat(path).st_rdev == self._device
        except OSError:
            return False

    def is_as_set(self) -> bool:
        """Whether rate and mode are ours yet: any program that opens the port can change them."""
        try:
            return termios.tcgetattr(self.fd) == self._settings
        except termios.error:
            return False

    def close(self) -> None:
        """What was not sent is dropped: the kernel would wait half a minute for a dead adapter."""
        with contextlib.suppress(termios.error, OSError):
            termios.tcflush(self.fd, termios.TCOFLUSH)
        self._serial.close()

    def wake(self) -> None:
        """Nothing waits for ever on a serial port: each wait has its deadline."""


def _tell_silence_from_the_end(fd: int) -> None:
    """pyserial reads with VMIN 0, where a port that is silent and one that is gone both give no
    bytes; with VMIN 1 only the latter does (termios(3))."""
    attributes = termios.tcgetattr(fd)
    attributes[6][termios.VMIN] = 1
    termios.tcsetattr(fd, termios.TCSANOW, attributes)


class TcpPort:
    """One connection to a Modbus TCP server or a serial server."""

    def __init__(self, address: tuple[str, int]) -> None:
        """Raises OSError where there is none to be had."""
        self._socket = socket.create_connection(address, CONNECT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self.fd: int = self._socket.fileno()

    def send(self, data: bytes) -> None:
        """Raises OSError where the connection is gone or takes nothing."""
        if self._socket.send(data) != len(data):
            raise OSError("the connection takes no more")

    def close(self) -> None:
        self._socket.close()

    def wake(self) -> None:
        """From another thread: end the wait of the bus thread."""
        with contextlib.suppress(OSError):  # closed meanwhile by its own thread
            self._socket.shutdown(socket.SHUT_RDWR)


def find_port(name: str) -> str | PortGone:
    """The path of a serial port. A pattern must fit exactly one.

    The links of udev keep their names when the kernel counts anew: `by-path` says which socket,
    `by-id` (`/dev/serial/by-id/*A10KXYZ*`) which adapter, by its serial number.
    """
    if not _PATTERN.intersection(name):
        return name
    found = sorted(glob.glob(name))
    if len(found) == 1:
        return found[0]
    if not found:
        return PortGone(f"no port fits {name}: plug the adapter in, or correct port")
    return PortGone(f"{len(found)} ports fit {name}, as {found[0]} and {found[1]}: narrow port")


def open_serial(bus: BusConfig) -> SerialPort | PortGone:
    """The port of a bus, or why not."""
    path = find_port(bus.port)
    if isinstance(path, PortGone):
        return path
    if not os.path.exists(path):
        return PortGone(f"port {path} does not exist: plug the adapter in, or correct port")
    if not os.access(path, os.R_OK | os.W_OK):
        return PortGone(f"port {path} may not be opened: give the agent's user the group dialout")
    try:
        return SerialPort(bus, path)
    except (serial.SerialException, OSError, termios.error, ValueError):
        return PortGone(
            f"port {path} cannot be opened: another program holds it, or it is no serial port"
        )


def open_tcp(bus: BusConfig, names: Names) -> TcpPort | PortGone:
    """A new connection, or why not; takes at most the deadlines of name server and connection."""
    address = names.look_up(bus.host)
    if address is None:
        return PortGone(
            f"no address for {bus.host} within {DNS_S:g} s:"
            " check host and the name server, or write the IP address"
        )
    try:
        return TcpPort((address, bus.tcp_port))
    except OSError:
        return PortGone(
            f"{bus.host}:{bus.tcp_port} does not accept a connection:"
            " check address, cable and that the device serves its protocol there"
        )


class Names:
    """Names to addresses within a deadline; the last good address serves while DNS is silent.

    The system's resolver knows no deadline of ours, so it is asked on a thread of its own, one at
    a time; an answer that comes too late serves the next call.
    """

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._asking: threading.Thread | None = None

    def look_up(self, host: str) -> str | None:
        if _is_address(host):
            return host
        if self._asking is None or not self._asking.is_alive():
            self._asking = threading.Thread(target=self._ask, args=(host,), daemon=True)
            self._asking.start()
        self._asking.join(DNS_S)
        return self._known.get(host)

    def _ask(self, host: str) -> None:
        with contextlib.suppress(OSError, UnicodeError):
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            self._known[host] = str(found[0][4][0])


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            socket.inet_pton(family, host)
            return True
    return False
