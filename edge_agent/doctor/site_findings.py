"""The agent itself, its configuration, and the machine under it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from edge_agent.doctor.finding import Area, Finding, red, yellow
from edge_agent.doctor.host import AgentState, Host, Service
from edge_agent.status.model import Snapshot

HOT_C: Final = 75.0
"""A Raspberry Pi slows down at 80 degC."""
LOW_MEMORY_MEGABYTES: Final = 40
STANDS_MS: Final = 60_000
MOST_FAULTS: Final = 8
MANY_RESTARTS: Final = 5
UNREADABLE: Final = "configuration_unreadable"


def site_findings(snapshot: Snapshot | None, host: Host) -> Iterator[Finding]:
    """First of all whether an agent runs: without one all others are half the truth."""
    yield from _agent(host)
    yield from _configuration(snapshot, host)
    if snapshot is not None:
        for thread in snapshot.threads:
            if not thread.alive:
                yield red("thread_dead", Area.SITE, thread.name)
            elif thread.turn_age_ms is not None and thread.turn_age_ms > STANDS_MS:
                seconds = thread.turn_age_ms // 1000
                yield red("thread_stands", Area.SITE, thread.name, seconds=seconds)
    for path, group, wanted in host.sockets:
        if group != wanted:
            yield yellow("socket_group", Area.SITE, path, group=group, wanted=wanted)
    yield from _machine(host)


def _agent(host: Host) -> Iterator[Finding]:
    service = host.service
    match host.agent:
        case AgentState.NONE:
            code = "no_agent" if service is None else "service_down"
            yield red(code, Area.SITE, "", **_service_facts(service))
        case AgentState.DEAF:
            yield red("agent_deaf", Area.SITE, said=host.agent_error)
        case AgentState.REFUSES:
            yield yellow("agent_refuses", Area.SITE, said=host.agent_error)
        case AgentState.RUNS:
            if service is not None and service.restarts >= MANY_RESTARTS:
                yield yellow("agent_restarts", Area.SITE, "", **_service_facts(service))


def _service_facts(service: Service | None) -> dict[str, object]:
    if service is None:
        return {"unit": "edge-agent", "state": "-", "result": "-", "restarts": 0}
    return {
        "unit": service.unit,
        "state": service.state,
        "result": service.result or "-",
        "restarts": service.restarts,
    }


def _configuration(snapshot: Snapshot | None, host: Host) -> Iterator[Finding]:
    path = host.config_path
    for fault in host.config_faults[:MOST_FAULTS]:
        field, _, rest = fault.partition(": ")
        problem, _, remedy = rest.rpartition("; ")
        told = {"field": field, "said": problem or rest, "do": remedy or "mend it", "path": path}
        yield red("config_fault", Area.CONFIGURATION, field, **told)
    if snapshot is None:
        return
    if any(alarm.code == UNREADABLE for alarm in snapshot.alarms) and not host.config_faults:
        yield red("config_last_good", Area.CONFIGURATION, path=path)
    elif host.config_faults:
        yield yellow("config_older_runs", Area.CONFIGURATION, path=path)
    elif host.config_hash and host.config_hash != snapshot.config_hash:
        yield yellow("config_other_runs", Area.CONFIGURATION, path=path)


def _machine(host: Host) -> Iterator[Finding]:
    health = host.health
    if health is not None:
        if health.undervoltage:
            yield red("undervoltage", Area.SITE)
        elif health.undervoltage_since_boot:
            yield yellow("undervoltage_before", Area.SITE)
        temperature = health.cpu_temperature_c
        if temperature is not None and float(temperature) >= HOT_C:
            yield yellow("hot", Area.SITE, temperature=temperature)
        memory = health.memory_available_megabytes
        if memory is not None and memory < LOW_MEMORY_MEGABYTES:
            yield yellow("memory_low", Area.SITE, megabytes=memory)
    for backup in host.backups:
        if backup.kind in ("Battery", "UPS") and backup.status == "Discharging":
            percent = "-" if backup.percent is None else backup.percent
            yield yellow("on_battery", Area.SITE, name=backup.name, percent=percent)
