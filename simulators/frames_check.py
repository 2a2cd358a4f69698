"""What captured frames decode to by a profile, beside what was printed; pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, NamedTuple

from protocols.modbus.answer import Damaged, ExceptionAnswer, check_rtu
from protocols.modbus.frames import FrameError, Request, parse_read_request, split_rtu
from protocols.registers.archive import record_words
from protocols.registers.clock import decode_clock
from protocols.registers.codec import assemble, count, decode_points, decode_record
from protocols.registers.library import load_profile
from protocols.registers.point import FLOATS, ORDERS, Point
from protocols.registers.profile import ProfileError
from simulators.register_image import register_bytes_at

if TYPE_CHECKING:
    from protocols.registers.profile import Profile
    from simulators.frames_file import Captured

_SLACK = 1e-9


class Shown(NamedTuple):
    """One value: as decoded (a number with its unit, a date, or none), and as it was printed."""

    name: str
    decoded: str
    printed: str = ""
    agrees: bool = True


class Checked(NamedTuple):
    """A block's values, or why it has none."""

    block: Captured
    shown: tuple[Shown, ...]
    fault: str = ""

    @property
    def is_good(self) -> bool:
        return not self.fault and all(shown.agrees for shown in self.shown)


class _UndecodableError(ValueError):
    """Why a block has no values."""


def check_block(block: Captured, profile_id: str = "") -> Checked:
    """Decode one block by its own profile, or by the one given."""
    try:
        profile = load_profile(block.profile or profile_id)
        found = _decoded(block, profile)
    except (ProfileError, _UndecodableError, FrameError) as error:
        return Checked(block, (), str(error))
    printed = dict(block.values)
    missing = [name for name in printed if name not in found]
    shown = [
        Shown(name, text, printed.get(name, ""), _agrees(text, printed.get(name, "")))
        for name, text in found.items()
        if not printed or name in printed
    ]
    if missing:
        return Checked(block, tuple(shown), f"{', '.join(missing)}: not in these frames")
    return Checked(block, tuple(shown))


def _decoded(block: Captured, profile: Profile) -> Mapping[str, str]:
    if block.data:
        if not block.values:
            raise _UndecodableError("data without a value: nobody knows where it begins")
        first = profile.point(block.values[0][0])
        request = Request(
            1, first.function, first.address, len(block.data) // first.register_bytes,
            first.register_bytes,
        )  # fmt: skip
        return _scan(block, profile, request, _words(block.data))
    if not block.request or not block.answer:
        raise _UndecodableError("no request and answer")
    request, words = _answered(block, profile)
    if block.archive:
        return _record(block, profile, words)
    return _scan(block, profile, request, words)


def _answered(block: Captured, profile: Profile) -> tuple[Request, Sequence[int]]:
    """The request, and the words of its exact answer."""
    unit, pdu = split_rtu(block.request)
    width = register_bytes_at(profile, pdu[0], int.from_bytes(pdu[1:3], "big"))
    record_bytes = 0
    if block.archive:  # as many as came: some devices give several records at once
        record_bytes = len(block.answer) - 5
    request = parse_read_request(unit, pdu, width, record_bytes)
    judged = check_rtu(request, block.answer)
    match judged:
        case Damaged(reason):
            raise _UndecodableError(f"not the answer: {reason}")
        case ExceptionAnswer(code):
            raise _UndecodableError(f"exception {code:02d}")
        case _:
            return request, getattr(judged, "words", ())


def _scan(
    block: Captured, profile: Profile, request: Request, words: Sequence[int]
) -> Mapping[str, str]:
    """All points that lie whole in the answer, and the composites that they make."""
    inside = [
        _ordered(point, block.order)
        for point in profile.points
        if point.function == request.function
        and point.register_bytes == request.register_bytes
        and request.address <= point.address
        and point.end <= request.address + request.count
    ]
    raws = {}
    for point in inside:
        at = (point.address - request.address) * point.register_bytes // 2
        raws[point.name] = assemble(point, words[at : at + point.words])
    values = decode_points(inside, list(raws.values()))
    shown = {name: _text(value.number, value.unit) for name, value in values.items()}
    points = {point.name: point for point in inside}
    for composite in profile.composites:
        if all(name in points for name in composite.needs):
            found = count(composite, points, raws)
            shown[composite.name] = _text(found, composite.count_unit)
    return shown


def _record(block: Captured, profile: Profile, words: Sequence[int]) -> Mapping[str, str]:
    """The first record of the answer."""
    archive = next((one for one in profile.archives if one.name == block.archive), None)
    if archive is None:
        raise _UndecodableError(f"{profile.id} has no archive {block.archive!r}")
    try:
        values = decode_record(archive.fields, record_words(archive, words)[0])
    except ValueError as error:
        raise _UndecodableError(str(error)) from error
    shown = {name: _text(value.number, value.unit) for name, value in values.items()}
    if archive.clock is not None:
        moment = decode_clock(archive.clock, {n: value.number for n, value in values.items()})
        shown["clock"] = "none" if moment is None else str(moment)
    return shown


def _ordered(point: Point, order: str) -> Point:
    for known in ORDERS:
        if order == known and point.type in FLOATS:
            return replace(point, order=known)
    return point


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def _text(number: float | None, unit: str) -> str:
    if number is None:
        return "none"
    return f"{number} {unit}".rstrip()


def _agrees(decoded: str, printed: str) -> bool:
    """To the digits that were printed."""
    if not printed or decoded == printed:
        return True
    try:
        meant = Decimal(printed)
        number = float(decoded.split(" ")[0])
    except (InvalidOperation, ValueError):
        return False
    exponent = meant.as_tuple().exponent
    if not math.isfinite(number) or not isinstance(exponent, int):
        return False
    step = 10.0 ** min(0, exponent)
    return abs(number - float(meant)) <= step / 2 + _SLACK * abs(number)
