"""All of it together, by values."""

from dataclasses import replace

from edge_agent.doctor.diagnose import diagnose
from edge_agent.doctor.host import AgentState, Host
from tests.edge_agent.doctor.snapshots import METER, SENSOR, host, snapshot
from tests.edge_agent.gateway import config_of


def test_a_site_that_is_well_has_no_finding(tmp_path) -> None:
    """With and without a configuration."""
    assert diagnose(snapshot(), config_of(tmp_path), host()) == ()
    assert diagnose(snapshot(), None, host()) == ()


def test_no_red_light_without_a_finding() -> None:
    """What answers badly and has no cause yet is named with its own words."""
    odd = replace(METER, quality="BAD_VALUE", detail="not a number")
    found = diagnose(snapshot(devices=(odd, SENSOR)), None, host())
    assert [(one.code, one.where) for one in found] == [("device_bad", "meter-1")]
    assert found[0].facts["said"] == "not a number"


def test_nothing_at_all_is_known() -> None:
    """That no agent runs is the first finding."""
    found = diagnose(None, None, Host(AgentState.NONE))
    assert [one.code for one in found] == ["no_agent"]
