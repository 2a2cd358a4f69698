"""The snapshot as JSON: there and back, and what is no snapshot."""

from __future__ import annotations

import gc
import json
import sys
from typing import Any

import pytest

from edge_agent.status.model import MAX_ITEMS, SnapshotError, snapshot_of
from tests.edge_agent.status.snapshots import site


def body() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(site(8).to_json()))
    return found


def test_what_goes_over_the_socket_comes_back_the_same() -> None:
    """All of it, through JSON text."""
    assert snapshot_of(body()) == site(8)


def test_answers_leave_no_tuples_in_reserve() -> None:
    """What CPython keeps of dead ones takes 0.8 MB after a hundred (`edge_agent/heap.py`)."""
    asked = site(8)
    asked.to_json()
    gc.collect()
    gc.disable()  # a full collection would let them go
    try:
        before = sys.getallocatedblocks()
        for _ in range(100):
            asked.to_json()
        kept = sys.getallocatedblocks() - before
    finally:
        gc.enable()
    assert kept < 500


KEYS = {
    "schema", "gateway", "version", "boot_no", "utc_ms", "clock_state", "up_s", "config_hash",
    "site", "zone", "buses", "devices", "runs", "regulators", "journal", "uplink", "alarms",
    "threads",
}  # fmt: skip


def test_its_keys_are_stable() -> None:
    """Others read them: a new one is added here, none goes."""
    found = body()
    assert found.keys() >= KEYS
    assert found["schema"] == 1
    assert found["buses"][0].keys() >= {
        "name", "type", "port", "baud", "state", "detail", "turn_age_ms", "unasked_bytes",
        "missed", "dropped", "other_master", "lent_to", "lent_until_ms", "counts",
    }  # fmt: skip
    assert found["devices"][0].keys() >= {
        "name", "serial", "bus", "unit", "profile", "poll_ms", "quality", "good_age_ms", "detail",
        "counts", "last_failure", "refused", "clock_offset_ms", "values",
    }  # fmt: skip
    assert found["runs"][0].keys() >= {
        "id", "meter", "quality", "quality_cause", "line_index", "base_index", "line_text",
        "base_text", "line_flow_m3_h", "base_flow_m3_h", "pressure_kpa", "temperature_c", "z", "c",
        "substituted", "segment", "interval_end_ms",
    }  # fmt: skip
    assert found["journal"].keys() >= {
        "path", "bytes", "free_bytes", "days_left", "unsent", "sizes", "epoch", "waiting_scans",
        "queue_scans", "dropped", "failing", "last_commit_age_ms",
    }  # fmt: skip
    assert found["uplink"].keys() >= {
        "url", "state", "failure", "last_receipt_age_ms", "last_try_age_ms", "bytes_out",
        "bytes_in", "order_number",
    }  # fmt: skip


def test_a_key_of_a_later_version_is_passed_over() -> None:
    """The command may be older than the agent."""
    found = body()
    found["weather"] = found["devices"][0]["mood"] = "fine"
    assert snapshot_of(found) == site(8)


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("schema",), 2, "schema is not 1"),
        (("gateway",), 7, "gateway is no text"),
        (("utc_ms",), True, "utc_ms is no whole number"),
        (("up_s",), 1 << 64, "up_s is no whole number"),
        (("buses",), {}, "buses is no list"),
        (("alarms",), [{}] * (MAX_ITEMS + 1), "alarms is no list of at most"),
        (("devices", 0, "counts", "crc"), "many", r"devices\[0\].counts.crc is no whole"),
        (("devices", 0, "values", 0, "number"), "1.5", r"values\[0\].number is no whole number"),
        (("runs", 0, "pressure_kpa"), float("nan"), r"runs\[0\].pressure_kpa"),
        (("runs", 0, "segment"), 1.0, r"runs\[0\].segment is no whole number"),
        (("journal",), None, "journal is no object"),
        (("threads", 0, "alive"), 1, "is neither true nor false"),
        (("site",), "x" * 2001, "site is no text of at most"),
    ],
)
def test_what_is_none_is_told_by_its_field(place: tuple[Any, ...], value: Any, told: str) -> None:
    """With the remedy."""
    found: Any = body()
    part = found
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    with pytest.raises(SnapshotError, match=told):
        snapshot_of(found)


@pytest.mark.parametrize("missing", ["gateway", "journal", "uplink"])
def test_a_missing_key_is_told(missing: str) -> None:
    """An agent of an earlier version: what it does not tell is not guessed."""
    found = body()
    del found[missing]
    with pytest.raises(SnapshotError, match=f"{missing} is missing; .*restart the agent"):
        snapshot_of(found)


def test_a_key_that_came_later_has_its_default() -> None:
    """The agent may be older than the command."""
    found = body()
    del found["uplink"]["receipt_ages_ms"]
    assert snapshot_of(found) == site(8)


def test_no_object_is_no_snapshot() -> None:
    """Whatever came over the socket."""
    for told in (None, [], "x", {"ok": False, "error": "busy"}):
        with pytest.raises(SnapshotError, match="schema"):
            snapshot_of(told)
