"""Acts on site from the command to central: real plant, agent and central, a meter replaced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from central.ledger.law import law
from central.store.database import open_store
from tests.system.rig import GATEWAY, Rig
from tests.system.test_first_law import stop_agent

BY = ("--who", "Li Wei", "--reason", "yearly check", "--yes", "--config", "gateway.toml")
NEW = "21450399"


def index_of(rig: Rig, device: str) -> str:
    """The line index that the meter shows now."""
    told = json.loads(
        rig.command("edge-agent", "read", "--config", "gateway.toml", "--device", device, "--json")
    )
    (counts,) = [value["number"] for value in told["values"] if value["name"] == "vm"]
    return f"{counts / 1000:.3f}"


def _codes(rig: Rig) -> list[str]:
    told: dict[str, Any] = rig.get(f"/api/gateways/{GATEWAY}/statements")
    return [one["code"] for one in told["statements"]]


@pytest.mark.long
def test_acts_are_at_central_and_the_law_holds(tmp_path: Path) -> None:
    """A comparison, a date, another meter in R3: shown, each segment's law, a rebuild."""
    with Rig(tmp_path) as rig:
        rig.wait("the first intervals", lambda: (rig.summary() or {}).get("intervals", 0) >= 6)
        compare = ("edge-agent", "compare", "R1", "--display", f"line={index_of(rig, 'meter-1')}")
        rig.command(*compare, *BY)
        due = ("edge-agent", "meter", "verify-due", "R1", "--until", "2020-01-31")
        rig.command(*due, *BY, status=1)  # over: a finding
        index = index_of(rig, "meter-3")
        indexes = ("--old-index", f"line={index}", "--new-index", f"line={index}")
        replace = ("edge-agent", "meter", "replace", "R3", *indexes, "--new-serial", NEW)
        rig.command(*replace, "--answers", "new", *BY)
        rig.wait(
            "the new meter's intervals",
            lambda: any(
                row["segment"] == 1 for row in rig.get(f"/api/runs/{GATEWAY}/R3/continuity")["law"]
            ),
            within_s=120.0,
        )
        rig.wait("the acts at central", lambda: "meter_replaced" in _codes(rig))
        assert _codes(rig) == ["meter_replaced", "verification_due", "compared"]
        warned = rig.get("/api/warnings")["warnings"]
        assert [(one["subject"], one["code"]) for one in warned] == [("R1", "verification-over")]
        stop_agent(rig)
        rig.wait("central's ledger", rig.has_followed, within_s=120.0)
        for name in ("central", "plant"):
            rig.stop(name)
        before = _rows(rig)
        rig.command("edge-central", "rebuild", "--store", "store")
        assert _rows(rig) == before


def _rows(rig: Rig) -> list[tuple[object, ...]]:
    """The law of each segment, which holds."""
    store = open_store(rig.store)
    try:
        with store.engine.connect() as conn:
            rows = law(conn)
    finally:
        store.close()
    assert all(row.holds for row in rows), [row for row in rows if not row.holds]
    of_r3 = {row.segment for row in rows if row.run == "R3"}
    assert of_r3 == {0, 1}
    return [tuple(row) for row in rows]
