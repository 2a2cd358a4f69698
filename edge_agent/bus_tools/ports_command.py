"""`edge-agent bus ports`: what may be plugged into, under which name, and who has it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from edge_agent.bus_tools.ports import Port, Roots, find_ports
from edge_agent.bus_tools.showing import lines, say, tell, to_json
from edge_agent.console import FINDINGS, GOOD
from edge_agent.screen import BAD, WARNING, mark
from edge_agent.screen import GOOD as GREEN

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig, BusConfig


def ports_command(
    config: AgentConfig | None,
    *,
    as_json: bool,
    roots: Roots = Roots(),  # noqa: B008 - immutable
) -> int:
    """The exit status: findings where a port is missing, may not be opened, or there is none."""
    buses = config.buses if config is not None else ()
    ports = find_ports(roots, buses)
    peers = [bus for bus in buses if not bus.is_serial]
    good = all(port.may_open for port in ports) and bool(ports or peers)
    if as_json:
        tell([to_json({
            "ok": good,
            "ports": [{**port._asdict(), "stable": port.stable} for port in ports],
            "tcp": [_peer_json(bus) for bus in peers],
        })])  # fmt: skip
        return GOOD if good else FINDINGS
    told: list[str] = []
    for port in ports:
        told += _port_lines(port)
    if not ports:
        told += lines(say("ports.none"))
    for bus in peers:
        told.append(f"  {bus.name}: {bus.kind} {bus.host}:{bus.tcp_port}")
    tell(told)
    return GOOD if good else FINDINGS


def _port_lines(port: Port) -> list[str]:
    light = GREEN if port.may_open else BAD
    if port.may_open and port.users and not port.bus:
        light = WARNING
    head = f"{mark(light, sys.stdout.encoding)} {port.path}"
    parts = [port.driver, say("ports.bus", bus=port.bus) if port.bus else ""]
    parts.append(
        say("ports.used", users=", ".join(port.users)) if port.users else say("ports.free")
    )
    if not port.exists:
        parts = [say("ports.bus", bus=port.bus), say("ports.gone")]
    told = lines("  ".join([head, *filter(None, parts)]), 0, 4)
    names = dict.fromkeys((port.by_path, port.by_id, port.named))
    for name in (name for name in names if name not in ("", port.path)):
        told += lines(name, 4)
    if port.exists and not port.may_open:
        group = port.group or "dialout"
        told += lines(say("ports.rootly" if group == "root" else "ports.forbidden", group=group), 4)
    return told


def _peer_json(bus: BusConfig) -> dict[str, object]:
    return {"bus": bus.name, "type": bus.kind, "host": bus.host, "tcp_port": bus.tcp_port}
