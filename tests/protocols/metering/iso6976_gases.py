"""Compositions of the ISO 6976 vectors, and the references they are given at."""

from __future__ import annotations

from typing import Final

from protocols.metering.composition import CompositionFault
from protocols.metering.iso6976 import Mixture
from protocols.metering.mixture import parse_mixture
from protocols.metering.reference import Reference, ReferenceTemperature

_LABELS: Final = {"15.55": "60F"}  # as the standard prints 60 degF


def amounts(text: str) -> dict[str, float]:
    """`methane=0.96;nitrogen=0.04` as a mapping."""
    return {name: float(x) for name, x in (part.split("=") for part in text.split(";"))}


def mixture(text: str) -> Mixture:
    """The mixture of such a text; the test ends where it is none."""
    parsed = parse_mixture(amounts(text))
    assert not isinstance(parsed, CompositionFault), parsed
    return parsed.mixture


def reference(t1: str, t2: str) -> Reference:
    """Reference conditions of two columns of a vector file."""
    one, two = (ReferenceTemperature(_LABELS.get(t, t)) for t in (t1, t2))
    return Reference(one, two)
