"""A gas's composition: 21 mole fractions, in the order of AGA Report No. 8.

A composition is written by people and by chromatographs, so its sum is seldom one. What is done
about it is a declared rule, and the sum that was found is handed back to be logged.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, Literal, NamedTuple

COMPONENTS: Final = (
    "methane", "nitrogen", "carbon_dioxide", "ethane", "propane", "isobutane", "n_butane",
    "isopentane", "n_pentane", "n_hexane", "n_heptane", "n_octane", "n_nonane", "n_decane",
    "hydrogen", "oxygen", "carbon_monoxide", "water", "hydrogen_sulfide", "helium", "argon",
)  # fmt: skip

# Other names, as laboratories, chromatographs and published tables write them; a name without
# "n" or "iso" is the normal alkane. Case, spaces, hyphens and underscores do not matter.
ALIASES: Final[Mapping[str, str]] = {
    "C1": "methane", "CH4": "methane",
    "N2": "nitrogen",
    "CO2": "carbon_dioxide",
    "C2": "ethane", "C2H6": "ethane",
    "C3": "propane", "C3H8": "propane",
    "iC4": "isobutane", "i-butane": "isobutane", "iC4H10": "isobutane",
    "2-methylpropane": "isobutane",
    "nC4": "n_butane", "butane": "n_butane", "nC4H10": "n_butane",
    "iC5": "isopentane", "i-pentane": "isopentane", "iC5H12": "isopentane",
    "2-methylbutane": "isopentane",
    "nC5": "n_pentane", "pentane": "n_pentane", "nC5H12": "n_pentane",
    "C6": "n_hexane", "nC6": "n_hexane", "hexane": "n_hexane", "C6H14": "n_hexane",
    "nC6H14": "n_hexane",
    "C7": "n_heptane", "nC7": "n_heptane", "heptane": "n_heptane", "C7H16": "n_heptane",
    "nC7H16": "n_heptane",
    "C8": "n_octane", "nC8": "n_octane", "octane": "n_octane", "C8H18": "n_octane",
    "nC8H18": "n_octane",
    "C9": "n_nonane", "nC9": "n_nonane", "nonane": "n_nonane", "C9H20": "n_nonane",
    "nC9H20": "n_nonane",
    "C10": "n_decane", "nC10": "n_decane", "decane": "n_decane", "C10H22": "n_decane",
    "nC10H22": "n_decane",
    "H2": "hydrogen",
    "O2": "oxygen",
    "CO": "carbon_monoxide",
    "H2O": "water",
    "H2S": "hydrogen_sulfide", "hydrogen sulphide": "hydrogen_sulfide",
    "He": "helium",
    "Ar": "argon",
}  # fmt: skip

REFUSE_TOLERANCE: Final = 1e-6
NORMALISE_TOLERANCE: Final = 1e-4
E9: Final = 10**9
_ROUNDING: Final = 1e-9

Unit = Literal["fraction", "percent"]


class SumRule(StrEnum):
    """What is done with fractions whose sum is not one."""

    REFUSE = "refuse"  # off by more than 1e-6: no composition
    NORMALISE = "normalise"  # each divided by the sum; off by more than 1e-4: no composition
    METHANE_REST = "methane_rest"  # methane is what the others leave


# Every published vector adds up to one within rounding; a chromatograph's two decimals of a
# percent may not, a forgotten component may never pass.
DEFAULT_RULE: Final = SumRule.NORMALISE


class Composition(NamedTuple):
    """Mole fractions in the order of COMPONENTS; their sum is one within rounding."""

    fractions: tuple[float, ...]


class ParsedComposition(NamedTuple):
    """A composition, the sum of the fractions as they were given, and the rule it came by."""

    composition: Composition
    found_sum: float
    rule: SumRule


class Shares(NamedTuple):
    """Mole fractions by component (sum one), the sum as they were given, and the rule."""

    fractions: Mapping[str, float]
    found_sum: float
    rule: SumRule


class CompositionFault(NamedTuple):
    """Why there is no composition, in which field, and what to do."""

    field: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.field} {self.problem}; {self.remedy}"


def parse_composition(
    entries: Mapping[str, object], *, unit: Unit = "fraction", rule: SumRule = DEFAULT_RULE
) -> ParsedComposition | CompositionFault:
    """The composition that `entries` (component: amount) name, or the first fault in them."""
    shares = parse_shares(entries, _BY_KEY, unit=unit, rule=rule)
    if isinstance(shares, CompositionFault):
        return shares
    ordered = tuple(shares.fractions.get(name, 0.0) for name in COMPONENTS)
    return ParsedComposition(Composition(ordered), shares.found_sum, shares.rule)


def parse_shares(
    entries: Mapping[str, object], by_key: Mapping[str, str], *, unit: Unit, rule: SumRule
) -> Shares | CompositionFault:
    """The same for another set of components, such as the sixty of ISO 6976 (`names_by_key`)."""
    amounts: dict[str, float] = {}
    for key, value in entries.items():
        name = by_key.get(_normal(key))
        if name is None:
            return _unknown(key, by_key)
        if name in amounts:
            return CompositionFault(_field(key), f"is {name} a second time", "name it once")
        amount = _amount(key, value)
        if isinstance(amount, CompositionFault):
            return amount
        amounts[name] = amount
    total = math.fsum(amounts.values())
    whole = 1.0 if unit == "fraction" else 100.0
    # beside an unnamed methane the others may add up to anything
    known_total = "methane" in amounts or rule is not SumRule.METHANE_REST
    if known_total and (fault := _wrong_unit(total, unit)):
        return fault
    if fault := _too_large(amounts, whole):
        return fault
    fractions = {name: amount / whole for name, amount in amounts.items()}
    return _by_rule(fractions, rule)


def component_of(key: str) -> str | None:
    """The component that a name or an alias means."""
    return _BY_KEY.get(_normal(key))


def is_whole(composition: Composition) -> bool:
    """Whether these are 21 shares that add up to one: what every method relies on."""
    fractions = composition.fractions
    return (
        len(fractions) == len(COMPONENTS)
        and all(0.0 <= fraction <= 1.0 for fraction in fractions)
        and abs(math.fsum(fractions) - 1.0) <= _ROUNDING
    )


def to_e9(composition: Composition) -> tuple[int, ...]:
    """Whole 1e-9 parts with the sum 10^9: what is missing goes to the largest remainders."""
    scaled = [fraction * 1e9 for fraction in composition.fractions]
    counts = [math.floor(parts) for parts in scaled]
    missing = E9 - sum(counts)
    if not 0 <= missing <= len(counts):
        raise ValueError(f"the fractions add up to {math.fsum(composition.fractions)}, not to 1")
    order = sorted(range(len(counts)), key=lambda i: counts[i] - scaled[i])
    for i in order[:missing]:
        counts[i] += 1
    return tuple(counts)


def from_e9(counts: Sequence[int]) -> Composition:
    """The composition that `to_e9` wrote."""
    if len(counts) != len(COMPONENTS) or min(counts) < 0 or sum(counts) != E9:
        raise ValueError(f"not {len(COMPONENTS)} parts of 10^9: {list(counts)}")
    return Composition(tuple(count / E9 for count in counts))


def names_by_key(names: Iterable[str], aliases: Mapping[str, str]) -> dict[str, str]:
    """The component of each name and alias, by what is left of it without case and hyphens."""
    return {_normal(name): name for name in names} | {
        _normal(alias): name for alias, name in aliases.items()
    }


def _by_rule(fractions: Mapping[str, float], rule: SumRule) -> Shares | CompositionFault:
    found = math.fsum(fractions.values())
    if rule is SumRule.METHANE_REST:
        return _with_methane(fractions, found)
    tolerance = REFUSE_TOLERANCE if rule is SumRule.REFUSE else NORMALISE_TOLERANCE
    if not abs(found - 1.0) <= tolerance:
        return CompositionFault(
            "composition",
            f"adds up to {found:.9g}, off by more than {tolerance:g}",
            "complete or correct it, or let methane be the rest (rule methane_rest)",
        )
    # a sum within the tolerance leaves a last rounding; dividing by it makes the sum one
    return Shares({name: part / found for name, part in fractions.items()}, found, rule)


def _with_methane(fractions: Mapping[str, float], found: float) -> Shares | CompositionFault:
    given = fractions.get("methane")
    others = math.fsum(amount for name, amount in fractions.items() if name != "methane")
    rest = 1.0 - others
    if rest < 0.0:
        return CompositionFault(
            "composition", f"without methane adds up to {others:.9g}", "correct the other shares"
        )
    if given is not None and not abs(given - rest) <= NORMALISE_TOLERANCE:
        return CompositionFault(
            "composition.methane",
            f"is {given:.9g}, but the others leave {rest:.9g}",
            "leave methane out, or correct the other shares",
        )
    return Shares({**fractions, "methane": rest}, found, SumRule.METHANE_REST)


def _amount(key: str, value: object) -> float | CompositionFault:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return CompositionFault(_field(key), f"is {value!r}, not a number", "give a mole fraction")
    if not 0.0 <= value < E9:  # no percentage is near it
        return CompositionFault(_field(key), f"is {value}", "give a share from 0 to the whole")
    return float(value)


def _wrong_unit(total: float, unit: Unit) -> CompositionFault | None:
    """Percent for fractions, or fractions for percent: off by a hundred, and easily said."""
    if unit == "fraction" and 50.0 <= total <= 150.0:
        return CompositionFault(
            "composition", f"adds up to {total:.9g}", "these are percent: say so, or divide by 100"
        )
    if unit == "percent" and 0.5 <= total <= 1.5:
        return CompositionFault(
            "composition",
            f"adds up to {total:.9g} percent",
            "these are fractions: say so, or multiply by 100",
        )
    return None


def _too_large(amounts: Mapping[str, float], whole: float) -> CompositionFault | None:
    for name, amount in amounts.items():
        if amount > whole:
            return CompositionFault(
                _field(name), f"is {amount:.9g}, more than the whole of {whole:g}", "correct it"
            )
    return None


def _unknown(key: str, by_key: Mapping[str, str]) -> CompositionFault:
    import difflib  # only here: 140 kB for a mistake that is rare

    near = difflib.get_close_matches(_normal(key), by_key, n=1)
    names = ", ".join(dict.fromkeys(by_key.values()))
    remedy = f"did you mean {by_key[near[0]]}?" if near else f"name one of {names}"
    return CompositionFault(_field(key), "is no component of this method", remedy)


def _field(key: str) -> str:
    return f"composition.{key}"


def _normal(key: str) -> str:
    return key.lower().replace("-", "").replace("_", "").replace(" ", "")


_BY_KEY: Final = names_by_key(COMPONENTS, ALIASES)
