"""The subset of deterministic CBOR (RFC 8949, 4.2.1) that evidence is made of.

Arrays, integers within 64 bits, text, byte strings and null; no map, float, tag, bool or simple
value. Bytes from outside are read by the few lines below and not by cbor2, whose decoder acts on
tags (dates, patterns, mail messages); cbor2 then encodes the result again, and both must agree.
"""

from typing import TypeAlias

import cbor2

from protocols.evidence.errors import Malformed

Item: TypeAlias = "int | str | bytes | tuple[Item, ...] | None"
Body: TypeAlias = tuple[Item, ...]

MIN_INT = -(1 << 63)
MAX_INT = (1 << 64) - 1
MAX_DEPTH = 8  # arrays inside each other

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY = range(5)
_NULL = 0xF6


def encode(value: Item) -> bytes:
    """Return the one encoding of ``value``, which must lie in the subset (``check_item``)."""
    data: bytes = cbor2.dumps(value)
    return data


def decode(data: bytes, what: str, max_bytes: int, max_items: int) -> Item:
    """Decode exactly one value of the subset; raise Malformed that names ``what`` otherwise."""
    if len(data) > max_bytes:
        raise Malformed(f"{what}: {len(data)} bytes, at most {max_bytes} are read")
    reader = _Reader(data, what, max_items)
    value = reader.item(MAX_DEPTH)
    if reader.at != len(data):
        raise Malformed(f"{what}: {len(data) - reader.at} bytes after the end")
    if encode(value) != data:
        raise Malformed(f"{what}: not the deterministic encoding")
    return value


def check_item(value: object, what: str, max_items: int, max_depth: int = MAX_DEPTH) -> None:
    """Raise Malformed unless ``value`` lies in the subset, within ``max_items`` and depth."""
    _count(value, what, max_items, max_depth)


def _count(value: object, what: str, left: int, depth: int) -> int:
    """Return how many items are left after ``value``; ``depth`` is how many arrays may follow."""
    left -= 1
    if left < 0:
        raise Malformed(f"{what}: too many items")
    if type(value) is int:
        if not MIN_INT <= value <= MAX_INT:
            raise Malformed(f"{what}: integer outside 64 bits")
    elif type(value) is tuple:
        if not depth:
            raise Malformed(f"{what}: nested too deep")
        for child in value:
            left = _count(child, what, left, depth - 1)
    elif type(value) is str:
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            raise Malformed(f"{what}: text with a lone surrogate")
    elif value is not None and type(value) is not bytes:
        raise Malformed(f"{what}: {type(value).__name__} is not allowed")
    return left


class _Reader:
    """Reads one value from the front; every head must have its shortest form."""

    def __init__(self, data: bytes, what: str, max_items: int) -> None:
        self.at = 0
        self._data = data
        self._what = what
        self._left = max_items

    def item(self, depth: int) -> Item:
        self._left -= 1
        if self._left < 0:
            raise Malformed(f"{self._what}: too many items")
        major, argument = self._head()
        if major == _UNSIGNED:
            return argument
        if major == _NEGATIVE:
            if -1 - argument < MIN_INT:
                raise Malformed(f"{self._what}: integer outside 64 bits")
            return -1 - argument
        if major == _ARRAY:
            if not depth:
                raise Malformed(f"{self._what}: nested too deep")
            if argument > self._left:
                raise Malformed(f"{self._what}: too many items")
            return tuple([self.item(depth - 1) for _ in range(argument)])
        if major == _BYTES:
            return self._take(argument)
        if major == _TEXT:
            try:
                return self._take(argument).decode("utf-8")
            except UnicodeDecodeError:
                raise Malformed(f"{self._what}: text is not UTF-8") from None
        return None

    def _head(self) -> tuple[int, int]:
        """Return major type and argument; null, the one simple value, comes as major type 7."""
        initial = self._take(1)[0]
        major, short = initial >> 5, initial & 31
        if initial == _NULL:
            return 7, 0
        if major > _ARRAY:
            raise Malformed(f"{self._what}: map, tag, float or simple value")
        if short < 24:
            return major, short
        if short > 27:
            raise Malformed(f"{self._what}: indefinite or reserved length")
        size: int = 1 << (short - 24)
        argument = int.from_bytes(self._take(size), "big")
        if argument < (24 if size == 1 else 1 << (4 * size)):
            raise Malformed(f"{self._what}: number not in its shortest form")
        return major, argument

    def _take(self, count: int) -> bytes:
        data = self._data[self.at : self.at + count]
        if len(data) != count:
            raise Malformed(f"{self._what}: ends too early")
        self.at += count
        return data
