"""Where an equation of state for mixtures holds: pressure, temperature and shares."""

from __future__ import annotations

from typing import Final, NamedTuple

from protocols.metering.composition import COMPONENTS
from protocols.metering.refusal import OutOfRange


class Share(NamedTuple):
    """The lowest and the highest sum of the mole fractions of these components."""

    components: tuple[str, ...]
    low: float
    high: float


class Range(NamedTuple):
    """Pressure in kPa (absolute), temperature in K and shares, each from its lowest to highest."""

    p_kpa: tuple[float, float]
    t_k: tuple[float, float]
    shares: tuple[Share, ...] = ()


P_LOWEST_KPA: Final = 1e-3  # at zero there is no Z, and no line is read to less than 1 Pa

# Pipeline-quality gas, for which the composition methods claim 0.1 %: ISO 12213-2:2006, 4.4.1, and
# for oxygen, hydrogen sulfide and argon ISO 20765-2:2015 (AGA Report No. 8 Part 2, Table 5).
# Both are quoted from secondary sources; the limits of Hs and d are the caller's.
PIPELINE: Final = Range(
    (P_LOWEST_KPA, 12_000.0),
    (263.0, 338.0),
    (
        Share(("methane",), 0.70, 1.0),
        Share(("nitrogen",), 0.0, 0.20),
        Share(("carbon_dioxide",), 0.0, 0.20),
        Share(("ethane",), 0.0, 0.10),
        Share(("propane",), 0.0, 0.035),
        Share(("isobutane", "n_butane"), 0.0, 0.015),
        Share(("isopentane", "n_pentane"), 0.0, 0.005),
        Share(("n_hexane",), 0.0, 0.001),
        Share(("n_heptane",), 0.0, 0.0005),
        Share(("n_octane", "n_nonane", "n_decane"), 0.0, 0.0005),
        Share(("hydrogen",), 0.0, 0.10),
        Share(("carbon_monoxide",), 0.0, 0.03),
        Share(("helium",), 0.0, 0.005),
        Share(("water",), 0.0, 0.00015),
        Share(("oxygen",), 0.0, 0.0002),
        Share(("hydrogen_sulfide",), 0.0, 0.0002),
        Share(("argon",), 0.0, 0.0002),
    ),
)

_ROUNDING: Final = 1e-12  # of a share that was divided by its sum
_INDEX: Final = {name: i for i, name in enumerate(COMPONENTS)}


def outside(
    allowed: Range, fractions: tuple[float, ...], p_kpa: float, t_k: float
) -> OutOfRange | None:
    """The first of the inputs that is not in the range (a NaN never is)."""
    if not allowed.p_kpa[0] <= p_kpa <= allowed.p_kpa[1]:
        return OutOfRange("line_pressure_kpa", p_kpa, *allowed.p_kpa)
    if not allowed.t_k[0] <= t_k <= allowed.t_k[1]:
        return OutOfRange("temperature_k", t_k, *allowed.t_k)
    return shares_outside(allowed, fractions)


def shares_outside(allowed: Range, fractions: tuple[float, ...]) -> OutOfRange | None:
    """The first share, or sum of shares, that is not in the range."""
    for components, low, high in allowed.shares:
        share = 0.0
        for name in components:
            share += fractions[_INDEX[name]]
        if not low - _ROUNDING <= share <= high + _ROUNDING:
            return OutOfRange(f"composition.{'+'.join(components)}", share, low, high)
    return None
