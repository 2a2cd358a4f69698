"""All that is wrong, out of what was found: values in, findings out. Pure.

| area | looks at |
|---|---|
| site, configuration | is there an agent, does it live, which file does it run, the machine |
| bus, device | port or peer, what came over the line, settings, values, runs |
| link | the way to central step by step, then what the uplink says |
| acts | dates that are over, maintenance that goes on |
| disk, clock | room, errors, files; set, steered, not behind what has passed |

Whatever answers badly and has no cause yet is named with its own words: no red light without one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from edge_agent.doctor.act_findings import act_findings
from edge_agent.doctor.bus_findings import bus_findings
from edge_agent.doctor.clock_findings import clock_findings
from edge_agent.doctor.device_findings import CONDITIONS, DRIFTS, device_findings
from edge_agent.doctor.disk_findings import disk_findings
from edge_agent.doctor.finding import Area, Finding, in_order, red, yellow
from edge_agent.doctor.host import Host
from edge_agent.doctor.link_findings import link_findings
from edge_agent.doctor.site_findings import UNREADABLE, site_findings

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig
    from edge_agent.status.model import Snapshot

BATCH_S: Final = 300.0
GOOD: Final = "GOOD"
ACCIDENT_POLLS: Final = 3  # a poll that failed at this very moment is no finding
MOMENT_MS: Final = 10_000
SPOKEN_OF: Final = (*CONDITIONS, DRIFTS, UNREADABLE, "bus_lent", "clone_suspected")
_NOT_YET: Final = ""  # no scan since the start


def diagnose(
    snapshot: Snapshot | None, config: AgentConfig | None, host: Host
) -> tuple[Finding, ...]:
    """Red ones first. `snapshot`: of the running agent, or of a look at the buses without one."""
    found = [*site_findings(snapshot, host)]
    if snapshot is not None:
        found += bus_findings(snapshot, host)
        if config is not None:
            found += device_findings(snapshot, config, host)
    batch_s = BATCH_S if config is None else config.central.batch_s
    found += link_findings(snapshot, batch_s, host)
    found += disk_findings(snapshot, host)
    found += clock_findings(snapshot, host)
    if snapshot is not None:
        found += _unexplained(snapshot, found)
        found += _alarms(snapshot)
    found += act_findings(host)
    return in_order(found)


def _alarms(snapshot: Snapshot) -> Iterator[Finding]:
    """Conditions that nothing above speaks of: of regulators, and of newer agents."""
    all_answer = all(device.quality in (GOOD, _NOT_YET) for device in snapshot.devices)
    for alarm in snapshot.alarms:
        if alarm.code in SPOKEN_OF or alarm.code.startswith("disk_"):
            continue
        if alarm.code.endswith("_missing") and not all_answer:
            continue  # its device does not answer, and that is the finding
        facts = {"alarm": alarm.code, "said": alarm.detail or "-"}
        yield yellow("alarm_on", Area.DEVICE, alarm.subject or snapshot.gateway, **facts)


def _unexplained(snapshot: Snapshot, found: Sequence[Finding]) -> Iterator[Finding]:
    buses = {one.where for one in found if one.area is Area.BUS}
    devices = {one.where for one in found if one.area is Area.DEVICE}
    for device in snapshot.devices:
        if device.quality in (GOOD, _NOT_YET) or device.bus in buses or device.name in devices:
            continue
        age_ms = device.good_age_ms
        if age_ms is not None and age_ms <= max(ACCIDENT_POLLS * device.poll_ms, MOMENT_MS):
            continue
        said = device.detail or device.last_failure or device.quality
        yield red("device_bad", Area.DEVICE, device.name, bus=device.bus, said=said)
