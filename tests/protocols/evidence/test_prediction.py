"""Predictions: exact in both directions, and good at what they are for."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.evidence.errors import Malformed
from protocols.evidence.prediction import LEVEL_MODES, RATIO_MODES, Mode, residuals, restore

wide = st.integers(-(1 << 63), (1 << 64) - 1)


@st.composite
def columns(draw: st.DrawFn) -> tuple[list[int], list[int], list[int]]:
    """Two columns of equal length, wide or narrow, and the lengths of their groups."""
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))
    numbers = st.lists(
        draw(st.sampled_from([wide, st.integers(-50, 50), st.integers(0, 1 << 32)])),
        min_size=sum(lengths),
        max_size=sum(lengths),
    )
    return draw(numbers), draw(numbers), lengths


@given(st.sampled_from(Mode), columns())
def test_round_trip(mode: Mode, drawn: tuple[list[int], list[int], list[int]]) -> None:
    """Whatever the columns are, the residuals of any mode restore them."""
    values, other, lengths = drawn
    assert restore(mode, residuals(mode, values, other, lengths), other, lengths) == values


def test_every_mode_is_of_one_kind() -> None:
    """A mode either looks at another column or does not."""
    assert set(LEVEL_MODES) | set(RATIO_MODES) == set(Mode)
    assert not set(LEVEL_MODES) & set(RATIO_MODES)


@pytest.mark.parametrize(
    ("mode", "values", "other", "expected"),
    [
        (Mode.HOLD, [7, 7, 9, 9], [], [7, 0, 2, 0]),
        (Mode.SLOPE, [100, 110, 120, 131], [], [100, 10, 0, 1]),
        (Mode.SLOPE_MEAN, [100, 110, 120, 130], [], [100, 10, 0, 0]),
        (Mode.LEVEL_MEAN, [100, 110, 105, 105], [], [100, 10, 0, 0]),
        (Mode.LINE, [100, 110, 125, 130], [], [100, 10, 10, 0]),
        (Mode.OFFSET, [105, 107, 109], [5, 7, 9], [100, 0, 0]),
        (Mode.RATIO, [200, 400, 600], [2, 4, 6], [200, 0, 0]),
        (Mode.RATE, [1000, 1030, 1060, 1120], [5, 3, 3, 6], [1000, 30, 0, 0]),
        (Mode.RATE_MEAN, [1000, 1040, 1080, 1140], [5, 3, 5, 7], [1000, 40, 0, 0]),
    ],
)
def test_what_each_mode_expects(
    mode: Mode, values: list[int], other: list[int], expected: list[int]
) -> None:
    """Each mode predicts the course that it is named after."""
    assert residuals(mode, values, other, [len(values)]) == expected


def test_a_mean_is_steadier_than_the_last_value() -> None:
    """In noise around a level, the mean's residuals are smaller than the last value's."""
    rng = random.Random(1)
    values = [1_000_000 + round(rng.gauss(0.0, 500.0)) for _ in range(400)]
    sizes = {
        mode: sum(map(abs, residuals(mode, values, [], [400])[1:]))
        for mode in (Mode.HOLD, Mode.LEVEL_MEAN)
    }
    assert sizes[Mode.LEVEL_MEAN] < 0.9 * sizes[Mode.HOLD]


def test_a_group_starts_where_the_one_before_it_started() -> None:
    """The first row of a group is predicted from the first row of the group before."""
    assert residuals(Mode.HOLD, [50, 60, 52, 61], [], [2, 2]) == [50, 10, 2, 9]


@pytest.mark.parametrize("mode", list(Mode))
def test_values_beyond_64_bits_are_refused(mode: Mode) -> None:
    """Hostile residuals cannot make a number grow without bound."""
    with pytest.raises(Malformed, match="64 bits"):
        restore(mode, [1 << 63] * 9, [3] * 9, [9])


@given(st.sampled_from(Mode), columns())
def test_a_residual_fits_a_varint(
    mode: Mode, drawn: tuple[list[int], list[int], list[int]]
) -> None:
    """With its sign it needs less than the 70 bits that the stream can hold."""
    values, other, lengths = drawn
    assert max(map(abs, residuals(mode, values, other, lengths))) < 1 << 69


@pytest.mark.parametrize("mode", RATIO_MODES)
def test_a_ratio_to_nearly_nothing_stays_within_64_bits(mode: Mode) -> None:
    """The other column reads 0 so long that its mean is nearly gone, and then comes back."""
    top = (1 << 64) - 1
    for zeros in range(40, 400):
        values, other = [top] * (zeros + 2), [top, *[0] * zeros, top]
        missed = residuals(mode, values, other, [len(values)])
        assert max(map(abs, missed)) < 1 << 69
        assert restore(mode, missed, other, [len(values)]) == values
