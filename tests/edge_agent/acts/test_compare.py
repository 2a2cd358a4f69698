"""Display against reading: what is allowed, and who is outside."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from edge_agent.acts.compare import Limits, Line, Seen, compare, has, parse_shown
from edge_agent.acts.fault import BadFigure
from edge_agent.acts.readings import Readings
from protocols.evidence.statement import Statement
from protocols.metering.conditions import Conditions
from protocols.metering.run_config import RunConfig
from tests.edge_agent.gateway import config_of

# SGERG-88 of the tests' gas at 400 kPa, 15 degC: K = 0.9916, C = (400/101.325)(293.15/288.15)/K
AT = Conditions(4_000_000, 288_150, 989_560_000, 4_050_000_000, 0)
NO_LIMITS = Limits()


@pytest.fixture(name="run")
def _run(tmp_path: Path) -> RunConfig:
    (run,) = config_of(tmp_path).runs
    return run


def seen(first: int, second: int, apart_s: float = 2.0, seconds: str = "30") -> Seen:
    """The line index in counts (litres) at both readings."""
    return Seen(
        Readings({"vm": first, "vb": 0}, AT, 100.0),
        Readings({"vm": second, "vb": 0}, AT, 100.0 + apart_s),
        Decimal(seconds),
    )


def line_of(run: RunConfig, shown: str, by: Seen) -> Line:
    (line,) = compare(run, {"line": Decimal(shown)}, by, NO_LIMITS)
    return line


@pytest.mark.parametrize(
    ("shown", "good"),
    [
        # 1 m3/s: 2 m3 passed between the readings, 30 m3 in the half minute before
        ("1002.000", True), ("1002.001", True), ("1002.002", False),
        ("1000.000", True), ("970.000", True), ("969.999", True), ("969.998", False),
        ("1003", True), ("1003.1", False), ("969", True), ("968", False),
    ],
)  # fmt: skip
def test_an_index_may_lag_by_what_flowed(run: RunConfig, shown: str, good: bool) -> None:
    """Behind by the flow and a count; ahead by one count of the display, and no more."""
    assert line_of(run, shown, seen(1_000_000, 1_002_000)).good is good


def test_an_index_over_the_end_of_the_register(run: RunConfig) -> None:
    """999999.999 and 0.000 are a count apart."""
    line = line_of(run, "999999.999", seen(999_999_999, 0))
    assert (line.deviation, line.good) == (Decimal("-0.001"), True)
    assert line_of(run, "0.001", seen(999_999_999, 0)).good
    assert not line_of(run, "500000.000", seen(999_999_999, 0)).good


@pytest.mark.parametrize(
    ("quantity", "shown", "good"),
    [
        ("pressure", "402.0", True), ("pressure", "402.1", False), ("pressure", "397.9", False),
        ("temperature", "15.5", True), ("temperature", "15.7", False),
        ("c", "4.09", True), ("c", "4.10", False), ("z", "0.99", True), ("z", "0.97", False),
    ],
)  # fmt: skip
def test_limits_of_the_others(run: RunConfig, quantity: str, shown: str, good: bool) -> None:
    """0.5 % of P, 0.2 % of T in kelvin, 1 % of C and Z from what is read, and half a last digit."""
    (line,) = compare(run, {quantity: Decimal(shown)}, seen(0, 0), NO_LIMITS)
    assert line.good is good, line


def test_a_class_is_obeyed(run: RunConfig) -> None:
    """A better transmitter has narrower limits."""
    limits = Limits(pressure=Decimal("0.1"))
    (line,) = compare(run, {"pressure": Decimal("401.0")}, seen(0, 0), limits)
    assert not line.good
    assert line.why == "0.1 %"


def test_c_is_computed_from_the_displays_own_state(run: RunConfig) -> None:
    """So a wrong transmitter does not make the calculator wrong: 0.3 % then."""
    # at 500 kPa, 15 degC the conversion factor is about 5.08
    shown = {"pressure": Decimal("500.0"), "temperature": Decimal("15.0"), "c": Decimal("5.08")}
    pressure, _, factor = compare(run, shown, seen(0, 0), NO_LIMITS)
    assert not pressure.good
    assert factor.good, factor
    assert factor.why == "0.3 %"


def test_it_can_be_recorded(run: RunConfig) -> None:
    """Every field is one of a statement."""
    shown = {"line": Decimal("1.0"), "pressure": Decimal("400"), "c": Decimal(4), "z": Decimal(1)}
    lines = compare(run, shown, seen(0, 10), NO_LIMITS)
    fields = tuple(field for line in lines for field in line.fields())
    Statement("compared", "Li", "why", fields).to_body()
    assert ("pressure.read_kpa", "400") in fields


def test_what_there_is_to_compare(run: RunConfig) -> None:
    """No transmitter, no comparison; figures in their own units."""
    assert has(run, "pressure")
    assert has(run, "base")
    assert not has(
        RunConfig(**{**{f: getattr(run, f) for f in run.__slots__}, "totals": run.totals[:1]}),
        "base",
    )
    assert parse_shown("pressure", "3bar(g)", run) == Decimal("401.325")
    assert parse_shown("temperature", "288.15K", run) == Decimal(15)
    with pytest.raises(BadFigure):
        parse_shown("c", "4 bar", run)
