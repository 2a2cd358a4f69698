"""The properties of a gas as a table for people: 80 columns, and a screen for a natural gas."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Final

from edge_agent.commands.gas import Report
from protocols.metering.heating_value import from_mj_m3
from protocols.metering.heating_value_check import Inconsistent
from protocols.metering.iso6976 import NAMES, Properties
from protocols.metering.reference import SGERG
from protocols.metering.refusal import OutOfRange
from protocols.metering.suitability import ThirdRule

WIDTH: Final = 80
DECIMALS: Final = {"kWh/m3": 4, "MJ/m3": 4, "Btu/ft3": 2, "kcal/m3": 1, "kcal_th/m3": 1}
_LEGEND: Final = "Real gas, ISO 6976:2016; s superior, i inferior; combustion t1, metering t2, p2"
_HEATS: Final = ("Hs", "Hi", "Ws", "Wi")
_NO_BREAK: Final = "\N{NO-BREAK SPACE}"  # a name and its figure stay on one line


def as_table(report: Report, heat_unit: str) -> str:
    """The lines of a report; heating values in `heat_unit`."""
    parsed = report.parsed
    shares = ", ".join(
        f"{name}{_NO_BREAK}{x:.4%}"
        for name, x in zip(NAMES, parsed.mixture.x, strict=True)
        if x > 0.0
    )
    lines = [
        *_wrapped(shares),
        f"as given they add up to {parsed.found_sum:.6%}; sum rule: {parsed.rule}",
        "",
        *_property_lines(report.found, heat_unit),
        *_basis_lines(report.own),
        "",
        *_sgerg_lines(report),
        *_third_rule_lines(report.third_rule),
    ]
    if report.aga8_refused:
        lines += _wrapped(f"DETAIL, GERG-2008: {report.aga8_refused}.")
    if isinstance(report.verdict, Inconsistent):
        lines += _wrapped(f"Stated: {report.verdict}.")
    elif report.verdict is not None:
        expected = f"{report.verdict.stated.expected_mj_m3:.4f}"
        lines += _wrapped(
            f"Stated: {report.verdict.stated.value} is right; {expected} by ISO 6976."
        )
    return "\n".join(lines)


def _property_lines(found: Mapping[str, Properties | OutOfRange], heat_unit: str) -> list[str]:
    lines = [
        *_wrapped(_LEGEND),
        f"{'t1/t2@p2':<19}" + "".join(f"{head:>9}" for head in _HEATS)
        + f"{'d':>8}{'rho':>8}{'Z':>8}",
        f"{'':19}" + f"{heat_unit:>9}" * len(_HEATS) + f"{'':8}{'kg/m3':>8}",
    ]  # fmt: skip
    for name, each in found.items():
        if isinstance(each, OutOfRange):
            lines += _wrapped(f"{name:<19}  {each}")
            continue
        heats = (each.hs_mj_m3, each.hi_mj_m3, each.ws_mj_m3, each.wi_mj_m3)
        lines.append(
            f"{name:<19}"
            + "".join(f"{from_mj_m3(heat, heat_unit):9.{DECIMALS[heat_unit]}f}" for heat in heats)
            + f"{each.d:8.5f}{each.rho_kg_m3:8.5f}{each.z:8.5f}"
        )
    return lines


def _basis_lines(own: Properties | OutOfRange) -> list[str]:
    if isinstance(own, OutOfRange):
        return []
    return _wrapped(
        f"M {own.m_kg_kmol:.5f} kg/kmol; at t1 = {SGERG.t1} °C Hs {own.hs_mj_kg:.4f} MJ/kg, "
        f"Hi {own.hi_mj_kg:.4f} MJ/kg"
    )


def _sgerg_lines(report: Report) -> list[str]:
    inputs = report.sgerg
    if isinstance(inputs, OutOfRange):
        return _wrapped(f"SGERG-88: ISO 6976 has no inputs for it, {inputs}.")
    figures = (
        f"Hs 25/0 {inputs.hs_mj_m3:.4f} MJ/m3",
        f"d(0 °C) {inputs.relative_density:.5f}",
        f"x_CO2 {inputs.x_co2:.5f}",
        f"x_H2 {inputs.x_h2:.5f}",
    )
    told = ", ".join(figure.replace(" ", _NO_BREAK) for figure in figures)
    refused = [f"SGERG-88 refuses them: {report.sgerg_refused}."] if report.sgerg_refused else []
    return [line for text in (f"SGERG-88: {told}", *refused) for line in _wrapped(text)]


def _third_rule_lines(rule: ThirdRule) -> list[str]:
    if not rule.suits:
        return _wrapped(
            "1/3 rule (DVGW G 486) broken, SGERG-88 does not suit, take AGA8-DETAIL: "
            f"{'; '.join(rule.faults)}."
        )
    return _wrapped(
        f"1/3 rule (DVGW G 486) kept: propane {rule.propane:.3%} by ethane/3 "
        f"{rule.ethane / 3:.3%}, butanes+ {rule.butanes_plus:.3%} by propane/3 "
        f"{rule.propane / 3:.3%}."
    )


def _wrapped(text: str) -> list[str]:
    lines = textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    return [line.replace(_NO_BREAK, " ") for line in lines]
