"""Profiles as TOML files: parsed and checked in full, every fault reported at once, with where."""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from protocols.registers.command import Write, write_faults
from protocols.registers.composite import Composite, Part, composite_faults
from protocols.registers.point import MAX_ADDRESS, Point, point_faults
from protocols.registers.profile import (
    CONFIDENCES,
    DIALECTS,
    MAX_DATA_BYTES,
    MAX_POINTS,
    MAX_READ_REGISTERS,
    Limits,
    Profile,
    ProfileErrors,
    Range,
    id_is_valid,
)
from protocols.registers.profile_checks import (
    atomic_faults,
    default_faults,
    limit_faults,
    merged_groups,
    name_faults,
    need_faults,
    overlap_faults,
    range_faults,
)
from protocols.registers.profile_fields import Fields, checked, code_table, integers, names
from protocols.registers.profile_sections import (
    read_archives,
    read_base_probe,
    read_clock,
    read_commands,
    read_expected,
    read_float_order,
    read_link,
    read_ranges,
    read_sources,
)
from protocols.registers.toml_lines import KeyLines

MAX_FILE_CHARS: Final = 200_000
MAX_COMPOSITES: Final = 64
MAX_ATOMIC: Final = 32
MAX_MIN_POLL_S: Final = 86_400

_LIMITS: Final[Fields] = {
    "max_data_bytes": (int, False),
    "even_counts": (bool, False),
    "single_values": (bool, False),
    "whole_values": (bool, False),
    "last_register": (int, False),
    "hole_codes": (list, False),
}
_TOP: Final[Fields] = {
    "format": (int, True),
    "id": (str, True),
    "vendor": (str, True),
    "model": (str, True),
    "kind": (str, True),
    "confidence": (str, True),
    "note": (str, False),
    "default_points": (list, True),
    "address_base": (int, False),
    "dialect": (str, False),
    "ranges": (list, False),
    "max_registers": (int, False),
    "max_gap": (int, False),
    **_LIMITS,
    "min_poll_seconds": (int, False),
    "link": (dict, False),
    "float_order": (dict, False),
    "expected": (dict, False),
    "base_probe": (dict, False),
    "clock": (dict, False),
    "commands": (list, False),
    "archives": (list, False),
    "atomic": (list, False),
    "composites": (list, False),
    "sources": (list, True),
    "point_defaults": (dict, False),
    "points": (list, True),
}
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


def parse_profile(text: str, name: str) -> Profile:
    """Raises ProfileErrors with every fault; `name` is the file's name, for the messages."""
    if len(text) > MAX_FILE_CHARS:
        raise ProfileErrors(name, [f"longer than {MAX_FILE_CHARS} characters"])
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of 5000 digits
        raise ProfileErrors(name, [f"no TOML: {error}"]) from error
    faults: list[str] = []
    profile = _profile(table, faults)
    if faults or profile is None:
        lines = KeyLines(text)
        raise ProfileErrors(name, faults, [lines.of(fault) for fault in faults])
    return profile


def _profile(table: dict[str, Any], faults: list[str]) -> Profile | None:
    """The profile; what it is worth nothing when faults were found."""
    good = checked(table, _TOP, "", faults)
    _check_top(good, faults)
    base = good.get("address_base", 0)
    ranges = read_ranges(good.get("ranges", []), base, faults)
    points = _Points(good, base, ranges, faults)
    composites = _composites(good.get("composites", []), points.notes, faults)
    known = [point.name for point in points.found]
    max_registers, max_gap = good.get("max_registers", MAX_READ_REGISTERS), good.get("max_gap", 0)
    limits = _limits(good, faults)
    groups = _groups(good.get("atomic", []), composites, known, faults)
    if points.whole:
        faults.extend(name_faults(points.found, composites))
        faults.extend(overlap_faults(points.found))
        faults.extend(need_faults(points.found, composites))
        faults.extend(atomic_faults(groups, points.found, max_registers, max_gap, limits))
    faults.extend(limit_faults(points.found, max_registers, max_gap, limits))
    faults.extend(range_faults(ranges, good.get("dialect", "modbus")))
    defaults = good.get("default_points", [])
    faults.extend(default_faults(defaults, points.found, composites))
    order_point, orders = read_float_order(good.get("float_order"), points.found, faults)
    sections: dict[str, Any] = {
        "expected": read_expected(good.get("expected", {}), points.found, faults),
        "link": read_link(good.get("link", {}), faults),
        "sources": read_sources(good.get("sources", []), faults),
        "base_probe": read_base_probe(good.get("base_probe"), base, faults),
        "commands": read_commands(good.get("commands", []), base, known, faults),
        "clock": read_clock(good.get("clock"), "clock.", known, faults),
        "archives": read_archives(good.get("archives", []), base, known, faults),
    }
    if faults:
        return None
    return Profile(
        **{key: good[key] for key in ("id", "vendor", "model", "kind", "confidence")},
        **sections,
        points=points.found,
        default_points=tuple(defaults),
        max_registers=max_registers,
        max_gap=max_gap,
        order_point=order_point,
        orders=orders,
        notes=points.notes,
        composites=composites,
        atomic=groups,
        limits=limits,
        dialect=good.get("dialect", "modbus"),
        ranges=ranges,
        writes=points.writes,
        min_poll_s=good.get("min_poll_seconds", 0),
        note=good.get("note", ""),
    )


def _check_top(good: Mapping[str, Any], faults: list[str]) -> None:
    if good.get("format", 1) != 1:
        faults.append(f"format: {good['format']} is not known here, only 1")
    if "id" in good and not id_is_valid(good["id"]):
        faults.append("id: must be lower-case letters, digits, hyphens; at most 32 characters")
    if "confidence" in good and good["confidence"] not in CONFIDENCES:
        faults.append(f"confidence: must be one of {', '.join(CONFIDENCES)}")
    if good.get("dialect", "modbus") not in DIALECTS:
        faults.append(f"dialect: must be one of {', '.join(DIALECTS)}")
    if good.get("address_base", 0) not in (0, 1):
        faults.append("address_base: must be 0 (as on the wire) or 1 (the manual counts from 1)")
    if not 0 <= good.get("min_poll_seconds", 0) <= MAX_MIN_POLL_S:
        faults.append(f"min_poll_seconds: must be 0..{MAX_MIN_POLL_S}")


def _limits(good: Mapping[str, Any], faults: list[str]) -> Limits:
    found = {key: good[key] for key in _LIMITS if key in good}
    if "hole_codes" in found:
        found["hole_codes"] = integers(found["hole_codes"], "hole_codes", faults, 8)
    limits = Limits(**{"max_data_bytes": MAX_DATA_BYTES, "last_register": MAX_ADDRESS, **found})
    if not 0 <= limits.last_register <= MAX_ADDRESS:
        faults.append(f"last_register: must be 0..{MAX_ADDRESS}")
    return limits


class _Points:
    """The sound points, in the file's order, with their notes and how they are written."""

    def __init__(
        self, good: Mapping[str, Any], base: int, ranges: Sequence[Range], faults: list[str]
    ) -> None:
        tables = good.get("points", [])
        self.found: tuple[Point, ...] = ()
        self.notes: dict[str, str] = {}
        self.writes: dict[str, Write] = {}
        self.whole = False
        if not 1 <= len(tables) <= MAX_POINTS:
            faults.append(f"points: must be 1..{MAX_POINTS}")
            return
        defaults = checked(good.get("point_defaults", {}), _DEFAULTS, "point_defaults.", faults)
        before = len(faults)
        points = [
            self._point(table, defaults, base, ranges, f"points[{number}].", faults)
            for number, table in enumerate(tables)
        ]
        self.found = tuple(point for point in points if point)
        self.whole = len(faults) == before

    def _point(
        self,
        table: Any,
        defaults: Mapping[str, Any],
        base: int,
        ranges: Sequence[Range],
        where: str,
        faults: list[str],
    ) -> Point | None:
        before = len(faults)
        merged = {**defaults, **table} if isinstance(table, dict) else table
        good = checked(merged, _POINT, where, faults)
        note, write = good.pop("note", ""), good.pop("write", None)
        for key in ("sentinels", "bits"):
            good[key] = integers(good.get(key, []), f"{where}{key}", faults)
        for key in ("values", "flags", "units"):
            good[key] = code_table(good.get(key, {}), f"{where}{key}", faults)
        _take_factor(good, where, faults)
        if len(faults) > before:
            return None
        good["address"] -= base
        width = [r.register_bytes for r in ranges if r.first <= good["address"] <= r.last]
        point = Point(**good, register_bytes=width[0] if width else 2)
        faults.extend(f"{where}{fault}" for fault in point_faults(point))
        if note:
            self.notes[point.name] = note
        if write is not None:
            self._take_write(point.name, write, where, faults)
        return point if len(faults) == before else None

    def _take_write(self, name: str, table: Any, where: str, faults: list[str]) -> None:
        before = len(faults)
        good = checked(table, _WRITE, f"{where}write.", faults)
        if len(faults) == before:
            self.writes[name] = Write(**good)
            faults.extend(f"{where}{fault}" for fault in write_faults(self.writes[name]))


def _take_factor(good: dict[str, Any], where: str, faults: list[str]) -> None:
    """`scale_point` and its like become the point's factor."""
    given = [key for key in _FACTOR_KEYS if key in good]
    if len(given) > 1:
        faults.append(f"{where}{given[1]}: a value has one factor, {given[0]} is another")
    for key in given:
        good["factor"], good["factor_point"] = _FACTOR_KEYS[key], good.pop(key)


def _composites(
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


def _groups(
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
