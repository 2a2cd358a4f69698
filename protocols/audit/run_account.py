"""The account of one meter run over a range: the chain of its records, and the first law.

Each record opens with what the one before it handed over; each total goes on where it stood; and
over each segment of each total: last index - first index = main + error + quarantined - reverse.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

from protocols.metering.carry import Carry
from protocols.metering.instant import Instant
from protocols.metering.interval import IntervalRecord, TotalRecord
from protocols.metering.run_config import RunConfig

MAX_SEGMENTS: Final = 4096  # of all totals of a run in one account


class Place(NamedTuple):
    """Where a record stands: ``epoch`` is the one that its telemetry seqs count in."""

    epoch: int
    seq: int


@dataclass(slots=True)
class Segment:
    """One segment of one total: first and last index, and what was booked between, in counts."""

    start: int
    end: int
    moved: int = 0
    booked: int = 0
    main: int = 0
    error: int = 0

    def fault(self) -> str | None:
        """What contradicts the first law over the segment; None where it holds.

        ``moved`` leads from ``start`` to ``end`` however the records lie: a jump between two of
        them is in it, and booked by none.
        """
        if self.moved != self.booked:
            return f"moved {self.moved} counts, booked {self.booked}"
        return None


@dataclass(slots=True)
class RunAccount:
    """What a run's records in the range come to. Volumes in cm3, as recorded."""

    run: str
    meter_serial: str = ""
    line_exponent: int = 0
    base_exponent: int = 0
    intervals: int = 0
    remade: int = 0
    unproven: int = 0
    line_main_cm3: int = 0
    line_error_cm3: int = 0
    base_main_cm3: int = 0
    base_error_cm3: int = 0
    begin: Instant | None = None
    end: Instant | None = None
    segments: dict[tuple[str, int], Segment] = field(default_factory=dict)
    _last: IntervalRecord | None = None
    _place: Place | None = None
    _handed: Carry | None = None
    _configured: bool = False

    def configure(self) -> None:
        """A configuration of the run came: its next record may begin anew."""
        self._configured = True

    def take(
        self, place: Place, record: IntervalRecord, config: RunConfig | None, handed: Carry | None
    ) -> list[str]:
        """Book one record; what is wrong with it. ``handed``: its remake's carry, where proven."""
        faults = self._chain(place, record)
        for total in record.totals:
            faults += self._total(total, config)
        self.intervals += 1
        self.remade += handed is not None
        self.unproven += handed is None
        self.line_main_cm3 += record.line_main_cm3
        self.line_error_cm3 += record.line_error_cm3
        self.base_main_cm3 += record.base_main_cm3
        self.base_error_cm3 += record.base_error_cm3
        if config is not None:
            self.meter_serial = config.meter_serial
            self.line_exponent, self.base_exponent = config.line_exponent, config.base_exponent
        self.begin = self.begin or record.start
        self.end = record.end
        self._last, self._place, self._handed = record, place, handed
        self._configured = False
        return faults

    def law_faults(self) -> list[str]:
        """What contradicts the first law over the range."""
        return [
            f"{point} segment {number}: {fault}"
            for (point, number), segment in self.segments.items()
            if (fault := segment.fault()) is not None
        ]

    def seams(self) -> Iterator[tuple[str, int, int]]:
        """(Point, where it stood, where it began again) between its segments: nobody saw what
        passed there, if anything did, or it is another meter."""
        for point in dict.fromkeys(point for point, _ in self.segments):
            of_point = [one for (name, _), one in sorted(self.segments.items()) if name == point]
            for before, after in pairwise(of_point):
                if before.end != after.start:
                    yield point, before.end, after.start

    def _chain(self, place: Place, record: IntervalRecord) -> list[str]:
        """Whether the record opens with what was handed over."""
        last, before = self._last, self._place
        if last is None or before is None:
            return []
        if record.part:
            if record.part != last.part + 1 or record.carry != last.carry:
                return [f"part {record.part} of a gap does not follow part {last.part}"]
            return []
        if last.part + 1 < last.parts:
            return [f"part {last.part + 1} of {last.parts} of the gap before it is missing"]
        if self._configured or self._handed is None:
            return []
        expected, found = self._handed, record.carry
        if before.epoch != place.epoch:  # the numbers of telemetry begin again
            expected, found = expected._replace(next_seq=0), found._replace(next_seq=0)
        if expected == found:
            return []
        names = [
            f"{name} {theirs!r:.80} instead of {ours!r:.80}"
            for name, ours, theirs in zip(Carry._fields, expected, found, strict=True)
            if ours != theirs
        ]
        return [f"does not open with what leaf {before.seq} handed over: {'; '.join(names)}"]

    def _total(self, total: TotalRecord, config: RunConfig | None) -> list[str]:
        faults = []
        numbers = [number for point, number in self.segments if point == total.point]
        known = () if config is None else config.totals
        modulus = next((one.modulus for one in known if one.point == total.point), None)
        moved = total.booked if modulus is None else total.moved(modulus)
        if moved != total.booked:
            faults.append(f"{total.point}: moved {moved} counts, booked {total.booked}")
        if numbers and total.segment < max(numbers):
            faults.append(f"{total.point}: segment {total.segment} after {max(numbers)}")
        segment = self.segments.get((total.point, total.segment))
        if segment is None:
            if len(self.segments) >= MAX_SEGMENTS:
                return [*faults, f"{total.point}: more than {MAX_SEGMENTS} segments"]
            segment = Segment(total.start, total.start)
            self.segments[total.point, total.segment] = segment
        elif segment.end != total.start:
            faults.append(f"{total.point}: opens at {total.start}, stood at {segment.end}")
            segment.moved += total.start - segment.end
        segment.end = total.end
        segment.moved += moved
        segment.booked += total.booked
        segment.main += total.main
        segment.error += total.error
        return faults
