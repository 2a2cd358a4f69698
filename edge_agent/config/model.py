"""The agent's configuration: one TOML file, read once into one frozen object.

`config_file.py` reads it; here is what it becomes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from edge_agent.config.connection_windows import ALWAYS, ConnectionWindows
from protocols.evidence import cbor
from protocols.metering.regulator_config import RegulatorConfig
from protocols.metering.run_config import RunConfig

if TYPE_CHECKING:
    from protocols.registers.profile import Profile


@dataclass(frozen=True, slots=True)
class BusConfig:
    """One serial line or one TCP peer; the fields of the other kind are empty."""

    name: str
    kind: Literal["rtu", "tcp", "rtu-over-tcp", "ascii"]
    port: str = ""  # serial path, or a pattern that fits one
    baud: int = 9600
    parity: str = "N"
    stop_bits: int = 1
    data_bits: int = 8
    host: str = ""
    tcp_port: int = 502
    timeout_s: float = 0.5  # until the first byte of an answer
    gap_s: float = 0.05  # the longest within an answer
    quiet_s: float | None = None  # after a lost answer, on a line; None: as the timeout
    pause_s: float = 0.0  # between requests at least; 3.5 characters always
    turnaround_ms: float = 25.0  # assumed of the instruments, for the bus-time budget
    idle_close_s: float = 60.0  # a TCP connection that nobody uses is closed
    line_baud: int = 0  # of the line behind a serial server, where it is known

    @property
    def is_serial(self) -> bool:
        """Whether it is a port of this machine; else a TCP peer."""
        return self.kind in ("rtu", "ascii")


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
    slow_points: tuple[str, ...] = ()  # read each slow_ms only, beside the others
    slow_ms: int = 0
    clock_zone: str = ""  # of its own clock; empty: as its profile says, or the site's
    clock_ms: int = 3_600_000  # how often its clock is read; 0: never
    clock_limit_ms: int = 60_000  # a drift beyond it is told
    archives: tuple[str, ...] = ()  # read where a meter's scans have a gap
    write_limits: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # the site's own

    @property
    def polled(self) -> tuple[str, ...]:
        """Every point that is read, at its own rate."""
        return (*self.points, *self.slow_points)

    def to_body(self) -> cbor.Body:
        """What the log says of it, in the gateway's CONFIGURATION leaf."""
        where = (self.name, self.serial, self.profile.id, self.bus)
        return (*where, self.poll_ms, self.slow_points, self.slow_ms)


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """Where the gateway stands."""

    name: str
    zone: str
    gas_day_start_hour: int
    atmosphere_dpa: int
    customer: str = ""  # whose number it is with the gas company; told at the commissioning


@dataclass(frozen=True, slots=True)
class CentralConfig:
    """Where batches go, by what central is known: its CA, its keys (vkeys); how the link is used.

    `order_key`: for its orders; without one they are ignored. `parcel_key`: what is carried by hand
    is encrypted to it. `windows`: when the link may be used, but for urgent events.
    """

    url: str
    ca: Path
    receipt_key: str
    batch_s: float
    deadline_s: float
    drain_s: float  # how long a stop waits for what has no receipt yet
    order_key: str = ""
    parcel_key: str = ""
    proxy: str = ""  # http://host:port; the environment's is never used
    bytes_per_s: int = 250_000  # both ways, on average
    windows: ConnectionWindows = ALWAYS
    urgent_connects: bool = True
    client_certificate: Path | None = None  # key and certificate, for a terminator that asks


@dataclass(frozen=True, slots=True)
class JournalConfig:
    """How often a tick is committed, how many scans may wait, what stays after a receipt, and how
    much of the disk all of it may take. `max_megabytes` 0: four fifths of what is free.
    """

    commit_s: float
    queue_scans: int
    autocheckpoint_pages: int
    retention_days: int
    retention_megabytes: int
    page_size: int
    max_megabytes: int
    reserve_megabytes: int


@dataclass(frozen=True, slots=True)
class ControlConfig:
    """Where the sockets for technicians are, whose they are, and whether anything is written."""

    directory: Path
    read_group: str = ""
    act_group: str = ""
    writes: bool = False

    @property
    def read_socket(self) -> Path:
        """Reading only."""
        return self.directory / "read.sock"

    @property
    def act_socket(self) -> Path:
        """What changes something in a device."""
        return self.directory / "act.sock"


class ObserveConfig(NamedTuple):
    """What the agent shows of itself. `metrics_host` "": no metrics; `health_ms` 0: never told."""

    metrics_host: str = ""
    metrics_port: int = 0
    health_ms: int = 3_600_000


AS_DEFAULT = ObserveConfig()


class RemoteConfig(NamedTuple):
    """Whose offers are believed (a vkey, or nobody's), whether those that touch what is legally
    relevant wait for consent on site, and how long a new configuration has to show that it works.
    """

    operator_key: str = ""
    consent: bool = True
    trial_s: float = 300.0


class Change(NamedTuple):
    """Who last changed the file, and why: it goes into the log with each change."""

    by: str = ""
    reason: str = ""


NOBODY = Change()
NOT_REMOTE = RemoteConfig()


class CompositionRule(NamedTuple):
    """A gas's composition: the sum of its parts as the file gave them (1e-9), the rule applied."""

    gas: str
    sum_e9: int
    rule: str


class MeterChange(NamedTuple):
    """What the technician wrote down when he replaced the meter; indexes in counts."""

    run: str
    old_serial: str
    old_end_counts: int
    new_start_counts: int
    at: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """All of it."""

    gateway: str
    state_dir: Path
    site: SiteConfig
    central: CentralConfig
    journal: JournalConfig
    buses: tuple[BusConfig, ...]
    devices: tuple[DeviceConfig, ...]
    runs: tuple[RunConfig, ...]
    regulators: tuple[RegulatorConfig, ...]
    change: Change = NOBODY
    meter_changes: tuple[MeterChange, ...] = ()
    compositions: tuple[CompositionRule, ...] = ()
    warnings: tuple[str, ...] = ()
    control: ControlConfig | None = None  # None: no sockets
    remote: RemoteConfig = NOT_REMOTE
    gas_hashes: tuple[tuple[str, bytes], ...] = ()  # of all that the file says of each gas
    software: str = ""  # hash of the metrological modules, see software.py
    observe: ObserveConfig = AS_DEFAULT

    def devices_of(self, bus: str) -> tuple[DeviceConfig, ...]:
        return tuple(device for device in self.devices if device.bus == bus)

    def gas_hash(self, name: str) -> bytes:
        """Of all that the file says of the gas; b"" where it knows none of that name."""
        return dict(self.gas_hashes).get(name, b"")

    def to_body(self) -> cbor.Body:
        """Of the gateway's own CONFIGURATION leaf: site, software, devices, gases, regulators.

        And whose offers are believed, where anybody's are: that is legally relevant too.
        """
        remote = (("remote", self.remote.operator_key, int(self.remote.consent)),)
        return (
            "gateway",
            self.site.name,
            self.site.zone,
            self.site.gas_day_start_hour,
            self.site.atmosphere_dpa,
            self.software,
            tuple(device.to_body() for device in self.devices),
            tuple(tuple(rule) for rule in self.compositions),
            tuple(regulator.to_body() for regulator in self.regulators),
            *(remote if self.remote.operator_key else ()),
        )

    def hash(self) -> bytes:
        """SHA-256 over the deterministic CBOR of the body: 32 bytes."""
        return hashlib.sha256(cbor.encode(self.to_body())).digest()
