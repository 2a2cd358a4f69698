"""One conversion asked for as a JSON object, answered as one: what `edge-agent convert` does.

    {"method": "SGERG-88", "Tb_K": 293.15, "Pb_kPa": 101.325, "P_kPa_abs": 451.111, "T_K": 277.47,
     "Vm_m3": 0.183, "Hs_25_0_MJ_m3": 40.66, "d_0": 0.581, "x_CO2": 0.006, "x_H2": 0}
    {"Z": ..., "Zb": ..., "K": ..., "C": ..., "Vb_m3": ...}    or    {"error": ..., "field": ...}

It is the agent's own conversion, and its double precision to the last digit. Every field of a
request counts: one that the method has no use for is refused, as is all that is missing, doubled,
not a finite number, outside the method's range, or at odds with another field.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping
from typing import Final

from protocols.metering.conversion import (
    AT_BASE,
    BaseConditions,
    Factor,
    Limits,
    NotConverged,
    OutOfRange,
    Prepared,
    convert_prepared,
    prepared,
)
from protocols.metering.request_gas import COMPARED, COMPOSITION, GROSS_FIGURES, Gas, gas_of
from protocols.metering.request_method import Spec, spec_of
from protocols.metering.request_object import (
    RequestError,
    choice,
    number,
    read_object,
    renamed,
    text,
)
from protocols.metering.suitability import third_rule

STATE: Final = ("Tb_K", "Pb_kPa", "P_kPa_abs", "T_K", "Vm_m3")
FIELDS: Final = ("method", "limits", *STATE, "K", *COMPARED, *GROSS_FIGURES, *COMPOSITION)
_NOT_OF_GAS: Final = ("method", "limits", *STATE)
ALIASES: Final = {  # as columns of the published tables are called
    "K_fixed": "K",
    "Hs_25_0": "Hs_25_0_MJ_m3",
    "Hv_MJ_m3_ideal": "Hv_MJ_m3",
    "rho_20C_kg_m3": "rho_20_kg_m3",
}
MOST_M3: Final = 1e12  # no meter shows more

Answer = dict[str, float | str]

_PA_PER: Final = {"pa": 1.0, "kpa": 1e3, "bar": 1e5, "mpa": 1e6}
_REQUEST_NAMES: Final = {
    "line_temperature_k": "T_K", "base_temperature_k": "Tb_K", "k": "K",
    "hs_mj_m3": "Hs_25_0_MJ_m3", "relative_density": "d_0", "rho_20_kg_m3": "rho_20_kg_m3",
    "x_co2": "x_CO2", "x_n2": "x_N2", "x_h2": "x_H2",
    "hv_mj_m3": "Hv_MJ_m3", "gr": "Gr", "th_k": "Th_K", "td_k": "Td_K", "pd_kpa": "Pd_kPa",
}  # fmt: skip
_OF_STATE: Final = ("line_temperature_k", "base_temperature_k", "k")
_PRESSURES: Final = {"line": "P_kPa_abs", "fixed": "P_kPa_abs", "base": "Pb_kPa"}


def answer_line(line: bytes) -> str:
    """The answer to a line, as a line; no NaN and no infinity can be in it."""
    return json.dumps(answer(line), allow_nan=False)


def answer(line: bytes) -> Answer:
    """The conversion asked for, or the error and its field."""
    try:
        return _converted(renamed(read_object(line), lambda name: ALIASES.get(name, name)))
    except RequestError as error:
        return {"error": error.error, "field": error.field}


def _converted(fields: Mapping[str, object]) -> Answer:
    for name in fields:
        if name not in FIELDS:
            near = difflib.get_close_matches(name, FIELDS, n=1)
            meant = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(FIELDS)}"
            raise RequestError(f"{name} is no field of a request{meant}", name)
    for name in ("method", *STATE):
        if name not in fields:
            raise RequestError(f"{name} is missing", name)
    spec = spec_of(text(fields, "method"))
    tb, pb, p, t, vm = (number(fields, name) for name in STATE)
    if not 0.0 <= vm <= MOST_M3:
        raise RequestError(f"Vm_m3 is {vm:g}; 0 to {MOST_M3:g} is possible", "Vm_m3")
    limits = Limits(choice(fields, "limits", Limits)) if "limits" in fields else Limits.PROGRAM
    of_gas = {name: fields[name] for name in fields if name not in _NOT_OF_GAS}
    gas = gas_of(spec.name, spec.figures, spec.by_composition, of_gas)
    method = spec.build(gas, p * 1e3)
    ready = prepared(method, BaseConditions(pb * 1e3, tb), limits)
    if not isinstance(ready, Prepared):
        raise _refused(ready, spec, gas)
    factor = convert_prepared(ready, p * 1e3, t)
    if not isinstance(factor, Factor):
        raise _refused(factor, spec, gas, "P_kPa_abs")
    return _told(factor, vm) | _remarks(spec, gas)


def _told(factor: Factor, vm: float) -> Answer:
    z, z_base, c = factor
    return {"Z": z, "Zb": z_base, "K": z / z_base, "C": c, "Vb_m3": vm * c}


def _remarks(spec: Spec, gas: Gas) -> Answer:
    """What was done about a composition's sum, and whether a few figures may stand for it."""
    if gas.parsed is None:
        return {}
    told: Answer = {}
    if not math.isclose(gas.parsed.found_sum, 1.0, rel_tol=1e-9):
        told |= {"sum_found": gas.parsed.found_sum, "sum_rule": gas.parsed.rule.value}
    faults = third_rule(gas.parsed.mixture).faults if spec.figures else []
    if faults:
        told["warning"] = f"{spec.name} does not suit this gas (1/3 rule): {'; '.join(faults)}"
    return told


def _refused(
    refusal: OutOfRange | NotConverged, spec: Spec, gas: Gas, field: str = ""
) -> RequestError:
    """The method's refusal in the request's own names and units."""
    if isinstance(refusal, NotConverged):
        at_base = refusal.detail.startswith(AT_BASE)
        return RequestError(refusal.detail, "Pb_kPa" if at_base else field or _gas_field(spec, gas))
    where, pressure, unit = refusal.field.partition("_pressure_")
    if pressure:
        scale = _PA_PER[unit] / 1e3
        name = _PRESSURES[where]
        low, value, high = (scale * each for each in (refusal.low, refusal.value, refusal.high))
        return RequestError(_range(spec, name, value, low, high), name)
    name = _name_in_request(refusal.field, gas)
    error = _range(spec, name, refusal.value, refusal.low, refusal.high)
    if name.startswith("computed"):
        error = f"{', '.join(gas.numbers) or 'its figures'} do not fit together: {error}"
    if refusal.field in _OF_STATE or refusal.field.startswith("composition"):
        return RequestError(error, name)
    if gas.parsed is not None:
        return RequestError(f"composition: its {error}", "composition")
    return RequestError(error, name if name in FIELDS else _gas_field(spec, gas))


def _name_in_request(field: str, gas: Gas) -> str:
    """The request's name for a field of a method; GROSS may have been given Hs and d at 25/0."""
    if field == "hv_mj_m3" and "Hv_MJ_m3" not in gas.numbers:
        return "Hs_25_0_MJ_m3"
    if field == "gr" and "Gr" not in gas.numbers:
        return "d_0"
    return _REQUEST_NAMES.get(field, field)


def _gas_field(spec: Spec, gas: Gas) -> str:
    """The field to name where it is the whole gas that does not fit."""
    if gas.parsed is not None:
        return "composition"
    return next((name for name in spec.figures if name in gas.numbers), "method")


def _range(spec: Spec, name: str, value: float, low: float, high: float) -> str:
    if math.isinf(high):
        return f"{name} is {value:.9g}, not above {low:.9g}"
    return f"{name} is {value:.9g}, the range of {spec.name} is {low:.9g} to {high:.9g}"
