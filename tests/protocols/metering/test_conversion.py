"""Line to base volume: end-to-end vectors, every method's own Zb, limits, and what is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.composition import Composition, ParsedComposition, parse_composition
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
    convert,
    convert_prepared,
    prepared,
)
from protocols.metering.gross import Gross1Gas, Gross2Gas, GrossReference
from protocols.metering.nx19 import Nx19Gas, z_c, z_of
from tests.protocols.metering.vectors import rows

CHINA = BaseConditions(101_325.0, 293.15)
NORMAL = BaseConditions(101_325.0, 273.15)
GAS_1 = Sgerg88(SgergGas(40.66, 0.581, 0.006, 0.0))
AT_25_0 = GrossReference(298.15, 273.15, 101.325)


def composition_of(text: str) -> Composition:
    pairs = (pair.split("=") for pair in text.split(";"))
    parsed = parse_composition({name: float(share) for name, share in pairs})
    assert isinstance(parsed, ParsedComposition)
    return parsed.composition


COMPOSITION_1 = composition_of(
    "methane=0.965;nitrogen=0.003;carbon_dioxide=0.006;ethane=0.018;propane=0.0045;isobutane=0.001;"
    "n_butane=0.001;isopentane=0.0005;n_pentane=0.0003;n_hexane=0.0007"
)
# ISO 12213-2 gas 1 as every method knows it
METHODS: dict[str, Method] = {
    "T": T(400_000.0, 0.98),
    "PT": PT(),
    "FixedK": FixedK(0.98),
    "Sgerg88": GAS_1,
    "SgergModH2": SgergModH2(GAS_1.gas),
    "Gross1": Gross1(Gross1Gas(40.66, 0.581, 0.006, AT_25_0)),
    "Gross2": Gross2(Gross2Gas(0.581, 0.003, 0.006, AT_25_0)),
    "Detail": Detail(COMPOSITION_1),
    "Gerg2008": Gerg2008(COMPOSITION_1),
    "Nx19Mod": Nx19Mod(Nx19Gas(0.699944, 0.003, 0.006)),
}
REAL = {name: method for name, method in METHODS.items() if name not in ("T", "PT", "FixedK")}
ROWS = rows("ptz_end_to_end.csv")


def method_of(row: dict[str, str]) -> Method:
    match row["method"]:
        case "PT":
            return PT()
        case "fixed-K":
            return FixedK(float(row["K_fixed"]))
        case "AGA8-DETAIL":
            return Detail(composition_of(row["composition"]))
        case "GERG-2008":
            return Gerg2008(composition_of(row["composition"]))
    return Sgerg88(SgergGas(*(float(row[name]) for name in ("Hs_25_0", "d_0", "x_CO2", "x_H2"))))


def factor_of(
    method: Method, pressure_pa: float, temperature_k: float, base: BaseConditions = CHINA
) -> Factor:
    factor = convert(method, pressure_pa, temperature_k, base)
    assert isinstance(factor, Factor), factor
    return factor


def test_all_rows_are_there() -> None:
    """Eighty rows are read: PT, fixed K, SGERG-88, DETAIL and GERG-2008."""
    found = [row["method"] for row in ROWS]
    names = ("PT", "fixed-K", "SGERG-88", "AGA8-DETAIL", "GERG-2008")
    assert [found.count(name) for name in names] == [10, 14, 14, 28, 14]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['method']}-{row['P_kPa_abs']}")
def test_end_to_end(row: dict[str, str]) -> None:
    """Gauge pressure, local atmosphere and temperature give the published C and base volume."""
    pressure_pa = (float(row["P_gauge_kPa"]) + float(row["P_atm_kPa"])) * 1000
    base = BaseConditions(float(row["Pb_kPa"]) * 1000, float(row["Tb_K"]))
    factor = factor_of(method_of(row), pressure_pa, float(row["T_K"]), base)
    tolerance = float(row["tol_rel"])
    assert factor.conversion_factor == pytest.approx(float(row["C_expected"]), rel=tolerance)
    volume = float(row["Vm_m3"]) * factor.conversion_factor
    assert volume == pytest.approx(float(row["Vb_expected_m3"]), rel=tolerance)
    assert factor.z_line / factor.z_base == pytest.approx(float(row["K_expected"]), rel=2e-5)
    if row["Z_expected"]:
        assert factor.z_line == pytest.approx(float(row["Z_expected"]), abs=2e-6)
        assert factor.z_base == pytest.approx(float(row["Zb_expected"]), abs=2e-6)


CASES: dict[str, tuple[Method, float]] = {
    "SGERG p high": (GAS_1, 12_001_000.0),
    "SGERG Hs low": (Sgerg88(SgergGas(19.9, 0.581, 0.006, 0.0)), 400_000.0),
    "SGERG conflict": (Sgerg88(SgergGas(40.66, 0.56, 0.05, 0.0)), 400_000.0),
    "NaN pressure": (GAS_1, math.nan),
}


@pytest.mark.parametrize("row", rows("range_behaviour.csv"), ids=lambda row: row["case"])
def test_range_behaviour(row: dict[str, str]) -> None:
    """Each published case that reaches a conversion is refused with a reason."""
    if row["case"] not in CASES:
        assert row["case"] == "DETAIL composition sum"  # refused before, in `composition.py`
        return
    gas, pressure_pa = CASES[row["case"]]
    assert row["expected"].startswith("refuse")
    assert isinstance(convert(gas, pressure_pa, 293.15, CHINA), OutOfRange)


def test_a_limit_on_one_side_is_said_as_one() -> None:
    """Zero is not "outside 0 to inf"."""
    refused = convert(PT(), 0.0, 290.0, CHINA)
    assert str(refused) == "line_pressure_pa is 0, not above 0"


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 0.0, -1.0])
def test_no_number_is_refused(method: Method, bad: float) -> None:
    """NaN, infinities, zero and less are refused in every place, by every method."""
    places = [
        convert(method, 400_000.0, bad, CHINA),
        convert(method, 400_000.0, 293.15, BaseConditions(bad, 293.15)),
        convert(method, 400_000.0, 293.15, BaseConditions(101_325.0, bad)),
        convert(FixedK(bad), 400_000.0, 293.15, CHINA),
        convert(T(400_000.0, bad), 400_000.0, 293.15, CHINA),
        convert(T(bad), 400_000.0, 293.15, CHINA),
    ]
    if not isinstance(method, T):
        places.append(convert(method, bad, 293.15, CHINA))
    assert all(isinstance(answer, OutOfRange) for answer in places)


@pytest.mark.parametrize("bad", [math.nan, -1.0, 0.0, 1e9])
def test_t_conversion_does_not_ask_for_a_pressure(bad: float) -> None:
    """The contract's pressure and K count, whatever the transmitter says or does not."""
    assert convert(T(400_000.0, 0.98), bad, 283.15, CHINA) == factor_of(
        FixedK(0.98), 400_000.0, 283.15
    )
    assert factor_of(T(400_000.0), bad, 283.15) == factor_of(PT(), 400_000.0, 283.15)


@pytest.mark.parametrize("method", REAL.values(), ids=REAL)
def test_zb_outside_the_method_is_refused(method: Method) -> None:
    """Base conditions that the method cannot reach give no factor: Zb is never 1."""
    refused = convert(method, 400_000.0, 293.15, BaseConditions(101_325.0, 370.0))
    if isinstance(method, Gerg2008):  # which reaches to 450 K
        assert isinstance(refused, Factor)
        refused = convert(method, 400_000.0, 293.15, CHINA._replace(temperature_k=370.0),
                          Limits.PIPELINE)  # fmt: skip
    assert isinstance(refused, OutOfRange)
    assert refused.field == "base_temperature_k"
    assert refused.value == 370.0


@pytest.mark.parametrize(
    ("method", "p", "t", "field"),
    [
        (GAS_1, 12.001e6, 293.15, "line_pressure_bar"),
        (METHODS["Gross1"], 12.001e6, 293.15, "line_pressure_bar"),
        (METHODS["Detail"], 65.1e6, 293.15, "line_pressure_kpa"),
        (METHODS["Detail"], 4e6, 224.0, "line_temperature_k"),
        (METHODS["Gerg2008"], 4e6, 705.0, "line_temperature_k"),
        (METHODS["Nx19Mod"], 99e3, 293.15, "line_pressure_mpa"),
        (PT(), 15.1e6, 293.15, "line_pressure_pa"),
        (PT(), 4e6, 20.0, "line_temperature_k"),
        (FixedK(0.4), 4e6, 293.15, "k"),
        (T(0.0), 4e6, 293.15, "fixed_pressure_pa"),
    ],
)
def test_outside_the_program(method: Method, p: float, t: float, field: str) -> None:
    """What is outside is named: line or base, pressure or temperature, in the method's unit."""
    refused = convert(method, p, t, CHINA)
    assert isinstance(refused, OutOfRange)
    assert refused.field == field


@pytest.mark.parametrize("method", REAL.values(), ids=REAL)
def test_the_caller_chooses_the_limits(method: Method) -> None:
    """At 11 MPa or -15 degC the program answers and the 0.1 % range does not, where it has one."""
    cold = convert(method, 1e6, 258.15, CHINA, Limits.PIPELINE)
    assert isinstance(convert(method, 1e6, 258.15, CHINA, Limits.PROGRAM), Factor)
    assert isinstance(cold, Factor if isinstance(method, Nx19Mod) else OutOfRange)
    ready = prepared(method, CHINA, Limits.PIPELINE)
    assert isinstance(ready, Prepared)
    assert convert_prepared(ready, 1e6, 258.15) == cold


@given(name=st.sampled_from(sorted(METHODS)), p=st.floats(1e5, 2.5e6), t=st.floats(263.5, 335.0))
def test_prepared_is_the_same(name: str, p: float, t: float) -> None:
    """A gas that was worked out once gives the same bits as one worked out for each poll."""
    ready = prepared(METHODS[name], CHINA)
    assert isinstance(ready, Prepared)
    assert convert_prepared(ready, p, t) == convert(METHODS[name], p, t, CHINA)
    assert prepared(METHODS[name], CHINA) == ready
    hash(ready)  # immutable all through


@given(name=st.sampled_from(sorted(REAL)), p=st.floats(1e5, 2.5e6), t=st.floats(263.5, 335.0))
def test_z_matters(name: str, p: float, t: float) -> None:
    """PTZ and PT differ by exactly Zb / Z."""
    ideal, real = factor_of(PT(), p, t), factor_of(REAL[name], p, t)
    ratio = real.conversion_factor / ideal.conversion_factor
    assert ratio == pytest.approx(real.z_base / real.z_line, rel=1e-12)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("base", [CHINA, NORMAL], ids=["20", "0"])
def test_at_base_conditions(method: Method, base: BaseConditions) -> None:
    """Gas at base conditions is its own base volume, but for a K or a Zb that the contract sets."""
    factor = factor_of(method, *base, base)
    if isinstance(method, (T, FixedK)):
        assert factor.z_line == 0.98
    elif isinstance(method, Nx19Mod) and base == CHINA:
        assert factor.conversion_factor == pytest.approx(1.0, abs=1e-4)
        assert factor.conversion_factor != 1.0
    else:
        assert factor.conversion_factor == 1.0


@given(p=st.floats(1.5e5, 8e6), t=st.floats(265.0, 335.0))
def test_the_methods_agree_on_a_gas(p: float, t: float) -> None:
    """Seven ways to know ISO 12213-2 gas 1 lead to the same base volume within 0.8 %."""
    found = [factor_of(method, p, t).conversion_factor for method in REAL.values()]
    assert max(found) / min(found) < 1.008


def test_nx19_has_a_base_of_its_own() -> None:
    """At 20 degC and 101.325 kPa Zb is the standard's parabola, at any other base its equation."""
    gas = Nx19Gas(0.7, 0.003, 0.006)
    assert factor_of(Nx19Mod(gas), 4e6, 283.15).z_base == z_c(gas)
    assert factor_of(Nx19Mod(gas), 4e6, 283.15, NORMAL).z_base == z_of(gas, 0.101325, 273.15)
    beside = factor_of(Nx19Mod(gas), 4e6, 283.15, CHINA._replace(temperature_k=293.16))
    assert 2e-5 < beside.z_base / z_c(gas) - 1 < 1e-4  # the step that `nx19.py` tells of


def test_a_liquid_has_no_factor() -> None:
    """Where there is no gas there is no volume of it: neither in the line nor at the base."""
    propane = Gerg2008(composition_of("propane=1.0"))
    line = convert(propane, 4e6, 280.0, CHINA)
    assert isinstance(line, NotConverged)
    decane = convert(Gerg2008(composition_of("n_decane=1.0")), 1e3, 400.0, CHINA)
    assert isinstance(decane, NotConverged)
    assert "at base conditions" in str(decane)


@pytest.mark.parametrize(
    ("name", "z_line", "z_base"),
    [
        ("Sgerg88", "0x1.d037dd20b70e6p-1", "0x1.fef6741a63f8bp-1"),
        ("SgergModH2", "0x1.d037dd20b70e6p-1", "0x1.fef6741a63f8bp-1"),
        ("Gross1", "0x1.d037e66f8bcebp-1", "0x1.fef6744c1419cp-1"),
        ("Gross2", "0x1.d04a11ac6e916p-1", "0x1.fef6d23782ecdp-1"),
        ("Nx19Mod", "0x1.d0cd6f5d19252p-1", "0x1.fef2a66ce587dp-1"),
    ],
)
def test_the_same_bits_everywhere(name: str, z_line: str, z_base: str) -> None:
    """Z at 4 MPa, 280 K and Zb at the base have these very bits on every processor."""
    factor = factor_of(METHODS[name], 4e6, 280.0)
    assert (factor.z_line.hex(), factor.z_base.hex()) == (z_line, z_base)


def test_same_answer_after_any_other() -> None:
    """Nothing is remembered between calls: small shifts away and back change nothing."""
    before = {name: factor_of(method, 4e6, 280.0) for name, method in METHODS.items()}
    for n in range(200):
        shifted = GAS_1.gas._replace(hs_mj_m3=35.0 + n / 50, relative_density=0.6 + n / 2000)
        convert(Sgerg88(shifted), 1e6, 290.0, CHINA)
        convert(Nx19Mod(Nx19Gas(0.68 + n / 2000, 0.01, 0.01)), 1e6, 290.0, CHINA)
        convert(Gross2(Gross2Gas(0.58 + n / 5000, 0.01, 0.01, AT_25_0)), 1e6, 290.0, CHINA)
    after = {name: factor_of(method, 4e6, 280.0) for name, method in METHODS.items()}
    assert after == before
