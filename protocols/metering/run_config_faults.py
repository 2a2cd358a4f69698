"""What makes a run configuration unusable; every fault at once, each with its remedy."""

from __future__ import annotations

from protocols.metering.body import BodyError
from protocols.metering.carry import MAX_TOTALS
from protocols.metering.conversion import (
    PT,
    BaseConditions,
    Factor,
    FixedK,
    Method,
    Sgerg88,
    SgergGas,
    convert,
)
from protocols.metering.gas_day import GasDayError, zone_of
from protocols.metering.index import flow_bound
from protocols.metering.run_config import RunConfig, Source

METHODS = ("PT", "fixed-K", "SGERG-88")
EXPONENTS = (-6, 3)  # a count of whole cm3 up to 1000 m3
MOST_CM3 = 10**16  # 10^10 m3: more than any index shows, and volumes stay far inside 64 bits
MOST_L_H = 10**9
INTERVAL_MS = (1_000, 3_600_000)
ATMOSPHERE_DPA = (300_000, 1_200_000)  # 30 kPa: the highest town; 120 kPa: the deepest mine
PRESSURE_DPA = (1, 150_000_000)  # 15 MPa
BASE_PRESSURE_DPA = (500_000, 2_000_000)
BASE_TEMPERATURE_MK = (223_150, 373_150)
TEMPERATURE_MK = (200_000, 1_000_000)
K_E9 = (500_000_000, 1_500_000_000)
NAME_CHARACTERS = 64


def faults(config: RunConfig) -> list[str]:
    """Every fault of the configuration; an empty list says that it can be used."""
    return [
        *_name_faults(config),
        *_total_faults(config),
        *_range_faults(config),
        *_source_faults("pressure", config.pressure, PRESSURE_DPA),
        *_source_faults("temperature", config.temperature, TEMPERATURE_MK),
        *_conversion_faults(config),
    ]


def parse_run_config(body: object) -> RunConfig:
    """The configuration of a body, strict and usable; raises BodyError with every fault."""
    config = RunConfig.from_body(body)
    if found := faults(config):
        raise BodyError(f"run configuration {config.run!r}: {'; '.join(found)}")
    return config


def method_of(config: RunConfig) -> Method:
    """The conversion method with its parameters. Raises ValueError where the name is unknown."""
    if config.method == "PT":
        return PT()
    if config.method == "fixed-K":
        return FixedK(config.k_e9 / 1e9)
    if config.method == "SGERG-88":
        fractions = (config.d_e9 / 1e9, config.x_co2_e9 / 1e9, config.x_h2_e9 / 1e9)
        return Sgerg88(SgergGas(config.hs_j_m3 / 1e6, *fractions))
    raise ValueError(f"method {config.method!r} is unknown; one of {', '.join(METHODS)}")


def base_of(config: RunConfig) -> BaseConditions:
    """The base conditions in Pa and K."""
    return BaseConditions(config.base_pressure_dpa / 10, config.base_temperature_mk / 1000)


def _name_faults(config: RunConfig) -> list[str]:
    names = {
        "run": config.run,
        "meter_serial": config.meter_serial,
        "pressure.serial": config.pressure.serial,
        "pressure.point": config.pressure.point,
        "temperature.serial": config.temperature.serial,
        "temperature.point": config.temperature.point,
    }
    found = [
        f"{field} has {len(name)} characters; give it 1 to {NAME_CHARACTERS}"
        for field, name in names.items()
        if not 1 <= len(name) <= NAME_CHARACTERS
    ]
    try:
        zone_of(config.zone)
    except GasDayError as error:
        found.append(f"zone: {error}")
    return found


def _total_faults(config: RunConfig) -> list[str]:
    found = []
    lines = sum(total.role == "line" for total in config.totals)
    if lines != 1:
        found.append(f"totals has {lines} line totals; a run needs exactly one")
    if len(config.totals) > MAX_TOTALS:
        found.append(f"totals has {len(config.totals)} entries; at most {MAX_TOTALS}")
    points = [total.point for total in config.totals]
    if len(set(points)) != len(points):
        found.append("totals names a point twice; name each once")
    low, high = EXPONENTS
    for field, exponent in (
        ("line_exponent", config.line_exponent),
        ("base_exponent", config.base_exponent),
    ):
        if not low <= exponent <= high:
            found.append(f"{field} is {exponent}; a count of 10^{low} to 10^{high} m3 is possible")
            return found
    for total in config.totals:
        exponent = config.line_exponent if total.role in ("line", "line_error") else (
            config.base_exponent)  # fmt: skip
        if not 2 <= total.modulus <= MOST_CM3 // 10 ** (exponent + 6):
            found.append(f"totals.{total.point}: no register wraps at {total.modulus} counts of "
                         f"10^{exponent} m3; check the digits")  # fmt: skip
    if lines == 1 and not found and config.qmax_l_h > 0:
        # A record shows the index of its start and end: with two turns between them the law could
        # not be checked by it. A clock that stands holds it open for two intervals.
        longest_ms = 2 * config.interval_ms + config.stale_ms
        if flow_bound(config.qmax_l_h, longest_ms, config.count_cm3) >= config.line.modulus:
            found.append(f"interval_ms is {config.interval_ms}: at Qmax the index may wrap twice "
                         "within; shorten it, or check digits and Qmax")  # fmt: skip
    return found


def _range_faults(config: RunConfig) -> list[str]:
    limits = {
        "qmax_l_h": (config.qmax_l_h, (1, MOST_L_H)),
        "atmosphere_dpa": (config.atmosphere_dpa, ATMOSPHERE_DPA),
        "base_pressure_dpa": (config.base_pressure_dpa, BASE_PRESSURE_DPA),
        "base_temperature_mk": (config.base_temperature_mk, BASE_TEMPERATURE_MK),
        "interval_ms": (config.interval_ms, INTERVAL_MS),
        "stale_ms": (config.stale_ms, INTERVAL_MS),
        "gas_day_start_hour": (config.gas_day_start_hour, (0, 23)),
    }
    return [
        f"{field} is {value}; it must lie in {low}..{high}"
        for field, (value, (low, high)) in limits.items()
        if not low <= value <= high
    ]


def _source_faults(field: str, source: Source, limits: tuple[int, int]) -> list[str]:
    found = []
    if source.gauge and field == "temperature":
        found.append("temperature.gauge is set; only a pressure can be gauge")
    if not limits[0] <= source.low < source.high <= limits[1]:
        found.append(f"{field}: range {source.low}..{source.high} is not inside "
                     f"{limits[0]}..{limits[1]}, absolute")  # fmt: skip
    if not source.low <= source.substitute <= source.high:
        found.append(f"{field}.substitute {source.substitute} lies outside the transmitter's range "
                     f"{source.low}..{source.high}; both are absolute")  # fmt: skip
    return found


def _conversion_faults(config: RunConfig) -> list[str]:
    try:
        method = method_of(config)
    except ValueError as error:
        return [str(error)]
    low, high = K_E9
    if config.method == "fixed-K" and not low <= config.k_e9 <= high:
        return [f"k_e9 is {config.k_e9}; K of a gas lies in {low}..{high}"]
    pressure_pa, temperature_k = (
        config.pressure.substitute / 10,
        config.temperature.substitute / 1e3,
    )
    factor = convert(method, pressure_pa, temperature_k, base_of(config))
    if not isinstance(factor, Factor):
        return [f"method {config.method} refuses the substitutes or the base conditions: {factor}"]
    return []
