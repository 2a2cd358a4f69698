"""The sections of a profile file beside its points: each one read into its value, with faults."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeGuard

from protocols.registers.archive import MAX_FIELDS, Archive, Ring, archive_faults
from protocols.registers.clock import Clock, clock_faults
from protocols.registers.command import Command, Status, Step, command_faults
from protocols.registers.point import ORDERS, Order, Point, point_faults
from protocols.registers.profile import MODES, BaseProbe, Link, Outcome, Range, Source
from protocols.registers.profile_fields import Fields, checked, code_table, integers, names

MAX_SOURCES: Final = 16
MAX_COMMANDS: Final = 64
MAX_RANGES: Final = 32
MAX_OUTCOMES: Final = 8
MAX_ARCHIVES: Final = 32
MAX_FRAME_GAP_MS: Final = 1_000
_BAUDS: Final = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)

_SOURCE: Final[Fields] = {"title": (str, True), "url": (str, False), "note": (str, False)}
_LINK: Final[Fields] = {
    "baud": (int, False),
    "parity": (str, False),
    "stop_bits": (int, False),
    "modes": (list, False),
    "frame_gap_ms": (int, False),
}
_FLOAT_ORDER: Final[Fields] = {"point": (str, True), "values": (dict, True)}
_RANGE: Final[Fields] = {
    "first": (int, True),
    "last": (int, True),
    "register_bytes": (int, True),
}
_PROBE: Final[Fields] = {
    "function": (int, True),
    "address": (int, True),
    "outcomes": (list, True),
}
_OUTCOME: Final[Fields] = {"value": (int, False), "exception": (int, False), "shift": (int, True)}
_CLOCK: Final[Fields] = {"format": (str, True), "points": (list, True), "zone": (str, False)}
_COMMAND: Final[Fields] = {
    "name": (str, True),
    "kind": (str, True),
    "steps": (list, True),
    "bank": (int, False),
    "status": (dict, False),
    "timeout_ms": (int, False),
    "freezes": (list, False),
    "one_master": (bool, False),
    "note": (str, False),
}
_STEP: Final[Fields] = {
    "function": (int, True),
    "address": (int, True),
    "words": (list, False),
    "argument": (list, False),
    "text": (int, False),
}
_STATUS: Final[Fields] = {
    "function": (int, True),
    "address": (int, True),
    "good": (list, True),
    "failed": (dict, False),
}
_ARCHIVE: Final[Fields] = {
    "name": (str, True),
    "method": (str, True),
    "address": (int, True),
    "newest_point": (str, False),
    "period_seconds": (int, True),
    "fields": (list, False),
    "clock": (dict, False),
    "function": (int, False),
    "capacity": (int, False),
    "first_record": (int, False),
    "acknowledge": (int, False),
    "ring": (dict, False),
    "note": (str, False),
}
_RING: Final[Fields] = {
    "header_registers": (int, True),
    "size_points": (list, True),
    "width_point": (str, True),
    "columns": (dict, True),
}
_FIELD: Final[Fields] = {
    "name": (str, True),
    "type": (str, True),
    "at": (int, False),
    "order": (str, False),
    "unit": (str, False),
    "scale": (str, False),
    "kind": (str, False),
    "bits": (list, False),
    "values": (dict, False),
    "flags": (dict, False),
}


def read_sources(tables: list[Any], faults: list[str]) -> tuple[Source, ...]:
    if not 1 <= len(tables) <= MAX_SOURCES:
        faults.append(f"sources: must be 1..{MAX_SOURCES}; a map without its source is a rumour")
        return ()
    found = [checked(t, _SOURCE, f"sources[{n}].", faults) for n, t in enumerate(tables)]
    return tuple(Source(**good) for good in found if "title" in good)


def read_link(table: Any, faults: list[str]) -> Link:
    good = checked(table, _LINK, "link.", faults)
    modes = good.get("modes", ["rtu"])
    if not modes or not all(mode in MODES for mode in modes):
        faults.append(f"link.modes: must be of {', '.join(MODES)}")
        modes = []
    link = Link(**{**good, "modes": tuple(modes)})
    if link.baud not in _BAUDS:
        faults.append(f"link.baud: {link.baud} must be one of {', '.join(map(str, _BAUDS))}")
    if link.parity not in ("N", "E", "O"):
        faults.append("link.parity: must be N, E or O")
    if link.stop_bits not in (1, 2):
        faults.append("link.stop_bits: must be 1 or 2")
    if not 0 <= link.frame_gap_ms <= MAX_FRAME_GAP_MS:
        faults.append(f"link.frame_gap_ms: must be 0..{MAX_FRAME_GAP_MS}")
    return link


def read_float_order(
    table: Any, points: Sequence[Point], faults: list[str]
) -> tuple[str | None, dict[int, Order]]:
    if table is None:
        return None, {}
    good = checked(table, _FLOAT_ORDER, "float_order.", faults)
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


def read_expected(
    table: Mapping[str, Any], points: Sequence[Point], faults: list[str]
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


def read_ranges(tables: list[Any], base: int, faults: list[str]) -> tuple[Range, ...]:
    ranges = []
    if len(tables) > MAX_RANGES:
        faults.append(f"ranges: at most {MAX_RANGES}")
    for number, table in enumerate(tables[:MAX_RANGES]):
        before = len(faults)
        good = checked(table, _RANGE, f"ranges[{number}].", faults)
        if len(faults) == before:
            ranges.append(Range(good["first"] - base, good["last"] - base, good["register_bytes"]))
    return tuple(ranges)


def read_base_probe(table: Any, base: int, faults: list[str]) -> BaseProbe | None:
    if table is None:
        return None
    before = len(faults)
    good = checked(table, _PROBE, "base_probe.", faults)
    outcomes = []
    if not 1 <= len(good.get("outcomes", [])) <= MAX_OUTCOMES:
        faults.append(f"base_probe.outcomes: must be 1..{MAX_OUTCOMES}")
    for number, entry in enumerate(good.get("outcomes", [])[:MAX_OUTCOMES]):
        where = f"base_probe.outcomes[{number}]."
        found = checked(entry, _OUTCOME, where, faults)
        if ("value" in found) == ("exception" in found) or abs(found.get("shift", 0)) > 1:
            faults.append(f"{where}shift: needs a value or an exception, and -1, 0 or 1")
        outcomes.append(Outcome(found.get("value"), found.get("exception"), found.get("shift", 0)))
    if len(faults) > before:
        return None
    return BaseProbe(good["function"], good["address"] - base, tuple(outcomes))


def read_clock(table: Any, where: str, known: Sequence[str], faults: list[str]) -> Clock | None:
    if table is None:
        return None
    good = checked(table, _CLOCK, where, faults)
    points = names(good.get("points", []), f"{where}points", known, faults)
    clock = Clock(good.get("format", ""), points, good.get("zone", "local"))
    faults.extend(f"{where}{fault}" for fault in clock_faults(clock))
    return clock


def read_commands(
    tables: list[Any], base: int, known: Sequence[str], faults: list[str]
) -> tuple[Command, ...]:
    commands: list[Command] = []
    if len(tables) > MAX_COMMANDS:
        faults.append(f"commands: at most {MAX_COMMANDS}")
    for number, table in enumerate(tables[:MAX_COMMANDS]):
        where = f"commands[{number}]."
        before = len(faults)
        good = checked(table, _COMMAND, where, faults)
        steps = [_step(one, base, where, faults) for one in good.get("steps", [])[:16]]
        good["steps"] = tuple(step for step in steps if step)
        good["freezes"] = names(good.get("freezes", []), f"{where}freezes", known, faults)
        if "status" in good:
            good["status"] = _status(good["status"], base, where, faults)
        if len(faults) > before:
            continue
        command = Command(**good)
        faults.extend(f"{where}{fault}" for fault in command_faults(command))
        if any(command.name == other.name for other in commands):
            faults.append(f"{where}name: {command.name} appears twice")
        commands.append(command)
    return tuple(commands)


def _step(table: Any, base: int, where: str, faults: list[str]) -> Step | None:
    before = len(faults)
    good = checked(table, _STEP, f"{where}steps.", faults)
    words = integers(good.get("words", []), f"{where}steps.words", faults)
    argument = integers(good.get("argument", []), f"{where}steps.argument", faults)
    if len(faults) > before:
        return None
    return Step(good["function"], good["address"] - base, words, argument, good.get("text", 0))


def _status(table: Any, base: int, where: str, faults: list[str]) -> Status | None:
    before = len(faults)
    good = checked(table, _STATUS, f"{where}status.", faults)
    done = integers(good.get("good", []), f"{where}status.good", faults)
    failed = code_table(good.get("failed", {}), f"{where}status.failed", faults)
    if len(faults) > before:
        return None
    return Status(good["function"], good["address"] - base, done, failed)


def read_archives(
    tables: list[Any], base: int, known: Sequence[str], faults: list[str]
) -> tuple[Archive, ...]:
    archives = []
    if len(tables) > MAX_ARCHIVES:
        faults.append(f"archives: at most {MAX_ARCHIVES}")
    for number, table in enumerate(tables[:MAX_ARCHIVES]):
        where = f"archives[{number}]."
        before = len(faults)
        good = checked(table, _ARCHIVE, where, faults)
        newest = good.pop("newest_point", "")
        names([newest] if newest else [], f"{where}newest_point", known, faults)
        fields = _fields(good.pop("fields", []), where, faults)
        clock_names = [field.name for field in fields] or ["time"]
        clock = read_clock(good.pop("clock", None), f"{where}clock.", clock_names, faults)
        ring = _ring(good.pop("ring", None), f"{where}ring.", known, faults)
        if len(faults) > before:
            continue
        good["address"] -= base
        period_s = good.pop("period_seconds")
        archive = Archive(
            **good, newest_point=newest, period_s=period_s, fields=fields, clock=clock, ring=ring
        )
        faults.extend(f"{where}{fault}" for fault in archive_faults(archive))
        archives.append(archive)
    return tuple(archives)


def _fields(tables: list[Any], where: str, faults: list[str]) -> tuple[Point, ...]:
    """The fields of a record, each behind the one before it unless it says where it lies."""
    fields: list[Point] = []
    at = 0
    for number, table in enumerate(tables[: MAX_FIELDS + 1]):
        here = f"{where}fields[{number}]."
        before = len(faults)
        good = checked(table, _FIELD, here, faults)
        good["bits"] = integers(good.get("bits", []), f"{here}bits", faults)
        for key in ("values", "flags"):
            good[key] = code_table(good.get(key, {}), f"{here}{key}", faults)
        at = good.pop("at", at)
        if len(faults) > before:
            continue
        field = Point(function=3, address=at, **good)
        found = point_faults(field)
        faults.extend(f"{here}{fault}" for fault in found)
        if not found:
            fields.append(field)
            at += field.words
    return tuple(fields)


def _ring(table: Any, where: str, known: Sequence[str], faults: list[str]) -> Ring | None:
    if table is None:
        return None
    before = len(faults)
    good = checked(table, _RING, where, faults)
    sizes = names(good.get("size_points", []), f"{where}size_points", known, faults)
    width = names([good.get("width_point", "")], f"{where}width_point", known, faults)
    columns = code_table(good.get("columns", {}), f"{where}columns", faults)
    names([point for _, point in columns], f"{where}columns", known, faults)
    if len(faults) > before:
        return None
    return Ring(good["header_registers"], sizes, width[0], columns)
