"""What a chromatograph's "C6+" stands for: a declared split among the higher alkanes.

A field chromatograph sees everything above pentane as one peak. Which components it is taken for is
a legally relevant term, never a guess of the program: the default, all n-hexane, is the simplest
one, and understates Hs of a heavier tail. The other splits are those that chromatographs themselves
report by their component codes 108 to 111 (Danalyzer 2251; Emerson FloBoss S600+ manual, C.9.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from protocols.metering.composition import COMPONENTS, CompositionFault, component_of

# Shares in 1e-5, as the manuals print them
HEXANE: Final[Mapping[str, int]] = {"n_hexane": 100_000}
SPLITS: Final[Mapping[str, Mapping[str, int]]] = {
    "hexane": HEXANE,
    "47/35/17": {"n_hexane": 47_466, "n_heptane": 35_340, "n_octane": 17_194},
    "50/50/0": {"n_hexane": 50_000, "n_heptane": 50_000},
    "50/25/25": {"n_hexane": 50_000, "n_heptane": 25_000, "n_octane": 25_000},
    "57/29/14": {"n_hexane": 57_143, "n_heptane": 28_572, "n_octane": 14_285},
}
WHOLE: Final = 100_000
_NAMES: Final = ("c6+", "c6plus", "hexane+", "hexanes+", "hexaneplus", "hexanesplus")


def is_c6_plus(key: str) -> bool:
    """Whether a component's name means the sum peak."""
    return "".join(key.lower().split()).replace("_", "").replace("-", "") in _NAMES


def with_c6_plus(
    entries: Mapping[str, object], split: Mapping[str, int] = HEXANE
) -> dict[str, object] | CompositionFault:
    """The entries with C6+ shared out; as they are where there is none.

    A component of the split that is given by itself as well is refused: it would count twice.
    """
    if fault := split_fault(split):
        return fault
    found: dict[str, object] = {}
    for key, value in entries.items():
        if not is_c6_plus(key):
            found[key] = value
            continue
        field = f"composition.{key}"
        doubled = [other for other in entries if component_of(other) in split]
        if doubled:
            return CompositionFault(
                field, f"is given beside {doubled[0]}", "give the sum or its parts, not both"
            )
        if any(name in found for name in split):
            return CompositionFault(field, "is given a second time", "name it once")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return CompositionFault(field, f"is {value!r}, not a number", "give a mole fraction")
        found |= {name: value * share / WHOLE for name, share in split.items() if share}
    return found


def split_fault(split: Mapping[str, int]) -> CompositionFault | None:
    """Why a declared split is none."""
    strange = [name for name in split if name not in COMPONENTS]
    if strange:
        return CompositionFault(
            "c6_plus", f"names {strange[0]}, which is no component", "name those of AGA 8"
        )
    if min(split.values(), default=-1) < 0 or sum(split.values()) != WHOLE:
        return CompositionFault(
            "c6_plus", f"adds up to {sum(split.values())} of {WHOLE}", "let its shares make a whole"
        )
    return None
