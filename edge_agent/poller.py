"""What one device needs beside its requests: step, byte order, learned registers, backoff.

No I/O here: `exchange` asks, `clock` tells the time.

- Step: an answer on a serial line does not say which request it belongs to. So after silence or
  damage (and at the start) the device is first asked something whose answer has another length than
  that of every block; an answer that lags behind cannot pass that, and then the blocks.
- A block that is refused (exceptions 01 to 03) is bisected. A single point that is refused while
  others of the device answer is learned: left out, without a value, and asked again now and then.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from edge_agent.config import BusConfig, DeviceConfig
from edge_agent.link import Answer, NoAnswer, PortGone, bits_per_char
from protocols.metering.instant import Instant
from protocols.metering.quality import Quality
from protocols.modbus.answer import Damaged, ExceptionAnswer, Registers
from protocols.modbus.budget import Load, check_schedule
from protocols.modbus.frames import Request
from protocols.modbus.plan import Block, block_of, plan
from protocols.modbus.probe import order_block, probe_block
from protocols.registers.codec import assemble
from protocols.registers.profile import Point
from protocols.registers.register_map import RegisterMap

NORMAL_FAILURES: Final = 5
"""So many lost polls in a row keep the normal rate, so that a short fault costs little."""
MAX_BACKOFF_MS: Final = 60_000
MAX_REQUESTS_PER_POLL: Final = 32
REPROBE_MS: Final = 60_000
MAX_REPROBE_MS: Final = 3_600_000
_REFUSALS: Final = (1, 2, 3)  # illegal function, address, value: some devices say 01 for a hole
_log = logging.getLogger(__name__)

Exchange = Callable[[Request], Answer]


class Now(Protocol):
    """The part of the clock that polling needs."""

    def now(self) -> Instant: ...


class PolledScan(NamedTuple):
    """One poll of one device: raw integers in the map's order; all None where the poll failed.

    A single None in a GOOD scan is a point that the device refuses.
    """

    device: DeviceConfig
    instant: Instant
    quality: int
    register_map: RegisterMap
    raws: tuple[int | None, ...]


class Failed(NamedTuple):
    """Why a poll has no values."""

    quality: Quality
    detail: str


@dataclass(slots=True)
class _Refused:
    """A point that is left out, and when it is asked again."""

    due_ms: int
    delay_ms: int


class DevicePoller:
    """One device: keyed by itself, never by its unit number, which another bus may have too."""

    def __init__(self, device: DeviceConfig, *, serial_line: bool) -> None:
        self.device = device
        self.register_map = RegisterMap.of(device.profile, device.points)
        self.failures = 0
        self._serial_line = serial_line
        self._refused: dict[Point, _Refused] = {}
        self._blocks = self._plan()
        self._order_block = order_block(device.profile)
        self._in_step = False
        self._requests = 0
        self._said = ""

    def poll(self, exchange: Exchange, clock: Now) -> PolledScan:
        """One scan; never raises for what a device or line can do."""
        self._requests = 0
        found: dict[str, int] = {}
        instant: Instant | None = None
        failed = None if self._in_step else self._get_in_step(exchange)
        refused: list[Point] = []
        read: list[Block] = []
        for block in self._blocks if failed is None else ():
            failed = self._read(block, exchange, found, refused, read)
            instant = instant or clock.now()
            if failed:
                break
        instant = instant or clock.now()
        if failed is None and not found:
            failed = Failed(Quality.BAD_EXCEPTION, "refuses every register that is polled")
        if failed:
            return self._failed(failed, clock)
        self._learn(refused, read, instant.mono_ms)
        self._ask_again(exchange, found, instant.mono_ms)
        self._answered()
        return self._scan(instant, Quality.GOOD, found)

    def port_gone(self, clock: Now) -> PolledScan:
        """The scan of a poll that was not tried because the port is known to be gone."""
        self._in_step = False
        return self._scan(clock.now(), Quality.BAD_PORT, {})

    def delay_ms(self) -> int:
        """Until the next poll: the period, or a bounded backoff for a device that stays silent."""
        period = self.device.poll_ms
        if self.failures < NORMAL_FAILURES:
            return period
        doubled = period << min(self.failures - NORMAL_FAILURES + 1, 16)
        return max(period, min(doubled, MAX_BACKOFF_MS))

    def _plan(self) -> tuple[Block, ...]:
        wanted = [point for point in self.register_map.points if point not in self._refused]
        return plan(wanted, self.device.profile, self._refused)

    def _ask(self, block: Block, exchange: Exchange) -> Answer:
        self._requests += 1
        return exchange(Request(self.device.unit, block.function, block.address, block.count))

    def _get_in_step(self, exchange: Exchange) -> Failed | None:
        """A request that no other answer can answer; this device's byte order and units."""
        probe = probe_block(self.device.profile, self._blocks) if self._serial_line else None
        answer: Answer | None = None
        if probe:
            answer = self._ask(probe, exchange)
            if not isinstance(answer, Registers | ExceptionAnswer):
                return _failure(answer)
        if self._order_block:
            if probe != self._order_block or answer is None:
                answer = self._ask(self._order_block, exchange)
            failed = self._take_order(answer)
            if failed:
                return failed
        failed = self._check_settings(exchange)
        self._in_step = failed is None
        return failed

    def _check_settings(self, exchange: Exchange) -> Failed | None:
        """The settings that the units of its points depend on: a wrong unit is a wrong bill."""
        profile = self.device.profile
        for name, expected in profile.expected.items():
            answer = self._ask(block_of([profile.point(name)]), exchange)
            if not isinstance(answer, Registers):
                return _failure(answer)
            if answer.words[0] != expected:
                return Failed(
                    Quality.BAD_CONFIGURATION,
                    f"{name} reads {answer.words[0]}, profile {profile.id} needs {expected}:"
                    " set the device so, or give it a profile with its own units",
                )
        return None

    def _take_order(self, answer: Answer) -> Failed | None:
        """Put the order that the device reports into the map; the map before stays if it fails."""
        if not isinstance(answer, Registers):
            return _failure(answer)
        profile = self.device.profile
        order = profile.orders.get(answer.words[0])
        if order is None:
            known = ", ".join(map(str, profile.orders))
            return Failed(
                Quality.BAD_CONFIGURATION,
                f"{profile.order_point} reads {answer.words[0]}, known are {known}:"
                " set the device's float format to one of these",
            )
        effective = RegisterMap.of(profile, self.device.points, order)
        if effective != self.register_map:
            _log.info("%s: sends its floats in order %s", self.device.name, order)
            self.register_map = effective
            self._refused.clear()
            self._blocks = self._plan()
        return None

    def _read(
        self,
        block: Block,
        exchange: Exchange,
        found: dict[str, int],
        refused: list[Point],
        read: list[Block],
    ) -> Failed | None:
        """Read a block into `found`, by halves where the device refuses the whole."""
        if self._requests >= MAX_REQUESTS_PER_POLL:
            return None  # the rest of a large bisection waits for the next poll
        answer = self._ask(block, exchange)
        if isinstance(answer, Registers):
            read.append(block)
            for point in block.points:
                start = point.address - block.address
                found[point.name] = assemble(point, answer.words[start : start + point.words])
            return None
        if not (isinstance(answer, ExceptionAnswer) and answer.code in _REFUSALS):
            return _failure(answer)
        if len(block.points) == 1:
            refused.append(block.points[0])
            return None
        half = len(block.points) // 2
        first, second = block_of(block.points[:half]), block_of(block.points[half:])
        return self._read(first, exchange, found, refused, read) or self._read(
            second, exchange, found, refused, read
        )

    def _learn(self, refused: Sequence[Point], read: Sequence[Block], now_ms: int) -> None:
        """Leave refused points out; keep the halves of a block that was refused only as a whole."""
        for point in refused:
            self._refused[point] = _Refused(now_ms + REPROBE_MS, REPROBE_MS)
            _log.warning(
                "%s: refuses %s (function %d, address %d): left out, asked again in %d s;"
                " take it out of points if the device does not have it",
                self.device.name,
                point.name,
                point.function,
                point.address,
                REPROBE_MS // 1000,
            )
        if refused:
            self._blocks = self._plan()
        elif self._requests < MAX_REQUESTS_PER_POLL:
            self._blocks = tuple(read)

    def _ask_again(self, exchange: Exchange, found: dict[str, int], now_ms: int) -> None:
        """One refused point whose time has come; at most one a poll."""
        due = [point for point, wait in self._refused.items() if now_ms >= wait.due_ms]
        if not due:
            return
        point, wait = due[0], self._refused[due[0]]
        read: list[Block] = []
        still: list[Point] = []
        if self._read(block_of([point]), exchange, found, still, read):
            self._in_step = False  # the scan is whole; the next one begins with a probe
        if read:
            del self._refused[point]
            self._blocks = self._plan()
            _log.info("%s: answers %s again", self.device.name, point.name)
            return
        wait.delay_ms = min(2 * wait.delay_ms, MAX_REPROBE_MS)
        wait.due_ms = now_ms + wait.delay_ms

    def _failed(self, failed: Failed, clock: Now) -> PolledScan:
        instant = clock.now()
        if failed.quality in (Quality.BAD_NO_ANSWER, Quality.BAD_ANSWER):
            self.failures += 1
        if failed.quality != Quality.BAD_EXCEPTION:
            self._in_step = False
            self._blocks = self._plan()  # what was bisected for good is tried whole again
            for wait in self._refused.values():
                wait.due_ms = instant.mono_ms  # it may come back as another device
        if failed.quality != Quality.BAD_PORT and self._said != failed.quality.name:
            self._said = failed.quality.name
            _log.warning(
                "%s (bus %s, unit %d): %s",
                self.device.name,
                self.device.bus,
                self.device.unit,
                failed.detail,
            )
        return self._scan(instant, failed.quality, {})

    def _answered(self) -> None:
        self.failures = 0
        if self._said:
            _log.info("%s: answers again", self.device.name)
            self._said = ""

    def _scan(self, instant: Instant, quality: Quality, found: dict[str, int]) -> PolledScan:
        raws = tuple(found.get(point.name) for point in self.register_map.points)
        return PolledScan(self.device, instant, int(quality), self.register_map, raws)


def _failure(answer: Answer) -> Failed:
    match answer:
        case NoAnswer(0):
            return Failed(Quality.BAD_NO_ANSWER, "no answer: check power, wiring and unit number")
        case NoAnswer(late_bytes):
            detail = f"{late_bytes} bytes came after the deadline: raise the bus's timeout_s"
            return Failed(Quality.BAD_NO_ANSWER, detail)
        case Damaged(reason):
            return Failed(Quality.BAD_ANSWER, f"{reason}: check wiring, and for two of one unit")
        case ExceptionAnswer(code):
            meaning = " (busy)" if code == 6 else ""
            return Failed(Quality.BAD_EXCEPTION, f"answers exception {code:02d}{meaning}")
        case PortGone(reason):
            return Failed(Quality.BAD_PORT, reason)
        case Registers():
            return Failed(Quality.BAD_ANSWER, "registers where none were expected")


def schedule_faults(bus: BusConfig, devices: Sequence[DeviceConfig]) -> list[str]:
    """Refuse polls that cannot fit the line's baud rate, with the figures; empty where they fit.

    Only serial lines have such a limit. Devices of other buses are left aside.
    """
    if bus.kind != "rtu":
        return []
    loads = [
        Load(
            device.name,
            plan(device.profile.points_of(device.points), device.profile),
            device.poll_ms,
        )
        for device in devices
        if device.bus == bus.name
    ]
    faults = check_schedule(loads, bus.baud, bits_per_char(bus))
    return [f"bus {bus.name}: {fault}" for fault in faults]
