import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.api.query import (
    LATEST_MS,
    MAX_SPAN_MS,
    RUNNING_MS,
    BadRequestError,
    read_integer,
    read_range,
)

LATEST = 1_773_192_600_000


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, (LATEST - 86_400_000, LATEST + RUNNING_MS)),
        ({"span_ms": "3600000"}, (LATEST - 3_600_000, LATEST + RUNNING_MS)),
        ({"to_ms": "90000000"}, (3_600_000, 90_000_000)),
        ({"to_ms": "1000"}, (0, 1000)),
        ({"to_ms": "90000000", "span_ms": "1000"}, (89_999_000, 90_000_000)),
        ({"from_ms": "5", "to_ms": "6"}, (5, 6)),
        ({"from_ms": str(LATEST - 7)}, (LATEST - 7, LATEST + RUNNING_MS)),
        ({"from_ms": str(LATEST + 7)}, (LATEST + 7, LATEST + 7 + RUNNING_MS)),
    ],
)
def test_range(query: dict[str, str], expected: tuple[int, int]) -> None:
    """What is not given counts back from the newest interval, and takes in the one that runs."""
    assert read_range(query, LATEST) == expected


@given(
    st.dictionaries(st.sampled_from(["from_ms", "to_ms", "span_ms"]), st.text(max_size=20)),
    st.integers(0, LATEST_MS),
)
def test_any_text(query: dict[str, str], latest: int) -> None:
    """Whatever is asked for is a bounded range, or refused."""
    try:
        low, high = read_range(query, latest)
    except BadRequestError:
        return
    assert 0 <= low < high
    assert high - low <= MAX_SPAN_MS + RUNNING_MS


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1.0", "1e3", " 1", "1\n", "٣", "0x1", "1_0", "11"]
)
def test_not_an_integer(text: str) -> None:
    """Only decimal digits within the bounds are a number."""
    with pytest.raises(BadRequestError, match="0 to 10") as caught:
        read_integer({"n": text}, "n", 0, 10)
    assert caught.value.status == 400
    assert caught.value.remedy


def test_integer() -> None:
    """The bounds themselves are allowed, and nothing is nothing."""
    assert read_integer({"n": "10"}, "n", 0, 10) == 10
    assert read_integer({"n": "0"}, "n", 0, 10) == 0
    assert read_integer({}, "n", 0, 10) is None
