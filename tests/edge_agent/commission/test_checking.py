"""An answer is judged by the configuration's own check."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.commission.answers import Key
from edge_agent.commission.checking import faults_of, faults_of_answer, owner_of
from edge_agent.commission.question import Question
from edge_agent.config.fields import Fault
from tests.edge_agent.commission.one_run import given
from tests.edge_agent.commission.test_document import whole
from tests.edge_agent.commission.walking import answered, session_of


@pytest.mark.parametrize(
    ("key", "answer", "told"),
    [
        (("site", "zone"), "Asia/Nowhere", "no zone"),
        (("site", "gas_day_start_hour"), "24", "out of range"),
        (("site", "atmospheric_pressure_kpa"), "70", "not that of 500 m"),
        (("central", "receipt_key"), "central+x", ""),
        (("bus", "line-1", "baud"), "9601", "no usual rate"),
        (("device", "meter-1", "unit"), "248", "out of range"),
        (("device", "meter-1", "unit"), "2", "is there 2 times"),
        (("device", "meter-1", "serial"), "330041", "is there 2 times"),
        (("device", "meter-1", "profile"), "sick", "no profile"),
        (("run", "R1", "qmax_m3_h"), "much", "is a text"),
        (("run", "R1", "index_digits"), "12", "cannot show 12 digits"),
        (("run", "R1", "line_resolution_m3"), "0.5", "no resolution"),
        (("run", "R1", "pressure_substitute_kpa_abs"), "2000", "lies outside"),
        (("run", "R1", "temperature_point"), "vm", "unit"),
        (("gas", "grid", "hs_25_0_mj_m3"), "12", ""),
    ],
)
def test_what_is_not_possible_is_told(tmp_path: Path, key: Key, answer: str, told: str) -> None:
    """When it is given, with the remedy."""
    answers = whole(tmp_path)
    session = session_of(tmp_path, answers)
    assert session.open_question() is None
    found = faults_of_answer(answers, session.asked[key], answer, tmp_path / "gateway.toml")
    assert found
    assert told in str(found[0])
    assert found[0].remedy


def test_what_is_good_is_good(tmp_path: Path) -> None:
    """No question of a whole site has a fault; one that is alone neither: others are missing."""
    answers = whole(tmp_path)
    session = session_of(tmp_path, answers)
    assert session.open_question() is None
    path = tmp_path / "gateway.toml"
    assert faults_of(answers, path) == ()
    for key, question in session.asked.items():
        assert faults_of_answer(answers, question, answers[key], path) == (), key
        if key[0] == "site" and key[1] != "atmospheric_pressure_kpa":
            assert faults_of_answer({}, question, answers[key], path) == (), key


def test_a_name_is_judged_before_its_table_is_there(tmp_path: Path) -> None:
    """A device with a blank in its name."""
    question = Question(("wizard", "device 1"), "x", None, ("device[{}].name",), names="device")
    path = tmp_path / "gateway.toml"
    assert faults_of_answer({}, question, "my meter", path)
    assert not faults_of_answer({}, question, "meter-1", path)


def test_a_fault_of_the_whole_has_an_owner(tmp_path: Path) -> None:
    """The answer whose field it names most closely."""
    answers = given(tmp_path)
    session = session_of(tmp_path, answers)
    answered(session, {"device.scan": "no", "device.more": "no"})

    def owner(field: str) -> Key | None:
        return owner_of(Fault(field, "p", "r"), session.asked, answers)

    assert owner("run[R1].pressure.gauge") == ("run", "R1", "pressure_kind")
    assert owner("bus[line-1] unit 2") == ("device", "p-1", "unit")
    assert owner("device.serial 330041") == ("device", "p-1", "serial")
    assert owner("run[R1]") is None
