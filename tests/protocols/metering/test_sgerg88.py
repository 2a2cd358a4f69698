"""SGERG-88 against ISO 12213-3 Annex C, two independent implementations, and its own limits."""

import math

import pygerg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.refusal import NotConverged, OutOfRange
from protocols.metering.sgerg88 import Mixture, SgergGas, mixture_of, z_of, z_sgerg88
from tests.protocols.metering.vectors import rows

GAS_1 = SgergGas(40.66, 0.581, 0.006, 0.0)
ROWS = rows("iso12213_3_sgerg88.csv") + rows("sgerg88_derived.csv")


def test_all_rows_are_there() -> None:
    """The annex's 30 rows and the 100 derived ones are read."""
    assert len(ROWS) == 130


@pytest.mark.parametrize(
    "row", ROWS, ids=lambda row: f"{row['gas_id']}-{row['P_kPa_abs']}-{row['T_K']}"
)
def test_published_and_derived_values(row: dict[str, str]) -> None:
    """Every Z of ISO 12213-3 Annex C and of the derived table is met within the row's tolerance."""
    names = ("Hs_MJ_m3", "d", "x_CO2", "x_H2")
    gas = SgergGas(*(float(row[name]) for name in names))
    z = z_sgerg88(gas, float(row["P_kPa_abs"]) / 100, float(row["T_K"]))
    assert z == pytest.approx(float(row["Z_expected"]), rel=0, abs=float(row["tol_abs"]))


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


@pytest.mark.parametrize(
    ("gas", "p", "t", "field"),
    [
        (GAS_1, 120.01, 293.15, "line_pressure_bar"),
        (GAS_1, -0.01, 293.15, "line_pressure_bar"),
        (GAS_1, math.nan, 293.15, "line_pressure_bar"),
        (GAS_1, 60.0, 250.14, "temperature_k"),
        (GAS_1, 60.0, 338.16, "temperature_k"),
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


def test_limits_themselves_are_inside() -> None:
    """The last legal pressure and temperatures still give a Z."""
    assert all(isinstance(z_sgerg88(GAS_1, 120.0, t), float) for t in (250.15, 338.15))
    assert z_sgerg88(GAS_1, 0.0, 293.15) == 1.0


def test_no_density_is_no_value() -> None:
    """Where the virial equation has no root of a gas the answer is NotConverged, never a Z."""
    gas = SgergGas(46.0, 0.899, 0.02, 0.0)
    mixture = mixture_of(gas)
    answers = {p: z_sgerg88(gas, float(p), 250.15) for p in range(1, 121)}
    assert not isinstance(mixture, (OutOfRange, NotConverged))
    assert any(isinstance(answer, NotConverged) for answer in answers.values())
    for p, answer in answers.items():
        if isinstance(answer, float):
            assert 0.4 < answer < 1.0, p
            assert z_of(mixture, float(p), 250.15) == answer


@pytest.mark.parametrize("h", [100.0, 3000.0])
def test_no_real_cross_coefficient_is_no_value(h: float) -> None:
    """A hydrocarbon that no gas has gives NotConverged, not a crash and not a Z."""
    mixture = Mixture(0.9, 0.1, 0.0, 0.0, 0.0, h)
    answer = z_of(mixture, 60.0, 290.0)
    assert isinstance(answer, NotConverged)
    assert "SGERG-88" in str(answer)
