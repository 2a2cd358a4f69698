"""P, T, gas, Z and C of one meter scan: the latest good readings, or the substitutes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from protocols.metering.analysis import analysed
from protocols.metering.carry import E9, Carry, Reading
from protocols.metering.conversion import Factor, NotConverged, OutOfRange
from protocols.metering.instant import Instant
from protocols.metering.method import factor_at
from protocols.metering.quality import Flag, is_good
from protocols.metering.run_config import RunConfig, Source
from protocols.metering.run_config_faults import faults
from protocols.metering.scan import Scan
from protocols.metering.units import UnitError, to_kelvin, to_pascal


class Conditions(NamedTuple):
    """What an increment is converted with: 0.1 Pa absolute, mK, Z and C in 1e-9, Hs in J/m3.

    `flags` says what is not measured; 0 is the only value that leads to the main counter.
    `reasons` says why, by flag.
    """

    p_dpa: int
    t_mk: int
    z_e9: int
    c_e9: int
    hs_j_m3: int
    flags: Flag = Flag(0)
    reasons: tuple[tuple[Flag, str], ...] = ()

    @property
    def shown(self) -> tuple[int, int, int, int, int]:
        """What a record shows where nothing flowed."""
        return self[:5]


class _Missing(NamedTuple):
    """Why a quantity has no value now."""

    reason: str


def sense(config: RunConfig, carry: Carry, scan: Scan) -> Carry:
    """The carry after a scan of any device of the run: its seq is taken, its values remembered.

    A poll without an answer leaves the older reading to its age. An answer that is no value (NaN,
    unknown unit) ends it at once. A gauge pressure is kept as shown: the atmosphere may move.
    """
    carry = carry._replace(next_seq=scan.seq + 1)
    if not is_good(scan.quality):
        return carry
    source = config.pressure
    if _answers(source, scan):
        carry = carry._replace(pressure=_read(source, scan, _dpa, carry.pressure))
    source = config.temperature
    if _answers(source, scan):
        carry = carry._replace(temperature=_read(source, scan, _mk, carry.temperature))
    if config.barometer is not None and _answers(config.barometer, scan):
        carry = carry._replace(atmosphere=_read(config.barometer, scan, _dpa, carry.atmosphere))
    if config.gas_source is not None and scan.serial == config.gas_source.serial:
        carry = carry._replace(gas=analysed(config, scan) or carry.gas)
    return carry


def same_gas(before: Carry, after: Carry) -> bool:
    """Both convert with the same gas: an interval has one gas only."""
    if before.gas is None or after.gas is None:
        return before.gas is after.gas
    return before.gas.composition == after.gas.composition


def _answers(source: Source, scan: Scan) -> bool:
    return scan.serial == source.serial and source.point in scan.values


def _dpa(number: float, unit: str) -> int:
    return round(to_pascal(number, unit) * 10)


def _mk(number: float, unit: str) -> int:
    return round(to_kelvin(number, unit) * 1000)


def _read(
    source: Source, scan: Scan, to_integer: Callable[[float, str], int], before: Reading | None
) -> Reading | None:
    number, unit = scan.values[source.point]
    if number is None or not math.isfinite(number):
        return None
    try:
        value = to_integer(number, unit)
    except (UnitError, OverflowError):
        return None
    if not abs(value) < 2**62:
        return None
    at = scan.instant
    same = before is not None and (before.value, before.boot_no) == (value, at.boot_no)
    since_ms = before.since_ms if before is not None and same else at.mono_ms
    return Reading(value, at.boot_no, at.mono_ms, since_ms)


def conditions_at(config: RunConfig, carry: Carry, instant: Instant) -> Conditions:
    """P, T and gas valid at this instant, and Z and C by the configured method, rounded once.

    Where the method refuses them, the substitutes are taken (EN 12405-1: then the increment does
    not go to the main counter). Raises ValueError where it refuses even those: `faults()` of the
    configuration says so beforehand.
    """
    reasons: list[tuple[Flag, str]] = []
    p_dpa = _pressure(config, carry, instant, reasons)
    t_mk = _temperature(config, carry, instant, reasons)
    composition, hs_j_m3 = _gas(config, carry, instant, reasons)
    factor = factor_at(config, composition, p_dpa, t_mk)
    if not isinstance(factor, Factor):
        reasons.append((Flag.Z_OUT_OF_RANGE, f"{config.method} refuses P and T: {factor}"))
        p_dpa, t_mk = config.pressure.substitute, config.temperature.substitute
        factor = _substituted(config, composition)
    z_e9, c_e9 = round(factor.z_line * E9), round(factor.conversion_factor * E9)
    flags = Flag(0)
    for flag, _reason in reasons:
        flags |= flag
    return Conditions(p_dpa, t_mk, z_e9, c_e9, hs_j_m3, flags, tuple(reasons))


def _substituted(config: RunConfig, composition: tuple[int, ...]) -> Factor:
    """With the substitutes of P and T, and where even so the gas is refused, with the file's."""
    at = (config.pressure.substitute, config.temperature.substitute)
    factor: Factor | OutOfRange | NotConverged = factor_at(config, composition, *at)
    if not isinstance(factor, Factor):
        factor = factor_at(config, config.gas.composition, *at)
    if not isinstance(factor, Factor):
        raise ValueError(  # noqa: TRY004 - a value, not a type
            f"run {config.run!r} is not usable: {'; '.join(faults(config))}"
        )
    return factor


def _pressure(
    config: RunConfig, carry: Carry, instant: Instant, reasons: list[tuple[Flag, str]]
) -> int:
    source = config.pressure
    if source.is_fixed:
        return source.substitute
    above = 0
    if source.gauge:
        above = config.atmosphere_dpa
        if config.barometer is not None:
            measured = _valid(config, config.barometer, carry.atmosphere, instant, 0)
            if isinstance(measured, _Missing):
                reasons.append((Flag.SUBSTITUTE_ATMOSPHERE, measured.reason))
            else:
                above = measured
    value = _valid(config, source, carry.pressure, instant, above)
    if isinstance(value, _Missing):
        reasons.append((Flag.SUBSTITUTE_PRESSURE, value.reason))
        return source.substitute
    return value


def _temperature(
    config: RunConfig, carry: Carry, instant: Instant, reasons: list[tuple[Flag, str]]
) -> int:
    source = config.temperature
    if source.is_fixed:
        return source.substitute
    value = _valid(config, source, carry.temperature, instant, 0)
    if isinstance(value, _Missing):
        reasons.append((Flag.SUBSTITUTE_TEMPERATURE, value.reason))
        return source.substitute
    return value


def _gas(
    config: RunConfig, carry: Carry, instant: Instant, reasons: list[tuple[Flag, str]]
) -> tuple[tuple[int, ...], int]:
    """Composition and superior heating value in force."""
    source, analysis = config.gas_source, carry.gas
    if source is None:
        return config.gas.composition, config.gas.superior_j_m3
    if analysis is None:
        reasons.append((Flag.SUBSTITUTE_GAS, f"no analysis of {source.serial} yet"))
        return config.gas.composition, config.gas.superior_j_m3
    fresh = analysis.boot_no == instant.boot_no
    if not fresh or abs(instant.mono_ms - analysis.mono_ms) > source.stale_ms:
        reason = f"no good analysis of {source.serial} for {source.stale_ms} ms"
        reasons.append((Flag.SUBSTITUTE_GAS, reason))
    return analysis.composition, analysis.hs_j_m3


def _valid(
    config: RunConfig, source: Source, reading: Reading | None, instant: Instant, above: int
) -> int | _Missing:
    """The reading's value, absolute, if it belongs to this instant and can be believed.

    Two buses deliver into one queue, so a reading may be a little younger than the meter scan.
    """
    old = f"no good reading not older than {config.stale_ms} ms from {source.serial}"
    if reading is None or reading.boot_no != instant.boot_no:
        return _Missing(old)
    if abs(instant.mono_ms - reading.mono_ms) > config.stale_ms:
        return _Missing(old)
    value = reading.value + above
    if not source.low <= value <= source.high:
        return _Missing(
            f"{source.serial} reads {value}, outside {source.low}..{source.high} of its range"
        )
    if source.frozen_ms and reading.mono_ms - reading.since_ms >= source.frozen_ms:
        return _Missing(f"{source.serial} has not moved for {source.frozen_ms} ms")
    return value
