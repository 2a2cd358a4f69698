"""`edge-agent gas`: what a composition is at each reference condition, for people and programs.

Values in, values out: the command line reads the file and prints; `gas_table.py` makes the table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from protocols.metering.c6_plus import SPLITS, with_c6_plus
from protocols.metering.composition import DEFAULT_RULE, CompositionFault, SumRule, Unit
from protocols.metering.heating_value import (
    Kind,
    State,
    UnitFault,
    stated,
)
from protocols.metering.heating_value_check import Consistent, Inconsistent, check_by_composition
from protocols.metering.iso6976 import NAMES, Mixture, Properties, properties
from protocols.metering.mixture import ParsedMixture, composition_of, parse_mixture
from protocols.metering.reference import (
    REFERENCES,
    SGERG,
    Reference,
    ReferenceFault,
    parse_reference,
)
from protocols.metering.refusal import OutOfRange
from protocols.metering.request_object import RequestError, choice, members, read_object
from protocols.metering.sgerg88 import SgergGas, mixture_of
from protocols.metering.suitability import ThirdRule, third_rule
from protocols.metering.virial88 import Mixture as SgergMixture

UNITS: Final = ("fraction", "percent")
EMPTY: Final = 'no composition; write {"methane": 0.96, "ethane": 0.04}'


class GasInputError(Exception):
    """What is wrong with the input, by field and with the remedy."""


class Stated(NamedTuple):
    """A heating value to be checked, as it was typed."""

    value: str
    unit: str
    reference: str
    kind: str


class GasOptions(NamedTuple):
    """What the command line says beside the composition; None is "not said"."""

    unit: str | None = None
    sum_rule: str | None = None
    c6_plus: str = "hexane"
    references: tuple[str, ...] = ()
    stated: Stated | None = None


class Report(NamedTuple):
    """All that is told of a gas."""

    parsed: ParsedMixture
    found: Mapping[str, Properties | OutOfRange]
    own: Properties | OutOfRange  # at 25/0
    sgerg: SgergGas | OutOfRange
    sgerg_refused: str | None
    aga8_refused: str | None
    third_rule: ThirdRule
    verdict: Consistent | Inconsistent | None

    @property
    def has_findings(self) -> bool:
        """Whether a value that was asked for is not there, or a stated one is wrong."""
        refused = any(isinstance(each, OutOfRange) for each in self.found.values())
        return refused or isinstance(self.verdict, Inconsistent)


def gas_report(data: bytes, options: GasOptions) -> Report:
    """The report on the composition in a JSON object. Raises GasInputError."""
    parsed = _parse(data, options)
    mixture = parsed.mixture
    names = options.references or tuple(REFERENCES)
    references = {name: _reference(name) for name in names}
    own = properties(mixture, SGERG)
    sgerg = own if isinstance(own, OutOfRange) else _sgerg_inputs(mixture, own)
    balanced = mixture_of(sgerg) if isinstance(sgerg, SgergGas) else sgerg
    composition = composition_of(mixture)
    return Report(
        parsed=parsed,
        found={str(each): properties(mixture, each) for each in references.values()},
        own=own,
        sgerg=sgerg,
        sgerg_refused=None if isinstance(balanced, SgergMixture) else str(balanced),
        aga8_refused=str(composition) if isinstance(composition, CompositionFault) else None,
        third_rule=third_rule(mixture),
        verdict=None if options.stated is None else _verdict(options.stated, mixture),
    )


def _parse(data: bytes, options: GasOptions) -> ParsedMixture:
    if not data.strip():
        raise GasInputError(EMPTY)
    try:
        fields = read_object(data)
        entries, unit, rule = _input(fields, options)
    except RequestError as error:
        raise GasInputError(error.error) from error
    shared = with_c6_plus(entries, SPLITS[options.c6_plus])
    if isinstance(shared, CompositionFault):
        raise GasInputError(str(shared))
    if not shared:
        raise GasInputError(EMPTY)
    parsed = parse_mixture(shared, unit=unit, rule=rule)
    if isinstance(parsed, CompositionFault):
        raise GasInputError(str(parsed))
    return parsed


def _input(
    fields: Mapping[str, object], options: GasOptions
) -> tuple[Mapping[str, object], Unit, SumRule]:
    """Components alone, or under `composition` with `unit` and `sum_rule` beside it."""
    entries = fields
    if "composition" in fields:
        entries = members(fields, "composition")
        for name in fields:
            if name not in ("composition", "unit", "sum_rule"):
                raise RequestError(f"{name} is unknown; known: composition, unit, sum_rule", name)
    said = fields if "composition" in fields else {}
    unit = _said(said, "unit", UNITS, options.unit)
    rule = _said(said, "sum_rule", tuple(SumRule), options.sum_rule)
    return (
        entries,
        "percent" if unit == "percent" else "fraction",
        SumRule(rule) if rule else DEFAULT_RULE,
    )


def _said(
    fields: Mapping[str, object], name: str, words: Sequence[str], typed: str | None
) -> str | None:
    """What the input says, which the command line must not contradict."""
    if name not in fields:
        return typed
    word = choice(fields, name, words)
    if typed is not None and typed != word:
        raise RequestError(f"{name} is {word} in the input, {typed} on the command line", name)
    return word


def _reference(text: str) -> Reference:
    reference = parse_reference(text)
    if isinstance(reference, ReferenceFault):
        raise GasInputError(f"--reference: {reference}")
    return reference


def _sgerg_inputs(mixture: Mixture, found: Properties) -> SgergGas:
    x_co2, x_h2 = mixture.fraction("carbon_dioxide"), mixture.fraction("hydrogen")
    return SgergGas(found.hs_mj_m3, found.d, x_co2, x_h2)


def _verdict(typed: Stated, mixture: Mixture) -> Consistent | Inconsistent:
    reference = parse_reference(typed.reference)
    if isinstance(reference, ReferenceFault):
        raise GasInputError(f"--stated: {reference}")
    if typed.kind not in list(Kind):
        raise GasInputError(f"--stated: {typed.kind!r} is none of {', '.join(Kind)}")
    try:
        figure = float(typed.value)
    except ValueError:
        raise GasInputError(f"--stated: {typed.value!r} is not a number") from None
    value = stated(figure, typed.unit, reference, Kind(typed.kind), State.REAL)
    if isinstance(value, (OutOfRange, UnitFault)):
        raise GasInputError(f"--stated: {value}")
    verdict = check_by_composition(value, mixture)
    if isinstance(verdict, OutOfRange):
        raise GasInputError(f"--stated: {verdict}")
    return verdict


def as_json(report: Report) -> str:
    """Everything, unrounded; units are in the names."""
    mixture, rule = report.parsed.mixture, report.third_rule
    told: dict[str, object] = {
        "composition": {name: x for name, x in zip(NAMES, mixture.x, strict=True) if x > 0.0},
        "found_sum": report.parsed.found_sum,
        "sum_rule": str(report.parsed.rule),
        "references": {name: _properties_json(each) for name, each in report.found.items()},
        "sgerg_88": _sgerg_json(report),
        "third_rule": {
            "suits": rule.suits,
            "propane": rule.propane,
            "propane_excess": rule.propane_excess,
            "butanes_plus": rule.butanes_plus,
            "butanes_plus_excess": rule.butanes_plus_excess,
        },
        "aga8_refused": report.aga8_refused,
    }
    if report.verdict is not None:
        consistent = isinstance(report.verdict, Consistent)
        told["stated"] = {
            "consistent": consistent,
            "expected_mj_m3": report.verdict.stated.expected_mj_m3,
            "fault": None if consistent else str(report.verdict),
        }
    return json.dumps(told, indent=2, allow_nan=False)


def _properties_json(found: Properties | OutOfRange) -> dict[str, object]:
    if isinstance(found, OutOfRange):
        return {"error": str(found), "field": found.field}
    return {name: value for name, value in found._asdict().items() if name != "reference"}


def _sgerg_json(report: Report) -> dict[str, object]:
    inputs = report.sgerg
    if isinstance(inputs, OutOfRange):
        return {"refused": str(inputs)}
    return {
        "Hs_25_0_MJ_m3": inputs.hs_mj_m3,
        "d_0": inputs.relative_density,
        "x_CO2": inputs.x_co2,
        "x_H2": inputs.x_h2,
        "refused": report.sgerg_refused,
    }
