"""What people write on a plate or a certificate, as numbers: ranges with units, compositions. Pure.

A range like "0-10 bar" or "0...1.6 MPa" becomes kPa, "-20 to 60 C" degrees Celsius. Arithmetic is
decimal: what a person wrote is in the file to the last digit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

from edge_agent.commission.question import BadAnswer

UNDERSHOOT: Final = Decimal("0.01")
"""A gauge transmitter without pressure shows a little below 0: so much of its span is no fault."""
LEAST_KPA_ABS: Final = Decimal("0.001")
MAX_EXPONENT: Final = 30
_KPA: Final[Mapping[str, Decimal]] = {
    "pa": Decimal("0.001"), "hpa": Decimal("0.1"), "mbar": Decimal("0.1"), "kpa": Decimal(1),
    "bar": Decimal(100), "mpa": Decimal(1000), "psi": Decimal("6.894757293168"),
}  # fmt: skip
_NUMBER: Final = r"[-+]?\d{1,9}(?:[.,]\d{1,9})?"
_RANGE: Final = re.compile(
    rf"\s*({_NUMBER})\s*(?:-|\.{{2,3}}|to|~|至|到|\u2013|\u2026)\s*({_NUMBER})\s*([^\d\s]*)\s*",
    re.IGNORECASE,
)
_SHARE: Final = re.compile(
    r"\s*([A-Za-z][A-Za-z0-9_ -]*?)\s*[=:\s]\s*(\d{1,3}(?:\.\d{1,9})?)\s*%?\s*"
)
_CELSIUS: Final = ("", "c", "°c", "℃", "degc")
_PERCENT_ABOVE: Final = Decimal(2)


class Range(NamedTuple):
    """From low to high: kPa or degrees Celsius."""

    low: Decimal
    high: Decimal


def kpa_range(text: str) -> Range:
    """A range of pressure in kPa, gauge or absolute as it was written. Raises BadAnswer."""
    low, high, unit = _range(text)
    if not unit:
        raise BadAnswer("bad.no_unit", text=text.strip()[:40])
    factor = _KPA.get(unit.lower().removesuffix("g").removesuffix("a"))
    if unit.lower() in ("pa", "kpa", "hpa", "mpa"):  # whose a is no "absolute"
        factor = _KPA[unit.lower()]
    if factor is None:
        raise BadAnswer("bad.pressure_unit", unit=unit)
    low, high = low * factor, high * factor
    if unit.lower().startswith("psi"):  # whose factor has more digits than any plate
        low, high = round(low, 3), round(high, 3)
    return Range(low, high)


def celsius_range(text: str) -> Range:
    """A range of temperature in degrees Celsius. Raises BadAnswer."""
    low, high, unit = _range(text)
    if unit.lower() not in _CELSIUS:
        raise BadAnswer("bad.temperature_unit", unit=unit)
    return Range(low, high)


def absolute(found: Range, atmosphere_kpa: Decimal | None) -> Range:
    """A gauge range as absolute, with a little room below its zero; None: it is absolute."""
    if atmosphere_kpa is None:
        return Range(max(found.low, LEAST_KPA_ABS), found.high)
    low = found.low + atmosphere_kpa - UNDERSHOOT * (found.high - found.low)
    return Range(max(low, LEAST_KPA_ABS), found.high + atmosphere_kpa)


def shares(text: str) -> tuple[dict[str, Decimal], str]:
    """The parts of "methane 96.5, ethane 1.8", and the unit that their sum shows.

    Raises BadAnswer. Which component a name means, the configuration's check says.
    """
    found: dict[str, Decimal] = {}
    for part in re.split(r"[,;，；、]", text):
        if not part.strip():
            continue
        match = _SHARE.fullmatch(part)
        if match is None:
            raise BadAnswer("bad.share", part=part.strip()[:40])
        found[match[1]] = Decimal(match[2])
    if not found:
        raise BadAnswer("bad.share", part=text.strip()[:40])
    return found, "percent" if sum(found.values()) > _PERCENT_ABOVE else "fraction"


def number(text: str) -> Decimal | None:
    """A number as people write it, with a point or a comma; None where it is none, or one of more
    digits than anything on a site has (1e999 would be written out)."""
    try:
        found = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found.adjusted()) <= MAX_EXPONENT else None


def plain(value: Decimal) -> str:
    """Without an exponent, and without zeros that say nothing."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _range(text: str) -> tuple[Decimal, Decimal, str]:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise BadAnswer("bad.range", text=text.strip()[:40])
    low, high = (Decimal(match[place].replace(",", ".")) for place in (1, 2))
    if not low < high:
        raise BadAnswer("bad.range", text=text.strip()[:40])
    return low, high, match[3]
