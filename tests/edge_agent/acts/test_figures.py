"""What a person types."""

from __future__ import annotations

from decimal import Decimal

import pytest

from edge_agent.acts.fault import BadFigure
from edge_agent.acts.figures import (
    figure,
    index_m3,
    pairs,
    plain,
    points,
    pressure_kpa,
    resolution,
    temperature_c,
)

ATMOSPHERE = Decimal("101.325")


@pytest.mark.parametrize(
    ("text", "kpa"),
    [
        ("401.3", "401.3"), ("4.013bar", "401.3"), ("4.013 bar(a)", "401.3"),
        ("0.4013MPa", "401.3"),
        ("300kPa(g)", "401.325"), ("3bar(g)", "401.325"), ("4013 mbar", "401.3"),
    ],
)  # fmt: skip
def test_pressures(text: str, kpa: str) -> None:
    """Absolute unless it says gauge; the digits are kept."""
    assert pressure_kpa(text, ATMOSPHERE) == Decimal(kpa)


def test_the_last_digit_is_the_count_of_the_display() -> None:
    """Also of a pressure in bar."""
    assert resolution(index_m3("123456.70")) == Decimal("0.01")
    assert resolution(index_m3("123456")) == 1
    assert resolution(pressure_kpa("4.01bar", ATMOSPHERE)) == 1


@pytest.mark.parametrize(
    ("text", "celsius"),
    [("15.2", "15.2"), ("15.2 °C", "15.2"), ("288.15K", "15"), ("59 °F", "15"), ("-3C", "-3")],
)
def test_temperatures(text: str, celsius: str) -> None:
    """Degrees Celsius, kelvin, degrees Fahrenheit."""
    assert temperature_c(text) == Decimal(celsius)


@pytest.mark.parametrize("text", ["", "12,5", "1e5", "nan", "-1", "1 2", "9" * 20, "5 bar"])
def test_no_index(text: str) -> None:
    """What is no index is told with what is."""
    with pytest.raises(BadFigure, match="write"):
        index_m3(text)


@pytest.mark.parametrize("text", ["x", "5 m3", "12 °C"])
def test_no_pressure(text: str) -> None:
    """A unit of something else."""
    with pytest.raises(BadFigure, match="write"):
        pressure_kpa(text, ATMOSPHERE)


def test_pairs_and_points() -> None:
    """Each name once, and only known ones."""
    assert pairs(["line=1", "base= 2 m3"], ("line", "base")) == {"line": "1", "base": "2 m3"}
    for texts in (["line"], ["line="], ["other=1"], ["line=1", "line=2"]):
        with pytest.raises(BadFigure):
            pairs(texts, ("line", "base"))
    assert points(["400=400.31"]) == [(Decimal(400), Decimal("400.31"))]
    with pytest.raises(BadFigure, match="reference=reading"):
        points(["400"])
    with pytest.raises(BadFigure):
        figure("4 bar")


def test_plain() -> None:
    """No power of ten, no negative zero."""
    assert [plain(Decimal(x)) for x in ("1E+3", "-0.00", "1E-9")] == ["1000", "0.00", "0.000000001"]
