"""An instrument of the plant: a profile's registers, served with the values of one moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from protocols.registers.codec import disassemble, encode
from protocols.registers.point import FLOATS
from simulators.register_image import Answer, answer_read

if TYPE_CHECKING:
    from protocols.modbus.frames import Request
    from protocols.registers.profile import Order, Point, Profile
    from simulators.moment import Moment

MAX_UNIT: Final = 247

Reading = Callable[["Moment"], "float | None"]
"""What a point shows at a moment, in the point's own unit; None: no value."""


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
        return answer_read(self.profile, request, lambda point: self._registers(point, moment))

    def _registers(self, point: Point, moment: Moment) -> tuple[int, ...]:
        if self.order is not None and point.type in FLOATS:
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
