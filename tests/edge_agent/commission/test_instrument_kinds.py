"""What an instrument can be, by its profile alone."""

from __future__ import annotations

import pytest

from edge_agent.commission.instrument_kinds import (
    counters,
    is_meter,
    name_for,
    pressures,
    resolution_of,
    serial_point,
    temperatures,
    usual_digits,
)
from protocols.registers.library import load_profile, profile_ids


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        ("sick-flowsic500", "meter-1"),
        ("keller-33x", "p-1"),
        ("rosemount-3095fb", "pt-1"),
        ("generic-contacts", "device-1"),
        ("yinuo-js-flow", "meter-1"),
    ],
)
def test_a_name_says_what_it_is(profile: str, name: str) -> None:
    """And is not taken."""
    assert name_for(load_profile(profile), frozenset()) == name
    other = name_for(load_profile(profile), frozenset({name}))
    assert other == name.replace("-1", "-2")


def test_a_meter_counts() -> None:
    """Transmitters do not."""
    meters = {one for one in profile_ids() if is_meter(load_profile(one))}
    assert {"sick-flowsic500", "itron-corus", "flonidan-uniflo1200", "fuxin-fx"} <= meters
    assert not meters & {"keller-33x", "rosemount-3095fb", "generic-contacts"}
    for one in meters:
        assert counters(load_profile(one))


def test_points_that_are_polled_come_first() -> None:
    """The usual one is the default."""
    assert pressures(load_profile("keller-33x"))[0] == "p1_f32"
    assert temperatures(load_profile("rosemount-3095fb"))[0] == "process_temperature"
    assert pressures(load_profile("generic-contacts")) == ()


def test_how_a_register_counts() -> None:
    """By the composite, the digits of BCD, or the bits."""
    flowsic, corus = load_profile("sick-flowsic500"), load_profile("itron-corus")
    assert (usual_digits(flowsic, "vm"), resolution_of(flowsic, "vm")) == (9, "")
    assert (usual_digits(corus, "vm"), resolution_of(corus, "vm")) == (9, "1")
    assert resolution_of(load_profile("dewen-dw-f64"), "vb") == "0.001"


def test_where_a_device_tells_its_serial_number() -> None:
    """A float is none."""
    point = serial_point(load_profile("sick-flowsic500"))
    assert point is not None
    assert point.name == "serial_number"
    assert serial_point(load_profile("keller-33x")) is None
    assert serial_point(load_profile("rockwell-1758-flo")) is None
