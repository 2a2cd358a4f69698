"""What an instrument can be in a meter run, by its profile: meter, pressure, temperature. Pure."""

from __future__ import annotations

from typing import Final

from edge_agent.config.runs import TOTALS
from protocols.metering.run_config import Role
from protocols.metering.units import UnitError, to_kelvin, to_pascal
from protocols.registers.point import FLOATS, TYPE_WORDS, Point
from protocols.registers.profile import Profile

LINE: Final = TOTALS[Role.LINE]
BASE: Final = TOTALS[Role.BASE]
MAX_DIGITS: Final = 15
_SERIALS: Final = ("serial_number", "serial", "mvt_serial")
_USUAL_DIGITS: Final = 9


def counters(profile: Profile) -> tuple[str, ...]:
    """Whole counters that may be a total: composites, then points."""
    composites = tuple(one.name for one in profile.composites if one.kind == "counter")
    points = tuple(
        point.name
        for point in profile.points
        if point.kind == "counter" and point.type not in FLOATS
    )
    return composites + points


def is_meter(profile: Profile) -> bool:
    """Whether it counts gas: a polled counter in cubic metres, or one by EN 12405-1's symbols."""
    return LINE in counters(profile) or any(
        name in counters(profile) for name in profile.default_points
    )


def pressures(profile: Profile) -> tuple[str, ...]:
    """Points that show a pressure, those that are polled by default first."""
    return _showing(profile, "pressure")


def temperatures(profile: Profile) -> tuple[str, ...]:
    """Points that show a temperature, those that are polled by default first."""
    return _showing(profile, "temperature")


def serial_point(profile: Profile) -> Point | None:
    """Where the device tells its own serial number; None where it does not."""
    by_name = {point.name: point for point in profile.points}
    found = (by_name[name] for name in _SERIALS if name in by_name)
    return next((point for point in found if point.type not in FLOATS), None)


def usual_digits(profile: Profile, total: str) -> int:
    """After how many digits the register goes back to 0: by its composite, or at most its bits."""
    composite = profile.composite(total)
    if composite is not None:
        modulus = composite.modulus
        return _USUAL_DIGITS if modulus is None else min(len(str(modulus)) - 1, MAX_DIGITS)
    point = next((one for one in profile.points if one.name == total), None)
    if point is None:
        return _USUAL_DIGITS
    if point.type.startswith("bcd"):
        return int(point.type[3:])
    bits = 16 * TYPE_WORDS[point.type] - int(point.type.startswith("i"))
    return min(_USUAL_DIGITS, len(str(1 << bits)) - 1)


def resolution_of(profile: Profile, total: str) -> str:
    """The cubic metres of one count where the profile knows them, else empty."""
    composite = profile.composite(total)
    if composite is not None:
        return composite.resolution if composite.unit == "m3" else ""
    point = next((one for one in profile.points if one.name == total), None)
    return point.scale if point is not None and point.unit == "m3" and not point.factor else ""


def name_for(profile: Profile, taken: frozenset[str]) -> str:
    """A short name that says what it is, and is not taken yet."""
    if is_meter(profile):
        stem = "meter"
    elif profile.kind == "pressure transmitter" or not temperatures(profile):
        stem = "p" if pressures(profile) else "device"
    else:
        stem = "pt" if pressures(profile) else "t"
    return next(name for n in range(1, 1000) if (name := f"{stem}-{n}") not in taken)


def _showing(profile: Profile, quantity: str) -> tuple[str, ...]:
    polled = {name: place for place, name in enumerate(profile.default_points)}
    names = [
        point.name
        for point in profile.points
        if point.kind == "gauge" and any(_is_of(quantity, unit) for unit in point.possible_units)
    ]
    return tuple(sorted(names, key=lambda name: polled.get(name, len(polled))))


def _is_of(quantity: str, unit: str) -> bool:
    try:
        to_pascal(1.0, unit) if quantity == "pressure" else to_kelvin(1.0, unit)
    except UnitError:
        return False
    return True
