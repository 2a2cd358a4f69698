"""A meter that was taken out and comes back: what it counted elsewhere is nobody's here."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.journal.draft import Draft
from edge_agent.recording.device_recording import Said
from edge_agent.recording.statement_recording import REMOVED, record_told
from protocols.evidence.leaf import Kind, Leaf
from protocols.evidence.statement import Statement, Value
from tests.edge_agent.gateway import config_of, table
from tests.edge_agent.recording.test_recording import SALTS, Book, codes, kinds, remade
from tests.edge_agent.test_segments_by_path import segments_of

BENCH = 30_000  # counts: what passed on the test bench


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """Four rounds: the index went from 1010 to 1040."""
    book = Book(config_of(tmp_path))
    book.start()
    book.rounds(4)
    return book


def say(book: Book, *fields: tuple[str, Value], code: str = REMOVED) -> list[Leaf]:
    """The statement of a technician, as the recorder takes it."""
    now = book.polls.clock.now()
    draft = Draft(book.memory, SALTS)
    statement = Statement(code, "Li Wei", "verification", (("old_serial", "M1"), *fields))
    record_told(draft, Said(now, "R1", statement), now)
    return book.take(draft)


def without_run(book: Book, directory: Path) -> list[Leaf]:
    top = table()
    del top["run"]
    return book.start(config_of(directory, top))


@pytest.mark.parametrize("first", ["statement", "configuration"])
def test_a_meter_that_comes_back_begins_a_segment(book: Book, tmp_path: Path, first: str) -> None:
    """Whichever the log has first: the statement, or the configuration without the run."""
    if first == "configuration":
        without_run(book, tmp_path)
    leaves = say(book, ("old_answered", 1), ("run_removed", 1))
    assert kinds(leaves)[0] == "STATEMENT"
    book.rounds(2)  # the agent that has not begun anew yet polls on: not the run's any more
    told = codes(leaves) + (codes(without_run(book, tmp_path)) if first == "statement" else [])
    assert told.count("run_removed") == (1 if first == "statement" else 0)
    book.polls.index += BENCH
    assert "run_added" in codes(book.start(config_of(tmp_path)))
    book.rounds(3)
    book.stop()
    back = 1010 + 50 + BENCH + 10
    assert segments_of(book) == [(0, 1010, 1040, 30), (1, back, back + 20, 20)]
    assert remade(book) == [True] * len(book.intervals())


def test_a_run_that_stays_begins_a_segment_where_its_meter_is_out(book: Book) -> None:
    """The file keeps it (`--keep`): the meter is silent already, and counts elsewhere."""
    leaves = say(book, ("old_answered", 0), ("run_removed", 0))
    assert [leaf.kind for leaf in leaves] == [Kind.STATEMENT, Kind.INTERVAL, Kind.CONFIGURATION]
    book.polls.index += BENCH
    book.rounds(3)
    book.stop()
    back = 1040 + BENCH + 10
    assert segments_of(book) == [(0, 1010, 1040, 30), (1, back, back + 20, 20)]
    assert remade(book) == [True] * len(book.intervals())


@pytest.mark.parametrize(
    "said",
    [
        ((("old_answered", 1), ("run_removed", 0)), REMOVED),  # it is still in
        ((("old_answered", 0), ("run_removed", 1)), "meter_replaced"),  # has another serial then
        ((("seal", "0047"),), REMOVED),  # of an earlier version
    ],
    ids=["still in", "replaced", "earlier"],
)
def test_anything_else_ends_nothing(
    book: Book, said: tuple[tuple[tuple[str, Value], ...], str]
) -> None:
    """The run goes on where it stood."""
    fields, code = said
    assert kinds(say(book, *fields, code=code)) == ["STATEMENT"]
    book.rounds(2)
    book.stop()
    assert segments_of(book) == [(0, 1010, 1060, 50)]


def test_the_word_of_another_meter_ends_nothing(book: Book, tmp_path: Path) -> None:
    """It came late: the run has a new one meanwhile."""
    top = table()
    top["device"][0]["serial"] = "M2"
    book.start(config_of(tmp_path, top))
    assert kinds(say(book, ("run_removed", 1))) == ["STATEMENT"]
    assert book.memory.runs["R1"].active
