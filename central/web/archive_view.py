"""A run's gaps with what the device's archive says of them, for the page and as CSV."""

import csv
import io
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from sqlalchemy import Connection

from central.ledger import queries
from central.ledger.archives import ArchiveRow, ArchiveValue, GapArchive, gap_archives
from central.ledger.periods import TooManyIntervals
from central.ledger.rows import IntervalRow
from central.web import numbers
from central.web.csv_file import BYTE_ORDER_MARK, MAX_ROWS, as_text
from central.web.instants import wall_clock_ms, zone_of

SHOWN_GAPS = 5
SHOWN_RECORDS = 200
SHOWN_VALUES = 6
GAP_INTERVALS = 4096

HEAD = (
    "gateway", "run", "gap_event", "gap_start_utc", "gap_end_utc", "gap_line_m3", "verdict",
    "source", "serial", "archive", "record", "device_time", "utc", "clock_offset_s",
    "estimated_line_m3", "name", "value", "unit",
)  # fmt: skip
SOURCE = "device's archive"


class ShownRecord(NamedTuple):
    """A record, and what the intervals of its time say by the index; None where none ends in it."""

    row: ArchiveRow
    estimated_cm3: int | None
    figures: str


class ShownGap(NamedTuple):
    """One gap and one archive."""

    gap: GapArchive
    records: tuple[ShownRecord, ...]


def shown_gaps(
    conn: Connection, gateway: str, run: str, most_gaps: int | None, most_records: int
) -> list[ShownGap]:
    """The newest gaps that an archive told of, each record beside the estimate of its time.

    Raises TooManyIntervals: gaps are what a gateway says, and any number of them may overlap.
    """
    found = gap_archives(conn, gateway, run, most_records)[:most_gaps]
    shown, read = [], 0
    for gap in found:
        intervals = queries.intervals(
            conn, gateway, run, gap.start_utc_ms, gap.end_utc_ms, GAP_INTERVALS
        )
        read += len(intervals)
        if read > MAX_ROWS:
            raise TooManyIntervals(f"more than {MAX_ROWS} intervals in the gaps of the archives")
        shown.append(_shown(gap, intervals))
    return shown


def _shown(gap: GapArchive, intervals: Sequence[IntervalRow]) -> ShownGap:
    timed = sorted(
        (one.end_utc_ms, one.line_main_cm3 + one.line_error_cm3)
        for one in intervals
        if one.end_utc_ms is not None
    )
    ends = [end_ms for end_ms, _ in timed]
    sums = list(accumulate((cm3 for _, cm3 in timed), initial=0))
    records = []
    after = bisect_right(ends, gap.start_utc_ms)
    for row in gap.records:
        estimated = None
        if row.utc_ms is not None:
            upto = bisect_right(ends, row.utc_ms)
            estimated = sums[upto] - sums[after] if upto > after else None
            after = upto
        figures = ", ".join(map(_figure, row.values[:SHOWN_VALUES]))
        records.append(ShownRecord(row, estimated, figures))
    return ShownGap(gap, tuple(records))


def _figure(value: ArchiveValue) -> str:
    """`vm 12.5 m3`; nine digits show a float32 whole."""
    number = "–" if value.number is None else f"{value.number:.9g}"
    return f"{value.name} {number} {value.unit}".rstrip()


def archives_csv(gaps: Iterable[ShownGap]) -> str:
    """A line for each figure of each record."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(HEAD)
    utc = zone_of("UTC")
    for gap, records in gaps:
        for record in records:
            row = record.row
            head = (
                as_text(gap.gateway),
                as_text(gap.run),
                gap.gap_seq,
                wall_clock_ms(gap.start_utc_ms, utc),
                wall_clock_ms(gap.end_utc_ms, utc),
                _m3(gap.gap_cm3),
                gap.verdict,
                SOURCE,
                as_text(row.serial),
                as_text(row.archive),
                row.number,
                row.device_time,
                wall_clock_ms(row.utc_ms, utc),
                "" if row.offset_ms is None else row.offset_ms / 1000,
                _m3(record.estimated_cm3),
            )
            for value in row.values:
                shown = "" if value.number is None else f"{value.number:.9g}"
                if type(value.number) is int:
                    shown = f"{value.number}"
                writer.writerow((*head, as_text(value.name), shown, as_text(value.unit)))
    return BYTE_ORDER_MARK + file.getvalue()


def _m3(cm3: int | None) -> str:
    return "" if cm3 is None else numbers.exact(cm3, numbers.VOLUME_DIGITS)
