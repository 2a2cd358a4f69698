"""What a read shows: frames and their check, the words in every order, the value. Pure.

| words | shown |
|---|---|
| 1 | u16, i16 |
| 2 | f32, u32, i32 in four orders |
| 4 | f64, u64, i64 in four orders |
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from edge_agent.bus.link import Answer
from edge_agent.bus_tools.address import Place
from protocols.modbus.ascii_frames import lrc
from protocols.modbus.damage import Wrapping
from protocols.modbus.frames import Request, crc16
from protocols.registers.point import ORDERS, Order, Point
from protocols.registers.point_codec import assemble

FORMS: Final = {1: ("u16", "i16"), 2: ("f32", "u32", "i32"), 4: ("f64", "u64", "i64")}


class Check(NamedTuple):
    """The check that came with a frame, and the one computed over it, as hex; "" where none is."""

    heard: str
    computed: str

    @property
    def is_right(self) -> bool:
        return self.heard == self.computed


class Exchange(NamedTuple):
    """One request with its bytes."""

    request: Request
    answer: Answer
    sent: bytes
    heard: bytes

    @property
    def place(self) -> Place:
        return Place(self.request.function, self.request.address)


class InOrder(NamedTuple):
    """The same words in one order, in each form by its name; a float that is none is None."""

    order: Order
    forms: tuple[tuple[str, int | float | None], ...]


def check_of(frame: bytes, wrapping: Wrapping) -> Check | None:
    """None over TCP, which has none, and where nothing came."""
    if wrapping == "tcp" or len(frame) < 4:
        return None
    if wrapping == "rtu":
        return Check(
            frame[-2:].hex(" ").upper(), crc16(frame[:-2]).to_bytes(2, "little").hex(" ").upper()
        )
    text = frame.decode("ascii", "replace").strip()
    try:
        data = bytes.fromhex(text[1:-2])
    except ValueError:
        return Check(text[-2:], "")
    return Check(text[-2:], f"{lrc(data):02X}")


def in_orders(words: Sequence[int]) -> tuple[InOrder, ...]:
    """Each order with each form; one order where there is one word; nothing for other lengths."""
    names = FORMS.get(len(words))
    if names is None:
        return ()
    orders: tuple[Order, ...] = ORDERS if len(words) > 1 else ("ABCD", "BADC")
    return tuple(
        InOrder(order, tuple((name, _number(name, order, words)) for name in names))
        for order in orders
    )


def _number(name: str, order: Order, words: Sequence[int]) -> int | float | None:
    raw = assemble(Point("raw", 3, 0, name, order), words)
    if name not in ("f32", "f64"):
        return raw
    size = 4 if name == "f32" else 8
    number: float = struct.unpack(">f" if size == 4 else ">d", raw.to_bytes(size, "big"))[0]
    return number if number == number and abs(number) != float("inf") else None


def shown_number(number: int | float | None) -> str:
    """As wide as a column of 18 holds."""
    if number is None:
        return "NaN"
    return f"{number:.9g}" if isinstance(number, float) else str(number)


def hexed(data: bytes) -> str:
    """Bytes with blanks."""
    return data.hex(" ").upper()
