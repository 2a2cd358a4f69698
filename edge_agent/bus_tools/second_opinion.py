"""A second opinion on a value: the same registers by pymodbus's `convert_from_registers`.

It is independent of `protocols/registers`, so a fault of our codec shows as a difference. It raises
for wrong sizes and what is no 16-bit word, which do not come here; so nothing is caught.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from pymodbus.client.mixin import ModbusClientMixin

from protocols.registers.point import Order, Point
from protocols.registers.point_codec import assemble, decode

_FORMS: Final = ModbusClientMixin.DATATYPE
_TYPES: Final = {
    "u16": _FORMS.UINT16, "i16": _FORMS.INT16, "u32": _FORMS.UINT32, "i32": _FORMS.INT32,
    "u64": _FORMS.UINT64, "i64": _FORMS.INT64, "f32": _FORMS.FLOAT32, "f64": _FORMS.FLOAT64,
}  # fmt: skip
_WORD_ORDERS: Final[Mapping[Order, Literal["big", "little"]]] = {"ABCD": "big", "CDAB": "little"}


class Opinion(NamedTuple):
    """A point's number, before its scale, by pymodbus and by our codec; None: no number."""

    number: int | float | None
    codec: int | float | None

    @property
    def agrees(self) -> bool:
        return self.number == self.codec


class Compared(NamedTuple):
    """An opinion, and as what the words were taken."""

    type: str
    order: Order
    opinion: Opinion


def second_opinion(point: Point, words: Sequence[int], raw: int | None) -> Opinion | None:
    """The same registers by `convert_from_registers`, beside `raw`, which our codec made of them.

    None where pymodbus has no such type. It has integers and floats of 16, 32 and 64 bits, whole
    words in either order: no BCD, no 48 bits, no swapped bytes. Of a field of bits the whole
    register is decoded, then cut. Texts are left out: their padding is our rule.
    """
    form, order = _TYPES.get(point.type), _WORD_ORDERS.get(point.order)
    if form is None or order is None or len(words) != point.words:
        return None
    told = ModbusClientMixin.convert_from_registers(list(words), form, order)
    if point.bits and isinstance(told, int):
        low, high = point.bits
        told = told >> low & (1 << high - low + 1) - 1
    plain = Point(point.name, point.function, point.address, point.type, point.order)
    return Opinion(_finite(told), decode(plain, raw).number)


def opinions_on(words: Sequence[int], types: Sequence[str]) -> tuple[Compared, ...]:
    """On words that have no point: as each of these types of our codec, in both word orders."""
    orders: tuple[Order, ...] = tuple(_WORD_ORDERS) if len(words) > 1 else ("ABCD",)
    told: list[Compared] = []
    for kind in types:
        for order in orders:
            point = Point("words", 3, 0, kind, order)
            opinion = second_opinion(point, words, assemble(point, words))
            told += [Compared(kind, order, opinion)] if opinion else []
    return tuple(told)


def _finite(told: object) -> int | float | None:
    return told if isinstance(told, (int, float)) and math.isfinite(told) else None
