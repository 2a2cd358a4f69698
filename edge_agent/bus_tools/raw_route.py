"""One read of a device as bytes, as a job on its bus: what `read --raw` and `dump` ask the agent.

The call `raw` on the read socket: device, bank, function (1..4), address, count, register_bytes.
The answer: sent and heard (hex), and one of words; code (exception); late_bytes; reason (damage, or
with `gone` why nothing could be asked).

A job of one request, so no poll waits for more than that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from edge_agent.bus.bus import BusThread
from edge_agent.bus.jobs import Exchange
from edge_agent.bus.link import Answer, NoAnswer, PortGone
from edge_agent.bus.poller import Now
from edge_agent.config.model import DeviceConfig
from edge_agent.control.protocol import BadRequest, Call, Route, refusal
from protocols.modbus.answer import Damaged, ExceptionAnswer, Registers
from protocols.modbus.frames import Request
from protocols.modbus.write import Written

RAW: Final = "raw"
ASK_S: Final = 20.0
GRACE_S: Final = 5.0
MAX_BITS: Final = 2_000
Frames = tuple[bytes, bytes]


class Told(NamedTuple):
    """An answer, and the bytes that were sent and heard."""

    answer: Answer
    frames: Frames


class RawJob:
    """One request; `told` is there once it is `done`."""

    def __init__(
        self, request: Request, frames: Callable[[], Frames], deadline_mono_ms: int
    ) -> None:
        self.deadline_mono_ms = deadline_mono_ms
        self.done = threading.Event()
        self.told: Told | None = None
        self._request = request
        self._frames = frames

    def step(self, exchange: Exchange) -> bool | None:
        """Ask it."""
        answer = exchange(self._request, learn=False)
        gone = isinstance(answer, PortGone)
        self.told = Told(answer, (b"", b"") if gone else self._frames())
        self.done.set()
        return True

    def abandon(self, reason: str) -> None:
        """It will not be asked."""
        self.told = Told(PortGone(reason), (b"", b""))
        self.done.set()


def raw_routes(buses: Sequence[BusThread], clock: Now) -> dict[str, Route]:
    """For the agent's table."""
    devices = {poller.device.name: (bus, poller.device) for bus in buses for poller in bus.pollers}

    def answer(call: Call, _peer: str) -> Mapping[str, object]:
        name = call.name("device")
        if name not in devices:
            raise BadRequest(f"no device {name!r}; there are: {', '.join(devices)[:500]}")
        bus, device = devices[name]
        request = request_of(call, device)
        job = RawJob(request, lambda: bus.frames, clock.now().mono_ms + round(1000 * ASK_S))
        if not bus.jobs.put(job):
            return refusal(f"bus {bus.bus.name} has too much to do: try again")
        if not job.done.wait(ASK_S + GRACE_S) or job.told is None:
            return refusal(f"bus {bus.bus.name} does not come round: see edge-agent doctor")
        return to_json(job.told)

    return {RAW: Route(answer)}


def request_of(call: Call, device: DeviceConfig) -> Request:
    """The read that a call asks for. Raises BadRequest."""
    unit = device.unit + call.integer("bank", 0, device.profile.banks - 1, 0)
    request = Request(
        unit,
        call.integer("function", 1, 4),
        call.integer("address", 0, 0xFFFF),
        call.integer("count", 1, MAX_BITS),
        call.integer("register_bytes", 2, 4, 2),
    )
    try:
        request.pdu  # noqa: B018 - it is its check
    except ValueError as error:
        raise BadRequest(str(error)) from None
    return request


def to_json(told: Told) -> dict[str, object]:
    """For the socket."""
    sent, heard = (data.hex() for data in told.frames)
    frames: dict[str, object] = {"ok": True, "sent": sent, "heard": heard}
    match told.answer:
        case Registers(words):
            return {**frames, "words": list(words)}
        case ExceptionAnswer(code):
            return {**frames, "code": code}
        case NoAnswer(late_bytes):
            return {**frames, "late_bytes": late_bytes}
        case Damaged(reason):
            return {**frames, "reason": reason}
        case PortGone(reason):
            return {**frames, "reason": reason, "gone": True}
        case Written():
            return refusal("a write was answered where a read was asked")


def from_json(told: Mapping[str, object]) -> Told:
    """The inverse; what this program does not know is damage, with the reason."""
    try:
        frames = (bytes.fromhex(str(told["sent"])), bytes.fromhex(str(told["heard"])))
    except (KeyError, ValueError):
        return Told(
            PortGone(f"{told.get('error', 'no answer that this program knows')}"), (b"", b"")
        )
    match told:
        case {"words": list(words)} if all(isinstance(word, int) for word in words):
            return Told(Registers(tuple(words)), frames)
        case {"code": int(code)}:
            return Told(ExceptionAnswer(code), frames)
        case {"late_bytes": int(late_bytes)}:
            return Told(NoAnswer(late_bytes), frames)
        case {"gone": True, "reason": str(reason)}:
            return Told(PortGone(reason), frames)
        case _:
            return Told(
                Damaged(str(told.get("reason", "no answer that this program knows"))), frames
            )
