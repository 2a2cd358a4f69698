"""What the devices of a bus ask of it: proven when the configuration is read. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from edge_agent.config.model import BusConfig, DeviceConfig
from protocols.modbus.apart import as_asked
from protocols.modbus.budget import Line, Load, line_faults
from protocols.modbus.plan import plan


def bits_per_char(bus: BusConfig) -> int:
    """Start bit, data bits, parity if any, stop bits."""
    return 1 + bus.data_bits + (bus.parity != "N") + bus.stop_bits


def has_line(bus: BusConfig) -> bool:
    """Whether there is a serial line of known rate, here or behind a serial server."""
    return bus.is_serial or bus.line_baud > 0


def line_of(bus: BusConfig) -> Line:
    """The serial line of a bus that has one."""
    baud = bus.baud if bus.is_serial else bus.line_baud
    return Line(
        baud, bits_per_char(bus), bus.turnaround_ms, 1000 * bus.pause_s, bus.kind == "ascii"
    )


def loads_of(device: DeviceConfig, bus: BusConfig) -> tuple[Load, ...]:
    """What a device asks; its slow points are an entry of their own, at their own pace."""
    profile = device.profile
    blocks = plan(profile.points_of(device.points), profile)
    asked = as_asked(blocks, profile, parted=bus.kind != "tcp")
    loads = [Load(device.name, asked, device.poll_ms)]
    if device.slow_points:
        read = set(profile.points_of(device.points))
        rest = [point for point in profile.points_of(device.slow_points) if point not in read]
        loads.append(Load(f"{device.name} (slow)", plan(rest, profile), device.slow_ms))
    return tuple(loads)


def schedule_faults(bus: BusConfig, devices: Sequence[DeviceConfig]) -> list[str]:
    """Refuse polls that cannot fit the line's baud rate, with the figures; empty where they fit.

    Only serial lines of known rate have such a limit. Devices of other buses are left aside.
    """
    if not has_line(bus):
        return []
    loads = [load for device in devices if device.bus == bus.name for load in loads_of(device, bus)]
    return [f"bus {bus.name}: {fault}" for fault in line_faults(loads, line_of(bus))]
