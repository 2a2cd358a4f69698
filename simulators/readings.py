"""What each type of instrument shows of the plant, point by point, in the point's own unit.

A transmitter has a little noise of its own: a pure function of seed, serial number, point and tick,
so that two readings within one measurement cycle agree.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from simulators.instrument import Reading
from simulators.moment import Moment, RunMoment, StationMoment
from simulators.physics import LineState

PA_PER_BAR: Final = 100_000.0
PA_PER_PSI: Final = 6894.757293168  # NIST SP 811: pound-force per square inch
ZERO_CELSIUS_K: Final = 273.15
_PIPE_AREA_M2: Final = 0.0177  # DN 150
_SP_UNIT_PSI: Final = 5
_DP_UNIT_INH2O: Final = 1
_PRESSURE_NOISE_PA: Final = 4.0  # one standard deviation
_TEMPERATURE_NOISE_K: Final = 0.003


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise of one instrument."""

    seed: int
    serial: str

    def of(self, point: str, tick: int, deviation: float) -> float:
        """A normal deviate, the same for the same point and tick."""
        rng = random.Random(f"{self.seed}/{self.serial}/{point}/{tick}")
        return rng.gauss(0.0, deviation)


@dataclass(frozen=True, slots=True)
class Index:
    """A meter's index: start in counts at the plant's start, resolution 10**exponent m3."""

    start_counts: int
    exponent: int
    modulus: int

    def __post_init__(self) -> None:
        """Raises ValueError for a resolution finer than the plant's own unit, 1e-9 m3."""
        if not -9 <= self.exponent <= 3:
            raise ValueError(f"index exponent {self.exponent}: must be -9..3")
        if not 0 <= self.start_counts < self.modulus:
            raise ValueError(f"index start {self.start_counts}: must be 0..{self.modulus - 1}")

    @property
    def count_mm3(self) -> int:
        """One count in 1e-9 m3."""
        return int(10 ** (9 + self.exponent))

    def unwrapped(self, volume_mm3: int) -> int:
        """Counts after a volume since the start, not wrapped at the modulus."""
        return self.start_counts + volume_mm3 // self.count_mm3


def flowsic500(run: str, line: Index, base: Index, noise: Noise) -> Mapping[str, Reading]:
    """SICK FLOWSIC500: line and base index, error totals, flows, its own P, T and conversion."""

    def of(moment: Moment) -> RunMoment:
        return moment.runs[run]

    def flow(moment: Moment) -> float:
        return of(moment).state.flow_m3_h

    def base_flow(moment: Moment) -> float:
        return flow(moment) * of(moment).conversion_factor

    def velocity(moment: Moment) -> float:
        return flow(moment) / 3600.0 / _PIPE_AREA_M2

    def speed_of_sound(moment: Moment) -> float:
        return 410.0 + 0.6 * (of(moment).state.temperature_k - ZERO_CELSIUS_K)

    def pressure(moment: Moment) -> float:
        return _pressure_pa(of(moment).state, noise, moment) / PA_PER_BAR

    def celsius(moment: Moment) -> float:
        return _temperature_k(of(moment).state, noise, moment) - ZERO_CELSIUS_K

    return {
        "firmware_version": lambda _: 2,
        "serial_number": lambda _: int(noise.serial),
        "resolution_vm": lambda _: line.exponent,
        "resolution_vb": lambda _: base.exponent,
        "vm": lambda m: line.unwrapped(of(m).line_mm3) % line.modulus,
        "vm_err": lambda _: 17,
        "vb": lambda m: base.unwrapped(of(m).base_mm3) % base.modulus,
        "vb_err": lambda _: 63,
        "vb_total": lambda m: (base.unwrapped(of(m).base_mm3) + 63) % base.modulus,
        "unix_timestamp": lambda m: m.utc_ms // 1000,
        "flow_actual": flow,
        "flow_base": base_flow,
        "conversion_factor": lambda m: of(m).conversion_factor,
        "compressibility": lambda m: of(m).z_line,
        "gas_velocity": velocity,
        "speed_of_sound": speed_of_sound,
        "pressure": pressure,
        "temperature": celsius,
        "custom_flow": flow,
        "custom_base_flow": base_flow,
        "custom_velocity": velocity,
        "custom_sos": speed_of_sound,
        "custom_pressure": pressure,
        "custom_temperature": celsius,
    }


def keller_on_run(run: str, atmosphere_pa: float, noise: Noise) -> Mapping[str, Reading]:
    """KELLER 33X, gauge version, at a meter run: P1 in bar, and the sensor's temperature."""

    def gauge_pa(moment: Moment) -> float:
        return _pressure_pa(moment.runs[run].state, noise, moment) - atmosphere_pa

    return _keller(gauge_pa, lambda m: _temperature_k(m.runs[run].state, noise, m) - ZERO_CELSIUS_K)


def keller_at_outlet(regulator: str, noise: Noise) -> Mapping[str, Reading]:
    """KELLER 33X, gauge version, at a regulator's outlet."""

    def gauge_pa(moment: Moment) -> float:
        deviation = noise.of("p", moment.tick, _PRESSURE_NOISE_PA)
        return moment.outlets_pa_gauge[regulator] + deviation

    return _keller(gauge_pa, lambda m: 18.0 + noise.of("t", m.tick, _TEMPERATURE_NOISE_K))


def keller_at_inlet(station: str, noise: Noise) -> Mapping[str, Reading]:
    """KELLER 33X, gauge version, in front of a regulator station."""

    def gauge_pa(moment: Moment) -> float:
        deviation = noise.of("p", moment.tick, _PRESSURE_NOISE_PA)
        return moment.stations[station].inlet_pa_gauge + deviation

    return _keller(gauge_pa, lambda m: 12.0 + noise.of("t", m.tick, _TEMPERATURE_NOISE_K))


def station_contacts(station: str) -> Mapping[str, Reading]:
    """An input module: slam-shut of main and standby, bypass, and a door that shows 1 if closed."""

    def of(shown: Callable[[StationMoment], bool]) -> Reading:
        return lambda moment: int(shown(moment.stations[station]))

    return {
        "input_1": of(lambda now: now.shut[0]),
        "input_2": of(lambda now: now.shut[-1] and len(now.shut) > 1),
        "input_3": of(lambda now: now.bypass_open),
        "input_4": of(lambda now: not now.door_open),
    }


def rosemount_3095fb(run: str, noise: Noise) -> Mapping[str, Reading]:
    """Rosemount 3095FB at a meter run: absolute pressure in psi, temperature in °F."""

    def psi(moment: Moment) -> float:
        return _pressure_pa(moment.runs[run].state, noise, moment) / PA_PER_PSI

    def fahrenheit(moment: Moment) -> float:
        return (_temperature_k(moment.runs[run].state, noise, moment) - ZERO_CELSIUS_K) * 1.8 + 32.0

    return {
        "static_pressure": psi,
        "process_temperature": fahrenheit,
        "sp_unit": lambda _: _SP_UNIT_PSI,
        "dp_unit": lambda _: _DP_UNIT_INH2O,
    }


def _keller(gauge_pa: Reading, celsius: Reading) -> Mapping[str, Reading]:
    def bar(moment: Moment) -> float:
        return (gauge_pa(moment) or 0.0) / PA_PER_BAR

    def millibar(moment: Moment) -> float:
        return bar(moment) * 1000.0

    return {
        "p1_f32": bar,
        "p1_alt": bar,
        "p1_i32": millibar,
        "tob1_f32": celsius,
        "tob1_alt": celsius,
        "tob1_i32": celsius,
        "p1_gain": lambda _: 1.0,
    }


def _pressure_pa(state: LineState, noise: Noise, moment: Moment) -> float:
    return state.pressure_pa + noise.of("p", moment.tick, _PRESSURE_NOISE_PA)


def _temperature_k(state: LineState, noise: Noise, moment: Moment) -> float:
    return state.temperature_k + noise.of("t", moment.tick, _TEMPERATURE_NOISE_K)
