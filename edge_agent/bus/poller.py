"""What one device needs beside its requests: step, byte order, learned holes, slow points.

No I/O here: `exchange` asks, `clock` tells the time. What is asked before the values, and why:
`joining.py`. A block that is refused by one of the profile's codes for a hole is bisected. What is
refused while others of the device answer is learned: left out, and asked again now and then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from edge_agent.bus.holes import REPROBE_MS, Holes
from edge_agent.bus.joining import (
    BUSY,
    Failed,
    Joined,
    depends_on_settings,
    failure,
    is_reply,
    join,
    step_probe,
)
from edge_agent.bus.link import Answer
from edge_agent.bus.poll_steps import Step, maps_of, step_of, steps_of, wanted
from edge_agent.bus.polled import Keeping, Line, Now, PolledScan
from edge_agent.bus.schedule import Outcome
from edge_agent.bus.widened import Widened
from edge_agent.config.model import DeviceConfig
from protocols.metering.instant import Instant
from protocols.metering.quality import Quality
from protocols.modbus.answer import Asked, ExceptionAnswer, Registers
from protocols.modbus.frames import Request
from protocols.modbus.plan import Block, Unit, halves, plan, units
from protocols.modbus.probe import same_shape
from protocols.registers.profile import ProfileError
from protocols.registers.register_map import RegisterMap

__all__ = ["DevicePoller", "Keeping", "Line", "Now", "PolledScan"]

MAX_EXTRA_REQUESTS: Final = 32
"""Beyond the plan's own: what joining and bisecting may take of one poll."""
SETTINGS_MS: Final = 60_000
"""What a device's registers mean is asked so often, where that is set in the device."""
_OUTCOMES: Final = {
    Quality.BAD_NO_ANSWER: Outcome.LOST,
    Quality.BAD_ANSWER: Outcome.LOST,
    Quality.BAD_PORT: Outcome.NO_PORT,
}
_log = logging.getLogger(__name__)

Exchange = Callable[[Asked], Answer]


@dataclass(slots=True)
class _Reading:
    """What one poll has found so far."""

    found: dict[str, int] = field(default_factory=dict)
    refused: list[Unit] = field(default_factory=list)
    read: list[Step] = field(default_factory=list)
    instant: Instant | None = None
    of_counter: bool = False


class DevicePoller:
    """One device: keyed by itself, never by its unit number, which another bus may have too.

    `outcome` is that of the last poll, for the schedule; `failure` is why a poll failed the last
    time, for people.
    """

    def __init__(self, device: DeviceConfig, line: Line, keeping: Keeping | None = None) -> None:
        keeping = keeping or Keeping()
        self.device = device
        self._log = logging.LoggerAdapter(_log, {"device": device.name})
        self.outcome = Outcome.ANSWERED
        self.failure = ""
        self._line = line
        self._slow_due_ms: int | None = None
        self._in_step = self._met = False
        self._settings_due_ms = 0
        self._last: Block | None = None
        self._probe: Block | None = None
        self._other_probe: Block | None = None
        self._halved = False
        self._how = Joined(None, 0)
        self._maps = maps_of(self.device, self._how)
        known = [p for p in wanted(device, full=True) if p.name in keeping.refused]
        self._holes = Holes(units(known, device.profile), keeping.remember)
        self._plan()
        self._requests, self._heard = 0, False
        self._said = ""

    @property
    def units(self) -> range:
        """The unit ids that it answers on."""
        return range(self.device.unit, self.device.unit + self.device.profile.banks)

    @property
    def refused(self) -> tuple[str, ...]:
        """Points that it refuses: they are left out. From any thread."""
        return tuple(point.name for point in self._holes.points)

    @property
    def register_map(self) -> RegisterMap:
        """Of a scan without slow points."""
        return self._maps[False]

    def poll(self, exchange: Exchange, clock: Now) -> PolledScan:
        """One scan; never raises for what a device or line can do."""
        self._requests, self._heard = 0, False
        full = self._is_full(clock)
        reading = _Reading()
        failed = None if self._is_joined(clock) else self._join(exchange, clock)
        for step in self._plans[full] if failed is None else ():
            failed = self._read(step, exchange, reading, clock)
            if failed:
                break
        if failed is None and not reading.found:
            failed = Failed(Quality.BAD_EXCEPTION, "refuses every register that is polled")
        if failed:
            return self._failed(failed, clock)
        instant = reading.instant or clock.now()
        self._learn(reading, full, instant.mono_ms)
        self._ask_again(exchange, reading, instant.mono_ms, clock)
        if full and self.device.slow_points:
            self._slow_due_ms = instant.mono_ms + self.device.slow_ms
        self._answered()
        return self._scan(instant, Quality.GOOD, reading.found, full)

    def port_gone(self, clock: Now) -> PolledScan:
        """The scan of a poll that was not tried because the port is known to be gone."""
        self._in_step = False
        self.outcome = Outcome.NO_PORT
        return self._scan(clock.now(), Quality.BAD_PORT, {}, full=False)

    def stayed_busy(self) -> None:
        """It was busy for a whole period: that is said, once."""
        self._say_once(failure(ExceptionAnswer(BUSY)))

    def out_of_step(self) -> None:
        """Bytes came that nobody asked for: the next poll begins with what tells whose they are."""
        self._in_step = self._line.transactions and self._in_step

    def _is_full(self, clock: Now) -> bool:
        if not self.device.slow_points or self._slow_due_ms is None:
            return True
        return clock.now().mono_ms >= self._slow_due_ms

    # ---- asking --------------------------------------------------------------------------------

    def _ask(self, block: Block, exchange: Exchange, shift: int) -> Answer:
        """An answer of another shape than the one before, where the map allows that."""
        asked = self._widened.instead(block, self._last)
        self._requests += 1
        self._last = asked
        unit, address = self.device.unit + asked.bank, asked.address + shift
        request = Request(unit, asked.function, address, asked.count, asked.register_bytes)
        answer = exchange(request)
        self._heard = self._heard or is_reply(answer)
        if asked is block:
            return answer
        cut = self._widened.cut(block, asked, answer)
        return self._ask(block, exchange, shift) if cut is None else cut

    def _is_spent(self) -> bool:
        return self._requests >= self._most_requests

    def _is_joined(self, clock: Now) -> bool:
        if not self._in_step or not depends_on_settings(self.device.profile):
            return self._in_step
        return clock.now().mono_ms < self._settings_due_ms

    def _join(self, exchange: Exchange, clock: Now) -> Failed | None:
        how = join(
            self.device.profile,
            self._fresh_probe(),
            lambda block, shift: self._ask(block, exchange, shift),
            self._how.shift,
        )
        if isinstance(how, Failed):
            return how
        if how != self._how:
            failed = self._take(how)
            if failed:
                return failed
        self._met = self._in_step = True
        self._settings_due_ms = clock.now().mono_ms + SETTINGS_MS
        return None

    def _fresh_probe(self) -> Block | None:
        """Not what was asked last: if that was lost, its late answer would pass for this one's."""
        probe, last = self._probe, self._last
        if probe is None or last is None or not same_shape(probe, last):
            return probe
        if self._other_probe is None:
            self._other_probe = step_probe(self.device.profile, [*self._blocks(), probe]) or probe
        return self._other_probe

    def _take(self, how: Joined) -> Failed | None:
        """Read it as it says. A change after it was met once: it is another device by now."""
        try:
            maps = maps_of(self.device, how)
        except ProfileError as error:
            return Failed(Quality.BAD_CONFIGURATION, str(error))
        if how.order and how.order != self._how.order:
            self._log.info("%s: sends its floats in order %s", self.device.name, how.order)
        if how.shift != self._how.shift:
            self._log.info("%s: its addresses are moved by %+d", self.device.name, how.shift)
        self._how, self._maps = how, maps
        if self._met:
            self._holes.forget()
        self._plan()
        return None

    def _read(self, step: Step, exchange: Exchange, reading: _Reading, clock: Now) -> Failed | None:
        """Read a block, by halves where the device refuses the whole."""
        if self._is_spent():
            return None  # the rest of a large bisection waits for the next poll
        answer = self._ask(step.block, exchange, self._how.shift)
        if isinstance(answer, Registers):
            self._date(step, reading, clock)
            reading.read.append(step)
            step.take(answer.words, reading.found)
            return None
        refusals = self.device.profile.limits.hole_codes
        if not (isinstance(answer, ExceptionAnswer) and answer.code in refusals):
            return failure(answer)
        parts = halves(step.block, self.device.profile)
        if parts is None:
            reading.refused.append(step.block.points)
            return None
        first, second = (step_of(part, self._maps[True]) for part in parts)
        return self._read(first, exchange, reading, clock) or self._read(
            second, exchange, reading, clock
        )

    def _date(self, step: Step, reading: _Reading, clock: Now) -> None:
        """A scan's instant is that of its first counters, when their answer began on the wire."""
        if reading.of_counter or (reading.instant and not step.counts):
            return
        now = clock.now()
        wire_ms = round(self._line.wire_ms(self._last or step.block))
        utc_ms = None if now.utc_ms is None else now.utc_ms - wire_ms
        reading.instant = now._replace(mono_ms=now.mono_ms - wire_ms, utc_ms=utc_ms)
        reading.of_counter = step.counts

    # ---- holes ---------------------------------------------------------------------------------

    def _plan(self) -> None:
        self._plans = steps_of(self.device, self._maps, self._holes.points)
        self._most_requests = MAX_EXTRA_REQUESTS + max(map(len, self._plans.values()))
        self._names = {full: [p.name for p in map_.points] for full, map_ in self._maps.items()}
        self._halved = False
        self._widened = Widened(self.device.profile, self._holes.points)
        self._probe = self._other_probe = None
        if not self._line.transactions:
            self._probe = step_probe(self.device.profile, self._blocks())

    def _blocks(self) -> list[Block]:
        return [step.block for steps in self._plans.values() for step in steps]

    def _learn(self, reading: _Reading, full: bool, now_ms: int) -> None:
        """Leave refused points out; keep the halves of a block that was refused only as a whole."""
        for unit in reading.refused:
            self._holes.add(unit, now_ms)
            self._log.warning(
                "%s: refuses %s (function %d, address %d): left out, asked again in %d s;"
                " take it out of points if the device does not have it",
                self.device.name,
                ", ".join(point.name for point in unit),
                unit[0].function,
                unit[0].address,
                REPROBE_MS // 1000,
            )
        if reading.refused:
            self._plan()
        elif len(reading.read) != len(self._plans[full]) and not self._is_spent():
            self._plans[full] = tuple(reading.read)
            self._halved = True

    def _ask_again(self, exchange: Exchange, reading: _Reading, now_ms: int, clock: Now) -> None:
        """What was refused and whose time has come; at most one a poll."""
        unit = self._holes.due(now_ms)
        if unit is None or self._is_spent():
            return
        block = plan(unit, self.device.profile)[0]
        again = _Reading(found=reading.found, instant=reading.instant, of_counter=True)
        if self._read(step_of(block, self._maps[True]), exchange, again, clock):
            self._in_step = False  # the scan is whole; the next one begins with a probe
        if again.read:
            self._holes.mended(unit)
            self._plan()
            names = ", ".join(point.name for point in unit)
            self._log.info("%s: answers %s again", self.device.name, names)
        else:
            self._holes.refused_again(unit, now_ms)

    # ---- what comes of it ----------------------------------------------------------------------

    def _failed(self, failed: Failed, clock: Now) -> PolledScan:
        instant = clock.now()
        self.failure = failed.detail
        self.outcome = _OUTCOMES.get(failed.quality, Outcome.ANSWERED)
        if failed.busy:
            self.outcome = Outcome.BUSY
        elif self._heard and self.outcome is Outcome.LOST:
            self.outcome = Outcome.PARTLY
        if failed.quality != Quality.BAD_EXCEPTION:
            self._in_step = False
            if self._halved:
                self._plan()  # what was bisected for good is tried whole again
            self._holes.ask_all_again(instant.mono_ms)
        if failed.quality != Quality.BAD_PORT and not failed.busy:
            self._say_once(failed)
        return self._scan(instant, failed.quality, {}, full=False)

    def _say_once(self, failed: Failed) -> None:
        if self._said == failed.quality.name:
            return
        self._said = failed.quality.name
        self._log.warning(
            "%s (bus %s, unit %d): %s",
            self.device.name,
            self.device.bus,
            self.device.unit,
            failed.detail,
        )

    def _answered(self) -> None:
        self.outcome = Outcome.ANSWERED
        if self._said:
            self._log.info("%s: answers again", self.device.name)
            self._said = ""

    def _scan(
        self, instant: Instant, quality: Quality, found: dict[str, int], full: bool
    ) -> PolledScan:
        raws = tuple(map(found.get, self._names[full]))
        return PolledScan(self.device, instant, int(quality), self._maps[full], raws)
