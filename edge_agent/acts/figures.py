"""What a person types: indexes, pressures, temperatures, dates, pairs. Pure; exact decimals.

A figure keeps its digits: the last one tells the count of the display it was read from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from edge_agent.acts.fault import BadFigure
from protocols.metering.units import UnitError, to_kelvin, to_pascal

ICE_POINT_C: Final = Decimal("273.15")
_NUMBER: Final = re.compile(r"([-+]?[0-9]{1,15}(?:\.[0-9]{1,9})?) *(\S{0,8})")


def figure(text: str) -> Decimal:
    """A number as it was typed, without a unit. Raises BadFigure."""
    number, unit = _split(text)
    if unit:
        raise BadFigure("alone", text=text[:40])
    return number


def index_m3(text: str) -> Decimal:
    """An index in m3, not below zero. Raises BadFigure."""
    number, unit = _split(text)
    if unit not in ("", "m3", "m³") or number < 0:
        raise BadFigure("index", text=text[:40])
    return number


def pressure_kpa(text: str, atmosphere_kpa: Decimal) -> Decimal:
    """Absolute kPa; bar and MPa are taken too, gauge as `kPa(g)`, `bar(g)`. Raises BadFigure."""
    number, unit = _split(text)
    unit = unit or "kPa"
    gauge = unit.endswith("(g)")
    bare = re.sub(r"\([ag]\)$", "", unit)
    try:
        kpa = number * Decimal(repr(to_pascal(1.0, bare) / 1000)).normalize()
    except UnitError:
        raise BadFigure("pressure", text=text[:40]) from None
    return kpa + atmosphere_kpa if gauge else kpa


def temperature_c(text: str) -> Decimal:
    """Degrees Celsius; K and °F are taken too. Raises BadFigure."""
    number, unit = _split(text)
    unit = {"": "°C", "C": "°C", "degC": "°C", "℃": "°C", "F": "°F"}.get(unit, unit)
    if unit == "°C":
        return number
    try:
        return (Decimal(repr(to_kelvin(float(number), unit))) - ICE_POINT_C).quantize(
            Decimal("0.001")
        )
    except UnitError:
        raise BadFigure("temperature", text=text[:40]) from None


def resolution(number: Decimal) -> Decimal:
    """The last digit that was typed, as a step: 0.001 for 12.340."""
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)  # a number, never NaN
    return Decimal(1).scaleb(min(exponent, 0))


def plain(number: Decimal) -> str:
    """Without a power of ten, and without a sign at zero."""
    return f"{number if number else abs(number):f}"


def pairs(texts: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """`name=value` each; a name is one of `known`, and there once. Raises BadFigure."""
    names = tuple(known)
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not value.strip() or name not in names:
            raise BadFigure("pair", text=text[:60], names=", ".join(names))
        if name in found:
            raise BadFigure("twice", name=name)
        found[name] = value.strip()
    return found


def points(texts: Iterable[str]) -> list[tuple[Decimal, Decimal]]:
    """`reference=reading` each. Raises BadFigure."""
    found = []
    for text in texts:
        reference, sign, reading = text.partition("=")
        if not sign:
            raise BadFigure("point", text=text[:60])
        found.append((figure(reference), figure(reading)))
    return found


def _split(text: str) -> tuple[Decimal, str]:
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        raise BadFigure("number", text=text[:40])
    return Decimal(match[1]), match[2]
