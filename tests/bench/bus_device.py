"""A device of 30 float32 in 60 registers, polled as fast as it answers."""

from __future__ import annotations

from edge_agent.config.model import DeviceConfig
from protocols.registers.profile import Point, Profile


def device(bus: str) -> DeviceConfig:
    points = tuple(Point(f"p{n}", 3, 2 * n, "f32") for n in range(30))
    names = tuple(point.name for point in points)
    profile = Profile("bench", "none", "bench", "meter", points, names)
    return DeviceConfig("device", bus, 1, profile, "1", names, 1, 0)
