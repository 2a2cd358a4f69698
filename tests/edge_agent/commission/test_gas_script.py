"""The contract's part: every method is answered to a run that the configuration takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.commission.document import document
from edge_agent.config.file import parse_config
from protocols.metering.method import METHODS
from tests.edge_agent.commission.one_run import given
from tests.edge_agent.commission.walking import answered, session_of

TYPED = {
    "device.scan": "no",
    "device.more": "no",
    "run.k": "0,98",
    "gas.composition": "methane 96.5, ethane 1.8, N2 0.9, CO2 0.8",
    "gas.hs_25_0_mj_m3": "40,66",
    "gas.relative_density_0": "0.581",
    "gas.x_co2": "0.006",
    "gas.x_n2": "0.003",
    "gas.density_20_kg_m3": "0.70",
    "gas.heating_value_mj_m3": "37.88",
    "run.fixed_pressure_kpa_abs": "105",
}


def run_of(directory: Path, **more: str):  # type: ignore[no-untyped-def]
    answers = {key: text for key, text in given(directory).items() if key[0] != "gas"}
    del answers["run", "R1", "gas"]
    answers |= {("run", "R1", name): text for name, text in more.items()}
    asked = answered(session_of(directory, answers), TYPED)
    config = parse_config(document(answers), directory / "gateway.toml")
    return config.runs[0], asked


@pytest.mark.parametrize("method", METHODS)
def test_each_method(tmp_path: Path, method: str) -> None:
    """What it needs is asked, and no more."""
    run, asked = run_of(tmp_path, method=method)
    assert run.method == method
    assert ("gas.composition" in asked) == (method in ("AGA8-DETAIL", "GERG-2008"))
    assert ("run.k" in asked) == (method == "fixed-K")
    assert run.pressure.is_fixed == (method == "T")
    if method == "fixed-K":
        assert run.k_e9 == 980_000_000


@pytest.mark.parametrize("method", ["PT", "SGERG-88", "AGA8-DETAIL"])
def test_energy_beside_volume(tmp_path: Path, method: str) -> None:
    """A composition tells its heating value, else the contract states one."""
    run, asked = run_of(tmp_path, method=method, energy_combustion="20")
    assert run.gas.combustion == "20"
    assert run.gas.superior_j_m3 > 30_000_000
    assert ("gas.heating_value_mj_m3" in asked) == (method != "AGA8-DETAIL")
