"""Reference conditions: how they are written, read, and matched with base conditions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.reference import (
    C0,
    C15,
    C20,
    C25,
    CHINA,
    F60,
    REFERENCES,
    SGERG,
    Reference,
    ReferenceFault,
    ReferenceTemperature,
    outside,
    parse_reference,
    psia,
    reference_of_base,
)
from protocols.metering.refusal import OutOfRange


@pytest.mark.parametrize(
    ("temperature", "kelvin"),
    [(C0, 273.15), (C15, 288.15), (F60, 288.7055555555556), (C20, 293.15), (C25, 298.15)],
)
def test_kelvin(temperature: ReferenceTemperature, kelvin: float) -> None:
    """60 degF is neither 15.55 nor 15.56 degC."""
    assert temperature.kelvin == pytest.approx(kelvin, rel=1e-15)
    assert list(ReferenceTemperature)[temperature.column] is temperature


@pytest.mark.parametrize("name", REFERENCES)
def test_every_named_reference_is_read_and_shown(name: str) -> None:
    """By the same text."""
    assert parse_reference(name) == REFERENCES[name]
    assert str(REFERENCES[name]) == name
    assert outside(REFERENCES[name]) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20 / 20", CHINA),
        ("25C/0C", SGERG),
        ("60f/60f@14.73 psia", Reference(F60, F60, psia(14.73))),
        ("25/0@1.01325bar", SGERG),
        ("15/15@101560Pa", Reference(C15, C15, 101.56)),
        ("15/15@1013.25mbar", Reference(C15, C15)),
    ],
)
def test_other_ways_to_write_them(text: str, expected: Reference) -> None:
    """Spaces, C, and units of pressure."""
    found = parse_reference(text)
    assert isinstance(found, Reference)
    assert found[:2] == expected[:2]
    assert found.p2_kpa == pytest.approx(expected.p2_kpa, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    ["", "20", "20/", "20-20", "18/20", "25/25", "20/20@", "20/20@1.2", "20/20@2bar",
     "20/20@nankPa", "20/20@highkPa", "20/20@-101.325kPa", "20/20/20", "standard", "15.55/15.55"],
)  # fmt: skip
def test_what_is_no_reference(text: str) -> None:
    """Nothing is guessed, and the remedy says how to write it."""
    fault = parse_reference(text)
    assert isinstance(fault, ReferenceFault)
    assert repr(text) in str(fault)


@given(
    t1=st.sampled_from(list(ReferenceTemperature)),
    t2=st.sampled_from([C0, C15, F60, C20]),
    p2=st.floats(90, 110),
)
def test_what_is_shown_can_be_read(
    t1: ReferenceTemperature, t2: ReferenceTemperature, p2: float
) -> None:
    """No digit of the pressure is lost."""
    assert parse_reference(str(Reference(t1, t2, p2))) == Reference(t1, t2, p2)


@pytest.mark.parametrize("reference", REFERENCES.values(), ids=str)
def test_the_reference_of_base_conditions(reference: Reference) -> None:
    """Integers of 0.1 Pa and mK lead back to the named reference, 14.73 psia included."""
    base = (reference.base_pressure_dpa, reference.base_temperature_mk)
    found = reference_of_base(reference.t1, *base)
    assert found == reference


def test_base_conditions_of_a_contract_without_a_name() -> None:
    """Another pressure at a known temperature is a reference; another temperature is none."""
    found = reference_of_base(C20, 1_000_000, 288_150)
    assert found == Reference(C20, C15, 100.0)
    refused = reference_of_base(C20, 1_013_250, 291_150)
    assert isinstance(refused, OutOfRange)
    assert refused.field == "base_temperature_mk"
    low = reference_of_base(C20, 800_000, 273_150)
    assert isinstance(low, OutOfRange)
    assert low.field == "p2_kpa"


def test_pressure_that_is_no_number() -> None:
    """NaN is outside every range."""
    assert outside(Reference(C25, C0, math.nan)) is not None
