"""A point: one quantity of one device, where its bits lie and what they mean.

| type | words | raw integer |
|---|---|---|
| bit | 1 | a coil or discrete input (functions 1 and 2): 0 or 1 |
| u16 i16 u32 i32 u48 u64 i64 | 1 to 4 | the number |
| f32 f64 | 2, 4 | the bit pattern, so that not a bit of it is lost |
| bcd4 bcd8 bcd12 bcd16 | 1 to 4 | the packed pattern, four digits a register |
| text1 .. text32 | half its characters | the bytes, the first character highest |
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal, get_args

Order = Literal["ABCD", "CDAB", "DCBA", "BADC"]
"""How the bytes of a value lie in its registers: ABCD is big-endian as Modbus writes one register;
CDAB has the words in reverse, BADC the bytes of each word, DCBA both. For four words ABCD is
ABCDEFGH, CDAB GHEFCDAB, BADC BADCFEHG and DCBA HGFEDCBA."""

ORDERS: Final[tuple[Order, ...]] = get_args(Order)
MAX_TEXT_CHARS: Final = 32
TYPE_WORDS: Final[Mapping[str, int]] = MappingProxyType(
    {"bit": 1, "u16": 1, "i16": 1, "u32": 2, "i32": 2, "f32": 2, "u48": 3}
    | {"u64": 4, "i64": 4, "f64": 4, "bcd4": 1, "bcd8": 2, "bcd12": 3, "bcd16": 4}
    | {f"text{chars}": (chars + 1) // 2 for chars in range(1, MAX_TEXT_CHARS + 1)}
)
FLOATS: Final = ("f32", "f64")
KINDS: Final = ("counter", "gauge", "status", "clock", "setting")
BIT_FUNCTIONS: Final = (1, 2)
WORD_FUNCTIONS: Final = (3, 4)
FACTORS: Final = ("scale", "decimals", "exponent")
"""What another point's value v does to this one's: times v; divided by 10^v; times 10^v."""

MAX_SENTINELS: Final = 8
MAX_TABLE: Final = 64
MAX_TABLE_TEXT: Final = 60
MAX_ADDRESS: Final = 0xFFFF
MAX_BANK: Final = 15
MAX_SCAN_WORDS: Final = 4
"""A scan's raw integers have 64 bits; a longer text is read when somebody asks, not polled."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_SCALE: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?")
_UNIT: Final = re.compile(r"[^\x00-\x20\x7f]{0,16}")
_TEXT: Final = re.compile(r"[^\x00-\x1f\x7f]+")

Table = tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One quantity of one device. `address` is the 0-based address on the wire.

    value = raw x scale, exactly; `scale` is a decimal string. `sentinels` are raw values that mean
    "no value". `unit` is the instrument's own ("" = none). `bank` is added to the device's unit id.
    `register_bytes` is 4 where one register number carries four bytes (Enron). `bits` (lowest,
    highest) cuts a field out of an unsigned value. `values` lists all codes that are valid, with
    their meaning; `flags` names single bits. `factor` and `factor_point`: see FACTORS. `unit_point`
    tells the unit by the table `units`.
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
    bank: int = 0
    register_bytes: int = 2
    bits: tuple[int, ...] = ()
    values: Table = ()
    flags: Table = ()
    factor: str = ""
    factor_point: str = ""
    unit_point: str = ""
    units: Table = ()

    @property
    def words(self) -> int:
        """16-bit words that the value takes in an answer; a bit is one word of 0 or 1."""
        return TYPE_WORDS[self.type]

    @property
    def registers(self) -> int:
        """Addresses that the value takes: what a request counts."""
        return max(1, 2 * self.words // self.register_bytes)

    @property
    def end(self) -> int:
        """The first address after the value."""
        return self.address + self.registers

    @property
    def needs(self) -> tuple[str, ...]:
        """The other points without which this one's raw integer means nothing."""
        return tuple(dict.fromkeys(name for name in (self.factor_point, self.unit_point) if name))

    @property
    def possible_units(self) -> tuple[str, ...]:
        """The units that its value may come in."""
        return tuple(unit for _, unit in self.units) if self.unit_point else (self.unit,)


@lru_cache(maxsize=64)  # asked for every value of every scan
def raw_limits(type_: str) -> tuple[int, int]:
    """The least and the greatest raw integer of a type; floats and BCD count as their pattern."""
    if type_ == "bit":
        return 0, 1
    if type_.startswith("text"):
        return 0, (1 << 8 * int(type_[4:])) - 1
    bits = 16 * TYPE_WORDS[type_]
    if type_.startswith("i"):
        return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1


def point_limits(point: Point) -> tuple[int, int]:
    """The least and the greatest raw integer of a point: of its bit field where it is one."""
    if point.bits:
        return 0, (1 << (point.bits[1] - point.bits[0] + 1)) - 1
    return raw_limits(point.type)


def name_is_valid(name: str) -> bool:
    """Names travel in register maps and are typed by people."""
    return _NAME.fullmatch(name) is not None


def decimal_is_valid(text: str) -> bool:
    """A decimal other than 0, as a scale, weight or resolution is written."""
    return _SCALE.fullmatch(text) is not None and Decimal(text) != 0


def unit_is_valid(unit: str) -> bool:
    """Printable and without blanks."""
    return _UNIT.fullmatch(unit) is not None


def point_faults(point: Point) -> list[str]:
    """What is wrong with one point, each fault with the field's name; empty when nothing is."""
    faults = []
    if not name_is_valid(point.name):
        faults.append(f"name {point.name[:40]!r}: must be [a-z][a-z0-9_]*, at most 32 characters")
    if point.order not in ORDERS:
        faults.append(f"order {point.order[:8]!r}: must be one of {', '.join(ORDERS)}")
    if point.kind not in KINDS:
        faults.append(f"kind {point.kind[:40]!r}: must be one of {', '.join(KINDS)}")
    if not unit_is_valid(point.unit):
        faults.append("unit: must be printable, without blanks, at most 16 characters")
    if not decimal_is_valid(point.scale):
        faults.append(f"scale {point.scale[:40]!r}: must be a decimal other than 0, like 0.01")
    if not 0 <= point.bank <= MAX_BANK:
        faults.append(f"bank {point.bank}: must be 0..{MAX_BANK}, added to the unit id")
    if point.type not in TYPE_WORDS:
        types = ", ".join(name for name in TYPE_WORDS if not name.startswith("text"))
        faults.append(f"type {point.type[:8]!r}: must be one of {types}, text1..text32")
        return faults
    faults.extend(_place_faults(point))
    if not faults:
        faults.extend(_meaning_faults(point))
    return faults


def _place_faults(point: Point) -> list[str]:
    """Function, width, address and bit field."""
    faults = []
    functions = BIT_FUNCTIONS if point.type == "bit" else WORD_FUNCTIONS
    if point.function not in functions:
        what = "1 (coils) or 2 (discrete inputs)" if point.type == "bit" else "3 or 4 (registers)"
        faults.append(f"function {point.function}: must be {what} for {point.type}")
    if point.register_bytes not in (2, 4):
        faults.append(f"register_bytes {point.register_bytes}: must be 2, or 4 (Enron)")
        return faults
    if point.register_bytes == 4 and (point.type == "bit" or point.words % 2):
        faults.append(f"register_bytes 4: a register of four bytes holds no {point.type}")
    if not 0 <= point.address <= MAX_ADDRESS + 1 - point.registers:
        faults.append(f"address {point.address}: the value must lie within 0..{MAX_ADDRESS}")
    if point.bits:
        low, high = (*point.bits, -1)[:2]
        if not (point.type.startswith("u") and 0 <= low <= high < 16 * point.words):
            faults.append("bits: must be [lowest, highest] within an unsigned integer")
        elif len(point.bits) != 2:
            faults.append("bits: must be [lowest, highest]")
    return faults


def _meaning_faults(point: Point) -> list[str]:
    """Sentinels, tables and references of a point that lies where it may."""
    low, high = point_limits(point)
    faults = []
    if len(point.sentinels) > MAX_SENTINELS:
        faults.append(f"sentinels: at most {MAX_SENTINELS}")
    faults.extend(
        f"sentinels {value}: outside {low}..{high} of {point.type}"
        for value in point.sentinels[:MAX_SENTINELS]
        if not low <= value <= high
    )
    whole = point.type[0] in "bui"
    if (point.values or point.flags) and not whole:
        faults.append(f"type {point.type}: only whole numbers have values or flags")
    faults.extend(table_faults("values", point.values, low, high))
    faults.extend(table_faults("flags", point.flags, 0, high.bit_length() - 1))
    if (point.factor in FACTORS) != bool(point.factor_point) or not (
        point.factor in FACTORS or point.factor == ""
    ):
        faults.append(f"factor {point.factor[:40]!r}: must be one of {', '.join(FACTORS)}")
    if bool(point.unit_point) != bool(point.units):
        faults.append("unit_point: needs the table units, and the other way round")
    faults.extend(table_faults("units", point.units, 0, 0xFFFF))
    if not all(unit_is_valid(unit) for _, unit in point.units):
        faults.append("units: each must be printable, without blanks, at most 16 characters")
    faults.extend(
        f"{name[:40]!r}: no name of another point"
        for name in point.needs
        if name == point.name or not name_is_valid(name)
    )
    if point.type.startswith("text") and (point.scale != "1" or point.needs):
        faults.append(f"type {point.type}: a text has no scale and no unit")
    return faults


def table_faults(name: str, table: Table, low: int, high: int) -> list[str]:
    """Codes are unique and within the type, meanings short and printable."""
    if len(table) > MAX_TABLE:
        return [f"{name}: at most {MAX_TABLE} entries"]
    faults = [
        f"{name} {code}: must be within {low}..{high}"
        for code, _ in table
        if not low <= code <= high
    ]
    if len({code for code, _ in table}) != len(table):
        faults.append(f"{name}: a code appears twice")
    if not all(len(text) <= MAX_TABLE_TEXT and _TEXT.fullmatch(text) for _, text in table):
        faults.append(f"{name}: each text must be printable, 1..{MAX_TABLE_TEXT} characters")
    return faults
