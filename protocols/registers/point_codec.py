"""One point: its words to a raw integer, the raw integer to a value, and both ways back."""

import math
import struct
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from protocols.registers.point import Point, point_limits

_F32: Final = struct.Struct(">f")
_U32: Final = struct.Struct(">I")
_F64: Final = struct.Struct(">d")
_U64: Final = struct.Struct(">Q")
_NAN_PATTERNS: Final[Mapping[str, int]] = {"f32": 0x7FC00000, "f64": 0x7FF8 << 48}
_MAX_POWER: Final = 18
_NOTHING: Final[Mapping[str, "Value"]] = {}


class Value(NamedTuple):
    """A number in the instrument's unit; None where the instrument says that it has no value."""

    number: int | float | None
    unit: str


def assemble(point: Point, registers: Sequence[int]) -> int:
    """The raw integer of a value's words, 16 bits each as they came over the wire.

    Signed for i16, i32 and i64; the bit pattern for floats and BCD; the field alone for a point
    with `bits`. A coil is one word of 0 or 1. Raises ValueError when the number of words is not the
    point's, or one is no 16-bit word.
    """
    if len(registers) != point.words:
        raise ValueError(f"{point.name}: {len(registers)} registers, needs {point.words}")
    raw = 0
    for word in registers:
        if not 0 <= word <= 0xFFFF:
            raise ValueError(f"{point.name}: {word} is no 16-bit register")
    for word in _words_in_order(point, registers):
        raw = raw << 16 | word
    if point.bits:
        low, high = point.bits
        return raw >> low & ((1 << (high - low + 1)) - 1)
    if point.type.startswith("i") and raw >> (16 * point.words - 1):
        return raw - (1 << 16 * point.words)
    if point.type.startswith("text"):
        return raw >> 8 * (2 * point.words - int(point.type[4:]))
    if point.type == "bit" and raw > 1:
        raise ValueError(f"{point.name}: {raw} is no coil")
    return raw


def disassemble(point: Point, raw: int) -> tuple[int, ...]:
    """The registers of a raw integer: the inverse of `assemble`. ValueError outside the type.

    The bits beside a bit field are 0: whoever has several fields of one register ORs them.
    """
    _check_raw(point, raw)
    pattern = raw & ((1 << 16 * point.words) - 1)
    if point.bits:
        pattern = raw << point.bits[0]
    elif point.type.startswith("text"):
        pattern = raw << 8 * (2 * point.words - int(point.type[4:]))
    words = [pattern >> shift & 0xFFFF for shift in range(16 * (point.words - 1), -1, -16)]
    return _words_in_order(point, words)


def decode(point: Point, raw: int | None, others: Mapping[str, Value] = _NOTHING) -> Value:
    """What the raw integer means; a number, or None where there is none to be had.

    None: NaN, infinity, the point's sentinels, a nibble that is no decimal digit, a code that is
    not among the point's values, a text, or one of `others` that it needs and that has no value.
    An int where type and scale are whole, else a float: the exact product, rounded once.
    Raises ValueError for an integer that the type cannot hold.
    """
    number = _plain(point, raw)
    if point.factor_point and number is not None:
        factor = _factor(point.factor, others.get(point.factor_point))
        number = None if factor is None else _times(number, factor * _scale(point.scale))
    elif point.scale != "1" and number is not None:
        number = _times(number, _scale(point.scale))
    if not point.unit_point:
        return Value(number, point.unit)
    told = others.get(point.unit_point, Value(None, "")).number
    unit = next((unit for code, unit in point.units if code == told), None)
    return Value(None, point.unit) if unit is None else Value(number, unit)


def encode(point: Point, number: float | None, factor: Fraction | None = None) -> int:
    """The raw integer nearest to a number in the point's unit, for simulators.

    None becomes the point's first sentinel, or NaN. `factor`: what the point's factor point makes
    of it. ValueError where the type cannot hold it.
    """
    if number is None:
        if point.sentinels:
            return point.sentinels[0]
        if point.type in _NAN_PATTERNS:
            return _NAN_PATTERNS[point.type]
        raise ValueError(f"{point.name}: the instrument has no way to say 'no value'")
    if not math.isfinite(number):
        if point.type not in _NAN_PATTERNS:
            raise ValueError(f"{point.name}: {number} is no integer")
        return _pattern(point, number)
    scale = _scale(point.scale) * (1 if factor is None else factor)
    # not through a fraction where nothing is scaled: it has no -0.0
    exact = number if scale == 1 else Fraction(number) / scale
    if point.type in _NAN_PATTERNS:
        return _pattern(point, exact)
    raw = round(exact)
    if point.type.startswith("bcd"):
        raw = int(str(raw), 16) if 0 <= raw < 10 ** int(point.type[3:]) else -1
    _check_raw(point, raw)
    return raw


def decode_text(point: Point, raw: int) -> str:
    """The characters of a text point, without padding (NUL, FF, blanks); "?" for what is none."""
    data = raw.to_bytes(int(point.type[4:]), "big")
    kept = data.replace(b"\x00", b"").replace(b"\xff", b"").decode("ascii", errors="replace")
    return "".join(c if c.isprintable() and c.isascii() else "?" for c in kept).strip()


def encode_text(point: Point, text: str) -> int:
    """The raw integer of a text, padded with NUL; ValueError where it is too long or not ASCII."""
    length = int(point.type[4:])
    if len(text) > length or not text.isascii():
        raise ValueError(f"{point.name}: must be at most {length} ASCII characters")
    return int.from_bytes(text.encode("ascii").ljust(length, b"\x00"), "big")


def meaning(point: Point, raw: int) -> str:
    """What a code, flags or text say in words; empty where the point has none."""
    if point.type.startswith("text"):
        return decode_text(point, raw)
    if point.values:
        return dict(point.values).get(raw, "?")
    return ", ".join(text for bit, text in point.flags if raw >> bit & 1)


def exact_value(point: Point, raw: int | None) -> Fraction | None:
    """The exact number of a raw integer, before any factor; None where there is no value."""
    number = _plain(point, raw)
    return None if number is None else Fraction(number) * _scale(point.scale)


def factor_value(rule: str, told: int | float | None) -> Fraction | None:
    """What another point's number does (see FACTORS); None where it is no possible factor."""
    if told is None or (rule == "scale" and told == 0):
        return None
    if rule == "scale":
        return Fraction(told)
    if told != int(told) or abs(told) > _MAX_POWER:
        return None
    power = int(told) if rule == "exponent" else -int(told)
    return Fraction(10) ** power


def decode_points(points: Sequence[Point], raws: Sequence[int | None]) -> dict[str, Value]:
    """The values of points by name, those that scale or name the unit of others included."""
    values: dict[str, Value] = {}
    waiting: list[tuple[Point, int | None]] = []
    for point, raw in zip(points, raws, strict=True):
        if point.factor_point or point.unit_point:
            waiting.append((point, raw))
            values[point.name] = Value(None, point.unit)  # keeps its place
        else:
            values[point.name] = decode(point, raw)
    for point, raw in waiting:
        values[point.name] = decode(point, raw, values)
    return values


def _plain(point: Point, raw: int | None) -> int | float | None:
    """The number before scale and factor."""
    if raw is None:
        return None
    _check_raw(point, raw)
    if raw in point.sentinels:
        return None
    if point.type == "f32":
        number = _F32.unpack(_U32.pack(raw))[0]
        return number if math.isfinite(number) else None
    if point.type == "f64":
        number = _F64.unpack(_U64.pack(raw))[0]
        return number if math.isfinite(number) else None
    if point.type.startswith("bcd"):
        digits = f"{raw:x}"
        return int(digits) if digits.isdecimal() else None
    if point.type.startswith("text"):
        return None
    if point.values and not any(code == raw for code, _ in point.values):
        return None
    return raw


def _factor(rule: str, told: Value | None) -> Fraction | None:
    return None if told is None else factor_value(rule, told.number)


def _words_in_order(point: Point, words: Sequence[int]) -> tuple[int, ...]:
    """Swap words and bytes as the point's order says; its own inverse."""
    if point.order in ("BADC", "DCBA"):
        words = [word >> 8 | (word & 0xFF) << 8 for word in words]
    if point.order in ("CDAB", "DCBA"):
        words = words[::-1]
    return tuple(words)


def _check_raw(point: Point, raw: int) -> None:
    low, high = point_limits(point)
    if not low <= raw <= high:
        raise ValueError(f"{point.name}: raw {raw} is outside {low}..{high} of {point.type}")


def _pattern(point: Point, number: float | Fraction) -> int:
    try:
        if point.type == "f32":
            return int(_U32.unpack(_F32.pack(number))[0])
        return int(_U64.unpack(_F64.pack(number))[0])
    except OverflowError as error:
        raise ValueError(f"{point.name}: {number} is too large for {point.type}") from error


@lru_cache(maxsize=256)
def _scale(scale: str) -> Fraction:
    return Fraction(scale)


def _times(number: float, factor: Fraction) -> int | float | None:
    exact = Fraction(number) * factor
    if isinstance(number, int) and exact.denominator == 1:
        return int(exact)
    try:
        return float(exact)
    except OverflowError:
        return None
