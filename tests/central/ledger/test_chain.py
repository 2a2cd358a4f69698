"""The chain of a run's records, as tables."""

from types import SimpleNamespace

import pytest

from central.ledger.chain import Closing, law_fault, range_break, total_breaks
from protocols.metering.interval import TotalRecord


def record(first, end, part=0, parts=1):
    return SimpleNamespace(telemetry_first=first, telemetry_end=end, part=part, parts=parts)


@pytest.mark.parametrize(
    ("before", "now", "broken"),
    [
        (None, record(5, 9), False),
        (None, record(5, 9, 1, 3), True),
        (Closing(1, 0, 5, 0, 1), record(5, 9), False),
        (Closing(1, 0, 5, 0, 1), record(6, 9), True),
        (Closing(1, 0, 5, 0, 1), record(4, 9), True),
        (Closing(1, 0, 5, 0, 1), record(5, 9, 1, 2), True),
        (Closing(1, 0, 5, 0, 3), record(0, 5, 1, 3), False),
        (Closing(1, 0, 5, 0, 3), record(0, 5, 2, 3), True),
        (Closing(1, 0, 5, 0, 3), record(5, 9), True),
        (Closing(1, 0, 5, 0, 3), record(0, 6, 1, 3), True),
        (Closing(1, 0, 5, 2, 3), record(5, 9), False),
    ],
)
def test_telemetry_ranges_tile(before, now, broken):
    """Each record begins where the last ended."""
    assert (range_break(before, now, configured=False) is not None) is broken


@pytest.mark.parametrize(
    ("now", "broken"),
    [
        (record(5, 9), False),
        (record(8, 9), False),
        (record(4, 9), True),
        (record(5, 9, 1, 2), True),
    ],
)
def test_a_configuration_begins_with_the_scans_that_follow_it(now, broken):
    """Scans may be left out there, but none is counted twice."""
    before = Closing(1, 0, 5, 0, 1)
    assert (range_break(before, now, configured=True) is not None) is broken


def total(segment, start, end, point="vm"):
    return TotalRecord(point, segment, start, end, 0, 0, 0)


@pytest.mark.parametrize(
    ("last", "totals", "broken"),
    [
        ({}, [total(0, 7, 9)], []),
        ({"vm": (0, 7)}, [total(0, 7, 9)], []),
        ({"vm": (0, 7)}, [total(0, 8, 9)], [0]),
        ({"vm": (0, 7)}, [total(1, 0, 9)], []),
        ({"vm": (1, 7)}, [total(0, 7, 9)], [0]),
        ({"vm": (0, 7)}, [total(0, 7, 9), total(1, 0, 3), total(2, 1, 1)], []),
        ({"vm": (0, 7)}, [total(0, 7, 9), total(1, 0, 3), total(0, 9, 9)], [2]),
        ({"vm": (0, 7)}, [total(0, 7, 9), total(0, 5, 5, "vb")], []),
        ({"vm": (0, 7), "vb": (0, 4)}, [total(0, 7, 9), total(0, 5, 5, "vb")], [1]),
    ],
)
def test_indexes_go_on_where_they_stood(last, totals, broken):
    """An opening is the closing before it, unless a new segment begins."""
    assert [position for position, _ in total_breaks(last, tuple(totals))] == broken


@pytest.mark.parametrize(
    ("booked", "moved", "holds"),
    [((3, 2, 1), 6, True), ((3, 2, 1), 5, False), ((0, 0, 0), 0, True), ((3, 2, 1), 7, False)],
)
def test_what_moved_was_booked(booked, moved, holds):
    """main + error + quarantined is what the index moved, to the count."""
    assert (law_fault(TotalRecord("vm", 0, 0, 0, *booked), moved) is None) is holds
