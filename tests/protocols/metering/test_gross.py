"""AGA8 GROSS against the printed tables of 1994, NIST's tables in SI, and its limits."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.composition import ParsedComposition, parse_composition
from protocols.metering.gross import (
    Gross1Gas,
    Gross2Gas,
    GrossReference,
    gross1_gas,
    gross2_gas,
    gross_of_composition,
)
from protocols.metering.limits import Limits
from protocols.metering.refusal import NotConverged, OutOfRange
from protocols.metering.virial88 import VirialGas, z_of
from tests.protocols.metering.vectors import rows

ROWS = [
    row
    for name in ("aga8_1994_gross_us.csv", "nist_tables_si.csv", "nist_unit.csv")
    for row in rows(name)
    if "GROSS" in row["method"]
]
SI = GrossReference(288.15, 273.15, 101.325)
US_1473 = GrossReference(519.67 * 5 / 9, 519.67 * 5 / 9, 101.559775)
AMARILLO_1 = Gross1Gas(40.6797, 0.608804, 0.004676, SI)
AMARILLO_2 = Gross2Gas(0.608804, 0.031284, 0.004676, SI)


def gas_of(row: dict[str, str]) -> VirialGas | OutOfRange | NotConverged:
    """The gas of a row, in the way that its method names."""
    if row["method"] == "AGA8-GROSS-composition":
        pairs = (pair.split("=") for pair in row["composition"].split(";"))
        parsed = parse_composition({name: float(x) for name, x in pairs})
        assert isinstance(parsed, ParsedComposition)
        return gross_of_composition(parsed.composition)
    reference = GrossReference(*(float(row[name]) for name in ("Th_K", "Td_K", "Pd_kPa")))
    gr, x_co2 = float(row["Gr"]), float(row["x_CO2"])
    if row["method"] == "AGA8-GROSS-method1":
        return gross1_gas(Gross1Gas(float(row["Hv_MJ_m3_ideal"]), gr, x_co2, reference))
    return gross2_gas(Gross2Gas(gr, float(row["x_N2"]), x_co2, reference))


def test_all_rows_are_there() -> None:
    """Both tables of 1994, the three SI tables and NIST's unit test are read."""
    found = [row["method"].removeprefix("AGA8-GROSS-") for row in ROWS]
    names = ("method1", "method2", "composition")
    assert [found.count(name) for name in names] == [110, 110, 31]


@pytest.mark.parametrize(
    "row",
    ROWS,
    ids=lambda row: f"{row['method'][11:]}-{row['gas_id']}-{row['P_kPa_abs']}-{row['T_K']}",
)
def test_published_values(row: dict[str, str]) -> None:
    """Every Z is met within the row's tolerance, at the reference conditions of its own row."""
    gas = gas_of(row)
    assert isinstance(gas, VirialGas)
    z = z_of(gas, float(row["P_kPa_abs"]) / 100, float(row["T_K"]))
    assert z == pytest.approx(float(row["Z_expected"]), rel=0, abs=float(row["tol_abs"]))


def test_heating_value_of_another_pressure_is_another_gas() -> None:
    """The figure for 14.73 psia taken as one for 14.696 psia moves Z by a tenth of a per cent."""
    gas = Gross1Gas(38.55742, 0.608657, 0.004676, US_1473)
    right = gross1_gas(gas)
    wrong = gross1_gas(gas._replace(reference=US_1473._replace(pd_kpa=101.325)))
    assert isinstance(right, VirialGas)
    assert isinstance(wrong, VirialGas)
    z_right, z_wrong = z_of(right, 82.0, 273.15), z_of(wrong, 82.0, 273.15)
    assert isinstance(z_right, float)
    assert isinstance(z_wrong, float)
    assert 5e-4 < abs(z_wrong / z_right - 1) < 2e-3


@given(
    gr=st.floats(0.56, 0.75), x_n2=st.floats(0, 0.2), x_co2=st.floats(0, 0.1),
    reference=st.sampled_from([SI, US_1473, GrossReference(298.15, 273.15, 101.325)]),
)  # fmt: skip
def test_the_two_methods_are_one(
    gr: float, x_n2: float, x_co2: float, reference: GrossReference
) -> None:
    """The heating value of the gas that method 2 found leads method 1 to the same gas."""
    second = gross2_gas(Gross2Gas(gr, x_n2, x_co2, reference))
    if not isinstance(second, VirialGas):
        return
    th, td, pd = reference
    mixture = second.mixture
    z_d = z_of(second, pd / 100, td)  # by B and C; the report's Zd is by B alone, 1e-6 apart
    assert isinstance(z_d, float)
    per_m3 = pd / (8.31451 * td * z_d)
    hv = mixture.x1 * mixture.h * per_m3 / (1 + 0.0001027 * (th - 298.15))
    first = gross1_gas(Gross1Gas(hv, gr, x_co2, reference))
    if isinstance(first, OutOfRange):  # a trace of nitrogen, negative by the difference of Zd
        assert first.field in ("computed x_n2", "hv_mj_m3", "computed h_ch")
        return
    assert isinstance(first, VirialGas)
    assert first.mixture == pytest.approx(mixture, rel=1e-3, abs=2e-5)


@pytest.mark.parametrize(
    ("gas", "field"),
    [
        (AMARILLO_1._replace(hv_mj_m3=15.0), "hv_mj_m3"),
        (AMARILLO_1._replace(hv_mj_m3=48.0), "hv_mj_m3"),
        (AMARILLO_1._replace(hv_mj_m3=-1.0), "hv_mj_m3"),
        (AMARILLO_1._replace(hv_mj_m3=math.nan), "hv_mj_m3"),
        (AMARILLO_1._replace(gr=0.5), "gr"),
        (AMARILLO_1._replace(gr=math.inf), "gr"),
        (AMARILLO_1._replace(x_co2=0.31), "x_co2"),
        (AMARILLO_1._replace(x_co2=-1e-9), "x_co2"),
        (AMARILLO_1._replace(hv_mj_m3=44.0), "computed x_n2"),
        (AMARILLO_1._replace(reference=SI._replace(th_k=15.0)), "th_k"),
        (AMARILLO_1._replace(reference=SI._replace(td_k=math.nan)), "td_k"),
        (AMARILLO_1._replace(reference=SI._replace(pd_kpa=1.01325)), "pd_kpa"),
        (AMARILLO_2._replace(gr=0.88), "gr"),
        (AMARILLO_2._replace(x_n2=0.51), "x_n2"),
        (AMARILLO_2._replace(x_n2=math.nan), "x_n2"),
        (AMARILLO_2._replace(x_co2=0.31), "x_co2"),
        (AMARILLO_2._replace(gr=0.62, x_n2=0.4), "computed h_ch"),
        (AMARILLO_2._replace(gr=0.862, x_n2=0.5, x_co2=0.1), "computed h_n"),
        (AMARILLO_2._replace(reference=SI._replace(pd_kpa=math.nan)), "pd_kpa"),
    ],
)
def test_limits_of_the_gas(gas: Gross1Gas | Gross2Gas, field: str) -> None:
    """A gas outside AGA8's range, or a reference that is none, has no mixture but a reason."""
    refused = gross1_gas(gas) if isinstance(gas, Gross1Gas) else gross2_gas(gas)
    assert isinstance(refused, OutOfRange)
    assert refused.field == field
    if not math.isnan(refused.value):
        assert not refused.low <= refused.value <= refused.high


def test_inconsistent_figures_are_no_gas() -> None:
    """A heavy gas with hardly a heating value leaves no hydrocarbon: no mixture."""
    assert not isinstance(gross1_gas(Gross1Gas(17.0, 0.86, 0.0, SI)), VirialGas)


@pytest.mark.parametrize(
    ("limits", "p", "t", "field"),
    [
        (Limits.PIPELINE, 83.01, 293.15, "line_pressure_bar"),
        (Limits.PIPELINE, 50.0, 273.14, "line_temperature_k"),
        (Limits.PIPELINE, 50.0, 328.16, "line_temperature_k"),
        (Limits.PROGRAM, 120.01, 293.15, "line_pressure_bar"),
        (Limits.PROGRAM, 50.0, 250.14, "line_temperature_k"),
    ],
)
def test_limits_of_the_state(limits: Limits, p: float, t: float, field: str) -> None:
    """Beyond the range that the caller chose there is no Z, by either method."""
    for gas in (gross1_gas(AMARILLO_1, limits), gross2_gas(AMARILLO_2, limits)):
        assert isinstance(gas, VirialGas)
        refused = z_of(gas, p, t)
        assert isinstance(refused, OutOfRange)
        assert refused.field == field


def test_hydrocarbon_is_everything_else() -> None:
    """A composition without a hydrocarbon, or with too little, is outside the range."""
    for entries in ({"nitrogen": 1.0}, {"methane": 0.4, "carbon_dioxide": 0.6}):
        parsed = parse_composition(entries)
        assert isinstance(parsed, ParsedComposition)
        assert isinstance(gross_of_composition(parsed.composition), OutOfRange)
