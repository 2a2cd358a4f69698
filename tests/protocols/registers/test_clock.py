"""Clocks of instruments: printed dates, then tables, then there and back."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.registers.clock import FORMATS, Clock, clock_faults, decode_clock, encode_clock

AT = datetime.fromisoformat
NAMES = ("a", "b", "c", "d", "e", "f")


def clock(format_):
    return Clock(format_, NAMES[: FORMATS[format_]])


def decoded(format_, *numbers):
    return decode_clock(clock(format_), dict(zip(NAMES, numbers, strict=False)))


@pytest.mark.parametrize(
    ("format_", "numbers", "expected"),
    [
        ("mmddyy-hhmmss", (120304.0, 80000.0), AT("2004-12-03 08:00:00")),  # simplymodbus.ca
        ("mmddyy-hhmmss", (120304.0, 183707.0), AT("2004-12-03 18:37:07")),
        ("mmddyy-hhmmss", (10100.0, 0.0), AT("2000-01-01 00:00:00")),
        ("binary", (0x1A0B1C102D3B,), AT("2026-11-28 16:45:59")),  # not BCD
        ("fields", (26, 11, 28, 16, 45, 59), AT("2026-11-28 16:45:59")),
        ("fields", (2026, 2, 28, 0, 0, 0), AT("2026-02-28 00:00:00")),
        ("epoch", (0,), AT("1970-01-01 00:00:00")),
        ("epoch", (1_764_136_800,), AT("2025-11-26 06:00:00")),
    ],
)
def test_what_registers_show(format_, numbers, expected):
    """Each format gives the date-time that it shows."""
    assert decoded(format_, *numbers) == expected


@pytest.mark.parametrize(
    ("format_", "numbers"),
    [
        ("mmddyy-hhmmss", (130304.0, 0.0)),  # no thirteenth month
        ("mmddyy-hhmmss", (120304.5, 0.0)),
        ("mmddyy-hhmmss", (-120304.0, 0.0)),
        ("mmddyy-hhmmss", (120304.0, 240000.0)),
        ("mmddyy-hhmmss", (1e30, 0.0)),
        ("mmddyy-hhmmss", (120304.0, None)),
        ("mmddyy-hhmmss", (120304.0,)),
        ("binary", (0,)),
        ("binary", (0xFFFFFFFFFFFF,)),
        ("fields", (26, 2, 29, 0, 0, 0)),
        ("fields", (10**9, 2, 1, 0, 0, 0)),
        ("epoch", (1 << 62,)),
        ("epoch", (4_102_444_800,)),  # the year 2100
    ],
)
def test_what_is_no_date(format_, numbers):
    """Numbers that are no date-time give none."""
    assert decoded(format_, *numbers) is None


@given(
    st.sampled_from(sorted(FORMATS)),
    st.datetimes(AT("2000-01-01 00:00:00"), AT("2099-12-31 00:00:00")),
)
def test_there_and_back(format_, moment):
    """A clock shows whole seconds of any moment of the century, and is read as it was set."""
    made = clock(format_)
    assert decode_clock(made, encode_clock(made, moment)) == moment.replace(microsecond=0)


@given(st.sampled_from(sorted(FORMATS)), st.lists(st.floats() | st.integers(), max_size=6))
def test_no_numbers_crash_a_clock(format_, numbers):
    """Whatever the registers hold, a clock shows a date-time or none."""
    found = decoded(format_, *numbers)
    assert found is None or found - AT("1970-01-01 00:00:00") >= timedelta(0)


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (Clock("x", ("a",)), "format 'x'"),
        (Clock("epoch", ("a", "b")), "points: epoch takes 1"),
        (Clock("epoch", ("a",), "mars"), "zone 'mars'"),
    ],
)
def test_faults(made, fault):
    """Each impossible field of a clock is named."""
    assert [found for found in clock_faults(made) if found.startswith(fault)]
    assert clock_faults(clock("fields")) == []
