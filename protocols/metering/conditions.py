"""P, T, Z and C of one meter scan: the latest good readings, or the substitutes."""

from __future__ import annotations

import math
from typing import NamedTuple

from protocols.metering.carry import E9, Carry, Reading
from protocols.metering.conversion import Factor, NotConverged, OutOfRange, convert
from protocols.metering.instant import Instant
from protocols.metering.quality import Flag, is_good
from protocols.metering.run_config import RunConfig, Source
from protocols.metering.run_config_faults import base_of, faults, method_of
from protocols.metering.scan import Scan
from protocols.metering.units import UnitError, to_kelvin, to_pascal


class Conditions(NamedTuple):
    """What an increment is converted with: 0.1 Pa absolute, mK, Z and C in 1e-9.

    `flags` says what is not measured; 0 is the only value that leads to the main counter.
    """

    p_dpa: int
    t_mk: int
    z_e9: int
    c_e9: int
    flags: Flag
    refusal: str = ""  # why the method refused the readings


def sense(config: RunConfig, carry: Carry, scan: Scan) -> Carry:
    """The carry after a scan of any device of the run: its seq is taken, its P and T remembered.

    A poll without an answer leaves the older reading to its age. An answer that is no value (NaN,
    outside the transmitter's range, unknown unit) ends it at once.
    """
    carry = carry._replace(next_seq=scan.seq + 1)
    if not is_good(scan.quality):
        return carry
    if _answers(config.pressure, scan):
        carry = carry._replace(
            pressure=_reading(config.pressure, scan, _pressure_dpa(config, scan))
        )
    if _answers(config.temperature, scan):
        value = _temperature_mk(config, scan)
        carry = carry._replace(temperature=_reading(config.temperature, scan, value))
    return carry


def _answers(source: Source, scan: Scan) -> bool:
    return scan.serial == source.serial and source.point in scan.values


def _pressure_dpa(config: RunConfig, scan: Scan) -> int | None:
    number, unit = scan.values[config.pressure.point]
    if number is None or not math.isfinite(number):
        return None
    try:
        shown = round(to_pascal(number, unit) * 10)
    except (UnitError, OverflowError):
        return None
    return shown + config.atmosphere_dpa if config.pressure.gauge else shown


def _temperature_mk(config: RunConfig, scan: Scan) -> int | None:
    number, unit = scan.values[config.temperature.point]
    if number is None or not math.isfinite(number):
        return None
    try:
        return round(to_kelvin(number, unit) * 1000)
    except (UnitError, OverflowError):
        return None


def _reading(source: Source, scan: Scan, value: int | None) -> Reading | None:
    if value is None or not source.low <= value <= source.high:
        return None
    return Reading(value, scan.instant.boot_no, scan.instant.mono_ms)


def conditions_at(config: RunConfig, carry: Carry, instant: Instant) -> Conditions:
    """P and T valid at this instant, and Z and C by the configured method, rounded once.

    Where the method refuses them, the substitutes are taken (EN 12405-1: then the increment does
    not go to the main counter). Raises ValueError where it refuses even those: `faults()` of the
    configuration says so beforehand.
    """
    flags = Flag(0)
    p_dpa = _fresh(carry.pressure, instant, config.stale_ms)
    if p_dpa is None:
        p_dpa, flags = config.pressure.substitute, flags | Flag.SUBSTITUTE_PRESSURE
    t_mk = _fresh(carry.temperature, instant, config.stale_ms)
    if t_mk is None:
        t_mk, flags = config.temperature.substitute, flags | Flag.SUBSTITUTE_TEMPERATURE
    refusal = ""
    factor = _factor(config, p_dpa, t_mk)
    if not isinstance(factor, Factor):
        flags, refusal = flags | Flag.Z_OUT_OF_RANGE, str(factor)
        p_dpa, t_mk = config.pressure.substitute, config.temperature.substitute
        factor = _factor(config, p_dpa, t_mk)
    if not isinstance(factor, Factor):
        raise ValueError(  # noqa: TRY004
            f"run {config.run!r} is not usable: {'; '.join(faults(config))}"
        )
    z_e9, c_e9 = round(factor.z_line * E9), round(factor.conversion_factor * E9)
    return Conditions(p_dpa, t_mk, z_e9, c_e9, flags, refusal)


def _fresh(reading: Reading | None, instant: Instant, stale_ms: int) -> int | None:
    """The reading's value if it belongs to this instant.

    Two buses deliver into one queue, so a reading may be a little younger than the meter scan.
    """
    if reading is None or reading.boot_no != instant.boot_no:
        return None
    return reading.value if abs(instant.mono_ms - reading.mono_ms) <= stale_ms else None


def _factor(config: RunConfig, p_dpa: int, t_mk: int) -> Factor | OutOfRange | NotConverged:
    return convert(method_of(config), p_dpa / 10, t_mk / 1000, base_of(config))
