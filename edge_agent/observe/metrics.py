"""The snapshot and the machine's health as Prometheus text. Names are stable: a golden list.

No series for each value of each instrument: what a meter says belongs into the ledger. A series
has the configuration's names as labels, so their number is bounded by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import CollectorRegistry

from edge_agent.observe.machine import Health
from edge_agent.status.model import Snapshot

PREFIX: Final = "gas_edge_"
MAX_ALARMS: Final = 128
GOOD: Final = "good"
Number = float | int | None
Row = tuple[tuple[str, ...], Number]  # labels and the value; None: nothing is known, no series


class SnapshotCollector:
    """Asks for a snapshot at each scrape."""

    def __init__(self, snapshot: Callable[[], Snapshot], health: Callable[[], Health]) -> None:
        self._snapshot = snapshot
        self._health = health

    def collect(self) -> Iterable[Metric]:
        return metrics_of(self._snapshot(), self._health())


def exposition(snapshot: Callable[[], Snapshot], health: Callable[[], Health]) -> bytes:
    """The text of one scrape, by a registry of our own."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(SnapshotCollector(snapshot, health))
    return generate_latest(registry)


def metrics_of(snapshot: Snapshot, health: Health) -> Iterator[Metric]:
    """All of it."""
    about = (snapshot.gateway, snapshot.version, snapshot.config_hash)
    yield _gauge(
        "info", "1; what runs, under which configuration", ("gateway", "version", "config_hash"),
        [(about, 1)],
    )  # fmt: skip
    yield _single("up_seconds", "Since the agent's start.", snapshot.up_s)
    yield _single("boot_number", "Of the gateway, as its log counts.", snapshot.boot_no)
    synchronised = snapshot.clock_state.lower() == "synchronised"
    yield _single("clock_synchronised", "1: UTC is steered and believed.", synchronised)
    yield from _buses(snapshot)
    yield from _devices(snapshot)
    yield from _runs(snapshot)
    yield from _journal(snapshot)
    yield from _uplink(snapshot)
    yield from _threads(snapshot)
    yield from _machine(health)


def _buses(snapshot: Snapshot) -> Iterator[Metric]:
    buses, names = snapshot.buses, ("bus",)
    yield _gauge("bus_good", "1: its port is open and nobody else has it.", names,
                 [((b.name,), b.state == GOOD) for b in buses])  # fmt: skip
    yield _gauge("bus_turn_age_seconds", "Since its thread last went round.", names,
                 [((b.name,), b.turn_age_ms / 1000) for b in buses])  # fmt: skip
    yield _counter("bus_unasked_bytes", "Bytes that nobody asked for.", names,
                   [((b.name,), b.unasked_bytes) for b in buses])  # fmt: skip
    yield _counter("bus_missed_polls", "Polls that came too late to be made.", names,
                   [((b.name,), b.missed) for b in buses])  # fmt: skip
    yield _counter("bus_dropped_scans", "Scans that the full queue refused.", names,
                   [((b.name,), b.dropped) for b in buses])  # fmt: skip


def _devices(snapshot: Snapshot) -> Iterator[Metric]:
    devices, names = snapshot.devices, ("device", "bus")
    yield _gauge("device_good", "1: its last scan is good.", names,
                 [((d.name, d.bus), d.quality.lower() == GOOD) for d in devices])  # fmt: skip
    yield _gauge("device_good_age_seconds", "Since its last good scan.", names,
                 [((d.name, d.bus), _seconds(d.good_age_ms)) for d in devices])  # fmt: skip
    yield _counter(
        "device_requests", "Requests by what came of them; \"requests\" is all of them.",
        (*names, "outcome"),
        [((d.name, d.bus, outcome), n) for d in devices for outcome, n in d.counts.items()],
    )  # fmt: skip
    yield _gauge("device_refused_points", "Points that it does not know.", names,
                 [((d.name, d.bus), len(d.refused)) for d in devices])  # fmt: skip
    yield _gauge("device_clock_offset_seconds", "Of its own clock to UTC.", names,
                 [((d.name, d.bus), _seconds(d.clock_offset_ms)) for d in devices])  # fmt: skip


def _runs(snapshot: Snapshot) -> Iterator[Metric]:
    runs, names = snapshot.runs, ("run",)
    yield _gauge("run_good", "1: it meters with all its instruments.", names,
                 [((r.id,), r.quality.lower() == GOOD) for r in runs])  # fmt: skip
    yield _gauge("run_line_flow_m3_per_hour", "Line volume flow, mean of a minute or two.", names,
                 [((r.id,), r.line_flow_m3_h) for r in runs])  # fmt: skip
    yield _gauge("run_base_flow_m3_per_hour", "Base volume flow, mean of a minute or two.", names,
                 [((r.id,), r.base_flow_m3_h) for r in runs])  # fmt: skip
    yield _gauge("run_line_pressure_pascals", "Absolute.", names,
                 [((r.id,), _thousand(r.pressure_kpa)) for r in runs])  # fmt: skip
    yield _gauge("run_line_temperature_celsius", "Of the gas.", names,
                 [((r.id,), r.temperature_c) for r in runs])  # fmt: skip
    yield _gauge("run_conversion_factor", "Base volume / line volume.", names,
                 [((r.id,), r.c) for r in runs])  # fmt: skip
    yield _gauge("run_substituted_values", "Substitutes in use.", names,
                 [((r.id,), len(r.substituted)) for r in runs])  # fmt: skip
    regulators = snapshot.regulators
    yield _gauge("regulator_outlet_pascals", "Absolute.", ("regulator",),
                 [((r.id,), _thousand(r.outlet_kpa)) for r in regulators])  # fmt: skip
    alarms = sorted({(a.code, a.subject) for a in snapshot.alarms})
    yield _gauge("alarm_on", "1 for each condition that is on.", ("code", "subject"),
                 [(alarm, 1) for alarm in alarms[:MAX_ALARMS]])  # fmt: skip
    yield _single("alarms", "Conditions that are on.", len(alarms))


def _journal(snapshot: Snapshot) -> Iterator[Metric]:
    journal = snapshot.journal
    yield _single("journal_bytes", "The journal on the disk.", journal.bytes)
    yield _single("journal_free_bytes", "Free on its file system.", journal.free_bytes)
    yield _single("journal_days_left", "Until its disk is full, at today's rate.",
                  journal.days_left)  # fmt: skip
    yield _gauge("journal_unsent_leaves", "Without a receipt of central.", ("log",),
                 [((log,), count) for log, count in journal.unsent.items()])  # fmt: skip
    yield _counter("journal_leaves", "Of the epoch, by log.", ("log",),
                   [((log,), count) for log, count in journal.sizes.items()])  # fmt: skip
    yield _single("journal_epoch", "Number of the log's epoch.", journal.epoch)
    yield _single("journal_waiting_scans", "In memory.", journal.waiting_scans)
    yield _single("journal_failing", "1: it takes nothing.", bool(journal.failing))
    yield _single("journal_commit_age_seconds", "Since its last commit.",
                  _seconds(journal.last_commit_age_ms))  # fmt: skip


def _uplink(snapshot: Snapshot) -> Iterator[Metric]:
    uplink = snapshot.uplink
    yield _single("uplink_good", "1: central takes leaves.", uplink.state == GOOD)
    yield _single("uplink_receipt_age_seconds", "Since central's last receipt.",
                  _seconds(uplink.last_receipt_age_ms))  # fmt: skip
    yield _counter("uplink_bytes", "Since the start.", ("direction",),
                   [(("out",), uplink.bytes_out), (("in",), uplink.bytes_in)])  # fmt: skip
    yield _single("uplink_order_number", "Of the last order of central.", uplink.order_number)


def _threads(snapshot: Snapshot) -> Iterator[Metric]:
    yield _gauge("thread_alive", "1: it runs.", ("thread",),
                 [((one.name,), one.alive) for one in snapshot.threads])  # fmt: skip


def _machine(health: Health) -> Iterator[Metric]:
    temperature = health.cpu_temperature_c
    yield _single("cpu_temperature_celsius", "Of the machine's first sensor.",
                  None if temperature is None else float(temperature))  # fmt: skip
    yield _single("supply_undervoltage", "1: the supply is too low now.", health.undervoltage)
    yield _single("supply_undervoltage_since_boot", "1: it was.", health.undervoltage_since_boot)
    available, rss = health.memory_available_megabytes, health.agent_rss_kb
    yield _single("memory_available_bytes", "Of the machine.",
                  None if available is None else available * 1_000_000)  # fmt: skip
    yield _single("agent_memory_bytes", "Resident, of this process.",
                  None if rss is None else rss * 1024)  # fmt: skip


def _single(name: str, text: str, value: Number) -> GaugeMetricFamily:
    return _gauge(name, text, (), [((), value)])


def _gauge(name: str, text: str, labels: tuple[str, ...], rows: Iterable[Row]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(PREFIX + name, text, labels=labels)
    _fill(family, rows)
    return family


def _counter(
    name: str, text: str, labels: tuple[str, ...], rows: Iterable[Row]
) -> CounterMetricFamily:
    family = CounterMetricFamily(PREFIX + name, text, labels=labels)
    _fill(family, rows)
    return family


def _fill(family: GaugeMetricFamily | CounterMetricFamily, rows: Iterable[Row]) -> None:
    for labels, value in rows:
        if value is not None:
            family.add_metric(labels, float(value))


def _seconds(value_ms: int | None) -> float | None:
    return None if value_ms is None else value_ms / 1000


def _thousand(value: Number) -> Number:
    return None if value is None else value * 1000
