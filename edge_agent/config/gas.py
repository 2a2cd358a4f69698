"""Gases and conversion of gateway.toml: by four figures, or by a composition (ISO 6976)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from edge_agent.config.fields import Section, nearest
from edge_agent.config.model import CompositionRule
from protocols.evidence import cbor
from protocols.metering.composition import (
    DEFAULT_RULE,
    CompositionFault,
    ParsedComposition,
    SumRule,
    from_e9,
    parse_composition,
    to_e9,
)
from protocols.metering.gas import Gas
from protocols.metering.heating_value import HeatingValue, Kind, State, of_mixture
from protocols.metering.heating_value_check import (
    Inconsistent,
    Undecided,
    check_by_composition,
    check_by_density,
    check_by_heating_value,
)
from protocols.metering.limits import Limits
from protocols.metering.method import METHODS, NEEDS
from protocols.metering.mixture import mixture_of
from protocols.metering.reference import (
    SGERG,
    Reference,
    ReferenceFault,
    ReferenceTemperature,
    parse_reference,
    reference_of_base,
)
from protocols.metering.refusal import OutOfRange
from protocols.metering.suitability import third_rule

MAX_GASES: Final = 64
_WHOLE_E9: Final = 10**9
_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}"
_E9: Final = "0.000000001"
_BY_NITROGEN: Final = ("GROSS-2", "NX-19-mod")


class FileGas(NamedTuple):
    """A gas as the file describes it; `stated`: its heating value for energy, where it says one.

    `knows_nitrogen`: it says how much, be it none. `is_good`: it has no fault, told where it is.
    """

    gas: Gas = Gas()
    parsed: ParsedComposition | None = None
    stated: HeatingValue | None = None
    knows_nitrogen: bool = True
    is_good: bool = True

    def hash(self) -> bytes:
        """SHA-256 over all that the file says: whether it is still the gas that it was."""
        stated = self.stated
        known = None if stated is None else (repr(stated.mj_m3), str(stated.reference))
        return hashlib.sha256(cbor.encode((self.gas.to_body(), known))).digest()


class Conversion(NamedTuple):
    """How a run's volume is converted; not `is_good`: by a gas whose faults are told already."""

    method: str
    limits: str
    k_e9: int
    gas: Gas
    is_good: bool = True


def read_gases(top: Section) -> dict[str, FileGas]:
    """All gases by name; their faults are reported."""
    gases: dict[str, FileGas] = {}
    for section in top.sections("gas", "name", MAX_GASES):
        name = section.text("name", _NAME)
        if name and name in gases:
            section.fault("name", f"{name!r} is there twice", "give each gas its own name")
        before = section.fault_count()
        gas = _gas(section, name)
        gases[name] = gas._replace(is_good=section.fault_count() == before)
        section.done()
    return gases


def _gas(section: Section, name: str) -> FileGas:
    if section.has("composition"):
        return _by_composition(section, name)
    gas = Gas(
        name,
        (),
        hs_j_m3=_figure(section, "hs_25_0_mj_m3", ("1", "100", "0.000001")),
        d_e9=_figure(section, "relative_density_0", ("0.05", "2", _E9)),
        x_co2_e9=section.scaled("x_co2", "0", "1", _E9),
        x_h2_e9=section.scaled("x_h2", "0", "1", _E9),
        x_n2_e9=_figure(section, "x_n2", ("0", "1", _E9)),
        rho_20_mg_m3=_figure(section, "density_20_kg_m3", ("0.05", "3", "0.000001")),
    )
    if gas.hs_j_m3 and gas.d_e9:
        _check_reference(section, gas)
    stated = _stated(section)
    if gas.hs_j_m3 and stated is not None:
        known = HeatingValue(gas.hs_j_m3 / 1e6, SGERG, Kind.SUPERIOR, State.REAL)
        found = check_by_heating_value(stated, known)
        if isinstance(found, Inconsistent | OutOfRange):
            section.fault("heating_value", str(found), "correct it or hs_25_0_mj_m3")
    return FileGas(gas, None, stated, section.has("x_n2"))


def _figure(section: Section, key: str, limits: tuple[str, str, str]) -> int:
    """0 where the file does not tell it: which method needs it, the run's own check knows."""
    return section.scaled(key, *limits) if section.has(key) else 0


def _check_reference(section: Section, gas: Gas) -> None:
    """A contract's 20/20 figure as 25/0 would be wrong by 7 %."""
    as_written = HeatingValue(gas.hs_j_m3 / 1e6, SGERG, Kind.SUPERIOR, State.REAL)
    shares = (gas.d_e9 / 1e9, gas.x_co2_e9 / 1e9, gas.x_h2_e9 / 1e9)
    x_n2 = gas.x_n2_e9 / 1e9 if gas.x_n2_e9 else None
    found = check_by_density(as_written, *shares, x_n2)
    if isinstance(found, Inconsistent):
        section.fault("hs_25_0_mj_m3", str(found), "correct it")
    elif isinstance(found, Undecided):
        section.warn("hs_25_0_mj_m3", str(found))


def _by_composition(section: Section, name: str) -> FileGas:
    entries = {key: float(value) if isinstance(value, Decimal) else value
               for key, value in section.table("composition").items()}  # fmt: skip
    unit = section.choice("composition_unit", ("fraction", "percent"), "fraction")
    rule = SumRule(section.choice("sum_rule", tuple(SumRule), DEFAULT_RULE.value))
    parsed = parse_composition(
        entries, unit="percent" if unit == "percent" else "fraction", rule=rule
    )
    stated = _stated(section)
    if isinstance(parsed, CompositionFault):
        section.fault(parsed.field, parsed.problem, parsed.remedy)
        return FileGas(Gas(name), None, stated)
    if stated is not None:
        found = check_by_composition(stated, mixture_of(parsed.composition))
        if isinstance(found, Inconsistent | OutOfRange):
            section.fault("heating_value", str(found), "correct it, or leave it out")
    return FileGas(Gas(name, to_e9(parsed.composition)), parsed, stated)


def _stated(section: Section) -> HeatingValue | None:
    if not section.has("heating_value"):
        return None
    entry = section.section("heating_value")
    mj_m3 = float(entry.number("superior_mj_m3", "1", "150"))
    text = entry.text("reference")
    entry.done()
    reference = parse_reference(text) if text else SGERG
    if isinstance(reference, ReferenceFault):
        entry.fault("reference", f"{text!r} names no reference conditions", reference.remedy)
        return None
    return HeatingValue(mj_m3, reference, Kind.SUPERIOR, State.REAL)


def composition_rules(gases: Mapping[str, FileGas]) -> tuple[CompositionRule, ...]:
    """By which rule each composition came, and what its parts added up to: it goes into the log."""
    return tuple(
        CompositionRule(name, round(gas.parsed.found_sum * _WHOLE_E9), gas.parsed.rule.value)
        for name, gas in gases.items()
        if gas.parsed is not None
    )


def read_conversion(
    section: Section, gases: Mapping[str, FileGas], base: tuple[int, int], *, analysed: bool
) -> Conversion:
    """Method, its range, K, and the gas with its heating value at the base conditions.

    `analysed`: a chromatograph tells the composition, and the gas is what is used before.
    """
    method = section.choice("method", METHODS)
    limits = section.choice("range", tuple(Limits), Limits.PROGRAM.value)
    k_e9 = 0
    if method in ("T", "fixed-K"):
        default = {"T": Decimal(1)}.get(method)
        bounds = ("0.1", "10", _E9)
        k_e9 = section.scaled("k", *bounds) if default is None else (
            section.scaled("k", *bounds, default))  # fmt: skip
    combustion = section.choice("energy_combustion", ("", *ReferenceTemperature), "")
    found = FileGas()
    if NEEDS[method] or combustion or analysed or section.has("gas"):
        name = section.text("gas", _NAME)
        if name and name not in gases:
            section.fault("gas", f"no gas {name!r}", nearest(name, gases))
        found = gases.get(name, found)
    gas = found.gas
    if not found.is_good:
        section.done()
        return Conversion(method, limits, k_e9, gas, is_good=False)
    if method in _BY_NITROGEN and not found.knows_nitrogen:
        section.fault("method", f"{method} needs the nitrogen of gas {gas.name!r}, and none is no"
                      " default", "add x_n2 to the gas")  # fmt: skip
    if method in ("SGERG-88", "SGERG-mod-H2") and found.parsed is not None:
        for criterion in third_rule(mixture_of(found.parsed.composition)).faults:
            section.warn("method", f"{method} may not suit this gas (the 1/3 rule): {criterion}")
    if combustion:
        superior_j_m3 = _superior(section, found, combustion, base)
        gas = gas._replace(superior_j_m3=superior_j_m3, combustion=combustion)
    section.done()
    return Conversion(method, limits, k_e9, gas)


def _superior(section: Section, gas: FileGas, combustion: str, base: tuple[int, int]) -> int:
    """The heating value for energy, J in a cubic metre at the base conditions."""
    wanted = reference_of_base(ReferenceTemperature(combustion), *base)
    if isinstance(wanted, OutOfRange):
        section.fault(
            "energy_combustion",
            "ISO 6976 has no heating value of a cubic metre at these base conditions",
            "bill volume only, or choose a base of 0, 15 or 20 degC or 60 degF",
        )
        return 0
    if gas.gas.composition:
        mixture = mixture_of(from_e9(gas.gas.composition))
        found = of_mixture(mixture, wanted, Kind.SUPERIOR, State.REAL)
        if isinstance(found, OutOfRange):
            section.fault("energy_combustion", str(found), "check the composition")
            return 0
        return round(found.mj_m3 * 1e6)
    stated = _known(gas, wanted)
    if stated is None:
        section.fault(
            "energy_combustion",
            f"gas {gas.gas.name!r} states no heating value at {wanted}",
            f'add heating_value = {{ superior_mj_m3 = ..., reference = "{wanted}" }} to the gas',
        )
        return 0
    return round(stated.mj_m3 * 1e6)


def _known(gas: FileGas, wanted: Reference) -> HeatingValue | None:
    figure = gas.stated
    if figure is None and gas.gas.hs_j_m3:
        figure = HeatingValue(gas.gas.hs_j_m3 / 1e6, SGERG, Kind.SUPERIOR, State.REAL)
    return figure if figure is not None and figure.reference == wanted else None
