"""One record out of a device's archive, as it travels: its words as read, and whose it is.

With the record's map (a register map whose addresses are places in the record) anybody decodes it
again. It belongs to a gap in a meter's scans and says what the device noted meanwhile; it is
evidence beside the estimate, and never volume.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from protocols.registers.clock import Clock, clock_faults, decode_clock
from protocols.registers.codec import Value, assemble, decode_scan
from protocols.registers.composite import Composite
from protocols.registers.point import Point, name_is_valid
from protocols.registers.register_map import RegisterMap

VERSION: Final = 1
MAX_RECORD_WORDS: Final = 256
MAX_NUMBER: Final = 0xFFFF
MAX_PERIOD_S: Final = 31 * 86_400
MAX_DEVICE_S: Final = 4_102_444_799  # the end of 2099: what a device's clock may show
MAX_UTC_MS: Final = 1000 * MAX_DEVICE_S + 999
_OFFSETS: Final = (-(1 << 48), 1 << 48)
MAX_SEQ: Final = (1 << 48) - 1
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - the device's own time


class Gap(NamedTuple):
    """A stretch without a meter scan: the seq of its event in the billing log, its run and ends."""

    seq: int
    run: str
    start_utc_ms: int
    end_utc_ms: int


class ArchiveRecord(NamedTuple):
    """`device_s`: seconds since 1970 by the device's own clock, in its own zone.

    `offset_ms`: that clock less UTC, as measured when the record was read; None where it could not
    be. `utc_ms`: the device's time less the offset; None where UTC was not known. `period_s`: what
    a record covers, 0 where it is a setting. `words`: 16 bits each, as they came.
    """

    archive: str
    number: int
    device_s: int
    utc_ms: int | None
    offset_ms: int | None
    period_s: int
    clock: Clock
    gap: Gap
    words: tuple[int, ...]

    def to_body(self) -> tuple[Any, ...]:
        """Integers, texts, None and tuples; the order of the fields is the contract."""
        clock = (self.clock.format, self.clock.points, self.clock.zone)
        return (VERSION, *self[:6], clock, tuple(self.gap), self.words)

    @classmethod
    def from_body(cls, body: object) -> ArchiveRecord:
        """The inverse of `to_body`; raises ValueError for anything that it could not have made."""
        match body:
            case (
                int(version),
                str(archive),
                int(number),
                int(device_s),
                int() | None as utc_ms,
                int() | None as offset_ms,
                int(period_s),
                (str(format_), tuple(points), str(zone)),
                (int(seq), str(run), int(start_ms), int(end_ms)),
                tuple(words),
            ) if type(version) is int and version == VERSION:
                clock = Clock(format_, points, zone)
                gap = Gap(seq, run, start_ms, end_ms)
            case _:
                raise ValueError("archive record: not the nine fields of version 1")
        record = cls(archive, number, device_s, utc_ms, offset_ms, period_s, clock, gap, words)
        record.check()
        return record

    def check(self) -> None:
        """Raises ValueError for the first field that is out of its range."""
        clock_good = all(type(name) is str for name in self.clock.points)
        faults = [] if clock_good else ["clock: its points are names"]
        faults += clock_faults(self.clock) if clock_good else []
        if not name_is_valid(self.archive):
            faults.append("archive: no name of one")
        for name, value, low, high in (
            ("number", self.number, 0, MAX_NUMBER),
            ("device_s", self.device_s, 0, MAX_DEVICE_S),
            ("utc_ms", 0 if self.utc_ms is None else self.utc_ms, 0, MAX_UTC_MS),
            ("offset_ms", 0 if self.offset_ms is None else self.offset_ms, *_OFFSETS),
            ("period_s", self.period_s, 0, MAX_PERIOD_S),
            ("gap.seq", self.gap.seq, 0, MAX_SEQ),
            ("gap.start_utc_ms", self.gap.start_utc_ms, 0, self.gap.end_utc_ms),
            ("gap.end_utc_ms", self.gap.end_utc_ms, 0, MAX_UTC_MS),
        ):
            if type(value) is not int or not low <= value <= high:
                faults.append(f"{name}: {value!r} is not within {low}..{high}")
        if not 1 <= len(self.words) <= MAX_RECORD_WORDS or any(
            type(word) is not int or not 0 <= word <= 0xFFFF for word in self.words
        ):
            faults.append(f"words: must be 1..{MAX_RECORD_WORDS} of 16 bits")
        if faults:
            raise ValueError(f"archive record: {faults[0]}")


def record_map(
    profile_id: str, fields: Sequence[Point], composites: Sequence[Composite] = ()
) -> RegisterMap:
    """The map of a record with these fields; a total is in it where all its parts are."""
    once = {field.name: field for field in reversed(fields)}
    kept = tuple(field for field in fields if once[field.name] is field)
    totals = tuple(one for one in composites if set(one.needs) <= once.keys())
    return RegisterMap(profile_id, kept, totals)


def decode_words(map_: RegisterMap, words: Sequence[int]) -> dict[str, Value]:
    """All values of a record by name. ValueError where it is shorter than its map says."""
    raws = [assemble(p, words[p.address : p.address + p.words]) for p in map_.points]
    return decode_scan(map_, raws)


def device_time(clock: Clock, map_: RegisterMap, words: Sequence[int]) -> int | None:
    """What the record's own clock shows, in seconds since 1970; None where it shows no date."""
    numbers = {name: value.number for name, value in decode_words(map_, words).items()}
    moment = decode_clock(clock, numbers)
    return None if moment is None else seconds_of(moment)


def seconds_of(moment: datetime) -> int:
    """Of a moment without a zone, since 1970 in the same zone."""
    return (moment - _EPOCH) // timedelta(seconds=1)


def moment_of(seconds: int) -> datetime:
    """The inverse of `seconds_of`."""
    return _EPOCH + timedelta(seconds=seconds)
