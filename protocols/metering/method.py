"""The conversion method of a run's configuration, with the gas that is in force."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from protocols.metering.carry import E9
from protocols.metering.composition import from_e9
from protocols.metering.conversion import (
    PT,
    BaseConditions,
    Detail,
    Factor,
    FixedK,
    Gerg2008,
    Gross1,
    Gross2,
    Limits,
    Method,
    NotConverged,
    Nx19Mod,
    OutOfRange,
    Prepared,
    Sgerg88,
    SgergGas,
    SgergModH2,
    T,
    convert_prepared,
    prepared,
)
from protocols.metering.figures import Figures, figures_of
from protocols.metering.gross import Gross1Gas, Gross2Gas, GrossReference
from protocols.metering.nx19 import Nx19Gas

if TYPE_CHECKING:
    from protocols.metering.run_config import RunConfig

# What each method needs to know of the gas; a composition tells all of it.
NEEDS: Final = {
    "T": (),
    "PT": (),
    "fixed-K": (),
    "SGERG-88": ("hs_j_m3", "d_e9"),
    "SGERG-mod-H2": ("hs_j_m3", "d_e9"),
    "GROSS-1": ("hs_j_m3", "d_e9"),
    "GROSS-2": ("d_e9",),
    "NX-19-mod": ("rho_20_mg_m3",),
    "AGA8-DETAIL": ("composition",),
    "GERG-2008": ("composition",),
}
METHODS: Final = tuple(NEEDS)
WITHOUT_HYDROGEN: Final = ("GROSS-1", "GROSS-2", "NX-19-mod")  # their equations have no term of it
_GROSS: Final = GrossReference(th_k=298.15, td_k=273.15, pd_kpa=101.325)  # of Hs and d


def method_of(config: RunConfig, composition: tuple[int, ...]) -> Method | OutOfRange:
    """The method with its parameters; with a composition (21 parts of 10^9), that one's.

    Raises ValueError where the name is unknown.
    """
    match config.method:
        case "T":
            return T(config.pressure.substitute / 10, config.k_e9 / E9)
        case "PT":
            return PT()
        case "fixed-K":
            return FixedK(config.k_e9 / E9)
        case "AGA8-DETAIL":
            return Detail(from_e9(composition))
        case "GERG-2008":
            return Gerg2008(from_e9(composition))
        case _:
            pass
    if config.method not in METHODS:
        raise ValueError(f"method {config.method!r} is unknown; one of {', '.join(METHODS)}")
    figures = figures_of(from_e9(composition)) if composition else _figures(config)
    return figures if isinstance(figures, OutOfRange) else _by_figures(config.method, figures)


def base_of(config: RunConfig) -> BaseConditions:
    """The base conditions in Pa and K."""
    return BaseConditions(config.base_pressure_dpa / 10, config.base_temperature_mk / 1000)


def factor_at(
    config: RunConfig, composition: tuple[int, ...], p_dpa: int, t_mk: int
) -> Factor | OutOfRange | NotConverged:
    """Z and C at this P (0.1 Pa, absolute) and T (mK) of a gas of this composition."""
    ready = _ready(config, composition)
    if not isinstance(ready, Prepared):
        return ready
    return convert_prepared(ready, p_dpa / 10, t_mk / 1000)


@lru_cache(maxsize=64)
def _ready(config: RunConfig, composition: tuple[int, ...]) -> Prepared | OutOfRange | NotConverged:
    """What is the same at every poll; kept by all that it depends on, so it cannot go stale."""
    method = method_of(config, composition)
    if isinstance(method, OutOfRange):
        return method
    return prepared(method, base_of(config), Limits(config.limits))


def _figures(config: RunConfig) -> Figures:
    gas = config.gas
    return Figures(
        gas.hs_j_m3 / 1e6,
        gas.d_e9 / E9,
        gas.x_co2_e9 / E9,
        gas.x_h2_e9 / E9,
        gas.x_n2_e9 / E9,
        gas.rho_20_mg_m3 / 1e6,
    )


def _by_figures(name: str, gas: Figures) -> Method:
    sgerg = SgergGas(gas.hs_mj_m3, gas.d, gas.x_co2, gas.x_h2)
    match name:
        case "SGERG-88":
            return Sgerg88(sgerg)
        case "SGERG-mod-H2":
            return SgergModH2(sgerg)
        case "GROSS-1":
            return Gross1(Gross1Gas(gas.hs_mj_m3, gas.d, gas.x_co2, _GROSS))
        case "GROSS-2":
            return Gross2(Gross2Gas(gas.d, gas.x_n2, gas.x_co2, _GROSS))
        case _:
            return Nx19Mod(Nx19Gas(gas.rho_20_kg_m3, gas.x_n2, gas.x_co2))
