"""Gas data of a meter run: what a gas is, since when, and who says so.

By hand (a configuration file), from a chromatograph, or sent by central: always the same record,
with the instant from which it holds and never before. A gas is either a composition or the four
figures of SGERG-88; one is never made of the other in silence.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import cbor2

from protocols.metering.body import Body, BodyError, Fields
from protocols.metering.composition import COMPONENTS, E9, Composition, from_e9, to_e9
from protocols.metering.energy import BillingHeatingValue, EnergyFault, at_base
from protocols.metering.heating_value import (
    Approximate,
    HeatingValue,
    Kind,
    State,
    approximately,
    of_mixture,
)
from protocols.metering.heating_value_check import Inconsistent, check_by_density
from protocols.metering.iso6976 import properties
from protocols.metering.mixture import mixture_of
from protocols.metering.reference import SGERG, Reference, ReferenceTemperature, reference_of_base
from protocols.metering.refusal import OutOfRange
from protocols.metering.sgerg88 import SgergGas

NAME_CHARACTERS: Final = 64
# The widest of the four-figure methods, SGERG-mod-H2; the run's own method may be narrower.
HS_J_M3: Final = (6_000_000, 48_000_000)
D_E9: Final = (60_000_000, 900_000_000)
X_CO2_E9: Final = (0, 300_000_000)
X_H2_E9: Final = (0, 300_000_000)
EFFECTIVE_UTC_MS: Final = (946_684_800_000, 4_102_444_800_000)  # 2000 to 2100


class GasSource(StrEnum):
    """Where gas data come from."""

    FILE = "file"
    DEVICE = "device"
    CENTRAL = "central"


@dataclass(frozen=True, slots=True)
class GasData:
    """A gas by composition (21 parts of 10^9) or by Hs, d, x_CO2, x_H2; the other is empty or 0.

    Hs in J/m3 (superior, real gas, combustion 25, metering 0 degC), d at 0 degC and fractions in
    1e-9. It holds from `effective_utc_ms` on. `who` is a person, a device's serial or a receipt.
    """

    name: str
    composition_e9: tuple[int, ...]
    hs_j_m3: int
    d_e9: int
    x_co2_e9: int
    x_h2_e9: int
    source: str
    effective_utc_ms: int
    who: str

    @property
    def composition(self) -> Composition | None:
        """The mole fractions, where it is a composition. Raises ValueError on a faulty one."""
        return from_e9(self.composition_e9) if self.composition_e9 else None

    def to_body(self) -> Body:
        return (
            self.name, self.composition_e9, self.hs_j_m3, self.d_e9, self.x_co2_e9, self.x_h2_e9,
            self.source, self.effective_utc_ms, self.who,
        )  # fmt: skip

    def hash(self) -> bytes:
        """SHA-256 over the deterministic CBOR (RFC 8949 section 4.2.1) of the body: 32 bytes."""
        return hashlib.sha256(cbor2.dumps(self.to_body(), canonical=True)).digest()

    @classmethod
    def from_body(cls, body: object) -> GasData:
        """The strict inverse of `to_body`; raises BodyError. Whether it can be used: `faults`."""
        fields = Fields("gas data", body, 9)
        name = fields.text("name")
        parts = fields.items("composition_e9", len(COMPONENTS))
        shares = Fields("gas data.composition_e9", parts, len(parts))
        return cls(
            name=name,
            composition_e9=tuple(shares.integer(each, 0, E9) for each in COMPONENTS[: len(parts)]),
            hs_j_m3=fields.integer("hs_j_m3"),
            d_e9=fields.integer("d_e9"),
            x_co2_e9=fields.integer("x_co2_e9"),
            x_h2_e9=fields.integer("x_h2_e9"),
            source=fields.text("source"),
            effective_utc_ms=fields.integer("effective_utc_ms"),
            who=fields.text("who"),
        )


def gas_of_composition(
    name: str, composition: Composition, source: GasSource, effective_utc_ms: int, who: str
) -> GasData:
    """Gas data of an analysis. Raises ValueError where the fractions do not add up to one."""
    return GasData(name, to_e9(composition), 0, 0, 0, 0, str(source), effective_utc_ms, who)


def gas_of_inputs(
    name: str, inputs: SgergGas, source: GasSource, effective_utc_ms: int, who: str
) -> GasData:
    """Gas data of the four figures (Hs at 25/0, d at 0 degC)."""
    return GasData(
        name=name,
        composition_e9=(),
        hs_j_m3=round(inputs.hs_mj_m3 * 1e6),
        d_e9=round(inputs.relative_density * E9),
        x_co2_e9=round(inputs.x_co2 * E9),
        x_h2_e9=round(inputs.x_h2 * E9),
        source=str(source),
        effective_utc_ms=effective_utc_ms,
        who=who,
    )


def parse_gas_data(body: object) -> GasData:
    """The gas data of a body, strict and usable; raises BodyError with every fault."""
    gas = GasData.from_body(body)
    if found := faults(gas):
        raise BodyError(f"gas data {gas.name!r}: {'; '.join(found)}")
    return gas


def faults(gas: GasData) -> list[str]:
    """Every fault of the gas data; an empty list says that they can be used."""
    found = [
        f"{field} has {len(text)} characters; give it 1 to {NAME_CHARACTERS}"
        for field, text in (("name", gas.name), ("who", gas.who))
        if not 1 <= len(text) <= NAME_CHARACTERS
    ]
    if gas.source not in list(GasSource):
        found.append(f"source {gas.source!r} is none of {', '.join(GasSource)}")
    if not EFFECTIVE_UTC_MS[0] <= gas.effective_utc_ms < EFFECTIVE_UTC_MS[1]:
        found.append(f"effective_utc_ms is {gas.effective_utc_ms}; give UTC ms since 1970")
    figures = (gas.hs_j_m3, gas.d_e9, gas.x_co2_e9, gas.x_h2_e9)
    if gas.composition_e9:
        if any(figures):
            found.append("both a composition and Hs, d, x_CO2, x_H2 are given; give one of them")
        return [*found, *_composition_faults(gas.composition_e9)]
    return [*found, *_figure_faults(gas)]


def _composition_faults(parts: tuple[int, ...]) -> list[str]:
    if len(parts) != len(COMPONENTS):
        return [f"composition_e9 has {len(parts)} parts; AGA 8 has {len(COMPONENTS)}"]
    if min(parts) < 0 or sum(parts) != E9:
        return [f"composition_e9 adds up to {sum(parts)} of 10^9; complete or correct it"]
    refused = properties(mixture_of(from_e9(parts)), SGERG)
    return [f"composition: {refused}"] if isinstance(refused, OutOfRange) else []


def _figure_faults(gas: GasData) -> list[str]:
    limits = {
        "hs_j_m3": (gas.hs_j_m3, HS_J_M3),
        "d_e9": (gas.d_e9, D_E9),
        "x_co2_e9": (gas.x_co2_e9, X_CO2_E9),
        "x_h2_e9": (gas.x_h2_e9, X_H2_E9),
    }
    found = [
        f"{field} is {value}; it must lie in {low}..{high}"
        for field, (value, (low, high)) in limits.items()
        if not low <= value <= high
    ]
    if found:
        return found
    hs = HeatingValue(gas.hs_j_m3 / 1e6, SGERG, Kind.SUPERIOR, State.REAL)
    verdict = check_by_density(hs, gas.d_e9 / E9, gas.x_co2_e9 / E9, gas.x_h2_e9 / E9)
    return [f"hs_j_m3: {verdict}"] if isinstance(verdict, Inconsistent) else []


def superior_heating_value(
    gas: GasData, reference: Reference
) -> HeatingValue | Approximate | OutOfRange:
    """At any reference: exact by the composition; else of Hs, approximate unless it is at 25/0."""
    if gas.composition is not None:
        return of_mixture(mixture_of(gas.composition), reference, Kind.SUPERIOR, State.REAL)
    hs = HeatingValue(gas.hs_j_m3 / 1e6, SGERG, Kind.SUPERIOR, State.REAL)
    return hs if reference == SGERG else approximately(hs, reference, Kind.SUPERIOR, State.REAL)


def billing_heating_value(
    gas: GasData,
    combustion: ReferenceTemperature,
    base_pressure_dpa: int,
    base_temperature_mk: int,
) -> BillingHeatingValue | OutOfRange | EnergyFault:
    """The superior heating value that a base volume is multiplied with.

    Without a composition it is the mean factor's (known to 0.013 % from 25/0 to 20/20); whether it
    is, `superior_heating_value` tells by its type.
    """
    reference = reference_of_base(combustion, base_pressure_dpa, base_temperature_mk)
    if isinstance(reference, OutOfRange):
        return reference
    found = superior_heating_value(gas, reference)
    if isinstance(found, OutOfRange):
        return found
    value = found.mean if isinstance(found, Approximate) else found
    return at_base(value, base_pressure_dpa, base_temperature_mk)
