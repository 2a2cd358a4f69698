"""Names of the sixty components, and what becomes of the 21."""

from __future__ import annotations

import pytest

from protocols.metering.composition import (
    COMPONENTS,
    Composition,
    CompositionFault,
    SumRule,
    parse_composition,
)
from protocols.metering.iso6976 import NAMES
from protocols.metering.mixture import (
    ParsedMixture,
    composition_of,
    mixture_of,
    parse_mixture,
)


def test_the_21_are_among_the_60() -> None:
    """No component of AGA 8 lacks data of ISO 6976."""
    assert set(COMPONENTS) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_read(name: str) -> None:
    """As it stands, in capitals, and with hyphens."""
    for written in (name, name.upper(), name.replace("_", "-")):
        parsed = parse_mixture({written: 1.0})
        assert isinstance(parsed, ParsedMixture)
        assert parsed.mixture.fraction(name) == 1.0


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("2-methylpropane", "isobutane"),
        ("2,2-dimethylpropane", "neopentane"),
        ("neo-C5", "neopentane"),
        ("ethene", "ethylene"),
        ("hydrogen sulphide", "hydrogen_sulfide"),
        ("2,3-Dimethylbutane", "2_3_dimethylbutane"),
        ("COS", "carbonyl_sulfide"),
        ("hexane", "n_hexane"),
        ("i-C5", "isopentane"),
    ],
)
def test_aliases(written: str, name: str) -> None:
    """The standard's own names and those that chromatographs print."""
    parsed = parse_mixture({written: 100.0}, unit="percent")
    assert isinstance(parsed, ParsedMixture)
    assert parsed.mixture.fraction(name) == 1.0


def test_a_misspelt_name_is_told_the_nearest() -> None:
    """Of the sixty, not of the 21 only."""
    fault = parse_mixture({"methane": 0.9, "neopentan": 0.1})
    assert isinstance(fault, CompositionFault)
    assert fault.field == "composition.neopentan"
    assert "neopentane" in fault.remedy


def test_the_sum_and_the_rule_are_handed_back() -> None:
    """So that they can be logged."""
    parsed = parse_mixture({"neopentane": 0.1}, rule=SumRule.METHANE_REST)
    assert isinstance(parsed, ParsedMixture)
    assert (parsed.found_sum, parsed.rule) == (0.1, SumRule.METHANE_REST)
    assert parsed.mixture.fraction("methane") == 0.9


def test_there_and_back() -> None:
    """A composition of AGA 8 is the same after it was a mixture."""
    parsed = parse_composition({"C1": 0.9, "N2": 0.06, "He": 0.04})
    assert not isinstance(parsed, CompositionFault)
    assert composition_of(mixture_of(parsed.composition)) == parsed.composition


def test_what_aga_8_does_not_know_is_never_dropped() -> None:
    """Neopentane has no place among the 21, and is not left out in silence."""
    parsed = parse_mixture({"methane": 0.99, "neopentane": 0.01})
    assert isinstance(parsed, ParsedMixture)
    fault = composition_of(parsed.mixture)
    assert isinstance(fault, CompositionFault)
    assert fault.field == "composition.neopentane"
    only = parse_mixture({"methane": 0.99, "ethane": 0.01})
    assert isinstance(only, ParsedMixture)
    assert isinstance(composition_of(only.mixture), Composition)
