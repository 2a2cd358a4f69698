"""Points of a calibration: found before left, three of them, and how far off."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from edge_agent.acts.calibration import (
    Instrument,
    Kind,
    check_instrument,
    point_of,
    series,
    series_fields,
)
from edge_agent.acts.fault import BadFigure
from protocols.evidence.statement import Statement

GAUGE = Kind("pressure", True, Decimal("100"), Decimal("0.5"))
ABSOLUTE = GAUGE._replace(gauge=False)
CELSIUS = Kind("temperature", False, Decimal("100"), Decimal("0.2"))


def pairs(*texts: str) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(a), Decimal(b)) for a, b in (text.split("=") for text in texts)]


@pytest.mark.parametrize(
    ("kind", "reference", "reading", "good"),
    [
        # 0.5 % of 300 kPa gauge and 100 kPa of air
        (GAUGE, "300", "302", True), (GAUGE, "300", "302.001", False), (GAUGE, "300", "298", True),
        (ABSOLUTE, "300", "301.5", True), (ABSOLUTE, "300", "301.501", False),
        (GAUGE, "0", "0.5", True), (GAUGE, "0", "0.51", False),
        # 0.2 % of 273.15 K
        (CELSIUS, "0", "0.5463", True), (CELSIUS, "0", "-0.547", False),
    ],
)  # fmt: skip
def test_a_point_and_its_limit(kind: Kind, reference: str, reading: str, good: bool) -> None:
    """A share of the absolute pressure, or of kelvin."""
    assert point_of(kind, Decimal(reference), Decimal(reading)).good is good


FOUND = ("0=0.1", "300=303", "600=606")
LEFT = ("0=0.0", "300=300.2", "600=600.1")


def test_as_left_counts() -> None:
    """And where nothing was adjusted, as found."""
    assert series(GAUGE, pairs(*FOUND), pairs(*LEFT)).good
    assert not series(GAUGE, pairs(*FOUND), []).good
    assert series(GAUGE, pairs(*LEFT), []).last == series(GAUGE, pairs(*LEFT), []).found


@pytest.mark.parametrize(
    ("found", "left", "told"),
    [
        ((), LEFT, "as left without as found"),
        ((), (), "as found: 3 different points"),
        (FOUND[:2], (), "as found: 3 different points"),
        (("0=0", "0=0.1", "300=300"), (), "as found: 3 different points"),
        (FOUND, LEFT[:1], "as left: 3 different points"),
        (tuple(f"{n}={n}" for n in range(16)), (), "15 points at most"),
    ],
)
def test_what_is_no_calibration(found: tuple[str, ...], left: tuple[str, ...], told: str) -> None:
    """Each is refused with why."""
    with pytest.raises(BadFigure, match=told):
        series(GAUGE, pairs(*found), pairs(*left))


def test_it_can_be_recorded() -> None:
    """The most that there can be fits a statement."""
    many = pairs(*(f"{n}={n}.123456789" for n in range(15)))
    fields = series_fields(GAUGE, series(GAUGE, many, many))
    Statement("calibrated_pressure", "Li", "why", tuple(fields)).to_body()
    assert ("found.1.reading_kpa_gauge", "0.123456789") in fields
    assert ("left.verdict", "within") in fields
    worst = dict(series_fields(GAUGE, series(GAUGE, pairs(*FOUND), [])))["found.worst_kpa_gauge"]
    assert worst == "6"
    assert ("found.1.reading_c", "1") in series_fields(
        CELSIUS, series(CELSIUS, pairs("0=1", "1=1", "2=2"), [])
    )


def test_the_reference_instrument_has_a_date() -> None:
    """Its last day is good."""
    instrument = Instrument("DPI", "C1", "2026-11-30")
    assert check_instrument(instrument, date(2026, 11, 30))
    assert not check_instrument(instrument, date(2026, 12, 1))
    with pytest.raises(BadFigure, match="YYYY-MM-DD"):
        check_instrument(instrument._replace(due="soon"), date(2026, 12, 1))
