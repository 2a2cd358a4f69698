"""The six gases of ISO 12213-2 Annex C: a sample of what pipelines carry.

They are high and low heating value, rich in ethane (3), in hydrogen and carbon monoxide (4), in
carbon dioxide (5) and in nitrogen (6). A factor "without a composition" is the mean over them, and
its spread is theirs. Biomethane, LNG and hydrogen blends above 10 % lie outside the sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from protocols.metering.iso6976 import NAMES, Mixture

# Mole fractions
_GASES: Final[Mapping[str, Mapping[str, float]]] = {
    "gas 1": {
        "methane": 0.965, "ethane": 0.018, "propane": 0.0045, "n_butane": 0.001,
        "isobutane": 0.001, "n_pentane": 0.0003, "isopentane": 0.0005, "n_hexane": 0.0007,
        "nitrogen": 0.003, "carbon_dioxide": 0.006,
    },
    "gas 2": {
        "methane": 0.907, "ethane": 0.045, "propane": 0.0084, "n_butane": 0.0015,
        "isobutane": 0.001, "n_pentane": 0.0004, "isopentane": 0.0003, "n_hexane": 0.0004,
        "nitrogen": 0.031, "carbon_dioxide": 0.005,
    },
    "gas 3": {
        "methane": 0.859, "ethane": 0.085, "propane": 0.023, "n_butane": 0.0035,
        "isobutane": 0.0035, "n_pentane": 0.0005, "isopentane": 0.0005,
        "nitrogen": 0.01, "carbon_dioxide": 0.015,
    },
    "gas 4": {
        "methane": 0.735, "ethane": 0.033, "propane": 0.0074, "n_butane": 0.0012,
        "isobutane": 0.0012, "n_pentane": 0.0004, "isopentane": 0.0004, "n_hexane": 0.0002,
        "n_heptane": 0.0001, "n_octane": 0.0001,
        "nitrogen": 0.1, "carbon_dioxide": 0.016, "hydrogen": 0.095, "carbon_monoxide": 0.01,
    },
    "gas 5": {
        "methane": 0.812, "ethane": 0.043, "propane": 0.009, "n_butane": 0.0015,
        "isobutane": 0.0015,
        "nitrogen": 0.057, "carbon_dioxide": 0.076,
    },
    "gas 6": {
        "methane": 0.826, "ethane": 0.035, "propane": 0.0075, "n_butane": 0.0012,
        "isobutane": 0.0012, "n_pentane": 0.0004, "isopentane": 0.0004, "n_hexane": 0.0002,
        "n_heptane": 0.0001,
        "nitrogen": 0.117, "carbon_dioxide": 0.011,
    },
}  # fmt: skip

SAMPLE: Final = {
    gas: Mixture(tuple(fractions.get(name, 0.0) for name in NAMES))
    for gas, fractions in _GASES.items()
}
