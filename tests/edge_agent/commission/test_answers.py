"""Answers as TOML and as rows of a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.commission.answers import (
    MAX_BYTES,
    AnswersError,
    Key,
    answers_text,
    names_of,
    parse_answers,
    parse_row,
    table_of,
)

NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1)
TEXTS = st.text(max_size=80).filter(lambda text: text.isprintable())
KEYS = st.one_of(
    st.tuples(st.sampled_from(["site", "central", "wizard"]), NAMES),
    st.tuples(st.sampled_from(["bus", "device", "run"]), NAMES, NAMES),
)


def is_a_composition(key: Key) -> bool:
    return "composition" in key


@given(st.dictionaries(KEYS, TEXTS, max_size=20))
def test_what_is_written_is_read_again(answers: dict[Key, str]) -> None:
    """Whatever a person typed, in every script; names with dots and quotes too."""
    kept = {key: text for key, text in answers.items() if key != ("central", "token")}
    assert parse_answers(answers_text(answers, progress=True).encode(), "f") == kept


def test_a_token_is_written_nowhere() -> None:
    """It lets a gateway in."""
    answers = {("central", "token"): "gas-enrol-1:secret", ("central", "url"): "https://c:1"}
    for progress in (True, False):
        assert "secret" not in answers_text(answers, progress=progress)


def test_what_steers_the_wizard_is_no_answer_for_another_site() -> None:
    """It is kept to go on, not to be given away."""
    answers = {("wizard", "more bus 1"): "no", ("site", "name"): "A"}
    assert "wizard" in answers_text(answers, progress=True)
    assert answers_text(answers, progress=False) == '[site]\nname = "A"\n'


def test_numbers_and_flags_become_what_a_person_would_type() -> None:
    """To the last digit; a composition is one answer."""
    text = b"""
    run.R1.qmax_m3_h = 1000.50
    site.gas_day_start_hour = 8
    bus.b.x = true
    gas.g.composition = { methane = 96.5, N2 = 3.5 }
    """
    assert parse_answers(text, "f") == {
        ("run", "R1", "qmax_m3_h"): "1000.50",
        ("site", "gas_day_start_hour"): "8",
        ("bus", "b", "x"): "yes",
        ("gas", "g", "composition"): "methane 96.5, N2 3.5",
    }


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"a = ", "f: no TOML"),
        (b"a = 1", "f: a: no question"),
        (b"a.b.c.d = 1", "f: a.b.c.d: no question"),
        (b"site.name = [1]", "f: site.name: is a list"),
        (b'site.name = "a\\nb"', "f: site.name: must be"),
        (b"\xff", "f: no UTF-8"),
        (b"#" * (MAX_BYTES + 1), "f: longer than"),
        (b"site.x = 2026-01-01", "f: site.x: is a list"),
        (b"site.x = 0x" + b"f" * 9000, "f: site.x: has more than 40 digits"),
        (b".".join([b"a"] * 900) + b" = 1", f"f: {'.'.join('a' * 17)}: is deeper than 16 tables"),
    ],
)
def test_what_is_no_answer_is_told(data: bytes, told: str) -> None:
    """With the name of the file and of the answer."""
    with pytest.raises(AnswersError) as caught:
        parse_answers(data, "f")
    assert str(caught.value).startswith(told)


SITES = (
    "\ufeffsite,gateway.id,run.R1.qmax_m3_h,bus.a.b.port\r\n1,gw-1,100,p\r\n2,gw-2,,\r\n3\r\n3\r\n"
)


def test_a_row_answers_for_one_site() -> None:
    """By its first column; an empty cell answers nothing; a name may have dots."""
    data = SITES.encode()
    assert parse_row(data, "f", "1") == {
        ("gateway", "id"): "gw-1",
        ("run", "R1", "qmax_m3_h"): "100",
        ("bus", "a.b", "port"): "p",
    }
    assert parse_row(data, "f", "2") == {("gateway", "id"): "gw-2"}


def test_a_table_of_a_spreadsheet_with_decimal_commas() -> None:
    """Its columns are parted by semicolons."""
    data = b"site;gateway.id;run.R1.qmax_m3_h\r\n1;gw-1;100,5\r\n"
    expected = {("gateway", "id"): "gw-1", ("run", "R1", "qmax_m3_h"): "100,5"}
    assert parse_row(data, "f", "1") == expected


@pytest.mark.parametrize(("row", "count"), [("4", 0), ("3", 2)])
def test_a_row_must_be_there_once(row: str, count: int) -> None:
    """Else another site would be commissioned."""
    with pytest.raises(AnswersError, match=f"{count} rows begin with"):
        parse_row(SITES.encode(), "f", row)


def test_names_and_tables() -> None:
    """In the order of the file."""
    answers = {("bus", "b", "x"): "1", ("bus", "a", "x"): "2", ("bus", "b", "y"): "3"}
    assert names_of(answers, "bus") == ("b", "a")
    assert table_of(answers, "bus", "b") == {"x": "1", "y": "3"}
    assert table_of({("site", "name"): "A"}, "site") == {"name": "A"}
