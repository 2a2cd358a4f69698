"""What became of the requests of a bus, by device: plain integers, and a sample of what went wrong.

Written by the bus thread alone; others read them as they are (an integer is never half written). A
good answer costs two additions: all else is counted where something failed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from edge_agent.bus.joining import BUSY, failure, is_no_reply
from edge_agent.bus.link import Answer, NoAnswer
from edge_agent.config.model import BusConfig, DeviceConfig
from protocols.modbus.answer import Asked, Damaged, ExceptionAnswer, Registers
from protocols.modbus.damage import Damage, Sample, Wrapping, damage_of, frame_size

MAX_SAMPLES: Final = 8
SIZES: Final = 9
"""Answers by length: place n counts those of a PDU of 2^(n-1) to 2^n - 1 bytes."""
NAMES: Final = (
    "requests", "good", "no_answer", "damaged", "crc", "length", "foreign", "echo", "exception",
    "busy", "late",
)  # fmt: skip

Lost = NoAnswer | Damaged | ExceptionAnswer


@dataclass(slots=True)
class Counts:
    """Of one device. `damaged` is the sum of its kinds; `late` are those of `no_answer` where bytes
    came after the deadline; `busy` (exception 06) is not in `exception`.

    `polls` took `poll_ms` of the bus together, the longest `slowest_ms`.
    """

    requests: int = 0
    no_answer: int = 0
    damaged: int = 0
    crc: int = 0
    length: int = 0
    foreign: int = 0
    echo: int = 0
    exception: int = 0
    busy: int = 0
    late: int = 0
    polls: int = 0
    poll_ms: int = 0
    slowest_ms: int = 0
    last_failure: str = ""
    last_failure_mono_ms: int | None = None
    samples: tuple[Sample, ...] = ()  # replaced whole, so that others may walk over it
    _run: int = 0
    _good_then: int = 0  # how many were good when `_run` was counted

    @property
    def good(self) -> int:
        """Answers with what was asked for."""
        failed = self.no_answer + self.damaged + self.exception + self.busy
        return max(0, self.requests - failed)

    @property
    def silent_run(self) -> int:
        """Requests without a byte in a row, up to the newest; 0 where that was answered."""
        return self._run if self._good_then == self.good else 0

    def to_json(self) -> dict[str, int]:
        """The counters by their names."""
        return {name: getattr(self, name) for name in NAMES}

    def polled(self, took_ms: int) -> None:
        """A poll of the device has ended."""
        self.polls += 1
        self.poll_ms += took_ms
        if took_ms > self.slowest_ms:
            self.slowest_ms = took_ms

    def fail(self, answer: Lost, sample: Sample, wrapping: Wrapping, now_ms: int) -> None:
        """An answer without what was asked for; the request itself is counted already."""
        run = self._run + 1 if self._good_then == self.good - 1 else 1
        self._run = 0
        match answer:
            case NoAnswer(late_bytes):
                self._run = 0 if late_bytes else run
                self.no_answer += 1
                self.late += late_bytes > 0
            case Damaged():
                self._damage(sample, wrapping)
            case ExceptionAnswer(code) if code == BUSY:
                self.busy += 1
            case ExceptionAnswer() if is_no_reply(answer):
                self._run = run
                self.no_answer += 1  # a gateway says so for it
            case ExceptionAnswer():
                self.exception += 1
        self._good_then = self.good
        self.last_failure = failure(answer).detail
        self.last_failure_mono_ms = now_ms
        if sample.heard:
            self.samples = (*self.samples[1 - MAX_SAMPLES :], sample.bounded())

    def _damage(self, sample: Sample, wrapping: Wrapping) -> None:
        self.damaged += 1
        kind = damage_of(sample, wrapping) if sample.heard else Damage.LENGTH  # closed on us
        match kind:
            case Damage.ECHO:
                self.echo += 1
            case Damage.FOREIGN:
                self.foreign += 1
            case Damage.LENGTH:
                self.length += 1
            case Damage.CRC:
                self.crc += 1


@dataclass(slots=True)
class BusCounters:
    """Of one bus: its devices by name, and `others`, units that are asked by jobs only.

    `asked_by_size` and `lost_by_size`: all requests, and those damaged, by the answer's length.
    """

    wrapping: Wrapping
    by_device: dict[str, Counts]
    by_unit: dict[int, Counts]
    others: Counts = field(default_factory=Counts)
    asked_by_size: list[int] = field(default_factory=lambda: [0] * SIZES)
    lost_by_size: list[int] = field(default_factory=lambda: [0] * SIZES)

    @classmethod
    def of(cls, bus: BusConfig, devices: Iterable[DeviceConfig]) -> BusCounters:
        """For the devices of a bus, each on all units that it answers on."""
        by_device: dict[str, Counts] = {}
        by_unit: dict[int, Counts] = {}
        for device in devices:
            counts = by_device[device.name] = Counts()
            for unit in range(device.unit, device.unit + device.profile.banks):
                by_unit[unit] = counts
        return cls(wrapping_of(bus), by_device, by_unit)

    def count(self, asked: Asked, answer: Answer, frames: tuple[bytes, bytes], now_ms: int) -> None:
        """One request has ended. `frames`: as it was sent, and what was heard."""
        size = asked.answer_size.bit_length()
        self.asked_by_size[size] += 1
        self.by_unit.get(asked.unit, self.others).requests += 1
        if not isinstance(answer, Registers):
            self._count_other(asked, answer, frames, now_ms)

    def _count_other(
        self, asked: Asked, answer: Answer, frames: tuple[bytes, bytes], now_ms: int
    ) -> None:
        if not isinstance(answer, NoAnswer | Damaged | ExceptionAnswer):
            return  # a write that was acknowledged
        sample = Sample(*frames, frame_size(self.wrapping, asked.answer_size))
        counts = self.by_unit.get(asked.unit, self.others)
        counts.fail(answer, sample, self.wrapping, now_ms)
        if isinstance(answer, Damaged):
            self.lost_by_size[asked.answer_size.bit_length()] += 1

    def total(self) -> dict[str, int]:
        """The bus's counters by their names: the sum of its devices' and of the others'."""
        parts = [counts.to_json() for counts in (*self.by_device.values(), self.others)]
        return {name: sum(part[name] for part in parts) for name in NAMES}


def wrapping_of(bus: BusConfig) -> Wrapping:
    """How its frames are wrapped."""
    return "rtu" if bus.kind == "rtu-over-tcp" else bus.kind
