"""Two seeded series of scans, to count bytes with: fixed before any codec was written.

Eight meter runs, twelve named fields each, one scan each 10 s. ``display`` moves in steps of what
an instrument's display resolves; ``noisy`` carries noise down to the last bit of a float32.
Nothing may be tuned here to please a codec: a change makes every published figure void.
"""

import math
import random
import struct
from collections.abc import Iterator
from typing import Literal, NamedTuple

RUNS = 8
PERIOD_MS = 10_000
FIELDS = (
    ("vm", "u32"), ("vm_err", "u32"), ("vb", "u32"), ("vb_err", "u32"),
    ("flow_actual", "f32"), ("flow_base", "f32"), ("pressure", "f32"), ("temperature", "f32"),
    ("conversion_factor", "f32"), ("compressibility", "f32"), ("gas_velocity", "f32"),
    ("speed_of_sound", "f32"),
)  # fmt: skip
# What the display shows of each float: m3/h, m3/h, bar, degC, -, -, m/s, m/s.
_STEP = (0.1, 0.1, 0.001, 0.01, 0.0001, 0.0001, 0.01, 0.1)
# One standard deviation of the instrument's noise, in the same units.
_NOISE = (0.8, 3.2, 0.0004, 0.004, 0.0005, 0.00005, 0.02, 0.05)


class SeriesScan(NamedTuple):
    """One scan: run 0..7, instants in ms, and twelve raw registers in the order of ``FIELDS``."""

    run: int
    mono_ms: int
    utc_ms: int
    raw: tuple[int, ...]


def f32_bits(value: float) -> int:
    """The 32-bit pattern of a value rounded to float32."""
    bits: int = struct.unpack(">I", struct.pack(">f", value))[0]
    return bits


def series(kind: Literal["display", "noisy"], seed: int, rounds: int) -> Iterator[SeriesScan]:
    """Yield ``rounds`` rounds of eight scans; the same seed gives the same bytes everywhere."""
    rng = random.Random(seed)
    level = [rng.uniform(0.3, 0.9) for _ in range(RUNS)]
    phase = [rng.uniform(0.0, 2 * math.pi) for _ in range(RUNS)]
    volume = [rng.uniform(1e4, 9e4) for _ in range(RUNS)]
    base_volume = [4.5 * v for v in volume]
    start_utc_ms = 1_790_000_000_000
    for n in range(rounds):
        for run in range(RUNS):
            offset_ms = 110 * run + rng.randrange(0, 7)  # a bus takes its time, and jitters
            hours = n * PERIOD_MS / 3_600_000
            level[run] = min(1.0, max(0.05, level[run] + rng.gauss(0.0, 0.003)))
            flow = 650.0 * level[run] * (1.0 + 0.1 * math.sin(phase[run] + hours))
            pressure = 4.2 - 0.15 * level[run] + 0.02 * math.sin(phase[run] + 0.7 * hours)
            temperature = 14.0 + 3.0 * math.sin(phase[run] + hours / 4)
            z = 1.0 - 0.0021 * pressure
            factor = pressure / 1.01325 * 293.15 / (temperature + 273.15) / z
            volume[run] += flow * PERIOD_MS / 3_600_000
            base_volume[run] += flow * factor * PERIOD_MS / 3_600_000
            true = (
                flow, flow * factor, pressure, temperature, factor, z,
                flow / 113.0, 410.0 + temperature / 2,
            )  # fmt: skip
            if kind == "display":
                shown = tuple(round(v / step) * step for v, step in zip(true, _STEP, strict=True))
            else:
                shown = tuple(rng.gauss(v, sigma) for v, sigma in zip(true, _NOISE, strict=True))
            raw = (int(volume[run] * 1000), 17, int(base_volume[run] * 1000), 63)
            mono_ms = 5_000_000 + n * PERIOD_MS + offset_ms
            yield SeriesScan(
                run, mono_ms, start_utc_ms + mono_ms, raw + tuple(f32_bits(v) for v in shown)
            )
