"""The agent, its configuration, the machine."""

from __future__ import annotations

from edge_agent.doctor.host import AgentState, Service
from edge_agent.doctor.site_findings import site_findings
from edge_agent.observe.machine import Backup, Health
from edge_agent.status.model import Alarm, ThreadPart
from tests.edge_agent.doctor.snapshots import host, snapshot

HEALTH = Health("45.0", 1000, 500, 40_000, 0, 0, "0.1", 1000, 10)
UNIT = Service("edge-agent.service", "failed", "exit-code", 7)


def codes(told=None, **seen):
    return [one.code for one in site_findings(told, host(**seen))]


def test_no_agent_comes_first() -> None:
    """With what systemd knows of it, where there is one."""
    assert codes(agent=AgentState.NONE) == ["no_agent"]
    assert codes(agent=AgentState.NONE, service=UNIT) == ["service_down"]
    assert codes(agent=AgentState.DEAF, agent_error="why") == ["agent_deaf"]
    assert codes(agent=AgentState.REFUSES, agent_error="why") == ["agent_refuses"]
    assert codes(service=UNIT) == ["agent_restarts"]


def test_a_configuration_with_faults() -> None:
    """Each by its field; the agent runs an older one meanwhile."""
    faults = (
        "bus[b].baud: 9601 is no usual rate; use one of 9600",
        "site.zone: is missing; add it",
    )
    found = [*site_findings(snapshot(), host(config_faults=faults))]
    assert [one.code for one in found] == ["config_fault", "config_fault", "config_older_runs"]
    assert found[0].where == "bus[b].baud"
    assert found[0].facts["said"] == "9601 is no usual rate"
    assert found[0].facts["do"] == "use one of 9600"


def test_another_configuration_runs() -> None:
    """The file was changed after the start, or could not be read then."""
    assert codes(snapshot(config_hash="aa"), config_hash="bb") == ["config_other_runs"]
    assert codes(snapshot(config_hash="aa"), config_hash="aa") == []
    unreadable = snapshot(alarms=(Alarm("configuration_unreadable", "", None, ""),))
    assert codes(unreadable) == ["config_last_good"]


def test_a_socket_that_could_not_be_given_away() -> None:
    """Its group is not the configured one: a technician of that group may not ask."""
    assert codes(sockets=(("/run/read.sock", "root", "gas"),)) == ["socket_group"]
    assert codes(sockets=(("/run/read.sock", "gas", "gas"),)) == []


def test_threads() -> None:
    """One that died, one whose loop stands."""
    parts = (ThreadPart("uplink", False, None), ThreadPart("recorder", True, 90_000))
    assert codes(snapshot(threads=parts)) == ["thread_dead", "thread_stands"]


def test_the_machine() -> None:
    """Supply, heat, memory, battery; what it does not tell is no finding."""
    assert codes(health=HEALTH) == []
    assert codes(health=HEALTH._replace(undervoltage=1)) == ["undervoltage"]
    assert codes(health=HEALTH._replace(undervoltage_since_boot=1)) == ["undervoltage_before"]
    assert codes(health=HEALTH._replace(cpu_temperature_c="81.2")) == ["hot"]
    assert codes(health=HEALTH._replace(memory_available_megabytes=12)) == ["memory_low"]
    assert codes(health=Health(*[None] * 9)) == []
    ups = Backup("ups", "UPS", 0, "Discharging", 55, 12_000)
    assert codes(backups=(ups,)) == ["on_battery"]
    assert codes(backups=(ups._replace(status="Full"),)) == []
