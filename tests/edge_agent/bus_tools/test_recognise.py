"""Each instrument once, beside what the configuration says of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.bus_tools.progress import Bar
from edge_agent.bus_tools.recognise import recognise
from edge_agent.bus_tools.scan import Present, Scanned, hasty
from edge_agent.config.model import BusConfig
from protocols.registers.library import load_profile
from tests.edge_agent.bus_tools.lines import line
from tests.edge_agent.gateway import config_of

pytestmark = pytest.mark.timing


def found_on(path: Path, units: dict[int, str], config=None) -> list:
    bus = hasty(BusConfig("scan", "rtu", port=str(path), baud=115_200), 0.1)
    scanned = Scanned(bus, [Present(unit, "registers") for unit in units])
    with line(path, units):
        return list(recognise(config, bus, scanned, Bar("", shown=False)))


def test_banks_are_one_instrument(tmp_path: Path) -> None:
    """Four units in a row that are one device; the next one is another."""
    units = dict.fromkeys((1, 2, 3, 4), "flonidan-uniflo1200") | {5: "keller-33x"}
    found = found_on(tmp_path / "line", units)
    assert [one.present.unit for one in found] == [1, 5]
    assert found[0].is_certain
    assert found[0].says == ""  # who is certain is not asked


def test_what_the_configuration_says(tmp_path: Path) -> None:
    """By port, whatever the scan calls its bus: the name, and the profile that it has there."""
    config = config_of(tmp_path)
    device = replace(config.devices[0], profile=load_profile("keller-33x"))
    config = replace(config, devices=(device, *config.devices[1:]))
    (found,) = found_on(tmp_path / "line-1", {1: "sick-flowsic500"}, config)
    assert (found.known_as, found.known_profile) == ("meter-1", "keller-33x")
    assert found.guesses[0].profile == "sick-flowsic500"


def test_nobody_is_nobody(tmp_path: Path) -> None:
    """A scan that found nothing asks nothing."""
    bus = BusConfig("scan", "rtu", port=str(tmp_path / "none"))
    assert list(recognise(None, bus, Scanned(), Bar("", shown=False))) == []
