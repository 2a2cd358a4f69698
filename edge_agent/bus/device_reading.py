"""What is asked of one device apart from its polls, as generators: each yields a request and is
sent its answer. No I/O here; whoever drives one owns the port.

`Failed` says why a device gave no answer that can be used.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from datetime import datetime
from typing import Final, Generic, NamedTuple, TypeVar

from edge_agent.bus.joining import Failed, Joined, failure, join, step_probe
from edge_agent.bus.link import Answer
from edge_agent.bus.poll_steps import step_of
from edge_agent.bus.poller import Now
from edge_agent.config.model import DeviceConfig
from protocols.metering.instant import Instant
from protocols.metering.quality import Quality
from protocols.modbus.answer import Asked, Registers
from protocols.modbus.frames import Request
from protocols.modbus.plan import Block, plan
from protocols.registers.clock import decode_clock
from protocols.registers.codec import Value, decode_scan
from protocols.registers.register_map import RegisterMap

Result = TypeVar("Result")
Procedure = Generator[Asked, Answer, Result]
REQUESTS_A_STEP: Final = 2
"""What a poll may have to wait for."""


class Reach(NamedTuple):
    """A device, and how it is to be read as it told when it was joined."""

    device: DeviceConfig
    how: Joined

    def request(self, block: Block) -> Request:
        """The read of a block, at the device's own addresses."""
        unit, address = self.device.unit + block.bank, block.address + self.how.shift
        return Request(unit, block.function, address, block.count, block.register_bytes)


class Shown(NamedTuple):
    """A device's clock as it was read, without a zone, and when."""

    moment: datetime
    instant: Instant


class Read(NamedTuple):
    """The raw integers of a map's points, in its order."""

    map: RegisterMap
    raws: tuple[int | None, ...]

    @property
    def values(self) -> dict[str, Value]:
        return decode_scan(self.map, self.raws)

    def raw(self, name: str) -> int | None:
        places = {point.name: place for place, point in enumerate(self.map.points)}
        return self.raws[places[name]]


def reach(
    device: DeviceConfig, names: Sequence[str], exchange: Callable[[Asked], Answer]
) -> Reach | Failed:
    """Ask what has to be known before these points are read. A few requests."""
    profile = device.profile

    def ask(block: Block, shift: int) -> Answer:
        return exchange(Reach(device, Joined(None, shift)).request(block))

    how = join(profile, step_probe(profile, blocks_of(device, names)), ask, 0)
    return how if isinstance(how, Failed) else Reach(device, how)


def blocks_of(device: DeviceConfig, names: Sequence[str]) -> tuple[Block, ...]:
    """The requests for points and totals, as the profile has them."""
    return plan(device.profile.points_of(names), device.profile)


def read_points(to: Reach, names: Sequence[str]) -> Procedure[Read | Failed]:
    """Points and totals by name, now. The first refusal or loss ends it."""
    profile = to.device.profile
    map_ = RegisterMap.of(profile, names, to.how.order, to.how.shift)
    found: dict[str, int] = {}
    for block in blocks_of(to.device, names):
        answer = yield to.request(block)
        if not isinstance(answer, Registers):
            return _about(failure(answer), block)
        step_of(block, map_).take(answer.words, found)
    return Read(map_, tuple(found.get(point.name) for point in map_.points))


def drive(procedure: Procedure[Result], exchange: Callable[[Asked], Answer]) -> Result:
    """To its end, at once: for whoever has the port for himself."""
    driven = Driven(procedure)
    while not driven.step(exchange):
        pass
    assert driven.done
    return driven.result


class Driven(Generic[Result]):
    """A procedure with its place: some requests at a time. `result` is there once it is `done`."""

    def __init__(self, procedure: Procedure[Result]) -> None:
        self.done = False
        self.result: Result
        self._procedure = procedure
        self._asked: Asked | None = None

    def step(self, exchange: Callable[[Asked], Answer], most: int = REQUESTS_A_STEP) -> bool:
        """At most so many requests; True when it is done."""
        for _ in range(most):
            try:
                if self._asked is None:
                    self._asked = next(self._procedure)
                self._asked = self._procedure.send(exchange(self._asked))
            except StopIteration as end:
                self.result, self.done = end.value, True
                return True
        return False


def read_clock(to: Reach, clock: Now) -> Procedure[Shown | Failed]:
    """What the device's own clock shows, and the instant of that answer."""
    own = to.device.profile.clock
    assert own is not None
    read = yield from read_points(to, own.points)
    instant = clock.now()
    if isinstance(read, Failed):
        return read
    moment = decode_clock(own, {name: value.number for name, value in read.values.items()})
    if moment is None:
        return Failed(Quality.BAD_VALUE, "its clock shows no date: set it (write --clock)")
    return Shown(moment, instant)


def _about(failed: Failed, block: Block) -> Failed:
    names = ", ".join(point.name for point in block.points[:3])
    return failed._replace(detail=f"{names}: {failed.detail}")
