from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.web import numbers


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0, 6, "0.000000"),
        (1, 6, "0.000001"),
        (-1, 6, "-0.000001"),
        (1_234_567_890, 6, "1234.567890"),
        (-1_500_000, 6, "-1.500000"),
        (42, 0, "42"),
        (10**24 + 1, 6, "1000000000000000000.000001"),
    ],
)
def test_exact(value: int, digits: int, text: str) -> None:
    """All digits are shown, without a float between."""
    assert numbers.exact(value, digits) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.000"),
        (500, "0.000"),
        (1500, "0.002"),
        (2500, "0.002"),
        (2501, "0.003"),
        (-400, "0.000"),
        (-1500, "-0.002"),
        (999_999_600, "1,000.000"),
        (1_234_567_891_000, "1,234,567.891"),
    ],
)
def test_volume(value: int, text: str) -> None:
    """A volume is shown to a litre, half to even, thousands set off, and never as minus zero."""
    assert numbers.volume_m3(value) == text


def test_units() -> None:
    """Each unit of the contract comes out in the unit of the page."""
    assert numbers.pressure_kpa(4_013_256) == "401.33"
    assert numbers.temperature_c(288_155) == "15.00"  # half to even, as 15.005 is a tie
    assert numbers.temperature_c(263_150) == "-10.00"
    assert numbers.factor(4_001_092_579) == "4.00109"
    assert numbers.duration_s(299_950) == "300.0"
    assert numbers.count(1_234_567) == "1,234,567"


@given(st.integers(-(10**20), 10**20), st.integers(0, 9))
def test_exact_keeps_the_value(value: int, digits: int) -> None:
    """The text means the very integer it was made from."""
    assert Decimal(numbers.exact(value, digits)) == Decimal(value).scaleb(-digits)


@given(st.integers(-(10**15), 10**15), st.integers(0, 6))
def test_rounded_is_the_nearest(value: int, shown: int) -> None:
    """What is shown differs from the value by at most half a unit of its last place."""
    text = numbers.rounded(value, 6, shown).replace(",", "")
    error = abs(Decimal(text) - Decimal(value).scaleb(-6))
    assert error <= Decimal(5).scaleb(-shown - 1)
