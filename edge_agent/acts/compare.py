"""The figures of a display against those that are read, and those that we compute. Pure.

An index may differ by one count of the display, of the register, and by what flowed between the
moments of reading: the display was read `seconds` before the first of two readings at the earliest,
and after the second never. Pressure, temperature and conversion may differ by this program's own
limits, unless a class is given: 0.5 % of the absolute pressure, 0.2 % of kelvin, 0.3 % of C and Z,
which is about what an element of a conversion device may be off in service.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from edge_agent.acts.figures import (
    ICE_POINT_C,
    figure,
    index_m3,
    plain,
    pressure_kpa,
    resolution,
    temperature_c,
)
from edge_agent.acts.readings import Readings, in_m3
from protocols.evidence.statement import Value
from protocols.metering.carry import E9
from protocols.metering.conversion import Factor
from protocols.metering.method import factor_at
from protocols.metering.run_config import Role, RunConfig

QUANTITIES: Final = ("line", "base", "pressure", "temperature", "c", "z")
UNITS: Final = {"line": "m3", "base": "m3", "pressure": "kPa", "temperature": "°C"}
_FIELD_UNITS: Final = {"line": "_m3", "base": "_m3", "pressure": "_kpa", "temperature": "_c"}
ROLES: Final = {"line": Role.LINE, "base": Role.BASE}


class Limits(NamedTuple):
    """What is allowed, in per cent: of the absolute pressure, of the temperature in kelvin, of C
    and Z computed from the display's own P and T, and of those from what is read.
    """

    pressure: Decimal = Decimal("0.5")
    temperature: Decimal = Decimal("0.2")
    computed: Decimal = Decimal("0.3")
    read: Decimal = Decimal("1.0")


class Line(NamedTuple):
    """One quantity. `other`: what is read, or for C and Z what we compute; `why`: of the limit."""

    quantity: str
    shown: Decimal
    other: Decimal
    deviation: Decimal
    allowed: Decimal
    why: str

    @property
    def good(self) -> bool:
        return abs(self.deviation) <= self.allowed

    def fields(self) -> list[tuple[str, Value]]:
        """As they are recorded."""
        unit = _FIELD_UNITS.get(self.quantity, "")
        other = "computed" if self.quantity in ("c", "z") else "read"
        return [
            (f"{self.quantity}.display{unit}", plain(self.shown)),
            (f"{self.quantity}.{other}{unit}", plain(self.other)),
            (f"{self.quantity}.deviation{unit}", plain(self.deviation)),
            (f"{self.quantity}.allowed{unit}", plain(self.allowed)),
            (f"{self.quantity}.limit", self.why),
            (f"{self.quantity}.verdict", "within" if self.good else "outside"),
        ]


class Seen(NamedTuple):
    """What was read before and after the display; `seconds`: how long before the first reading the
    display may have been read.
    """

    first: Readings
    second: Readings
    seconds: Decimal


def parse_shown(quantity: str, text: str, run: RunConfig) -> Decimal:
    """A figure as the display shows it. Raises BadFigure."""
    if quantity in ROLES:
        return index_m3(text)
    if quantity == "pressure":
        return pressure_kpa(text, Decimal(run.atmosphere_dpa) / 10_000)
    return temperature_c(text) if quantity == "temperature" else figure(text)


def has(run: RunConfig, quantity: str) -> bool:
    """Whether the run has something to compare it with."""
    if quantity in ROLES:
        return any(total.role is ROLES[quantity] for total in run.totals)
    if quantity == "pressure":
        return not run.pressure.is_fixed
    return quantity != "temperature" or not run.temperature.is_fixed


def compare(run: RunConfig, shown: Mapping[str, Decimal], seen: Seen, limits: Limits) -> list[Line]:
    """A line for each quantity that the display shows."""
    lines = []
    for quantity in QUANTITIES:
        if quantity not in shown:
            continue
        if quantity in ROLES:
            lines.append(_index(run, quantity, shown[quantity], seen))
        elif quantity in ("pressure", "temperature"):
            lines.append(_state(quantity, shown[quantity], seen.second, limits))
        else:
            lines.append(_factor(run, quantity, shown, seen.second, limits))
    return lines


def _index(run: RunConfig, quantity: str, shown: Decimal, seen: Seen) -> Line:
    """Within what was read before and after, as the register wraps."""
    total = next(total for total in run.totals if total.role is ROLES[quantity])
    first, second = (
        in_m3(run, total.point, one.indexes[total.point]) for one in (seen.first, seen.second)
    )
    turn = in_m3(run, total.point, total.modulus)
    passed = _forward(second - first, turn)
    elapsed_s = Decimal(repr(round(seen.second.mono_s - seen.first.mono_s, 3)))
    before = passed / elapsed_s * seen.seconds if elapsed_s > 0 else Decimal(0)
    count = max(resolution(shown), in_m3(run, total.point, 1))
    deviation = _signed(shown - second, turn)
    allowed = (count + passed + before).quantize(in_m3(run, total.point, 1))
    above = _signed(shown - second, turn) > count  # the display was read before, never after
    why = "count_and_flow"
    return Line(quantity, shown, second, deviation, count if above else allowed, why)


def _forward(difference: Decimal, turn: Decimal) -> Decimal:
    """Decimal's own remainder has the sign of what is divided."""
    return (difference % turn + turn) % turn


def _signed(difference: Decimal, turn: Decimal) -> Decimal:
    """The shorter way round the register."""
    rest = _forward(difference, turn)
    return rest - turn if rest > turn / 2 else rest


def _state(quantity: str, shown: Decimal, read: Readings, limits: Limits) -> Line:
    if quantity == "pressure":
        other = Decimal(read.at.p_dpa) / 10_000
        allowed, why = other * limits.pressure / 100, f"{limits.pressure} %"
    else:
        other = Decimal(read.at.t_mk) / 1000 - ICE_POINT_C
        allowed = (other + ICE_POINT_C) * limits.temperature / 100
        why = f"{limits.temperature} % of K"
    step = Decimal("0.001")
    allowed = allowed.quantize(step) + resolution(shown) / 2
    return Line(quantity, shown, other, (shown - other).quantize(step), allowed, why)


def _factor(
    run: RunConfig, quantity: str, shown: Mapping[str, Decimal], read: Readings, limits: Limits
) -> Line:
    """From the display's own P and T where both are shown, else from those that are read."""
    z_e9, c_e9, percent = read.at.z_e9, read.at.c_e9, limits.read
    if run.gas_source is None and "pressure" in shown and "temperature" in shown:
        p_dpa = round(shown["pressure"] * 10_000)
        t_mk = round((shown["temperature"] + ICE_POINT_C) * 1000)
        own = factor_at(run, run.gas.composition, p_dpa, t_mk)
        if isinstance(own, Factor):
            z_e9, c_e9 = round(own.z_line * E9), round(own.conversion_factor * E9)
            percent = limits.computed
    other = (Decimal(c_e9 if quantity == "c" else z_e9) / E9).quantize(Decimal("0.000001"))
    step = Decimal("0.000001")
    allowed = (other * percent / 100).quantize(step) + resolution(shown[quantity]) / 2
    deviation = (shown[quantity] - other).quantize(step)
    return Line(quantity, shown[quantity], other, deviation, allowed, f"{percent} %")
