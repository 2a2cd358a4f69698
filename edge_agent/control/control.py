"""What a technician asks of devices, answered: scans now, writes with their record.

The same for the running agent (jobs on its buses, its recorder) and for the command line without
one (the port itself, the journal itself): `ask` runs a procedure on a device, `note` makes events
durable. A write is in the log before it is sent: whatever happens then, somebody tried.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, Protocol, TypeVar

from edge_agent.bus.device_reading import Procedure, Reach, Read, read_points
from edge_agent.bus.device_time import zone_name
from edge_agent.bus.device_write import (
    Changed,
    Refused,
    clock_refusal,
    login_refusal,
    may_write,
    set_clock,
    shown,
    write_point,
)
from edge_agent.bus.joining import Failed
from edge_agent.bus.poller import Now
from edge_agent.config.model import AgentConfig, DeviceConfig
from edge_agent.control.protocol import (
    Call,
    ClockRequest,
    ReadRequest,
    Request,
    WriteRequest,
    refusal,
)
from edge_agent.recording.device_recording import Fact, Said
from protocols.metering.instant import ClockState
from protocols.registers.codec import decode_text
from protocols.registers.profile import ProfileError
from protocols.registers.register_map import RegisterMap

ASKED: Final = "value_asked"
WRITTEN: Final = "value_written"
REFUSED: Final = "write_refused"
FAILED: Final = "write_failed"
CLOCK: Final = "clock"

Result = TypeVar("Result")
Note = Callable[[Sequence[Fact | Said]], bool]
_log = logging.getLogger(__name__)


class Ask(Protocol):
    """Runs a procedure on a device, within a deadline."""

    def __call__(
        self,
        device: DeviceConfig,
        names: Sequence[str],
        make: Callable[[Reach], Procedure[Result | Failed]],
    ) -> Result | Failed: ...


class Control:
    """Answers requests; thread-safe as far as `ask` and `note` are."""

    def __init__(self, config: AgentConfig, ask: Ask, note: Note, clock: Now) -> None:
        self._config = config
        self._ask = ask
        self._note = note
        self._clock = clock
        self._devices = {device.name: device for device in config.devices}

    def answer(self, request: Request, peer: str) -> dict[str, object]:
        """What was found or done. `peer`: as who the kernel knows the asker."""
        if isinstance(request, Call):
            return refusal(f"{request.do}: only a running agent does this")
        device = self._devices.get(request.device)
        if device is None:
            known = ", ".join(self._devices)
            return refusal(f"no device {request.device!r}; there are: {known[:500]}")
        match request:
            case ReadRequest():
                return self._read(device, request.points)
            case WriteRequest():
                return self._write(device, request, peer)
            case ClockRequest():
                return self._set_clock(device, request, peer)

    def _read(self, device: DeviceConfig, points: Sequence[str]) -> dict[str, object]:
        names = tuple(dict.fromkeys(points)) or device.polled
        try:
            RegisterMap.of(device.profile, names)
        except ProfileError as error:
            return refusal(str(error)[:500])
        read = self._ask(device, names, lambda to: read_points(to, names))
        if isinstance(read, Failed):
            return refusal(f"{device.name}: {read.detail}")
        return {
            "ok": True,
            "device": device.name,
            "serial": device.serial,
            "values": value_lines(read),
        }

    # ---- writes ---------------------------------------------------------------------------------

    def _write(self, device: DeviceConfig, request: WriteRequest, peer: str) -> dict[str, object]:
        said = _Said(device, request.point, request.value, _who(request.who, peer), request.reason)
        if not self._writes():
            return refusal(_OFF)
        allowed = login_refusal(device, request.password) or may_write(
            device, request.point, request.value
        )
        if isinstance(allowed, Refused):
            return self._refuse(said, allowed.reason)
        names = (request.point,)
        before = self._ask(device, names, lambda to: read_points(to, names))
        if isinstance(before, Failed):
            return self._refuse(said, f"its old value cannot be read: {before.detail}")
        said = said.with_old(shown(before, request.point))
        return self._do(said, names, lambda to: write_point(to, allowed, request.password))

    def _set_clock(
        self, device: DeviceConfig, request: ClockRequest, peer: str
    ) -> dict[str, object]:
        said = _Said(device, CLOCK, "UTC of the gateway", _who(request.who, peer), request.reason)
        if not self._writes():
            return refusal(_OFF)
        refused = login_refusal(device, request.password) or clock_refusal(device)
        if refused is None and self._clock.now().clock_state != ClockState.SYNCHRONISED:
            refused = Refused("the gateway's own clock is not synchronised")
        if refused is not None:
            return self._refuse(said, refused.reason)
        clock = device.profile.clock
        assert clock is not None
        zone = zone_name(device, self._config.site.zone)
        return self._do(
            said, clock.points, lambda to: set_clock(to, zone, self._clock, request.password)
        )

    def _writes(self) -> bool:
        return self._config.control is not None and self._config.control.writes

    def _do(
        self,
        said: _Said,
        names: Sequence[str],
        make: Callable[[Reach], Procedure[Changed | Refused | Failed]],
    ) -> dict[str, object]:
        """Record, write, record."""
        if not self._note([said.fact(self._clock, ASKED, said.value)]):
            return refusal("not written: the journal takes nothing; see edge-agent's log")
        done: Changed | Refused | Failed = self._ask(said.device, names, make)
        if isinstance(done, Refused):
            return self._refuse(said, done.reason)
        if isinstance(done, Failed):
            self._note([said.fact(self._clock, FAILED, said.value, done.detail)])
            return refusal(f"{said.device.name}: {done.detail}")
        kept = self._note([said.with_old(done.old).fact(self._clock, WRITTEN, done.new)])
        answer: dict[str, object] = {"ok": True, "old": done.old, "new": done.new}
        if not kept:
            answer["warning"] = "written, but not yet recorded; see edge-agent's log"
        return answer

    def _refuse(self, said: _Said, why: str) -> dict[str, object]:
        _log.warning("write to %s refused: %s", said.device.name, why)
        self._note([said.fact(self._clock, REFUSED, said.value, why)])
        return refusal(f"not written: {why}")


class _Said:
    """A write as it was asked for."""

    def __init__(
        self,
        device: DeviceConfig,
        point: str,
        value: str,
        who: str,
        reason: str,
        old: str | None = None,
    ) -> None:
        self.device = device
        self.point = point
        self.value = value
        self._who = who
        self._reason = reason
        self._old = old

    def with_old(self, old: str) -> _Said:
        return _Said(self.device, self.point, self.value, self._who, self._reason, old)

    def fact(self, clock: Now, code: str, new: str, why: str = "") -> Fact:
        detail = f"{self.device.name} {self.point}: {self._reason}"
        detail += f"; {why}" if why else ""
        return Fact(clock.now(), code, self.device.serial, self._old, new, self._who, detail[:1000])


_OFF: Final = "writes are off: set [control] writes = true in gateway.toml and restart the agent"


def _who(name: str, peer: str) -> str:
    return f"{name} (own word; {peer})"[:255]


def value_lines(read: Read) -> list[dict[str, object]]:
    """Each value by name, as a person reads it and as a number."""
    points = {point.name: point for point in read.map.points}
    totals = {total.name: total for total in read.map.composites}
    lines: list[dict[str, object]] = []
    for name, value in read.values.items():
        point = points.get(name)
        raw = None if point is None else read.raw(name)
        if point is not None and point.type.startswith("text") and raw is not None:
            text = decode_text(point, raw)
        elif point is not None:
            text = shown(read, name)
        elif value.number is None:
            text = "no value"
        else:
            total = totals[name]
            text = f"{Decimal(value.number) * Decimal(total.resolution):f} {total.unit}".rstrip()
        lines.append({"name": name, "text": text, "number": value.number, "unit": value.unit})
    return lines
