"""Archives: where a record lies, and what the profiles say of them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.registers.archive import (
    BANK_REGISTERS,
    Archive,
    Ring,
    Span,
    archive_faults,
    record_words,
    ring_fields,
    ring_spans,
)
from protocols.registers.clock import Clock, decode_clock
from protocols.registers.codec import decode_record, disassemble, encode
from protocols.registers.library import load_profile
from protocols.registers.point import Point

UNIFLO = load_profile("flonidan-uniflo1200")
INTERVAL, DAILY, _ = UNIFLO.archives


def test_uniflo_ring_rolls_into_the_next_unit():
    """Byte 65504 + 32 is the first record of the interval log: register 0 of the next bank."""
    assert ring_spans(INTERVAL, 0, 4) == (Span(1, 0, 11),)
    assert ring_spans(DAILY, 2, 4) == (Span(0, 8192 + 16 + 22, 11),)


def test_a_record_across_two_banks_is_read_by_two_requests():
    """A record that begins at the end of a bank goes on at the start of the next."""
    number = (BANK_REGISTERS - 8208) // 11
    first, second = ring_spans(DAILY, number, 4)
    assert (first.bank, second.bank, second.address) == (0, 1, 0)
    assert first.registers + second.registers == 11


@given(st.integers(0, 6000), st.integers(1, 20))
def test_records_tile_the_memory(number, columns):
    """Each record begins where the one before it ends."""

    def end(spans):
        last = spans[-1]
        return last.bank * BANK_REGISTERS + last.address + last.registers

    following = ring_spans(INTERVAL, number + 1, columns)[0]
    before = end(ring_spans(INTERVAL, number, columns))
    assert following.bank * BANK_REGISTERS + following.address == before


def test_uniflo_record():
    """A ring's record is its time and the columns that the device lists; unknown ones are left."""
    points = {point.name: point for point in UNIFLO.points}
    fields = ring_fields(INTERVAL.ring, [46, 999, 47, 36], points)
    assert [(f.name, f.address) for f in fields] == [
        ("time", 0),
        ("vb_int", 3),
        ("vb_frac", 7),
        ("pressure", 9),
    ]
    words = [0x1A0B, 0x1C10, 0x0000]
    words += [*disassemble(points["vb_int"], 1234), 0xDEAD, 0xBEEF]
    words += disassemble(points["vb_frac"], encode(points["vb_frac"], 0.5))
    words += disassemble(points["pressure"], encode(points["pressure"], 4.25))
    values = decode_record(fields, words)
    assert (values["vb_int"].number, values["vb_frac"].number) == (1234, 0.5)
    assert values["pressure"] == (4.25, "bar(a)")
    moment = decode_clock(INTERVAL.clock, {k: v.number for k, v in values.items()})
    assert moment is not None
    assert moment.isoformat() == "2026-11-28T16:00:00"


@pytest.mark.parametrize(
    ("profile_id", "name", "words"),
    [
        ("rockwell-1758-flo", "hourly_r0", 32),  # 64 bytes, 16 floats
        ("rockwell-1758-flo", "events", 12),  # 24 bytes
        ("rockwell-1758-flo", "alarms", 10),
        ("cameron-scanner-2000", "daily", 32),
        ("cameron-scanner-2000", "events", 10),  # 20 bytes: 16-bit status and address
        ("cameron-scanner-3100", "events", 12),  # 24 bytes: 32-bit ones
        ("enron-generic", "events", 10),
    ],
)
def test_record_lengths(profile_id, name, words):
    """Records are as long as their documents say."""
    archive = next(one for one in load_profile(profile_id).archives if one.name == name)
    assert archive.record_words == words


def test_one_history_record_an_answer():
    """A history answer is one record, an event answer any number of whole ones."""
    history, events = load_profile("enron-generic").archives
    with pytest.raises(ValueError, match="history_1: 20 words"):
        record_words(history, range(20))
    assert [list(one) for one in record_words(events, range(20))] == [
        list(range(10)),
        list(range(10, 20)),
    ]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"method": "x"}, "method 'x'"),
        ({"function": 6}, "function must be 3 or 4"),
        ({"address": 65536}, "function must be 3 or 4"),
        ({"period_s": -1}, "period_seconds"),
        ({"method": "ring"}, "ring: needed"),
        ({"ring": Ring(1, (), "w", ())}, "ring: needed"),
        ({"fields": ()}, "fields: a record has"),
        ({"capacity": -1}, "capacity"),
        ({"first_record": 70_000}, "capacity"),
        ({"acknowledge": 6}, "acknowledge"),
        ({"clock": Clock("epoch", ("b",))}, "clock: its points"),
        ({"fields": (Point("a", 3, 0, "u16"),) * 2}, "fields: at most 64, none twice"),
    ],
)
def test_faults(change, fault):
    """Each impossible field of an archive is named."""
    good = Archive("a", "enron", 701, "", 3600, (Point("a", 3, 0, "u16"),))
    assert archive_faults(good) == []
    assert any(found.startswith(fault) for found in archive_faults(replace(good, **change)))
