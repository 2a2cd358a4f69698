"""Profiles as TOML files: parsed and checked in full, every fault reported at once, with where."""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from protocols.registers.composite import Composite
from protocols.registers.point import MAX_ADDRESS, Point
from protocols.registers.profile import (
    CONFIDENCES,
    DIALECTS,
    MAX_DATA_BYTES,
    MAX_READ_REGISTERS,
    Limits,
    Profile,
    ProfileErrors,
    id_is_valid,
)
from protocols.registers.profile_checks import (
    atomic_faults,
    default_faults,
    limit_faults,
    name_faults,
    need_faults,
    overlap_faults,
    range_faults,
)
from protocols.registers.profile_fields import Fields, checked, integers, shown
from protocols.registers.profile_points import Points, read_composites, read_groups
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
    """The profile; None where faults were found."""
    good = checked(table, _TOP, "", faults)
    _check_top(good, faults)
    base = good.get("address_base", 0)
    ranges = read_ranges(good.get("ranges", []), base, faults)
    points = Points(good, base, ranges, faults)
    composites = read_composites(good.get("composites", []), points.notes, faults)
    known = [point.name for point in points.found]
    limits = _limits(good, faults)
    groups = read_groups(good.get("atomic", []), composites, known, faults)
    _check_together(good, points, composites, groups, limits, faults)
    faults.extend(range_faults(ranges, good.get("dialect", "modbus")))
    sections = _sections(good, points.found, base, faults)
    # who names a point that has a fault of its own is told of that one only
    ends = tuple(f": {shown(name)} is no point" for name in points.left_out)
    faults[:] = [fault for fault in faults if not fault.endswith(ends)]
    if faults:
        return None
    return Profile(
        **{key: good[key] for key in ("id", "vendor", "model", "kind", "confidence")},
        **sections,
        points=points.found,
        default_points=tuple(good["default_points"]),
        max_registers=good.get("max_registers", MAX_READ_REGISTERS),
        max_gap=good.get("max_gap", 0),
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


def _sections(
    good: Mapping[str, Any], points: Sequence[Point], base: int, faults: list[str]
) -> dict[str, Any]:
    """The fields of a profile that are tables of their own."""
    known = [point.name for point in points]
    order_point, orders = read_float_order(good.get("float_order"), points, faults)
    return {
        "order_point": order_point,
        "orders": orders,
        "expected": read_expected(good.get("expected", {}), points, faults),
        "link": read_link(good.get("link", {}), faults),
        "sources": read_sources(good.get("sources", []), faults),
        "base_probe": read_base_probe(good.get("base_probe"), base, faults),
        "commands": read_commands(good.get("commands", []), base, known, faults),
        "clock": read_clock(good.get("clock"), "clock.", known, faults),
        "archives": read_archives(good.get("archives", []), base, known, faults),
    }


def _check_together(
    good: Mapping[str, Any],
    points: Points,
    composites: Sequence[Composite],
    groups: Sequence[Sequence[str]],
    limits: Limits,
    faults: list[str],
) -> None:
    """What only the whole shows; where a point was left out, not what others are to it."""
    registers, gap = good.get("max_registers", MAX_READ_REGISTERS), good.get("max_gap", 0)
    if points.whole:
        faults.extend(name_faults(points.found, composites))
        faults.extend(overlap_faults(points.found))
        faults.extend(need_faults(points.found, composites))
        faults.extend(atomic_faults(groups, points.found, registers, gap, limits))
    faults.extend(limit_faults(points.found, registers, gap, limits))
    faults.extend(default_faults(good.get("default_points", []), points.found, composites))


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
