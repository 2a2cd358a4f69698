"""A profile: what the registers of one type of instrument mean. Data, never `if vendor ==`.

The types, and the rules that one point must keep. `profile_file.py` reads them from TOML.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Literal, get_args

Order = Literal["ABCD", "CDAB", "DCBA", "BADC"]
"""How the bytes of a value lie in its registers: ABCD is big-endian as Modbus writes one register;
CDAB has the words swapped, BADC the bytes of each word, DCBA both."""

ORDERS: Final[tuple[Order, ...]] = get_args(Order)
TYPE_WORDS: Final[Mapping[str, int]] = MappingProxyType(
    {"u16": 1, "i16": 1, "u32": 2, "i32": 2, "f32": 2, "u64": 4}
)
KINDS: Final = ("counter", "gauge", "status", "clock", "setting")
CONFIDENCES: Final = ("high", "medium", "low")

MAX_POINTS: Final = 256
MAX_SENTINELS: Final = 8
MAX_ADDRESS: Final = 0xFFFF
MAX_READ_REGISTERS: Final = 125
"""Modbus Application Protocol V1.1b3, 6.3 and 6.4: the most registers that one read may ask for."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_SCALE: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?")
_UNIT: Final = re.compile(r"[^\x00-\x20\x7f]{0,16}")


class ProfileError(Exception):
    """A profile, point or order that does not exist; says the remedy."""


class ProfileErrors(ProfileError):  # noqa: N818 - one error that carries many faults
    """All faults of one profile file at once."""

    def __init__(self, name: str, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{name}: {fault}" for fault in self.faults))


@dataclass(frozen=True, slots=True)
class Point:
    """One quantity of one device. `address` is the 0-based address on the wire.

    value = raw x scale, exactly; `scale` is a decimal string. `sentinels` are raw values that mean
    "no value". `unit` is the instrument's own ("" = none).
    """

    name: str
    function: int
    address: int
    type: str
    order: Order = "ABCD"
    unit: str = ""
    scale: str = "1"
    kind: str = "gauge"
    sentinels: tuple[int, ...] = ()

    @property
    def words(self) -> int:
        """Registers that the value takes."""
        return TYPE_WORDS[self.type]

    @property
    def end(self) -> int:
        """The first address after the value."""
        return self.address + self.words


@dataclass(frozen=True, slots=True)
class Source:
    """Where the profile's facts were read."""

    title: str
    url: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """The serial line as the profile's source tells it; else the usual 9600 8N1."""

    baud: int = 9600
    parity: str = "N"
    stop_bits: int = 1


@dataclass(frozen=True, slots=True)
class Profile:
    """The register map of a device type, with where it was read and how far it is to be trusted.

    `max_registers` is the most that one request may ask for, `max_gap` the widest hole in it.
    `order_point` names the register that tells in which order this one device sends its f32 values,
    and `orders` what its values mean. `expected` are the settings that the points' units depend on.
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

    def point(self, name: str) -> Point:
        """Raises ProfileError where the profile has no such point."""
        for point in self.points:
            if point.name == name:
                return point
        known = ", ".join(point.name for point in self.points)
        raise ProfileError(f"profile {self.id} has no point {name!r}; it has: {known}")


def raw_limits(type_: str) -> tuple[int, int]:
    """The least and the greatest raw integer of a type; f32 counts as its 32-bit pattern."""
    bits = 16 * TYPE_WORDS[type_]
    if type_.startswith("i"):
        return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1


def point_faults(point: Point) -> list[str]:
    """What is wrong with one point, each fault with the field's name; empty when nothing is."""
    faults = []
    if not _NAME.fullmatch(point.name):
        faults.append(f"name {point.name[:40]!r}: must be [a-z][a-z0-9_]*, at most 32 characters")
    if point.function not in (3, 4):
        faults.append(f"function {point.function}: must be 3 (holding) or 4 (input registers)")
    if point.order not in ORDERS:
        faults.append(f"order {point.order[:8]!r}: must be one of {', '.join(ORDERS)}")
    if point.kind not in KINDS:
        faults.append(f"kind {point.kind[:40]!r}: must be one of {', '.join(KINDS)}")
    if not _UNIT.fullmatch(point.unit):
        faults.append("unit: must be printable, without blanks, at most 16 characters")
    if not _SCALE.fullmatch(point.scale) or Decimal(point.scale) == 0:
        faults.append(f"scale {point.scale[:40]!r}: must be a decimal other than 0, like 0.01")
    if point.type not in TYPE_WORDS:
        faults.append(f"type {point.type[:8]!r}: must be one of {', '.join(TYPE_WORDS)}")
        return faults
    if not 0 <= point.address <= MAX_ADDRESS + 1 - point.words:
        faults.append(f"address {point.address}: the value must lie within 0..{MAX_ADDRESS}")
    low, high = raw_limits(point.type)
    if len(point.sentinels) > MAX_SENTINELS:
        faults.append(f"sentinels: at most {MAX_SENTINELS}")
    faults.extend(
        f"sentinel {value}: outside {low}..{high} of {point.type}"
        for value in point.sentinels[:MAX_SENTINELS]
        if not low <= value <= high
    )
    return faults


def id_is_valid(profile_id: str) -> bool:
    """Ids are file names and travel in register maps: lower case, digits and hyphens."""
    return _ID.fullmatch(profile_id) is not None
