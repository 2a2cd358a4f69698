"""The sixty components of ISO 6976 as people name them, to and from the 21 of AGA 8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from protocols.metering.composition import (
    ALIASES,
    COMPONENTS,
    DEFAULT_RULE,
    Composition,
    CompositionFault,
    SumRule,
    Unit,
    names_by_key,
    parse_shares,
)
from protocols.metering.iso6976 import NAMES, Mixture

# Names of ISO 6976 that differ from ours, and what chromatographs print
_MORE_ALIASES: Final = {
    "2,2-dimethylpropane": "neopentane", "neo-pentane": "neopentane", "neoC5": "neopentane",
    "neoC5H12": "neopentane",
    "2,2-dimethylbutane": "2_2_dimethylbutane", "neohexane": "2_2_dimethylbutane",
    "2,3-dimethylbutane": "2_3_dimethylbutane",
    "isohexane": "2_methylpentane", "iC6": "2_methylpentane",
    "ethene": "ethylene", "C2H4": "ethylene",
    "propene": "propylene", "C3H6": "propylene",
    "2-methylpropene": "isobutylene", "isobutene": "isobutylene",
    "1,2-butadiene": "1_2_butadiene", "1,3-butadiene": "1_3_butadiene",
    "ethyne": "acetylene", "C2H2": "acetylene",
    "methyl mercaptan": "methanethiol", "CH3SH": "methanethiol",
    "CH3OH": "methanol",
    "NH3": "ammonia", "HCN": "hydrogen_cyanide",
    "COS": "carbonyl_sulfide", "carbonyl sulphide": "carbonyl_sulfide",
    "CS2": "carbon_disulfide", "carbon disulphide": "carbon_disulfide",
    "SO2": "sulfur_dioxide", "sulphur dioxide": "sulfur_dioxide",
    "Ne": "neon", "C6H6": "benzene",
    "C11": "n_undecane", "nC11": "n_undecane", "undecane": "n_undecane",
    "C12": "n_dodecane", "nC12": "n_dodecane", "dodecane": "n_dodecane",
    "C13": "n_tridecane", "nC13": "n_tridecane", "tridecane": "n_tridecane",
    "C14": "n_tetradecane", "nC14": "n_tetradecane", "tetradecane": "n_tetradecane",
    "C15": "n_pentadecane", "nC15": "n_pentadecane", "pentadecane": "n_pentadecane",
}  # fmt: skip
_BY_KEY: Final = names_by_key(NAMES, {**ALIASES, **_MORE_ALIASES})


class ParsedMixture(NamedTuple):
    """A mixture, the sum of the fractions as they were given, and the rule it came by."""

    mixture: Mixture
    found_sum: float
    rule: SumRule


def parse_mixture(
    entries: Mapping[str, object], *, unit: Unit = "fraction", rule: SumRule = DEFAULT_RULE
) -> ParsedMixture | CompositionFault:
    """The mixture that `entries` (component: amount) name, or the first fault in them."""
    shares = parse_shares(entries, _BY_KEY, unit=unit, rule=rule)
    if isinstance(shares, CompositionFault):
        return shares
    x = tuple(shares.fractions.get(name, 0.0) for name in NAMES)
    return ParsedMixture(Mixture(x), shares.found_sum, shares.rule)


def mixture_of(composition: Composition) -> Mixture:
    """The composition as ISO 6976 needs it."""
    fractions = dict(zip(COMPONENTS, composition.fractions, strict=True))
    return Mixture(tuple(fractions.get(name, 0.0) for name in NAMES))


def composition_of(mixture: Mixture) -> Composition | CompositionFault:
    """The composition as the Z methods need it; what AGA 8 does not know is never dropped."""
    for name, x in zip(NAMES, mixture.x, strict=True):
        if x > 0.0 and name not in COMPONENTS:
            return CompositionFault(
                f"composition.{name}",
                "is none of the 21 components of AGA 8",
                "assign its share to the nearest of them by the contract's rule",
            )
    return Composition(tuple(mixture.fraction(name) for name in COMPONENTS))
