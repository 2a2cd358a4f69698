"""C6+ becomes the alkanes that a contract declares, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.c6_plus import SPLITS, WHOLE, is_c6_plus, split_fault, with_c6_plus
from protocols.metering.composition import CompositionFault


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("hexane", {"n_hexane": 0.01}),
        ("47/35/17", {"n_hexane": 0.0047466, "n_heptane": 0.003534, "n_octane": 0.0017194}),
        ("50/50/0", {"n_hexane": 0.005, "n_heptane": 0.005}),
        ("50/25/25", {"n_hexane": 0.005, "n_heptane": 0.0025, "n_octane": 0.0025}),
        ("57/29/14", {"n_hexane": 0.0057143, "n_heptane": 0.0028572, "n_octane": 0.0014285}),
    ],
)
def test_splits_of_the_chromatographs(split: str, expected: dict[str, float]) -> None:
    """Component codes 108 to 111 of the manual, and the default."""
    found = with_c6_plus({"methane": 0.99, "C6+": 0.01}, SPLITS[split])
    assert found == pytest.approx({"methane": 0.99, **expected}, rel=1e-12)


@pytest.mark.parametrize("split", SPLITS.values())
def test_declared_splits_are_whole(split: Mapping[str, int]) -> None:
    """Nothing of the peak is lost."""
    assert split_fault(split) is None


@given(st.floats(0, 0.1), st.sampled_from(list(SPLITS)))
def test_nothing_is_lost(amount: float, split: str) -> None:
    """The parts add up to the peak."""
    found = with_c6_plus({"C6+": amount}, SPLITS[split])
    assert isinstance(found, dict)
    total = sum(value for value in found.values() if isinstance(value, float))
    assert total == pytest.approx(amount, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("name", ["C6+", "c6plus", "C6_plus", "hexanes +", "Hexanes-Plus"])
def test_names_of_the_peak(name: str) -> None:
    """As chromatographs print it; hexane itself is another thing."""
    assert is_c6_plus(name)
    assert not is_c6_plus("hexane")


def test_without_the_peak_nothing_changes() -> None:
    """An analysis that has its hexane stays as it is."""
    entries: dict[str, object] = {"methane": 0.99, "C6": 0.01}
    assert with_c6_plus(entries, SPLITS["47/35/17"]) == entries


@pytest.mark.parametrize(
    ("entries", "split", "told"),
    [
        ({"C6+": 0.01, "hexane": 0.01}, "hexane", "is given beside hexane"),
        ({"nC7": 0.01, "C6+": 0.01}, "47/35/17", "is given beside nC7"),
        ({"C6+": 0.01, "c6plus": 0.01}, "hexane", "is given a second time"),
        ({"C6+": "0.01"}, "hexane", "is '0.01', not a number"),
        ({"C6+": True}, "hexane", "is True, not a number"),
    ],
)
def test_what_would_count_twice(entries: dict[str, object], split: str, told: str) -> None:
    """The sum and its parts, or the sum twice; and what is no number."""
    fault = with_c6_plus(entries, SPLITS[split])
    assert isinstance(fault, CompositionFault)
    assert fault.field.startswith("composition.")
    assert fault.problem == told


@pytest.mark.parametrize(
    "split",
    [{}, {"n_hexane": 99_999}, {"hexane": WHOLE}, {"n_hexane": 110_000, "n_octane": -10_000}],
)
def test_a_split_that_is_none(split: dict[str, int]) -> None:
    """Refused whatever the analysis is."""
    fault = with_c6_plus({"methane": 1.0}, split)
    assert isinstance(fault, CompositionFault)
    assert fault.field == "c6_plus"
