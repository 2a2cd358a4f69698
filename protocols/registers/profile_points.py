"""The points, composites and atomic groups of a profile file; a fault for each that is none."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from protocols.registers.command import Write, write_faults
from protocols.registers.composite import Composite, Part, composite_faults
from protocols.registers.point import Point, point_faults
from protocols.registers.profile import MAX_POINTS, Range
from protocols.registers.profile_checks import merged_groups
from protocols.registers.profile_fields import Fields, checked, code_table, integers, names

MAX_COMPOSITES: Final = 64
MAX_ATOMIC: Final = 32

_FACTOR_KEYS: Final = {
    "scale_point": "scale",
    "decimals_point": "decimals",
    "exponent_point": "exponent",
}
_POINT: Final[Fields] = {
    "name": (str, True),
    "function": (int, True),
    "address": (int, True),
    "type": (str, True),
    "order": (str, False),
    "unit": (str, False),
    "scale": (str, False),
    "kind": (str, False),
    "sentinels": (list, False),
    "bank": (int, False),
    "bits": (list, False),
    "values": (dict, False),
    "flags": (dict, False),
    **dict.fromkeys(_FACTOR_KEYS, (str, False)),
    "unit_point": (str, False),
    "units": (dict, False),
    "write": (dict, False),
    "note": (str, False),
}
_DEFAULTS: Final[Fields] = {
    key: (_POINT[key][0], False) for key in ("function", "type", "order", "kind", "bank")
}
_WRITE: Final[Fields] = {
    "function": (int, True),
    "low": (str, False),
    "high": (str, False),
    "kind": (str, False),
}
_COMPOSITE: Final[Fields] = {
    "name": (str, True),
    "parts": (list, True),
    "resolution": (str, False),
    "unit": (str, False),
    "kind": (str, False),
    "wraps_at": (str, False),
    "note": (str, False),
}
_PART: Final[Fields] = {
    "point": (str, True),
    "weight": (str, False),
    "below": (str, False),
    **dict.fromkeys(_FACTOR_KEYS, (str, False)),
}


class Points:
    """The sound points, in the file's order, with their notes and how they are written."""

    def __init__(
        self, good: Mapping[str, Any], base: int, ranges: Sequence[Range], faults: list[str]
    ) -> None:
        self.found: tuple[Point, ...] = ()
        self.notes: dict[str, str] = {}
        self.writes: dict[str, Write] = {}
        self.whole = False  # nothing was left out, so that what points are to each other is known
        self.left_out: set[str] = set()  # the names of faulty ones: whoever names them is right
        self._base, self._ranges, self._faults = base, ranges, faults
        tables = good.get("points", [])
        if not 1 <= len(tables) <= MAX_POINTS:
            faults.append(f"points: must be 1..{MAX_POINTS}")
            return
        defaults = checked(good.get("point_defaults", {}), _DEFAULTS, "point_defaults.", faults)
        before = len(faults)
        points = [
            self._point({**defaults, **table} if isinstance(table, dict) else table, number)
            for number, table in enumerate(tables)
        ]
        self.found = tuple(point for point in points if point)
        self.whole = len(faults) == before
        names_given = {name for table in tables if isinstance(name := _name_of(table), str)}
        self.left_out = names_given - {point.name for point in self.found}

    def _point(self, table: Any, number: int) -> Point | None:
        where, faults = f"points[{number}].", self._faults
        before = len(faults)
        good = checked(table, _POINT, where, faults)
        note, write = good.pop("note", ""), good.pop("write", None)
        for key in ("sentinels", "bits"):
            good[key] = integers(good.get(key, []), f"{where}{key}", faults)
        for key in ("values", "flags", "units"):
            good[key] = code_table(good.get(key, {}), f"{where}{key}", faults)
        _take_factor(good, where, faults)
        if len(faults) > before:
            return None
        good["address"] -= self._base
        width = [r.register_bytes for r in self._ranges if r.first <= good["address"] <= r.last]
        point = Point(**good, register_bytes=width[0] if width else 2)
        faults.extend(f"{where}{fault}" for fault in point_faults(point))
        if note:
            self.notes[point.name] = note
        if write is not None:
            self._take_write(point.name, write, where)
        return point if len(faults) == before else None

    def _take_write(self, name: str, table: Any, where: str) -> None:
        before = len(self._faults)
        good = checked(table, _WRITE, f"{where}write.", self._faults)
        if len(self._faults) == before:
            self.writes[name] = Write(**good)
            self._faults.extend(f"{where}{fault}" for fault in write_faults(self.writes[name]))


def _name_of(table: Any) -> Any:
    return table.get("name") if isinstance(table, dict) else None


def _take_factor(good: dict[str, Any], where: str, faults: list[str]) -> None:
    """`scale_point` and its like become the point's factor."""
    given = [key for key in _FACTOR_KEYS if key in good]
    if len(given) > 1:
        faults.append(f"{where}{given[1]}: a value has one factor, {given[0]} is another")
    for key in given:
        good["factor"], good["factor_point"] = _FACTOR_KEYS[key], good.pop(key)


def read_composites(
    tables: list[Any], notes: dict[str, str], faults: list[str]
) -> tuple[Composite, ...]:
    composites = []
    if len(tables) > MAX_COMPOSITES:
        faults.append(f"composites: at most {MAX_COMPOSITES}")
    for number, table in enumerate(tables[:MAX_COMPOSITES]):
        where = f"composites[{number}]."
        before = len(faults)
        good = checked(table, _COMPOSITE, where, faults)
        note = good.pop("note", "")
        parts = []
        for at, entry in enumerate(good.get("parts", [])[:16]):
            part = checked(entry, _PART, f"{where}parts[{at}].", faults)
            _take_factor(part, f"{where}parts[{at}].", faults)
            parts.append(part)
        if len(faults) > before:
            continue
        composite = Composite(**{**good, "parts": tuple(Part(**part) for part in parts)})
        found = composite_faults(composite)
        faults.extend(f"{where}{fault}" for fault in found)
        if not found:
            composites.append(composite)
            if note:
                notes[composite.name] = note
    return tuple(composites)


def read_groups(
    tables: list[Any], composites: Sequence[Composite], known: Sequence[str], faults: list[str]
) -> tuple[tuple[str, ...], ...]:
    """Groups of points that one request must read: the file's own, and the composites' parts."""
    if len(tables) > MAX_ATOMIC:
        faults.append(f"atomic: at most {MAX_ATOMIC} groups")
    groups = [
        names(table, f"atomic[{number}]", known, faults)
        for number, table in enumerate(tables[:MAX_ATOMIC])
    ]
    groups += [one.part_points for one in composites if set(one.part_points) <= set(known)]
    return merged_groups(groups)
