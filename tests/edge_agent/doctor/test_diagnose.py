"""All of it together, by values."""

from dataclasses import replace

from edge_agent.doctor.diagnose import diagnose
from edge_agent.doctor.host import AgentState, Host
from edge_agent.doctor.lines import told_of, words_of
from edge_agent.status.model import Alarm
from tests.edge_agent.doctor.snapshots import METER, SENSOR, host, snapshot
from tests.edge_agent.gateway import config_of


def test_a_site_that_is_well_has_no_finding(tmp_path) -> None:
    """With and without a configuration."""
    assert diagnose(snapshot(), config_of(tmp_path), host()) == ()
    assert diagnose(snapshot(), None, host()) == ()


def test_no_red_light_without_a_finding() -> None:
    """What answers badly and has no cause yet is named with its own words."""
    moment = replace(METER, quality="BAD_VALUE", detail="not a number")
    assert diagnose(snapshot(devices=(moment, SENSOR)), None, host()) == ()
    odd = replace(moment, good_age_ms=60_000)
    found = diagnose(snapshot(devices=(odd, SENSOR)), None, host())
    assert [(one.code, one.where) for one in found] == [("device_bad", "meter-1")]
    assert found[0].facts["said"] == "not a number"


def test_an_alarm_that_nothing_else_speaks_of() -> None:
    """Of a regulator, by its name in words; not where its sensor is silent anyway."""
    drifts = Alarm("set_pressure_drift", "PR1", None, "736 Pa")
    found = diagnose(snapshot(alarms=(drifts,)), None, host())
    assert [(one.code, one.where, one.light) for one in found] == [("alarm_on", "PR1", "warning")]
    assert told_of(found[0], words_of(chinese=False)).what == "alarm: set pressure has drifted"
    assert told_of(found[0], words_of(chinese=True)).what == "报警：设定压力漂移"
    silent = replace(SENSOR, quality="BAD_NO_ANSWER", good_age_ms=60_000)
    missing = Alarm("outlet_missing", "PR1", None, "")
    found = diagnose(snapshot(alarms=(missing,), devices=(METER, silent)), None, host())
    assert [one.code for one in found] == ["unit_lost"]


def test_nothing_at_all_is_known() -> None:
    """That no agent runs is the first finding."""
    found = diagnose(None, None, Host(AgentState.NONE))
    assert [one.code for one in found] == ["no_agent"]
