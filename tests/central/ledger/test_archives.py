"""Records of devices' archives in the ledger: beside a gap's estimate, never in its volume."""

import pytest

from central.ledger.archives import gap_archives, gap_object
from central.ledger.queries import alarms, law, runs
from protocols.evidence.leaf import Kind, Log
from tests.central.ledger.archive_leaves import (
    MAP,
    gap_of,
    record_of,
    tell_map,
    tell_record,
    words_of,
)

HOUR_MS = 3_600_000


@pytest.fixture
def gapped(made):
    """Polled, then silent for three and a half hours in which 350 m3 passed, then polled again."""
    gateway = made.Gateway().configure(made.config("R1", qmax_l_h=200_000, interval_ms=300_000))
    for _ in range(4):
        gateway.poll()
    gateway.poll(step_ms=3 * HOUR_MS + HOUR_MS // 2, counts=350_000)
    for _ in range(4):
        gateway.poll()
    return gateway


def full_hours(gap):
    first = -(-gap.start_utc_ms // HOUR_MS) * HOUR_MS
    return range(first, gap.end_utc_ms + 1, HOUR_MS)


def followed(central, gateway):
    central.register(gateway)
    for log in (Log.BILLING, Log.TELEMETRY):
        central.send(gateway, log)
    central.catch_up()


def told(central):
    return central.ask(gap_archives, "gw-1", "R1")


def test_records_stand_beside_the_gap_and_add_no_volume(central, gapped):
    """Decoded by their map, compared with the index; sums and law are what they were."""
    gap = gap_of(gapped)
    tell_map(gapped)
    for number, utc_ms in enumerate(full_hours(gap), 1):
        tell_record(gapped, record_of(gap, utc_ms, 100.0, 120_000, number))
    followed(central, gapped.stop())
    [found] = told(central)
    assert (found.gap_seq, found.archive) == (gap.seq, "hourly")
    assert found.gap_cm3 == 350_000_000
    assert found.archive_cm3 == 100_000_000 * (len(found.records) - 1)
    assert found.verdict == "within"
    assert [row.utc_ms for row in found.records] == list(full_hours(gap))
    row = found.records[0]
    assert row.values == (("vm", 100.0, "m3"),)
    assert (row.serial, row.offset_ms) == ("meter-R1", 120_000)
    assert row.device_time[14:] == "02:00"
    [run] = central.ask(runs)
    assert run.line_cm3 == (350_000 + 7 * 50) * 1000
    assert all(one.holds for one in central.ask(law))
    assert central.ask(alarms) == []
    shown = gap_object(found)
    assert shown["source"] == "device_archive"
    assert shown["records"][0]["values"] == [{"name": "vm", "number": 100.0, "unit": "m3"}]


def test_two_gaps_are_two_newest_first(central, gapped):
    """Each with its own records."""
    tell_map(gapped)
    first = gap_of(gapped)
    tell_record(gapped, record_of(first, next(iter(full_hours(first))), 50.0))
    gapped.poll(step_ms=2 * HOUR_MS, counts=1_000)
    second = gap_of(gapped)
    tell_record(gapped, record_of(second, next(iter(full_hours(second))), 60.0))
    followed(central, gapped)
    assert [one.gap_seq for one in told(central)] == [second.seq, first.seq]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda record: record._replace(device_s=record.device_s + 1), "another time"),
        (lambda record: record._replace(words=words_of(record.device_s, 1.0)[:-1]), "registers"),
        (lambda record: record._replace(number=-1), "number"),
        (lambda record: record._replace(gap=record.gap._replace(seq=10**6)), "none before it"),
        (lambda record: record._replace(words=(*record.words[:-1], 70_000)), "16 bits"),
    ],
)
def test_a_record_that_makes_no_sense_is_an_alarm(central, gapped, spoil, why):
    """The ledger goes on; the leaf stays in the log as evidence."""
    tell_map(gapped)
    gap = gap_of(gapped)
    tell_record(gapped, spoil(record_of(gap, next(iter(full_hours(gap))), 50.0)))
    followed(central, gapped)
    [alarm] = central.ask(alarms)
    assert alarm.code == "malformed"
    assert why in alarm.detail
    assert told(central) == []


def test_a_record_without_its_map_is_an_alarm(central, gapped):
    """A map that comes later explains nothing before it."""
    gap = gap_of(gapped)
    tell_record(gapped, record_of(gap, next(iter(full_hours(gap))), 50.0))
    tell_map(gapped)
    followed(central, gapped)
    [alarm] = central.ask(alarms)
    assert "never came" in alarm.detail


def test_a_body_that_is_no_record_is_an_alarm(central, gapped):
    """Any array of the subset may come, signed."""
    tell_map(gapped)
    for body in ((), (1, "hourly"), (2, *range(9)), ("x",) * 10):
        gapped.add(Kind.ARCHIVE, "meter-R1", MAP.hash(), body)
    followed(central, gapped)
    assert {alarm.code for alarm in central.ask(alarms)} == {"malformed"}
    assert len(central.ask(alarms)) == 4
