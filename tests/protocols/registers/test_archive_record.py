"""The archive record: its body by golden bytes, table and property; its map."""

from __future__ import annotations

import hashlib

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.registers.archive_record import (
    MAX_DEVICE_S,
    MAX_SEQ,
    MAX_UTC_MS,
    ArchiveRecord,
    Gap,
    decode_words,
    device_time,
    moment_of,
    record_map,
    seconds_of,
)
from protocols.registers.clock import Clock
from protocols.registers.composite import Composite, Part
from protocols.registers.point import Point
from protocols.registers.register_map import RegisterMap

CLOCK = Clock("mmddyy-hhmmss", ("date", "time"))
GAP = Gap(17, "R1", 1_780_000_000_000, 1_780_010_000_000)
RECORD = ArchiveRecord(
    "hourly", 41, 1_780_002_000, 1_780_002_000_500, -500, 3600, CLOCK, GAP, (0x47C3, 0x5000, 1, 2)
)
RECORDS = st.builds(
    ArchiveRecord,
    st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True),
    st.integers(0, 0xFFFF),
    st.integers(0, MAX_DEVICE_S),
    st.none() | st.integers(0, MAX_UTC_MS),
    st.none() | st.integers(-(1 << 40), 1 << 40),
    st.integers(0, 86_400),
    st.sampled_from([CLOCK, Clock("epoch", ("t",), "utc"), Clock("binary", ("time",))]),
    st.builds(
        lambda seq, run, ends: Gap(seq, run, *sorted(ends)),
        st.integers(0, MAX_SEQ), st.text(max_size=8),
        st.tuples(st.integers(0, MAX_UTC_MS), st.integers(0, MAX_UTC_MS)),
    ),
    st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=256).map(tuple),
)  # fmt: skip


def test_the_body_is_the_golden_one() -> None:
    """Whoever changes it changes the contract."""
    data = cbor2.dumps(RECORD.to_body(), canonical=True)
    assert hashlib.sha256(data).hexdigest() == (
        "d8e718b047c024d21f5997d078b789f62e9712767b5c8bdef58a4256790cfcf1"
    )


@given(RECORDS)
def test_a_record_comes_back(record: ArchiveRecord) -> None:
    """From its body, as CBOR gives it."""
    assert ArchiveRecord.from_body(record.to_body()) == record


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, 2), (0, True), (1, 7), (1, "Hourly"), (2, -1), (2, 1 << 16), (2, True), (3, -1),
        (3, MAX_DEVICE_S + 1), (4, -1), (4, "x"), (4, False), (5, True), (5, 1 << 50),
        (6, -1), (6, 32 * 86_400),
        (7, ("epoch", ("a", "b"), "utc")), (7, ("lunar", ("a",), "utc")),
        (7, ("epoch", (7,), "utc")), (7, ("epoch", ("a",), "mars")), (7, ("epoch", ("a",))),
        (8, (1, "R1", 5, 4)), (8, (1, "R1", -1, 4)), (8, (1, 2, 3, 4)), (8, (1, "R1", 3)),
        (8, (MAX_SEQ + 1, "R1", 3, 4)), (9, ()), (9, (0,) * 257), (9, (1 << 16,)), (9, (None,)),
        (9, (True,)), (9, 7),
    ],
)  # fmt: skip
def test_other_bodies_are_refused(place: int, value: object) -> None:
    """Each field has its type and range."""
    body = list(RECORD.to_body())
    body[place] = value
    with pytest.raises(ValueError, match="archive record"):
        ArchiveRecord.from_body(tuple(body))


@pytest.mark.parametrize("body", [(), None, 7, RECORD.to_body()[:-1], (*RECORD.to_body(), 1)])
def test_another_number_of_fields_is_refused(body: object) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="nine fields"):
        ArchiveRecord.from_body(body)


def test_a_map_takes_totals_whose_parts_are_there() -> None:
    """A column that is logged twice is one field; a total without all its parts is none."""
    whole, rest = Point("a", 3, 0, "u32"), Point("b", 3, 2, "f32")
    total = Composite("vm", (Part("a"), Part("b", below="1")), "0.001", "m3")
    other = Composite("vb", (Part("a"), Part("c", below="1")), "0.001", "m3")
    map_ = record_map("x", [whole, rest, Point("a", 3, 4, "u32")], [total, other])
    assert [point.address for point in map_.points] == [0, 2]
    assert map_.composites == (total,)
    assert RegisterMap.from_body(map_.to_body()) == map_
    assert decode_words(map_, (0, 12, 0x3F00, 0))["vm"].number == 12_500
    with pytest.raises(ValueError, match="registers"):
        decode_words(map_, (0, 12, 0x3F00))


def test_a_records_time_is_its_own_clocks() -> None:
    """None where its words show no date."""
    map_ = record_map("x", [Point("t", 3, 0, "u32", kind="clock")])
    clock = Clock("epoch", ("t",))
    assert device_time(clock, map_, (0x6A17, 0x8000)) == 0x6A178000
    assert device_time(clock, map_, (0xFFFF, 0xFFFF)) is None


@given(st.integers(0, MAX_DEVICE_S))
def test_seconds_and_moments_are_each_others_inverse(seconds: int) -> None:
    """In the device's own time, which has no zone."""
    assert seconds_of(moment_of(seconds)) == seconds
