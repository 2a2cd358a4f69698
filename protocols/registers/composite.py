"""A total that an instrument spreads over several registers, as an exact integer count.

total = sum of part x weight x factor; count = total / resolution. The shapes that instruments have:

| shape | parts |
|---|---|
| integer + fraction | `int` weight 1; `frac` (f32) weight 1, below 1 |
| hundreds + remainder | `hundreds` weight 100; `rest` weight 1, below 100 |
| BCD registers of unlike weight | `r1` weight 100000; `r2` weight 10; `r3` weight 0.001 |
| rollovers x modulus + remainder | `rollovers` weight 65535.996, or scale `modulus_point`; `rest` |
| raw + decimal digits | `raw`, decimals `digits` |
| counter x resolution register | `raw`, scale `resolution`; or exponent, for a power of ten |
| integer + overflow word | `low` weight 1; `overflow` weight 4294967296 |

Where all parts are whole numbers the total must be a whole count, or there is no value; a float
among them is rounded to the nearest count once, in the end.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from protocols.registers.point import (
    FACTORS,
    KINDS,
    Point,
    decimal_is_valid,
    name_is_valid,
    unit_is_valid,
)

MAX_PARTS: Final = 8
MAX_MODULUS: Final = 10**18


@dataclass(frozen=True, slots=True)
class Part:
    """One addend: a point, its weight, and what another point does to it (see FACTORS).

    `below`: 0 <= the point's own value < below, or the total has no value ("" = no bound).
    """

    point: str
    weight: str = "1"
    below: str = ""
    factor: str = ""
    factor_point: str = ""


@dataclass(frozen=True, slots=True)
class Composite:
    """A total of several parts; its value is the count of `resolution` in `unit`.

    `wraps_at` is the total, in `unit`, at which it begins again at 0 ("" = never seen to).
    """

    name: str
    parts: tuple[Part, ...]
    resolution: str = "1"
    unit: str = ""
    kind: str = "counter"
    wraps_at: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """The points of its parts, then those that scale them."""
        names = [part.point for part in self.parts]
        names += [part.factor_point for part in self.parts if part.factor_point]
        return tuple(dict.fromkeys(names))

    @property
    def part_points(self) -> tuple[str, ...]:
        """What one request must read, or the total can tear."""
        return tuple(dict.fromkeys(part.point for part in self.parts))

    @property
    def count_unit(self) -> str:
        """What one count is, like "0.001m3"."""
        if self.resolution == "1":
            return self.unit
        return self.resolution + self.unit

    @property
    def modulus(self) -> int | None:
        """The count at which it begins again at 0."""
        return int(Fraction(self.wraps_at) / Fraction(self.resolution)) if self.wraps_at else None


def composite_faults(composite: Composite) -> list[str]:
    """What is wrong with a composite by itself; its points are checked by whoever has them."""
    faults = []
    if not name_is_valid(composite.name):
        faults.append(f"name {composite.name[:40]!r}: must be [a-z][a-z0-9_]*")
    if not unit_is_valid(composite.unit):
        faults.append("unit: must be printable, without blanks, at most 16 characters")
    if composite.kind not in KINDS:
        faults.append(f"kind {composite.kind[:40]!r}: must be one of {', '.join(KINDS)}")
    if not _is_positive(composite.resolution):
        faults.append("resolution: must be a positive decimal, like 0.001")
    elif composite.wraps_at and not _is_modulus(composite.wraps_at, composite.resolution):
        faults.append("wraps_at: must be a whole number of resolutions, at most 1e18")
    if not 1 <= len(composite.parts) <= MAX_PARTS:
        faults.append(f"parts: must be 1..{MAX_PARTS}")
    for part in composite.parts[:MAX_PARTS]:
        faults.extend(_part_faults(part, composite.name))
    if len(composite.part_points) != len(composite.parts):
        faults.append("parts: a point appears twice")
    return faults


def _part_faults(part: Part, name: str) -> list[str]:
    faults = []
    if not name_is_valid(part.point) or part.point == name:
        faults.append(f"parts: {part.point[:40]!r} is no name of a point")
    if not _is_positive(part.weight):
        faults.append(f"parts: weight {part.weight[:40]!r} must be a positive decimal")
    if part.below and not _is_positive(part.below):
        faults.append(f"parts: below {part.below[:40]!r} must be a positive decimal")
    if part.factor not in ("", *FACTORS) or bool(part.factor) != bool(part.factor_point):
        faults.append(f"parts: factor {part.factor[:40]!r} must be one of {', '.join(FACTORS)}")
    if part.factor_point and not name_is_valid(part.factor_point):
        faults.append(f"parts: {part.factor_point[:40]!r} is no name of a point")
    return faults


def reference_faults(name: str, needs: tuple[str, ...], points: dict[str, Point]) -> list[str]:
    """What a point or composite refers to must be there, and stand for itself."""
    faults = []
    for other in needs:
        point = points.get(other)
        if point is None:
            faults.append(f"{name}: needs {other[:40]!r}, which is no point")
        elif point.needs or point.type.startswith("text"):
            faults.append(f"{name}: {other} must be a number that needs no other point")
    return faults


def _is_positive(text: str) -> bool:
    return decimal_is_valid(text) and Decimal(text) > 0


def _is_modulus(wraps_at: str, resolution: str) -> bool:
    if not _is_positive(wraps_at):
        return False
    counts = Fraction(wraps_at) / Fraction(resolution)
    return counts.denominator == 1 and counts <= MAX_MODULUS
