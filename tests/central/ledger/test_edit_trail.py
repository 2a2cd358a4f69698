"""The trail of edits: gathered by who made them, when and why."""

import pytest
from sqlalchemy import update

from central.ledger import edit_trail as module
from central.ledger import queries
from central.ledger.edit_trail import edit_trail
from central.store.edit_tables import edit
from central.store.ledger_tables import interval
from tests.central.ledger.edited import SIGNED, entered, recalculated
from tests.central.ledger.edited import edited as edited
from tests.central.ledger.edited import told as told


def base(central, run):
    (row,) = [row for row in central.ask(queries.runs) if row.run == run]
    return row.base_cm3


def test_one_command_is_one_correction(told):
    """Newest first; each tells how many intervals of what time, and what it added."""
    before = base(told, "R1")
    rows = told.ask(queries.intervals, "gw-1", "R1")
    recalculated(told, "R1", "k_e9=970000000")
    between = base(told, "R1")
    later = SIGNED._replace(at_ms=SIGNED.at_ms + 1, reason="barometer")
    recalculated(told, "R1", "atmosphere_dpa=900000", signed=later)
    second, first = told.ask(edit_trail, "gw-1", "R1", 10)
    assert (first.reason, second.reason) == ("lab report 17", "barometer")
    assert (first.who, first.kind, first.rule) == ("Li Wei", "recalculated", "")
    assert first.moved_cm3 == between - before
    assert second.moved_cm3 == base(told, "R1") - between
    assert first.edits == second.edits <= len(rows)
    assert first.start_utc_ms == rows[0].start_utc_ms
    assert first.end_utc_ms <= rows[-1].end_utc_ms
    assert told.ask(edit_trail, "gw-1", "R1", 1) == [second]
    assert told.ask(edit_trail, "gw-1", "R2", 10) == []


def test_other_kinds_are_other_corrections(edited):
    """What one person did at one instant in two ways is told apart."""
    one, many = edited.ask(edit_trail, "gw-1", "R1", 10)
    assert (one.kind, one.edits, many.kind) == ("entered", 1, "recalculated")
    (estimate,) = edited.ask(edit_trail, "gw-1", "R2", 10)
    assert (estimate.rule, estimate.moved_cm3) == ("mean of the neighbours", 0)


def test_it_is_bounded_and_says_so(edited, monkeypatch):
    """Of a correction of more edits than are looked at, only the latest are told."""
    whole = edited.ask(edit_trail, "gw-1", "R1", 10)
    assert not any(each.cut for each in whole)
    monkeypatch.setattr(module, "MAX_EDITS", 3)
    one, many = edited.ask(edit_trail, "gw-1", "R1", 10)
    assert (one.cut, many.cut) == (False, True)
    assert many.edits == 2 < whole[1].edits


@pytest.mark.parametrize("number", [1, 2])
def test_a_damaged_edit_is_left_out(edited, number):
    """The others of its correction are told; the interval itself says that it is damaged."""
    whole = edited.ask(edit_trail, "gw-1", "R1", 10)
    with edited.store.writer.begin() as conn:
        conn.execute(update(edit).where(edit.c.number == number).values(body=b"\xa0"))
    found = edited.ask(edit_trail, "gw-1", "R1", 10)
    assert sum(each.edits for each in found) == sum(each.edits for each in whole) - 1


def test_intervals_without_a_time(told):
    """An original that the ledger has not derived yet has no time to show."""
    entered(told, "R1", told.ask(queries.intervals, "gw-1", "R1")[0].seq, base_main_cm3=1)
    with told.store.writer.begin() as conn:
        conn.execute(interval.delete())
    (found,) = told.ask(edit_trail, "gw-1", "R1", 10)
    assert (found.start_utc_ms, found.end_utc_ms, found.edits) == (None, None, 1)
