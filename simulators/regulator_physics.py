"""A regulator station as it behaves: one or two regulators in parallel, each behind its slam-shut.

A regulator is a valve whose opening follows the outlet pressure (EN 334): closed at and above the
set pressure plus lock-up, a twentieth open at the set pressure, fully open below it by the droop.
The outlet pipe is a store: it fills by what the valves pass and empties by what is drawn,

    dp/dt = stiffness x (passed(p) - drawn),    stiffness in Pa per m3 of line volume,

solved implicitly, so that any step is stable and the pressure never passes the lock-up by
arithmetic. All else follows: droop over load, lock-up at no flow, creep of a leaking seat, the
standby that opens when the outlet falls to its own set pressure. Pressures in Pa gauge.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

OPEN_AT_SET: Final = 0.05  # the share of the capacity that passes at the set pressure
_FULL_DRIVE: Final = 0.1  # with a tenth of the inlet pressure as difference a valve passes all
_PRECISION_PA: Final = 1e-6
_S_PER_H: Final = 3600.0


class Mode(StrEnum):
    """What is wrong with a regulator."""

    SOUND = "sound"
    HUNTING = "hunting"  # swings around its set pressure while gas flows
    LEAKING = "leaking"  # passes a little when closed
    FAILED_OPEN = "failed_open"  # does not close at all
    DRIFTED = "drifted"  # its spring has relaxed


@dataclass(frozen=True, slots=True)
class Regulator:
    """One regulator and the slam-shut in front of it, which closes at and above `slam_pa`."""

    set_pa: float
    droop_pa: float
    lockup_pa: float
    slam_pa: float
    capacity_m3_h: float
    leak_m3_h: float = 0.5
    hunting_pa: float = 400.0  # the outlet swings by about this
    hunting_s: float = 6.0
    drift_pa: float = 900.0

    @property
    def closed_pa(self) -> float:
        """Where a sound one is closed."""
        return self.set_pa + self.lockup_pa

    def passes(self, outlet_pa: float, shift_pa: float) -> float:
        """m3/h at an outlet pressure, with the set pressure lowered by `shift_pa`; never rising."""
        over_pa = outlet_pa - self.set_pa + shift_pa
        if over_pa >= 0.0:
            opening = OPEN_AT_SET * max(0.0, 1.0 - over_pa / self.lockup_pa)
        else:
            opening = min(1.0, OPEN_AT_SET - (1.0 - OPEN_AT_SET) * over_pa / self.droop_pa)
        return opening * self.capacity_m3_h


@dataclass(frozen=True, slots=True)
class Station:
    """Regulators in parallel, the main one first, the standby with the lower set pressure."""

    name: str
    regulators: tuple[Regulator, ...]
    inlet_pa: float  # at no load
    inlet_droop_pa: float  # at full capacity of the main one
    stiffness_pa_m3: float = 40_000.0

    def __post_init__(self) -> None:
        """Raises ValueError where it is no station: the standby must stay closed by itself."""
        sets = [regulator.closed_pa for regulator in self.regulators]
        if not 1 <= len(sets) <= 2:
            raise ValueError(f"{self.name}: a station has one or two regulators, not {len(sets)}")
        main = self.regulators[0]
        if len(sets) == 2 and sets[1] >= main.set_pa - main.droop_pa:
            raise ValueError(f"{self.name}: the standby would work along with the main regulator")
        for regulator in self.regulators:
            if regulator.slam_pa <= main.closed_pa:
                raise ValueError(f"{self.name}: a slam-shut below the lock-up trips by itself")


class StationState(NamedTuple):
    """Outlet, inlet, what each regulator passes, and which slam-shuts have closed."""

    outlet_pa: float
    inlet_pa: float
    passed_m3_h: tuple[float, ...]
    shut: tuple[bool, ...]
    elapsed_s: float = 0.0

    @property
    def standby_active(self) -> bool:
        return len(self.passed_m3_h) > 1 and self.passed_m3_h[1] > 0.0


class Inputs(NamedTuple):
    """What comes from outside in one step; `modes` and `reset` one for each regulator.

    A slam-shut is reset by hand, and stays open only where the outlet is below its trip pressure.
    """

    drawn_m3_h: float
    modes: tuple[Mode, ...] = (Mode.SOUND, Mode.SOUND)
    reset: tuple[bool, ...] = (False, False)


class _Line(NamedTuple):
    """One regulator that is not shut off, in one step."""

    number: int
    regulator: Regulator
    mode: Mode
    shift_pa: float  # how far its set pressure is down

    def passes(self, outlet_pa: float, inlet_pa: float) -> float:
        """m3/h; never more at a higher outlet, and nothing against the pressure."""
        if outlet_pa >= inlet_pa:
            return 0.0
        drive = min(1.0, (inlet_pa - outlet_pa) / (_FULL_DRIVE * inlet_pa))
        if self.mode is Mode.FAILED_OPEN:
            return drive * self.regulator.capacity_m3_h
        leak = self.regulator.leak_m3_h if self.mode is Mode.LEAKING else 0.0
        return drive * (self.regulator.passes(outlet_pa, self.shift_pa) + leak)


def at_rest(station: Station) -> StationState:
    """Nothing flows: the outlet stands at the main regulator's lock-up pressure."""
    count = len(station.regulators)
    outlet_pa = station.regulators[0].closed_pa
    return StationState(outlet_pa, station.inlet_pa, (0.0,) * count, (False,) * count)


def station_step(
    station: Station, state: StationState, inputs: Inputs, duration_s: float
) -> StationState:
    """The station `duration_s` later."""
    elapsed_s = state.elapsed_s + duration_s
    load = sum(state.passed_m3_h) / station.regulators[0].capacity_m3_h
    inlet_pa = max(0.0, station.inlet_pa - station.inlet_droop_pa * load * load)
    closed = tuple(
        shut and not (inputs.reset[n] and state.outlet_pa < station.regulators[n].slam_pa)
        for n, shut in enumerate(state.shut)
    )
    lines = [
        _Line(n, regulator, inputs.modes[n], _shift_pa(regulator, inputs.modes[n], elapsed_s))
        for n, regulator in enumerate(station.regulators)
        if not closed[n]
    ]
    gain = station.stiffness_pa_m3 * duration_s / _S_PER_H
    supplied_pa = state.outlet_pa - gain * inputs.drawn_m3_h

    def excess(outlet_pa: float) -> float:
        """Rises with the outlet; 0 where the step ends."""
        return outlet_pa - supplied_pa - gain * sum(x.passes(outlet_pa, inlet_pa) for x in lines)

    outlet_pa = _root(excess, max(0.0, supplied_pa), max(state.outlet_pa, inlet_pa))
    passed = [0.0] * len(station.regulators)
    for line in lines:
        passed[line.number] = line.passes(outlet_pa, inlet_pa)
    shut = tuple(
        closed[n] or outlet_pa >= regulator.slam_pa
        for n, regulator in enumerate(station.regulators)
    )
    return StationState(outlet_pa, inlet_pa, tuple(passed), shut, elapsed_s)


def _shift_pa(regulator: Regulator, mode: Mode, elapsed_s: float) -> float:
    """A relaxed spring and a swinging pilot only lower the set pressure: both still lock up."""
    if mode is Mode.DRIFTED:
        return regulator.drift_pa
    if mode is Mode.HUNTING:
        return regulator.hunting_pa * (1 + math.sin(2 * math.pi * elapsed_s / regulator.hunting_s))
    return 0.0


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function passes 0, by halving; the end where it does not."""
    while high - low > _PRECISION_PA:
        middle = (low + high) / 2
        if rising(middle) > 0.0:
            high = middle
        else:
            low = middle
    return low


class Contact(StrEnum):
    """Contacts that people move, not the gas."""

    BYPASS = "bypass"
    DOOR = "door"


_TROUBLES: Final = (Mode.HUNTING, Mode.LEAKING, Mode.FAILED_OPEN, Mode.DRIFTED)


class Episode(NamedTuple):
    """Something that is not as it should be, for a while."""

    begin_s: float
    end_s: float
    what: Mode | Contact
    regulator: int = 0


@dataclass(frozen=True, slots=True)
class Script:
    """What happens at a station: episodes by the time since its start, over and over."""

    episodes: tuple[Episode, ...]
    span_s: float

    @classmethod
    def seeded(cls, seed: int, name: str, span_s: float) -> Script:
        """Each thing that can happen once in the span, one after the other, in a drawn order."""
        rng = random.Random(f"{seed}/{name}")
        things: list[Mode | Contact] = [*_TROUBLES, *Contact]
        rng.shuffle(things)
        slot_s = span_s / len(things)
        episodes = []
        for n, what in enumerate(things):
            begin_s = slot_s * (n + rng.uniform(0.1, 0.3))
            episodes.append(Episode(begin_s, begin_s + slot_s * rng.uniform(0.3, 0.5), what))
        return cls(tuple(episodes), span_s)

    def now(self, elapsed_s: float) -> tuple[Episode, ...]:
        """The episodes that go on at this instant."""
        at_s = elapsed_s % self.span_s
        return tuple(item for item in self.episodes if item.begin_s <= at_s < item.end_s)

    def inputs(self, elapsed_s: float, drawn_m3_h: float) -> Inputs:
        """Modes of both regulators; a slam-shut is reset when nothing goes on any more."""
        modes = [Mode.SOUND, Mode.SOUND]
        going_on = self.now(elapsed_s)
        for episode in going_on:
            if isinstance(episode.what, Mode):
                modes[episode.regulator] = episode.what
        calm = all(mode is Mode.SOUND for mode in modes)
        return Inputs(drawn_m3_h, tuple(modes), (calm, calm))

    def is_open(self, contact: Contact, elapsed_s: float) -> bool:
        """Whether a contact has left its normal state."""
        return any(episode.what is contact for episode in self.now(elapsed_s))
