"""A run with everything that a file can tell: barometer, chromatograph, curve, energy, totals."""

from __future__ import annotations

import copy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from edge_agent.config.file import ConfigErrors, parse_config
from edge_agent.config.model import AgentConfig
from tests.edge_agent.gateway import config_of, table, write_ca

Table = dict[str, Any]

SHOWN = ("methane", "nitrogen", "carbon_dioxide", "ethane", "propane")
COMPOSITION = {
    "methane": Decimal("0.965"), "nitrogen": Decimal("0.012"), "carbon_dioxide": Decimal("0.006"),
    "ethane": Decimal("0.013"), "propane": Decimal("0.004"),
}  # fmt: skip


def rich_table() -> Table:
    """A good file whose only run uses every setting of a run."""
    top = table()
    top["device"] += [
        {"name": "b-1", "bus": "lan", "unit": 2, "profile": "keller-33x", "serial": "B1",
         "poll_seconds": 2},
        {"name": "gc-1", "bus": "lan", "unit": 3, "profile": "flonidan-uniflo1200",
         "serial": "GC1", "poll_seconds": 60, "points": list(SHOWN)},
    ]  # fmt: skip
    top["gas"].append({"name": "analysed", "composition": dict(COMPOSITION)})
    top["run"][0] |= {
        "conversion": {
            "method": "SGERG-88", "gas": "analysed", "range": "pipeline", "energy_combustion": "25",
        },
        "qmin_m3_h": 40,
        "error_curve": [[Decimal("50.0"), Decimal("0.3")], [1000, Decimal("-0.27")]],
        "compare_base_percent": Decimal("1.5"),
        "temporary_meter": True,
        "barometer": {
            "device": "b-1", "point": "p1_f32", "low_kpa": 85, "high_kpa": 110,
            "frozen_seconds": 86_400,
        },
        "chromatograph": {"device": "gc-1", "stale_seconds": 900},
    }  # fmt: skip
    top["run"][0]["pressure"]["frozen_seconds"] = 3600
    top["run"][0]["temperature"]["frozen_seconds"] = 7200
    return top


def changed(top: Table, path: tuple[Any, ...], value: Any) -> Table:
    """A copy in which the end of the path is something else; ... takes it away."""
    top = copy.deepcopy(top)
    *way, key = path
    at: Any = top
    for part in way:
        at = at[part]
    if value is ...:
        del at[key]
    else:
        at[key] = value
    return top


def read(directory: Path, top: Table) -> AgentConfig:
    return config_of(directory, top)


def faults_of(directory: Path, top: Table) -> list[str]:
    """Every fault of the file, as it is told."""
    write_ca(directory)
    with pytest.raises(ConfigErrors) as caught:
        parse_config(top, directory / "gateway.toml")
    return [str(fault) for fault in caught.value.faults]
