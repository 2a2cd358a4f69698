"""What makes a run configuration unusable; every fault at once, each with its remedy."""

from __future__ import annotations

from protocols.metering.analysis import superior_of
from protocols.metering.body import BodyError
from protocols.metering.carry import MAX_TOTALS
from protocols.metering.composition import COMPONENTS
from protocols.metering.conversion import Factor
from protocols.metering.gas_day import GasDayError, zone_of
from protocols.metering.index import flow_bound
from protocols.metering.limits import Limits
from protocols.metering.method import METHODS, NEEDS, WITHOUT_HYDROGEN, factor_at
from protocols.metering.reference import ReferenceTemperature
from protocols.metering.run_config import RunConfig, Source

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
FROZEN_MS = 7 * 86_400_000
STALE_GAS_MS = 7 * 86_400_000
CURVE_L_H_A_CM3 = 36  # at Qmin for each cm3 of a count: 10 counts a second


def faults(config: RunConfig) -> list[str]:
    """Every fault of the configuration; an empty list says that it can be used."""
    return [
        *_name_faults(config),
        *_total_faults(config),
        *_range_faults(config),
        *_source_faults("pressure", config.pressure, PRESSURE_DPA),
        *_source_faults("temperature", config.temperature, TEMPERATURE_MK),
        *_meter_faults(config),
        *_gas_faults(config),
        *_conversion_faults(config),
    ]


def parse_run_config(body: object) -> RunConfig:
    """The configuration of a body, strict and usable; raises BodyError with every fault."""
    config = RunConfig.from_body(body)
    if found := faults(config):
        raise BodyError(f"run configuration {config.run!r}: {'; '.join(found)}")
    return config


def _name_faults(config: RunConfig) -> list[str]:
    names = {"run": config.run, "meter_serial": config.meter_serial}
    sources = {
        "pressure": config.pressure,
        "temperature": config.temperature,
        "barometer": config.barometer,
    }
    for name, source in sources.items():
        if source is not None and not source.is_fixed:
            names |= {f"{name}.serial": source.serial, f"{name}.point": source.point}
    if config.gas_source is not None:
        names["gas_source.serial"] = config.gas_source.serial
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
        exponent = config.line_exponent if total.role.of_line else config.base_exponent
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
        "qmin_l_h": (config.qmin_l_h, (0, max(config.qmax_l_h - 1, 0))),
        "gas_day_start_hour": (config.gas_day_start_hour, (0, 23)),
    }
    return [
        f"{field} is {value}; it must lie in {low}..{high}"
        for field, (value, (low, high)) in limits.items()
        if not low <= value <= high
    ]


def _source_faults(field: str, source: Source, limits: tuple[int, int]) -> list[str]:
    found = []
    if source.gauge and (field == "temperature" or source.is_fixed):
        found.append(f"{field}.gauge is set; only a pressure transmitter can be gauge")
    if not limits[0] <= source.low < source.high <= limits[1]:
        found.append(f"{field}: range {source.low}..{source.high} is not inside "
                     f"{limits[0]}..{limits[1]}, absolute")  # fmt: skip
    if not source.low <= source.substitute <= source.high:
        found.append(f"{field}.substitute {source.substitute} lies outside the transmitter's range "
                     f"{source.low}..{source.high}; both are absolute")  # fmt: skip
    if not 0 <= source.frozen_ms <= FROZEN_MS:
        found.append(f"{field}.frozen_ms is {source.frozen_ms}; it must lie in 0..{FROZEN_MS}")
    return found


def _meter_faults(config: RunConfig) -> list[str]:
    """The barometer, and the error curve by the rules of EN 12405-1, 4.4."""
    found = []
    if config.barometer is not None:
        found += _source_faults("barometer", config.barometer, ATMOSPHERE_DPA)
        if config.barometer.gauge or config.barometer.is_fixed:
            found.append("barometer: it is a transmitter of absolute pressure")
        if not config.pressure.gauge:
            found.append("barometer: the pressure is absolute and needs none; leave it out")
    curve = config.error_curve
    if not curve:
        return found
    flows = [point.flow_l_h for point in curve]
    if flows != sorted(set(flows)):
        found.append("error_curve: the flows must rise from point to point")
    if config.qmin_l_h == 0:
        found.append("error_curve: it holds from Qmin on; give qmin_l_h")
    elif config.qmin_l_h < CURVE_L_H_A_CM3 * config.count_cm3:
        found.append(
            "error_curve: at Qmin the meter gives fewer than 10 counts a second, and EN 12405-1"
            " (4.4) allows no correction then; leave it out"
        )
    return found


def _gas_faults(config: RunConfig) -> list[str]:
    gas, found = config.gas, []
    for need in NEEDS.get(config.method, ()):
        if not gas.composition and not getattr(gas, need):
            figure = "" if need == "composition" else f"{need}, or "
            found.append(f"gas: method {config.method} needs {figure}a composition")
    if config.method in WITHOUT_HYDROGEN and not gas.composition and gas.x_h2_e9:
        found.append(f"gas: method {config.method} knows no hydrogen; choose another one")
    if gas.combustion and gas.combustion not in list(ReferenceTemperature):
        found.append(f"gas.combustion {gas.combustion!r}: {', '.join(ReferenceTemperature)}")
    elif bool(gas.combustion) != bool(gas.superior_j_m3):
        found.append("gas: energy needs a heating value and the temperature of its combustion")
    elif gas.combustion and gas.composition:
        superior = superior_of(config, gas.composition)
        if superior != gas.superior_j_m3:
            found.append(f"gas.superior_j_m3 is {gas.superior_j_m3}, by ISO 6976 {superior}")
    return found + _gas_source_faults(config)


def _gas_source_faults(config: RunConfig) -> list[str]:
    source = config.gas_source
    if source is None:
        return []
    found = []
    components = [component for _point, component in source.points]
    found += [
        f"gas_source: {component!r} is no component; known: {', '.join(COMPONENTS)}"
        for component in components
        if component not in COMPONENTS
    ]
    if len(set(components)) != len(components) or "methane" not in components:
        found.append("gas_source: methane belongs there, and each component once")
    if not config.gas.composition:
        found.append("gas_source: until its first analysis the run needs a gas with a composition")
    if not INTERVAL_MS[0] <= source.stale_ms <= STALE_GAS_MS:
        found.append(f"gas_source.stale_ms is {source.stale_ms}; at most {STALE_GAS_MS}")
    return found


def _conversion_faults(config: RunConfig) -> list[str]:
    if config.limits not in list(Limits):
        return [f"limits is {config.limits!r}; one of {', '.join(Limits)}"]
    if config.method not in METHODS:
        return [f"method {config.method!r} is unknown; one of {', '.join(METHODS)}"]
    if any(not (config.gas.composition or getattr(config.gas, n)) for n in NEEDS[config.method]):
        return []  # told already
    low, high = K_E9
    if config.method in ("fixed-K", "T") and not low <= config.k_e9 <= high:
        return [f"k_e9 is {config.k_e9}; K of a gas lies in {low}..{high}"]
    if config.temperature.is_fixed:
        return ["temperature has no transmitter; every kind of conversion measures T"]
    if config.pressure.is_fixed != (config.method == "T"):
        return [f"method {config.method}: T conversion has a fixed pressure, and it alone"]
    substitutes = (config.pressure.substitute, config.temperature.substitute)
    factor = factor_at(config, config.gas.composition, *substitutes)
    if not isinstance(factor, Factor):
        return [f"method {config.method} refuses the substitutes or the base conditions: {factor}"]
    return []
