"""What is corrected of a run's configuration for a recalculation, read from text; pure.

Only what a conversion is made with: whatever decides where an interval ends, or by how many counts
an index moved, is not on the list. A field has the unit of `RunConfig`.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, Final, NamedTuple

from central.ledger.edits import EditError
from protocols.metering.analysis import superior_of
from protocols.metering.body import BodyError
from protocols.metering.composition import E9, to_e9
from protocols.metering.flow import CurvePoint
from protocols.metering.gas import Gas, GasSource
from protocols.metering.request_gas import gas_of
from protocols.metering.request_object import RequestError, number, read_object
from protocols.metering.run_config import RunConfig, Source
from protocols.metering.run_config_faults import parse_run_config

SUPERIOR: Final = "superior_MJ_m3"
_FIGURES: Final = ("Hs_25_0_MJ_m3", "d_0", "x_CO2", "x_H2", "x_N2", "rho_20_kg_m3")
_SOURCE_FIELDS: Final = ("substitute", "low", "high")
_INTEGERS: Final = (
    "atmosphere_dpa", "k_e9", "base_pressure_dpa", "base_temperature_mk", "gas.superior_j_m3",
    *(f"{source}.{field}" for source in ("pressure", "temperature") for field in _SOURCE_FIELDS),
)  # fmt: skip
FIELDS: Final = (*_INTEGERS, "pressure.gauge", "method", "limits", "barometer", "error_curve")
_DIGITS: Final = 15


class Correction(NamedTuple):
    """New values by field, and another gas (without a heating value where it was not told)."""

    values: Mapping[str, Any]
    gas: Gas | None = None


def read_correction(sets: list[str], gas: bytes | None) -> Correction:
    """From `field=value` texts and a gas as JSON. Raises EditError."""
    values: dict[str, Any] = {}
    for text in sets:
        field, is_there, value = text.partition("=")
        if field not in FIELDS or not is_there:
            known = ", ".join(FIELDS)
            raise EditError(f"--set {text[:80]!r}: write field=value; the fields are {known}")
        if field in values:
            raise EditError(f"--set {field} is given twice")
        values[field] = _value(field, value.strip())
    return Correction(values, None if gas is None else _gas(gas))


def parameters_changed(before: RunConfig, after: RunConfig) -> list[str]:
    """Every parameter that a correction changes, as `field old -> new`."""
    found = []
    for field in fields(RunConfig):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if isinstance(old, Gas | Source) and isinstance(new, Gas | Source):
            pairs = zip(old._fields, old, new, strict=True)
            found += [f"{field.name}.{name} {a} -> {b}" for name, a, b in pairs if a != b]
        elif old != new:
            found.append(f"{field.name} {_shown(old)} -> {_shown(new)}")
    return found


def _shown(value: object) -> str:
    """A device by its serial, a curve as it is set."""
    if isinstance(value, Source | GasSource):
        return value.serial
    if isinstance(value, tuple):
        return ",".join(":".join(map(str, point)) for point in value) or "none"
    return "none" if value is None else f"{value}"


def corrected(config: RunConfig, correction: Correction) -> RunConfig:
    """The configuration with what is corrected. Raises EditError with every fault of it."""
    found = config
    for field, value in correction.values.items():
        found = _with(found, field, value)
    gas = correction.gas
    if gas is not None:
        # A gas that is given stands instead of what a chromatograph showed.
        found = replace(found, gas=gas._replace(combustion=config.gas.combustion), gas_source=None)
    found = _with_superior(config, found, given="gas.superior_j_m3" in correction.values)
    try:
        return parse_run_config(found.to_body())
    except BodyError as error:
        raise EditError(f"the corrected configuration cannot be used: {error}") from None


def _with_superior(before: RunConfig, config: RunConfig, *, given: bool) -> RunConfig:
    """The heating value for energy belongs to the gas and to the base conditions."""
    if not config.gas.combustion:
        return replace(config, gas=config.gas._replace(superior_j_m3=0))
    if config.gas.composition:
        superior = superior_of(config, config.gas.composition)
        if not isinstance(superior, int):
            raise EditError(f"gas: no heating value at the base conditions: {superior}")
        return replace(config, gas=config.gas._replace(superior_j_m3=superior))
    if given or (config.gas == before.gas and _base(config) == _base(before)):
        return config
    if not config.gas.superior_j_m3 or _base(config) != _base(before):
        raise EditError(
            f"gas: {SUPERIOR} is missing: run {config.run} bills energy; give the superior heating "
            f"value of a cubic metre at its base conditions, burnt at {config.gas.combustion} degC"
        )
    return config


def _base(config: RunConfig) -> tuple[int, int]:
    return config.base_pressure_dpa, config.base_temperature_mk


def _with(config: RunConfig, field: str, value: Any) -> RunConfig:
    match field.split("."):
        case ["gas", name]:
            return replace(config, gas=config.gas._replace(**{name: value}))
        case ["pressure", name]:
            return replace(config, pressure=config.pressure._replace(**{name: value}))
        case ["temperature", name]:
            return replace(config, temperature=config.temperature._replace(**{name: value}))
        case _:
            return replace(config, **{field: value})


def _value(field: str, text: str) -> Any:
    if field in _INTEGERS:
        return _integer(field, text)
    readers: Mapping[str, Callable[[str], Any]] = {
        "pressure.gauge": _yes_or_no,
        "barometer": _none,
        "error_curve": _curve,
    }
    return readers.get(field, str)(text)


def _integer(field: str, text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS):
        raise EditError(f"--set {field}: {text[:40]!r} is no whole number, in the unit of its name")
    return int(text)


def _yes_or_no(text: str) -> bool:
    if text not in ("yes", "no"):
        raise EditError(f"--set pressure.gauge: {text[:40]!r}; yes (gauge) or no (absolute)")
    return text == "yes"


def _none(text: str) -> None:
    if text != "none":
        raise EditError(f"--set barometer: {text[:40]!r}; only none: the site's fixed atmosphere")


def _curve(text: str) -> tuple[CurvePoint, ...]:
    """`flow:error,flow:error` in l/h and per million; none: no correction."""
    points = []
    for point in [] if text == "none" else text.split(","):
        flow, _, error = point.partition(":")
        points.append(CurvePoint(_integer("error_curve", flow), _integer("error_curve", error)))
    return tuple(points)


def _gas(data: bytes) -> Gas:
    """A gas as `edge-agent convert` reads it, with the heating value for energy beside figures."""
    try:
        told = read_object(data)
        if "methane" in told:  # a composition alone, as edge-central gas send reads it
            told = {"composition": told}
        superior = number(told, SUPERIOR) if SUPERIOR in told else 0.0
        told.pop(SUPERIOR, None)
        gas = gas_of("a gas", _FIGURES, by_composition=True, fields=told)
        composition = to_e9(gas.composition()) if gas.parsed else ()
    except RequestError as error:
        where = f"{error.field}: " if error.field else ""
        raise EditError(f"--gas: {where}{error}") from None
    if composition:
        if superior:
            raise EditError(f"--gas: {SUPERIOR}: a composition tells its heating value itself")
        return Gas("corrected", composition)
    if not gas.numbers:
        raise EditError(f"--gas: give a composition, or of {', '.join(_FIGURES)}")
    figures = gas.numbers
    return Gas(
        "corrected",
        (),
        hs_j_m3=round(figures.get("Hs_25_0_MJ_m3", 0.0) * 1e6),
        d_e9=round(figures.get("d_0", 0.0) * E9),
        x_co2_e9=round(figures.get("x_CO2", 0.0) * E9),
        x_h2_e9=round(figures.get("x_H2", 0.0) * E9),
        x_n2_e9=round(figures.get("x_N2", 0.0) * E9),
        rho_20_mg_m3=round(figures.get("rho_20_kg_m3", 0.0) * 1e6),
        superior_j_m3=round(superior * 1e6),
    )
