"""Snapshots of a site that is well, to change; and hosts that found nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from edge_agent.doctor.host import AgentState, ClockFacts, Disk, Host
from edge_agent.status import collect
from edge_agent.status.model import (
    Bus,
    Device,
    JournalPart,
    Run,
    Snapshot,
    UplinkPart,
    Value,
)
from protocols.metering.instant import ClockState
from tests.edge_agent.gateway import GATEWAY

UTC_S = 1_780_000_000
COUNTS = {"requests": 100, "good": 100}
BUS = Bus("line-1", "rtu", "/dev/ttyUSB0", 9600, "good", "", 100, 0, 0, 0, counts=COUNTS)
METER = Device(
    "meter-1", "M1", "line-1", 1, "sick-flowsic500", 2000, "GOOD", 500, "", counts=COUNTS
)
SENSOR = Device("p-1", "P1", "line-1", 2, "keller-33x", 2000, "GOOD", 500, "", counts=COUNTS)
JOURNAL = JournalPart(
    path="/state/journal.db", bytes=10**6, free_bytes=10**9, limit_bytes=10**8, days_left=None,
    unsent={"billing": 1, "telemetry": 3}, sizes={"billing": 9, "telemetry": 99}, epoch=0,
    waiting_scans=0, queue_scans=1000, dropped=0, failing="", last_commit_age_ms=500,
)  # fmt: skip
UPLINK = UplinkPart("https://central", "good", "", 60_000, 60_000, 1000, 1000, 0)
RUN = Run(
    "R1", "M1", "good", "", 1000, 1000, "1.000", "1.000", 100.0, 400.0, 400.0, 15.0, 0.99, 3.9,
    (), 0, None,
)  # fmt: skip
SNAPSHOT = Snapshot(
    gateway=GATEWAY, version="test", boot_no=1, utc_ms=1000 * UTC_S, clock_state="synchronised",
    up_s=3600, config_hash="", site="Boiler house 3", zone="Asia/Shanghai", buses=(BUS,),
    devices=(METER, SENSOR), runs=(RUN,), regulators=(), journal=JOURNAL, uplink=UPLINK,
    alarms=(), threads=(),
)  # fmt: skip
HOST = Host(
    AgentState.RUNS,
    disk=Disk("/state", 10**9, 10**10, 10**5, 10**6),
    clock=ClockFacts(UTC_S, ClockState.SYNCHRONISED, UTC_S - 60, has_rtc=True),
)


def snapshot(**changed: object) -> Snapshot:
    return replace(SNAPSHOT, **changed)


def host(**changed: object) -> Host:
    return replace(HOST, **changed)


def value(name: str, number: float, unit: str) -> Value:
    return Value(name, f"{number} {unit}".strip(), number, unit)


def of_recorder(recorder: object, config: object, journal: Path) -> Snapshot:
    """What the agent would tell of this recorder: its journal, and the alarms that are on."""
    parts = SimpleNamespace(recorder=recorder, config=config, journal=journal, buses=())
    memory = recorder.memory
    return snapshot(
        journal=collect._journal(parts, memory, recorder._clock.now().mono_ms),
        alarms=collect.alarms_on(memory),
    )
