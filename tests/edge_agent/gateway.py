"""A gateway for tests: a configuration, keys, a journal, and polls as a bus would deliver them."""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

from edge_agent.bus.poller import PolledScan
from edge_agent.config.file import parse_config
from edge_agent.config.model import AgentConfig
from edge_agent.journal.journal import FILE_NAME, Journal, Retention
from edge_agent.journal.schema import migrate
from edge_agent.keys.keys import Keys
from protocols.evidence.note import KeyType, Signer
from protocols.metering.instant import ClockState, Instant
from protocols.metering.quality import Quality
from protocols.registers.codec import encode
from protocols.registers.register_map import RegisterMap
from simulators.certificates import make_certificates

GATEWAY = "gw-1"
VERSION = "test"
BOOT_ID = "11111111-aaaa"
UTC_MS = 1_780_000_002_000
KEYS = Keys(GATEWAY, Signer.from_private_bytes(GATEWAY, bytes(range(32))), b"s" * 32)
RECEIPTS = Signer.from_private_bytes("central", bytes(range(1, 33)), KeyType.COSIGNATURE)

TOML = f"""
[gateway]
id = "{GATEWAY}"
state_dir = "state"
[site]
name = "Boiler house 3"
zone = "Asia/Shanghai"
gas_day_start_hour = 8
atmospheric_pressure_kpa = 101.325
[central]
url = "https://localhost:1"
ca = "ca.pem"
receipt_key = "{RECEIPTS.vkey}"
batch_seconds = 300
[journal]
commit_seconds = 0.05
queue_scans = 50
[[bus]]
name = "line-1"
type = "rtu"
port = "line-1"
[[bus]]
name = "lan"
type = "tcp"
host = "127.0.0.1"
tcp_port = 1
timeout_s = 0.1
[[device]]
name = "meter-1"
bus = "line-1"
unit = 1
profile = "sick-flowsic500"
serial = "M1"
poll_seconds = 2
[[device]]
name = "p-1"
bus = "line-1"
unit = 2
profile = "keller-33x"
serial = "P1"
poll_seconds = 2
[[device]]
name = "t-1"
bus = "lan"
unit = 1
profile = "rosemount-3095fb"
serial = "T1"
poll_seconds = 2
[[gas]]
name = "grid"
hs_25_0_mj_m3 = 40.66
relative_density_0 = 0.581
x_co2 = 0.006
x_h2 = 0.0
[[run]]
id = "R1"
meter = "meter-1"
qmax_m3_h = 1000.0
index_digits = 9
line_resolution_m3 = "0.001"
base_resolution_m3 = "0.001"
interval_seconds = 6
stale_seconds = 20
conversion = {{ method = "SGERG-88", gas = "grid" }}
base = {{ temperature_c = 20.0, pressure_kpa = 101.325 }}
pressure = {{ device = "p-1", point = "p1_f32", gauge = true, substitute_kpa_abs = 400.0, low_kpa_abs = 90.0, high_kpa_abs = 1100.0 }}
temperature = {{ device = "t-1", point = "process_temperature", substitute_c = 15.0, low_c = -40.0, high_c = 80.0 }}
[[regulator]]
id = "PR1"
set_kpa_gauge = 300.0
outlet_pressure = {{ device = "p-1", point = "p1_f32", gauge = true }}
"""  # noqa: E501  # TOML tables in one line


def table() -> dict[str, Any]:
    """A good configuration as a table, to change."""
    return tomllib.loads(TOML, parse_float=Decimal)


def write_ca(directory: Path) -> None:
    """A certificate authority as ca.pem, unless a test has brought its own."""
    if not (directory / "ca.pem").exists():
        make_certificates(directory, datetime.datetime.now(datetime.UTC))


def config_of(directory: Path, changed: dict[str, Any] | None = None) -> AgentConfig:
    """The configuration in a directory, with a CA certificate."""
    write_ca(directory)
    return parse_config(changed or table(), directory / "gateway.toml")


def new_journal(config: AgentConfig, retention: Retention | None = None) -> Journal:
    """A migrated journal in the state directory."""
    config.state_dir.mkdir(exist_ok=True)
    path = config.state_dir / FILE_NAME
    migrate(path)
    return Journal(path, retention or Retention())


class SetClock:
    """A clock that shows what the test says."""

    def __init__(self, mono_ms: int = 0, boot_no: int = 0) -> None:
        self.mono_ms = mono_ms
        self.boot_no = boot_no
        self.offset_ms: int | None = UTC_MS
        self.state = ClockState.SYNCHRONISED

    def now(self) -> Instant:
        utc_ms = None if self.offset_ms is None else self.mono_ms + self.offset_ms
        return Instant(self.boot_no, self.mono_ms, utc_ms, self.state)


class Polls:
    """Rounds of polls two seconds apart; the meter passes `step` counts in each."""

    def __init__(self, config: AgentConfig, clock: SetClock | None = None, step: int = 10) -> None:
        self.clock = clock or SetClock()
        self.index = 1000
        self.first_index = self.index
        self._step = step
        self._devices = {device.name: device for device in config.devices}
        self._maps = {
            name: RegisterMap.of(device.profile, device.points)
            for name, device in self._devices.items()
        }

    def scan(self, name: str, quality: int = Quality.GOOD, **values: float) -> PolledScan:
        """One poll; points without a value given show 0, those of a failed poll nothing."""
        device, map_ = self._devices[name], self._maps[name]
        raws = tuple(
            encode(point, values.get(point.name, 0)) if quality == Quality.GOOD else None
            for point in map_.points
        )
        return PolledScan(device, self.clock.now(), quality, map_, raws)

    def round(self) -> list[PolledScan]:
        """Pressure 3 bar gauge, temperature 59 degF, then the meter."""
        self.clock.mono_ms += 2000
        self.index += self._step
        return [
            self.scan("p-1", p1_f32=3.0, tob1_f32=15.0),
            self.scan("t-1", static_pressure=60.0, process_temperature=59.0),
            self.scan("meter-1", vm=self.index, vb=self.index, resolution_vm=-3, resolution_vb=-3),
        ]

    def rounds(self, count: int) -> Iterator[PolledScan]:
        for _ in range(count):
            yield from self.round()


def wait_until(condition: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    """Look again and again until the condition holds or the time is over."""
    pause, end = Event(), monotonic() + timeout_s
    while not condition():
        if monotonic() > end:
            return False
        pause.wait(0.01)
    return True
