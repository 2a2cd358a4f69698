"""The subset of deterministic CBOR (RFC 8949, 4.2.1) that evidence is made of.

Arrays, integers within 64 bits, text, byte strings and null; no map, float, tag, bool or simple
value. Decoding is: decode, walk the types, encode again, compare; so one value has one encoding.
"""

from typing import TypeAlias

import cbor2

from protocols.evidence.errors import Malformed

Item: TypeAlias = "int | str | bytes | tuple[Item, ...] | None"
Body: TypeAlias = tuple[Item, ...]

MIN_INT = -(1 << 63)
MAX_INT = (1 << 64) - 1
MAX_DEPTH = 8


def encode(value: Item) -> bytes:
    """Return the one encoding of ``value``; the caller has checked it with ``check_item``."""
    data: bytes = cbor2.dumps(value)
    return data


def decode(data: bytes, what: str, max_bytes: int, max_items: int) -> Item:
    """Decode exactly one value of the subset; raise Malformed that names ``what`` otherwise."""
    if len(data) > max_bytes:
        raise Malformed(f"{what}: {len(data)} bytes, at most {max_bytes} are read")
    try:
        value: Item = cbor2.loads(data, max_depth=MAX_DEPTH, allow_indefinite=False, immutable=True)
    except (cbor2.CBORDecodeError, ValueError, OverflowError, MemoryError) as error:
        raise Malformed(f"{what}: not CBOR: {error}") from None
    check_item(value, what, max_items)
    if encode(value) != data:
        raise Malformed(f"{what}: not the deterministic encoding")
    return value


def check_item(value: object, what: str, max_items: int) -> None:
    """Raise Malformed unless ``value`` lies in the subset and holds at most ``max_items`` items."""
    stack: list[tuple[object, int]] = [(value, 1)]
    seen = 0
    while stack:
        item, depth = stack.pop()
        seen += 1
        if seen > max_items:
            raise Malformed(f"{what}: more than {max_items} items")
        if type(item) is int:
            if not MIN_INT <= item <= MAX_INT:
                raise Malformed(f"{what}: integer outside 64 bits")
        elif type(item) is tuple:
            if depth > MAX_DEPTH - 1:
                raise Malformed(f"{what}: nested deeper than {MAX_DEPTH - 1}")
            if len(item) > max_items:
                raise Malformed(f"{what}: more than {max_items} items")
            stack.extend((child, depth + 1) for child in item)
        elif item is not None and type(item) is not str and type(item) is not bytes:
            raise Malformed(f"{what}: {type(item).__name__} is not allowed")
