"""The gas of a request: from figures, or from a composition.

A figure has a name that holds its reference, as in the published tables. Where there is a
composition, it alone is the gas: what a method needs is worked out of it by ISO 6976:2016, and
figures that stand beside it are compared with it, never used. So two sources are never mixed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeVar

from protocols.metering.aga8_detail import PROGRAM
from protocols.metering.composition import (
    COMPONENTS,
    DEFAULT_RULE,
    Composition,
    CompositionFault,
    SumRule,
    Unit,
)
from protocols.metering.figures import Figures, figures_of_mixture
from protocols.metering.gross import GrossReference
from protocols.metering.heating_value import HeatingValue, Kind, State
from protocols.metering.heating_value_check import (
    Inconsistent,
    check_by_composition,
    check_by_density,
)
from protocols.metering.iso6976 import Mixture, properties
from protocols.metering.mixture import ParsedMixture, composition_of, parse_mixture
from protocols.metering.mixture_range import shares_outside
from protocols.metering.reference import SGERG, Reference, ReferenceTemperature
from protocols.metering.refusal import OutOfRange
from protocols.metering.request_object import RequestError, choice, members, number

_Found = TypeVar("_Found")

COMPOSITION: Final = ("composition", "composition_unit", "sum_rule")
SGERG_FIGURES: Final = ("Hs_25_0_MJ_m3", "d_0", "x_CO2", "x_H2")
GROSS_FIGURES: Final = ("Hv_MJ_m3", "Gr", "Th_K", "Td_K", "Pd_kPa")
GROSS_REFERENCE: Final = GROSS_FIGURES[2:]
# What can stand beside a composition, whatever the method
COMPARED: Final = (*SGERG_FIGURES, "x_N2", "rho_20_kg_m3")
TOLERANCE: Final = 0.001  # relative
SHARE_TOLERANCE: Final = 1e-4  # of a mole fraction

# Shares of a gas that is described by figures; its hydrogen is the method's own affair
NATURAL: Final = PROGRAM._replace(
    shares=tuple(share for share in PROGRAM.shares if share.components != ("hydrogen",))
)
MOST_OTHERS: Final = 0.01

_FIELDS: Final = {  # name in a request: field of Figures
    "Hs_25_0_MJ_m3": "hs_mj_m3", "d_0": "d", "x_CO2": "x_co2", "x_H2": "x_h2", "x_N2": "x_n2",
    "rho_20_kg_m3": "rho_20_kg_m3",
}  # fmt: skip
_SAME_K: Final = 5e-3  # 288.706 is 60 degF


class Gas(NamedTuple):
    """The figures of a request that are about the gas, and its composition where there is one."""

    method: str
    numbers: Mapping[str, float]
    parsed: ParsedMixture | None

    def figures(self, *names: str) -> list[float]:
        """What the method needs, from the composition if there is one. Raises RequestError."""
        if self.parsed is not None:
            _check_natural(self.parsed.mixture)
            found = _derived(self.parsed.mixture)
            return [getattr(found, _FIELDS[name]) for name in names]
        for name in names:
            if name not in self.numbers:
                needed = ", ".join(names) + (", or a composition" if name != "K" else "")
                raise RequestError(f"{name} is missing: {self.method} needs {needed}", name)
        return [self.numbers[name] for name in names]

    def composition(self) -> Composition:
        """The composition, for a method that knows gases by nothing else. Raises RequestError."""
        if self.parsed is None:
            raise _no_composition(self.method)
        found = composition_of(self.parsed.mixture)
        if isinstance(found, CompositionFault):
            raise RequestError(str(found), found.field)
        return found

    def reference(self) -> GrossReference:
        """Th, Td and Pd as they are stated. Raises RequestError."""
        return GrossReference(*self.figures(*GROSS_REFERENCE))


def gas_of(
    method: str, figures: tuple[str, ...], by_composition: bool, fields: Mapping[str, object]
) -> Gas:
    """The gas that these fields of a request describe. Raises RequestError.

    `figures` are those that the method takes; where it takes compositions too, any figure may stand
    beside one.
    """
    for name in COMPOSITION:
        if name in fields and not by_composition:
            raise RequestError(f"{method} has no use for {name}", name)
    parsed = _composition(fields)
    if parsed is None and by_composition and not figures:
        raise _no_composition(method)
    numbers = {name: number(fields, name) for name in fields if name not in COMPOSITION}
    allowed = figures if parsed is None else (*figures, *COMPARED)
    for name in numbers:
        if name not in allowed:
            raise RequestError(f"{method} has no use for {name}", name)
    gas = Gas(method, numbers, parsed)
    if parsed is not None:
        _compare(gas, parsed.mixture)
    elif "x_N2" in numbers and "Hs_25_0_MJ_m3" in numbers:
        _compare_nitrogen(gas)
    return gas


def _no_composition(method: str) -> RequestError:
    return RequestError(f"composition is missing: {method} knows a gas by nothing else",
                        "composition")  # fmt: skip


def _composition(fields: Mapping[str, object]) -> ParsedMixture | None:
    """The composition by its unit and sum rule, or None where none is given."""
    if "composition" not in fields:
        for name in COMPOSITION[1:]:
            if name in fields:
                raise RequestError(f"{name} stands without a composition", name)
        return None
    unit: Unit = "fraction"
    if "composition_unit" in fields:
        percent = choice(fields, "composition_unit", ("fraction", "percent")) == "percent"
        unit = "percent" if percent else "fraction"
    rule = SumRule(choice(fields, "sum_rule", SumRule)) if "sum_rule" in fields else DEFAULT_RULE
    entries = members(fields, "composition")
    for name in entries:
        number({f"composition.{name}": entries[name]}, f"composition.{name}")
    found = parse_mixture(entries, unit=unit, rule=rule)
    if isinstance(found, CompositionFault):
        raise RequestError(str(found), found.field)
    return found


def _check_natural(mixture: Mixture) -> None:
    """A few figures describe natural gas only, so its shares must be such a gas's."""
    known = tuple(mixture.fraction(name) for name in COMPONENTS)
    others = 1.0 - math.fsum(known)
    if not others <= MOST_OTHERS:
        raise RequestError(
            f"composition: {others:.3%} of components that AGA 8 has not, at most "
            f"{MOST_OTHERS:.0%} here", "composition",
        )  # fmt: skip
    if refused := shares_outside(NATURAL, known):
        raise RequestError(str(refused), refused.field)


def _derived(mixture: Mixture) -> Figures:
    return _told(figures_of_mixture(mixture))


def _told(found: _Found | OutOfRange) -> _Found:
    if isinstance(found, OutOfRange):
        raise RequestError(f"composition: ISO 6976 has no figures for it, {found}", "composition")
    return found


def _compare(gas: Gas, mixture: Mixture) -> None:
    """Every figure beside the composition must be the composition's own."""
    for name, value in gas.numbers.items():
        if name.startswith("x_"):
            own = getattr(_derived(mixture), _FIELDS[name])
            if not abs(value - own) <= SHARE_TOLERANCE:
                raise RequestError(f"{name} is {value:g}, the composition's is {own:.6g}", name)
        elif name == "Hs_25_0_MJ_m3":
            _compare_heating_value(name, value, SGERG, mixture)
        elif name == "Hv_MJ_m3":
            _compare_heating_value(name, value, _iso_reference(gas), mixture)
        elif name == "Gr":
            _compare_figure(name, value, _told(properties(mixture, _iso_reference(gas))).d)
        elif name not in GROSS_REFERENCE:
            _compare_figure(name, value, getattr(_derived(mixture), _FIELDS[name]))


def _compare_figure(name: str, value: float, own: float) -> None:
    if not abs(value - own) <= TOLERANCE * own:
        raise RequestError(
            f"{name} is {value:g}, the composition's is {own:.6g}: more than "
            f"{TOLERANCE:.1%} apart", name,
        )  # fmt: skip


def _compare_heating_value(name: str, value: float, reference: Reference, mixture: Mixture) -> None:
    stated = HeatingValue(value, reference, Kind.SUPERIOR, State.REAL)
    found = _told(check_by_composition(stated, mixture, TOLERANCE))
    if isinstance(found, Inconsistent):
        raise RequestError(f"{name}: {found}", name)


def _compare_nitrogen(gas: Gas) -> None:
    """Where x_N2 is known, a heating value of another reference is found out by it."""
    hs, d, x_co2, x_n2 = gas.figures("Hs_25_0_MJ_m3", "d_0", "x_CO2", "x_N2")
    stated = HeatingValue(hs, SGERG, Kind.SUPERIOR, State.REAL)
    found = check_by_density(stated, d, x_co2, gas.numbers.get("x_H2", 0.0), x_n2)
    if isinstance(found, Inconsistent):
        raise RequestError(f"Hs_25_0_MJ_m3, x_N2 of {x_n2:.3%}: {found}", "Hs_25_0_MJ_m3")


def _iso_reference(gas: Gas) -> Reference:
    """The reference of Hv and Gr as ISO 6976 has it; where it has none nothing can be compared."""
    numbers = gas._replace(parsed=None)
    th, td, pd = numbers.figures(*GROSS_REFERENCE)
    temperatures = []
    for name, kelvin in (("Th_K", th), ("Td_K", td)):
        near = [each for each in ReferenceTemperature if abs(each.kelvin - kelvin) <= _SAME_K]
        if not near:
            raise RequestError(
                f"{name} is {kelvin:g}; ISO 6976 has no data there to compare the composition with",
                name,
            )
        temperatures.append(near[0])
    return Reference(temperatures[0], temperatures[1], pd)
