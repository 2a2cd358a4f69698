"""Set values as found and as left, against the configuration and against each other."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from edge_agent.acts.fault import BadFigure
from edge_agent.acts.regulator_set import (
    Settings,
    check,
    configured,
    edits,
    fields,
    findings,
)
from protocols.evidence.statement import Statement
from protocols.metering.regulator_config import RegulatorConfig
from tests.edge_agent.gateway import config_of


@pytest.fixture(name="regulator")
def _regulator(tmp_path: Path) -> RegulatorConfig:
    """Set to 300 kPa gauge, lock-up 60 kPa above; a standby run at 200."""
    (regulator,) = config_of(tmp_path).regulators
    return replace(regulator, standby_set_dpa=2_000_000 + regulator.atmosphere_dpa)


def kpa(**values: str) -> dict[str, Decimal]:
    return {name.replace("__", "."): Decimal(value) for name, value in values.items()}


GOOD = kpa(working__supply="300", standby__supply="200", working__slam_shut="400")


def codes(settings: Settings, regulator: RegulatorConfig) -> list[tuple[str, str]]:
    return [(one.code, one.name) for one in findings(settings, regulator)]


def test_as_configured(regulator: RegulatorConfig) -> None:
    """Nothing to say; a per cent off a gauge is nothing."""
    assert configured(regulator) == kpa(working__supply="300", standby__supply="200")
    assert codes(Settings(GOOD, {}, {}), regulator) == []
    near = kpa(working__supply="303", standby__supply="199")
    assert codes(Settings(GOOD, near, {}), regulator) == []
    assert edits(Settings(GOOD, near, {}), regulator, ("Li", "why")) == []


@pytest.mark.parametrize(
    ("left", "lock_up", "code"),
    [
        (kpa(working__supply="310"), {}, ("differs", "working.supply")),
        (kpa(standby__supply="209"), {}, ("differs", "standby.supply")),
        (kpa(standby__supply="210"), {}, ("standby_above", "standby.supply")),
        (kpa(working__slam_shut="290"), {}, ("valve_below", "working.slam_shut")),
        ({}, kpa(working="361"), ("lock_up_above", "working.lock_up")),
    ],
)
def test_findings(
    regulator: RegulatorConfig,
    left: dict[str, Decimal],
    lock_up: dict[str, Decimal],
    code: tuple[str, str],
) -> None:
    """Each by itself, as it is left."""
    settings = Settings(GOOD, left, lock_up)
    assert code in codes(settings, regulator)
    told = dict(fields(settings, regulator, {"bypass_seal": "0047"}))
    assert (told["verdict"], told["bypass_seal"]) == ("outside", "0047")
    Statement("regulator_set", "Li", "why", tuple(told.items())).to_body()


def test_lock_up_at_its_limit(regulator: RegulatorConfig) -> None:
    """60 kPa above the supply pressure is allowed."""
    assert codes(Settings(GOOD, {}, kpa(working="360")), regulator) == []


def test_what_was_found_wrong_and_mended(regulator: RegulatorConfig) -> None:
    """As left counts; both stand in the record."""
    settings = Settings({**GOOD, **kpa(working__supply="321.5")}, kpa(working__supply="300"), {})
    assert codes(settings, regulator) == []
    told = dict(fields(settings, regulator, {}))
    assert told["working.supply.found_kpa_gauge"] == "321.5"
    assert told["working.supply.left_kpa_gauge"] == "300"
    assert told["standby.supply.left_kpa_gauge"] == "200"


def test_left_without_found(regulator: RegulatorConfig) -> None:
    """And both runs are looked at; pressures are such."""
    for settings, told in (
        (
            Settings(GOOD, kpa(standby__relief="500"), {}),
            "standby.relief: as left without as found",
        ),
        (Settings(kpa(working__supply="300"), {}, {}), "--as-found standby.supply"),
        (Settings({**GOOD, **kpa(working__relief="-1")}, {}, {}), "is no pressure"),
        (Settings({}, {}, {}), "--as-found working.supply"),
    ):
        with pytest.raises(BadFigure, match=told):
            check(settings, regulator)
    check(Settings(kpa(working__supply="300"), {}, {}), replace(regulator, standby_set_dpa=0))
