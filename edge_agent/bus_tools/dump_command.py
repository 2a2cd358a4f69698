"""`edge-agent dump DEVICE`: every point of the profile, once, with address and raw words."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.bus.link import Answer
from edge_agent.bus_tools.address import Place
from edge_agent.bus_tools.borrow import CannotUse
from edge_agent.bus_tools.progress import Bar
from edge_agent.bus_tools.second_opinion import second_opinion
from edge_agent.bus_tools.showing import fitted, lines, say, tell, to_json
from edge_agent.bus_tools.talk import Talk, device_named, talking
from edge_agent.commands.profile_probe import Found, read_device
from edge_agent.console import FINDINGS, GOOD
from protocols.metering.quality import Quality
from protocols.modbus.plan import plan
from protocols.registers.codec import (
    Value,
    assemble,
    count,
    decode_points,
    decode_text,
    meaning,
)

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig, DeviceConfig
    from protocols.modbus.frames import Request
    from protocols.registers.point import Point
    from protocols.registers.profile import Profile

MAX_WORDS_SHOWN: Final = 4
_WIDTHS: Final = (8, 24, 20)
_FIELDS: Final = (
    "name", "bank", "function", "address", "reference", "type", "raw", "value", "unit", "text",
    "quality", "second", "agrees",
)  # fmt: skip

Told = tuple[int | float | None, str, str, str]


class Row(NamedTuple):
    """One point as it was read; totals have no address of their own (function 0).

    `second`: the number before its scale by pymodbus, None where it has no such type (or no number
    is there); `agrees`: whether our codec has the same; None where it was not asked.
    """

    name: str
    bank: int
    function: int
    address: int
    reference: str
    type: str
    raw: str
    value: int | float | None
    unit: str
    text: str
    quality: str
    second: int | float | None = None
    agrees: bool | None = None


def dump_command(config: AgentConfig, name: str, form: str) -> int:
    """`form`: text, json or csv. The exit status. Raises CannotUse, SocketError."""
    device = device_named(config, name)
    with talking(config, device) as talk, Bar(say("dump.reading"), shown=True) as bar:
        found = read_device(device.profile, device.unit, _seen(talk, device, bar))
    if found.gone:
        raise CannotUse(f"{device.name}: {found.gone}")
    rows = rows_of(device.profile, found)
    match form:
        case "json":
            tell([to_json(_json(device, found, rows))])
        case "csv":
            tell([csv_text(rows).rstrip("\n")])
        case _:
            tell(_lines(device, found, rows))
    return FINDINGS if found.refused or _differing(rows) else GOOD


def _seen(talk: Talk, device: DeviceConfig, bar: Bar) -> Callable[[Request], Answer]:
    """Each exchange moves the bar: one a block, each as long as those before it."""
    blocks, took_s = len(plan(device.profile.points, device.profile)), [0.0]

    def exchange(request: Request) -> Answer:
        count = len(took_s)
        bar.show(sum(took_s), sum(took_s) / count * max(blocks, count), f"{request.address}")
        began_s = time.monotonic()
        answer = talk.exchange(request)
        took_s.append(time.monotonic() - began_s)
        return answer

    return exchange


def rows_of(profile: Profile, found: Found) -> tuple[Row, ...]:
    """Points in the profile's order, then totals."""
    raws = {
        point.name: assemble(point, found.words[point.name])
        for point in found.points
        if point.name in found.words
    }
    values = decode_points(found.points, [raws.get(point.name) for point in found.points])
    rows = [_row(point, found, raws, values[point.name]) for point in found.points]
    by_name = {point.name: point for point in found.points}
    for total in profile.composites:
        counts = count(total, by_name, dict(raws)) if set(total.needs) <= raws.keys() else None
        if counts is None:
            told: Told = (None, total.unit, say("dump.no_value"), Quality.BAD_VALUE.name)
        else:
            exact = Decimal(counts) * Decimal(total.resolution)
            told = (float(exact), total.unit, f"{exact:f} {total.unit}".rstrip(), Quality.GOOD.name)
        rows.append(Row(total.name, 0, 0, 0, "", "total", "", *told))
    return tuple(rows)


def _row(point: Point, found: Found, raws: dict[str, int], value: Value) -> Row:
    where = (point.bank, point.function, point.address)
    reference = Place(point.function, point.address).reference
    head = (point.name, *where, reference, point.type)
    if point.name in found.refused:
        return Row(*head, "", None, point.unit, found.refused[point.name], "BAD_EXCEPTION")
    if point.name not in raws:
        return Row(*head, "", None, point.unit, say("dump.not_read"), "BAD_NO_ANSWER")
    raw = raws[point.name]
    hexed = " ".join(f"{word:04X}" for word in found.words[point.name])
    if point.type.startswith("text"):
        return Row(*head, hexed, None, "", decode_text(point, raw), Quality.GOOD.name)
    said = meaning(point, raw)
    text = _shown(value) + (f" ({said})" if said else "")
    quality = Quality.GOOD if value.number is not None else Quality.BAD_VALUE
    second = second_opinion(point, found.words[point.name], raw)
    opinion = (second.number, second.agrees) if second else (None, None)
    return Row(*head, hexed, value.number, value.unit, text, quality.name, *opinion)


def _differing(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.agrees is False]


def _shown(value: Value) -> str:
    if value.number is None:
        return say("dump.no_value")
    number = f"{value.number:.9g}" if isinstance(value.number, float) else str(value.number)
    return f"{number} {value.unit}".rstrip()


def _lines(device: DeviceConfig, found: Found, rows: Sequence[Row]) -> list[str]:
    told = lines(
        say("dump.head", device=device.name, profile=device.profile.id, serial=device.serial)
    )
    for remark in found.remarks:
        told += lines(remark, 2)
    heads = (say("dump.address"), say("dump.point"), say("dump.raw"))
    told.append("".join(map(fitted, heads, _WIDTHS)) + say("dump.value"))
    for row in rows:
        mark = "" if row.quality == Quality.GOOD.name else f"  {row.quality}"
        where = row.reference if not row.bank else f"{row.bank}:{row.reference}"
        raw = row.raw.split()
        shown = " ".join(raw[:MAX_WORDS_SHOWN]) + ("~" if len(raw) > MAX_WORDS_SHOWN else "")
        cells = (where, _cut(row.name, 23), shown)
        left = "".join(map(fitted, cells, _WIDTHS))
        if row.agrees is False:
            mark += f"  != pymodbus {row.second}"
        told += lines(left + f"{row.text}{mark}", 0, sum(_WIDTHS))
    if found.refused:
        told += ["", *lines(say("dump.refused", count=len(found.refused)))]
    asked = sum(row.agrees is not None for row in rows)
    differing = len(_differing(rows))
    if asked:
        told += ["", *lines(say("second.many", count=asked, different=differing))]
    return told


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "~"


def csv_text(rows: Sequence[Row]) -> str:
    """RFC 4180, with a head. A text of the instrument that a spreadsheet would run as a formula
    gets an apostrophe before it (OWASP).
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_FIELDS)
    for row in rows:
        runs = row.value is None and row.text.startswith(("=", "+", "-", "@"))
        writer.writerow(row._replace(text=f"'{row.text}") if runs else row)
    return out.getvalue()


def _json(device: DeviceConfig, found: Found, rows: Sequence[Row]) -> dict[str, object]:
    return {
        "ok": not found.refused and not _differing(rows),
        "device": device.name,
        "serial": device.serial,
        "profile": device.profile.id,
        "unit": device.unit,
        "remarks": list(found.remarks),
        "points": [row._asdict() for row in rows],
    }
