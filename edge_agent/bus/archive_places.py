"""How the records of a device's archive lie, and how one is read. No I/O here.

Records by number (Enron) or in a ring of registers over banks of unit ids; where an archive does
not tell its newest record, that is searched by the times in them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from math import prod
from typing import Final, NamedTuple, TypeVar

from edge_agent.bus.device_reading import Procedure, Reach, read_points
from edge_agent.bus.joining import BUSY, Failed, failure
from edge_agent.bus.link import Answer, NoAnswer
from protocols.metering.quality import Quality
from protocols.modbus.answer import Damaged, ExceptionAnswer, Registers
from protocols.modbus.frames import MAX_COUNT, MAX_DATA, Request
from protocols.registers.archive import MAX_RECORDS, Archive, ring_fields, ring_spans
from protocols.registers.archive_record import MAX_RECORD_WORDS, device_time, record_map
from protocols.registers.archive_walk import MAX_RECORDS as MAX_NUMBER
from protocols.registers.archive_walk import Look, Numbering, find_newest
from protocols.registers.register_map import RegisterMap

_T = TypeVar("_T")
MAX_TRIES: Final = 2
"""One lost answer must not cost the whole search."""


class Shape(NamedTuple):
    """How the records of one archive lie; `numbering` None: it does not tell its newest."""

    archive: Archive
    map: RegisterMap
    columns: int
    numbering: Numbering | None


def archive_points(archives: Sequence[Archive]) -> tuple[str, ...]:
    """The points that tell where records lie."""
    names = [archive.newest_point for archive in archives if archive.newest_point]
    for archive in archives:
        if archive.ring is not None:
            names += [*archive.ring.size_points, archive.ring.width_point]
    return tuple(dict.fromkeys(names))


# ---- where the records lie ----------------------------------------------------------------------


def shape_of(to: Reach, archive: Archive) -> Procedure[Shape | Failed | None]:
    """None: the archive is empty."""
    if archive.ring is not None:
        return (yield from _ring_shape(to, archive))
    shape = Shape(archive, record_map(to.device.profile.id, archive.fields), 0, None)
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
    numbering = yield from look_at(to, shape, find_newest(archive.first_record, MAX_NUMBER))
    if isinstance(numbering, Failed) or numbering is None:
        return numbering
    return shape._replace(numbering=numbering)


def _ring_shape(to: Reach, archive: Archive) -> Procedure[Shape | Failed]:
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
    return Shape(archive, map_, columns, Numbering(0, size, (next_ - 1) % size))


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


def look_at(
    to: Reach,
    shape: Shape,
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


def _record(to: Reach, shape: Shape, number: int) -> Procedure[tuple[int, ...] | Failed | None]:
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
