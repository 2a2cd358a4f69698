"""Line to base volume against the end-to-end vectors, and what is refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.conversion import (
    PT,
    BaseConditions,
    Factor,
    FixedK,
    Method,
    OutOfRange,
    Sgerg88,
    SgergGas,
    convert,
)
from tests.protocols.metering.vectors import rows

CHINA = BaseConditions(101_325.0, 293.15)
GAS_1 = Sgerg88(SgergGas(40.66, 0.581, 0.006, 0.0))
ROWS = [row for row in rows("ptz_end_to_end.csv") if row["method"] in ("PT", "fixed-K", "SGERG-88")]


def method(row: dict[str, str]) -> Method:
    if row["method"] == "PT":
        return PT()
    if row["method"] == "fixed-K":
        return FixedK(float(row["K_fixed"]))
    return Sgerg88(SgergGas(*(float(row[name]) for name in ("Hs_25_0", "d_0", "x_CO2", "x_H2"))))


def test_all_rows_are_there() -> None:
    """Ten PT rows, fourteen fixed-K rows and fourteen SGERG-88 rows are read."""
    found = [row["method"] for row in ROWS]
    assert [found.count(name) for name in ("PT", "fixed-K", "SGERG-88")] == [10, 14, 14]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['method']}-{row['P_kPa_abs']}")
def test_end_to_end(row: dict[str, str]) -> None:
    """Gauge pressure, local atmosphere and temperature give the published C and base volume."""
    pressure_pa = (float(row["P_gauge_kPa"]) + float(row["P_atm_kPa"])) * 1000
    base = BaseConditions(float(row["Pb_kPa"]) * 1000, float(row["Tb_K"]))
    factor = convert(method(row), pressure_pa, float(row["T_K"]), base)
    assert isinstance(factor, Factor)
    tolerance = float(row["tol_rel"])
    assert factor.conversion_factor == pytest.approx(float(row["C_expected"]), rel=tolerance)
    volume = float(row["Vm_m3"]) * factor.conversion_factor
    assert volume == pytest.approx(float(row["Vb_expected_m3"]), rel=tolerance)
    assert factor.z_line / factor.z_base == pytest.approx(float(row["K_expected"]), rel=2e-5)
    if row["Z_expected"]:
        assert factor.z_line == pytest.approx(float(row["Z_expected"]), abs=2e-6)
        assert factor.z_base == pytest.approx(float(row["Zb_expected"]), abs=2e-6)


CASES = {
    "SGERG p high": (GAS_1, 12_001_000.0),
    "SGERG Hs low": (Sgerg88(SgergGas(19.9, 0.581, 0.006, 0.0)), 400_000.0),
    "SGERG conflict": (Sgerg88(SgergGas(40.66, 0.56, 0.05, 0.0)), 400_000.0),
    "NaN pressure": (GAS_1, math.nan),
}


@pytest.mark.parametrize("row", rows("range_behaviour.csv"), ids=lambda row: row["case"])
def test_range_behaviour(row: dict[str, str]) -> None:
    """Each published case that concerns SGERG-88 is refused with a reason."""
    if row["case"].startswith("DETAIL"):
        assert row["case"] not in CASES  # another method's
        return
    gas, pressure_pa = CASES[row["case"]]
    assert row["expected"].startswith("refuse")
    assert isinstance(convert(gas, pressure_pa, 293.15, CHINA), OutOfRange)


@pytest.mark.parametrize("kind", [PT(), FixedK(0.98), GAS_1], ids=lambda kind: type(kind).__name__)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 0.0, -1.0])
def test_no_number_is_refused(kind: Method, bad: float) -> None:
    """NaN, infinities, zero and less are refused in every place, by every method."""
    for answer in (
        convert(kind, bad, 293.15, CHINA),
        convert(kind, 400_000.0, bad, CHINA),
        convert(kind, 400_000.0, 293.15, BaseConditions(bad, 293.15)),
        convert(kind, 400_000.0, 293.15, BaseConditions(101_325.0, bad)),
        convert(FixedK(bad), 400_000.0, 293.15, CHINA),
    ):
        assert isinstance(answer, OutOfRange)


def test_zb_outside_the_method_is_refused() -> None:
    """Base conditions that the method cannot reach give no factor: Zb is never 1."""
    cold = BaseConditions(101_325.0, 240.0)
    assert isinstance(convert(GAS_1, 400_000.0, 293.15, cold), OutOfRange)


@given(p=st.floats(9e4, 2.5e6), t=st.floats(263.0, 338.0))
def test_z_matters(p: float, t: float) -> None:
    """PTZ and PT differ by exactly Zb / Z, and at base conditions every method gives 1."""
    ideal, real = convert(PT(), p, t, CHINA), convert(GAS_1, p, t, CHINA)
    assert isinstance(ideal, Factor)
    assert isinstance(real, Factor)
    ratio = real.conversion_factor / ideal.conversion_factor
    assert ratio == pytest.approx(real.z_base / real.z_line, rel=1e-12)
    at_base = convert(GAS_1, *CHINA, CHINA)
    assert isinstance(at_base, Factor)
    assert at_base.conversion_factor == 1.0


def test_same_answer_after_any_other() -> None:
    """Nothing is remembered between calls: a million small shifts away and back change nothing."""
    before = convert(GAS_1, 4e6, 280.0, CHINA)
    for n in range(200):
        shifted = GAS_1.gas._replace(hs_mj_m3=35.0 + n / 50, relative_density=0.6 + n / 2000)
        convert(Sgerg88(shifted), 1e6, 290.0, CHINA)
    assert convert(GAS_1, 4e6, 280.0, CHINA) == before
