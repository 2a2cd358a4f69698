"""Dates that are over, and maintenance that nobody ended."""

from datetime import date

import pytest

from edge_agent.acts.kept import Due, Kept, Work
from edge_agent.doctor.act_findings import act_findings
from edge_agent.doctor.host import AgentState, Host
from edge_agent.language import load_words

TODAY = date(2026, 11, 26)
KEPT = Kept(
    (
        Due("R1", "verification", "2026-11-25", "C1"),
        Due("R2", "verification", "2026-11-26", ""),
        Due("R3", "verification", "2028-01-01", ""),
        Due("R1", "pressure", "2020-01-01", "C2"),
        Due("R1", "temperature", "2027-01-01", ""),
    ),
    (Work("R2", "pressure", None),),
)


def test_what_waits() -> None:
    """It meters all the same: nothing red; a good date is no finding."""
    found = list(act_findings(Host(AgentState.RUNS, acts=KEPT, today=TODAY)))
    assert [(one.code, one.where) for one in found] == [
        ("verification_over", "R1"),
        ("verification_soon", "R2"),
        ("calibration_over", "R1 pressure"),
        ("calibration_soon", "R1 temperature"),
        ("maintenance_open", "R2 pressure"),
    ]
    assert {one.light for one in found} == {"warning"}


@pytest.mark.parametrize("chinese", [False, True])
def test_each_has_its_words(chinese: bool) -> None:
    """What, cause, remedy."""
    words = load_words("edge_agent.doctor", chinese=chinese)
    for one in act_findings(Host(AgentState.RUNS, acts=KEPT, today=TODAY)):
        for part in ("what", "cause", "remedy"):
            assert words(f"{one.code}.{part}", name=one.where, **one.facts)


def test_without_a_day_nothing_is_over() -> None:
    """Who does not know the date says nothing of it."""
    found = list(act_findings(Host(AgentState.RUNS, acts=KEPT)))
    assert [one.code for one in found] == ["maintenance_open"]
