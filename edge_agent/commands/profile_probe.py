"""A profile held against a real device: what each register holds, and what the profile makes of it.

Reads once, slowly and politely: one request after the other, by halves where the device refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from edge_agent.bus.link import Answer, NoAnswer, PortGone
from edge_agent.config.model import BusConfig
from protocols.modbus.answer import Damaged, ExceptionAnswer, Registers
from protocols.modbus.frames import Request
from protocols.modbus.plan import Block, block_of, halves, plan
from protocols.registers.clock import decode_clock
from protocols.registers.codec import Value, assemble, count, decode, decode_points, meaning
from protocols.registers.point import FLOATS, ORDERS, Order, Point
from protocols.registers.profile import Profile

Exchange = Callable[[Request], Answer]
MAX_REQUESTS: Final = 2_000
_BAUDS: Final = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)


class ConnectError(ValueError):
    """What is no way to a device; says the remedy."""


class Target(NamedTuple):
    """The line and the unit that `--connect` names."""

    bus: BusConfig
    unit: int


class Found(NamedTuple):
    """What one device answered: words by point, and why the other points have none."""

    points: tuple[Point, ...]  # as this device has them: in its order, at its addresses
    words: Mapping[str, tuple[int, ...]]
    refused: Mapping[str, str]
    remarks: tuple[str, ...]
    gone: str  # why the device could not be asked at all; empty: it could


def parse_target(text: str) -> Target:
    """`tcp:HOST:PORT/UNIT` or `rtu:PATH:BAUD:PARITY/UNIT`, also rtu-over-tcp and ascii."""
    where, _, unit = text.rpartition("/")
    kind, _, rest = where.partition(":")
    if not (unit.isascii() and unit.isdecimal() and len(unit) <= 3 and int(unit) <= 255):
        raise ConnectError(f"{text[:80]!r}: must end with the unit number, like /1")
    match kind:
        case "tcp" | "rtu-over-tcp":
            host, _, port = rest.rpartition(":")
            if not host or not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536):
                raise ConnectError(f"{text[:80]!r}: must be {kind}:HOST:PORT/UNIT")
            host = host.removeprefix("[").removesuffix("]")
            bus = BusConfig("profile", kind, host=host, tcp_port=int(port), timeout_s=1.0)
        case "rtu" | "ascii":
            path, _, parity = rest.rpartition(":")
            path, _, baud = path.rpartition(":")
            if not path or parity not in ("N", "E", "O") or baud not in map(str, _BAUDS):
                raise ConnectError(f"{text[:80]!r}: must be {kind}:PATH:BAUD:PARITY/UNIT")
            bus = BusConfig("profile", kind, path, int(baud), parity, timeout_s=1.0)
        case _:
            raise ConnectError(f"{text[:80]!r}: must begin with tcp, rtu-over-tcp, rtu or ascii")
    return Target(bus, int(unit))


def read_device(profile: Profile, unit: int, exchange: Exchange, shift: int | None = None) -> Found:
    """Ask for every point once. `shift` overrules the base probe."""
    reader = _Reader(profile, unit, exchange)
    reader.take_base(shift)
    reader.take_order()
    for block in plan(reader.points, profile):
        reader.read(block)
    reader.check_expected()
    return Found(
        tuple(reader.points), reader.words, reader.refused, tuple(reader.remarks), reader.gone
    )


class _Reader:
    """One pass over one device."""

    def __init__(self, profile: Profile, unit: int, exchange: Exchange) -> None:
        self.points = list(profile.points)
        self.words: dict[str, tuple[int, ...]] = {}
        self.refused: dict[str, str] = {}
        self.remarks: list[str] = []
        self.gone = ""
        self._profile, self._unit, self._exchange = profile, unit, exchange
        self._requests = 0

    def take_base(self, shift: int | None) -> None:
        """Move the addresses as the person or the base probe says."""
        probe = self._profile.base_probe
        if shift is None and probe is not None:
            answer = self._ask(Request(self._unit, probe.function, probe.address, 1))
            value = answer.words[0] if isinstance(answer, Registers) else None
            code = answer.code if isinstance(answer, ExceptionAnswer) else None
            shift = probe.shift(value, code)
            told = f"value {value}" if code is None else f"exception {code:02d}"
            if shift is None:
                self.remarks.append(f"base probe: {told} tells nothing; addresses as in the file")
            else:
                self.remarks.append(f"base probe: {told}, so addresses are moved by {shift}")
        if shift:
            moved = [replace(point, address=point.address + shift) for point in self.points]
            self.points = [point for point in moved if point.address >= 0]

    def take_order(self) -> None:
        """Give the floats the order that the device reports."""
        named = [point for point in self.points if point.name == self._profile.order_point]
        if not named or self.gone:
            return
        answer = self._ask(self._request(block_of(named, self._profile)))
        told = answer.words[0] if isinstance(answer, Registers) else None
        order = None if told is None else self._profile.orders.get(told)
        if order is None:
            self.remarks.append(f"{named[0].name}: {_reason(answer)}; order as in the file")
            return
        self.remarks.append(f"{named[0].name} reads {told}: floats are {order}")
        self.points = [
            replace(point, order=order) if point.type in FLOATS else point for point in self.points
        ]

    def read(self, block: Block) -> None:
        """Read a block, by halves where the device refuses the whole."""
        if self.gone:
            return
        answer = self._ask(self._request(block))
        if isinstance(answer, Registers):
            for point in block.points:
                self.words[point.name] = tuple(block.words_of(point, answer.words))
            return
        parts = halves(block, self._profile) if isinstance(answer, ExceptionAnswer) else None
        if parts is None:
            self.refused.update({point.name: _reason(answer) for point in block.points})
            return
        for part in parts:
            self.read(part)

    def check_expected(self) -> None:
        """Settings of the device that the units of its points depend on."""
        by_name = {point.name: point for point in self.points}
        for name, expected in self._profile.expected.items():
            if name in self.words and assemble(by_name[name], self.words[name]) != expected:
                found = assemble(by_name[name], self.words[name])
                self.remarks.append(f"{name} reads {found}, the profile's units need {expected}")

    def _request(self, block: Block) -> Request:
        unit = self._unit + block.bank
        return Request(unit, block.function, block.address, block.count, block.register_bytes)

    def _ask(self, request: Request) -> Answer:
        """Nobody at home is found out by the first request, so a dead line is not asked on."""
        if self._requests >= MAX_REQUESTS:
            return Damaged(f"not asked: {MAX_REQUESTS} requests are enough")
        self._requests += 1
        answer = self._exchange(request)
        if isinstance(answer, PortGone) or (self._requests == 1 and isinstance(answer, NoAnswer)):
            self.gone = _reason(answer)
        return answer


def _reason(answer: Answer) -> str:
    match answer:
        case ExceptionAnswer(code):
            return f"exception {code:02d}"
        case NoAnswer():
            return "no answer"
        case Damaged(reason) | PortGone(reason):
            return reason
        case Registers(words):
            return f"reads {', '.join(map(str, words))}"
        case _:
            return "no answer to a read"


# ---- raw and decoded, side by side --------------------------------------------------------------


def report(profile: Profile, found: Found) -> list[str]:
    """The lines of what was found: address, words, value; all four orders where in doubt."""
    raws = {
        point.name: assemble(point, found.words[point.name])
        for point in found.points
        if point.name in found.words
    }
    values = decode_points(found.points, [raws.get(point.name) for point in found.points])
    lines = list(found.remarks)
    for point in found.points:
        if point.name in found.refused:
            lines.append(f"{_where(point)}  {point.name}: {found.refused[point.name]}")
        elif point.name in raws:
            lines.extend(_point_lines(profile, point, found.words[point.name], raws, values))
    by_name = {point.name: point for point in found.points}
    for composite in profile.composites:
        if not set(composite.needs) <= raws.keys():
            lines.append(f"{'total':>9}  {composite.name}: not all of its parts were read")
            continue
        value = Value(count(composite, by_name, dict(raws)), composite.count_unit)
        lines.append(f"{'total':>9}  {composite.name} = {_shown(value)}")
    lines.extend(_clock_lines(profile, values))
    return lines


def _point_lines(
    profile: Profile,
    point: Point,
    words: Sequence[int],
    raws: Mapping[str, int],
    values: Mapping[str, Value],
) -> Iterable[str]:
    said = meaning(point, raws[point.name])
    text = f"{said!r}" if point.type.startswith("text") else _shown(values[point.name])
    if said and not point.type.startswith("text"):
        text += f" ({said})"
    hexed = " ".join(f"{word:04X}" for word in words)
    yield f"{_where(point)}  {point.name} = {text}  [{hexed}]"
    if is_in_doubt(profile, point, values[point.name]):
        for order in ORDERS:
            mark = "*" if order == point.order else " "
            other = _in_order(point, order, words, values)
            yield f"{'':>9}  {mark} {order}  {_shown(other)}"


def is_in_doubt(profile: Profile, point: Point, value: Value) -> bool:
    """Whether another byte order may be the right one.

    No vendor's word for it, or a float that no instrument shows; a code or text has its own check.
    """
    if point.type[0] == "t" or point.words == 1 or point.bits or point.kind == "clock":
        return False
    if profile.confidence != "high":
        return True
    number = value.number
    odd = number is None or (number != 0 and not 1e-9 < abs(number) < 1e12)
    return point.type in FLOATS and odd


def _in_order(
    point: Point, order: Order, words: Sequence[int], values: Mapping[str, Value]
) -> Value:
    other = replace(point, order=order)
    return decode(other, assemble(other, words), values)


def _shown(value: Value) -> str:
    if value.number is None:
        return "no value"
    number = f"{value.number:.9g}" if isinstance(value.number, float) else str(value.number)
    return f"{number} {value.unit}".rstrip()


def _where(point: Point) -> str:
    return f"{point.bank}:{point.function}:{point.address:<5}"


def _clock_lines(profile: Profile, values: Mapping[str, Value]) -> Iterable[str]:
    if profile.clock is None:
        return
    moment = decode_clock(profile.clock, {name: value.number for name, value in values.items()})
    shown = "no date" if moment is None else moment.isoformat(" ")
    yield f"{'clock':>9}  {shown} ({profile.clock.zone})"
