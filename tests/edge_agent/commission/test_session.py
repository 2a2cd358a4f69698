"""Where a commissioning stands, and how it goes back and on."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.commission.document import document
from edge_agent.commission.question import AGAIN, GO_ON, Look
from edge_agent.commission.seen import Enrolment, Instrument, Readings, Scanned
from edge_agent.commission.session import Problem, default_of_file, judged, missing
from edge_agent.config.file import parse_config
from tests.edge_agent.commission.one_run import given
from tests.edge_agent.commission.walking import METER, World, answered, asked_of, session_of, until
from tests.edge_agent.gateway import RECEIPTS, write_ca

TYPED = {
    "site.name": "A",
    "site.zone": "Asia/Shanghai",
    "site.altitude_m": "500",
    "central.url": "https://c:1",
    "central.token": "-",
    "gateway.id": "gw-1",
    "central.ca": "ca.pem",
    "central.receipt_key": RECEIPTS.vkey,
    "bus.port": "/dev/ttyS9",
    "device.serial": "330041",
    "run.qmin_m3_h": "16",
    "run.qmax_m3_h": "1000",
    "gas.hs_25_0_mj_m3": "40.66",
    "gas.relative_density_0": "0.581",
    "run.pressure_device": "p-1",
    "run.pressure_kind": "gauge",
    "run.pressure_range": "0-10 bar",
    "run.pressure_substitute_kpa_abs": "400",
    "run.temperature_device": "meter-1",
    "sign.who": "Li Wei",
}


def read(look: Look) -> Readings:
    """The meter tells its number, the transmitter does not."""
    return METER if look.where[0] == "meter-1" else Readings({})


def world() -> World:
    found = (Instrument(1, "sick-flowsic500", "sure"), Instrument(2, "keller-33x"), Instrument(9))
    return World({"scan": Scanned(found), "read": read, "read_start": read})


def test_a_site_from_nothing(tmp_path: Path) -> None:
    """A scan names the instruments, the meter its number, resolution and indexes."""
    write_ca(tmp_path)
    session = session_of(tmp_path, world=world())
    asked = answered(session, {**TYPED, "device.more": "no"})
    config = parse_config(document(session.answers), tmp_path / "gateway.toml")
    assert [device.name for device in config.devices] == ["meter-1", "p-1"]
    assert config.devices[0].serial == "21450301"
    [run] = config.runs
    assert (run.line_exponent, run.base_exponent) == (-3, -2)
    assert session.answers["run", "R1", "line_start_m3"] == "123456.789"
    assert session.answers["run", "R1", "base_start_m3"] == "610222.33"
    assert "device.serial.read" in asked
    assert "bus.more" in asked
    assert asked[-1] == "sign.remark"


def test_going_back_all_the_way_and_on_again(tmp_path: Path) -> None:
    """Each step back undoes one answer; the same answers lead to the same end."""
    write_ca(tmp_path)
    session = session_of(tmp_path, world=world())
    asked = answered(session, {**TYPED, "device.more": "no"})
    before = dict(session.answers)
    steps = 0
    while session.back():
        steps += 1
        session.open_question()
    assert steps == len(asked)
    assert session.answers == {}
    assert answered(session, {**TYPED, "device.more": "no"}) == asked
    assert session.answers == before


def test_what_was_answered_goes_on_after_an_end(tmp_path: Path) -> None:
    """Another process, with the answers only."""
    write_ca(tmp_path)
    session = session_of(tmp_path, world=world())
    typed = {key: text for key, text in TYPED.items() if key != "run.pressure_kind"}
    with pytest.raises(AssertionError, match=r"nobody answers run\.pressure_kind"):
        answered(session, {**typed, "device.more": "no"})
    again = session_of(tmp_path, dict(session.answers), world())
    assert asked_of(again).words == "run.pressure_kind"


def test_again_looks_once_more(tmp_path: Path) -> None:
    """An instrument that was switched on meanwhile; other questions look no second time."""
    seen = world()
    seen.seen["scan"] = Scanned(failure="no port")
    write_ca(tmp_path)
    session = session_of(tmp_path, world=seen)
    until(session, "device.nobody", TYPED)
    assert [look.what for look in seen.looks].count("scan") == 1
    seen.seen["scan"] = Scanned((Instrument(1, "sick-flowsic500"),))
    assert session.answer(asked_of(session), AGAIN) is None
    assert asked_of(session).words == "device.take"
    assert [look.what for look in seen.looks].count("scan") == 2


def test_a_display_is_held_against_what_is_read_now(tmp_path: Path) -> None:
    """Another figure is told, and the meter read anew: it may be the gas since then."""
    seen = world()
    write_ca(tmp_path)
    session = session_of(tmp_path, world=seen)
    until(session, "run.line_start_m3", {**TYPED, "device.more": "no"})
    reads = [look.what for look in seen.looks].count("read_start")
    problem = session.answer(asked_of(session), "123.456")
    assert problem is not None
    assert problem.words == "bad.index"
    assert asked_of(session).default == "123456.789"
    assert [look.what for look in seen.looks].count("read_start") == reads + 1
    assert session.answer(asked_of(session), "123457,0") is None  # the gas of a moment
    assert session.answers["run", "R1", "line_start_m3"] == "123457.0"


def test_a_token_lets_in_while_the_questions_go_on(tmp_path: Path) -> None:
    """Pending at first; approved at the end, and only then the keys are known."""
    state = Enrolment("pending", "gw-7", fingerprint="0011")
    approved = Enrolment(
        "approved", "gw-7", settings={"ca": "ca.pem", "receipt_key": RECEIPTS.vkey}
    )
    seen = World({"enrol": state, "approval": state})
    answers = given(tmp_path)
    for key in (("central", "ca"), ("central", "receipt_key"), ("gateway", "id")):
        del answers[key]
    answers["central", "token"] = TOKEN
    session = session_of(tmp_path, answers, seen)
    until(session, "sign.approval", {"device.scan": "no", "device.more": "no"})
    assert answers["gateway", "id"] == "gw-7"
    seen.seen["approval"] = approved
    session.answer(asked_of(session), AGAIN)
    assert session.open_question() is None
    assert answers["central", "receipt_key"] == RECEIPTS.vkey


TOKEN = (  # of no gateway: secret and pins are zeros
    "gas-enrol-1:gw-7:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA:"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA:883a41ba"
)


def test_left_branches_are_dropped(tmp_path: Path) -> None:
    """A run that is converted otherwise needs no fixed pressure; a file's own settings stay."""
    answers = given(tmp_path) | {("central", "batch_seconds"): "60"}
    answers["run", "R1", "method"] = "T"
    session = session_of(tmp_path, answers)
    typed = {"device.scan": "no", "device.more": "no", "run.fixed_pressure_kpa_abs": "105"}
    answered(session, typed)
    assert answers["run", "R1", "fixed_pressure_kpa_abs"] == "105"
    answers["run", "R1", "method"] = "PT"
    answered(session, typed)
    assert "fixed_kpa_abs" not in document(answers)["run"][0]["pressure"]
    session.prune()
    assert ("run", "R1", "fixed_pressure_kpa_abs") not in answers
    assert ("central", "batch_seconds") in answers


def test_all_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    """Without a look at the world; what an instrument tells may be missing."""
    answers = given(tmp_path)
    gone = [("site", "zone"), ("run", "R1", "qmax_m3_h"), ("run", "R1", "pressure_kind")]
    for key in (*gone, ("device", "meter-1", "serial")):
        del answers[key]
    found, _ = missing(answers, tmp_path / "gateway.toml", tmp_path / "state")
    assert list(found) == gone


@pytest.mark.parametrize(
    ("text", "words"), [("", "bad.empty"), ("a\x1b[2Jb", "bad.empty"), ("maybe", "bad.yes_no")]
)
def test_what_is_no_answer(tmp_path: Path, text: str, words: str) -> None:
    """Nothing that steers a terminal comes into a file."""
    session = session_of(tmp_path, given(tmp_path))
    question = until(session, "device.more", {"device.scan": "no"})
    found = judged({}, question, text, tmp_path / "gateway.toml")
    assert isinstance(found, Problem)
    assert found.words == words


def test_a_file_answers_no_more_than_it_says(tmp_path: Path) -> None:
    """No further bus, no scan; a silent instrument is nobody's decision."""
    session = session_of(tmp_path, given(tmp_path), World({"read": Readings(failure="no answer")}))
    question = until(session, "device.silent", {})
    assert question.default == GO_ON
    assert default_of_file(question) is None
