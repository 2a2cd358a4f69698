"""The conversion methods as a request names them, and how each is made of a gas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from protocols.metering.conversion import (
    PT,
    Detail,
    FixedK,
    Gerg2008,
    Gross1,
    Gross2,
    Method,
    Nx19Mod,
    Sgerg88,
    SgergGas,
    SgergModH2,
    T,
)
from protocols.metering.gross import Gross1Gas, Gross2Gas, GrossReference
from protocols.metering.nx19 import Nx19Gas
from protocols.metering.request_gas import GROSS_FIGURES, SGERG_FIGURES, Gas
from protocols.metering.request_object import RequestError

AT_25_0: Final = GrossReference(298.15, 273.15, 101.325)


class Spec(NamedTuple):
    """A method: its name, the figures of a gas that it takes, and how it is made of them."""

    name: str
    figures: tuple[str, ...]
    by_composition: bool
    build: Callable[[Gas, float], Method]  # the pressure (Pa) is the contract's, for T


def _t(gas: Gas, pressure_pa: float) -> Method:
    return T(pressure_pa, gas.numbers.get("K", 1.0))


def _pt(_gas: Gas, _pressure_pa: float) -> Method:
    return PT()


def _fixed_k(gas: Gas, _pressure_pa: float) -> Method:
    return FixedK(*gas.figures("K"))


def _sgerg_88(gas: Gas, _pressure_pa: float) -> Method:
    return Sgerg88(SgergGas(*gas.figures(*SGERG_FIGURES)))


def _sgerg_mod_h2(gas: Gas, _pressure_pa: float) -> Method:
    return SgergModH2(SgergGas(*gas.figures(*SGERG_FIGURES)))


def _detail(gas: Gas, _pressure_pa: float) -> Method:
    return Detail(gas.composition())


def _gerg_2008(gas: Gas, _pressure_pa: float) -> Method:
    return Gerg2008(gas.composition())


def _gross_1(gas: Gas, _pressure_pa: float) -> Method:
    if _by_hv_and_gr(gas):
        if "x_N2" in gas.numbers:
            raise RequestError("GROSS-1 has no use for x_N2 beside Hv and Gr", "x_N2")
        hv, gr, x_co2 = gas.figures("Hv_MJ_m3", "Gr", "x_CO2")
        return Gross1(Gross1Gas(hv, gr, x_co2, gas.reference()))
    hs, d, x_co2 = gas.figures("Hs_25_0_MJ_m3", "d_0", "x_CO2")
    return Gross1(Gross1Gas(hs, d, x_co2, AT_25_0))


def _gross_2(gas: Gas, _pressure_pa: float) -> Method:
    if _by_hv_and_gr(gas):
        gr, x_n2, x_co2, td, pd = gas.figures("Gr", "x_N2", "x_CO2", "Td_K", "Pd_kPa")
        reference = GrossReference(gas.numbers.get("Th_K", AT_25_0.th_k), td, pd)
        return Gross2(Gross2Gas(gr, x_n2, x_co2, reference))
    d, x_n2, x_co2 = gas.figures("d_0", "x_N2", "x_CO2")
    return Gross2(Gross2Gas(d, x_n2, x_co2, AT_25_0))


def _nx_19_mod(gas: Gas, _pressure_pa: float) -> Method:
    return Nx19Mod(Nx19Gas(*gas.figures("rho_20_kg_m3", "x_N2", "x_CO2")))


def _by_hv_and_gr(gas: Gas) -> bool:
    """Whether the gas is described at a reference of its own; a second description is a fault."""
    if gas.parsed is not None or not any(name in gas.numbers for name in GROSS_FIGURES):
        return False
    for name in ("Hs_25_0_MJ_m3", "d_0"):
        if name in gas.numbers:
            raise RequestError(f"{name} beside Hv, Gr and their reference: give one of both", name)
    return True


SPECS: Final = (
    Spec("T", ("K",), False, _t),
    Spec("PT", (), False, _pt),
    Spec("fixed-K", ("K",), False, _fixed_k),
    Spec("SGERG-88", (*SGERG_FIGURES, "x_N2"), True, _sgerg_88),  # x_N2 only to compare
    Spec("SGERG-mod-H2", (*SGERG_FIGURES, "x_N2"), True, _sgerg_mod_h2),
    Spec("AGA8-DETAIL", (), True, _detail),
    Spec("GERG-2008", (), True, _gerg_2008),
    Spec("GROSS-1", ("Hs_25_0_MJ_m3", "d_0", *GROSS_FIGURES, "x_CO2", "x_N2"), True, _gross_1),
    Spec("GROSS-2", ("d_0", *GROSS_FIGURES[1:], "x_N2", "x_CO2"), True, _gross_2),
    Spec("NX-19-mod", ("rho_20_kg_m3", "x_N2", "x_CO2"), True, _nx_19_mod),
)
_OTHER_NAMES: Final = {
    "AGA8-92DC": "AGA8-DETAIL",
    "DETAIL": "AGA8-DETAIL",
    "ISO-12213-2": "AGA8-DETAIL",
    "ISO-12213-3": "SGERG-88",
    "ISO-20765-2": "GERG-2008",
    "AGA8-GROSS-1": "GROSS-1",
    "AGA8-GROSS-2": "GROSS-2",
    "AGA8-GROSS-method1": "GROSS-1",
    "AGA8-GROSS-method2": "GROSS-2",
    "NX-19-mod (GOST 30319.2-96)": "NX-19-mod",
    "K": "fixed-K",
}


def spec_of(name: str) -> Spec:
    """The method of this name, in any case and with or without its hyphens. Raises RequestError."""
    spec = _BY_KEY.get(_key(name))
    if spec is None:
        known = ", ".join(spec.name for spec in SPECS)
        raise RequestError(f"method is {name[:40]!r}; one of {known}", "method")
    return spec


def _key(name: str) -> str:
    return "".join(character for character in name.lower() if character not in "-_ ")


_BY_KEY: Final = {_key(spec.name): spec for spec in SPECS} | {
    _key(other): spec for other, name in _OTHER_NAMES.items() for spec in SPECS if spec.name == name
}
