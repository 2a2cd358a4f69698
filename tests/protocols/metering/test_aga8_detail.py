"""AGA8-DETAIL against published values, an oracle, 50-digit arithmetic, and its own limits."""

import math
import random

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.metering.aga8_detail import (
    PROGRAM,
    DetailGas,
    State,
    detail_gas,
    state_of,
    z_detail,
    z_of,
    z_within,
)
from protocols.metering.composition import (
    COMPONENTS,
    Composition,
    ParsedComposition,
    parse_composition,
)
from protocols.metering.limits import Limits
from protocols.metering.mixture_range import PIPELINE, Range
from protocols.metering.refusal import NotConverged, OutOfRange
from tests.protocols.metering import aga8_detail_mp, pyaga8_oracle
from tests.protocols.metering.vectors import rows


def detail_rows(name: str) -> list[dict[str, str]]:
    """The rows of a table that are DETAIL's."""
    return [row for row in rows(name) if row["method"] == "AGA8-DETAIL"]


ANNEX_C = detail_rows("iso12213_2_detail.csv") + detail_rows("nist_tables_si.csv")
TD = detail_rows("nist_testdata_TD.csv")
UNIT = detail_rows("nist_unit.csv")
END_TO_END = detail_rows("ptz_end_to_end.csv")
ANY_STATE = Range((0.0, math.inf), (0.0, math.inf))


def composition(**shares: float) -> Composition:
    """The composition of these shares."""
    parsed = parse_composition(shares)
    assert isinstance(parsed, ParsedComposition), parsed
    return parsed.composition


def gas_of(row: dict[str, str]) -> DetailGas:
    """The gas of a row of a table."""
    shares = (entry.split("=") for entry in row["composition"].split(";"))
    return detail_gas(composition(**{name: float(share) for name, share in shares}))


def named(row: dict[str, str]) -> str:
    """A row's name in the report."""
    return f"{row['gas_id']}-{row['T_K']}-{row.get('P_kPa_abs') or row['D_mol_l']}"


LEAN = composition(methane=0.965, nitrogen=0.003, carbon_dioxide=0.006, ethane=0.018, propane=0.008)
# Within the program's shares; its dew point lies near 330 K
RICH = composition(
    methane=0.56, ethane=0.2, propane=0.05, isobutane=0.03, n_butane=0.03, isopentane=0.02,
    n_pentane=0.02, n_hexane=0.02, n_heptane=0.02, carbon_dioxide=0.05,
)  # fmt: skip


def test_all_rows_are_there() -> None:
    """The tables are read whole."""
    assert [len(table) for table in (ANNEX_C, TD, UNIT, END_TO_END)] == [60, 551, 1, 28]


@pytest.mark.parametrize("row", ANNEX_C, ids=named)
def test_published_compression_factors(row: dict[str, str]) -> None:
    """ISO 12213-2 Annex C and NIST's tables are met, and lie inside the pipeline range."""
    z = z_of(gas_of(row), float(row["P_kPa_abs"]), float(row["T_K"]), Limits.PIPELINE)
    assert z == pytest.approx(float(row["Z_expected"]), rel=0, abs=float(row["tol_abs"]))


@pytest.mark.parametrize("row", TD, ids=named)
def test_published_pressures(row: dict[str, str]) -> None:
    """NIST's validation data: pressure and Z at temperature and density are met."""
    state = state_of(gas_of(row), float(row["D_mol_l"]), float(row["T_K"]))
    tolerance = float(row["tol_rel"])
    assert state.p_kpa == pytest.approx(float(row["P_expected_kPa"]), rel=tolerance)
    assert state.z == pytest.approx(float(row["Z_expected"]), rel=tolerance + 1e-6)


@pytest.mark.parametrize("row", UNIT, ids=named)
def test_published_digits(row: dict[str, str]) -> None:
    """NIST's 16-digit unit value is met, molar mass and density included."""
    gas, p, t = gas_of(row), float(row["P_kPa_abs"]), float(row["T_K"])
    z, rho = z_within(gas, p, t, ANY_STATE), float(row["D_expected_mol_l"])
    assert z == pytest.approx(float(row["Z_expected"]), rel=1e-14)
    assert state_of(gas, rho, t).p_kpa == pytest.approx(p, rel=1e-13)
    assert gas.molar_mass == pytest.approx(20.54333051, rel=1e-12)


@pytest.mark.parametrize("row", END_TO_END, ids=named)
def test_derived_conversions(row: dict[str, str]) -> None:
    """Zb, Z and K of the end-to-end rows are met."""
    gas, tolerance = gas_of(row), float(row["tol_rel"])
    z_base = z_of(gas, float(row["Pb_kPa"]), float(row["Tb_K"]))
    z_line = z_of(gas, float(row["P_kPa_abs"]), float(row["T_K"]))
    assert isinstance(z_base, float)
    assert isinstance(z_line, float)
    assert z_base == pytest.approx(float(row["Zb_expected"]), rel=tolerance)
    assert z_line == pytest.approx(float(row["Z_expected"]), rel=tolerance)
    assert z_line / z_base == pytest.approx(float(row["K_expected"]), rel=tolerance)


def test_agrees_with_the_oracle() -> None:
    """On 2,000 random pipeline states Z is pyaga8's within 1e-9."""
    for gas, p, t in pyaga8_oracle.pipeline_states(12213, 2000):
        expected = pyaga8_oracle.detail_z(pyaga8_oracle.detail(gas), p, t)
        assert z_detail(gas, p, t, Limits.PIPELINE) == pytest.approx(expected, rel=0, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_every_pair_of_components(seed: int) -> None:
    """At a density of a gas, Z of each pair of the 21 is pyaga8's."""
    draw = random.Random(seed)
    for i in range(len(COMPONENTS)):
        for j in range(i, len(COMPONENTS)):
            shares, share = [0.0] * len(COMPONENTS), draw.uniform(0.1, 0.9)
            shares[i] += share
            shares[j] += 1.0 - share
            gas, rho, t = (
                Composition(tuple(shares)),
                draw.uniform(0.01, 2.0),
                draw.uniform(250, 400),
            )
            oracle = pyaga8_oracle.detail(gas)
            oracle.d, oracle.temperature = rho, t
            oracle.calc_properties()
            assert state_of(detail_gas(gas), rho, t).z == pytest.approx(oracle.z, rel=1e-12)


def test_against_fifty_digits() -> None:
    """The arithmetic loses less than 1e-11 of Z against the equations in 50 digits."""
    states = pyaga8_oracle.pipeline_states(20765, 16)
    states += [
        pyaga8_oracle.PipelineState(LEAN, p, t)
        for p, t in ((1e-3, 293.15), (101.325, 273.15), (65_000.0, 225.0), (65_000.0, 350.0))
    ]
    with mpmath.workdps(aga8_detail_mp.DIGITS):
        for gas, p, t in states:
            z = z_detail(gas, p, t)
            assert isinstance(z, float)
            exact = aga8_detail_mp.z_of_pressure(gas, p, t, near=z)
            assert abs(z / exact - 1) < 1e-11, (p, t)


@pytest.mark.parametrize(
    ("gas", "p", "t", "bits"),
    [
        (LEAN, 101.325, 293.15, "0x1.fef9e89d87240p-1"),
        (LEAN, 5000.0, 283.15, "0x1.c7d055f6c4d02p-1"),
        (LEAN, 12000.0, 263.0, "0x1.629710deb7142p-1"),
        (LEAN, 65000.0, 225.0, "0x1.8e88aa6656e63p+0"),
        (RICH, 2500.0, 340.0, "0x1.cac517e1a008bp-1"),
        (RICH, 101.325, 288.15, "0x1.fc62c1388c093p-1"),
    ],
)
def test_the_same_bits_everywhere(gas: Composition, p: float, t: float, bits: str) -> None:
    """Z has these very bits on every processor."""
    z = z_detail(gas, p, t)
    assert isinstance(z, float)
    assert z.hex() == bits


def isotherm(gas: DetailGas, t: float) -> list[State]:
    """States of growing density, up to a liquid's, 0.02 mol/dm3 apart."""
    return [state_of(gas, 0.02 * step, t) for step in range(1, 1000)]


def gas_branch(states: list[State]) -> list[State]:
    """The states up to the first at which the pressure no longer rises."""
    for i in range(1, len(states)):
        if states[i].p_kpa <= states[i - 1].p_kpa:
            return states[:i]
    return states


@pytest.mark.parametrize("t", [225.0, 235.0, 245.0, 255.0, 265.0])
def test_only_the_gas_between_two_phases(t: float) -> None:
    """Where a pressure has several densities it is the gas's; beyond its end there is no Z."""
    gas = detail_gas(RICH)
    states = isotherm(gas, t)
    branch = gas_branch(states)
    assert len(branch) < len(states)
    end = branch[-1].p_kpa
    assert max(state.p_kpa for state in states) > 1.2 * end  # a denser root is there to be found
    for share in (0.01, 0.1, 0.5, 0.9, 0.99, 0.9999):
        z = z_of(gas, share * end, t)
        lowest = next(i for i, state in enumerate(branch) if state.p_kpa >= share * end)
        least = branch[lowest].z
        assert isinstance(z, float), share
        assert z >= least - 1e-9, share
        if lowest:
            assert z <= branch[lowest - 1].z + 1e-9, share
    for share in (1.001, 1.01, 1.1, 1.2):
        assert isinstance(z_of(gas, share * end, t), NotConverged), share


SHARES = st.lists(st.floats(0.0, 1.0), min_size=14, max_size=14)


@settings(max_examples=60)
@given(shares=SHARES, t=st.floats(225.0, 350.0), p=st.floats(1.0, 65_000.0))
def test_never_a_denser_root(shares: list[float], t: float, p: float) -> None:
    """Whatever the gas, a Z is that of the first density with this pressure, on a rising branch."""
    parts = dict.fromkeys(COMPONENTS, 0.0)
    for (components, _low, high), share in zip(PROGRAM.shares[1:], shares, strict=True):
        for name in components:
            parts[name] = share * high / len(components)
    others = sum(parts.values())
    if others > 0.5:
        parts = {name: part * 0.5 / others for name, part in parts.items()}
    parts["methane"] = 1.0 - sum(parts.values())
    gas = detail_gas(Composition(tuple(parts.values())))
    z = z_of(gas, p, t)
    assert not isinstance(z, OutOfRange)
    states = isotherm(gas, t)
    branch = gas_branch(states)
    if isinstance(z, NotConverged):
        assert branch[-1].p_kpa < 1.001 * p
    else:
        rho = p / (z * 8.31451 * t)
        assert state_of(gas, rho, t).p_kpa == pytest.approx(p, rel=1e-12)
        below = sum(1 for state in branch if state.p_kpa < p)
        assert 0.02 * below - 1e-9 <= rho <= 0.02 * (below + 1) + 1e-9 or below == len(states)


@pytest.mark.parametrize(
    ("p", "t", "limits", "field"),
    [
        (0.0, 293.15, Limits.PROGRAM, "line_pressure_kpa"),
        (-1.0, 293.15, Limits.PROGRAM, "line_pressure_kpa"),
        (math.nan, 293.15, Limits.PROGRAM, "line_pressure_kpa"),
        (math.inf, 293.15, Limits.PROGRAM, "line_pressure_kpa"),
        (65_001.0, 293.15, Limits.PROGRAM, "line_pressure_kpa"),
        (12_001.0, 293.15, Limits.PIPELINE, "line_pressure_kpa"),
        (5000.0, math.nan, Limits.PROGRAM, "temperature_k"),
        (5000.0, math.inf, Limits.PROGRAM, "temperature_k"),
        (5000.0, 0.0, Limits.PROGRAM, "temperature_k"),
        (5000.0, -10.0, Limits.PROGRAM, "temperature_k"),
        (5000.0, 224.99, Limits.PROGRAM, "temperature_k"),
        (5000.0, 350.01, Limits.PROGRAM, "temperature_k"),
        (5000.0, 262.99, Limits.PIPELINE, "temperature_k"),
        (5000.0, 338.01, Limits.PIPELINE, "temperature_k"),
    ],
)
def test_states_outside(p: float, t: float, limits: Limits, field: str) -> None:
    """Outside the range, and for what is no number, there is no Z but the field's name."""
    refused = z_detail(LEAN, p, t, limits)
    assert isinstance(refused, OutOfRange)
    assert refused.field == field


@pytest.mark.parametrize(
    ("shares", "limits", "field"),
    [
        ({"methane": 0.69, "nitrogen": 0.19, "carbon_dioxide": 0.12}, Limits.PIPELINE, "methane"),
        ({"methane": 0.79, "nitrogen": 0.21}, Limits.PIPELINE, "nitrogen"),
        ({"methane": 0.98, "n_butane": 0.01, "isobutane": 0.01}, Limits.PIPELINE,
         "isobutane+n_butane"),
        ({"methane": 0.99, "oxygen": 0.01}, Limits.PIPELINE, "oxygen"),
        ({"methane": 0.49, "nitrogen": 0.49, "ethane": 0.02}, Limits.PROGRAM, "methane"),
        ({"methane": 0.79, "ethane": 0.21}, Limits.PROGRAM, "ethane"),
        ({"methane": 0.89, "hydrogen": 0.11}, Limits.PROGRAM, "hydrogen"),
        ({"methane": 0.98, "water": 0.02}, Limits.PROGRAM, "water"),
    ],
)  # fmt: skip
def test_gases_outside(shares: dict[str, float], limits: Limits, field: str) -> None:
    """A share outside the range is refused by its component's name."""
    refused = z_detail(composition(**shares), 5000.0, 293.15, limits)
    assert isinstance(refused, OutOfRange)
    assert refused.field == f"composition.{field}"


def test_limits_themselves_are_inside() -> None:
    """The corners of both ranges give a Z."""
    for limits, allowed in ((Limits.PIPELINE, PIPELINE), (Limits.PROGRAM, PROGRAM)):
        for p in allowed.p_kpa:
            for t in allowed.t_k:
                assert isinstance(z_detail(LEAN, p, t, limits), float)


def test_ideal_at_no_pressure() -> None:
    """Z goes to one with the pressure, by the second virial coefficient."""
    z = z_detail(LEAN, 1e-3, 293.15)
    assert isinstance(z, float)
    assert z == pytest.approx(1.0, abs=1e-7)
    assert z < 1.0


def test_nothing_is_remembered() -> None:
    """Two gases give the same bits in any order, again and again."""
    lean, rich = detail_gas(LEAN), detail_gas(RICH)
    first = [z_of(lean, 5000.0, 290.0), z_of(rich, 3000.0, 340.0)]
    again = [z_of(detail_gas(RICH), 3000.0, 340.0), z_of(detail_gas(LEAN), 5000.0, 290.0)]
    assert first == again[::-1]
    assert detail_gas(LEAN) == lean


def test_a_gas_that_is_no_composition() -> None:
    """Shares that do not add up to one are a mistake of the caller, never silently a Z."""
    with pytest.raises(ValueError):
        detail_gas(Composition((0.995, *[0.0] * 20)))
