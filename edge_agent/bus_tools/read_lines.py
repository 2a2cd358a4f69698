"""What `edge-agent read POINT|ADDRESS` has found, in lines of 80 columns or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from edge_agent.bus.counters import wrapping_of
from edge_agent.bus_tools.reading import (
    Exchange,
    InOrder,
    check_of,
    hexed,
    in_orders,
    shown_number,
)
from edge_agent.bus_tools.showing import fitted, lines, say
from protocols.metering.quality import Quality
from protocols.modbus.frames import BIT_FUNCTIONS

if TYPE_CHECKING:
    from edge_agent.bus_tools.second_opinion import Compared
    from edge_agent.config.model import BusConfig, DeviceConfig
    from protocols.registers.point import Point

MAX_FRAME_LINE: Final = 24
"""Bytes a line of 80 columns."""


@dataclass
class Shown:
    """All that one read has found. `order`: the one that the profile, or the device, says.

    `raw`: what our codec made of the words; `second`: pymodbus's opinions, where they were asked.
    """

    exchanges: list[Exchange] = field(default_factory=list)
    words: tuple[int, ...] = ()
    point: Point | None = None
    raw: int | None = None
    second: tuple[Compared, ...] = ()
    values: list[dict[str, object]] = field(default_factory=list)
    quality: Quality = Quality.GOOD
    detail: str = ""

    @property
    def is_good(self) -> bool:
        return self.quality == Quality.GOOD and all(one.opinion.agrees for one in self.second)


# ---- in words -----------------------------------------------------------------------------------


def read_lines(
    device: DeviceConfig, bus: BusConfig, shown: Shown, what: str, *, with_bytes: bool
) -> list[str]:
    """`with_bytes`: frames and orders, too."""
    told = lines(say("read.head", device=device.name, bus=bus.name, unit=device.unit, what=what))
    if with_bytes:
        for exchange in shown.exchanges:
            told += ["", *_exchange_lines(exchange, bus)]
        told += _order_lines(shown)
        told += _second_lines(shown.second)
    if with_bytes and (shown.values or shown.detail):
        told.append("")
    for value in shown.values:
        told += lines(f"{value['name']} = {value['text']}", 0, 2)
    told += lines(say("read.quality", quality=shown.quality.name, detail=shown.detail), 0, 2)
    return told


def _exchange_lines(exchange: Exchange, bus: BusConfig) -> list[str]:
    place, request = exchange.place, exchange.request
    of = {"function": place.function, "address": place.address, "hex": f"{place.address:04X}"}
    told = lines(say("read.request", reference=place.reference, count=request.count, **of))
    told += _frame_lines(say("read.sent"), exchange.sent)
    told += _frame_lines(say("read.heard"), exchange.heard)
    check = check_of(exchange.heard, wrapping_of(bus))
    if check is not None:
        said = say("read.right") if check.is_right else say("read.wrong", computed=check.computed)
        told += lines(f"{fitted(say('read.check'), 7)}{check.heard}  {said}")
    elif bus.kind == "tcp" and exchange.heard:
        told += lines(f"{fitted(say('read.check'), 7)}{say('read.no_check')}")
    return told


def _frame_lines(label: str, data: bytes) -> list[str]:
    parts = [data[at : at + MAX_FRAME_LINE] for at in range(0, len(data), MAX_FRAME_LINE)]
    first = hexed(parts[0]) if parts else say("read.nothing")
    return [fitted(label, 7) + first, *[" " * 7 + hexed(part) for part in parts[1:]]]


def _order_lines(shown: Shown) -> list[str]:
    is_bit = bool(shown.exchanges) and shown.exchanges[-1].request.function in BIT_FUNCTIONS
    orders = () if is_bit else in_orders(shown.words)
    if not orders:
        return _word_lines(shown.words)
    names = [name for name, _ in orders[0].forms]
    told = ["", " " * 9 + "".join(f"{name:>20}" for name in names)]
    for one in orders:
        mark = "*" if shown.point is not None and shown.point.order == one.order else " "
        numbers = "".join(f"{shown_number(number):>20}" for _, number in one.forms)
        told.append(f" {mark} {one.order}  {numbers}")
    if shown.point is not None:
        told += lines(say("read.marked", type=shown.point.type), 3)
    return told


def _second_lines(second: Sequence[Compared]) -> list[str]:
    """That both decoders agree, or each case where they do not."""
    told: list[str] = []
    for kind, order, opinion in second:
        if not opinion.agrees:
            said = {"number": opinion.number, "codec": opinion.codec}
            told += lines(f"{kind} {order}: " + say("second.differs", **said), 3)
    if told or not second:
        return told
    if len(second) == 1:
        return lines(say("second.same", number=second[0].opinion.number), 3)
    return lines(say("second.agrees"), 3)


def _word_lines(words: Sequence[int]) -> list[str]:
    """Eight a line, each with its place."""
    if not words:
        return []
    told = [""]
    for at in range(0, len(words), 8):
        told.append(f"{at:>5}  " + " ".join(f"{word:04X}" for word in words[at : at + 8]))
    return told


# ---- as JSON ------------------------------------------------------------------------------------


def read_json(device: DeviceConfig, bus: BusConfig, shown: Shown, what: str) -> dict[str, object]:
    """One object, without its schema."""
    value = shown.values[0] if shown.values else None
    return {
        "ok": shown.is_good,
        "device": device.name,
        "bus": bus.name,
        "unit": device.unit,
        "asked": what,
        "requests": [_exchange_json(one, bus) for one in shown.exchanges],
        "words": list(shown.words),
        "order": shown.point.order if shown.point else None,
        "orders": [_order_json(one) for one in in_orders(shown.words)],
        "second": [_second_json(one) for one in shown.second],
        "value": value,
        "quality": shown.quality.name,
        "detail": shown.detail,
    }


def _exchange_json(exchange: Exchange, bus: BusConfig) -> dict[str, object]:
    check, place = check_of(exchange.heard, wrapping_of(bus)), exchange.place
    return {
        "unit": exchange.request.unit,
        "function": place.function,
        "address": place.address,
        "reference": place.reference,
        "count": exchange.request.count,
        "sent": exchange.sent.hex(),
        "heard": exchange.heard.hex(),
        "check": None if check is None else {**check._asdict(), "right": check.is_right},
    }


def _second_json(one: Compared) -> dict[str, object]:
    told = {"type": one.type, "order": one.order, "agrees": one.opinion.agrees}
    return {**told, **one.opinion._asdict()}


def _order_json(one: InOrder) -> dict[str, object]:
    return {"order": one.order, **dict(one.forms)}
