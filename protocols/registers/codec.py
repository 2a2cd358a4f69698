"""Registers to raw integers, raw integers to values, and both ways back.

Raw integers are what is signed and sent; values are derived from them by the register map. An f32
travels as its 32-bit pattern, so that not a bit of it is lost.
"""

import math
import struct
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from protocols.registers.profile import Point, raw_limits
from protocols.registers.register_map import RegisterMap

_NAN_PATTERN: Final = 0x7FC00000
_F32: Final = struct.Struct(">f")
_U32: Final = struct.Struct(">I")


class Value(NamedTuple):
    """A number in the instrument's unit; None where the instrument says that it has no value."""

    number: int | float | None
    unit: str


def assemble(point: Point, registers: Sequence[int]) -> int:
    """The raw integer of a value's registers, 16-bit words as they came over the wire.

    Signed for i16 and i32; the unsigned 32-bit pattern for f32. Raises ValueError when the number
    of registers is not the point's, or one is no 16-bit word.
    """
    if len(registers) != point.words:
        raise ValueError(f"{point.name}: {len(registers)} registers, needs {point.words}")
    raw = 0
    for word in registers:
        if not 0 <= word <= 0xFFFF:
            raise ValueError(f"{point.name}: {word} is no 16-bit register")
    for word in _words_in_order(point, registers):
        raw = raw << 16 | word
    if point.type.startswith("i") and raw >> (16 * point.words - 1):
        raw -= 1 << 16 * point.words
    return raw


def disassemble(point: Point, raw: int) -> tuple[int, ...]:
    """The registers of a raw integer: the inverse of `assemble`. ValueError outside the type."""
    _check_raw(point, raw)
    pattern = raw & ((1 << 16 * point.words) - 1)
    words = [pattern >> shift & 0xFFFF for shift in range(16 * (point.words - 1), -1, -16)]
    return _words_in_order(point, words)


def decode(point: Point, raw: int | None) -> Value:
    """What the raw integer means; NaN, infinity and the point's sentinels mean "no value".

    An int where type and scale are whole, else a float: the exact product, rounded once.
    Raises ValueError for an integer that the type cannot hold.
    """
    if raw is None:
        return Value(None, point.unit)
    _check_raw(point, raw)
    if raw in point.sentinels:
        return Value(None, point.unit)
    if point.type == "f32":
        number = _F32.unpack(_U32.pack(raw))[0]
        if isinstance(number, float) and not math.isfinite(number):
            return Value(None, point.unit)
        return Value(number if point.scale == "1" else _scaled(number, point.scale), point.unit)
    return Value(raw if point.scale == "1" else _scaled(raw, point.scale), point.unit)


def encode(point: Point, number: float | None) -> int:
    """The raw integer nearest to a number in the point's unit, for simulators.

    None becomes the point's first sentinel, or NaN. ValueError where the type cannot hold it.
    """
    if number is None:
        if point.sentinels:
            return point.sentinels[0]
        if point.type == "f32":
            return _NAN_PATTERN
        raise ValueError(f"{point.name}: the instrument has no way to say 'no value'")
    if not math.isfinite(number):
        if point.type != "f32":
            raise ValueError(f"{point.name}: {number} is no integer")
        return int(_U32.unpack(_F32.pack(number))[0])
    # not through a fraction where nothing is scaled: it has no -0.0
    exact = number if point.scale == "1" else Fraction(number) / _scale(point.scale)
    if point.type != "f32":
        raw = round(exact)
        _check_raw(point, raw)
        return raw
    try:
        return int(_U32.unpack(_F32.pack(exact))[0])
    except OverflowError as error:
        raise ValueError(f"{point.name}: {number} is too large for a float32") from error


def decode_scan(map_: RegisterMap, raws: Sequence[int | None]) -> dict[str, Value]:
    """All values of a scan by point name, in the map's order. ValueError if lengths differ."""
    if len(raws) != len(map_.points):
        raise ValueError(f"scan has {len(raws)} values, its map {len(map_.points)} points")
    return {point.name: decode(point, raw) for point, raw in zip(map_.points, raws, strict=True)}


def _words_in_order(point: Point, words: Sequence[int]) -> tuple[int, ...]:
    """Swap words and bytes as the point's order says; its own inverse."""
    if point.order in ("BADC", "DCBA"):
        words = [word >> 8 | (word & 0xFF) << 8 for word in words]
    if point.order in ("CDAB", "DCBA"):
        words = words[::-1]
    return tuple(words)


def _check_raw(point: Point, raw: int) -> None:
    low, high = raw_limits(point.type)
    if not low <= raw <= high:
        raise ValueError(f"{point.name}: raw {raw} is outside {low}..{high} of {point.type}")


@lru_cache(maxsize=256)
def _scale(scale: str) -> Fraction:
    return Fraction(scale)


def _scaled(number: float, scale: str) -> int | float:
    factor = _scale(scale)
    exact = Fraction(number) * factor
    if isinstance(number, int) and factor.denominator == 1:
        return int(exact)
    return float(exact)
