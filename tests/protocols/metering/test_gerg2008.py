"""GERG-2008 against the standard's values, NIST's, a compiled peer, 50 digits, and its limits."""

import itertools
import math
import random

import pytest
from mpmath import mp, mpf

from protocols.metering.composition import (
    COMPONENTS,
    Composition,
    ParsedComposition,
    parse_composition,
)
from protocols.metering.gerg2008 import (
    EXTENDED,
    GergGas,
    gerg_gas,
    state_of,
    z_gerg,
    z_of,
    z_within,
)
from protocols.metering.gerg2008_pairs import DEPARTURE, REDUCING
from protocols.metering.gerg2008_table import PURE, R
from protocols.metering.limits import Limits
from protocols.metering.mixture_range import PIPELINE
from protocols.metering.refusal import NotConverged, OutOfRange
from tests.protocols.metering.pyaga8_oracle import gerg, gerg_z, pipeline_states
from tests.protocols.metering.vectors import rows


def gerg_rows(name: str) -> list[dict[str, str]]:
    return [row for row in rows(name) if row["method"] == "GERG-2008"]


def composition_of(text: str) -> Composition:
    """'methane=0.9;ethane=0.1', as the csv files write it."""
    pairs = (part.split("=") for part in text.split(";"))
    parsed = parse_composition({name: float(share) for name, share in pairs})
    assert isinstance(parsed, ParsedComposition), parsed
    return parsed.composition


ISO_ROWS = gerg_rows("iso20765_2_gerg.csv")
LIQUID = {("ISO20765 gas 2", 180.0), ("ISO20765 gas 6", 180.0)} | {
    ("ISO20765 gas 6", 250.0), ("ISO20765 gas 6", 400.0)
}  # fmt: skip
GULF_COAST = composition_of(
    "methane=0.965222;nitrogen=0.002595;carbon_dioxide=0.005956;ethane=0.018186;propane=0.004596;"
    "isobutane=0.000977;n_butane=0.001007;isopentane=0.000473;n_pentane=0.000324;hexane=0.000664"
)
ALL_21 = composition_of(gerg_rows("nist_unit.csv")[0]["composition"])
RICH = (
    composition_of("methane=0.6;ethane=0.15;propane=0.15;n_butane=0.07;n_pentane=0.03"),
    composition_of("methane=0.8;ethane=0.1;propane=0.05;n_butane=0.03;hexane=0.02"),
    composition_of("propane=0.5;n_butane=0.3;isobutane=0.2"),
    composition_of("carbon_dioxide=0.9;methane=0.08;water=0.02"),
    composition_of("methane=0.9;decane=0.1"),
)


def rises_to(gas: GergGas, rho: float, t: float, steps: int = 300) -> bool:
    """Whether the pressure rises with every step of density from 0 to rho."""
    pressures = [state_of(gas, rho * k / steps, t).p_kpa for k in range(1, steps + 1)]
    return pressures[0] > 0.0 and all(a < b for a, b in itertools.pairwise(pressures))


def test_all_rows_are_there() -> None:
    """The standard's 18 states, AGA 8's 22, NIST's 30 + 518 + 1 and the 14 conversions are read."""
    files = ("iso20765_2_gerg", "aga8p2_gerg_TD", "nist_tables_si", "nist_testdata_TD", "nist_unit")
    counts = [len(gerg_rows(f"{name}.csv")) for name in (*files, "ptz_end_to_end")]
    assert counts == [18, 22, 30, 518, 1, 14]


def test_tables_are_whole() -> None:
    """The 21 components in their order, their terms, and pairs that are in that order too."""
    assert tuple(PURE) == COMPONENTS
    assert all(len(pure.n) == len(pure.exponents) for pure in PURE.values())
    pairs = set(itertools.combinations(COMPONENTS, 2))
    assert set(REDUCING) <= pairs
    assert set(DEPARTURE) <= pairs
    assert (len(REDUCING), len(DEPARTURE)) == (156, 15)


@pytest.mark.parametrize("row", ISO_ROWS, ids=lambda row: f"{row['gas_id']}-{row['T_K']}")
def test_iso_20765_2_by_density(row: dict[str, str]) -> None:
    """The printed density, one in its last digit up or down, holds the printed pressure and Z."""
    gas = gerg_gas(composition_of(row["composition"]))
    t, p, rho = (float(row[name]) for name in ("T_K", "P_kPa_abs", "rho_kg_m3"))
    unit = 10.0 ** -len(row["rho_kg_m3"].partition(".")[2])
    below, above = (state_of(gas, (rho + s * unit) / gas.molar_mass, t) for s in (-1, 1))
    assert below.p_kpa < p < above.p_kpa
    share = (p - below.p_kpa) / (above.p_kpa - below.p_kpa)
    z = below.z + share * (above.z - below.z)
    assert z == pytest.approx(float(row["Z_expected"]), rel=0, abs=float(row["tol_abs"]))


@pytest.mark.parametrize("row", ISO_ROWS, ids=lambda row: f"{row['gas_id']}-{row['T_K']}")
def test_iso_20765_2_by_pressure(row: dict[str, str]) -> None:
    """Gases and supercritical states have the printed Z, however dense; a liquid has none."""
    z = z_gerg(composition_of(row["composition"]), float(row["P_kPa_abs"]), float(row["T_K"]))
    if (row["gas_id"], float(row["T_K"])) in LIQUID:
        assert isinstance(z, NotConverged)
    else:
        assert z == pytest.approx(float(row["Z_expected"]), rel=0, abs=float(row["tol_abs"]))


@pytest.mark.parametrize(
    "row", gerg_rows("nist_tables_si.csv") + gerg_rows("nist_unit.csv"),
    ids=lambda row: f"{row['gas_id']}-{row['P_kPa_abs']}-{row['T_K']}",
)  # fmt: skip
def test_nist_tables(row: dict[str, str]) -> None:
    """Every Z of NIST's tables and of its 16-digit unit test is met."""
    gas = gerg_gas(composition_of(row["composition"]))
    z = z_within(gas, float(row["P_kPa_abs"]), float(row["T_K"]), EXTENDED)
    assert z == pytest.approx(float(row["Z_expected"]), rel=0, abs=float(row["tol_abs"]))


def test_nist_unit_test_density() -> None:
    """NIST's density of all 21 components, molar mass and Z agree to its last digits."""
    row = gerg_rows("nist_unit.csv")[0]
    gas = gerg_gas(ALL_21)
    state = state_of(gas, float(row["D_expected_mol_l"]), float(row["T_K"]))
    assert gas.molar_mass == pytest.approx(20.5427445016, rel=1e-11)
    assert state.p_kpa == pytest.approx(float(row["P_kPa_abs"]), rel=1e-13)
    assert state.z == pytest.approx(float(row["Z_expected"]), rel=1e-13)


@pytest.mark.parametrize("name", ["aga8p2_gerg_TD.csv", "nist_testdata_TD.csv"])
def test_pressure_at_density(name: str) -> None:
    """Every pressure and Z at a given temperature and density is met, on whatever branch."""
    for row in gerg_rows(name):
        gas = gerg_gas(composition_of(row["composition"]))
        state = state_of(gas, float(row["D_mol_l"]), float(row["T_K"]))
        tolerance = float(row["tol_rel"])
        assert state.p_kpa == pytest.approx(float(row["P_expected_kPa"]), rel=tolerance), row
        assert state.z == pytest.approx(float(row["Z_expected"]), rel=tolerance), row


@pytest.mark.parametrize("row", gerg_rows("ptz_end_to_end.csv"), ids=lambda row: row["Vm_m3"])
def test_whole_conversions(row: dict[str, str]) -> None:
    """Line volume to base volume, Z and Zb of the same gas, is met within the row's tolerance."""
    gas = gerg_gas(composition_of(row["composition"]))
    names = ("P_kPa_abs", "T_K", "Pb_kPa", "Tb_K", "Vm_m3")
    p, t, pb, tb, v_line = (float(row[name]) for name in names)
    z, zb = z_of(gas, p, t), z_of(gas, pb, tb)
    assert isinstance(z, float)
    assert isinstance(zb, float)
    tolerance = float(row["tol_rel"])
    assert z == pytest.approx(float(row["Z_expected"]), rel=tolerance)
    assert zb == pytest.approx(float(row["Zb_expected"]), rel=tolerance)
    v_base = v_line * (p / pb) * (tb / t) * (zb / z)
    assert v_base == pytest.approx(float(row["Vb_expected_m3"]), rel=tolerance)


def test_agrees_with_the_peer() -> None:
    """Over 2,000 random pipeline states no Z is 1e-9 from pyaga8's."""
    worst = 0.0
    for composition, p, t in pipeline_states(seed=2008, count=2000):
        z = z_gerg(composition, p, t, Limits.PIPELINE)
        assert isinstance(z, float), (composition, p, t, z)
        worst = max(worst, abs(z - gerg_z(gerg(composition), p, t)))
    assert worst < 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_every_pair_of_components(seed: int) -> None:
    """Each of the 21 and of their 210 pairs has pyaga8's Z, at any density."""
    draw = random.Random(seed)
    for i, j in itertools.combinations_with_replacement(range(len(COMPONENTS)), 2):
        shares, share = [0.0] * len(COMPONENTS), draw.uniform(0.1, 0.9)
        shares[i] += share
        shares[j] += 1.0 - share
        composition = Composition(tuple(shares))
        gas, oracle = gerg_gas(composition), gerg(composition)
        oracle.d, oracle.temperature = draw.uniform(0.01, 2.0) * gas.rho_r, draw.uniform(200, 450)
        oracle.calc_properties()
        state = state_of(gas, oracle.d, oracle.temperature)
        assert state.z == pytest.approx(oracle.z, rel=1e-11, abs=1e-12), composition


def alpha_delta(composition: Composition, delta: mpf, tau: mpf) -> mpf:
    """d(alpha_r)/d(delta) term by term as the standard writes it, in 50 digits."""
    x = {n: mpf(s) for n, s in zip(COMPONENTS, composition.fractions, strict=True) if s > 0.0}
    total = mpf(0)
    for name, share in x.items():
        for (d, t, c), n in zip(PURE[name].exponents, PURE[name].n, strict=True):
            term = mpf(repr(n)) * delta ** (d - 1) * tau ** mpf(repr(t))
            total += share * term * (mp.exp(-(delta**c)) * (d - c * delta**c) if c else d)
    half = mpf("0.5")
    for i, j in itertools.combinations(x, 2):
        if (i, j) in DEPARTURE:
            for n, d, t, eta, beta in DEPARTURE[i, j].terms:
                term = mpf(repr(n)) * delta**d * tau ** mpf(repr(t))
                if eta or beta:
                    term *= mp.exp(-eta * (delta - half) ** 2 - beta * (delta - half))
                slope = d / delta - 2 * eta * (delta - half) - beta
                total += x[i] * x[j] * mpf(repr(DEPARTURE[i, j].f)) * term * slope
    return total


def reducing(composition: Composition) -> tuple[mpf, mpf]:
    """rho_r and T_r as the double sums over all pairs, in 50 digits."""
    x = {n: mpf(s) for n, s in zip(COMPONENTS, composition.fractions, strict=True) if s > 0.0}
    v_r = t_r = mpf(0)
    third = -mpf(1) / 3
    for i, j in itertools.product(x, x):
        first, second = sorted((i, j), key=COMPONENTS.index)
        bv, gv, bt, gt = (mpf(repr(b)) for b in REDUCING.get((first, second), (1.0,) * 4))
        if first != i:
            bv, bt = 1 / bv, 1 / bt
        rho_i, rho_j = mpf(repr(PURE[i].rho_c)), mpf(repr(PURE[j].rho_c))
        t_i, t_j = mpf(repr(PURE[i].t_c)), mpf(repr(PURE[j].t_c))
        both = x[i] * x[j] * (x[i] + x[j])
        v_r += both * bv * gv / (bv**2 * x[i] + x[j]) * (rho_i**third + rho_j**third) ** 3 / 8
        t_r += both * bt * gt / (bt**2 * x[i] + x[j]) * mp.sqrt(t_i * t_j)
    return 1 / v_r, t_r


def test_agrees_with_fifty_digits() -> None:
    """Z of 30 pipeline states and of all 21 components is right to 1e-11, relative.

    One step of Newton's from it in 50 digits is the error.
    """
    states = [*pipeline_states(seed=50, count=30), (ALL_21, 30_000.0, 400.0)]
    with mp.workdps(50):
        for composition, p, t in states:
            z = z_gerg(composition, p, t)
            assert isinstance(z, float)
            rho_r, t_r = reducing(composition)
            tau = t_r / mpf(t)
            pressure = mpf(p) / (rho_r * mpf(repr(R)) * mpf(t))
            delta, little = pressure / mpf(z), mpf("1e-20")
            found, beside = (
                d * (1 + d * alpha_delta(composition, d, tau))
                for d in (delta, delta * (1 + little))
            )
            error = (found - pressure) * little / (beside - found)  # of delta, relative
            assert abs(error) < mpf("1e-11"), (composition, p, t)


@pytest.mark.parametrize("composition", RICH, ids=range(len(RICH)))
def test_two_phase_states_never_give_a_dense_root(composition: Composition) -> None:
    """A Z is the gas's, whose pressure rises from zero density on; beyond its end there is none."""
    gas = gerg_gas(composition)
    answers = []
    for t in (190.0, 230.0, 263.0, 300.0, 350.0, 430.0):
        for p in (50.0, 500.0, 2_000.0, 5_000.0, 9_000.0, 35_000.0):
            z = z_of(gas, p, t)
            answers.append(z)
            if isinstance(z, float):
                rho = p / (z * R * t)
                assert state_of(gas, rho, t).p_kpa == pytest.approx(p, rel=1e-11)
                assert rises_to(gas, rho, t), (p, t, z)
            else:
                assert isinstance(z, NotConverged)
                if "condenses" in z.detail:
                    continue
                grid = [state_of(gas, 0.02 * k * gas.rho_r, t).p_kpa for k in range(1, 150)]
                end = next(a for a, b in itertools.pairwise([*grid, -math.inf]) if b <= a)
                assert end < p, (p, t)
    assert any(isinstance(z, NotConverged) for z in answers)


def test_near_the_critical_point() -> None:
    """Where the isotherm is almost level, pure methane's gas ends at its critical temperature."""
    gas = gerg_gas(composition_of("methane=1"))
    for t in (190.0, 190.5, 190.55, 190.563):
        assert isinstance(z_of(gas, 4_650.0, t), NotConverged)
    for t in (190.57, 190.6, 191.0):
        z = z_of(gas, 4_650.0, t)
        assert isinstance(z, float)
        assert rises_to(gas, 4_650.0 / (z * R * t), t)


@pytest.mark.parametrize(
    ("p", "t", "field"),
    [
        (math.nan, 290.0, "line_pressure_kpa"),
        (math.inf, 290.0, "line_pressure_kpa"),
        (-math.inf, 290.0, "line_pressure_kpa"),
        (0.0, 290.0, "line_pressure_kpa"),
        (-1.0, 290.0, "line_pressure_kpa"),
        (5e-324, 290.0, "line_pressure_kpa"),
        (70_000.1, 290.0, "line_pressure_kpa"),
        (6_000.0, math.nan, "temperature_k"),
        (6_000.0, math.inf, "temperature_k"),
        (6_000.0, 0.0, "temperature_k"),
        (6_000.0, -290.0, "temperature_k"),
        (6_000.0, 59.9, "temperature_k"),
        (6_000.0, 700.1, "temperature_k"),
    ],
)
def test_outside_the_extended_range(p: float, t: float, field: str) -> None:
    """Outside 60 to 700 K and 70 MPa, or without a number, there is no Z but the reason."""
    refused = z_gerg(GULF_COAST, p, t)
    assert isinstance(refused, OutOfRange)
    assert refused.field == field


def test_limits_themselves_are_inside() -> None:
    """The last legal pressures and temperatures give a Z; so do the pipeline's."""
    gas = gerg_gas(GULF_COAST)
    for limits, allowed in ((Limits.PROGRAM, EXTENDED), (Limits.PIPELINE, PIPELINE)):
        for p in allowed.p_kpa:
            assert isinstance(z_of(gas, p, allowed.t_k[1], limits), float)
    assert isinstance(z_of(gas, 0.5, 90.0), float)  # at 10 kPa even methane is almost a liquid
    assert z_of(gas, EXTENDED.p_kpa[0], 300.0) == pytest.approx(1.0, abs=1e-7)


def test_pipeline_range() -> None:
    """The pipeline's range refuses what the normal one allows: pressure, temperature and shares."""
    rich = RICH[0]
    for composition, p, t, field in (
        (GULF_COAST, 12_000.1, 290.0, "line_pressure_kpa"),
        (GULF_COAST, 6_000.0, 262.9, "temperature_k"),
        (GULF_COAST, 6_000.0, 338.1, "temperature_k"),
        (rich, 500.0, 290.0, "composition.methane"),
    ):
        assert isinstance(z_gerg(composition, p, t), float)
        refused = z_gerg(composition, p, t, Limits.PIPELINE)
        assert isinstance(refused, OutOfRange)
        assert refused.field == field


@pytest.mark.parametrize("share", [math.nan, math.inf, -0.01, 1.5])
def test_no_composition(share: float) -> None:
    """Fractions that are none of a gas are a broken promise of the caller, never a Z."""
    fractions = list(GULF_COAST.fractions)
    fractions[COMPONENTS.index("helium")] = share
    with pytest.raises(ValueError, match="no composition"):
        gerg_gas(Composition(tuple(fractions)))


def test_nothing_is_remembered() -> None:
    """A Z has the same bits whatever was asked before, of the same gas or of another."""
    states = pipeline_states(seed=7, count=60)
    alone = [z_gerg(*state) for state in states]
    gases = [gerg_gas(composition) for composition, _, _ in states]
    order = list(range(len(states)))
    random.Random(7).shuffle(order)
    for i in order:
        z_of(gases[(i + 1) % len(gases)], 20_000.0, 100.0)
        assert z_of(gases[i], *states[i][1:]) == alone[i]


def test_the_same_bits_everywhere() -> None:
    """Z is the same number on every processor and every Python."""
    found = (
        z_gerg(GULF_COAST, 6_000.0, 290.0),
        z_gerg(ALL_21, 30_000.0, 400.0),
        z_gerg(RICH[0], 500.0, 300.0),
    )
    assert found == tuple(
        float.fromhex(bits)
        for bits in ("0x1.c2b477fb32fc7p-1", "0x1.fc3682a01d338p-1", "0x1.f1c392bc5a009p-1")
    )
