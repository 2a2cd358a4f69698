"""Snapshots of imagined sites, to look at on a screen."""

from __future__ import annotations

from dataclasses import replace

from edge_agent.status.model import (
    Alarm,
    Bus,
    Device,
    JournalPart,
    Regulator,
    Run,
    Snapshot,
    ThreadPart,
    UplinkPart,
    Value,
)

UTC_MS = 1_780_000_000_000
COUNTS = {"requests": 100, "good": 97, "no_answer": 3, "crc": 0}


def bus(name: str = "line-1", **changed: object) -> Bus:
    made = Bus(name, "rtu", f"/dev/serial/by-path/{name}", 9600, "good", "", 12, 0, 0, 0)
    return replace(made, **changed)  # type: ignore[arg-type]


def device(number: int, **changed: object) -> Device:
    made = Device(
        f"meter-{number}", f"M{number}", "line-1", number, "sick-flowsic500", 10_000, "GOOD", 400,
        "", COUNTS, values=(Value("vm", "123.456 m3", 123456, "m3"),),
    )  # fmt: skip
    return replace(made, **changed)  # type: ignore[arg-type]


def run(number: int, **changed: object) -> Run:
    made = Run(
        f"R{number}", f"M{number}", "good", "", 123_456_000 + number, 987_654_321_000,
        f"{123456 + number}.000", "987654.321", 123.456, 812.5, 701.325, 15.25, 0.98765, 6.581,
        (), 0, UTC_MS + 60_000,
    )  # fmt: skip
    return replace(made, **changed)  # type: ignore[arg-type]


def journal(**changed: object) -> JournalPart:
    made = JournalPart(
        "/var/lib/edge-agent/journal.db", 48_000_000, 9_000_000_000, 7_000_000_000, None,
        {"billing": 0, "telemetry": 240}, {"billing": 4_000, "telemetry": 900_000}, 0, 2, 1000, 0,
        "", 400,
    )  # fmt: skip
    return replace(made, **changed)  # type: ignore[arg-type]


def uplink(**changed: object) -> UplinkPart:
    made = UplinkPart(
        "https://central.example:8443", "good", "", 42_000, 42_500, 120_000, 9_000, 3, 250
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def alarm(code: str = "pressure_substituted", subject: str = "R1", **changed: object) -> Alarm:
    made = Alarm(code, subject, UTC_MS - 3_600_000, "P1 is silent")
    return replace(made, **changed)  # type: ignore[arg-type]


def site(runs: int = 8, **changed: object) -> Snapshot:
    """A site on which all is well."""
    made = Snapshot(
        "gw-1", "0.1.0", 3, UTC_MS, "synchronised", 90_061, "ab" * 32, "Boiler house 3",
        "Asia/Shanghai", (bus(),), tuple(device(n) for n in range(1, runs + 1)),
        tuple(run(n) for n in range(1, runs + 1)), (Regulator("PR1", 401.5, 401.325, "good"),),
        journal(), uplink(), (), (ThreadPart("recorder", True, 120),),
    )  # fmt: skip
    return replace(made, **changed)  # type: ignore[arg-type]
