"""The contract: conversion, base conditions, and the gas it is done with. Pure."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

from edge_agent.commission.answers import Answers, names_of, table_of
from edge_agent.commission.figures import number, plain, shares
from edge_agent.commission.question import NONE, Choice, Question, Script, Step
from protocols.metering.method import METHODS, NEEDS, WITHOUT_HYDROGEN
from protocols.metering.reference import ReferenceTemperature

COMPOSITION, FIGURES = "composition", "figures"
DEFAULT_METHOD: Final = "SGERG-88"
_BY_NITROGEN: Final = ("GROSS-2", "NX-19-mod")
_DENSITY: Final = "NX-19-mod"


def conversion(answers: Answers, run: str) -> Generator[Step, Any, bool]:
    """Method, gas, energy and base conditions; whether the pressure is a fixed one."""
    method = yield _run(run, "method", DEFAULT_METHOD, choices=tuple(
        Choice(method, f"method.{method}") for method in METHODS
    ), fields=(f"run[{run}].conversion.method",))  # fmt: skip
    yield _run(run, "range", "program", quiet=True, fields=(f"run[{run}].conversion.range",))
    if method == "fixed-K":
        yield _run(run, "k", fields=(f"run[{run}].conversion.k",), takes=_decimal)
    yield _run(run, "base_temperature_c", "20", fields=(f"run[{run}].base.temperature_c",),
               takes=_decimal)  # fmt: skip
    yield _run(run, "base_pressure_kpa", "101.325", fields=(f"run[{run}].base.pressure_kpa",),
               takes=_decimal)  # fmt: skip
    if NEEDS.get(method):
        yield from _gas_of(answers, run, method)
    yield from _energy(answers, run, method)
    if method == "T":
        yield _run(run, "fixed_pressure_kpa_abs", takes=_decimal,
                   fields=(f"run[{run}].pressure.fixed_kpa_abs",))  # fmt: skip
    return bool(method == "T")


def _gas_of(answers: Answers, run: str, method: str) -> Script:
    """Which gas, and what of it is not known yet."""
    gases = names_of(answers, "gas")
    gas = yield _run(
        run, "gas", gases[0] if gases else "grid", fields=("gas[{}].name",),
        choices=tuple(map(Choice, gases)), open_choice=True, names="gas",
    )  # fmt: skip
    if gas:
        yield from _gas(answers, gas, method)


def _energy(answers: Answers, run: str, method: str) -> Script:
    """The temperature of combustion, and the heating value that belongs to it."""
    combustion = yield _run(
        run, "energy_combustion", NONE, fields=(),
        choices=(Choice(NONE, "energy.none"), *map(Choice, ReferenceTemperature)),
    )  # fmt: skip
    if combustion in (NONE, ""):
        return
    if not NEEDS.get(method):
        yield from _gas_of(answers, run, method)
    own = table_of(answers, "run", run)
    gas = own.get("gas", "")
    if not gas or answers.get(("gas", gas, "by")) != FIGURES:
        return
    fields = (f"gas[{gas}].heating_value", f"run[{run}].conversion.energy_combustion")
    reference = f"{combustion}/{own.get('base_temperature_c', '')}"
    stated = yield _of(gas, "heating_value_mj_m3", takes=_decimal, fields=())
    if stated:
        yield _of(gas, "heating_value_reference", reference, fields=fields)


def _gas(answers: Answers, name: str, method: str) -> Script:
    """By a composition, or by the figures that the method needs."""
    whole = "composition" in NEEDS.get(method, ())
    is_known = ("gas", name, "composition") in answers
    by = yield _of(
        name, "by", COMPOSITION if whole or is_known else FIGURES, quiet=whole or is_known,
        choices=(Choice(COMPOSITION, "by.composition"), Choice(FIGURES, "by.figures")), fields=(),
    )  # fmt: skip
    if by == COMPOSITION:
        yield _of(name, "composition", takes=_shares)
        return
    if method not in (*_BY_NITROGEN, "T", "PT", "fixed-K"):
        yield _of(name, "hs_25_0_mj_m3", takes=_decimal)
    if "d_e9" in NEEDS.get(method, ()):
        yield _of(name, "relative_density_0", takes=_decimal)
    yield _of(name, "x_co2", "0", takes=_decimal, quiet=not NEEDS.get(method))
    without = not NEEDS.get(method) or method in WITHOUT_HYDROGEN
    yield _of(name, "x_h2", "0", takes=_decimal, quiet=without)
    if method in _BY_NITROGEN:
        yield _of(name, "x_n2", takes=_decimal)
    if method == _DENSITY:
        yield _of(name, "density_20_kg_m3", takes=_decimal)


def _decimal(text: str) -> str:
    found = number(text)
    return text.strip() if found is None else plain(found)


def _shares(text: str) -> str:
    shares(text)
    return text.strip()


def _run(run: str, setting: str, default: str | None = None, **more: Any) -> Question:
    more.setdefault("values", {"run": run})
    return Question(("run", run, setting), f"run.{setting}", default, **more)


def _of(gas: str, setting: str, default: str | None = None, **more: Any) -> Question:
    more.setdefault("fields", (f"gas[{gas}].{setting}",))
    return Question(("gas", gas, setting), f"gas.{setting}", default, values={"gas": gas}, **more)
