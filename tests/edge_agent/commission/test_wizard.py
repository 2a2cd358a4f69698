"""The questions at a terminal, line by line; what is typed comes from the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.commission.session import Session
from edge_agent.commission.wizard import Wizard, for_terminal
from edge_agent.language import load_words
from edge_agent.terminal import WIDTH, columns
from tests.edge_agent.commission.one_run import given
from tests.edge_agent.commission.walking import World, session_of


class Person:
    """Types one line after the other; sees what is said."""

    def __init__(self, *lines: str) -> None:
        self.lines: Iterator[str] = iter(lines)
        self.seen: list[str] = []
        self.secret: list[str] = []
        self.kept = 0

    def read(self, prompt: str, secret: bool) -> str:
        line = next(self.lines, None)
        if line is None:
            raise EOFError
        self.seen.append(prompt + ("" if secret else line))
        if secret:
            self.secret.append(line)
        return line

    def keep(self) -> None:
        self.kept += 1

    @property
    def text(self) -> str:
        return "\n".join(self.seen)


def asked(session: Session, person: Person, *, chinese: bool = False) -> Wizard:
    """The wizard, until the person types no more or all is answered."""
    words = load_words("edge_agent.commission", chinese=chinese)
    wizard = Wizard(session, words, person.read, person.seen.append, person.keep)
    try:
        wizard.run()
    except EOFError:
        person.seen.append("END")
    return wizard


def test_enter_takes_the_default_and_question_mark_explains(tmp_path: Path) -> None:
    """An empty answer where there is no default is none."""
    session = session_of(tmp_path)
    person = Person("", "?", "Mill Street", "")
    asked(session, person)
    assert session.answers == {("site", "name"): "Mill Street", ("site", "customer"): "-"}
    assert "An answer is needed." in person.text
    assert "So that a person finds it" in person.text
    assert person.kept == 2


def test_back_shows_what_was_answered(tmp_path: Path) -> None:
    """Enter takes it again; at the beginning there is no back."""
    session = session_of(tmp_path)
    person = Person("<", "Mill Street", "100-2231", "<", "", "<", "<", "", "")
    asked(session, person)
    assert "This is the first question." in person.text
    assert "[100-2231] > " in person.text
    assert "[Mill Street] > " in person.text
    assert session.answers["site", "customer"] == "100-2231"


def test_a_wrong_answer_is_asked_again_with_the_reason(tmp_path: Path) -> None:
    """The configuration's own words, and why it is asked."""
    session = session_of(tmp_path)
    person = Person("A", "-", "Asia/Nowhere", "Asia/Shanghai")
    asked(session, person)
    assert "'Asia/Nowhere' is no zone" in person.text
    assert "A name of the tz database" in person.text
    assert session.answers["site", "zone"] == "Asia/Shanghai"


def test_a_choice_by_its_number_its_word_or_a_letter(tmp_path: Path) -> None:
    """As people type."""
    answers = given(tmp_path)
    for key in (("bus", "line-1", "type"), ("run", "R1", "pressure_kind"), ("run", "R1", "method")):
        del answers[key]
    session = session_of(tmp_path, answers)
    person = Person("1", "N", "N", "n", "", "", "", "", "", "sgerg-88", "", "", "n", "GAUGE")
    asked(session, person)
    assert answers["bus", "line-1", "type"] == "rtu"
    assert answers["wizard", "find line-1"] == "no"


def test_a_choice_by_its_beginning_where_no_other_answer_is_possible(tmp_path: Path) -> None:
    """As g and a of a plate; what begins two of them is none."""
    answers = given(tmp_path)
    del answers["run", "R1", "method"]
    person = Person("n", "", "", "", "no", "", "", "", "", "gro", "sgerg-8", "", "", "fig")
    asked(session_of(tmp_path, answers), person)
    assert "'gro' is none of: T, PT, fixed-K, SGERG-88" in person.text
    assert answers["run", "R1", "method"] == "SGERG-88"
    assert answers["gas", "grid", "by"] == "figures"


def test_choices_stand_in_columns(tmp_path: Path) -> None:
    """What each of them is, one below the other."""
    answers = given(tmp_path)
    del answers["bus", "line-1", "type"]
    person = Person()
    asked(session_of(tmp_path, answers), person)
    about = ("serial, Modbus RTU", "network, Modbus TCP", "serial server", "serial, Modbus ASCII")
    places = {line.find(one) for line in person.seen for one in about if one in line}
    assert len(places) == 1


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("six", "'six' is a text; write a whole number, 0 to 23"),
        ("6.5", "'6.5' is a number; write a whole number"),
        ("1e999", "'1e999' is a text"),
        ("1e99999999", "'1e99999999' is a text"),
        ("9" * 1000, "is a text"),
    ],
    ids=["text", "half", "huge", "endless", "long"],
)
def test_a_wrong_answer_is_named_and_not_written_out(tmp_path: Path, typed: str, told: str) -> None:
    """What was typed stands before what is wrong with it, and on no more than two lines."""
    answers = given(tmp_path)
    del answers["site", "gas_day_start_hour"]
    person = Person(typed)
    asked(session_of(tmp_path, answers), person)
    assert told in person.text
    assert sum(len(line) for line in person.seen if line.lstrip().startswith("!")) < 160


def test_no_pattern_of_the_check_is_shown(tmp_path: Path) -> None:
    """The explanation says it in words; yes and no are asked for as letters."""
    answers = given(tmp_path)
    del answers["central", "url"]
    person = Person("central:8443", "https://central:8443", "perhaps")
    asked(session_of(tmp_path, answers), person)
    assert "'central:8443' does not fit." in person.text
    assert "only https is used" in person.text
    assert "must match" not in person.text
    assert "Answer y or n." in person.text


def test_a_secret_is_asked_as_one_and_kept_nowhere(tmp_path: Path) -> None:
    """It is neither on the screen nor in what is kept."""
    answers = given(tmp_path)
    del answers["central", "token"]
    person = Person("nonsense", "-")
    asked(session_of(tmp_path, answers), person)
    assert person.secret == ["nonsense", "-"]
    assert "token: does not begin with" in person.text
    assert "nonsense" not in person.text


@pytest.mark.parametrize("chinese", [False, True])
def test_every_question_fits_a_terminal_of_80_columns(tmp_path: Path, chinese: bool) -> None:
    """Each of a whole site, with its explanation."""
    answers = given(tmp_path)
    for key in list(answers):
        if key[0] not in ("central", "gateway"):
            del answers[key]
    typed = [
        "?", "A", "?", "", "?", "Asia/Shanghai", "?", "", "?", "500", "?", "", "?", "rtu", "?",
        "/dev/ttyS9", "?", "", "?", "", "?", "", "?", "", "?", "no", "?", "y", "?", "meter-1",
        "?", "1", "?", "sick-flowsic500", "?", "21450301", "?", "y", "p-1", "2", "keller-33x",
        "330041", "n", "?", "y", "?", "meter-1", "?", "16", "?", "1000", "?", "", "?", "", "?", "",
        "?", "", "?", "", "?", "", "?", "", "?", "figures", "?", "40.66", "?", "0.581", "?",
        "0.006", "?", "", "?", "20", "?", "37.88", "?", "", "?", "p-1", "?", "", "?", "gauge",
        "?", "0-10 bar", "?", "400", "?", "meter-1", "?", "", "?", "", "?", "", "?", "y", "?", "20",
        "?", "p-1", "?", "", "gauge", "?", "0-1 bar", "?", "R1", "n", "?", "Li Wei", "?", "-",
    ]  # fmt: skip
    person = Person(*typed)
    session = session_of(tmp_path, answers, World())
    asked(session, person, chinese=chinese)
    assert session.open_question() is None, person.text[-2000:]
    assert [line for line in person.seen if columns(line) > WIDTH] == []
    assert "{" not in person.text
    assert ("  1  gauge     表压" in person.seen) == chinese


def test_a_note_is_told_once(tmp_path: Path) -> None:
    """The script runs again for each question; the person is told once."""
    answers = given(tmp_path)
    answers["wizard", "scan line-1"] = "no"
    world = World({"new_keys": "gw-1+0011+KEY"})
    person = Person("n", "n", "n")
    asked(session_of(tmp_path, answers, world), person)
    assert person.text.count("gw-1+0011+KEY") == 1


def test_a_serial_console_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    """Degrees are written out; a terminal that can shows them."""
    monkeypatch.setenv("TERM", "vt100")
    assert for_terminal("14.5 °C, 58 °F, 客", "utf-8") == "14.5 degC, 58 degF, ?"
    monkeypatch.setenv("TERM", "xterm")
    assert for_terminal("14.5 °C", "utf-8") == "14.5 °C"
    assert for_terminal("14.5 °C", "ascii") == "14.5 degC"
