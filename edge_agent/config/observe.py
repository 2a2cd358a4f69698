"""Reads [observe]: what the agent shows of itself to the machine that it runs on."""

from __future__ import annotations

import ipaddress

from edge_agent.config.fields import Section
from edge_agent.config.model import ObserveConfig

_REMEDY = 'write an address and a port, such as "127.0.0.1:9464"'


def read_observe(section: Section) -> ObserveConfig:
    """Metrics have no login: other machines reach them only where the file says so twice."""
    text = section.text("metrics", default="")
    beyond = section.flag("metrics_beyond_loopback", default=False)
    health_s = section.integer("health_seconds", 0, 86_400, 3600)
    if health_s and health_s < 60:
        section.fault("health_seconds", "is below 60", "write 0 for never, or 60 to 86400")
    host, port = "", 0
    if text:
        address, _, number = text.rpartition(":")
        host = address.strip("[]")
        port = int(number) if number.isascii() and number.isdecimal() else -1
        try:
            is_loopback = ipaddress.ip_address(host).is_loopback
        except ValueError:
            section.fault("metrics", f"{text[:60]!r} is no address with a port", _REMEDY)
            is_loopback = True
        if not 0 <= port <= 65_535:
            section.fault("metrics", f"{text[:60]!r} has no port", _REMEDY)
        if not (is_loopback or beyond):
            section.fault(
                "metrics",
                f"{host} can be reached from other machines, and metrics have no login",
                "use 127.0.0.1, or add metrics_beyond_loopback = true",
            )
    section.done()
    return ObserveConfig(host, port, health_s * 1000)
