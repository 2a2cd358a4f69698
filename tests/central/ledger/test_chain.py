"""The chain of a run's records, as tables."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.ledger.chain import (
    Closing,
    Joint,
    Opening,
    Stood,
    between_counts,
    law_fault,
    openings,
    range_break,
)
from protocols.metering.interval import TotalRecord

PLAIN = Joint(0)


def record(first, end, part=0, parts=1):
    return SimpleNamespace(telemetry_first=first, telemetry_end=end, part=part, parts=parts)


def closing(first, end, part=0, parts=1, scans_epoch=0):
    return Closing(0, 1, scans_epoch, first, end, part, parts)


@pytest.mark.parametrize(
    ("before", "now", "broken"),
    [
        (None, record(5, 9), False),
        (None, record(5, 9, 1, 3), True),
        (closing(0, 5), record(5, 9), False),
        (closing(0, 5), record(6, 9), True),
        (closing(0, 5), record(4, 9), True),
        (closing(0, 5), record(5, 9, 1, 2), True),
        (closing(0, 5, 0, 3), record(0, 5, 1, 3), False),
        (closing(0, 5, 0, 3), record(0, 5, 2, 3), True),
        (closing(0, 5, 0, 3), record(5, 9), True),
        (closing(0, 5, 0, 3), record(0, 6, 1, 3), True),
        (closing(0, 5, 2, 3), record(5, 9), False),
    ],
)
def test_telemetry_ranges_tile(before, now, broken):
    """Each record begins where the last ended; where records between are lost, nobody can tell."""
    assert (range_break(before, now, 0, PLAIN) is not None) is broken
    assert range_break(before, now, 0, PLAIN._replace(is_lossy=True)) is None


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
    found = range_break(closing(0, 5), now, 0, PLAIN._replace(is_configured=True))
    assert (found is not None) is broken


@pytest.mark.parametrize(
    ("before", "now", "broken"),
    [
        (closing(0, 500), record(7, 9), False),
        (closing(0, 500), record(7, 9, 1, 2), True),
        (closing(0, 500, 0, 2), record(7, 9), True),
        (closing(0, 500, 0, 2), record(0, 500, 1, 2), True),
    ],
)
def test_a_later_epoch_numbers_its_scans_anew(before, now, broken):
    """Numbers of two epochs are not compared, but no gap may stay without its parts."""
    assert (range_break(before, now, 1, Joint(1, is_seam=True)) is not None) is broken


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
    stood = {point: Stood(*at, 0) for point, at in last.items()}
    found = openings(stood, tuple(totals), PLAIN, {"vm": 100, "vb": 100}.get)
    assert [at for at, one in enumerate(found) if one.is_broken] == broken
    assert [at for at, one in enumerate(found) if one.fault is not None] == broken


LOSSY = Joint(3, is_lossy=True)
SEAM = Joint(3, is_seam=True)


@pytest.mark.parametrize(
    ("joint", "now", "opening", "told"),
    [
        # Records between are lost: the index says what they must have booked.
        (LOSSY, total(2, 60, 70), Opening(1, 10), "10 counts are not booked"),
        (LOSSY, total(2, 104, 109), Opening(1, 54), "54 counts are not booked"),
        (LOSSY, total(2, 49, 70), Opening(1, -1), "1 counts are booked twice"),
        (LOSSY, total(2, 50, 70), Opening(1), None),
        (LOSSY, total(3, 0, 9), Opening(1), "new segment after lost records"),
        (LOSSY, total(1, 50, 70), Opening(1, is_broken=True), "closed at 50 (segment 2)"),
        # An epoch begins: another state of the run is another stretch, or a new segment.
        (SEAM, total(2, 50, 70), Opening(1), None),
        (SEAM, total(2, 60, 70), Opening(3, 0, 10), "10 counts are not recorded"),
        (SEAM, total(2, 40, 70), Opening(3, 0, -10), "10 counts are recorded twice"),
        (SEAM, total(0, 60, 70), Opening(3, 0, 10), "where epoch 3 begins"),
        (SEAM, total(3, 60, 70), Opening(1, 0, 10), "10 counts are not recorded"),
        (SEAM._replace(same_meter=False), total(2, 60, 70), Opening(3), "is not known"),
    ],
)
def test_what_moved_where_nothing_is_known_is_told(joint, now, opening, told):
    """The figure is named, and booked nowhere."""
    [found] = openings({"vm": Stood(2, 50, 1)}, (now,), joint, {"vm": 110}.get)
    assert found._replace(fault=None) == opening
    assert (found.fault is None) if told is None else (told in found.fault)


def test_only_the_first_segment_of_a_record_has_anything_before_it():
    """Further segments of the same total follow at once."""
    totals = (total(2, 60, 70), total(3, 0, 4), total(3, 5, 6))
    found = openings({"vm": Stood(2, 50, 1)}, totals, SEAM, {"vm": 110}.get)
    assert [one.since_epoch for one in found] == [3, 3, 3]
    assert [one.unseen_counts for one in found] == [10, 0, 0]
    assert [one.is_broken for one in found] == [False, False, True]


@given(st.integers(2, 10**9), st.data())
def test_an_index_moves_the_short_way_round(modulus, data):
    """What lies between two indexes leads from one to the other, by less than half a turn."""
    closed, opened = (data.draw(st.integers(0, modulus - 1)) for _ in range(2))
    counts = between_counts(closed, opened, modulus)
    assert (closed + counts) % modulus == opened
    assert -modulus // 2 <= counts <= modulus // 2 + 1


@pytest.mark.parametrize(
    ("booked", "moved", "holds"),
    [((3, 2, 1), 6, True), ((3, 2, 1), 5, False), ((0, 0, 0), 0, True), ((3, 2, 1), 7, False)],
)
def test_what_moved_was_booked(booked, moved, holds):
    """main + error + quarantined is what the index moved, to the count."""
    assert (law_fault(TotalRecord("vm", 0, 0, 0, *booked), moved) is None) is holds
