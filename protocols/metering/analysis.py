"""A chromatograph's scan: the composition it shows, and the heating value of that."""

from __future__ import annotations

import math
from typing import Final

from protocols.metering.carry import Analysis
from protocols.metering.composition import (
    CompositionFault,
    SumRule,
    from_e9,
    parse_composition,
    to_e9,
)
from protocols.metering.energy import BillingHeatingValue, at_base
from protocols.metering.heating_value import Kind, State, of_mixture
from protocols.metering.mixture import mixture_of
from protocols.metering.reference import ReferenceTemperature, reference_of_base
from protocols.metering.refusal import OutOfRange
from protocols.metering.run_config import RunConfig
from protocols.metering.scan import Scan

# What a fraction of one is worth in the units that chromatographs show.
_UNITS: Final = {"": 1.0, "1": 1.0, "mol/mol": 1.0, "%": 100.0, "mol%": 100.0, "ppm": 1e6}


def analysed(config: RunConfig, scan: Scan) -> Analysis | None:
    """The scan's analysis; None where a component has no value or the sum is not one.

    Sums off by up to 1e-4 are divided out (SumRule.NORMALISE); farther ones are no analysis.
    """
    source = config.gas_source
    if source is None:
        return None
    entries: dict[str, object] = {}
    for point, component in source.points:
        number, unit = scan.values.get(point, (None, ""))
        if number is None or not math.isfinite(number) or unit not in _UNITS:
            return None
        entries[component] = number / _UNITS[unit]
    parsed = parse_composition(entries, rule=SumRule.NORMALISE)
    if isinstance(parsed, CompositionFault):
        return None
    composition = to_e9(parsed.composition)
    hs_j_m3 = superior_of(config, composition)
    if not isinstance(hs_j_m3, int):
        return None
    return Analysis(composition, hs_j_m3, scan.instant.boot_no, scan.instant.mono_ms)


def superior_of(config: RunConfig, composition: tuple[int, ...]) -> int | OutOfRange:
    """The superior heating value of a composition at the run's base conditions, J/m3 (ISO 6976).

    0 where the contract asks for no energy.
    """
    if not config.gas.combustion:
        return 0
    t1 = ReferenceTemperature(config.gas.combustion)
    reference = reference_of_base(t1, config.base_pressure_dpa, config.base_temperature_mk)
    if isinstance(reference, OutOfRange):
        return reference
    mixture = mixture_of(from_e9(composition))
    value = of_mixture(mixture, reference, Kind.SUPERIOR, State.REAL)
    if isinstance(value, OutOfRange):
        return value
    billed = at_base(value, config.base_pressure_dpa, config.base_temperature_mk)
    if not isinstance(billed, BillingHeatingValue):
        return OutOfRange("heating_value_mj_m3", value.mj_m3, 0.0, 1e6)
    return billed.j_m3
