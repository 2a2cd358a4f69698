"""ISO 6976:2016 Annex B against the uncertainties of its Annex D."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from protocols.metering.iso6976 import NAMES, Mixture, properties
from protocols.metering.iso6976_table import M_AIR, TABLE_1, R
from protocols.metering.iso6976_uncertainty import NO_CORRELATIONS, Uncertainties, uncertainties
from protocols.metering.reference import C25, SGERG, Reference, ReferenceTemperature
from protocols.metering.refusal import OutOfRange
from tests.protocols.metering.iso6976_gases import amounts, mixture, reference
from tests.protocols.metering.vectors import rows

ANNEX_D = [row for row in rows("iso6976_annex_d.csv") if row["quantity"].startswith("u(")]
SHARED = [row for row in rows("iso6976.csv") if row["quantity"].startswith("u(")]
MATRIX = {
    (row["one"], row["other"]): float(row["r"]) for row in rows("iso6976_annex_d_correlation.csv")
}


@dataclass(frozen=True)
class Example:
    gas: Mixture
    u_x: dict[str, float]
    at: Reference


def example(row: dict[str, str]) -> Example:
    at = Reference(ReferenceTemperature(row["t1"]), ReferenceTemperature(row["t2"]))
    return Example(mixture(row["composition"]), amounts(row["u_x"]), at)


def good(found: Uncertainties | OutOfRange) -> Uncertainties:
    assert isinstance(found, Uncertainties), found
    return found


def test_all_rows_are_there() -> None:
    """Two examples without and two with correlations; the matrix of eleven components."""
    assert (len(ANNEX_D), len(SHARED), len(MATRIX)) == (30, 2, 55)


@pytest.mark.parametrize(
    "row", ANNEX_D, ids=lambda row: f"{row['example']}-{row['correlation']}-{row['quantity']}"
)
def test_worked_examples_to_the_last_printed_digit(row: dict[str, str]) -> None:
    """With the identity and with the published correlations, which halve the uncertainty."""
    case = example(row)
    r = NO_CORRELATIONS if row["correlation"] == "none" else MATRIX
    found = good(uncertainties(case.gas, case.u_x, case.at, r))
    value = getattr(found, row["quantity"][2:-1])
    assert value == pytest.approx(float(row["expected"]), rel=0, abs=float(row["tol_abs"]) * 1.1)


@pytest.mark.parametrize("row", SHARED, ids=lambda row: row["quantity"])
def test_rows_of_the_first_transcription(row: dict[str, str]) -> None:
    """Its two uncertainties belong to example D.2, whose u(x) stand in the other file."""
    u_x = next(amounts(each["u_x"]) for each in ANNEX_D if each["example"] == "D.2")
    at = reference(row["t_combustion_C"], row["t_metering_C"])
    found = good(uncertainties(mixture(row["composition"]), u_x, at))
    value = {"u(Hc_gross)": found.hs_kj_mol, "u(Hm_gross)": found.hs_mj_kg}[row["quantity"]]
    assert value == pytest.approx(float(row["expected"]), rel=0, abs=float(row["tol_abs"]))


def test_a_certain_analysis_leaves_the_tables() -> None:
    """Pure methane: u(Hc) is the table's 0.19 kJ/mol, u(M) that of four hydrogens and a carbon."""
    gas = Mixture(tuple(float(name == "methane") for name in NAMES))
    found = good(uncertainties(gas, {}, SGERG))
    value = properties(gas, SGERG)
    assert not isinstance(value, OutOfRange)
    assert found.hs_kj_mol == pytest.approx(0.19, rel=1e-12)
    u_m = (0.0004**2 + (4 * 0.000035) ** 2) ** 0.5
    relative_m = u_m / TABLE_1["methane"][0]
    relative_mass = ((0.19 / value.hs_kj_mol) ** 2 + relative_m**2) ** 0.5
    assert found.hs_mj_kg / value.hs_mj_kg == pytest.approx(relative_mass, rel=1e-12)
    assert found.d / value.d > relative_m
    assert (M_AIR, R) == (28.96546, 8.3144621)


def test_a_noble_gas_has_its_own_atom() -> None:
    """u(M) of argon in rho is not nothing."""
    gas = mixture("methane=0.5;argon=0.5")
    with_argon = good(uncertainties(gas, {}, SGERG))
    assert with_argon.rho_kg_m3 > 0.0


@pytest.mark.parametrize("inert", ["nitrogen=1", "water=0.01;nitrogen=0.99"])
def test_a_gas_that_does_not_burn(inert: str) -> None:
    """There is no relative uncertainty of nothing."""
    refused = uncertainties(mixture(inert), {}, SGERG)
    assert isinstance(refused, OutOfRange)
    assert refused.field == "hi_kj_mol"


@pytest.mark.parametrize("u", [-1e-6, 1.1, math.nan])
def test_an_uncertainty_that_is_none(u: float) -> None:
    """Refused by the component's name, never taken for certain."""
    refused = uncertainties(mixture("methane=1"), {"methane": u}, SGERG)
    assert isinstance(refused, OutOfRange)
    assert refused.field == "u(methane)"


def test_a_bug_of_the_caller() -> None:
    """Names of no component, and correlations that no analysis can have, are not passed over."""
    gas, u_x = mixture("methane=0.9;ethane=0.1"), {"methane": 1e-3, "ethane": 1e-3}
    with pytest.raises(ValueError, match="'C2' is none of the components"):
        uncertainties(gas, {"C2": 1e-3}, SGERG)
    with pytest.raises(ValueError, match="'C1' is none of the components"):
        uncertainties(gas, u_x, SGERG, {("C1", "ethane"): 0.5})
    with pytest.raises(ValueError, match="less than nothing"):
        uncertainties(gas, u_x, SGERG, {("methane", "ethane"): -9.0})


def test_conditions_that_the_standard_does_not_have() -> None:
    """The refusal is that of the properties."""
    refused = uncertainties(mixture("methane=1"), {}, Reference(C25, C25))
    assert isinstance(refused, OutOfRange)
    assert refused.field == "t2"
