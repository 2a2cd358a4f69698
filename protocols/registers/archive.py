"""Archives inside an instrument: where a record lies, and what its words mean.

| method | a record is read by |
|---|---|
| enron | function 3, address = the table's register, quantity = the record's number: one record |
| events | function 3, address = the log's register: several records, until acknowledged |
| ring | plain reads of a ring buffer: header, then records of a time and 4-byte columns |

A record's fields are points whose address is their first word in the record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from protocols.registers.clock import Clock
from protocols.registers.point import MAX_ADDRESS, Point

METHODS: Final = ("enron", "events", "ring")
MAX_FIELDS: Final = 64
MAX_RECORDS: Final = 100_000
BANK_REGISTERS: Final = 0x8000
"""Ring memories are addressed in bytes: a bank of 64 KiB has 32768 registers."""


@dataclass(frozen=True, slots=True)
class Ring:
    """How a ring buffer describes itself: the points that tell its size and columns.

    The header begins with the columns' ids, a byte each; records follow `header_registers` later.
    """

    header_registers: int
    size_points: tuple[str, ...]  # the product of their values is the number of records
    width_point: str  # how many columns a record has
    columns: tuple[tuple[int, str], ...]  # id -> the point whose value it holds


@dataclass(frozen=True, slots=True)
class Archive:
    """One log of the instrument, oldest record overwritten first.

    `newest_point` tells the newest record (a ring: the one that is written next; empty: no register
    is known that does). Records are
    numbered `first_record` .. `first_record` + `capacity` - 1; a ring's capacity is its size
    points'. `period_s` is 0 for events.
    """

    name: str
    method: str
    address: int
    newest_point: str
    period_s: int
    fields: tuple[Point, ...] = ()
    clock: Clock | None = None  # over the fields' names
    function: int = 3
    capacity: int = 0
    first_record: int = 1
    acknowledge: int = 0  # the function that takes the events off the log
    ring: Ring | None = None
    note: str = ""

    @property
    def record_words(self) -> int:
        """16-bit words of one record; 0 for a ring, whose width is read from the device."""
        return max((field.address + field.words for field in self.fields), default=0)


class Span(NamedTuple):
    """Registers of one bank, read by one request."""

    bank: int
    address: int
    registers: int


def archive_faults(archive: Archive) -> list[str]:
    """What is wrong with an archive by itself."""
    faults = []
    if archive.method not in METHODS:
        faults.append(f"method {archive.method[:40]!r}: must be one of {', '.join(METHODS)}")
    if archive.function not in (3, 4) or not 0 <= archive.address <= MAX_ADDRESS:
        faults.append("function must be 3 or 4, address within 0..65535")
    if not 0 <= archive.period_s <= 31 * 86_400:
        faults.append("period_seconds: must be 0 (events) up to a month")
    if (archive.method == "ring") != (archive.ring is not None):
        faults.append("ring: needed by the method ring, and by no other")
    if archive.ring is None and not archive.fields:
        faults.append("fields: a record has at least one")
    if not 0 <= archive.capacity <= MAX_RECORDS or not 0 <= archive.first_record <= 0xFFFF:
        faults.append(f"capacity: must be 0..{MAX_RECORDS}, first_record 0..65535")
    if archive.acknowledge not in (0, 5):
        faults.append("acknowledge: must be function 5, or 0 for none")
    names = {field.name for field in archive.fields}
    if len(names) != len(archive.fields) or len(archive.fields) > MAX_FIELDS:
        faults.append(f"fields: at most {MAX_FIELDS}, none twice")
    if archive.clock and archive.fields and not set(archive.clock.points) <= names:
        faults.append("clock: its points must be fields of the record")
    return faults


def record_words(archive: Archive, data: Sequence[int]) -> list[Sequence[int]]:
    """The words of each record of an answer. ValueError where they are no whole records."""
    size = archive.record_words
    if not data or len(data) % size or (archive.method == "enron" and len(data) != size):
        raise ValueError(f"{archive.name}: {len(data)} words are no records of {size}")
    return [data[at : at + size] for at in range(0, len(data), size)]


def ring_fields(ring: Ring, ids: Sequence[int], points: Mapping[str, Point]) -> tuple[Point, ...]:
    """The fields of a ring's record: the time, then a column for each id.

    A column whose id is unknown is left out; nobody can say what it means.
    """
    fields = [Point("time", 3, 0, "u48", kind="clock")]
    known = dict(ring.columns)
    for number, id_ in enumerate(ids):
        point = points.get(known.get(id_, ""))
        if point is not None and point.words == 2:
            fields.append(_moved(point, 3 + 2 * number))
    return tuple(fields)


def ring_spans(archive: Archive, number: int, columns: int) -> tuple[Span, ...]:
    """Where record `number` (0-based) of a ring with so many columns lies; two where banks meet."""
    assert archive.ring is not None
    size = 3 + 2 * columns
    first = archive.address + archive.ring.header_registers + number * size
    spans = []
    while size:
        bank, address = divmod(first, BANK_REGISTERS)
        count = min(size, BANK_REGISTERS - address)
        spans.append(Span(bank, address, count))
        first, size = first + count, size - count
    return tuple(spans)


def _moved(point: Point, address: int) -> Point:
    return Point(
        point.name, 3, address, point.type, point.order, point.unit, point.scale, point.kind
    )
