"""A file of answers: all that is missing or wrong at once, then the world."""

from __future__ import annotations

from pathlib import Path

from edge_agent.commission.batch import Trouble, fill, gather
from edge_agent.commission.seen import Readings
from edge_agent.commission.session import Session
from edge_agent.language import load_words
from tests.edge_agent.commission.one_run import given
from tests.edge_agent.commission.walking import METER, World

WORDS = load_words("edge_agent.commission", chinese=False)


def names(found: list[Trouble]) -> list[tuple[str, bool]]:
    return [(one.answer, one.is_missing) for one in found]


def test_a_whole_file_has_no_trouble(tmp_path: Path) -> None:
    """And becomes a configuration without a question."""
    answers = given(tmp_path)
    path, state = tmp_path / "gateway.toml", tmp_path / "state"
    assert gather(answers, path, state, WORDS) == []
    session = Session(answers, path, state, World())
    assert fill(session, dict(answers), WORDS) == []
    assert answers["bus", "line-1", "baud"] == "9600"


def test_missing_and_wrong_are_told_together(tmp_path: Path) -> None:
    """By the name that the file gives them, with the question."""
    answers = given(tmp_path)
    del answers["site", "zone"], answers["run", "R1", "qmax_m3_h"]
    answers["run", "R1", "index_digits"] = "99"
    answers["device", "p-1", "unit"] = "300"
    found = gather(answers, tmp_path / "gateway.toml", tmp_path / "state", WORDS)
    assert names(found) == [
        ("site.zone", True),
        ("run.R1.qmax_m3_h", True),
        ("device.p-1.unit", False),
        ("run.R1.index_digits", False),
    ]
    assert "Time zone" in found[0].problem


def test_an_instrument_that_is_silent_ends_it(tmp_path: Path) -> None:
    """Nobody is there to say that it may be."""
    answers = given(tmp_path)
    world = World({"read": Readings(failure="no answer within 0.5 s")})
    session = Session(answers, tmp_path / "gateway.toml", tmp_path / "state", world)
    [found] = fill(session, dict(answers), WORDS)
    assert found.answer == "device"
    assert "no answer within 0.5 s" in found.problem
    assert "?" not in found.problem


def test_another_serial_number_than_the_plate_s_is_the_files_word(tmp_path: Path) -> None:
    """What the file says holds; what it does not say the instrument tells."""
    answers = given(tmp_path)
    del answers["device", "meter-1", "serial"]
    world = World({"read": lambda look: METER if look.where[0] == "meter-1" else Readings()})
    session = Session(answers, tmp_path / "gateway.toml", tmp_path / "state", world)
    assert fill(session, dict(answers), WORDS) == []
    assert answers["device", "meter-1", "serial"] == "21450301"


def test_a_setting_that_is_none_is_told_by_the_configuration(tmp_path: Path) -> None:
    """Answers that no question asks for go into the file as they are."""
    answers = given(tmp_path) | {("central", "batch_second"): "60"}
    session = Session(answers, tmp_path / "gateway.toml", tmp_path / "state", World())
    [found] = fill(session, dict(answers), WORDS)
    assert found.answer == "central.batch_second"
    assert "batch_seconds" in found.problem


def test_a_file_without_instruments_or_altitude(tmp_path: Path) -> None:
    """Instruments must be there; the altitude need not, where the pressure is."""
    answers = {key: text for key, text in given(tmp_path).items() if key[0] != "device"}
    del answers["site", "altitude_m"]
    found = names(gather(answers, tmp_path / "gateway.toml", tmp_path / "state", WORDS))
    assert ("device", True) in found
    assert ("site.altitude_m", True) not in found
