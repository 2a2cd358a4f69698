"""The register map of one device's scan: with it, and nothing else, raw integers become values.

It travels once as a leaf of the billing log, whole; scans cite its hash.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any, Final, Self

import cbor2

from protocols.registers.composite import Composite, Part, composite_faults, reference_faults
from protocols.registers.point import FLOATS, MAX_SCAN_WORDS, Order, Point, point_faults
from protocols.registers.profile import Profile, ProfileError, id_is_valid

VERSION: Final = 1
MAX_MAP_POINTS: Final = 256
MAX_MAP_BYTES: Final = 60 * 1024  # a leaf's limit, less what is around the body
_POINT_FIELDS: Final = (
    *(str, int, int, str, str, str, str, str, tuple),
    *(int, int, tuple, tuple, tuple, str, str, str, tuple),
)
_COMPOSITE_FIELDS: Final = (str, tuple, str, str, str, str)
_PART_FIELDS: Final = (str, str, str, str, str)


@dataclass(frozen=True, slots=True)
class RegisterMap:
    """The points of one scan, in the scan's order, as this device has them, and their composites.

    As this device has them: in its effective byte order, at its effective addresses.
    """

    profile: str
    points: tuple[Point, ...]
    composites: tuple[Composite, ...] = ()

    @classmethod
    def of(
        cls, profile: Profile, names: Sequence[str], order: Order | None = None, shift: int = 0
    ) -> Self:
        """The map of a scan of these points and composites, and of the points that they need.

        `order` is what the device's order register told. It holds for floats only: a device that
        swaps its floats still sends its integers as the profile says. `shift` is what its base
        probe told. Raises ProfileError for an unknown name, and for what no scan can carry.
        """
        points = profile.points_of(names)
        wide = [point.name for point in points if point.words > MAX_SCAN_WORDS]
        if wide:
            raise ProfileError(f"{', '.join(wide)}: longer than 64 bits, cannot be polled")
        if order is not None:
            points = tuple(replace(p, order=order) if p.type in FLOATS else p for p in points)
        if shift:
            points = tuple(replace(p, address=p.address + shift) for p in points)
            if any(point_faults(point) for point in points):
                raise ProfileError(
                    f"profile {profile.id}: addresses moved by {shift} leave 0..65535"
                )
        found = (profile.composite(name) for name in dict.fromkeys(names))
        composites = tuple(one for one in found if one is not None)
        made = cls(profile.id, points, composites)
        if len(points) > MAX_MAP_POINTS or len(made._encoded()) > MAX_MAP_BYTES:
            raise ProfileError(f"{len(points)} points are too many for one scan: poll fewer")
        return made

    def to_body(self) -> tuple[Any, ...]:
        """Integers, text and tuples only; the order of the fields is the contract."""
        points = tuple(astuple(point) for point in self.points)
        return (VERSION, self.profile, points, tuple(map(astuple, self.composites)))

    @classmethod
    def from_body(cls, body: object) -> Self:
        """The inverse of `to_body`; raises ValueError for anything that it could not have made."""
        match body:
            case (int(version), str(profile), tuple(points), tuple(composites)) if isinstance(
                body, tuple
            ):
                pass
            case _:
                raise ValueError("register map: must be (version, profile, points, composites)")
        if isinstance(version, bool) or version != VERSION:
            raise ValueError(f"register map: version {version} is not known here")
        if not id_is_valid(profile):
            raise ValueError("register map: the profile's id is malformed")
        if not 1 <= len(points) <= MAX_MAP_POINTS or len(composites) > MAX_MAP_POINTS:
            raise ValueError(f"register map: must have 1..{MAX_MAP_POINTS} points")
        parsed = tuple(_parse_point(number, point) for number, point in enumerate(points))
        totals = tuple(_parse_composite(number, one) for number, one in enumerate(composites))
        named = [(one.name, one.needs) for one in parsed]
        named += [(one.name, one.needs) for one in totals]
        if len({name for name, _ in named}) != len(named):
            raise ValueError("register map: a name appears twice")
        by_name = {point.name: point for point in parsed}
        for name, needs in named:
            faults = reference_faults(name, needs, by_name)
            if faults:
                raise ValueError(f"register map: {faults[0]}")
        return cls(profile, parsed, totals)

    def hash(self) -> bytes:
        """SHA-256 over the deterministic CBOR (RFC 8949 4.2.1) of the body; 32 bytes."""
        return hashlib.sha256(self._encoded()).digest()

    def _encoded(self) -> bytes:
        return cbor2.dumps(self.to_body(), canonical=True)


def _parse_point(number: int, body: object) -> Point:
    where = f"register map: point {number}"
    _check_types(body, _POINT_FIELDS, where)
    assert isinstance(body, tuple)
    point = Point(*body)
    if any(type(value) is not int for value in (*point.sentinels, *point.bits)):
        raise ValueError(f"{where}: sentinels and bits must be integers")
    for entry in (*point.values, *point.flags, *point.units):
        _check_types(entry, (int, str), where)
    faults = point_faults(point)
    if not faults and point.words > MAX_SCAN_WORDS:
        faults.append(f"type {point.type}: longer than 64 bits")
    if faults:
        raise ValueError(f"{where}: {'; '.join(faults)}")
    return point


def _parse_composite(number: int, body: object) -> Composite:
    where = f"register map: composite {number}"
    _check_types(body, _COMPOSITE_FIELDS, where)
    assert isinstance(body, tuple)
    name, parts, *rest = body
    for part in parts:
        _check_types(part, _PART_FIELDS, where)
    composite = Composite(name, tuple(Part(*part) for part in parts), *rest)
    faults = composite_faults(composite)
    if faults:
        raise ValueError(f"{where}: {'; '.join(faults)}")
    return composite


def _check_types(body: object, fields: tuple[type, ...], where: str) -> None:
    """Exactly these types: True is no integer here."""
    if not isinstance(body, tuple) or tuple(type(item) for item in body) != fields:
        names = ", ".join(kind.__name__ for kind in fields)
        raise ValueError(f"{where}: must have the types of ({names})")
