"""Looks at the world: ports, instruments, central, keys. The only part of the wizard with I/O.

| look | finds |
|---|---|
| `zone` | the machine's time zone, or None |
| `ports` | serial ports by the names that they keep |
| `scan` (bus, settings, units) | who answers |
| `setup` (bus, settings) | baud rate and parity at which somebody answers |
| `read` (device, settings, bus, unit, profile, points, serial point) | what it shows |
| `read_start` (the same) | the same, once more: an index that is held against a display |
| `keys` (state directory) | the gateway's keys and what enrolling gave, or None |
| `new_keys` (state directory, gateway) | the public key of keys made now, or of those there |
| `enrol` (state directory, address, token's hash) | how the enrolment stands, asked once |
| `approval` (state directory) | the same, waited for |

Nothing here raises for what a site may be like: a failure is told in what is found.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from edge_agent.bus.device_reading import Reach, drive, reach, read_points
from edge_agent.bus.joining import Failed
from edge_agent.bus.link import Link
from edge_agent.commission.answers import Answers, table_of
from edge_agent.commission.document import document
from edge_agent.commission.finding import NoPort, find_instruments, find_setup, line
from edge_agent.commission.question import Look
from edge_agent.commission.seen import Enrolment, Keys, LineSetup, Port, Readings, Scanned, Shown
from edge_agent.config.devices import read_bus, read_device
from edge_agent.config.fields import Faults, Section
from edge_agent.config.model import BusConfig, DeviceConfig
from edge_agent.enrol.command import Asked, enrol, enrolled_lines, machine_serial
from edge_agent.keys.keys import KeyFileError, create_keys, load_keys
from edge_agent.uplink.enrol_link import Way
from protocols.evidence.enrol_token import Token
from protocols.evidence.errors import EvidenceError
from protocols.modbus.answer import Registers
from protocols.modbus.plan import block_of
from protocols.registers.codec import Value, assemble, decode, decode_text
from protocols.registers.profile import ProfileError

PORT_FOLDERS: Final = ("/dev/serial/by-path", "/dev/serial/by-id")
ZONE_LINK: Final = Path("/etc/localtime")
MAX_PORTS: Final = 64
_ENROLLED: Final = 0
_PINNED: Final = "Central's CA is the one that the token pins."
_APPROVED: Final = ("Approved", "Enrolled already")
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{4}(?:-[0-9a-f]{4}){7}")
_NOT_YET: Final = 1


class Sight:
    """Looks as they are asked for. `answers` is what is known at that moment; `path` is where
    gateway.toml will stand; `wait_s`: for the approval of an operator; `say` shows progress."""

    def __init__(
        self, answers: Answers, path: Path, wait_s: float, say: Callable[[str], None]
    ) -> None:
        self._answers = answers
        self._path = path
        self._wait_s = wait_s
        self._say = say
        self._looks: dict[str, Callable[..., Any]] = {
            "zone": machine_zone,
            "ports": serial_ports,
            "keys": known_keys,
            "new_keys": new_keys,
            "enrol": lambda state, *_: self._enrol(state, 0.0),
            "approval": self._approval,
            "read": self._read,
            "read_start": self._read,
            "scan": self._scan,
            "setup": self._setup,
        }

    def __call__(self, look: Look) -> Any:
        """What is seen. KeyError for a look that is none: a fault of the script."""
        return self._looks[look.what](*look.where)

    # ---- instruments --------------------------------------------------------------------------

    def _scan(self, bus: str, _settings: object, units: str) -> Scanned:
        found = self._bus(bus)
        if isinstance(found, str):
            return Scanned(failure=found)
        first, _, last = units.partition("-")
        return find_instruments(found, range(int(first), int(last or first) + 1), self._path)

    def _setup(self, bus: str, _settings: object) -> LineSetup:
        found = self._bus(bus)
        if isinstance(found, str):
            return LineSetup(failure=found)
        return find_setup(found, self._path)

    def _read(self, name: str, _settings: object, *asked: Any) -> Readings:
        points, serial = asked[-2], asked[-1]
        found = self._device(name)
        if isinstance(found, str):
            return Readings(failure=found)
        bus, device = found
        try:
            with line(bus, self._path) as link:
                read = read_now(device, points, link, serial)
        except (ProfileError, NoPort) as error:
            return Readings(failure=str(error))
        return Readings(failure=read.detail) if isinstance(read, Failed) else read

    def _bus(self, name: str) -> BusConfig | str:
        """As the configuration would have it; or what is wrong with it."""
        faults = Faults()
        for table in document(self._answers).get("bus", []):
            if table["name"] == name:
                bus = read_bus(Section(table, f"bus[{name}]", faults), self._path.parent)
                return "; ".join(str(one) for one in faults.all()[:2]) or bus
        return f"no bus {name!r}"

    def _device(self, name: str) -> tuple[BusConfig, DeviceConfig] | str:
        """The same of an instrument; what is not answered yet is nothing that a reading needs."""
        devices = document(self._answers)["device"]
        entry: dict[str, Any] = next(one for one in devices if one["name"] == name)
        bus = self._bus(entry.get("bus", ""))
        if isinstance(bus, str):
            return bus
        faults = Faults()
        entry = {"serial": "0", "poll_seconds": 86_400, **entry}
        section = Section(entry, f"device[{name}]", faults)
        device = read_device(section, [bus], frozenset(), self._path.parent)
        if faults.all() or device is None:
            return "; ".join(str(fault) for fault in faults.all()[:2])
        return bus, device

    # ---- central ------------------------------------------------------------------------------

    def _approval(self, state: str) -> Enrolment | None:
        """Nothing where there is nothing to wait for."""
        if ("central", "token") not in self._answers or _token(self._answers) is None:
            return None
        return self._enrol(state, self._wait_s)

    def _enrol(self, state: str, wait_s: float) -> Enrolment | None:
        token = _token(self._answers)
        if token is None:
            return None
        serial = machine_serial()
        if serial is None:
            return Enrolment("failed", token.gateway, ("this machine tells no serial number",))
        central = table_of(self._answers, "central")
        url = central.get("url", "").rstrip("/")
        said: list[str] = []

        def say(line: str) -> None:
            """A person who waits sees what for; the lines for gateway.toml go into it."""
            said.append(line)
            if wait_s and not any(told.startswith(_APPROVED) for told in said):
                self._say(line)

        asked = Asked(Way(url, central.get("proxy", "")), Path(state), token, serial, None, wait_s)
        status = enrol(asked, say)
        if status == _ENROLLED:
            keys = known_keys(state)
            return Enrolment("approved", token.gateway, settings=keys.settings if keys else {})
        found = _FINGERPRINT.search(" ".join(said))
        if status == _NOT_YET and found:
            return Enrolment("pending", token.gateway, fingerprint=found[0])
        lines = tuple(line for line in said if line != _PINNED)
        return Enrolment("failed", token.gateway, lines)


def read_now(
    device: DeviceConfig, points: Sequence[str], link: Link, serial: str = ""
) -> Readings | Failed:
    """Points and totals over an open link, and the serial number where a point tells it.

    Raises ProfileError for a point that is none.
    """
    to = reach(device, points, link.exchange)
    if isinstance(to, Failed):
        return to
    read = drive(read_points(to, points), link.exchange)
    if isinstance(read, Failed):
        return read
    shown = {
        name: Shown(
            _text(value),
            None if value.number is None else str(value.number),
            value.unit,
        )
        for name, value in read.values.items()
    }
    return Readings(shown, _serial(to, serial, link))


def machine_zone() -> str | None:
    """The name of the machine's time zone in the tz database; UTC is no site's zone."""
    try:
        target = os.readlink(ZONE_LINK)
    except OSError:
        return None
    _, found, name = target.partition("zoneinfo/")
    return name if found and name not in ("UTC", "Etc/UTC") else None


def serial_ports() -> tuple[Port, ...]:
    """Every port of udev's stable names: by the socket first, then by the adapter."""
    found = []
    for folder in PORT_FOLDERS:
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in names[:MAX_PORTS]:
            path = f"{folder}/{name}"
            found.append(Port(path, os.path.realpath(path)))
    return tuple(found)


def known_keys(state: str | Path) -> Keys | None:
    """Keys that are there, and the lines of gateway.toml that enrolling gave."""
    directory = Path(state)
    try:
        keys = load_keys(directory)
    except KeyFileError:
        return None
    lines = enrolled_lines(directory)
    central = tomllib.loads(lines).get("central", {}) if lines else {}
    return Keys(keys.gateway, keys.signer.vkey, {name: str(one) for name, one in central.items()})


def new_keys(state: str, gateway: str) -> str:
    """The public key for `edge-central gateway add`; empty where keys cannot be made."""
    known = known_keys(state)
    if known is not None:
        return known.vkey
    try:
        return create_keys(Path(state), gateway, os.urandom).signer.vkey
    except (KeyFileError, OSError):
        return ""


def _token(answers: Answers) -> Token | None:
    try:
        return Token.from_text(answers.get(("central", "token"), ""))
    except EvidenceError:
        return None


def _serial(to: Reach, name: str, link: Link) -> str:
    """What the device says of itself; empty where it does not. A long text is no part of a scan."""
    if not name:
        return ""
    point = to.device.profile.point(name)
    if to.how.order is not None and point.type.startswith("f"):
        point = replace(point, order=to.how.order)
    answer = link.exchange(to.request(block_of([point], to.device.profile)))
    if not isinstance(answer, Registers):
        return ""
    raw = assemble(point, answer.words[: point.words])
    if point.type.startswith("text"):
        return decode_text(point, raw).strip()
    value = decode(point, raw, {})
    return "" if value.number is None else str(value.number)


def _text(value: Value) -> str:
    if value.number is None:
        return "no value"
    number = f"{value.number:.7g}" if isinstance(value.number, float) else str(value.number)
    return f"{number} {value.unit}".strip()
