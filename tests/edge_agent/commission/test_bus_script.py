"""Lines and instruments: what is asked of whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.commission.bus_script import new_name, profile_or_skip, unit_range
from edge_agent.commission.question import BadAnswer
from edge_agent.commission.seen import Instrument, LineSetup, Port, Readings, Scanned
from tests.edge_agent.commission.one_run import given
from tests.edge_agent.commission.walking import World, asked_of, session_of, until

BUS = {"bus.type": "rtu", "bus.port": "/dev/ttyS9", "bus.find": "no", "bus.more": "no"}


def without(directory: Path, *kinds: str) -> dict[tuple[str, ...], str]:
    return {key: text for key, text in given(directory).items() if key[0] not in kinds}


@pytest.mark.parametrize(
    ("typed", "taken"), [("1-8", "1-8"), ("3", "3"), ("No", "no"), ("-", "no"), ("247", "247")]
)
def test_addresses(typed: str, taken: str) -> None:
    """A range, one, or none."""
    assert unit_range(typed) == taken


@pytest.mark.parametrize("typed", ["0-8", "8-1", "1-248", "a", "1-2-3", "1,2", ""])
def test_what_is_no_address(typed: str) -> None:
    """A broadcast neither."""
    with pytest.raises(BadAnswer):
        unit_range(typed)


def test_names_and_profiles() -> None:
    """A name is taken once; a profile is one that is there."""
    with pytest.raises(BadAnswer):
        new_name({("device", "p-1", "unit"): "1"}, "p-1")
    with pytest.raises(BadAnswer):
        profile_or_skip("nobody-1")
    assert profile_or_skip("skip") == "skip"


def test_the_only_port_is_the_default(tmp_path: Path) -> None:
    """Several are offered, and none is guessed."""
    for count, default in ((1, "/dev/p0"), (2, None)):
        ports = tuple(Port(f"/dev/p{number}", "/dev/ttyUSB0") for number in range(count))
        session = session_of(tmp_path, without(tmp_path, "bus"), World({"ports": ports}))
        question = until(session, "bus.port", BUS)
        assert question.default == default
        assert len(question.choices) == count


def test_rate_and_parity_that_were_found(tmp_path: Path) -> None:
    """They stand in the brackets."""
    session = session_of(
        tmp_path, without(tmp_path, "bus"), World({"setup": LineSetup(19200, "E")})
    )
    assert until(session, "bus.baud", {**BUS, "bus.find": "yes"}).default == "19200"
    assert until(session, "bus.parity", BUS).default == "E"


def test_a_line_where_no_rate_was_found_is_looked_at_again(tmp_path: Path) -> None:
    """Also one whose port cannot be opened, which says so; wires are put right meanwhile."""
    seen = iter((LineSetup(failure="/dev/p0: does not exist"), LineSetup(), LineSetup(1200, "O")))
    world = World({"setup": lambda _: next(seen)})
    session = session_of(tmp_path, without(tmp_path, "bus"), world)
    typed = {**BUS, "bus.find": "yes"}
    question = until(session, "bus.not_asked", typed)
    assert question.values["why"] == "/dev/p0: does not exist"
    session.answer(question, "again")
    session.answer(until(session, "bus.not_found", typed), "again")
    assert until(session, "bus.baud", typed).default == "1200"


def test_an_instrument_that_nobody_knows_may_be_passed_over(tmp_path: Path) -> None:
    """And going back comes by what was said of each."""
    found = Scanned((Instrument(1, "sick-flowsic500", "sure"), Instrument(7, "", "exception 2")))
    session = session_of(tmp_path, without(tmp_path, "device", "run"), World({"scan": found}))
    question = until(session, "device.take", {})
    assert question.default == "sick-flowsic500"
    session.answer(question, "skip")
    question = asked_of(session)
    assert (question.values["unit"], question.default) == (7, "skip")
    session.back()
    assert asked_of(session).values["unit"] == 1


def test_a_silent_instrument_may_be_asked_again(tmp_path: Path) -> None:
    """Its figures are typed if it stays silent."""
    world = World({"read": Readings(failure="no answer")})
    session = session_of(tmp_path, without(tmp_path, "device", "run"), world)
    typed = {"device.scan": "no", "device.more": "yes", "device.name": "m", "device.unit": "1",
             "device.profile": "sick-flowsic500"}  # fmt: skip
    question = until(session, "device.silent", typed)
    assert question.values["why"] == "no answer"
    assert until(session, "device.serial", typed).default is None
