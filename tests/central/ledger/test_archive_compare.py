"""Archives against the index's own difference, by table."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.ledger.archive_compare import Decoded, GapEnds, Verdict, compare
from protocols.metering.run_config import Role, Total
from protocols.registers.archive_record import decode_words, record_map
from protocols.registers.codec import disassemble, encode
from protocols.registers.composite import Composite, Part
from protocols.registers.point import Point
from tests.central.conftest import run_config

HOUR_MS = 3_600_000
START_MS = 1_780_000_200_000 // HOUR_MS * HOUR_MS
MODULUS = 10**9


def volume_map(unit="m3", kind="gauge"):
    return record_map("x", [Point("vm", 3, 0, "f32", unit=unit, kind=kind)])


def index_map():
    parts = (Part("vm_int"), Part("vm_frac", below="1"))
    points = [Point("vm_int", 3, 0, "u32"), Point("vm_frac", 3, 2, "f32")]
    return record_map("x", points, [Composite("vm", parts, "0.001", "m3")])


def record(map_, words, hour, period_s=3600):
    """Written at a full hour after the gap's first one."""
    utc_ms = START_MS + hour * HOUR_MS
    return Decoded(utc_ms, utc_ms // 1000, period_s, decode_words(map_, words), map_)


def volume(m3, hour, map_=None, period_s=3600):
    map_ = map_ or volume_map()
    [point] = map_.points
    return record(map_, disassemble(point, encode(point, m3)), hour, period_s)


def index(counts, hour):
    map_ = index_map()
    whole, frac = map_.points
    words = (
        *disassemble(whole, counts // 1000),
        *disassemble(frac, encode(frac, counts % 1000 / 1000)),
    )
    return record(map_, words, hour)


def gap(counts, start_h=0.0, end_h=3.0, first=500):
    ends = (round(START_MS + hour * HOUR_MS) for hour in (start_h, end_h))
    return GapEnds(*ends, first, (first + counts) % MODULUS)


def config():
    return run_config(qmax_l_h=100_000)


@pytest.mark.parametrize(
    ("counts", "start_h", "end_h", "volumes", "verdict"),
    [
        (60_000, 0, 3, (10, 20, 30), Verdict.ADDS_UP),
        (60_003, 0, 3, (10, 20, 30), Verdict.ADDS_UP),
        (60_030, 0, 3, (10, 20, 30), Verdict.DIFFERS),
        (59_000, 0, 3, (10, 20, 30), Verdict.DIFFERS),
        (70_000, 0, 3.5, (10, 20, 30), Verdict.WITHIN),
        (115_000, 0, 3.5, (10, 20, 30), Verdict.DIFFERS),
        (58_000, 0, 3.5, (10, 20, 30), Verdict.DIFFERS),
        (55_000, 0.5, 3, (10, 20, 30), Verdict.WITHIN),
        (0, 0, 3, (0, 0, 0), Verdict.ADDS_UP),
    ],
)
def test_volumes_of_periods(counts, start_h, end_h, volumes, verdict):
    """They add up where the records tile the gap; else no more than Qmax fits into the rest."""
    records = [volume(m3, hour) for hour, m3 in enumerate(volumes, 1)]
    found = compare(config(), gap(counts, start_h, end_h), records)
    assert found.verdict == verdict
    assert found.gap_cm3 == counts * 1000
    whole = [m3 for hour, m3 in enumerate(volumes, 1) if hour - 1 >= start_h]
    assert found.archive_cm3 == sum(whole) * 10**6


def test_a_rollover_in_the_gap_adds_up():
    """The index begins again at 0 in between."""
    ends = gap(60_000, first=MODULUS - 10_000)
    assert compare(config(), ends, [volume(m3, h) for h, m3 in ((1, 10), (2, 20), (3, 30))]) == (
        Verdict.ADDS_UP, 60_000_000, 60_000_000,
    )  # fmt: skip
    shown = [index((MODULUS - 10_000 + n) % MODULUS, h) for h, n in ((1, 9_999), (2, 40_000))]
    assert compare(config(), ends, shown).verdict is Verdict.ADDS_UP


@given(st.lists(st.integers(0, 10**5), min_size=2, max_size=8), st.integers(0, 10**6 - 1))
def test_indexes_of_the_device_lie_between_the_gaps_two(steps, first):
    """Whatever the meter passed, its own indexes add up; one that turns back does not."""
    places = list(accumulate(steps))
    ends = gap(places[-1], end_h=len(steps) + 2, first=first)
    shown = [index(first + place, hour) for hour, place in enumerate(places, 1)]
    assert compare(config(), ends, shown).verdict is Verdict.ADDS_UP
    beyond = [*shown, index(first + places[-1] + 1, len(steps) + 1)]
    assert compare(config(), ends, beyond).verdict is Verdict.DIFFERS


def test_a_record_at_the_gaps_edge_may_be_of_the_moment_beside_it():
    """Its index lies outside by what passed within the clock's second; farther in, it differs."""
    ends = gap(1_000, start_h=1.0, end_h=3.0)
    shown = [index(499, 1), index(900, 2), index(1_501, 3)]
    assert compare(config(), ends, shown).verdict is Verdict.ADDS_UP
    assert compare(config(), ends, [index(499, 1)]).verdict is Verdict.NOT_COMPARED
    assert compare(config(), ends, [index(499, 2)]).verdict is Verdict.DIFFERS
    assert compare(config(), ends, [index(1_501, 2)]).verdict is Verdict.DIFFERS
    far = [index(200_000, 1), index(900, 2)]
    assert compare(config(), ends, far).verdict is Verdict.DIFFERS
    far = [one._replace(utc_ms=None) for one in (index(900_000_000, 1), index(900, 2))]
    assert compare(config(), ends, far).verdict is Verdict.DIFFERS
    timeless = [one._replace(utc_ms=None) for one in shown]
    assert compare(config(), ends, timeless).verdict is Verdict.ADDS_UP
    inner = [index(900, 1), index(499, 2), index(1_000, 3)]
    timeless = [one._replace(utc_ms=None) for one in inner]
    assert compare(config(), ends, timeless).verdict is Verdict.DIFFERS


def test_what_cannot_be_compared_is_said():
    """No record, no such field, no unit of volume, no time, no period: nothing is claimed."""
    ends = gap(60_000)
    other = run_config(totals=(Total("vx", Role.LINE, MODULUS),))
    nameless = volume_map(unit="")
    for cfg, records in (
        (config(), []),
        (other, [volume(10, 1)]),
        (config(), [volume(10, 1, nameless)]),
        (config(), [volume(10, 1)._replace(utc_ms=None)]),
        (config(), [volume(10, 1, period_s=0)]),
        (config(), [volume(float("nan"), 1)]),
        (config(), [volume(10, 1, volume_map(kind="counter"))]),
    ):
        found = compare(cfg, ends, records)
        assert found == (Verdict.NOT_COMPARED, 60_000_000, None)


def test_a_period_that_is_a_setting_is_the_step_between_records():
    """As in a Scanner's interval log."""
    records = [volume(m3, h, period_s=0) for h, m3 in ((1, 10), (2, 20), (3, 30))]
    assert compare(config(), gap(60_000), records).verdict is Verdict.ADDS_UP
