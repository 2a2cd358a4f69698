"""Readers get the newest version of an interval, and what was recorded beside it."""

import pytest
from sqlalchemy import select, update

from central.ledger import queries
from central.ledger.edits import EditError
from central.store.edit_tables import edit
from central.store.ledger_tables import interval
from tests.central.ledger.edited import edited as edited
from tests.central.ledger.edited import recalculated
from tests.central.ledger.edited import told as told


def test_readers_get_the_newest_version(edited):
    """Intervals show the last edit's figures, its version, its maker, and what was recorded."""
    first, second, *_ = edited.ask(queries.intervals, "gw-1", "R1")
    assert (first.version, first.base_main_cm3, first.edit.kind) == (3, 7, "entered")
    assert (second.version, second.edit.kind) == (2, "recalculated")
    with edited.store.engine.connect() as conn:
        recorded = conn.execute(
            select(interval.c.base_main_cm3, interval.c.c_e9)
            .where(interval.c.run == "R1")
            .order_by(interval.c.seq)
        ).all()
    assert [first.edit.recorded.base_main_cm3, second.edit.recorded.base_main_cm3] == [
        row.base_main_cm3 for row in recorded[:2]
    ]
    assert second.c_e9 != second.edit.recorded.c_e9 == recorded[1].c_e9
    assert (first.edit.who, first.edit.reason) == ("Li Wei", "lab report 17")
    *_, untouched, last = edited.ask(queries.intervals, "gw-1", "R2")
    assert (untouched.version, untouched.edit) == (1, None)
    assert (last.line_main_cm3, last.line_error_cm3) == (1, 2)
    assert (last.edit.kind, last.edit.rule) == ("estimated", "mean of the neighbours")
    assert last.flags & 1


def test_sums_of_a_run(edited):
    """A run's sums are those of the newest versions; what was recorded stands beside them."""
    for run in edited.ask(queries.runs):
        rows = edited.ask(queries.intervals, "gw-1", run.run)
        assert run.line_cm3 == sum(row.line_main_cm3 + row.line_error_cm3 for row in rows)
        assert run.base_cm3 == sum(row.base_main_cm3 + row.base_error_cm3 for row in rows)
        assert run.error_cm3 == sum(row.line_error_cm3 for row in rows)
        recorded = [row.edit.recorded if row.edit else row for row in rows]
        assert run.recorded_line_cm3 == sum(r.line_main_cm3 + r.line_error_cm3 for r in recorded)
        assert run.recorded_base_cm3 == sum(r.base_main_cm3 + r.base_error_cm3 for r in recorded)
        assert run.recorded_error_cm3 == sum(r.line_error_cm3 for r in recorded)
        assert run.edited == sum(row.version > 1 for row in rows)


def test_a_damaged_edit_takes_no_page_away(edited):
    """Where an edit cannot be read any more, its interval says so and the others are shown."""
    with edited.store.writer.begin() as conn:
        conn.execute(update(edit).where(edit.c.number == 2).values(body=b"\xa0"))
    rows = edited.ask(queries.intervals, "gw-1", "R1")
    assert [row.version for row in rows] == [3, *[2] * (len(rows) - 1)]
    (damaged,) = [row.edit for row in rows if row.edit.reason.startswith("damaged")]
    assert (damaged.kind, damaged.who, damaged.number) == ("recalculated", "", 2)
    with pytest.raises(EditError, match="edge-central edit check"):
        recalculated(edited, "R1", "k_e9=950000000")
