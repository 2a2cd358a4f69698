"""The rig's own judgement of what was taken, on histories made by hand."""

from typing import Any

import pytest

from tests.system.taken import Way, way_of

_SERVED = [(1_000, 8), (2_000, 9), (3_000, 10), (4_000, 12), (5_000, 15)]  # (UTC ms, counts)


def _total(served: list[tuple[int, int]] = _SERVED, polls: int = 5) -> dict[str, Any]:
    history = [[utc_ms, utc_ms, counts, 0, 0] for utc_ms, counts in served]
    return {"modulus": 10, "polls": polls, "history": history}


@pytest.mark.parametrize(
    ("taken", "way"),
    [
        ([8, 9, 0, 2, 5], Way(7, 0, None)),
        ([8, 0, 2], Way(4, 0, 5_000)),  # 10 and 12 on a meter of one digit
        ([9, 2, 5], Way(6, 1_000, None)),
    ],
)
def test_the_way_of_what_was_taken(taken: list[int], way: Way) -> None:
    """The advance is the plant's, over a rollover too; what was served outside is told."""
    assert way_of(_total(), taken) == way


@pytest.mark.parametrize("taken", [[8, 7], [0, 9], [8, 0, 8], []])
def test_what_was_never_served(taken: list[int]) -> None:
    """An index of nowhere, in another order, or twice where it was served once; or no index."""
    with pytest.raises(AssertionError):
        way_of(_total(), taken)


def test_a_history_that_has_lost_its_beginning() -> None:
    """What the plant no longer knows is not judged."""
    with pytest.raises(AssertionError, match="forgotten"):
        way_of(_total(polls=6), [8])


@pytest.mark.parametrize(
    ("way", "explained"),
    [
        (Way(7, 0, None), True),
        (Way(4, 0, 5_000), True),
        (Way(4, 0, 4_999), False),
        (Way(4, 1_000, None), True),
        (Way(4, 1_001, None), False),
    ],
)
def test_what_may_be_left_untaken(way: Way, explained: bool) -> None:
    """Only what was in flight when the agent was stopped, and what was asked first of all."""
    assert way.is_explained(stopped_utc_ms=6_000, in_flight_ms=1_000) is explained
