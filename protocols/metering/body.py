"""Strict reading of record bodies: nested tuples of integers, texts, bytes and None.

A body is what a leaf carries and central stores; it comes from outside, so a field of the wrong
type, length or range is refused with its name, and nothing is converted.
"""

from __future__ import annotations

from typing import TypeAlias, Union

Item: TypeAlias = Union[int, str, bytes, "Body", None]
Body: TypeAlias = "tuple[Item, ...]"

INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)


class BodyError(ValueError):
    """A body that is not what its record's contract says: which record, which field, why."""


class Fields:
    """Reads the fields of one body in order; each call names the field for the error."""

    __slots__ = ("_items", "_next", "_record")

    def __init__(self, record: str, body: object, length: int) -> None:
        items = sequence(record, body, length)
        if len(items) != length:
            raise BodyError(f"{record}: {len(items)} fields where the contract has {length}")
        self._record, self._items, self._next = record, items, 0

    def _take(self) -> object:
        self._next += 1
        return self._items[self._next - 1]

    def fault(self, name: str, why: str) -> BodyError:
        return BodyError(f"{self._record}.{name}: {why}")

    def integer(self, name: str, low: int = 0, high: int = INT64_MAX) -> int:
        value = self._take()
        if type(value) is not int:
            raise self.fault(name, f"{type(value).__name__} where an integer belongs")
        if not low <= value <= high:
            raise self.fault(name, f"{value} is outside {low}..{high}")
        return value

    def optional_integer(self, name: str, low: int = 0, high: int = INT64_MAX) -> int | None:
        if self._items[self._next] is None:
            self._next += 1
            return None
        return self.integer(name, low, high)

    def text(self, name: str, longest: int = 255) -> str:
        value = self._take()
        if type(value) is not str:
            raise self.fault(name, f"{type(value).__name__} where a text belongs")
        if len(value) > longest:
            raise self.fault(name, f"{len(value)} characters, the limit is {longest}")
        return value

    def data(self, name: str, length: int) -> bytes:
        value = self._take()
        if type(value) is not bytes or len(value) != length:
            raise self.fault(name, f"not {length} bytes")
        return value

    def items(self, name: str, most: int) -> tuple[object, ...]:
        return sequence(f"{self._record}.{name}", self._take(), most)

    def item(self) -> object:
        return self._take()


def sequence(record: str, body: object, most: int) -> tuple[object, ...]:
    """The items of a body; a list is taken too, because CBOR knows only one kind of array."""
    if not isinstance(body, (tuple, list)):
        raise BodyError(f"{record}: {type(body).__name__} where a tuple belongs")
    if len(body) > most:
        raise BodyError(f"{record}: {len(body)} items, the limit is {most}")
    return tuple(body)
