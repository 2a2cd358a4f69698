"""Gas data that central sends by an order, and what a run's configuration becomes under them.

Both sides ask here: central before it signs, the gateway before it obeys.
"""

from __future__ import annotations

from dataclasses import replace

from protocols.metering.analysis import superior_of
from protocols.metering.body import BodyError
from protocols.metering.energy import BillingHeatingValue
from protocols.metering.gas import Gas
from protocols.metering.gas_data import (
    GasData,
    GasSource,
    billing_heating_value,
    parse_gas_data,
    superior_heating_value,
)
from protocols.metering.heating_value import HeatingValue
from protocols.metering.reference import ReferenceTemperature, reference_of_base
from protocols.metering.refusal import OutOfRange
from protocols.metering.run_config import RunConfig
from protocols.metering.run_config_faults import faults

MORE_FIGURES = ("GROSS-2", "NX-19-mod")  # methods that take nitrogen, which four figures leave open


def parse_gas_order(item: object) -> GasData:
    """The gas data of an order's item, strict and usable; raises BodyError with every fault."""
    gas = parse_gas_data(item)
    found = [
        f"{field} has a character that cannot be printed"
        for field, text in (("name", gas.name), ("who", gas.who))
        if not text.isprintable()
    ]
    if gas.source != GasSource.CENTRAL:
        found.append(f"source is {gas.source!r}; an order is central's")
    if found:
        raise BodyError(f"gas data {gas.name!r}: {'; '.join(found)}")
    return gas


def under_gas(config: RunConfig, data: GasData) -> RunConfig | list[str]:
    """The run's configuration with this gas in the place of its own, or why it cannot be used.

    Method, base conditions and the temperature of combustion stay: an order is about the gas only.
    """
    if not data.composition_e9 and config.method in MORE_FIGURES:
        return [f"gas: method {config.method} needs nitrogen too; send a composition"]
    superior = _superior_j_m3(config, data)
    if not isinstance(superior, int):
        return [f"gas: {superior}"]
    gas = Gas(
        name=data.name,
        composition=data.composition_e9,
        hs_j_m3=data.hs_j_m3,
        d_e9=data.d_e9,
        x_co2_e9=data.x_co2_e9,
        x_h2_e9=data.x_h2_e9,
        superior_j_m3=superior,
        combustion=config.gas.combustion,
    )
    changed = replace(config, gas=gas)
    return faults(changed) or changed


def _superior_j_m3(config: RunConfig, data: GasData) -> int | OutOfRange | str:
    """The heating value for energy; 0 where the contract asks for none. Never an approximate one:
    a bill by the mean of other gases is none.
    """
    if data.composition_e9 or not config.gas.combustion:
        return superior_of(config, data.composition_e9)
    combustion = ReferenceTemperature(config.gas.combustion)
    base = (config.base_pressure_dpa, config.base_temperature_mk)
    reference = reference_of_base(combustion, *base)
    if isinstance(reference, OutOfRange):
        return reference
    if not isinstance(superior_heating_value(data, reference), HeatingValue):
        return f"Hs at 25/0 is not that of {reference}, by which this run bills; send a composition"
    billed = billing_heating_value(data, combustion, *base)
    return billed.j_m3 if isinstance(billed, BillingHeatingValue) else f"{billed}"
