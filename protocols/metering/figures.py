"""What the methods that do without a composition ask for, worked out from one by ISO 6976."""

from __future__ import annotations

from typing import NamedTuple

from protocols.metering.composition import Composition
from protocols.metering.iso6976 import Mixture, properties
from protocols.metering.mixture import mixture_of
from protocols.metering.reference import CHINA, SGERG
from protocols.metering.refusal import OutOfRange


class Figures(NamedTuple):
    """Hs in MJ/m3 (25/0, real gas), d at 0 degC, mole fractions, density at 20 degC in kg/m3."""

    hs_mj_m3: float
    d: float
    x_co2: float
    x_h2: float
    x_n2: float
    rho_20_kg_m3: float


def figures_of(composition: Composition) -> Figures | OutOfRange:
    """The figures of a gas whose composition is known."""
    return figures_of_mixture(mixture_of(composition))


def figures_of_mixture(mixture: Mixture) -> Figures | OutOfRange:
    """The same of a mixture that may hold what AGA 8 does not know."""
    at_0, at_20 = properties(mixture, SGERG), properties(mixture, CHINA)
    if isinstance(at_0, OutOfRange):
        return at_0
    if isinstance(at_20, OutOfRange):
        return at_20
    x_co2, x_h2, x_n2 = (
        mixture.fraction(name) for name in ("carbon_dioxide", "hydrogen", "nitrogen")
    )
    return Figures(at_0.hs_mj_m3, at_0.d, x_co2, x_h2, x_n2, at_20.rho_kg_m3)
