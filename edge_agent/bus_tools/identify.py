"""Which known instrument a unit is: each profile's map is held against what the device answers.

Reads only, of few blocks a profile, each asked once for all profiles. What speaks for a profile or
against it is weighed; the reasons are told, since a person decides.

| speaks for it | weight |
|---|---|
| its clock shows now / some date; no date | 5 / 2; -2 |
| a setting that its units depend on reads as it must; does not | 4; -4 |
| the register of its own unit number tells this unit | 4 |
| its order register holds a known order; does not | 3; -4 |
| its texts are texts; are not | 2; -2 |
| all its blocks are answered; each that is not | 2; -3 |
| codes that it knows, floats of a usual size (at most 4 together) | 1 each |
| a code that it does not know, a float that no instrument shows, wrong BCD | -2 each |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Final, NamedTuple

from edge_agent.bus.link import Answer
from protocols.modbus.answer import Damaged, ExceptionAnswer, Registers
from protocols.modbus.diagnosis import Sure
from protocols.modbus.frames import Request
from protocols.modbus.plan import Block, plan
from protocols.registers.clock import decode_clock
from protocols.registers.codec import Value, assemble, decode_points, decode_text, disassemble
from protocols.registers.point import FLOATS, Point
from protocols.registers.profile import Profile

MAX_BLOCKS: Final = 8
MAX_LOST: Final = 2
MAX_DAMAGED: Final = 2
MAX_REQUESTS: Final = 1_000  # of all profiles: more than there are
MAX_PLAIN: Final = 4
DAY_S: Final = 86_400
CLEAR_SCORE: Final = 7
CLEAR_LEAD: Final = 3
LIKELY_SCORE: Final = 3
_SERIAL: Final = "serial_number"
_SERIAL_FORM: Final = re.compile(r"[!-~]{1,32}")
_ADDRESS_NAMES: Final = ("slave_address", "modbus_address", "unit_id")
Exchange = Callable[[Request], Answer]


class Reason(NamedTuple):
    """One thing that speaks for a profile or against it; `key` is of the words `id.*`."""

    weight: int
    key: str
    figures: tuple[tuple[str, str], ...] = ()


class Guess(NamedTuple):
    """A profile that may be the instrument's, with the reasons, the weightiest first."""

    profile: str
    score: int
    sure: Sure
    reasons: tuple[Reason, ...]


@dataclass
class _Asker:
    """Each request is asked once; the next profile gets the same answer.

    A device whose registers have two bytes damages each read of four (Enron), and the other way
    round; every such answer costs a quiet time. After two of them that width is asked no more.
    """

    exchange: Exchange
    known: dict[Request, Answer] = field(default_factory=dict)
    damaged: dict[int, int] = field(default_factory=dict)  # by the bytes of a register

    def __call__(self, request: Request) -> Answer:
        if request in self.known:
            return self.known[request]
        width = request.register_bytes
        if self.damaged.get(width, 0) >= MAX_DAMAGED:
            return Damaged("not asked: its registers have another width")
        answer = self.known[request] = self.exchange(request)
        if isinstance(answer, Damaged):
            self.damaged[width] = self.damaged.get(width, 0) + 1
        elif isinstance(answer, Registers):
            self.damaged[width] = -MAX_REQUESTS  # the width is right, whatever comes
        return answer


def identify(
    unit: int, exchange: Exchange, profiles: Iterable[Profile], utc_s: int
) -> tuple[Guess, ...]:
    """The profiles that fit, the best first; empty where none does."""
    ask = _Asker(exchange)
    found: list[Guess] = []
    for profile in profiles:
        reasons = _judge(profile, unit, ask, utc_s)
        score = sum(reason.weight for reason in reasons)
        if reasons and score > 0:
            ordered = tuple(sorted(reasons, key=lambda reason: -reason.weight))
            found.append(Guess(profile.id, score, Sure.POSSIBLE, ordered))
    found.sort(key=lambda guess: -guess.score)
    if not found:
        return ()
    lead = found[0].score - (found[1].score if len(found) > 1 else 0)
    sure = Sure.POSSIBLE
    if found[0].score >= CLEAR_SCORE and lead >= CLEAR_LEAD:
        sure = Sure.CERTAIN
    elif found[0].score >= LIKELY_SCORE and lead > 0:
        sure = Sure.LIKELY
    return (found[0]._replace(sure=sure), *found[1:])


def read_serial(profile: Profile, unit: int, exchange: Exchange) -> str:
    """The serial number that the device itself tells; "" where its profile knows no such point."""
    points = [point for point in profile.points if point.name == _SERIAL and not point.bank]
    if not points:
        return ""
    block = plan(points, profile)[0]
    answer = exchange(_request(unit, block, 0))
    if not isinstance(answer, Registers):
        return ""
    raw = assemble(points[0], block.words_of(points[0], answer.words))
    is_text = points[0].type.startswith("text")
    told = decode_text(points[0], raw).strip() if is_text else str(raw)
    return told if _SERIAL_FORM.fullmatch(told) and told != "0" else ""


def _judge(profile: Profile, unit: int, ask: Exchange, utc_s: int) -> list[Reason]:
    """Empty where it cannot be this one."""
    shift = 0
    if profile.base_probe is not None:
        probe = profile.base_probe
        answer = ask(Request(unit, probe.function, probe.address, 1))
        value = answer.words[0] if isinstance(answer, Registers) else None
        code = answer.code if isinstance(answer, ExceptionAnswer) else None
        found = probe.shift(value, code)
        if found is None:
            return []
        shift = found
    raws: dict[Point, int] = {}
    blocks = [block for block in plan(_telling(profile), profile) if block.bank == 0]
    lost = 0
    for block in blocks[:MAX_BLOCKS]:
        answer = ask(_request(unit, block, shift))
        if isinstance(answer, Registers):
            for point in block.points:
                raws[point] = assemble(point, block.words_of(point, answer.words))
            continue
        lost += 1
        if lost >= MAX_LOST and len(raws) == 0:
            return []
    if not raws:
        return []
    asked = min(len(blocks), MAX_BLOCKS)
    told = (("answered", str(asked - lost)), ("asked", str(asked)))
    reasons = [Reason(-3 * lost if lost else 2, "blocks", told)]
    return reasons + _of_values(profile, unit, raws, utc_s)


def _telling(profile: Profile) -> tuple[Point, ...]:
    """What is polled by default, and what says most of who it is."""
    names = [*profile.default_points, *profile.expected]
    names += [profile.order_point] if profile.order_point else []
    names += profile.clock.points if profile.clock else ()
    names += [point.name for point in profile.points if point.name in _ADDRESS_NAMES]
    texts = [point.name for point in profile.points if point.type.startswith("text")]
    return profile.points_of(tuple(dict.fromkeys([*names, *texts[:2]])))


def _request(unit: int, block: Block, shift: int) -> Request:
    address = max(0, block.address + shift)
    return Request(unit, block.function, address, block.count, block.register_bytes)


def _of_values(profile: Profile, unit: int, raws: dict[Point, int], utc_s: int) -> list[Reason]:
    by_name = {point.name: raw for point, raw in raws.items()}
    reasons: list[Reason] = []
    for name, expected in profile.expected.items():
        if name in by_name:
            good = by_name[name] == expected
            figures = (("point", name), ("value", str(by_name[name])))
            reasons.append(Reason(4 if good else -4, "setting", figures))
    ordered = raws
    if profile.order_point in by_name:
        told = by_name[profile.order_point]
        order = profile.orders.get(told)
        reasons.append(Reason(3 if order else -4, "order", (("value", str(told)),)))
        if order is not None:
            ordered = _in_order(raws, order)
    values = decode_points(tuple(ordered), tuple(ordered.values()))
    reasons += _of_clock(profile, values, utc_s)
    for name in _ADDRESS_NAMES:
        if by_name.get(name) == unit:
            reasons.append(Reason(4, "address", (("point", name), ("value", str(unit)))))
    return reasons + _plain(ordered, values)


def _in_order(raws: dict[Point, int], order: str) -> dict[Point, int]:
    """Floats as the device says that it sends them."""
    made: dict[Point, int] = {}
    for point, raw in raws.items():
        if point.type not in FLOATS or point.order == order:
            made[point] = raw
            continue
        other = replace(point, order=order)  # type: ignore[arg-type]  # one of the profile's orders
        made[other] = assemble(other, disassemble(point, raw))
    return made


def _of_clock(profile: Profile, values: dict[str, Value], utc_s: int) -> list[Reason]:
    if profile.clock is None or not set(profile.clock.points) <= values.keys():
        return []
    moment = decode_clock(profile.clock, {name: value.number for name, value in values.items()})
    if moment is None or not 2000 <= moment.year < 2100:
        return [Reason(-2, "no_clock")]
    off_s = moment.replace(tzinfo=UTC).timestamp() - utc_s
    shown = (("moment", f"{moment:%F %R}"),)
    return [Reason(5 if abs(off_s) < 2 * DAY_S else 2, "clock", shown)]


def _plain(raws: dict[Point, int], values: dict[str, Value]) -> list[Reason]:
    """Texts, codes, floats and BCD: whether they are what such a point may show."""
    good, bad, texts = 0, 0, []
    for point, raw in raws.items():
        if point.type.startswith("text"):
            texts.append(_text_weight(point, raw))
            continue
        fits = _fits(point, raw, values[point.name])
        good += fits is True
        bad += fits is False
    reasons = []
    if any(texts):
        is_text = max(texts) > 0
        reasons.append(Reason(2 if is_text else -2, "text" if is_text else "no_text"))
    if good:
        reasons.append(Reason(min(good, MAX_PLAIN), "usual", (("count", str(good)),)))
    if bad:
        reasons.append(Reason(-2 * bad, "unusual", (("count", str(bad)),)))
    return reasons


def _text_weight(point: Point, raw: int) -> int:
    data = raw.to_bytes(int(point.type[4:]), "big").rstrip(b"\0 ")
    if not data:
        return 0
    text = decode_text(point, raw)
    return 2 if text.isascii() and text.strip().isprintable() and data.isascii() else -2


def _fits(point: Point, raw: int, value: Value) -> bool | None:
    """None: it tells nothing, as a zero, or a number that may be any."""
    if raw == 0 or raw in point.sentinels:
        return None
    if point.values:
        return any(code == raw for code, _ in point.values)
    number = value.number
    if point.type in FLOATS:
        return number is not None and 1e-6 < abs(number) < 1e9
    if point.type.startswith("bcd"):
        return number is not None
    return None
