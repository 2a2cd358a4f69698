"""Line volume to base volume (EN 12405-1): T, PT, and PTZ by a fixed K or one of seven methods.

    Vb = Vm C,    C = (P / Pb) (Tb / T) / K,    K = Z / Zb

P, Pb absolute, T, Tb in kelvin; Zb by the same method at (Tb, Pb), never 1. (NX-19 mod has a Zb of
its own at its own base, see `nx19.py`.)

`prepared` works out once what does not change from poll to poll: the coefficients of the gas and
Zb. It is a value that the caller keeps; nothing is remembered here. `convert` gives the same bits.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple, assert_never

from protocols.metering import aga8_detail, gerg2008, nx19, virial88
from protocols.metering.aga8_detail import DetailGas, detail_gas
from protocols.metering.composition import Composition
from protocols.metering.gerg2008 import GergGas, gerg_gas
from protocols.metering.gross import Gross1Gas, Gross2Gas, gross1_gas, gross2_gas
from protocols.metering.limits import Limits
from protocols.metering.nx19 import Nx19Gas
from protocols.metering.refusal import NotConverged, OutOfRange
from protocols.metering.sgerg88 import SGERG_MOD_H2, SgergGas, sgerg_gas
from protocols.metering.virial88 import VirialGas, outside

__all__ = [
    "PT",
    "BaseConditions",
    "Detail",
    "Factor",
    "FixedK",
    "Gerg2008",
    "Gross1",
    "Gross2",
    "Limits",
    "Method",
    "NotConverged",
    "Nx19Mod",
    "OutOfRange",
    "Prepared",
    "Sgerg88",
    "SgergGas",
    "SgergModH2",
    "T",
    "convert",
    "convert_prepared",
    "prepared",
]

PA_PER_BAR, PA_PER_KPA, PA_PER_MPA = 1e5, 1e3, 1e6

BASE_PRESSURE_PA: Final = (50e3, 200e3)
BASE_TEMPERATURE_K: Final = (223.15, 373.15)
# Where Z is not computed there is no method's range: what a gas meter can see
CONSTANT_PRESSURE_PA: Final = (0.1, 15e6)
CONSTANT_TEMPERATURE_K: Final = (200.0, 1000.0)
K: Final = (0.5, 1.5)
AT_BASE: Final = "at base conditions"  # how a refusal of Zb begins


class BaseConditions(NamedTuple):
    """The contract's pressure (Pa, absolute) and temperature (K)."""

    pressure_pa: float
    temperature_k: float


class Factor(NamedTuple):
    """Z at line and base conditions, and the conversion factor: base volume / line volume."""

    z_line: float
    z_base: float
    conversion_factor: float


class T(NamedTuple):
    """Only T is measured: P (Pa, absolute) and K are the contract's. Reported as Z = K, Zb = 1."""

    pressure_pa: float
    k: float = 1.0


class PT(NamedTuple):
    """Ideal gas: Z = Zb = 1. Already 0.5 % wrong at about 0.3 MPa."""


class FixedK(NamedTuple):
    """A compression ratio K = Z / Zb from the contract; reported as Z = K, Zb = 1."""

    k: float


class Sgerg88(NamedTuple):
    """Z and Zb by SGERG-88 for this gas."""

    gas: SgergGas


class SgergModH2(NamedTuple):
    """Z and Zb by SGERG-88 as DVGW G 685-6 has extended it to 30 % hydrogen."""

    gas: SgergGas


class Gross1(NamedTuple):
    """Z and Zb by AGA8 GROSS, method 1."""

    gas: Gross1Gas


class Gross2(NamedTuple):
    """Z and Zb by AGA8 GROSS, method 2."""

    gas: Gross2Gas


class Detail(NamedTuple):
    """Z and Zb by AGA8-DETAIL."""

    composition: Composition


class Gerg2008(NamedTuple):
    """Z and Zb by GERG-2008."""

    composition: Composition


class Nx19Mod(NamedTuple):
    """Z by NX-19 mod (GOST 30319.2); Zb its own at 20 degC, 101.325 kPa, else by its equation."""

    gas: Nx19Gas


Method = T | PT | FixedK | Sgerg88 | SgergModH2 | Gross1 | Gross2 | Detail | Gerg2008 | Nx19Mod


class ConstantZ(NamedTuple):
    """A Z that does not depend on the state, and the contract's pressure where there is one."""

    z: float
    pressure_pa: float | None = None


Gas = ConstantZ | VirialGas | DetailGas | GergGas | Nx19Gas


class Prepared(NamedTuple):
    """A method with its gas worked out, and Zb at the base conditions."""

    gas: Gas
    limits: Limits
    base: BaseConditions
    z_base: float


def convert(
    method: Method,
    pressure_pa: float,
    temperature_k: float,
    base: BaseConditions,
    limits: Limits = Limits.PROGRAM,
) -> Factor | OutOfRange | NotConverged:
    """The factor at line pressure (Pa, absolute) and temperature (K), or why there is none."""
    ready = prepared(method, base, limits)
    if not isinstance(ready, Prepared):
        return ready
    return convert_prepared(ready, pressure_pa, temperature_k)


def prepared(
    method: Method, base: BaseConditions, limits: Limits = Limits.PROGRAM
) -> Prepared | OutOfRange | NotConverged:
    """The part of a conversion that is the same at every poll."""
    refused = outside("base_pressure_pa", base.pressure_pa, BASE_PRESSURE_PA) or outside(
        "base_temperature_k", base.temperature_k, BASE_TEMPERATURE_K
    )
    if refused:
        return refused
    gas = _gas_of(method, limits)
    if isinstance(gas, (OutOfRange, NotConverged)):
        return gas
    z_base = _z_base(gas, base, limits)
    if not isinstance(z_base, float):
        return z_base
    return Prepared(gas, limits, base, z_base)


def convert_prepared(
    ready: Prepared, pressure_pa: float, temperature_k: float
) -> Factor | OutOfRange | NotConverged:
    """The factor at line pressure (Pa, absolute) and temperature (K), or why there is none.

    Where the contract fixes the pressure (T conversion), what is given here does not count.
    """
    gas, limits, base, z_base = ready
    if isinstance(gas, ConstantZ) and gas.pressure_pa is not None:
        pressure_pa = gas.pressure_pa
    if refused := _not_positive("line_pressure_pa", pressure_pa) or _not_positive(
        "line_temperature_k", temperature_k
    ):
        return refused
    z_line = _z(gas, pressure_pa, temperature_k, limits)
    if not isinstance(z_line, float):
        return z_line
    ratio = (pressure_pa / base.pressure_pa) * (base.temperature_k / temperature_k)
    return Factor(z_line, z_base, ratio * z_base / z_line)


def _gas_of(method: Method, limits: Limits) -> Gas | OutOfRange | NotConverged:
    """The method's parameters, checked, with all that follows from them alone."""
    match method:
        case T(pressure_pa, k):
            return (
                outside("k", k, K)
                or outside("fixed_pressure_pa", pressure_pa, CONSTANT_PRESSURE_PA)
                or ConstantZ(k, pressure_pa)
            )
        case PT():
            return ConstantZ(1.0)
        case FixedK(k):
            return outside("k", k, K) or ConstantZ(k)
        case Sgerg88(sgerg):
            return sgerg_gas(sgerg, limits=limits)
        case SgergModH2(sgerg):
            return sgerg_gas(sgerg, SGERG_MOD_H2, limits)
        case Gross1(gross1):
            return gross1_gas(gross1, limits)
        case Gross2(gross2):
            return gross2_gas(gross2, limits)
        case Detail(composition):
            return detail_gas(composition)
        case Gerg2008(composition):
            return gerg_gas(composition)
        case Nx19Mod(nx19_gas):
            return nx19.checked(nx19_gas)
    assert_never(method)


def _z(gas: Gas, p: float, t: float, limits: Limits) -> float | OutOfRange | NotConverged:
    """Z at p (Pa, absolute) and t (K), in the unit of pressure of the method's standard."""
    match gas:
        case ConstantZ(z):
            return (
                outside("line_pressure_pa", p, CONSTANT_PRESSURE_PA)
                or outside("line_temperature_k", t, CONSTANT_TEMPERATURE_K)
                or z
            )
        case VirialGas():
            return virial88.z_of(gas, p / PA_PER_BAR, t)
        case DetailGas():
            return _line(aga8_detail.z_of(gas, p / PA_PER_KPA, t, limits))
        case GergGas():
            return _line(gerg2008.z_of(gas, p / PA_PER_KPA, t, limits))
        case Nx19Gas():
            return nx19.z_of(gas, p / PA_PER_MPA, t)
    assert_never(gas)


def _z_base(gas: Gas, base: BaseConditions, limits: Limits) -> float | OutOfRange | NotConverged:
    """Z at the base conditions; a refusal there names the base, not the line."""
    if isinstance(gas, ConstantZ):
        return 1.0  # Z is K itself: the contract's K is the whole ratio
    if isinstance(gas, Nx19Gas) and nx19.is_own_base(*base):
        return nx19.z_c(gas)
    z = _z(gas, *base, limits)
    if isinstance(z, OutOfRange):
        return z._replace(field=z.field.replace("line_", "base_"))
    return z if isinstance(z, float) else NotConverged(f"{AT_BASE}: {z.detail}")


def _line(z: float | OutOfRange | NotConverged) -> float | OutOfRange | NotConverged:
    """A refusal of the temperature names which temperature, as one of the pressure does."""
    if isinstance(z, OutOfRange) and z.field == "temperature_k":
        return z._replace(field="line_temperature_k")
    return z


def _not_positive(field: str, value: float) -> OutOfRange | None:
    """Refuse NaN, infinities, zero and less."""
    good = math.isfinite(value) and value > 0.0
    return None if good else OutOfRange(field, value, 0.0, math.inf)
