"""Gases and conversion of gateway.toml: ten methods, by four figures or by a composition."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.metering.conversion import Factor
from protocols.metering.method import METHODS, factor_at
from protocols.metering.run_config import RunConfig, Source
from protocols.metering.run_config_faults import faults
from tests.edge_agent.rich import COMPOSITION, Table, changed, faults_of, read, rich_table

CONVERSION = ("run", 0, "conversion")
FIGURES = {
    "name": "grid", "hs_25_0_mj_m3": Decimal("40.66"), "relative_density_0": Decimal("0.581"),
    "x_co2": Decimal("0.006"), "x_h2": Decimal("0.0"), "x_n2": Decimal("0.003"),
    "density_20_kg_m3": Decimal("0.699944"),
}  # fmt: skip
BY_FIGURES = [name for name in METHODS if name not in ("AGA8-DETAIL", "GERG-2008")]
FIXED = {"fixed_kpa_abs": Decimal("501.325")}


def plain(conversion: Table, gas: Table | None = None) -> Table:
    """The rich file without a chromatograph, converting so."""
    top = changed(rich_table(), ("run", 0, "chromatograph"), ...)
    top = changed(top, CONVERSION, conversion)
    if gas is not None:
        top["gas"][0] = gas
    if conversion["method"] == "T":
        top["run"][0]["pressure"] = dict(FIXED)
        del top["run"][0]["barometer"]
    return top


def run_of(directory: Path, top: Table) -> RunConfig:
    (run,) = read(directory, top).runs
    assert faults(run) == []
    return run


def conversion_of(method: str, gas: str) -> Table:
    own: Table = {"method": method, "gas": gas}
    return own | ({"k": Decimal("0.98")} if method in ("T", "fixed-K") else {})


@pytest.mark.parametrize("method", BY_FIGURES)
def test_every_method_by_figures(tmp_path: Path, method: str) -> None:
    """Heating value, density and shares are exact in the fixed units, and convert."""
    run = run_of(tmp_path, plain(conversion_of(method, "grid"), FIGURES))
    assert (run.method, run.limits) == (method, "program")
    assert run.gas[:8] == ("grid", (), 40_660_000, 581_000_000, 6_000_000, 0, 3_000_000, 699_944)
    assert run.k_e9 == (980_000_000 if method in ("T", "fixed-K") else 0)
    assert isinstance(factor_at(run, run.gas.composition, 5_013_250, 288_150), Factor)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_by_composition(tmp_path: Path, method: str) -> None:
    """The mole fractions are whole parts of 10^9 that add up, and are all that is kept."""
    run = run_of(tmp_path, plain(conversion_of(method, "analysed")))
    assert (run.method, run.gas.name) == (method, "analysed")
    assert run.gas.composition[:5] == (965_000_000, 12_000_000, 6_000_000, 13_000_000, 4_000_000)
    assert run.gas[2:8] == (0,) * 6
    assert isinstance(factor_at(run, run.gas.composition, 5_013_250, 288_150), Factor)


def test_t_conversion_has_k_one_unless_told(tmp_path: Path) -> None:
    """Its pressure is the contract's, and no transmitter is polled for it."""
    run = run_of(tmp_path, plain({"method": "T"}))
    assert (run.k_e9, run.pressure) == (
        10**9, Source("", "", False, 5_013_250, 5_013_250, 5_013_251),
    )  # fmt: skip
    assert run.serials == {"M1", "T1"}


@pytest.mark.parametrize("method", [name for name in METHODS if name != "T"])
def test_a_fixed_pressure_is_for_t_conversion_alone(tmp_path: Path, method: str) -> None:
    """Any other method with it is refused, and T conversion with a transmitter."""
    top = plain(conversion_of(method, "analysed"))
    del top["run"][0]["barometer"]
    top["run"][0]["pressure"] = dict(FIXED)
    [fault] = faults_of(tmp_path, top)
    assert fault.startswith("run[R1]: ")
    assert "T conversion has a fixed pressure, and it alone" in fault
    other = plain(conversion_of("T", "analysed"))
    other["run"][0]["pressure"] = rich_table()["run"][0]["pressure"]
    assert "fixed pressure" in " ".join(faults_of(tmp_path, other))


def test_percent_and_rule(tmp_path: Path) -> None:
    """Mole per cent are said to be such; a sum that is not one goes by the declared rule."""
    shares = {name: share * 100 for name, share in COMPOSITION.items()}
    gas = {"name": "analysed", "composition": shares, "composition_unit": "percent"}
    top = plain({"method": "GERG-2008", "gas": "analysed"})
    top["gas"][1] = gas
    assert run_of(tmp_path, top).gas.composition[0] == 965_000_000
    shares["methane"] += Decimal("0.005")
    gas["sum_rule"] = "normalise"
    assert run_of(tmp_path, top).gas.composition[0] == 965_001_750
    gas["sum_rule"] = "refuse"
    assert any(fault.startswith("gas[analysed].composition") for fault in faults_of(tmp_path, top))
    del shares["methane"]
    gas["sum_rule"] = "methane_rest"
    assert run_of(tmp_path, top).gas.composition[0] == 965_000_000


ANALYSED, GRID = ("gas", 1), ("gas", 0)
FAULTS: list[tuple[tuple[Any, ...], Any, str]] = [
    ((*CONVERSION, "method"), "SGERG", "conversion.method: 'SGERG' is unknown; use one of T, PT"),
    ((*CONVERSION, "range"), "wide", "conversion.range: 'wide' is unknown; use one of pipeline"),
    ((*CONVERSION, "gas"), "gird", "conversion.gas: no gas 'gird'; did you mean grid?"),
    ((*CONVERSION, "gas"), ..., "conversion.gas: is missing"),
    ((*CONVERSION, "k"), 1, "conversion.k: is no known key"),
    ((*CONVERSION, "energy_combustion"), "22", "energy_combustion: '22' is unknown"),
    (("run", 0, "base", "temperature_c"), 7, "energy_combustion: ISO 6976 has no heating value"),
    ((*ANALYSED, "composition", "methane"), Decimal("0.9"), "gas[analysed].composition"),
    ((*ANALYSED, "composition", "methan"), 0, "did you mean methane"),
    ((*ANALYSED, "composition", "ethane"), "much", "composition.ethane"),
    ((*ANALYSED, "composition", "argon"), -1, "composition.argon"),
    ((*ANALYSED, "composition", "argon"), Decimal("nan"), "composition.argon"),
    ((*ANALYSED, "composition"), 7, "gas[analysed].composition: is a number"),
    ((*ANALYSED, "composition_unit"), "ppm", "composition_unit: 'ppm' is unknown"),
    ((*ANALYSED, "sum_rule"), "guess", "sum_rule: 'guess' is unknown"),
    ((*ANALYSED, "hs_25_0_mj_m3"), 40, "gas[analysed].hs_25_0_mj_m3: is no known key"),
    (
        (*ANALYSED, "heating_value"),
        {"superior_mj_m3": Decimal("39.4"), "reference": "25/20"},
        "gas[analysed].heating_value: ",
    ),
    ((*ANALYSED, "heating_value"), {"superior_mj_m3": 38, "reference": "x"}, "'x' names no refer"),
    ((*ANALYSED, "heating_value"), {"superior_mj_m3": 0, "reference": "25/0"}, "is out of range"),
    ((*GRID, "x_co2"), ..., "gas[grid].x_co2: is missing"),
    ((*GRID, "x_h2"), ..., "gas[grid].x_h2: is missing"),
    ((*GRID, "relative_density_0"), 0, "gas[grid].relative_density_0: 0 is out of range"),
    ((*GRID, "density_20_kg_m3"), 9, "gas[grid].density_20_kg_m3: 9 is out of range"),
]


@pytest.mark.parametrize(("path", "value", "told"), FAULTS, ids=[told for *_, told in FAULTS])
def test_a_fault_is_told(tmp_path: Path, path: tuple[Any, ...], value: Any, told: str) -> None:
    """By its field, with what is possible."""
    found = faults_of(tmp_path, changed(rich_table(), path, value))
    assert any(told in fault for fault in found), found
    assert all("; " in fault for fault in found)


def test_a_contracts_20_20_value_is_found_out(tmp_path: Path) -> None:
    """37.88 MJ/m3 is this gas's heating value at 20/20: as 25/0 it contradicts its nitrogen."""
    gas = FIGURES | {"hs_25_0_mj_m3": Decimal("37.88")}
    [fault] = faults_of(tmp_path, plain(conversion_of("SGERG-88", "grid"), gas))
    assert fault.startswith("gas[grid].hs_25_0_mj_m3: ")
    assert "20/20" in fault


def test_a_faulty_gas_is_told_once(tmp_path: Path) -> None:
    """A run that uses it is not reproached with that too."""
    top = changed(rich_table(), ("gas", 1, "composition", "methane"), Decimal("0.9"))
    [fault] = faults_of(tmp_path, top)
    assert fault.startswith("gas[analysed].composition")


@pytest.mark.parametrize(
    ("method", "figure", "told"),
    [
        ("SGERG-88", "hs_25_0_mj_m3", "needs hs_j_m3"),
        ("SGERG-mod-H2", "relative_density_0", "needs d_e9"),
        ("GROSS-1", "hs_25_0_mj_m3", "needs hs_j_m3"),
        ("GROSS-2", "relative_density_0", "needs d_e9"),
        ("GROSS-2", "x_n2", "GROSS-2 needs the nitrogen of gas 'grid'"),
        ("NX-19-mod", "x_n2", "NX-19-mod needs the nitrogen of gas 'grid'"),
        ("NX-19-mod", "density_20_kg_m3", "needs rho_20_mg_m3"),
        ("AGA8-DETAIL", "x_n2", "needs a composition"),
        ("GERG-2008", "x_n2", "needs a composition"),
    ],
)
def test_what_a_method_needs(tmp_path: Path, method: str, figure: str, told: str) -> None:
    """A figure that its equations use has no default."""
    gas = {key: value for key, value in FIGURES.items() if key != figure}
    found = faults_of(tmp_path, plain(conversion_of(method, "grid"), gas))
    assert any(told in fault for fault in found), found


@pytest.mark.parametrize("method", ["GROSS-1", "GROSS-2", "NX-19-mod"])
def test_hydrogen_that_a_method_would_ignore(tmp_path: Path, method: str) -> None:
    """It is refused with a remedy."""
    gas = FIGURES | {"x_h2": Decimal("0.01")}
    found = faults_of(tmp_path, plain(conversion_of(method, "grid"), gas))
    assert any(f"{method} knows no hydrogen" in fault for fault in found), found


@pytest.mark.parametrize("method", [name for name in METHODS if name not in ("T", "PT", "fixed-K")])
def test_a_method_of_z_names_its_gas(tmp_path: Path, method: str) -> None:
    """And is told so by that field alone."""
    [fault] = faults_of(tmp_path, plain({"method": method}))
    assert fault.startswith("run[R1].conversion.gas: is missing")


def test_no_nitrogen_may_be_said(tmp_path: Path) -> None:
    """Zero is a figure like another."""
    gas = FIGURES | {"x_n2": 0}
    assert run_of(tmp_path, plain(conversion_of("GROSS-2", "grid"), gas)).gas.x_n2_e9 == 0


def test_energy_by_figures_needs_the_heating_value_of_the_base(tmp_path: Path) -> None:
    """25/0 is not converted to 25/20 by a mean over gases: it must be stated, and then is used."""
    conversion = conversion_of("SGERG-88", "grid") | {"energy_combustion": "25"}
    [fault] = faults_of(tmp_path, plain(conversion, FIGURES))
    assert "states no heating value at" in fault
    stated = {"superior_mj_m3": Decimal("37.8641"), "reference": "25/20"}
    run = run_of(tmp_path, plain(conversion, FIGURES | {"heating_value": stated}))
    assert (run.gas.superior_j_m3, run.gas.combustion) == (37_864_100, "25")
    normal = changed(plain(conversion, FIGURES), ("run", 0, "base", "temperature_c"), 0)
    assert run_of(tmp_path, normal).gas.superior_j_m3 == 40_660_000


@pytest.mark.parametrize(
    ("mj_m3", "reference", "fits"),
    [("34.1", "20/20", "inferior at 20/20"), ("40.66", "20/20", "superior at 25/0"),
     ("37.88", "25/0", "superior at 20/20"), ("10.52", "20/20", "nor its value at any usual")],
)  # fmt: skip
def test_a_heating_value_must_be_of_the_gas_that_the_figures_are_of(
    tmp_path: Path, mj_m3: str, reference: str, fits: str
) -> None:
    """The inferior value, that of another reference, one in kWh: each would be billed by."""
    stated = {"superior_mj_m3": Decimal(mj_m3), "reference": reference}
    top = plain(conversion_of("SGERG-88", "grid"), FIGURES | {"heating_value": stated})
    [fault] = faults_of(tmp_path, top)
    assert fault.startswith("gas[grid].heating_value: ")
    assert fits in fault


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(st.integers(1, 10**15), min_size=5, max_size=5),
    off=st.integers(-90, 0),
    base=st.sampled_from([0, 15, 20]),
)
def test_a_good_composition_with_energy_is_always_usable(
    tmp_path: Path, parts: list[int], off: int, base: int
) -> None:
    """However its figures round: what the file makes is what the run's own check expects."""
    others = [Decimal(part) / 10**15 * Decimal("0.02") for part in parts[1:]]
    shares = [1 - sum(others) + Decimal(off) / 10**6, *others]
    composition = dict(zip(COMPOSITION, shares, strict=True))
    top = plain(conversion_of("GERG-2008", "analysed") | {"energy_combustion": "25"})
    top["gas"][1] = {"name": "analysed", "composition": composition}
    top["run"][0]["base"]["temperature_c"] = base
    assert run_of(tmp_path, top).gas.superior_j_m3 > 30_000_000
