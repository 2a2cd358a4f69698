"""Compositions: names, sums and their rules, and whole parts of 1e-9."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.composition import (
    ALIASES,
    COMPONENTS,
    E9,
    Composition,
    CompositionFault,
    ParsedComposition,
    SumRule,
    Unit,
    component_of,
    from_e9,
    is_whole,
    parse_composition,
    to_e9,
)

GAS_1 = {
    "carbon_dioxide": 0.006, "nitrogen": 0.003, "methane": 0.965, "ethane": 0.018,
    "propane": 0.0045, "n_butane": 0.001, "isobutane": 0.001, "n_pentane": 0.0003,
    "isopentane": 0.0005, "hexane": 0.0007,
}  # fmt: skip


def parsed(
    entries: dict[str, float], unit: Unit = "fraction", rule: SumRule = SumRule.NORMALISE
) -> ParsedComposition:
    """The composition of good entries."""
    found = parse_composition(entries, unit=unit, rule=rule)
    assert isinstance(found, ParsedComposition), found
    return found


def test_a_published_gas() -> None:
    """ISO 12213-2's gas 1 is read as written, in the order of the components."""
    found = parsed(GAS_1)
    assert found.composition.fractions[:4] == pytest.approx((0.965, 0.003, 0.006, 0.018), abs=1e-15)
    assert found.composition.fractions[COMPONENTS.index("n_hexane")] == pytest.approx(0.0007)
    assert math.fsum(found.composition.fractions) == pytest.approx(1.0, abs=1e-15)
    assert found.found_sum == pytest.approx(1.0, abs=1e-15)
    assert found.rule is SumRule.NORMALISE


def test_order_of_entries_is_nothing() -> None:
    """The same entries in another order are the same composition to the last bit."""
    assert parsed(GAS_1) == parsed(dict(reversed(GAS_1.items())))


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("CH4", "methane"), ("c1", "methane"), ("Carbon Dioxide", "carbon_dioxide"),
        ("co2", "carbon_dioxide"), ("CO", "carbon_monoxide"), ("i-Butane", "isobutane"),
        ("iC4", "isobutane"), ("IC4", "isobutane"), ("n-butane", "n_butane"), ("nC5", "n_pentane"),
        ("n C5", "n_pentane"), ("hexane", "n_hexane"), ("n-Decane", "n_decane"),
        ("H2", "hydrogen"), ("H2S", "hydrogen_sulfide"), ("H2O", "water"), ("He", "helium"),
        ("AR", "argon"), ("O2", "oxygen"), ("n_2", "nitrogen"), ("neopentane", None), ("C4", None),
        ("", None),
    ],
)  # fmt: skip
def test_names(key: str, name: str | None) -> None:
    """A component has several names; an ambiguous or unknown one is none."""
    assert component_of(key) == name


def test_every_alias_is_a_component_and_no_other() -> None:
    """All aliases lead to one of the 21, and none hides another's name."""
    assert len(COMPONENTS) == 21
    assert all(component_of(alias) == name for alias, name in ALIASES.items())
    assert all(component_of(name) == name for name in COMPONENTS)


def test_percent() -> None:
    """Percent gives the same composition as fractions."""
    percent = {name: 100.0 * share for name, share in GAS_1.items()}
    assert parsed(percent, "percent").composition.fractions == pytest.approx(
        parsed(GAS_1).composition.fractions, abs=1e-15
    )


@pytest.mark.parametrize(
    ("entries", "unit", "field", "words"),
    [
        ({"methan": 1.0}, "fraction", "composition.methan", "did you mean methane?"),
        ({"zzz": 1.0}, "fraction", "composition.zzz", "name one of methane"),
        ({"methane": 0.5, "CH4": 0.5}, "fraction", "composition.CH4", "second time"),
        ({"methane": math.nan}, "fraction", "composition.methane", "is nan"),
        ({"methane": math.inf}, "fraction", "composition.methane", "is inf"),
        ({"methane": 10**400}, "fraction", "composition.methane", "from 0"),
        ({"methane": -0.01, "N2": 1.0}, "fraction", "composition.methane", "is -0.01"),
        ({"methane": 1.01}, "fraction", "composition.methane", "more than the whole"),
        ({"methane": 101.0, "N2": 80}, "percent", "composition.methane", "more than the whole"),
        ({"methane": True}, "fraction", "composition.methane", "not a number"),
        ({"methane": "0.9"}, "fraction", "composition.methane", "not a number"),
        ({"methane": None}, "fraction", "composition.methane", "not a number"),
        ({"methane": 96.5, "N2": 3.5}, "fraction", "composition", "these are percent"),
        ({"methane": 0.965, "N2": 0.035}, "percent", "composition", "these are fractions"),
        ({"methane": 0.96, "N2": 0.035}, "fraction", "composition", "0.995"),
        ({"methane": 96, "N2": 3.5}, "percent", "composition", "0.995"),
        ({}, "fraction", "composition", "adds up to 0"),
    ],
)
def test_faults(entries: dict[str, object], unit: Unit, field: str, words: str) -> None:
    """What is no composition says its field and what to do."""
    fault = parse_composition(entries, unit=unit)
    assert isinstance(fault, CompositionFault)
    assert fault.field == field
    assert words in str(fault)


@pytest.mark.parametrize(
    ("rule", "n2", "accepted"),
    [
        (SumRule.REFUSE, 0.0399995, True),
        (SumRule.REFUSE, 0.0399985, False),
        (SumRule.NORMALISE, 0.03991, True),
        (SumRule.NORMALISE, 0.04009, True),
        (SumRule.NORMALISE, 0.03989, False),
        (SumRule.NORMALISE, 0.035, False),
        (SumRule.METHANE_REST, 0.03991, True),
        (SumRule.METHANE_REST, 0.03989, False),
    ],
)
def test_rules_for_the_sum(rule: SumRule, n2: float, accepted: bool) -> None:
    """A sum off by more than the rule's tolerance is refused; else the sum found is handed back."""
    found = parse_composition({"methane": 0.96, "nitrogen": n2}, rule=rule)
    assert isinstance(found, ParsedComposition) is accepted
    if isinstance(found, ParsedComposition):
        assert found.found_sum == 0.96 + n2
        assert found.rule is rule
        assert sum(found.composition.fractions) == pytest.approx(1.0, abs=1e-15)


def test_normalising_divides_every_share() -> None:
    """The shares keep their proportions."""
    methane, nitrogen = parsed({"methane": 0.96, "nitrogen": 0.03995}).composition.fractions[:2]
    assert nitrogen / methane == pytest.approx(0.03995 / 0.96, rel=1e-14)


@pytest.mark.parametrize("entries", [{"N2": 0.04}, {"N2": 0.04, "CH4": 0.96005}])
def test_methane_is_the_rest(entries: dict[str, float]) -> None:
    """Methane absent, or nearly right, is what the others leave."""
    found = parsed(entries, rule=SumRule.METHANE_REST)
    assert found.composition.fractions[:2] == (0.96, 0.04)


def test_methane_is_the_rest_of_small_percents() -> None:
    """Less than a percent of other gases beside an unnamed methane is not taken for fractions."""
    found = parsed({"N2": 0.9}, "percent", SumRule.METHANE_REST)
    assert found.composition.fractions[0] == pytest.approx(0.991, abs=1e-15)


def test_others_beyond_one_leave_no_methane() -> None:
    """Shares that are more than one without methane are refused."""
    fault = parse_composition({"N2": 0.6, "CO2": 0.5}, rule=SumRule.METHANE_REST)
    assert isinstance(fault, CompositionFault)
    assert "without methane" in fault.problem


SHARES = st.lists(st.floats(0.0, 1.0), min_size=21, max_size=21).filter(lambda s: sum(s) > 1e-3)


@given(SHARES)
def test_whole_parts_sum_to_one_and_come_back(shares: list[float]) -> None:
    """to_e9 sums to exactly 10^9, moves no share by a whole part, and is its own round trip."""
    total = math.fsum(shares)
    composition = Composition(tuple(share / total for share in shares))
    counts = to_e9(composition)
    assert sum(counts) == E9
    for count, share in zip(counts, composition.fractions, strict=True):
        assert abs(count - share * E9) < 1.0
    assert is_whole(composition)
    assert is_whole(from_e9(counts))
    assert to_e9(from_e9(counts)) == counts


@pytest.mark.parametrize(
    "counts",
    [(E9,), (E9 - 1, *[0] * 20), (E9 + 1, -1, *[0] * 19), (E9, 1, *[0] * 19)],
)
def test_parts_that_are_no_composition(counts: tuple[int, ...]) -> None:
    """Parts that are not 21 with the sum 10^9 are refused."""
    with pytest.raises(ValueError):
        from_e9(counts)


@pytest.mark.parametrize(
    "fractions",
    [
        (0.995, *[0.0] * 20), (1.0,), (1.0, *[0.0] * 21), (1.1, -0.1, *[0.0] * 19),
        (1.0, math.nan, *[0.0] * 19), (math.inf, *[0.0] * 20),
    ],
)  # fmt: skip
def test_fractions_that_are_no_composition(fractions: tuple[float, ...]) -> None:
    """Shares that are not 21 with the sum one are told apart."""
    assert not is_whole(Composition(fractions))


def test_fractions_without_whole_parts() -> None:
    """A sum that is not one has no whole parts."""
    with pytest.raises(ValueError):
        to_e9(Composition((0.9, *[0.0] * 20)))
