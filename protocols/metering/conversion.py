"""Line volume to base volume (EN 12405-1): PT, and PTZ with a fixed K or SGERG-88.

    Vb = Vm C,    C = (P / Pb) (Tb / T) / K,    K = Z / Zb

P, Pb absolute, T, Tb in kelvin; Zb by the same method at (Tb, Pb), never 1.
"""

from __future__ import annotations

import math
from typing import NamedTuple, assert_never

from protocols.metering.refusal import NotConverged, OutOfRange
from protocols.metering.sgerg88 import Mixture, SgergGas, mixture_of, z_of

__all__ = [
    "PT",
    "BaseConditions",
    "Factor",
    "FixedK",
    "Method",
    "NotConverged",
    "OutOfRange",
    "Sgerg88",
    "SgergGas",
    "convert",
]

PA_PER_BAR = 1e5


class BaseConditions(NamedTuple):
    """The contract's pressure (Pa, absolute) and temperature (K)."""

    pressure_pa: float
    temperature_k: float


class Factor(NamedTuple):
    """Z at line and base conditions, and the conversion factor: base volume / line volume."""

    z_line: float
    z_base: float
    conversion_factor: float


class PT(NamedTuple):
    """Ideal gas: Z = Zb = 1. Already 0.5 % wrong at about 0.3 MPa."""


class FixedK(NamedTuple):
    """A compression ratio K = Z / Zb from the contract; reported as Z = K, Zb = 1."""

    k: float


class Sgerg88(NamedTuple):
    """Z and Zb by SGERG-88 for this gas."""

    gas: SgergGas


Method = PT | FixedK | Sgerg88


def convert(
    method: Method, pressure_pa: float, temperature_k: float, base: BaseConditions
) -> Factor | OutOfRange | NotConverged:
    """The factor at line pressure (Pa, absolute) and temperature (K), or why there is none."""
    refused = (
        _not_positive("line_pressure_pa", pressure_pa)
        or _not_positive("line_temperature_k", temperature_k)
        or _not_positive("base_pressure_pa", base.pressure_pa)
        or _not_positive("base_temperature_k", base.temperature_k)
    )
    if refused:
        return refused
    ratio = (pressure_pa / base.pressure_pa) * (base.temperature_k / temperature_k)
    if isinstance(method, PT):
        return Factor(1.0, 1.0, ratio)
    if isinstance(method, FixedK):
        return _not_positive("k", method.k) or Factor(method.k, 1.0, ratio / method.k)
    if isinstance(method, Sgerg88):
        mixture = mixture_of(method.gas)
        if not isinstance(mixture, Mixture):
            return mixture
        z_base = z_of(mixture, base.pressure_pa / PA_PER_BAR, base.temperature_k)
        z_line = z_of(mixture, pressure_pa / PA_PER_BAR, temperature_k)
        if not isinstance(z_base, float):
            return z_base
        if not isinstance(z_line, float):
            return z_line
        return Factor(z_line, z_base, ratio * z_base / z_line)
    assert_never(method)


def _not_positive(field: str, value: float) -> OutOfRange | None:
    """Refuse NaN, infinities, zero and less."""
    good = math.isfinite(value) and value > 0.0
    return None if good else OutOfRange(field, value, 0.0, math.inf)
