"""NX-19 mod against GOST 30319.2-96, regression values, each of its branches, and its limits."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.nx19 import Nx19Gas, checked, is_own_base, z_c, z_of
from protocols.metering.refusal import NotConverged, OutOfRange
from tests.protocols.metering.vectors import rows

GOST = rows("nx19mod_gost.csv")
DERIVED = rows("nx19mod_derived.csv")
THIRD = rows("nx19mod_third_branch.csv")
GAS = Nx19Gas(0.6799, 0.008858, 0.000668)

GASES = st.builds(Nx19Gas, st.floats(0.66, 0.905), st.floats(0, 0.15), st.floats(0, 0.15))


def gas_of(row: dict[str, str]) -> Nx19Gas:
    return Nx19Gas(*(float(row[name]) for name in ("rho_20C_kg_m3", "x_N2", "x_CO2")))


def z_at(row: dict[str, str]) -> float:
    z = z_of(gas_of(row), float(row["P_kPa_abs"]) / 1000, float(row["T_K"]))
    assert isinstance(z, float)
    return z


def reduced_temperature(gas: Nx19Gas, t: float) -> float:
    t_pk = 88.25 * (0.9915 + 1.759 * gas.rho_kg_m3 - gas.x_co2 - 1.681 * gas.x_n2)
    return 0.71892 * t / t_pk + 0.0007


def test_all_rows_are_there() -> None:
    """The standard's three examples, thirty regression values and six of the third branch."""
    assert (len(GOST), len(DERIVED), len(THIRD)) == (3, 30, 6)


@pytest.mark.parametrize("row", GOST, ids=lambda row: row["T_K"])
def test_published_examples(row: dict[str, str]) -> None:
    """K = z / z_c of Annex G.1, to the four decimals that are printed."""
    k = z_at(row) / z_c(gas_of(row))
    assert k == pytest.approx(float(row["K_expected"]), rel=0, abs=float(row["tol_abs"]))


@pytest.mark.parametrize("row", DERIVED, ids=lambda row: f"{row['rho_20C_kg_m3']}-{row['T_K']}")
def test_derived_values(row: dict[str, str]) -> None:
    """z and z_c of the regression table within the row's tolerance."""
    tolerance = float(row["tol_abs"])
    assert z_at(row) == pytest.approx(float(row["Z_expected"]), rel=0, abs=tolerance)
    assert z_c(gas_of(row)) == pytest.approx(float(row["Zc_expected"]), rel=0, abs=tolerance)


@pytest.mark.parametrize("row", THIRD, ids=lambda row: f"{row['T_K']}-{row['P_kPa_abs']}")
def test_third_branch(row: dict[str, str]) -> None:
    """In the cold above about 9 MPa the term 2.0167 counts."""
    assert reduced_temperature(gas_of(row), float(row["T_K"])) == pytest.approx(
        float(row["Ta"]), abs=5e-6
    )
    assert z_at(row) == pytest.approx(float(row["Z_expected"]), rel=0, abs=float(row["tol_abs"]))


def near(one: object, two: object) -> bool:
    """Whether two neighbouring states have neighbouring z, as far as both have one."""
    both = isinstance(one, float) and isinstance(two, float)
    return not both or one == pytest.approx(two, abs=1e-6)


@given(gas=GASES, t=st.floats(250, 340))
def test_the_branches_meet_in_pressure(gas: Nx19Gas, t: float) -> None:
    """Below a reduced temperature of 1.09, the branches meet at the reduced pressure 1.3."""
    p_pk = 2.9585 * (1.608 - 0.05994 * gas.rho_kg_m3 + gas.x_co2 - 0.392 * gas.x_n2)
    seam = (1.3 - 0.0147) * p_pk / 0.6714
    assert near(z_of(gas, seam * (1 - 1e-8), t), z_of(gas, seam * (1 + 1e-8), t))


@given(gas=GASES, p=st.floats(0.1, 12))
def test_the_branches_meet_in_temperature(gas: Nx19Gas, p: float) -> None:
    """At 1.09 the cold branches begin where the warm one ends, which rises with a square root."""
    seam = 250 * (1.09 - 0.0007) / (reduced_temperature(gas, 250) - 0.0007)
    step = 1e-13
    assert near(z_of(gas, p, seam * (1 - step)), z_of(gas, p, seam * (1 + step)))


@given(gas=GASES, p=st.floats(0.1, 12), t=st.floats(250, 340))
def test_a_value_or_a_reason(gas: Nx19Gas, p: float, t: float) -> None:
    """Inside the limits z lies where a natural gas's does; beyond the correlation is none."""
    z = z_of(gas, p, t)
    if isinstance(z, float):
        assert 0.45 < z < 1.01
    else:
        assert isinstance(z, NotConverged)
        assert not 0.88 <= reduced_temperature(gas, t) <= 1.4


@pytest.mark.parametrize(
    ("gas", "field"),
    [
        (GAS._replace(rho_kg_m3=0.65), "rho_20_kg_m3"),
        (GAS._replace(rho_kg_m3=0.906), "rho_20_kg_m3"),
        (GAS._replace(rho_kg_m3=math.nan), "rho_20_kg_m3"),
        (GAS._replace(x_n2=0.151), "x_n2"),
        (GAS._replace(x_n2=-0.001), "x_n2"),
        (GAS._replace(x_co2=0.151), "x_co2"),
        (GAS._replace(x_co2=math.inf), "x_co2"),
    ],
)
def test_limits_of_the_gas(gas: Nx19Gas, field: str) -> None:
    """A gas that the correlation was not made for is refused; the last inside is not."""
    refused = checked(gas)
    assert isinstance(refused, OutOfRange)
    assert refused.field == field
    assert checked(Nx19Gas(0.66, 0.15, 0.15)) == (0.66, 0.15, 0.15)


@pytest.mark.parametrize(
    ("p", "t", "field"),
    [
        (0.0999, 290.0, "line_pressure_mpa"),
        (12.001, 290.0, "line_pressure_mpa"),
        (math.nan, 290.0, "line_pressure_mpa"),
        (1.0, 249.9, "line_temperature_k"),
        (1.0, 340.1, "line_temperature_k"),
        (1.0, math.nan, "line_temperature_k"),
    ],
)
def test_limits_of_the_state(p: float, t: float, field: str) -> None:
    """Outside the standard's stated range of p and T there is no z."""
    refused = z_of(GAS, p, t)
    assert isinstance(refused, OutOfRange)
    assert refused.field == field


def test_outside_the_correlation_is_no_value() -> None:
    """A warm light gas is inside the stated range and beyond the reduced temperature of 1.4."""
    answer = z_of(Nx19Gas(0.66, 0.15, 0.15), 1.0, 340.0)
    assert isinstance(answer, NotConverged)
    assert "NX-19" in str(answer)


def test_own_base() -> None:
    """Only 20 degC and 101.325 kPa are the base of z_c; z of the equation there is another one."""
    assert is_own_base(101_325.0, 293.15)
    assert not is_own_base(101_560.0, 293.15)
    assert not is_own_base(101_325.0, 288.15)
    z = z_of(GAS, 0.101325, 293.15)
    assert isinstance(z, float)
    assert z / z_c(GAS) - 1 == pytest.approx(3.5e-5, abs=5e-6)
