"""Interfaces, addresses and the default route, as the kernel tells them; no program is called.

`/proc/net/route` and `/proc/net/ipv6_route` have a line a route, numbers in hexadecimal (proc(5));
`/proc/net/dev` names the interfaces, `/sys/class/net` has a folder for each; an IPv4 address is
asked by SIOCGIFADDR (netdevice(7)).
"""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct
from pathlib import Path
from typing import Final, NamedTuple

MAX_INTERFACES: Final = 64
_MAX_BYTES: Final = 1_000_000
_SIOCGIFADDR: Final = 0x8915
_UP: Final = 0x1  # RTF_UP
_LOOPBACK: Final = "lo"


class Interface(NamedTuple):
    """`carrier`: None where the kernel does not tell (it is down)."""

    name: str
    is_up: bool
    carrier: bool | None
    addresses: tuple[str, ...]


class Network(NamedTuple):
    """`default`: interfaces with a default route, IPv4 first."""

    interfaces: tuple[Interface, ...]
    default: tuple[str, ...]

    @property
    def outward(self) -> tuple[Interface, ...]:
        """Those that lead anywhere but to ourselves."""
        return tuple(one for one in self.interfaces if one.name != _LOOPBACK)

    @property
    def usable(self) -> tuple[Interface, ...]:
        return tuple(one for one in self.outward if one.addresses)


def read_network(root: Path = Path("/")) -> Network:
    """What this machine has now; `root`: where /proc and /sys are."""
    folder = root / "sys/class/net"
    names = parse_names(_text(root / "proc/net/dev"))
    v6 = parse_if_inet6(_text(root / "proc/net/if_inet6"))
    found = []
    for name in names[:MAX_INTERFACES]:
        state = _text(folder / name / "operstate").strip()
        carrier = {"1": True, "0": False}.get(_text(folder / name / "carrier").strip())
        addresses = (*_ipv4(name), *v6.get(name, ()))
        is_up = state in ("up", "unknown", "")  # "": it is of another network namespace
        found.append(Interface(name, is_up, carrier, addresses))
    route4, route6 = (_text(root / f"proc/net/{name}") for name in ("route", "ipv6_route"))
    routes = dict.fromkeys((*default_v4(route4), *default_v6(route6)))
    return Network(tuple(found), tuple(routes))


def parse_names(text: str) -> list[str]:
    """Interfaces of /proc/net/dev: two lines of heads, then `NAME: counters`."""
    lines = [line.partition(":") for line in text.splitlines()[2:]]
    return sorted(name.strip() for name, colon, _ in lines if colon and name.strip())


def default_v4(text: str) -> tuple[str, ...]:
    """Interfaces of /proc/net/route whose destination and mask are 0, the least metric first."""
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) >= 8 and fields[1] == fields[7] == "00000000":
            with contextlib.suppress(ValueError):
                if int(fields[3], 16) & _UP:
                    found.append((int(fields[6]), fields[0]))
    return tuple(dict.fromkeys(name for _, name in sorted(found)))


def default_v6(text: str) -> tuple[str, ...]:
    """Interfaces of /proc/net/ipv6_route with ::/0; the kernel's own reject route is on lo."""
    found = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 10 and fields[0] == "0" * 32 and fields[1] == "00":
            found.append(fields[9])
    return tuple(dict.fromkeys(name for name in found if name != _LOOPBACK))


def parse_if_inet6(text: str) -> dict[str, tuple[str, ...]]:
    """/proc/net/if_inet6 by interface, without link-local ones: nobody is reached by those."""
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) != 6 or len(fields[0]) != 32 or fields[0].startswith("fe80"):
            continue
        with contextlib.suppress(ValueError):
            address = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(fields[0]))
            found[fields[5]] = (*found.get(fields[5], ()), address)
    return found


def source_of(address: str, port: int) -> str | None:
    """Our own address on the way there; None where no route leads there. Nothing is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect((address, port))
        except OSError:
            return None
        return str(asking.getsockname()[0])


def _ipv4(name: str) -> tuple[str, ...]:
    request = struct.pack("256s", name.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            answer = fcntl.ioctl(asking.fileno(), _SIOCGIFADDR, request)
        except OSError:  # it has none
            return ()
    return (socket.inet_ntoa(answer[20:24]),)


def _text(path: Path) -> str:
    """Empty where there is no such file, or it says nothing: a carrier of what is down."""
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES).decode("ascii", errors="replace")
    except OSError:
        return ""
