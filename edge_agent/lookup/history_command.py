"""`edge-agent history`: a run's intervals, or a device's scans: a curve, a table, CSV or JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from edge_agent.clock import wall_ms
from edge_agent.console import FINDINGS, GOOD, could_not, show
from edge_agent.lookup.event_command import CLOCKS_DIFFER_S, tongue_of
from edge_agent.lookup.maps import Maps, device_of
from edge_agent.lookup.period import NoTimeError, utc_ms_of
from edge_agent.lookup.plot import Curve, drawn
from edge_agent.lookup.series import SLACK_MS, UNITS, Range, Row, Value, rows, scan_times
from edge_agent.lookup.text import Tongue, fitted, when
from edge_agent.screen import is_ascii
from edge_agent.status.site_view import FAILURES, View, view
from edge_agent.terminal import columns
from protocols.evidence.leaf import Log
from protocols.registers.codec import decode_scan

MOST_ROWS: Final = 20_000  # of one look
SHOWN_ROWS: Final = 5  # below the curve, on a screen of 24 lines
DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
LARGE: Final = 100_000
_CELLS: Final = (14, 14, 12, 12, 10, 8, 9)


class Asked(NamedTuple):
    """As typed. `point`: of a device; else `of` a run."""

    what: str
    since: str = ""
    until: str = ""
    of: str = "line_flow"
    point: str = ""


class How(NamedTuple):
    """How it is shown."""

    as_json: bool = False
    as_csv: bool = False
    whole: bool = False


class Found(NamedTuple):
    """`rows` of a run, or `values` of a device's point; oldest first. `known`: whether there is
    such a run or device; `names`: all runs and devices.
    """

    within: Range
    rows: Sequence[Row]
    values: Sequence[Value]
    unit: str
    known: bool
    names: tuple[tuple[str, ...], tuple[str, ...]]


def history(path: Path, asked: Asked, how: How) -> int:
    """Status 1: nothing is held of that time; 2: there is no such run or device."""
    try:
        with view(path) as seen:
            found = _look(path, seen, asked)
            tongue = tongue_of(seen)
    except (*FAILURES, NoTimeError) as error:
        return could_not(error)
    if not found.known:
        runs, devices = (", ".join(names) or "-" for names in found.names)
        told = tongue.words("history.unknown", what=asked.what, runs=runs, devices=devices)
        return could_not(told)
    if how.as_json:
        show(json.dumps(_json(asked, found), ensure_ascii=False))
    elif how.as_csv:
        show("\n".join(_csv(asked, found)))
    else:
        lines = _screen(asked, found, tongue, how)
        show("\n".join(lines))
    return GOOD if found.rows or found.values else FINDINGS


def _look(path: Path, seen: View, asked: Asked) -> Found:
    """Raises ReadFailed, NoTimeError."""
    now_ms = wall_ms()
    until = utc_ms_of(asked.until, now_ms, seen.zone) if asked.until else now_ms
    since = until - (HOUR_MS if asked.point else DAY_MS)  # of scans there are many
    if asked.since:
        since = utc_ms_of(asked.since, now_ms, seen.zone)
    if since >= until:
        raise NoTimeError("--from is not before --to")
    within = Range(since, until)
    memory = seen.reader.memory()
    devices = () if seen.agent is None else seen.agent.devices
    names = (tuple(memory.runs), tuple(device.name for device in devices))
    if asked.point:
        return _scans(path, seen, asked, within, names)
    held = memory.runs.get(asked.what)
    found: list[Row] = []
    if held is not None:
        with closing(seen.reader.leaves(Log.BILLING, _receipted_s(within))) as leaves:
            found = list(islice(rows(leaves, asked.what, within, held.config), MOST_ROWS))
    found.sort()
    return Found(within, found, (), UNITS[asked.of], held is not None, names)


def _scans(
    path: Path,
    seen: View,
    asked: Asked,
    within: Range,
    names: tuple[tuple[str, ...], tuple[str, ...]],
) -> Found:
    """Raises ReadFailed."""
    device = device_of(path, asked.what)
    serial = asked.what if device is None else device.serial
    maps = Maps(seen.reader, serial, device)
    with closing(seen.reader.leaves(Log.TELEMETRY, _receipted_s(within))) as leaves:
        scans = list(islice(scan_times(leaves, serial, within), MOST_ROWS))
    values, unit = [], ""
    for leaf in reversed(scans):
        map_ = maps.of(leaf.reference)
        if map_ is None or len(leaf.body) != len(map_.points):
            continue
        raws = tuple(raw if isinstance(raw, int) else None for raw in leaf.body)
        value = decode_scan(map_, raws).get(asked.point)
        if value is not None and value.number is not None and leaf.utc_ms is not None:
            values.append(Value(leaf.utc_ms, float(value.number)))
            unit = value.unit
    known = device is not None or bool(scans)
    return Found(within, (), values, unit, known, names)


def _receipted_s(within: Range) -> int:
    return max(0, (within.since_ms - SLACK_MS) // 1000 - CLOCKS_DIFFER_S)


def _json(asked: Asked, found: Found) -> dict[str, Any]:
    """Schema 1."""
    return {
        "schema": 1,
        "what": asked.what,
        "of": asked.point or asked.of,
        "unit": found.unit,
        "since_ms": found.within.since_ms,
        "until_ms": found.within.until_ms,
        "rows": [row._asdict() for row in found.rows],
        "values": [list(value) for value in found.values],
    }


def _csv(asked: Asked, found: Found) -> Iterator[str]:
    """RFC 4180 without a quote: there is nothing to quote in it. Times in UTC, by ISO 8601."""
    if asked.point:
        yield f"utc,{asked.point}"
        for value in found.values:
            yield f"{_utc(value.utc_ms)},{value.number!r}"
        return
    yield ",".join(("start_utc", "end_utc", *Row._fields[2:]))
    for row in found.rows:
        cells = ("" if cell is None else repr(cell) for cell in row[2:-1])
        yield ",".join((_utc(row.start_ms), _utc(row.end_ms), *cells, " ".join(row.marks)))


def _utc(utc_ms: int) -> str:
    from datetime import UTC, datetime

    at = datetime.fromtimestamp(utc_ms // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{utc_ms % 1000:03d}Z"


def _screen(asked: Asked, found: Found, tongue: Tongue, how: How) -> list[str]:
    words = tongue.words
    of = asked.point or words(f"of.{asked.of}")
    since, until = when(found.within.since_ms, tongue), when(found.within.until_ms, tongue)
    points = _points(asked, found)
    if not points:
        return fitted(words("history.none", what=asked.what, since=since, until=until), whole=True)
    title = words("history.title", what=asked.what, of=of, since=since, until=until)
    numbers = [number for _, number in points]
    figures = words(
        "history.figures",
        least=_short(min(numbers)),
        mean=_short(sum(numbers) / len(numbers)),
        most=_short(max(numbers)),
        unit=found.unit,
        count=len(numbers),
    )
    lines = [*fitted(title, whole=True), *fitted(figures, whole=True)]
    if len(points) > 1:
        plain = is_ascii(sys.stdout.encoding)
        times = [tongue.local(at).replace(tzinfo=None) for at, _ in points]
        colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        lines += drawn(Curve(times, numbers, found.unit), ascii_only=plain, colours=colours)
    if found.rows:
        volumes = (sum(getattr(row, name) for row in found.rows) for name in ("line_m3", "base_m3"))
        line, base = (f"{volume:.3f}" for volume in volumes)
        lines.append(words("history.volume", line=line, base=base))
        lines += _table(found.rows, tongue, how)
    elif how.whole:
        lines += [f"{when(at, tongue)} {_short(number)}" for at, number in points]
    return [line.replace("°", "") for line in lines] if is_ascii(sys.stdout.encoding) else lines


def _points(asked: Asked, found: Found) -> list[tuple[int, float]]:
    """The figure over time; an interval stands at its end."""
    if asked.point:
        return [tuple(value) for value in found.values]  # type: ignore[misc]  # of two
    pairs = ((row.end_ms, row.value(asked.of)) for row in found.rows)
    return [(at, number) for at, number in pairs if number is not None]


def _table(found: Sequence[Row], tongue: Tongue, how: How) -> list[str]:
    """The newest rows, newest last; all of them where that was asked for."""
    words = tongue.words
    names = ("from", "to", "line", "base", "p", "t", "c")
    cells = (_right(words(f"head.{name}"), at) for name, at in zip(names, _CELLS, strict=True))
    shown = found if how.whole else found[-SHOWN_ROWS:]
    lines = ["".join(cells)]
    for row in shown:
        told = (
            f"{tongue.local(row.start_ms):%m-%d %H:%M:%S}",
            f"{tongue.local(row.end_ms):%H:%M:%S}",
            f"{row.line_m3:.3f}",
            f"{row.base_m3:.3f}",
            f"{row.pressure_kpa:.2f}",
            f"{row.temperature_c:.2f}",
            f"{row.c:.5f}",
        )
        lines.append("".join(_right(cell, at) for cell, at in zip(told, _CELLS, strict=True)))
        if row.marks and how.whole:
            lines += fitted(f"    {', '.join(row.marks).replace('_', ' ')}", whole=False)
    if len(shown) < len(found):
        lines.append(words("history.rows", shown=len(shown), count=len(found)))
    return lines


def _right(text: str, width: int) -> str:
    return " " * (width - columns(text)) + text


def _short(number: float) -> str:
    """Six figures; all of a whole number, such as an index."""
    return f"{number:.0f}" if abs(number) >= LARGE else f"{number:.6g}"
