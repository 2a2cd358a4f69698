"""Archives of a served device: records of hours and days that it has already lived through.

A record is a pure function of its own time, so that whoever reads it late reads the same.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from protocols.registers.archive import BANK_REGISTERS, ring_fields
from protocols.registers.clock import encode_clock
from protocols.registers.codec import disassemble, encode
from protocols.registers.point import Point, point_limits
from simulators.plausible import RATE_PER_S, Now, usual

if TYPE_CHECKING:
    from collections.abc import Sequence

    from protocols.registers.archive import Archive
    from protocols.registers.profile import Profile
    from simulators.plausible import Plausible

PERIOD_S: Final = 3600  # where the profile says that it is a setting
CAPACITY: Final = 48
COLUMNS: Final = 6
_MS: Final = 1000


class ServedArchive:
    """One archive of one device: its pointer, and its records by number or by address."""

    def __init__(self, profile: Profile, archive: Archive, values: Plausible) -> None:
        self.archive = archive
        self._points = {point.name: point for point in profile.points}
        self._values = values
        self._period_ms = (archive.period_s or PERIOD_S) * _MS
        self._capacity = archive.capacity or CAPACITY
        self._columns: list[int] = []
        self._fields = archive.fields
        if archive.ring is not None:
            known = [
                number
                for number, name in archive.ring.columns
                if name in self._points and self._points[name].words == 2
            ]
            self._columns = known[:COLUMNS]
            self._fields = ring_fields(archive.ring, self._columns, self._points)
        self._words = max((field.address + field.words for field in self._fields), default=0)

    def constants(self) -> dict[str, int]:
        """What the points say that describe a ring."""
        ring = self.archive.ring
        if ring is None:
            return {}
        first, *others = ring.size_points
        return {
            first: self._capacity,
            **dict.fromkeys(others, 1),
            ring.width_point: len(self._columns),
        }

    def pointer(self, now: Now) -> int:
        """The newest record's number; of a ring, that of the one that is written next."""
        latest = now.utc_ms // self._period_ms
        if self.archive.ring is not None:
            return (latest + 1) % self._capacity
        return self.archive.first_record + latest % self._capacity

    def record(self, number: int, now: Now) -> list[int] | None:
        """The words of a record; None where the number is none."""
        place = number - self.archive.first_record
        if not 0 <= place < self._capacity:
            return None
        return self._record_at(place, now)

    def registers(self, first: int, count: int, now: Now) -> list[int] | None:
        """A stretch of a ring's memory by absolute register; None where it leaves it."""
        ring = self.archive.ring
        begin = first - self.archive.address
        if ring is None or begin < 0:
            return None
        if begin + count > ring.header_registers + self._capacity * self._words:
            return None
        memory = self._header(ring.header_registers)
        least = max(0, (begin - ring.header_registers) // self._words)
        most = (begin + count - ring.header_registers) // self._words + 1
        body: list[int] = []
        for place in range(least, min(most, self._capacity)):
            body += self._record_at(place, now)
        shift = ring.header_registers + least * self._words
        return [
            memory[at] if at < ring.header_registers else body[at - shift]
            for at in range(begin, begin + count)
        ]

    @property
    def last_bank(self) -> int:
        """The bank in which a ring's memory ends."""
        ring = self.archive.ring
        if ring is None:
            return 0
        end = self.archive.address + ring.header_registers + self._capacity * self._words
        return (end - 1) // BANK_REGISTERS

    def _header(self, registers: int) -> list[int]:
        data = bytes(self._columns).ljust(2 * registers, b"\xff")
        return [int.from_bytes(data[at : at + 2], "big") for at in range(0, 2 * registers, 2)]

    def _record_at(self, place: int, now: Now) -> list[int]:
        """The latest record that was written there."""
        latest = now.utc_ms // self._period_ms
        written = latest - (latest - place) % self._capacity
        utc_ms = written * self._period_ms
        elapsed_ms = max(0, now.elapsed_ms - (now.utc_ms - utc_ms))
        return self._record(Now(elapsed_ms, elapsed_ms, utc_ms))

    def _record(self, then: Now) -> list[int]:
        words = [0] * self._words
        for field in self._fields:
            at = field.address
            words[at : at + field.words] = disassemble(field, self._raw(field, then))
        return words

    def _raw(self, field: Point, then: Now) -> int:
        clock = self.archive.clock
        if clock is not None and field.name in clock.points:
            moment = datetime.fromtimestamp(then.utc_ms / _MS, UTC).replace(tzinfo=None)
            return encode(field, encode_clock(clock, moment)[field.name])
        point = self._points.get(field.name)
        if point is not None and point.type == field.type:
            return self._values.raw(field.name, then)
        low, high = point_limits(field)
        if field.type[0] in "ui":
            return min(max(1, low), high)
        a_period = RATE_PER_S * self._period_ms / _MS  # a volume, as much as the totals grow by
        return encode(field, usual(field.unit) or a_period)


def place_in_memory(bank: int, address: int) -> int:
    """The absolute register of a ring's memory."""
    return bank * BANK_REGISTERS + address


def archives_of(profile: Profile, values: Plausible) -> Sequence[ServedArchive]:
    """Those that can be served: records by number, and rings. Event logs are not."""
    return tuple(
        ServedArchive(profile, archive, values)
        for archive in profile.archives
        if archive.method in ("enron", "ring")
    )
