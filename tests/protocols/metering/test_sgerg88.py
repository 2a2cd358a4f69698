"""SGERG-88 against ISO 12213-3 Annex C, its hydrogen extension, an oracle, and its own limits."""

import math

import pygerg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.limits import Limits
from protocols.metering.refusal import NotConverged, OutOfRange
from protocols.metering.sgerg88 import (
    SGERG_88,
    SGERG_MOD_H2,
    SgergGas,
    Variant,
    mixture_of,
    sgerg_gas,
    z_sgerg88,
)
from protocols.metering.virial88 import Mixture, VirialGas, z_of
from tests.protocols.metering.vectors import rows

GAS_1 = SgergGas(40.66, 0.581, 0.006, 0.0)
HYDROGEN_30 = SgergGas(32.24856, 0.427161, 0.0042, 0.3)
ROWS = rows("iso12213_3_sgerg88.csv") + rows("sgerg88_derived.csv")
MOD_H2_ROWS = rows("sgerg_mod_h2_derived.csv")
VARIANTS = pytest.mark.parametrize("variant", [SGERG_88, SGERG_MOD_H2], ids=lambda one: one.name)


def test_all_rows_are_there() -> None:
    """The annex's 30 rows, the 100 derived ones, and 60 with hydrogen are read."""
    assert (len(ROWS), len(MOD_H2_ROWS)) == (130, 60)


@pytest.mark.parametrize(
    "row", ROWS, ids=lambda row: f"{row['gas_id']}-{row['P_kPa_abs']}-{row['T_K']}"
)
def test_published_and_derived_values(row: dict[str, str]) -> None:
    """Every Z of ISO 12213-3 Annex C and of the derived table is met within the row's tolerance."""
    names = ("Hs_MJ_m3", "d", "x_CO2", "x_H2")
    gas = SgergGas(*(float(row[name]) for name in names))
    z = z_sgerg88(gas, float(row["P_kPa_abs"]) / 100, float(row["T_K"]))
    assert z == pytest.approx(float(row["Z_expected"]), rel=0, abs=float(row["tol_abs"]))


@pytest.mark.parametrize(
    "row", MOD_H2_ROWS, ids=lambda row: f"{row['gas_id']}-{row['x_H2']}-{row['p_bar']}-{row['T_K']}"
)
def test_hydrogen_extension(row: dict[str, str]) -> None:
    """The derived values with 10, 20 and 30 % hydrogen, and the N2 computed on the way, are met."""
    gas = SgergGas(*(float(row[name]) for name in ("Hs", "d", "x_CO2", "x_H2")))
    mixture = mixture_of(gas, SGERG_MOD_H2)
    assert isinstance(mixture, Mixture)
    assert mixture.x5 == 0.0
    assert mixture.x2 == pytest.approx(float(row["x_N2"]), rel=0, abs=5.1e-7)
    z = z_sgerg88(gas, float(row["p_bar"]), float(row["T_K"]), SGERG_MOD_H2)
    assert z == pytest.approx(float(row["Z"]), rel=0, abs=1e-7)


@given(
    hs=st.floats(20, 48), d=st.floats(0.55, 0.9), x_co2=st.floats(0, 0.3), x_h2=st.floats(0, 0.1),
    p=st.floats(0.01, 120), t_c=st.floats(-23, 65),
)  # fmt: skip
def test_agrees_with_the_oracle(
    hs: float, d: float, x_co2: float, x_h2: float, p: float, t_c: float
) -> None:
    """Where the transcription of the 1991 FORTRAN gives a gas's Z, ours is the same."""
    z = z_sgerg88(SgergGas(hs, d, x_co2, x_h2), p, t_c + 273.15)
    try:
        _x_n2, expected, _density = pygerg.sgerg(x_co2, hs, d, x_h2, p, t_c)
    except ValueError:
        assert isinstance(z, OutOfRange)
    except RuntimeError:  # its fixed-point iteration gives up where Newton still converges
        assert not isinstance(z, OutOfRange)
    else:
        if isinstance(z, NotConverged):
            assert expected < 0.35  # denser than any gas: it found the liquid's root
        elif isinstance(z, OutOfRange):
            assert math.isclose(z.value, z.low, abs_tol=1e-5)  # d on the edge of a consistency test
        else:
            assert z == pytest.approx(expected, rel=0, abs=1e-5)


@given(
    hs=st.floats(30, 45), d=st.floats(0.55, 0.8), x_co2=st.floats(0, 0.2), p=st.floats(0.01, 120),
    t=st.floats(250.15, 338.15),
)  # fmt: skip
def test_without_hydrogen_the_variants_are_one(
    hs: float, d: float, x_co2: float, p: float, t: float
) -> None:
    """A gas without hydrogen that both admit has the same Z in both, to the last bit."""
    gas = SgergGas(hs, d, x_co2, 0.0)
    z = z_sgerg88(gas, p, t)
    if not isinstance(z, OutOfRange):
        extended = z_sgerg88(gas, p, t, SGERG_MOD_H2)
        assert isinstance(z, NotConverged) == isinstance(extended, NotConverged)
        assert isinstance(z, NotConverged) or z == extended


def test_with_hydrogen_the_variants_differ() -> None:
    """The carbon monoxide that SGERG-88 assumes beside hydrogen is not in the extension's gas."""
    gas = SgergGas(37.85087, 0.529815, 0.0054, 0.1)
    extended, original = mixture_of(gas, SGERG_MOD_H2), mixture_of(gas._replace(x_h2=0.05))
    assert isinstance(extended, Mixture)
    assert isinstance(original, OutOfRange)  # too light for methane with 5 % of hydrogen
    coke = mixture_of(SgergGas(34.16, 0.599, 0.016, 0.095))
    assert isinstance(coke, Mixture)
    assert coke.x5 == pytest.approx(0.0964 * 0.095, rel=1e-15)


@pytest.mark.parametrize(
    ("gas", "p", "t", "field"),
    [
        (GAS_1, 120.01, 293.15, "line_pressure_bar"),
        (GAS_1, -0.01, 293.15, "line_pressure_bar"),
        (GAS_1, math.nan, 293.15, "line_pressure_bar"),
        (GAS_1, 60.0, 250.14, "line_temperature_k"),
        (GAS_1, 60.0, 338.16, "line_temperature_k"),
        (GAS_1._replace(hs_mj_m3=19.9), 60.0, 293.15, "hs_mj_m3"),
        (GAS_1._replace(hs_mj_m3=48.1), 60.0, 293.15, "hs_mj_m3"),
        (GAS_1._replace(hs_mj_m3=math.nan), 60.0, 293.15, "hs_mj_m3"),
        (GAS_1._replace(relative_density=0.549), 60.0, 293.15, "relative_density"),
        (GAS_1._replace(relative_density=0.901), 60.0, 293.15, "relative_density"),
        (GAS_1._replace(x_co2=0.301), 60.0, 293.15, "x_co2"),
        (GAS_1._replace(x_co2=-0.001), 60.0, 293.15, "x_co2"),
        (GAS_1._replace(x_h2=0.101), 60.0, 293.15, "x_h2"),
        (SgergGas(40.66, 0.56, 0.05, 0.0), 60.0, 293.15, "relative_density"),
        (SgergGas(45.0, 0.581, 0.006, 0.0), 60.0, 293.15, "computed x_n2"),
        (SgergGas(20.0, 0.9, 0.2, 0.0), 60.0, 293.15, "computed x_n2 + x_co2"),
        (SgergGas(32.0, 0.56, 0.0, 0.0), 60.0, 293.15, "relative_density"),
    ],
)
def test_limits_of_the_program(gas: SgergGas, p: float, t: float, field: str) -> None:
    """Outside the program's limits and consistency tests there is no Z but the reason."""
    refused = z_sgerg88(gas, p, t)
    assert isinstance(refused, OutOfRange)
    assert refused.field == field
    assert field in str(refused)


@pytest.mark.parametrize(
    ("variant", "gas", "p", "t", "field"),
    [
        (SGERG_88, GAS_1, 100.01, 293.15, "line_pressure_bar"),
        (SGERG_88, GAS_1, 60.0, 262.99, "line_temperature_k"),
        (SGERG_88, GAS_1._replace(hs_mj_m3=29.9), 60.0, 293.15, "hs_mj_m3"),
        (SGERG_88, GAS_1._replace(relative_density=0.801), 60.0, 293.15, "relative_density"),
        (SGERG_88, GAS_1._replace(x_co2=0.201), 60.0, 293.15, "x_co2"),
        (SGERG_MOD_H2, HYDROGEN_30, 26.01, 293.15, "line_pressure_bar"),
        (SGERG_MOD_H2, HYDROGEN_30._replace(x_h2=0.301), 26.0, 293.15, "x_h2"),
    ],
)
def test_limits_of_pipeline_gas(
    variant: Variant, gas: SgergGas, p: float, t: float, field: str
) -> None:
    """The range in which the standard claims 0.1 % is narrower, and the caller's choice."""
    refused = z_sgerg88(gas, p, t, variant, Limits.PIPELINE)
    assert isinstance(refused, OutOfRange)
    assert refused.field == field


@VARIANTS
def test_limits_themselves_are_inside(variant: Variant) -> None:
    """The last legal pressure and temperatures still give a Z, the next do not."""
    for limits in Limits:
        ranges = variant.ranges(limits)
        for p, t in ((ranges.p_bar[1], ranges.t_k[0]), (ranges.p_bar[1], ranges.t_k[1])):
            assert isinstance(z_sgerg88(GAS_1, p, t, variant, limits), float)
            beyond = math.nextafter(p, math.inf)
            assert isinstance(z_sgerg88(GAS_1, beyond, t, variant, limits), OutOfRange)
    assert z_sgerg88(GAS_1, 0.0, 293.15, variant) == 1.0


def test_hydrogen_extension_admits_light_gases() -> None:
    """The lower limits of Hs and d and the two consistency tests are gone; 30 % H2 is the end."""
    assert isinstance(z_sgerg88(HYDROGEN_30, 26.0, 288.15), OutOfRange)
    assert isinstance(z_sgerg88(HYDROGEN_30, 26.0, 288.15, SGERG_MOD_H2), float)
    too_much = HYDROGEN_30._replace(x_h2=0.30001)
    assert isinstance(z_sgerg88(too_much, 26.0, 288.15, SGERG_MOD_H2), OutOfRange)


@pytest.mark.parametrize(
    "gas",
    [
        SgergGas(12.7, 0.0695, 0.0, 0.3),  # of pure hydrogen, but for the fraction
        SgergGas(20.0, 0.3, 0.0, 0.3),
        SgergGas(28.0, 0.35, 0.0, 0.1),
        SgergGas(40.0, 0.9, 0.0, 0.3),
    ],
)
def test_figures_of_no_gas(gas: SgergGas) -> None:
    """Figures that no natural gas with hydrogen has are refused, though the extension asks less."""
    assert not isinstance(z_sgerg88(gas, 5.0, 288.15, SGERG_MOD_H2), float)


def test_no_density_is_no_value() -> None:
    """Where the virial equation has no root of a gas the answer is NotConverged, never a Z."""
    gas = SgergGas(46.0, 0.899, 0.02, 0.0)
    virial = sgerg_gas(gas)
    answers = {p: z_sgerg88(gas, float(p), 250.15) for p in range(1, 121)}
    assert isinstance(virial, VirialGas)
    assert any(isinstance(answer, NotConverged) for answer in answers.values())
    for p, answer in answers.items():
        if isinstance(answer, float):
            assert 0.4 < answer < 1.0, p
            assert z_of(virial, float(p), 250.15) == answer
