"""Profiles as TOML files: parsed and checked in full, every fault reported at once, with where."""

import tomllib
from collections.abc import Mapping
from typing import Any, Final, TypeGuard

from protocols.registers.profile import (
    CONFIDENCES,
    MAX_POINTS,
    MAX_READ_REGISTERS,
    ORDERS,
    Link,
    Order,
    Point,
    Profile,
    ProfileErrors,
    Source,
    id_is_valid,
    point_faults,
)

MAX_FILE_CHARS: Final = 200_000
MAX_SOURCES: Final = 16
MAX_TEXT: Final = 500
MAX_GAP: Final = 32
_BAUDS: Final = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)

# name -> (types, required)
_Fields = Mapping[str, tuple[type, bool]]
_TOP: Final[_Fields] = {
    "format": (int, True),
    "id": (str, True),
    "vendor": (str, True),
    "model": (str, True),
    "kind": (str, True),
    "confidence": (str, True),
    "default_points": (list, True),
    "max_registers": (int, False),
    "max_gap": (int, False),
    "link": (dict, False),
    "float_order": (dict, False),
    "expected": (dict, False),
    "sources": (list, True),
    "points": (list, True),
}
_POINT: Final[_Fields] = {
    "name": (str, True),
    "function": (int, True),
    "address": (int, True),
    "type": (str, True),
    "order": (str, False),
    "unit": (str, False),
    "scale": (str, False),
    "kind": (str, False),
    "sentinels": (list, False),
    "note": (str, False),
}
_SOURCE: Final[_Fields] = {"title": (str, True), "url": (str, False), "note": (str, False)}
_LINK: Final[_Fields] = {"baud": (int, False), "parity": (str, False), "stop_bits": (int, False)}
_FLOAT_ORDER: Final[_Fields] = {"point": (str, True), "values": (dict, True)}


def parse_profile(text: str, name: str) -> Profile:
    """Raises ProfileErrors with every fault; `name` is the file's name, for the messages."""
    if len(text) > MAX_FILE_CHARS:
        raise ProfileErrors(name, [f"longer than {MAX_FILE_CHARS} characters"])
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ProfileErrors(name, [f"no TOML: {error}"]) from error
    faults: list[str] = []
    good = _checked(table, _TOP, "", faults)
    if good.get("format", 1) != 1:
        faults.append(f"format: {good['format']} is not known here, only 1")
    points, notes = _points(good.get("points", []), faults)
    order_point, orders = _float_order(good.get("float_order"), points, faults)
    expected = _expected(good.get("expected", {}), points, faults)
    sources = _sources(good.get("sources", []), faults)
    link = _link(good.get("link", {}), faults)
    defaults = _default_points(good.get("default_points", []), points, faults)
    _check_top(good, faults)
    widest = max((point.words for point in points), default=1)
    max_registers = good.get("max_registers", MAX_READ_REGISTERS)
    if not widest <= max_registers <= MAX_READ_REGISTERS:
        faults.append(f"max_registers: {max_registers} must be {widest}..{MAX_READ_REGISTERS}")
    if faults:
        raise ProfileErrors(name, faults)
    return Profile(
        id=good["id"],
        vendor=good["vendor"],
        model=good["model"],
        kind=good["kind"],
        points=points,
        default_points=defaults,
        max_registers=max_registers,
        max_gap=good.get("max_gap", 0),
        order_point=order_point,
        orders=orders,
        expected=expected,
        link=link,
        confidence=good["confidence"],
        sources=sources,
        notes=notes,
    )


def _checked(table: Any, fields: _Fields, where: str, faults: list[str]) -> dict[str, Any]:
    """The entries of a table that are known and of the right type; a fault for each other one."""
    if not isinstance(table, dict):
        faults.append(f"{where}must be a table")
        return {}
    good = {}
    for key, value in table.items():
        if key not in fields:
            faults.append(f"{where}{key[:40]}: unknown key; known: {', '.join(fields)}")
        elif not isinstance(value, fields[key][0]) or isinstance(value, bool):
            faults.append(f"{where}{key}: must be {fields[key][0].__name__}")
        elif isinstance(value, str) and len(value) > MAX_TEXT:
            faults.append(f"{where}{key}: longer than {MAX_TEXT} characters")
        else:
            good[key] = value
    faults.extend(
        f"{where}{key}: missing"
        for key, (_, required) in fields.items()
        if required and key not in table
    )
    return good


def _check_top(good: Mapping[str, Any], faults: list[str]) -> None:
    if "id" in good and not id_is_valid(good["id"]):
        faults.append("id: must be lower-case letters, digits, hyphens; at most 32 characters")
    if "confidence" in good and good["confidence"] not in CONFIDENCES:
        faults.append(f"confidence: must be one of {', '.join(CONFIDENCES)}")
    if not 0 <= good.get("max_gap", 0) <= MAX_GAP:
        faults.append(f"max_gap: must be 0..{MAX_GAP}")


def _points(tables: list[Any], faults: list[str]) -> tuple[tuple[Point, ...], dict[str, str]]:
    """The sound points, in the file's order, and their notes."""
    if not 1 <= len(tables) <= MAX_POINTS:
        faults.append(f"points: must be 1..{MAX_POINTS}")
        return (), {}
    points: list[Point] = []
    notes: dict[str, str] = {}
    for number, table in enumerate(tables):
        where = f"points[{number}]."
        before = len(faults)
        good = _checked(table, _POINT, where, faults)
        note = good.pop("note", "")
        if not all(type(value) is int for value in good.get("sentinels", [])):
            faults.append(f"{where}sentinels: must be integers")
        if len(faults) > before:
            continue
        point = Point(**{**good, "sentinels": tuple(good.get("sentinels", ()))})
        found = point_faults(point)
        faults.extend(f"{where}{fault}" for fault in found)
        if not found:
            points.append(point)
            if note:
                notes[point.name] = note
    _check_together(points, faults)
    return tuple(points), notes


def _check_together(points: list[Point], faults: list[str]) -> None:
    """Names are unique, and no register belongs to two points."""
    seen: set[str] = set()
    for point in points:
        if point.name in seen:
            faults.append(f"points: {point.name} appears twice")
        seen.add(point.name)
    ordered = sorted(points, key=lambda point: (point.function, point.address))
    reach: Point | None = None  # the point of this function that ends last so far
    for point in ordered:
        if reach and reach.function == point.function and point.address < reach.end:
            faults.append(f"points: {reach.name} and {point.name} overlap at {point.address}")
        if not reach or reach.function != point.function or point.end > reach.end:
            reach = point


def _expected(
    table: Mapping[str, Any], points: tuple[Point, ...], faults: list[str]
) -> dict[str, int]:
    """Settings of the device, by point, that the units of its points depend on."""
    settings = {point.name for point in points if point.type == "u16"}
    good = {}
    for name, value in table.items():
        if name not in settings:
            faults.append(f"expected.{name[:40]}: must be one of the points, of type u16")
        elif type(value) is not int or not 0 <= value <= 0xFFFF:
            faults.append(f"expected.{name}: must be a register value, 0..65535")
        else:
            good[name] = value
    return good


def _float_order(
    table: Any, points: tuple[Point, ...], faults: list[str]
) -> tuple[str | None, dict[int, Order]]:
    if table is None:
        return None, {}
    good = _checked(table, _FLOAT_ORDER, "float_order.", faults)
    name, orders = good.get("point"), {}
    named = [point for point in points if point.name == name]
    if name is not None and not (named and named[0].type == "u16"):
        faults.append(f"float_order.point: {name[:40]!r} must be one of the points, of type u16")
    for key, value in good.get("values", {}).items():
        if not (key.isascii() and key.isdigit() and int(key[:6]) <= 0xFFFF):
            faults.append(f"float_order.values: {key[:40]!r} must be a register value, 0..65535")
        elif not _is_order(value):
            faults.append(f"float_order.values.{key}: must be one of {', '.join(ORDERS)}")
        else:
            orders[int(key)] = value
    if not orders and "values" in good:
        faults.append("float_order.values: must name at least one order")
    return name, orders


def _is_order(value: object) -> TypeGuard[Order]:
    return isinstance(value, str) and value in ORDERS


def _sources(tables: list[Any], faults: list[str]) -> tuple[Source, ...]:
    if not 1 <= len(tables) <= MAX_SOURCES:
        faults.append(f"sources: must be 1..{MAX_SOURCES}; a map without its source is a rumour")
        return ()
    checked = [
        _checked(table, _SOURCE, f"sources[{number}].", faults)
        for number, table in enumerate(tables)
    ]
    return tuple(Source(**good) for good in checked if "title" in good)


def _link(table: Any, faults: list[str]) -> Link:
    link = Link(**_checked(table, _LINK, "link.", faults))
    if link.baud not in _BAUDS:
        faults.append(f"link.baud: {link.baud} must be one of {', '.join(map(str, _BAUDS))}")
    if link.parity not in ("N", "E", "O"):
        faults.append("link.parity: must be N, E or O")
    if link.stop_bits not in (1, 2):
        faults.append("link.stop_bits: must be 1 or 2")
    return link


def _default_points(
    names: list[Any], points: tuple[Point, ...], faults: list[str]
) -> tuple[str, ...]:
    known = {point.name for point in points}
    unknown = [name for name in names if not isinstance(name, str) or name not in known]
    faults.extend(f"default_points: {str(name)[:40]!r} is no point" for name in unknown)
    if not names or len(names) > MAX_POINTS or len(set(map(str, names))) != len(names):
        faults.append("default_points: must name at least one point, and none twice")
    return tuple(name for name in names if name not in unknown)
