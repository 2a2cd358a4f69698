"""The words of both languages."""

from __future__ import annotations

import re
import string

import pytest

from edge_agent.language import load_table
from edge_agent.status import figures
from protocols.metering import events, regulator
from protocols.metering.quality import Quality
from protocols.metering.regulator_config import ContactKind

EN, ZH = load_table("edge_agent.status", "en"), load_table("edge_agent.status", "zh")
NO_WORDS = {"join", "headline", "device.bad"}


def test_both_languages_have_the_same_keys_and_fields() -> None:
    """A figure that is filled in is filled in in both."""
    assert EN.keys() == ZH.keys()
    for key in EN:
        fields = [{name for _, name, _, _ in string.Formatter().parse(t[key])} for t in (EN, ZH)]
        assert fields[0] - {None} == fields[1] - {None}, key


def test_chinese_is_chinese() -> None:
    """Every text has a Chinese character."""
    assert {key for key, text in ZH.items() if not re.search("[\u4e00-\u9fff]", text)} == NO_WORDS


CONDITIONS = [
    getattr(module, name)
    for module, names in (
        (
            events,
            (
                "CONFIGURATION_MISMATCH INDEX_MISSING INDEX_HELD PRESSURE_SUBSTITUTED",
                "TEMPERATURE_SUBSTITUTED CONVERSION_OUT_OF_RANGE ATMOSPHERE_SUBSTITUTED",
                "GAS_SUBSTITUTED FLOW_ABOVE_QMAX REVERSE_FLOW CONVERSION_DEVIATES",
            ),
        ),
        (
            regulator,
            (
                "OUTLET_MISSING OUTLET_ABOVE OUTLET_BELOW LOCK_UP_HIGH INLET_MISSING INLET_ABOVE",
                "INLET_BELOW HUNTING STANDBY_ACTIVE SET_PRESSURE_DRIFT CONTACT_MISSING",
            ),
        ),
        (figures, ("NEVER_READ",)),
    )
    for name in " ".join(names).split()
]


@pytest.mark.parametrize("code", [*CONDITIONS, *ContactKind])
def test_every_condition_has_its_words(code: str) -> None:
    """Of runs, regulators and contacts."""
    assert f"code.{code}" in EN


@pytest.mark.parametrize("quality", [quality for quality in Quality if quality >= 128])
def test_every_bad_quality_has_its_words(quality: Quality) -> None:
    """A device is told by it."""
    assert f"code.{quality.name}" in EN
