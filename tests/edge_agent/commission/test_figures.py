"""Ranges and compositions as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from edge_agent.commission.figures import (
    Range,
    absolute,
    celsius_range,
    kpa_range,
    number,
    plain,
    shares,
)
from edge_agent.commission.question import BadAnswer

D = Decimal


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("0-10 bar", "0", "1000"),
        ("0...1.6 MPa", "0", "1600"),
        ("0,5 to 2,5 bar", "50", "250"),
        ("-1 - 9 barg", "-100", "900"),
        ("0 ~ 1000kPa", "0", "1000"),
        ("0到400 mbar", "0", "40"),
        ("0-150 psia", "0", "1034.214"),
        ("0\u20132 bara", "0", "200"),
        ("0 - 1013 hPa", "0", "101.3"),
    ],
)
def test_a_range_of_pressure(text: str, low: str, high: str) -> None:
    """In kPa, exactly."""
    assert kpa_range(text) == Range(D(low), D(high))


@pytest.mark.parametrize("text", ["0-10", "0-10 in", "10", "10-0 bar", "0-0 bar", "x-y bar", ""])
def test_what_is_no_range_of_pressure(text: str) -> None:
    """A unit is never guessed."""
    with pytest.raises(BadAnswer):
        kpa_range(text)


def test_a_range_of_temperature() -> None:
    """Degrees Celsius, however they are written."""
    for text in ("-40 to 80 C", "-40...80", "-40~80°C", "-40 至 80 ℃"):
        assert celsius_range(text) == Range(D(-40), D(80))
    with pytest.raises(BadAnswer):
        celsius_range("-40 to 80 F")


def test_gauge_becomes_absolute_with_a_little_room_below() -> None:
    """A transmitter without pressure shows -0.3 mbar as well as +0.3."""
    assert absolute(Range(D(0), D(1000)), D("95.5")) == Range(D("85.5"), D("1095.5"))
    assert absolute(Range(D(0), D(1000)), None) == Range(D("0.001"), D(1000))
    assert absolute(Range(D(-100), D(100)), D(95)).low == D("0.001")


def test_shares() -> None:
    """Their sum tells the unit; which name is a component is the configuration's business."""
    assert shares("methane 96.5, N2=3.5 %") == ({"methane": D("96.5"), "N2": D("3.5")}, "percent")
    assert shares("CH4 0.9；N2 0.1")[1] == "fraction"
    for text in ("methane", "", "96.5 methane", "a b c"):
        with pytest.raises(BadAnswer):
            shares(text)


def test_numbers() -> None:
    """With a comma too; never an exponent, never what is no number."""
    assert number("1,5") == D("1.5")
    assert number("nan") is None
    assert number("inf") is None
    assert number("x") is None
    assert [plain(D(text)) for text in ("1E+3", "0.500", "100", "0")] == ["1000", "0.5", "100", "0"]
