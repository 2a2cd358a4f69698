"""The names of the methods, and what each makes of a gas."""

from __future__ import annotations

import pytest

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
    SgergModH2,
    T,
)
from protocols.metering.gross import Gross1Gas, Gross2Gas, GrossReference
from protocols.metering.request_gas import gas_of
from protocols.metering.request_method import SPECS, spec_of
from protocols.metering.request_object import RequestError

PRESSURE_PA = 450_000.0
GAS = {"methane": 0.95, "nitrogen": 0.02, "carbon_dioxide": 0.01, "ethane": 0.02}
OWN = {"Th_K": 288.15, "Td_K": 288.15, "Pd_kPa": 101.56}


def made(name: str, **fields: object) -> Method:
    spec = spec_of(name)
    gas = gas_of(spec.name, spec.figures, spec.by_composition, fields)
    return spec.build(gas, PRESSURE_PA)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        *((spec.name, spec.name) for spec in SPECS),
        *((spec.name.lower(), spec.name) for spec in SPECS),
        *((spec.name.upper().replace("-", "_"), spec.name) for spec in SPECS),
        ("sgerg 88", "SGERG-88"),
        ("ISO 12213-3", "SGERG-88"),
        ("detail", "AGA8-DETAIL"),
        ("AGA8-92DC", "AGA8-DETAIL"),
        ("gerg2008", "GERG-2008"),
        ("AGA8-GROSS-method1", "GROSS-1"),
        ("AGA8-GROSS-method2", "GROSS-2"),
        ("NX-19-mod (GOST 30319.2-96)", "NX-19-mod"),
        ("nx19mod", "NX-19-mod"),
    ],
)
def test_names(written: str, name: str) -> None:
    """The names of the contract, in any case, and those of the published tables."""
    assert spec_of(written).name == name


@pytest.mark.parametrize("written", ["", "SGERG", "NX-19", "AGA8", "GROSS", "PTZ", "SGERG-88!"])
def test_no_name(written: str) -> None:
    """What could be two methods, or none, is a fault with the list of names."""
    with pytest.raises(RequestError, match="one of T, PT, fixed-K, SGERG-88") as told:
        spec_of(written)
    assert told.value.field == "method"


def test_ideal_and_fixed() -> None:
    """T has the contract's pressure, and a K of 1 where it has no other."""
    assert made("T") == T(PRESSURE_PA, 1.0)
    assert made("T", K=0.98) == T(PRESSURE_PA, 0.98)
    assert made("PT") == PT()
    assert made("fixed-K", K=0.98) == FixedK(0.98)
    with pytest.raises(RequestError, match=r"K is missing: fixed-K needs K$"):
        made("fixed-K")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("SGERG-88", Sgerg88),
        ("SGERG-mod-H2", SgergModH2),
        ("AGA8-DETAIL", Detail),
        ("GERG-2008", Gerg2008),
        ("GROSS-1", Gross1),
        ("GROSS-2", Gross2),
        ("NX-19-mod", Nx19Mod),
    ],
)
def test_every_method_of_a_gas_takes_a_composition(name: str, kind: type) -> None:
    """A composition is enough for any method that computes Z."""
    assert isinstance(made(name, composition=GAS), kind)


def test_gross_at_its_own_reference() -> None:
    """Hv and Gr keep the reference that is stated with them; method 2 can do without Th."""
    first = made("GROSS-1", Hv_MJ_m3=38.0, Gr=0.58, x_CO2=0.01, **OWN)
    assert first == Gross1(Gross1Gas(38.0, 0.58, 0.01, GrossReference(288.15, 288.15, 101.56)))
    second = made("GROSS-2", Gr=0.58, x_N2=0.02, x_CO2=0.01, Td_K=288.15, Pd_kPa=101.56)
    assert second == Gross2(Gross2Gas(0.58, 0.02, 0.01, GrossReference(298.15, 288.15, 101.56)))


def test_gross_at_25_0() -> None:
    """Hs and d at 25/0 are as good: their names hold their reference."""
    at_25_0 = GrossReference(298.15, 273.15, 101.325)
    first = made("GROSS-1", Hs_25_0_MJ_m3=40.0, d_0=0.58, x_CO2=0.01)
    assert first == Gross1(Gross1Gas(40.0, 0.58, 0.01, at_25_0))
    second = made("GROSS-2", d_0=0.58, x_N2=0.02, x_CO2=0.01)
    assert second == Gross2(Gross2Gas(0.58, 0.02, 0.01, at_25_0))


@pytest.mark.parametrize(
    ("name", "fields", "field"),
    [
        ("GROSS-1", {"Hv_MJ_m3": 38.0, "Gr": 0.58, "x_CO2": 0.01}, "Th_K"),
        ("GROSS-1", {"Gr": 0.58, "x_CO2": 0.01, **OWN}, "Hv_MJ_m3"),
        ("GROSS-1", {"Hv_MJ_m3": 38.0, "d_0": 0.58, "x_CO2": 0.01, **OWN}, "d_0"),
        ("GROSS-1", {"Hs_25_0_MJ_m3": 40.0, "d_0": 0.58, "x_CO2": 0.01, **OWN}, "Hs_25_0_MJ_m3"),
        ("GROSS-1", {"Hv_MJ_m3": 38.0, "Gr": 0.58, "x_CO2": 0.01, "x_N2": 0.02, **OWN}, "x_N2"),
        ("GROSS-2", {"Gr": 0.58, "x_N2": 0.02, "x_CO2": 0.01, "Td_K": 288.15}, "Pd_kPa"),
        ("GROSS-2", {"d_0": 0.58, "x_N2": 0.02}, "x_CO2"),
        ("GROSS-2", {"Hv_MJ_m3": 38.0, "Gr": 0.58, "x_N2": 0.02, "x_CO2": 0.01, **OWN}, "Hv_MJ_m3"),
        ("NX-19-mod", {"d_0": 0.58, "x_N2": 0.02, "x_CO2": 0.01}, "d_0"),
        ("NX-19-mod", {"rho_20_kg_m3": 0.68, "x_N2": 0.02}, "x_CO2"),
        ("GERG-2008", {}, "composition"),
    ],
)
def test_half_a_gas(name: str, fields: dict[str, object], field: str) -> None:
    """Half a description, or two, is no gas; the field is named."""
    with pytest.raises(RequestError) as told:
        made(name, **fields)
    assert told.value.field == field
