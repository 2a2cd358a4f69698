"""An instrument: the registers of a profile, served on demand with the values of one moment.

Strict, so that a careless client is found out: a value is read whole or not at all, an address that
the profile does not place is answered by exception 02.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from protocols.modbus.frames import answer_pdu, exception_pdu
from protocols.registers.codec import disassemble, encode

if TYPE_CHECKING:
    from protocols.modbus.frames import Request
    from protocols.registers.profile import Order, Point, Profile
    from simulators.moment import Moment

ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
ILLEGAL_VALUE: Final = 3
MAX_UNIT: Final = 247

Reading = Callable[["Moment"], "float | None"]
"""What a point shows at a moment, in the point's own unit; None: no value."""


class Answer(NamedTuple):
    """The answer's PDU, and the names of the points that it holds (none for an exception)."""

    pdu: bytes
    points: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Instrument:
    """One device of the plant. Points without a reading show 0."""

    name: str
    profile: Profile
    unit: int
    serial: str
    readings: Mapping[str, Reading]
    order: Order | None = None  # of its f32 values, where the device lets one set it

    def __post_init__(self) -> None:
        """Raises ValueError for an impossible unit id, ProfileError for a stray point."""
        if not 1 <= self.unit <= MAX_UNIT:
            raise ValueError(f"{self.name}: unit {self.unit} must be 1..{MAX_UNIT}")
        for point in self.readings:
            self.profile.point(point)

    def answer(self, request: Request, moment: Moment) -> Answer:
        """Answer one read request with the values of one moment."""
        points = [p for p in self.profile.points if p.function == request.function]
        if not points:
            return _refuse(request, ILLEGAL_FUNCTION)
        if not 1 <= request.count <= self.profile.max_registers:
            return _refuse(request, ILLEGAL_VALUE)
        wanted = _exactly(points, request, self.profile.max_gap)
        if wanted is None:
            return _refuse(request, ILLEGAL_ADDRESS)
        registers = [0] * request.count
        for point in wanted:
            at = point.address - request.address
            registers[at : at + point.words] = self._registers(point, moment)
        names = tuple(point.name for point in wanted)
        return Answer(answer_pdu(request.function, registers), names)

    def _registers(self, point: Point, moment: Moment) -> tuple[int, ...]:
        if self.order is not None and point.type == "f32":
            point = replace(point, order=self.order)
        if point.name == self.profile.order_point:
            return disassemble(point, self._order_code())
        reading = self.readings.get(point.name)
        number = 0 if reading is None else reading(moment)
        return disassemble(point, encode(point, number))

    def _order_code(self) -> int:
        for code, order in self.profile.orders.items():
            if order == (self.order or "ABCD"):
                return code
        raise ValueError(f"{self.name}: profile {self.profile.id} has no code for its float order")


def _refuse(request: Request, code: int) -> Answer:
    return Answer(exception_pdu(request.function, code), ())


def _exactly(points: list[Point], request: Request, max_gap: int) -> tuple[Point, ...] | None:
    """The points that the request reads whole, or None where it cuts one or reads beyond them."""
    end = request.address + request.count
    inside = [p for p in points if p.address < end and p.end > request.address]
    inside.sort(key=lambda p: p.address)
    at = request.address
    for number, point in enumerate(inside):
        gap = point.address - at
        if gap < 0 or gap > (max_gap if number else 0):
            return None
        at = point.end
    return tuple(inside) if inside and at == end else None
