"""The agent's configuration: one TOML file, read once into one frozen object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from protocols.registers.profile import Profile


@dataclass(frozen=True, slots=True)
class BusConfig:
    """One serial line or one TCP peer; the fields of the other kind are empty."""

    name: str
    kind: Literal["rtu", "tcp"]
    port: str = ""  # serial path
    baud: int = 9600
    parity: str = "N"
    stop_bits: int = 1
    host: str = ""
    tcp_port: int = 502
    timeout_s: float = 0.5


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """One instrument on a bus."""

    name: str
    bus: str
    unit: int
    profile: Profile
    serial: str
    points: tuple[str, ...]
    poll_ms: int
    priority: int  # lower first: transmitters 0, meters 1, so that a meter finds fresh P and T
