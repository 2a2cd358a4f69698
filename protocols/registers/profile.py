"""A profile: what the registers of one type of instrument mean. Data, never `if vendor ==`.

The instrument as a whole; `point.py`, `composite.py`, `clock.py`, `archive.py` and `command.py`
hold its parts, `profile_file.py` reads it from TOML.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from protocols.registers.archive import Archive
from protocols.registers.clock import Clock
from protocols.registers.command import Command, Write
from protocols.registers.composite import Composite
from protocols.registers.point import (
    KINDS,
    MAX_ADDRESS,
    MAX_SENTINELS,
    ORDERS,
    TYPE_WORDS,
    Order,
    Point,
    point_faults,
    raw_limits,
)

__all__ = [
    "CONFIDENCES",
    "KINDS",
    "MAX_ADDRESS",
    "MAX_DATA_BYTES",
    "MAX_POINTS",
    "MAX_READ_BITS",
    "MAX_READ_REGISTERS",
    "MAX_SENTINELS",
    "ORDERS",
    "TYPE_WORDS",
    "BaseProbe",
    "Limits",
    "Link",
    "Order",
    "Outcome",
    "Point",
    "Profile",
    "ProfileError",
    "ProfileErrors",
    "Range",
    "Source",
    "id_is_valid",
    "point_faults",
    "raw_limits",
]

CONFIDENCES: Final = ("high", "medium", "low")
DIALECTS: Final = ("modbus", "enron")
MODES: Final = ("rtu", "ascii", "tcp")
MAX_POINTS: Final = 512
MAX_READ_REGISTERS: Final = 125
"""Modbus Application Protocol V1.1b3, 6.3 and 6.4: the most registers that one read may ask for."""
MAX_READ_BITS: Final = 2000
"""The same, 6.1 and 6.2: coils and discrete inputs."""
MAX_DATA_BYTES: Final = 250

_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


class ProfileError(Exception):
    """A profile, point or order that does not exist; says the remedy."""


class ProfileErrors(ProfileError):  # noqa: N818 - one error that carries many faults
    """All faults of one profile file at once; `lines` tells where each of them is (0: nowhere)."""

    def __init__(self, name: str, faults: Iterable[str], lines: Iterable[int] = ()) -> None:
        self.faults = tuple(faults)
        self.lines = tuple(lines) or (0,) * len(self.faults)
        self.messages = tuple(
            f"{name}:{line}: {fault}" if line else f"{name}: {fault}"
            for fault, line in zip(self.faults, self.lines, strict=True)
        )
        super().__init__("\n".join(self.messages))


@dataclass(frozen=True, slots=True)
class Source:
    """Where the profile's facts were read."""

    title: str
    url: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """The serial line as the profile's source tells it; else the usual 9600 8N1.

    `modes`: the transports that the source names. `frame_gap_ms`: gaps that are met inside a frame
    (0: the standard's 1.5 characters), so that 3.5 characters of silence do not end it.
    """

    baud: int = 9600
    parity: str = "N"
    stop_bits: int = 1
    modes: tuple[str, ...] = ("rtu",)
    frame_gap_ms: int = 0


class Range(NamedTuple):
    """Register numbers first..last carry so many bytes each (Enron)."""

    first: int
    last: int
    register_bytes: int


class Outcome(NamedTuple):
    """What a base probe found (a value or an exception code), and what it adds to all addresses."""

    value: int | None
    exception: int | None
    shift: int


class BaseProbe(NamedTuple):
    """A read that tells whether a device counts its registers from 0 or from 1."""

    function: int
    address: int
    outcomes: tuple[Outcome, ...]

    def shift(self, value: int | None, exception: int | None) -> int | None:
        """What is added to the profile's addresses; None where the answer tells nothing."""
        for outcome in self.outcomes:
            if (value, exception) == (outcome.value, outcome.exception):
                return outcome.shift
        return None


@dataclass(frozen=True, slots=True)
class Limits:
    """What the device refuses beyond the standard's own limits.

    `max_data_bytes` bounds an answer's data. `even_counts`: only even numbers of registers.
    `single_values`: one value a request. `whole_values`: no request may begin or end inside a
    value, nor read what is none. `last_register`: no request may reach beyond it. `hole_codes`: the
    exceptions that say "there is no such register".
    """

    max_data_bytes: int = MAX_DATA_BYTES
    even_counts: bool = False
    single_values: bool = False
    whole_values: bool = False
    last_register: int = MAX_ADDRESS
    hole_codes: tuple[int, ...] = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Profile:
    """The register map of a device type, with where it was read and how far it is to be trusted.

    `max_registers` is the most that one request may ask for, `max_gap` the widest hole in it.
    `order_point` names the register that tells in which order this one device sends its floats, and
    `orders` what its values mean. `expected` are the settings that the points' units depend on.
    `atomic` are groups of points, disjoint, that one request must read together.
    """

    id: str
    vendor: str
    model: str
    kind: str
    points: tuple[Point, ...]
    default_points: tuple[str, ...]
    max_registers: int = MAX_READ_REGISTERS
    max_gap: int = 0
    order_point: str | None = None
    orders: Mapping[int, Order] = field(default_factory=dict)
    expected: Mapping[str, int] = field(default_factory=dict)
    link: Link = Link()
    confidence: str = "low"
    sources: tuple[Source, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    composites: tuple[Composite, ...] = ()
    atomic: tuple[tuple[str, ...], ...] = ()
    limits: Limits = Limits()
    dialect: str = "modbus"
    ranges: tuple[Range, ...] = ()
    base_probe: BaseProbe | None = None
    writes: Mapping[str, Write] = field(default_factory=dict)
    commands: tuple[Command, ...] = ()
    clock: Clock | None = None
    archives: tuple[Archive, ...] = ()
    min_poll_s: int = 0
    note: str = ""

    def point(self, name: str) -> Point:
        """Raises ProfileError where the profile has no such point."""
        for point in self.points:
            if point.name == name:
                return point
        known = ", ".join(point.name for point in self.points)
        raise ProfileError(f"profile {self.id} has no point {name!r}; it has: {known}")

    def composite(self, name: str) -> Composite | None:
        """The composite of that name, if it is one."""
        return next((one for one in self.composites if one.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        """What may be polled: points, then composites."""
        points = tuple(point.name for point in self.points)
        return points + tuple(one.name for one in self.composites)

    @property
    def banks(self) -> int:
        """How many consecutive unit ids the device answers on."""
        return 1 + max(point.bank for point in self.points)

    def points_of(self, names: Sequence[str]) -> tuple[Point, ...]:
        """The points to read for these points and composites: named ones first, then those needed.

        Raises ProfileError for a name that is neither.
        """
        composites = [self.composite(name) for name in names]
        wanted = [name for name, one in zip(names, composites, strict=True) if one is None]
        wanted += [name for one in composites if one is not None for name in one.needs]
        points = [self.point(name) for name in dict.fromkeys(wanted)]
        points += [self.point(name) for point in points for name in point.needs]
        return tuple(dict.fromkeys(points))


def id_is_valid(profile_id: str) -> bool:
    """Ids are file names and travel in register maps: lower case, digits and hyphens."""
    return _ID.fullmatch(profile_id) is not None
