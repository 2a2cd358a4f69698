"""ISO 6976:2016 against its Annex D, an independent implementation, and its own algebra."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.iso6976 import NAMES, Mixture, Properties, properties
from protocols.metering.iso6976_table import ATOMIC_WEIGHTS, P_0, TABLE_1, TABLE_2, TABLE_3, R
from protocols.metering.reference import (
    C0,
    C15,
    C20,
    C25,
    CHINA,
    F60,
    REFERENCES,
    SGERG,
    Reference,
    ReferenceTemperature,
    psia,
)
from protocols.metering.refusal import OutOfRange
from protocols.metering.sample_gases import SAMPLE
from tests.protocols.metering.iso6976_gases import mixture, reference
from tests.protocols.metering.vectors import rows

GAS_1 = SAMPLE["gas 1"]
ANNEX_D = [row for row in rows("iso6976_annex_d.csv") if not row["quantity"].startswith("u(")]
QUANTITIES = {
    "Hm_gross": "hs_mj_kg", "M": "m_kg_kmol", "Hc_gross": "hs_kj_mol", "Hv_gross_real": "hs_mj_m3",
    "Wobbe_net": "wi_mj_m3", "relative_density_real": "d", "density_real": "rho_kg_m3",
}  # fmt: skip
SHARED = [row for row in rows("iso6976.csv") if not row["quantity"].startswith("u(")]
DERIVED = rows("iso6976_refconditions_derived.csv")


def good(found: Properties | OutOfRange) -> Properties:
    assert isinstance(found, Properties), found
    return found


def test_all_rows_are_there() -> None:
    """Each file is read whole; rows of uncertainties are another test's."""
    assert (len(ANNEX_D), len(SHARED), len(DERIVED)) == (23, 11, 15)


@pytest.mark.parametrize("row", ANNEX_D, ids=lambda row: f"{row['example']}-{row['quantity']}")
def test_worked_examples_to_the_last_printed_digit(row: dict[str, str]) -> None:
    """Annex D, all three gases; D.3 only because 15.55 degC is taken for 60 degF exactly."""
    at = Reference(ReferenceTemperature(row["t1"]), ReferenceTemperature(row["t2"]))
    found = getattr(good(properties(mixture(row["composition"]), at)), row["quantity"])
    assert found == pytest.approx(float(row["expected"]), rel=0, abs=float(row["tol_abs"]) * 1.01)


@pytest.mark.parametrize("row", SHARED, ids=lambda row: f"{row['example']}-{row['quantity']}")
def test_rows_of_the_first_transcription(row: dict[str, str]) -> None:
    """The same examples as another hand wrote them down, within the tolerance of each row."""
    at = reference(row["t_combustion_C"], row["t_metering_C"])
    found = good(properties(mixture(row["composition"]), at))
    value = getattr(found, QUANTITIES[row["quantity"]])
    assert value == pytest.approx(float(row["expected"]), rel=0, abs=float(row["tol_abs"]))


@pytest.mark.parametrize(
    "row", DERIVED, ids=lambda row: f"{row['gas_id']}-{row['t_combustion_C']}-{row['t_metering_C']}"
)
def test_reference_conditions_of_the_world(row: dict[str, str]) -> None:
    """Hs, d, rho and Z of six gases at five references, by a port that passes Annex D."""
    at = reference(row["t_combustion_C"], row["t_metering_C"])
    found = good(properties(mixture(row["composition"]), at))
    columns = ("Hs_real_MJ_m3", "d_real", "rho_real_kg_m3", "Z")
    values = (found.hs_mj_m3, found.d, found.rho_kg_m3, found.z)
    for column, value, tolerance in zip(columns, values, row["tol"].split(" / "), strict=True):
        assert value == pytest.approx(float(row[column]), rel=0, abs=float(tolerance)), column


def test_the_tables_have_sixty_components() -> None:
    """The three tables name the same components in the same order."""
    assert len(NAMES) == 60
    assert tuple(TABLE_2) == tuple(TABLE_3) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_molar_masses_are_those_of_the_atoms(name: str) -> None:
    """A typing error in a molar mass or in a formula would show."""
    m, atoms = TABLE_1[name]
    weights = [ATOMIC_WEIGHTS[element][0] for element in "CHNOS"]
    noble = {"helium": "He", "neon": "Ne", "argon": "Ar"}
    expected = sum(count * weight for count, weight in zip(atoms, weights, strict=True))
    if name in noble:
        expected = ATOMIC_WEIGHTS[noble[name]][0]
    assert m == pytest.approx(expected, rel=0, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_columns_by_temperature_are_smooth(name: str) -> None:
    """s at 60 degF lies on the parabola of the other three, Hc on a line: a digit would show."""
    t0, t15, t60f, t20, _ = (each.kelvin for each in ReferenceTemperature)
    s, hc = TABLE_2[name][0], TABLE_3[name][0]
    weights = (
        (t60f - t15) * (t60f - t20) / ((t0 - t15) * (t0 - t20)),
        (t60f - t0) * (t60f - t20) / ((t15 - t0) * (t15 - t20)),
        (t60f - t0) * (t60f - t15) / ((t20 - t0) * (t20 - t15)),
    )
    parabola = weights[0] * s[0] + weights[1] * s[1] + weights[2] * s[3]
    assert s[2] == pytest.approx(parabola, rel=0, abs=1e-4)
    line = hc[1] + (t60f - t15) / (t20 - t15) * (hc[3] - hc[1])
    assert hc[2] == pytest.approx(line, rel=0, abs=0.01)
    slopes = ((hc[1] - hc[0]) / 15, (hc[3] - hc[1]) / 5, (hc[4] - hc[3]) / 5)
    assert max(slopes) - min(slopes) < 0.025


@pytest.mark.parametrize(
    ("pressure_kpa", "named"), [(101.325, False), (psia(14.696), True), (psia(14.73), True)]
)
def test_another_metering_pressure(pressure_kpa: float, named: bool) -> None:
    """(1), (7) and (18) with p2/p0 written out by hand."""
    at = Reference(F60, F60, pressure_kpa)
    found = good(properties(GAS_1, at))
    s = sum(x * TABLE_2[name][0][2] for name, x in zip(NAMES, GAS_1.x, strict=True))
    z = 1 - pressure_kpa / P_0 * s**2
    hs = sum(x * TABLE_3[name][0][2] for name, x in zip(NAMES, GAS_1.x, strict=True))
    assert found.z == pytest.approx(z, rel=1e-14)
    assert found.hs_mj_m3 == pytest.approx(hs * pressure_kpa / (z * R * 288.7055555556), rel=1e-12)
    assert found.z_air == pytest.approx(1 - pressure_kpa / P_0 * (1 - 0.999601), rel=1e-14)
    assert (at in REFERENCES.values()) is named


@pytest.mark.parametrize(
    ("at", "field"),
    [
        (Reference(C25, C25), "t2"),
        (Reference(C25, C0, 89.9), "p2_kpa"),
        (Reference(C25, C0, 110.1), "p2_kpa"),
        (Reference(C25, C0, math.nan), "p2_kpa"),
    ],
)
def test_conditions_that_the_standard_does_not_have(at: Reference, field: str) -> None:
    """No value is extrapolated."""
    refused = properties(GAS_1, at)
    assert isinstance(refused, OutOfRange)
    assert refused.field == field


def test_a_vapour_that_is_no_gas_there() -> None:
    """Z of 0.9 and less is beyond formula (1): pure n-hexane at 0 degC."""
    heavy = Mixture(tuple(float(name == "n_hexane") for name in NAMES))
    refused = properties(heavy, SGERG)
    assert isinstance(refused, OutOfRange)
    assert refused.field == "z"


def test_nan_is_refused() -> None:
    """A fraction that is no number makes no property."""
    assert isinstance(properties(Mixture((math.nan, *GAS_1.x[1:])), SGERG), OutOfRange)


@st.composite
def mixtures(draw: st.DrawFn) -> Mixture:
    """Methane and anything else that keeps Z above 0.9."""
    shares = dict(
        zip(
            draw(st.lists(st.sampled_from(NAMES[1:]), max_size=8, unique=True)),
            draw(st.lists(st.floats(0, 0.02), min_size=8, max_size=8)),
            strict=False,
        )
    )
    shares["methane"] = 1.0 - math.fsum(shares.values())
    return Mixture(tuple(shares.get(name, 0.0) for name in NAMES))


T1 = st.sampled_from(list(ReferenceTemperature))
T2 = st.sampled_from([C0, C15, F60, C20])


@given(gas=mixtures(), t1=T1, t2=T2, p2=st.floats(90, 110))
def test_the_formulas_agree_with_each_other(
    gas: Mixture, t1: ReferenceTemperature, t2: ReferenceTemperature, p2: float
) -> None:
    """Three bases of one heating value, density and relative density, superior above inferior."""
    found = good(properties(gas, Reference(t1, t2, p2)))
    assert found.hs_mj_kg * found.rho_kg_m3 == pytest.approx(found.hs_mj_m3, rel=1e-13)
    assert found.hs_mj_m3 * found.v_m3_mol * 1000 == pytest.approx(found.hs_kj_mol, rel=1e-13)
    assert found.hs_ideal_mj_m3 / found.z == pytest.approx(found.hs_mj_m3, rel=1e-13)
    assert found.d / found.d_ideal == pytest.approx(found.z_air / found.z, rel=1e-13)
    assert found.ws_mj_m3**2 * found.d == pytest.approx(found.hs_mj_m3**2, rel=1e-13)
    assert found.hi_mj_m3 < found.hs_mj_m3
    assert found.z < 1.0


@given(gas=mixtures())
def test_a_warmer_cubic_metre_holds_less(gas: Mixture) -> None:
    """The order of the references is the same for every gas: 25/0, 15/15, 20/20, 25/20."""
    values = [
        good(properties(gas, at)).hs_mj_m3
        for at in (SGERG, Reference(C15, C15), CHINA, Reference(C25, C20))
    ]
    assert values == sorted(values, reverse=True)
