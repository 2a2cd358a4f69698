"""What the plant does by itself: load over the day, and line pressure and temperature that follow.

Pure functions of the elapsed time. Only the load curve is compressed (`day_s` of wall time is one
day of the customer); flows and volumes run at wall speed.
"""

import math
import random
from dataclasses import dataclass
from typing import Final, NamedTuple

HOURS_A_DAY: Final = 24.0
_MORNING_H: Final = 7.5
_EVENING_H: Final = 19.0
_AFTERNOON_H: Final = 15.0


class LineState(NamedTuple):
    """What flows at one instant: line flow, absolute line pressure, line temperature."""

    flow_m3_h: float
    pressure_pa: float
    temperature_k: float


@dataclass(frozen=True, slots=True)
class LoadCurve:
    """A customer's load, 0..1: night level, a morning and an evening peak, slow ripple.

    `ripple` are (cycles a day, amplitude, phase); their amplitudes sum to at most 0.05.
    """

    day_s: float
    start_h: float
    ripple: tuple[tuple[float, float, float], ...]

    @classmethod
    def seeded(cls, seed: int, name: str, day_s: float, start_h: float) -> "LoadCurve":
        """The same seed and name give the same curve."""
        rng = random.Random(f"{seed}/{name}")
        ripple = tuple(
            (rng.uniform(3.0, 9.0), rng.uniform(0.005, 0.0125), rng.uniform(0.0, 2 * math.pi))
            for _ in range(4)
        )
        return cls(day_s, start_h, ripple)

    def hour(self, elapsed_s: float) -> float:
        """The customer's hour of the day, 0..24."""
        return (self.start_h + elapsed_s / self.day_s * HOURS_A_DAY) % HOURS_A_DAY

    def level(self, elapsed_s: float) -> float:
        """Load as a fraction of the customer's span, within 0..1."""
        hour = self.hour(elapsed_s)
        level = 0.2 + 0.55 * _bump(hour, _MORNING_H) + 0.5 * _bump(hour, _EVENING_H)
        days = elapsed_s / self.day_s
        level += sum(a * math.sin(2 * math.pi * cycles * days + p) for cycles, a, p in self.ripple)
        return min(1.0, max(0.0, level))


@dataclass(frozen=True, slots=True)
class RunPhysics:
    """One meter run: flow between two bounds by the load; pressure droops, gas cools with flow."""

    load: LoadCurve
    flow_low_m3_h: float
    flow_high_m3_h: float
    pressure_pa: float  # absolute, at no load
    droop_pa: float  # at full load
    temperature_k: float  # the day's mean, at no load
    swing_k: float  # half of the day's span
    cooling_k: float  # at full load

    def state(self, elapsed_s: float) -> LineState:
        """The line at `elapsed_s` after the plant's start."""
        level = self.load.level(elapsed_s)
        day = math.cos(2 * math.pi * (self.load.hour(elapsed_s) - _AFTERNOON_H) / HOURS_A_DAY)
        return LineState(
            self.flow_low_m3_h + (self.flow_high_m3_h - self.flow_low_m3_h) * level,
            droop(self.pressure_pa, self.droop_pa, level),
            self.temperature_k + self.swing_k * day - self.cooling_k * level,
        )


def droop(no_load_pa: float, full_load_droop_pa: float, level: float) -> float:
    """Outlet pressure of a spring-loaded regulator: part of the droop is the spring's (linear in
    the opening), part the friction of the pipe behind it (square of the flow). Pa, as given."""
    return no_load_pa - full_load_droop_pa * (0.5 * level + 0.5 * level * level)


def line_volume_mm3(flow_m3_h: float, duration_ns: int) -> int:
    """Volume of a constant flow, rounded to 1e-9 m3 (1 mm3): m3/h x ns / 3600."""
    return round(flow_m3_h * duration_ns / 3600.0)


def _bump(hour: float, centre_h: float) -> float:
    """1 at the centre, near 0 some three hours away, smooth over midnight."""
    return math.exp(8.0 * (math.cos(2 * math.pi * (hour - centre_h) / HOURS_A_DAY) - 1.0))
