"""`edge-agent profile check | list | show`: profiles for the person who writes or chooses one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

from protocols.registers.composite import Composite
from protocols.registers.library import load_profile, profile_ids
from protocols.registers.point import Point
from protocols.registers.profile import Profile

WIDTH: Final = 80


def list_lines() -> list[str]:
    """One line a packaged profile."""
    lines = [f"{'profile':<26}{'points':>6} {'totals':>6}  {'trust':<7}instrument"]
    for profile_id in profile_ids():
        profile = load_profile(profile_id)
        line = (
            f"{profile.id:<26}{len(profile.points):>6} {len(profile.composites):>6}  "
            f"{profile.confidence:<7}{profile.vendor} {profile.model}"
        )
        lines.append(_fitted(line))
    return lines


def show_lines(profile: Profile) -> list[str]:
    """All that a profile says, in 80 columns."""
    lines = [f"{profile.id}: {profile.vendor} {profile.model}", f"kind: {profile.kind}"]
    lines.append(f"confidence: {profile.confidence}")
    for source in profile.sources:
        about = ", ".join(part for part in (source.title, source.url, source.note) if part)
        lines.append(f"source: {about}")
    lines += _device_lines(profile)
    lines += ["", "function:address  point (* polled by default)"]
    polled = {point.name for point in profile.points_of(profile.default_points)}
    for point in profile.points:
        lines += _point_lines(profile, point, point.name in polled)
    for composite in profile.composites:
        lines += _composite_lines(profile, composite)
    for command in profile.commands:
        lines.append(f"command {command.name} ({command.kind})" + _note(command.note))
    for archive in profile.archives:
        every = f"each {archive.period_s} s" if archive.period_s else "by itself"
        lines.append(f"archive {archive.name}: {archive.method} at {archive.address}, {every}")
    return [wrapped for line in lines for wrapped in _wrapped(line)]


def _device_lines(profile: Profile) -> Iterable[str]:
    link, limits = profile.link, profile.limits
    modes = ", ".join(link.modes)
    yield f"line: {link.baud} 8{link.parity}{link.stop_bits}, {modes}" + (
        f", gaps of {link.frame_gap_ms} ms inside a frame" if link.frame_gap_ms else ""
    )
    yield (
        f"limits: {profile.max_registers} registers, {limits.max_data_bytes} bytes a request"
        + (", even counts only" if limits.even_counts else "")
        + (", whole values only" if limits.whole_values else "")
        + (", one value a request" if limits.single_values else "")
    )
    if profile.banks > 1:
        yield f"unit ids: {profile.banks} in a row"
    if profile.order_point:
        yield f"order of floats: told by {profile.order_point}"
    if profile.dialect != "modbus":
        yield f"dialect: {profile.dialect}"
    if profile.min_poll_s:
        yield f"polled at most each {profile.min_poll_s} s"
    if profile.clock:
        yield f"clock: {profile.clock.format} of {', '.join(profile.clock.points)}"
    if profile.note:
        yield f"note: {profile.note}"


def _point_lines(profile: Profile, point: Point, polled: bool) -> Iterable[str]:
    bits = f" bits {point.bits[0]} to {point.bits[1]}" if point.bits else ""
    bank = f"+{point.bank}:" if point.bank else ""
    unit = f" by {point.unit_point}" if point.unit_point else f" {point.unit}".rstrip()
    scale = f" x {point.scale}" if point.scale != "1" else ""
    factor = f" {point.factor} {point.factor_point}" if point.factor else ""
    write = " writable" if point.name in profile.writes else ""
    yield (
        f"{bank}{point.function}:{point.address:<6} {'*' if polled else ' '} {point.name}: "
        f"{point.type} {point.order}{bits}{scale}{factor}{unit} ({point.kind}){write}"
        + _note(profile.notes.get(point.name, ""))
    )
    for title, table in (("values", point.values), ("bits", point.flags), ("units", point.units)):
        if table:
            yield f"    {title}: " + ", ".join(f"{code} {text}" for code, text in table)


def _composite_lines(profile: Profile, composite: Composite) -> Iterable[str]:
    parts = []
    for part in composite.parts:
        weight = f" x {part.weight}" if part.weight != "1" else ""
        factor = f" {part.factor} {part.factor_point}" if part.factor else ""
        parts.append(f"{part.point}{weight}{factor}")
    wraps = f", begins again at {composite.wraps_at}" if composite.wraps_at else ""
    yield (
        f"total {composite.name} in counts of {composite.count_unit or '1'}: {' + '.join(parts)}"
        + wraps
        + _note(profile.notes.get(composite.name, ""))
    )


def _note(note: str) -> str:
    return f" - {note}" if note else ""


def _wrapped(line: str) -> list[str]:
    """At most 80 columns; what does not fit goes on below, indented."""
    lines: list[str] = []
    current = ""
    for word in line.lstrip(" ").split(" "):
        longer = f"{current} {word}" if current else " " * (len(line) - len(line.lstrip())) + word
        if current and columns(longer) > WIDTH:
            lines.append(current.rstrip())
            longer = f"    {word}"
        current = longer
    return [*lines, current]


def _fitted(line: str) -> str:
    """Cut to 80 columns, with dots where something is missing."""
    if columns(line) <= WIDTH:
        return line
    while columns(line) > WIDTH - 3:
        line = line[:-1]
    return f"{line}..."


def columns(text: str) -> int:
    """What a terminal needs for it: a Chinese character takes two."""
    return sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in text)
