"""The register map of one device's scan: with it, and nothing else, raw integers become values.

It travels once as a leaf of the billing log, whole; scans cite its hash.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import cbor2

from protocols.registers.profile import (
    MAX_POINTS,
    Order,
    Point,
    Profile,
    id_is_valid,
    point_faults,
)

VERSION: Final = 0
_POINT_FIELDS: Final = (str, int, int, str, str, str, str, str, tuple)


@dataclass(frozen=True, slots=True)
class RegisterMap:
    """The points of one scan, in the scan's order, in the effective byte order of this device."""

    profile: str
    points: tuple[Point, ...]

    @classmethod
    def of(cls, profile: Profile, names: Sequence[str], order: Order | None = None) -> Self:
        """The map of a scan of these points; `order` is what the device's order register told.

        It holds for f32 points only: a device that swaps its floats still sends its integers as the
        profile says. Raises ProfileError for an unknown point.
        """
        points = tuple(profile.point(name) for name in names)
        if order is not None:
            points = tuple(replace(p, order=order) if p.type == "f32" else p for p in points)
        return cls(profile.id, points)

    def to_body(self) -> tuple[Any, ...]:
        """Integers, text and tuples only; the order of the fields is the contract."""
        return (VERSION, self.profile, tuple(_point_body(point) for point in self.points))

    @classmethod
    def from_body(cls, body: object) -> Self:
        """The inverse of `to_body`; raises ValueError for anything that it could not have made."""
        match body:
            case (int(version), str(profile), tuple(points)) if isinstance(body, tuple):
                pass
            case _:
                raise ValueError("register map: must be (version, profile, points)")
        if isinstance(version, bool) or version != VERSION:
            raise ValueError(f"register map: version {version} is not known here")
        if not id_is_valid(profile):
            raise ValueError("register map: the profile's id is malformed")
        if not 1 <= len(points) <= MAX_POINTS:
            raise ValueError(f"register map: must have 1..{MAX_POINTS} points")
        parsed = tuple(_parse_point(number, point) for number, point in enumerate(points))
        if len({point.name for point in parsed}) != len(parsed):
            raise ValueError("register map: a point appears twice")
        return cls(profile, parsed)

    def hash(self) -> bytes:
        """SHA-256 over the deterministic CBOR (RFC 8949 4.2.1) of the body; 32 bytes."""
        return hashlib.sha256(cbor2.dumps(self.to_body(), canonical=True)).digest()


def _point_body(point: Point) -> tuple[Any, ...]:
    return (
        point.name,
        point.function,
        point.address,
        point.type,
        point.order,
        point.unit,
        point.scale,
        point.kind,
        point.sentinels,
    )


def _parse_point(number: int, body: object) -> Point:
    where = f"register map: point {number}"
    if not isinstance(body, tuple) or tuple(type(item) for item in body) != _POINT_FIELDS:
        raise ValueError(f"{where}: must have the types of {_POINT_FIELDS}")
    if any(type(value) is not int for value in body[-1]):
        raise ValueError(f"{where}: sentinels must be integers")
    point = Point(*body)
    faults = point_faults(point)
    if faults:
        raise ValueError(f"{where}: {'; '.join(faults)}")
    return point
