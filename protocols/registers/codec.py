"""Registers to raw integers, raw integers to values, and both ways back.

Raw integers are what is signed and sent; values are derived from them by the register map. An f32
travels as its 32-bit pattern, so that not a bit of it is lost. One point is `point_codec.py`'s
business, a composite `counting.py`'s; here they are put together to a scan or a record.
"""

from collections.abc import Sequence

from protocols.registers.counting import count, split
from protocols.registers.point import Point
from protocols.registers.point_codec import (
    Value,
    assemble,
    decode,
    decode_points,
    decode_text,
    disassemble,
    encode,
    encode_text,
    meaning,
)
from protocols.registers.register_map import RegisterMap

__all__ = [
    "Value",
    "assemble",
    "count",
    "decode",
    "decode_points",
    "decode_record",
    "decode_scan",
    "decode_text",
    "disassemble",
    "encode",
    "encode_text",
    "meaning",
    "split",
]


def decode_scan(map_: RegisterMap, raws: Sequence[int | None]) -> dict[str, Value]:
    """All values of a scan by name: its points in the map's order, then its composites' counts.

    ValueError if lengths differ.
    """
    if len(raws) != len(map_.points):
        raise ValueError(f"scan has {len(raws)} values, its map {len(map_.points)} points")
    values = decode_points(map_.points, raws)
    if map_.composites:
        points = {point.name: point for point in map_.points}
        by_name = {point.name: raw for point, raw in zip(map_.points, raws, strict=True)}
        for composite in map_.composites:
            found = count(composite, points, by_name)
            values[composite.name] = Value(found, composite.count_unit)
    return values


def decode_record(fields: Sequence[Point], words: Sequence[int]) -> dict[str, Value]:
    """The values of one archived record; ValueError where it is shorter than its fields."""
    raws = [assemble(field, words[field.address : field.address + field.words]) for field in fields]
    return decode_points(fields, raws)
