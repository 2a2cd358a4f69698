"""Reads those records of a device's archives that lie in a gap of its scans. No I/O here.

The device's clock is read first: the gap's ends are instants of the gateway, the records have times
of the device. Which records are looked at: `protocols/registers/archive_walk.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from math import prod
from typing import Final, NamedTuple, TypeVar

from edge_agent.device_memory import PendingGap
from edge_agent.device_reading import Procedure, Reach, read_clock, read_points
from edge_agent.device_time import device_s, offset_ms, utc_ms_of
from edge_agent.joining import BUSY, Failed, failure
from edge_agent.link import Answer, NoAnswer
from edge_agent.poller import Now
from protocols.metering.instant import ClockState
from protocols.metering.quality import Quality
from protocols.modbus.answer import Damaged, ExceptionAnswer, Registers
from protocols.modbus.frames import MAX_COUNT, MAX_DATA, Request
from protocols.registers.archive import MAX_RECORDS, Archive, ring_fields, ring_spans
from protocols.registers.archive_record import (
    MAX_RECORD_WORDS,
    ArchiveRecord,
    Gap,
    device_time,
    moment_of,
    record_map,
)
from protocols.registers.archive_walk import Look, Numbering, find_newest, walk
from protocols.registers.register_map import RegisterMap

_T = TypeVar("_T")
MAX_TRIES: Final = 2
"""One lost answer must not cost the whole search."""
MARK_AHEAD_S: Final = 3_600
"""A mark so far ahead of the device's clock is one of before the clock was set back."""


class Taken(NamedTuple):
    """A record that lies in the gap, and the map that decodes it; `now_s`: the device's clock."""

    serial: str
    map: RegisterMap
    record: ArchiveRecord
    now_s: int


class Wanted(NamedTuple):
    """The gap, the zone of the device's clock, and by archive how far it was taken before."""

    gap: PendingGap
    zone: str
    marks: Mapping[str, int]


class _Time(NamedTuple):
    """What was found of the device's clock: its offset, whether it was measured, its time now."""

    offset_ms: int
    measured: bool
    synchronised: bool
    now_s: int


class _Shape(NamedTuple):
    """How the records of one archive lie; `numbering` None: it does not tell its newest."""

    archive: Archive
    map: RegisterMap
    columns: int
    numbering: Numbering | None


def after_mark(mark: int | None, now_s: int) -> int:
    """Only younger records are taken; 0: all, as where the device's clock was set back."""
    return 0 if mark is None or mark > now_s + MARK_AHEAD_S else mark


def archive_points(archives: Sequence[Archive]) -> tuple[str, ...]:
    """The points that tell where records lie."""
    names = [archive.newest_point for archive in archives if archive.newest_point]
    for archive in archives:
        if archive.ring is not None:
            names += [*archive.ring.size_points, archive.ring.width_point]
    return tuple(dict.fromkeys(names))


def archives_of(to: Reach) -> tuple[Archive, ...]:
    """Those that the configuration names."""
    wanted = to.device.archives
    return tuple(one for one in to.device.profile.archives if one.name in wanted)


def read_gap(
    to: Reach, wanted: Wanted, clock: Now, keep: Callable[[Taken], None]
) -> Procedure[int | Failed]:
    """Give every record that lies in the gap to `keep`, oldest first; how many there were."""
    time = yield from _time(to, wanted.zone, clock)
    if isinstance(time, Failed):
        return time
    count = 0
    for archive in archives_of(to):
        shape = yield from _shape(to, archive)
        if isinstance(shape, Failed):
            return _about(archive, shape)
        if shape is None:
            continue
        found = yield from _read_archive(to, shape, wanted, time, keep)
        if isinstance(found, Failed):
            return _about(archive, found)
        count += found
    return count


def _time(to: Reach, zone: str, clock: Now) -> Procedure[_Time | Failed]:
    if to.device.profile.clock is None:
        now = clock.now()
        if now.utc_ms is None:
            return _no_utc()
        return _Time(0, False, True, device_s(now.utc_ms, zone, 0))
    shown = yield from read_clock(to, clock)
    if isinstance(shown, Failed):
        return shown
    if shown.instant.utc_ms is None:
        return _no_utc()
    offset = offset_ms(shown.moment, zone, shown.instant.utc_ms)
    synchronised = shown.instant.clock_state == ClockState.SYNCHRONISED
    return _Time(offset, True, synchronised, device_s(shown.instant.utc_ms, zone, offset))


def _no_utc() -> Failed:
    return Failed(Quality.BAD_NO_ANSWER, "the gateway has no UTC yet to find the gap by")


# ---- where the records lie ----------------------------------------------------------------------


def _shape(to: Reach, archive: Archive) -> Procedure[_Shape | Failed | None]:
    """None: the archive is empty."""
    if archive.ring is not None:
        return (yield from _ring_shape(to, archive))
    shape = _Shape(archive, record_map(to.device.profile.id, archive.fields), 0, None)
    if 2 * archive.record_words > MAX_DATA:
        return Failed(Quality.BAD_CONFIGURATION, "its records are longer than an answer")
    if archive.newest_point and archive.capacity:
        told = yield from _numbers(to, (archive.newest_point,))
        if isinstance(told, Failed):
            return told
        first, newest = archive.first_record, told[0]
        if not first <= newest < first + archive.capacity:
            return _impossible(archive.newest_point, newest)
        return shape._replace(numbering=Numbering(first, archive.capacity, newest))
    numbering = yield from _look(
        to, shape, find_newest(archive.first_record, min(MAX_RECORDS, 0xFFFF))
    )
    if isinstance(numbering, Failed) or numbering is None:
        return numbering
    return shape._replace(numbering=numbering)


def _ring_shape(to: Reach, archive: Archive) -> Procedure[_Shape | Failed]:
    ring, profile = archive.ring, to.device.profile
    assert ring is not None
    names = (ring.width_point, archive.newest_point, *ring.size_points)
    told = yield from _numbers(to, names)
    if isinstance(told, Failed):
        return told
    columns, next_, size = told[0], told[1], prod(told[2:])
    if not 1 <= 3 + 2 * columns <= MAX_RECORD_WORDS:
        return _impossible(ring.width_point, columns)
    if not 1 <= size <= MAX_RECORDS or not 0 <= next_ < size:
        return _impossible(archive.newest_point, next_)
    header = yield from _words(to, archive, archive.address, (columns + 1) // 2)
    if isinstance(header, Failed):
        return header
    ids = [byte for word in header or () for byte in word.to_bytes(2, "big")][:columns]
    points = {point.name: point for point in profile.points}
    map_ = record_map(profile.id, ring_fields(ring, ids, points), profile.composites)
    return _Shape(archive, map_, columns, Numbering(0, size, (next_ - 1) % size))


def _numbers(to: Reach, names: Sequence[str]) -> Procedure[list[int] | Failed]:
    """What points show, as whole numbers."""
    read = yield from read_points(to, names)
    if isinstance(read, Failed):
        return read
    values = read.values
    numbers = [values[name].number for name in names]
    bad = [n for n, number in zip(names, numbers, strict=True) if number is None or number % 1]
    if bad:
        return Failed(Quality.BAD_VALUE, f"{bad[0]} shows no whole number")
    return [int(number) for number in numbers if number is not None]


def _impossible(point: str, shown: int) -> Failed:
    return Failed(Quality.BAD_VALUE, f"{point} shows {shown}, which is no place in its archive")


# ---- records ------------------------------------------------------------------------------------


def _read_archive(
    to: Reach, shape: _Shape, wanted: Wanted, time: _Time, keep: Callable[[Taken], None]
) -> Procedure[int | Failed]:
    assert shape.numbering is not None
    gap, zone = wanted.gap, wanted.zone
    after_s = device_s(gap.start_utc_ms, zone, time.offset_ms)
    until_s = device_s(gap.end_utc_ms, zone, time.offset_ms)
    after_s = max(after_s, after_mark(wanted.marks.get(shape.archive.name), time.now_s))
    count = 0

    def take(number: int, at_s: int, words: tuple[int, ...]) -> None:
        nonlocal count
        if not after_s < at_s <= until_s:
            return
        count += 1
        known = time.measured and time.synchronised
        assert shape.archive.clock is not None
        keep(
            Taken(
                to.device.serial,
                shape.map,
                ArchiveRecord(
                    archive=shape.archive.name,
                    number=number,
                    device_s=at_s,
                    utc_ms=utc_ms_of(moment_of(at_s), zone, time.offset_ms)
                    if time.synchronised
                    else None,
                    offset_ms=time.offset_ms if known else None,
                    period_s=shape.archive.period_s,
                    clock=shape.archive.clock,
                    gap=Gap(gap.seq, gap.run, gap.start_utc_ms, gap.end_utc_ms),
                    words=words,
                ),
                time.now_s,
            )
        )

    failed = yield from _look(to, shape, walk(shape.numbering, after_s, until_s), take)
    return count if failed is None else failed


def _look(
    to: Reach,
    shape: _Shape,
    looks: Generator[Look, int | None, _T],
    take: Callable[[int, int, tuple[int, ...]], None] = lambda *_: None,
) -> Procedure[_T | Failed]:
    """Read what a search wants to look at, until it ends."""
    assert shape.archive.clock is not None
    try:
        look = next(looks)
        while True:
            words = yield from _record(to, shape, look.number)
            if isinstance(words, Failed):
                return words
            at_s = None if words is None else device_time(shape.archive.clock, shape.map, words)
            if look.taking and words is not None and at_s is not None:
                take(look.number, at_s, words)
            look = looks.send(at_s)
    except StopIteration as end:
        found: _T = end.value
        return found


def _record(to: Reach, shape: _Shape, number: int) -> Procedure[tuple[int, ...] | Failed | None]:
    """The words of a record; None where the device says that there is none."""
    archive = shape.archive
    if archive.ring is None:
        size = 2 * archive.record_words
        request = Request(
            to.device.unit,
            archive.function,
            archive.address + to.how.shift,
            number,
            record_bytes=size,
        )
        return (yield from _ask(request))
    words: list[int] = []
    for span in ring_spans(archive, number, shape.columns):
        part = yield from _words(to, archive, span.address, span.registers, span.bank)
        if isinstance(part, Failed) or part is None:
            return part
        words += part
    return tuple(words)


def _words(
    to: Reach, archive: Archive, address: int, count: int, bank: int = 0
) -> Procedure[tuple[int, ...] | Failed | None]:
    """A stretch of registers, by as many requests as the device's limits want."""
    profile = to.device.profile
    if bank >= profile.banks:  # the unit id behind may be another device's
        return Failed(
            Quality.BAD_CONFIGURATION,
            f"a record lies on unit id {to.device.unit + bank}, its profile has {profile.banks}",
        )
    most = min(profile.max_registers, profile.limits.max_data_bytes // 2, MAX_COUNT)
    words: tuple[int, ...] = ()
    while count:
        size = min(count, most)
        unit, first = to.device.unit + bank, address + to.how.shift
        part = yield from _ask(Request(unit, archive.function, first, size))
        if isinstance(part, Failed) or part is None:
            return part
        words += part
        address, count = address + size, count - size
    return words


def _ask(request: Request) -> Procedure[tuple[int, ...] | Failed | None]:
    answer: Answer | None = None
    for _ in range(MAX_TRIES):
        answer = yield request
        if not isinstance(answer, NoAnswer | Damaged):
            break
    match answer:
        case Registers(words):
            return words
        case ExceptionAnswer(code) if code != BUSY:
            return None
        case None:
            raise AssertionError
        case _:
            return failure(answer)


def _about(archive: Archive, failed: Failed) -> Failed:
    return failed._replace(detail=f"archive {archive.name}: {failed.detail}")
