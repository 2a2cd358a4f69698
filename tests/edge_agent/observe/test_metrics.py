"""The metrics' text, read by Prometheus's own parser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from edge_agent.observe.machine import Health
from edge_agent.observe.metrics import MAX_ALARMS, exposition
from edge_agent.status.model import Snapshot
from tests.edge_agent.status.snapshots import alarm, bus, device, journal, run, site, uplink

GOLDEN = Path(__file__).parents[2] / "golden" / "metric_names.txt"
NOTHING = Health(*[None] * 9)
ALL = Health("48.3", 1000, 512, 51_234, 0, 1, "0.42", 86_400, 12)


def text(snapshot: Snapshot, health: Health = ALL) -> str:
    return exposition(lambda: snapshot, lambda: health).decode()


def samples(told: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(told)
        for one in family.samples
    }


def names(told: str) -> list[str]:
    """Name, kind and labels of each."""
    found = set()
    for family in text_string_to_metric_families(told):
        for one in family.samples:
            found.add(f"{one.name} {family.type} {','.join(sorted(one.labels))}".rstrip())
    return sorted(found)


def full() -> Snapshot:
    return site(
        buses=(bus("line-1"), bus("lan", state="gone")),
        devices=(device(1, clock_offset_ms=-1500), device(2, quality="BAD_TIMEOUT")),
        alarms=(alarm(),),
        journal=journal(days_left=12.5),
    )


def test_the_names_are_frozen() -> None:
    """Dashboards and alerts are built on them: a change is a decision, made in the golden list."""
    assert names(text(full())) == GOLDEN.read_text(encoding="utf-8").splitlines()


def test_the_figures_are_those_of_the_snapshot() -> None:
    """In base units, with the configuration's names."""
    found = samples(text(full()))

    def value(name: str, **labels: str) -> float:
        return found["gas_edge_" + name, tuple(sorted(labels.items()))]

    assert value("up_seconds") == 90_061
    assert value("clock_synchronised") == 1
    assert value("bus_good", bus="lan") == 0
    assert value("device_good", device="meter-2", bus="line-1") == 0
    assert value("device_clock_offset_seconds", device="meter-1", bus="line-1") == -1.5
    of = {"device": "meter-1", "bus": "line-1"}
    assert value("device_requests_total", outcome="no_answer", **of) == 3
    assert value("run_line_pressure_pascals", run="R1") == 701_325
    assert value("journal_unsent_leaves", log="telemetry") == 240
    assert value("uplink_receipt_age_seconds") == 42
    assert value("uplink_bytes_total", direction="out") == 120_000
    assert value("alarm_on", code="pressure_substituted", subject="R1") == 1
    assert value("supply_undervoltage_since_boot") == 1
    assert value("agent_memory_bytes") == 51_234 * 1024


def test_what_is_not_known_has_no_series() -> None:
    """Not a zero that somebody would take for a figure."""
    receipt = uplink(last_receipt_age_ms=None)
    dark = site(devices=(device(1, good_age_ms=None),), uplink=receipt)
    found = {name for name, _ in samples(text(dark, NOTHING))}
    assert "gas_edge_device_good_age_seconds" not in found
    assert "gas_edge_uplink_receipt_age_seconds" not in found
    assert "gas_edge_cpu_temperature_celsius" not in found
    assert "gas_edge_up_seconds" in found


def test_a_large_site_stays_small() -> None:
    """256 devices with 64 points each and 32 runs: thousands of series, not a series a value, and
    alarms are bounded."""
    large = replace(
        full(),
        devices=tuple(device(n, values=device(n).values * 64) for n in range(256)),
        runs=tuple(run(n) for n in range(32)),
        alarms=tuple(alarm(subject=f"R{n}") for n in range(500)),
    )
    told = text(large)
    assert len(samples(told)) < 256 * 9 + 32 * 8 + MAX_ALARMS + 100
    assert len(told) < 400_000
    assert samples(told)["gas_edge_alarms", ()] == 500
