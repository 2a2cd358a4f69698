"""All that is remembered of one regulator between two scans; instants are of one boot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from protocols.metering.body import INT64_MIN, Body, BodyError, Fields
from protocols.metering.regulator_config import MAX_CONTACTS, MAX_TURNS

MAX_CONDITIONS: Final = 16 + 2 * MAX_CONTACTS


class Reading(NamedTuple):
    """Latest value of a point, and when it came."""

    value: int
    boot_no: int
    mono_ms: int

    def to_body(self) -> Body:
        return tuple(self)


class Flow(NamedTuple):
    """The index where the present window began, and the flow in the last whole one."""

    anchor: Reading | None = None
    l_h: int | None = None


class Swing(NamedTuple):
    """The outlet's latest extreme, whether it was rising to it (1, -1, 0 at first), its turns."""

    extreme_dpa: int = 0
    rising: int = 0
    turns: tuple[int, ...] = ()


class Drift(NamedTuple):
    """Set pressure as the outlet shows it: of the open window, and what the last one found."""

    began_ms: int = 0
    sum_dpa: int = 0
    readings: int = 0
    found_dpa: int | None = None


class Pending(NamedTuple):
    """An alarm that has not yet lasted long enough to be told, and since when it holds."""

    condition: str
    since_ms: int


_NO_FLOW: Final = Flow()
_NO_SWING: Final = Swing()
_NO_DRIFT: Final = Drift()


@dataclass(frozen=True, slots=True)
class RegulatorState:
    """`contacts` are the latest readings in the configuration's order, None where there is none.

    `conditions`: the alarms that were told, sorted; `boot_no`: the boot of every instant here, of
    which `began_ms` is the first.
    """

    boot_no: int = -1
    began_ms: int = 0
    outlet: Reading | None = None
    inlet: Reading | None = None
    contacts: tuple[Reading | None, ...] = ()
    flow: Flow = _NO_FLOW
    swing: Swing = _NO_SWING
    drift: Drift = _NO_DRIFT
    pending: tuple[Pending, ...] = ()
    conditions: tuple[str, ...] = ()

    def restarted(self) -> RegulatorState:
        """What stays when the configuration may have changed: what was told, not what was read."""
        return RegulatorState(
            drift=Drift(found_dpa=self.drift.found_dpa), conditions=self.conditions
        )

    def to_body(self) -> Body:
        return (
            self.boot_no,
            self.began_ms,
            _reading_body(self.outlet),
            _reading_body(self.inlet),
            tuple(_reading_body(contact) for contact in self.contacts),
            (_reading_body(self.flow.anchor), self.flow.l_h),
            tuple(self.swing),
            tuple(self.drift),
            tuple(tuple(item) for item in self.pending),
            self.conditions,
        )

    @classmethod
    def from_body(cls, body: object) -> RegulatorState:
        """The strict inverse of `to_body`; raises BodyError."""
        fields = Fields("regulator state", body, 10)
        return cls(
            fields.integer("boot_no", -1),
            fields.integer("began_ms"),
            _reading(fields.item()),
            _reading(fields.item()),
            tuple(_reading(item) for item in fields.items("contacts", MAX_CONTACTS)),
            _flow(fields.item()),
            _swing(fields.item()),
            _drift(fields.item()),
            tuple(_pending(item) for item in fields.items("pending", MAX_CONDITIONS)),
            tuple(_name(item) for item in fields.items("conditions", MAX_CONDITIONS)),
        )


def _reading_body(reading: Reading | None) -> Body | None:
    return None if reading is None else reading.to_body()


def _reading(body: object) -> Reading | None:
    if body is None:
        return None
    fields = Fields("regulator state.reading", body, 3)
    return Reading(fields.integer("value"), fields.integer("boot_no"), fields.integer("mono_ms"))


def _flow(body: object) -> Flow:
    fields = Fields("regulator state.flow", body, 2)
    return Flow(_reading(fields.item()), fields.optional_integer("l_h"))


def _swing(body: object) -> Swing:
    fields = Fields("regulator state.swing", body, 3)
    extreme, rising = fields.integer("extreme_dpa"), fields.integer("rising", -1, 1)
    turns = fields.items("turns", MAX_TURNS)
    return Swing(extreme, rising, tuple(_instant_ms(item) for item in turns))


def _drift(body: object) -> Drift:
    fields = Fields("regulator state.drift", body, 4)
    return Drift(
        fields.integer("began_ms"),
        fields.integer("sum_dpa"),
        fields.integer("readings"),
        fields.optional_integer("found_dpa", INT64_MIN),
    )


def _pending(body: object) -> Pending:
    fields = Fields("regulator state.pending", body, 2)
    return Pending(fields.text("condition"), fields.integer("since_ms"))


def _name(item: object) -> str:
    if type(item) is not str:
        raise BodyError("regulator state.conditions: a name is no text")
    return item


def _instant_ms(item: object) -> int:
    if type(item) is not int or item < 0:
        raise BodyError("regulator state.swing: a turn is no instant")
    return item
