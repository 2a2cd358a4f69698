"""Devices and runs, by synthetic snapshots; on real ones: `test_faults.py`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_agent.doctor.device_findings import device_findings, same_serial, swapped
from edge_agent.doctor.host import Told
from edge_agent.status.model import Alarm
from tests.edge_agent.doctor.snapshots import METER, RUN, SENSOR, host, snapshot, value
from tests.edge_agent.gateway import config_of

THERMOMETER = replace(SENSOR, name="t-1", serial="T1", bus="lan")


@pytest.fixture
def config(tmp_path):
    return config_of(tmp_path)


def codes(config, devices=(METER, SENSOR, THERMOMETER), run=RUN, alarms=(), **seen):
    found = device_findings(
        snapshot(devices=devices, runs=(run,), alarms=alarms), config, host(**seen)
    )
    return [one.code for one in found]


def alarm(code: str, subject: str = "R1", detail: str = "told") -> Alarm:
    return Alarm(code, subject, None, detail)


def test_a_site_that_is_well(config) -> None:
    """Nothing is said."""
    assert codes(config) == []


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"quality": "BAD_CONFIGURATION", "detail": "sp_unit reads 7"}, "device_settings"),
        ({"quality": "BAD_EXCEPTION", "detail": "answers exception 04"}, "refuses"),
        ({"refused": ("vb", "vb_err")}, "holes"),
    ],
)
def test_a_device_that_answers_otherwise(config, changed, code) -> None:
    """By its quality, and what it refuses."""
    assert codes(config, (replace(METER, **changed), SENSOR, THERMOMETER)) == [code]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("configuration_mismatch", "resolution_mismatch"),
        ("index_missing", "index_missing"),
        ("pressure_substituted", "pressure_bad"),
        ("temperature_substituted", "temperature_bad"),
        ("flow_above_qmax", "run_flow_above_qmax"),
        ("reverse_flow", "run_reverse_flow"),
        ("conversion_deviates", "run_conversion_deviates"),
    ],
)
def test_a_condition_of_a_run(config, code: str, found: str) -> None:
    """Each has a finding of its own."""
    assert codes(config, alarms=(alarm(code),)) == [found]


def test_a_sensor_that_does_not_answer_is_not_out_of_range(config) -> None:
    """The bus's finding says it."""
    silent = replace(SENSOR, quality="BAD_NO_ANSWER")
    alarms = (alarm("pressure_substituted"),)
    assert codes(config, (METER, silent, THERMOMETER), alarms=alarms) == []


def test_the_resolution_after_a_restart(config) -> None:
    """The journal remembers that it is on, the values say why."""
    meter = replace(METER, values=(value("resolution_vm", -2, ""),))
    devices = (meter, SENSOR, THERMOMETER)
    (found,) = device_findings(
        snapshot(devices=devices, alarms=(alarm("configuration_mismatch", detail=""),)),
        config,
        host(),
    )
    assert found.facts["said"] == "resolution_vm shows -2, configured is -3"


def test_words_in_another_order(config) -> None:
    """Next to nothing, or beyond everything; and a value that is usual the other way round."""
    for shown in (2.304856e-41, -789_508.0):
        sensor = replace(SENSOR, values=(value("p1_f32", shown, "bar"),))
        found = codes(config, (METER, sensor, THERMOMETER))
        assert found == ["word_order"], shown
    for shown in (0.0, 3.0):
        sensor = replace(SENSOR, values=(value("p1_f32", shown, "bar"),))
        assert codes(config, (METER, sensor, THERMOMETER)) == []


def test_float_orders() -> None:
    """3.0 is 0x40400000."""
    assert swapped(2.304856e-41)[0] == 3.0
    assert swapped(1e300) == ()
    assert swapped(float("nan")) is not None


def test_an_index_that_stands_still(config) -> None:
    """Only where it should have counted some times since."""
    meter = replace(METER, values=(value("flow_actual", 100.0, "m3/h"),))
    still = replace(RUN, line_flow_m3_h=0.0)
    devices = (meter, SENSOR, THERMOMETER)
    assert codes(config, devices, still) == ["index_frozen"]
    assert codes(config, devices, RUN) == []
    drip = replace(METER, values=(value("flow_actual", 0.1, "m3/h"),))
    assert codes(config, (drip, SENSOR, THERMOMETER), still) == []


def test_a_clock_that_drifts(config) -> None:
    """By the alarm of its serial, with the figure."""
    meter = replace(METER, clock_offset_ms=-90_000)
    alarms = (alarm("device_clock_drifts", "M1"),)
    assert codes(config, (meter, SENSOR, THERMOMETER), alarms=alarms) == ["device_clock"]


def test_what_happened_once(config) -> None:
    """A jump is told for a day."""
    jump = Told("index_jump", "R1", 60, "vm: 900000 counts quarantined")
    assert codes(config, events=(jump,)) == ["index_jump"]
    assert codes(config, events=(replace(jump, age_s=90_000),)) == []


def test_another_device_than_configured(config) -> None:
    """By the number that it says of itself."""
    assert codes(config, serials={"meter-1": "4711"}) == ["wrong_device"]
    assert codes(config, serials={"meter-1": "M1"}) == []


@pytest.mark.parametrize(
    ("said", "written", "same"),
    [
        ("12345678", "12345678", True),
        ("12345678", "FL-0012345678", True),
        ("0012345678", "12345678", True),
        ("678", "12345678", False),
        ("12345679", "12345678", False),
    ],
)
def test_a_plate_shows_more_than_a_register(said: str, written: str, same: bool) -> None:
    """Zeros, dashes, a type before it."""
    assert same_serial(said, written) is same
