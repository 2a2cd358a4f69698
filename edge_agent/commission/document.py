"""Answers into the table of gateway.toml, as `tomllib` would read it. Pure.

Names are the file's own, so most answers go through as they are: whether one is possible, the
configuration's own check says. What people tell otherwise (a range of a plate, gauge pressure) is
calculated here.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from edge_agent.commission.answers import Answers, names_of, table_of
from edge_agent.commission.figures import (
    Range,
    absolute,
    celsius_range,
    kpa_range,
    number,
    plain,
    shares,
)
from edge_agent.commission.question import NO, NONE, YES, BadAnswer
from edge_agent.commission.run_script import ABSOLUTE, GAUGE
from edge_agent.config.runs import TOTALS
from protocols.metering.atmosphere import atmosphere_dpa
from protocols.metering.refusal import OutOfRange
from protocols.metering.run_config import Role
from protocols.registers.library import load_profile, profile_ids

Table = dict[str, Any]

_TEXTS: Final = frozenset({
    "name", "customer", "zone", "id", "state_dir", "url", "ca", "receipt_key", "order_key",
    "parcel_key", "proxy", "client_certificate", "type", "port", "host", "parity", "bus", "profile",
    "serial", "meter", "device", "point", "method", "range", "gas", "run", "energy_combustion",
    "line_resolution_m3", "base_resolution_m3", "composition_unit", "sum_rule", "clock_zone",
    "line_resolution_point", "base_resolution_point",
})  # fmt: skip
_GATEWAY: Final = ("id", "state_dir")
_CONVERSION: Final = ("method", "range", "k", "gas", "energy_combustion")
BY_K: Final = ("T", "fixed-K")
_TOLD: Final = ("line_start_m3", "base_start_m3", "total_line", "total_base")
_PLACES: Final = ("pressure_", "temperature_", "base_temperature_c", "base_pressure_kpa", "fixed_")


def document(answers: Answers) -> Table:
    """As much of gateway.toml as the answers make."""
    table: Table = {
        "gateway": _plain(table_of(answers, "gateway"), _GATEWAY),
        "site": _plain(table_of(answers, "site")),
        "central": _plain({k: v for k, v in table_of(answers, "central").items() if k != "token"}),
    }
    who = answers.get(("commission", "who"))
    if who:
        table["change"] = {"by": who, "reason": "commissioning"}
    table["bus"] = [
        {"name": n, **_plain(table_of(answers, "bus", n))} for n in _all(answers, "bus")
    ]
    atmosphere = _atmosphere_kpa(answers)
    table["device"] = [_device(answers, name) for name in _all(answers, "device")]
    gases = [_gas(name, table_of(answers, "gas", name)) for name in _all(answers, "gas")]
    if gases:
        table["gas"] = gases
    table["run"] = [_run(n, table_of(answers, "run", n), atmosphere) for n in _all(answers, "run")]
    regulators = [
        _regulator(name, table_of(answers, "regulator", name), atmosphere)
        for name in _all(answers, "regulator")
    ]
    if regulators:
        table["regulator"] = regulators
    return {key: value for key, value in table.items() if value}


def _all(answers: Answers, kind: str) -> tuple[str, ...]:
    return names_of(answers, kind)


def _plain(answers: Mapping[str, str], only: tuple[str, ...] = ()) -> Table:
    """Each answer as the type that gateway.toml has for it; "-" is left out."""
    return {
        name: value if name in _TEXTS else _value(value)
        for name, value in answers.items()
        if value not in (NONE, "") and (not only or name in only)
    }


def _value(text: str) -> Any:
    """A number or yes and no; what is neither stays a text, for the check to tell."""
    if text in (YES, NO, "true", "false"):
        return text in (YES, "true")
    found = number(text)
    if found is None:
        return text
    return int(found) if found == found.to_integral_value() and "." not in text else found


def _device(answers: Answers, name: str) -> Table:
    """With the points that a run needs beyond those of the profile."""
    table = {"name": name, **_plain(table_of(answers, "device", name))}
    profile = table.get("profile", "")
    if profile not in profile_ids() or "points" in table:
        return table
    default = load_profile(profile).default_points
    more = [point for point in _needed(answers, name) if point not in default]
    if more:
        table["points"] = [*default, *dict.fromkeys(more)]
    return table


def _needed(answers: Answers, device: str) -> list[str]:
    """Points of the device that some run or regulator names."""
    found: list[str] = []
    for run in names_of(answers, "run"):
        own = table_of(answers, "run", run)
        if own.get("meter") == device:
            found += [own.get("total_line", ""), own.get("total_base", "")]
        for quantity in ("pressure", "temperature"):
            if own.get(f"{quantity}_device") == device:
                found.append(own.get(f"{quantity}_point", ""))
    for name in names_of(answers, "regulator"):
        own = table_of(answers, "regulator", name)
        if own.get("outlet_device") == device:
            found.append(own.get("outlet_point", ""))
    return [point for point in found if point not in ("", NONE)]


def _gas(name: str, answers: Mapping[str, str]) -> Table:
    own = {k: v for k, v in answers.items() if k not in ("by", "composition")}
    value, reference = own.pop("heating_value_mj_m3", ""), own.pop("heating_value_reference", "")
    table = {"name": name, **_plain(own)}
    if "composition" in answers:
        try:
            found, unit = shares(answers["composition"])
        except BadAnswer:
            found, unit = {}, "fraction"
        table |= {"composition": found, "composition_unit": own.get("composition_unit", unit)}
    if value:
        table["heating_value"] = {"superior_mj_m3": _value(value), "reference": reference}
    return table


def _run(name: str, answers: Mapping[str, str], atmosphere: Decimal | None) -> Table:
    own = {
        key: value
        for key, value in answers.items()
        if key not in (*_CONVERSION, *_TOLD) and not key.startswith(_PLACES)
    }
    table: Table = {"id": name, **_plain(own)}
    totals = {"line": answers.get("total_line", ""), "base": answers.get("total_base", "")}
    totals = {role: point for role, point in totals.items() if point not in ("", NONE)}
    if totals and totals["line"] != TOTALS[Role.LINE]:
        table["totals"] = totals
    method = answers.get("method")
    told = _CONVERSION if method in BY_K else tuple(key for key in _CONVERSION if key != "k")
    if conversion := _plain(answers, told):
        table["conversion"] = conversion
    base = {
        "temperature_c": answers.get("base_temperature_c", ""),
        "pressure_kpa": answers.get("base_pressure_kpa", ""),
    }
    if base := _plain(base):
        table["base"] = base
    if method == "T" and "fixed_pressure_kpa_abs" in answers:
        table["pressure"] = {"fixed_kpa_abs": _value(answers["fixed_pressure_kpa_abs"])}
    elif method != "T" and "pressure_device" in answers:
        table["pressure"] = _pressure(answers, "pressure_", atmosphere)
    if "temperature_device" in answers:
        table["temperature"] = _temperature(answers)
    return table


def _pressure(answers: Mapping[str, str], prefix: str, atmosphere: Decimal | None) -> Table:
    """A transmitter with its range as absolute pressure, whatever its plate says."""
    table: Table = {
        "device": answers[f"{prefix}device"],
        "point": answers.get(f"{prefix}point", ""),
    }
    kind = answers.get(f"{prefix}kind")
    if kind in (GAUGE, ABSOLUTE):
        table["gauge"] = kind == GAUGE
    if f"{prefix}substitute_kpa_abs" in answers:
        table["substitute_kpa_abs"] = _value(answers[f"{prefix}substitute_kpa_abs"])
    found = _range(answers.get(f"{prefix}range"))
    if found is not None:
        found = absolute(found, atmosphere if kind == GAUGE else None)
        table |= {
            "low_kpa_abs": _value(plain(found.low)),
            "high_kpa_abs": _value(plain(found.high)),
        }
    frozen = answers.get(f"{prefix}frozen_seconds")
    return table | ({"frozen_seconds": _value(frozen)} if frozen else {})


def _temperature(answers: Mapping[str, str]) -> Table:
    table: Table = {
        "device": answers["temperature_device"],
        "point": answers.get("temperature_point", ""),
    }
    if "temperature_substitute_c" in answers:
        table["substitute_c"] = _value(answers["temperature_substitute_c"])
    try:
        low, high = celsius_range(answers.get("temperature_range", ""))
    except BadAnswer:
        return table
    frozen = answers.get("temperature_frozen_seconds")
    table |= {"low_c": _value(plain(low)), "high_c": _value(plain(high))}
    return table | ({"frozen_seconds": _value(frozen)} if frozen else {})


def _regulator(name: str, answers: Mapping[str, str], atmosphere: Decimal | None) -> Table:
    own = {k: v for k, v in answers.items() if not k.startswith("outlet_")}
    table: Table = {"id": name, **_plain(own)}
    if "outlet_device" in answers:
        table["outlet_pressure"] = _pressure(answers, "outlet_", atmosphere)
    return table


def _range(text: str | None) -> Range | None:
    if text is None:
        return None
    try:
        return kpa_range(text)
    except BadAnswer:
        return None


def _atmosphere_kpa(answers: Answers) -> Decimal | None:
    """As declared, or by the altitude: what the configuration itself will take."""
    declared = number(answers.get(("site", "atmospheric_pressure_kpa"), ""))
    if declared is not None:
        return declared
    altitude = number(answers.get(("site", "altitude_m"), ""))
    standard = None if altitude is None else atmosphere_dpa(float(altitude))
    return None if standard is None or isinstance(standard, OutOfRange) else (
        Decimal(standard).scaleb(-4)
    )  # fmt: skip
