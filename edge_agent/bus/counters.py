"""What became of the requests of a bus, by device: plain integers, and a sample of what went wrong.

Written by the bus thread alone; others read them as they are (an integer is never half written). A
good answer costs two additions and a look at the time: all else is counted where something failed.

Beside the sums since the start there are those of late, by which a diagnosis is made: after months
a new fault is too small a share of all requests to be seen, and an old one takes long to go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import sub
from typing import Final

from edge_agent.bus.joining import BUSY, failure, is_no_reply
from edge_agent.bus.link import Answer, NoAnswer
from edge_agent.config.model import BusConfig, DeviceConfig
from protocols.modbus.answer import Asked, Damaged, ExceptionAnswer, Registers
from protocols.modbus.damage import Damage, Sample, Wrapping, damage_of, frame_size

MAX_SAMPLES: Final = 8
SIZES: Final = 9
"""Answers by length: place n counts those of a PDU of 2^(n-1) to 2^n - 1 bytes."""
AGED_MS: Final = 120_000
AGED_REQUESTS: Final = 10
"""After both of them what was counted begins to be old; after both once more it is."""
NAMES: Final = (
    "requests", "good", "no_answer", "damaged", "crc", "length", "foreign", "echo", "exception",
    "busy", "late",
)  # fmt: skip

Lost = NoAnswer | Damaged | ExceptionAnswer


@dataclass(slots=True)
class Aging:
    """When what was counted is old. `old`: what a reader takes off; replaced whole."""

    old: tuple[int, ...] = ()
    _marked: tuple[int, ...] = ()
    _marked_at: int = 0
    _marked_ms: int = 0

    def is_due(self, requests: int, now_ms: int) -> bool:
        """Whether to `turn`, before a request is counted."""
        asked = requests - self._marked_at
        return asked >= AGED_REQUESTS and now_ms - self._marked_ms >= AGED_MS

    def turn(self, counted: tuple[int, ...], requests: int, now_ms: int) -> None:
        """The last mark is old from now on, and this is the new one."""
        self.old, self._marked = self._marked, counted
        self._marked_at, self._marked_ms = requests, now_ms

    def of_late(self, counted: tuple[int, ...]) -> tuple[int, ...]:
        """What is not old of what was counted."""
        old = self.old
        return tuple(map(sub, counted, old)) if old else counted


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
    _aging: Aging = field(default_factory=Aging)
    _samples_then: tuple[Sample, ...] = ()
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

    def of_late(self) -> dict[str, int]:
        """The same of the last minutes, or the last requests of a device that is asked seldom."""
        told = self._aging.of_late(tuple(self.to_json().values()))
        return dict(zip(NAMES, told, strict=True))

    def request(self, now_ms: int) -> None:
        """One more; samples grow old with what they are samples of."""
        if self._aging.is_due(self.requests, now_ms):
            self._aging.turn(tuple(self.to_json().values()), self.requests, now_ms)
            then = self._samples_then
            self.samples = tuple(one for one in self.samples if all(one is not old for old in then))
            self._samples_then = self.samples
        self.requests += 1

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
    _aging: Aging = field(default_factory=Aging)
    _asked: int = 0
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
        if self._aging.is_due(self._asked, now_ms):
            self._aging.turn((*self.asked_by_size, *self.lost_by_size), self._asked, now_ms)
        self._asked += 1
        self.asked_by_size[size] += 1
        self.by_unit.get(asked.unit, self.others).request(now_ms)
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

    def by_size_of_late(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """`asked_by_size` and `lost_by_size` of the last minutes."""
        told = self._aging.of_late((*self.asked_by_size, *self.lost_by_size))
        return told[:SIZES], told[SIZES:]

    def total(self) -> dict[str, int]:
        """The bus's counters by their names: the sum of its devices' and of the others'."""
        parts = [counts.to_json() for counts in (*self.by_device.values(), self.others)]
        return {name: sum(part[name] for part in parts) for name in NAMES}


def wrapping_of(bus: BusConfig) -> Wrapping:
    """How its frames are wrapped."""
    return "rtu" if bus.kind == "rtu-over-tcp" else bus.kind
