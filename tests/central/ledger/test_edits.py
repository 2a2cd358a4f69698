"""Edits are appended, and kept: originals never change, and a rebuild leaves edits alone."""

import dataclasses

import cbor2
import pytest
from sqlalchemy import delete, insert, select, update

from central.ledger import queries
from central.ledger.edit_check import check_edits
from central.ledger.edit_plan import Entry, Which, plan_entry
from central.ledger.edits import (
    EditError,
    Head,
    NewEdit,
    append_edits,
    head_of,
    noted_fault,
)
from central.ledger.law import law
from central.ledger.rebuild import rebuild
from central.store.edit_tables import (
    EDIT_TABLES,
    edit,
    edit_configuration,
)
from central.store.ledger_tables import LEDGER_TABLES, interval
from protocols.evidence.leaf import leaf_hash
from protocols.metering.edited import NO_EDIT
from tests.central.ledger.edited import SIGNED, entered, recalculated, rows_of
from tests.central.ledger.edited import edited as edited
from tests.central.ledger.edited import told as told


def test_the_original_never_changes(told):
    """Not a byte of the ledger is another after edits and edits of edits."""
    before, laws = rows_of(told, LEDGER_TABLES), told.ask(law)
    recalculated(told, "R1", "k_e9=970000000")
    recalculated(told, "R1", "k_e9=960000000")
    assert rows_of(told, LEDGER_TABLES) == before
    assert told.ask(law) == laws
    assert all(row.holds for row in laws)


def test_a_rebuild_keeps_edits(edited):
    """The ledger is derived again; edits stand, and lead from the same originals."""
    before, rows = rows_of(edited, EDIT_TABLES), edited.ask(queries.intervals, "gw-1", "R1")
    rebuild(edited.store)
    assert rows_of(edited, EDIT_TABLES) == before
    assert edited.ask(queries.intervals, "gw-1", "R1") == rows
    assert edited.ask(check_edits).faults == ()


def test_a_cut_off_end_is_an_alarm_on_the_page(edited):
    """Missing edits come first among the alarms, and nothing more is booked upon them."""
    assert edited.ask(queries.alarms) == []
    with edited.store.writer.begin() as conn:
        conn.execute(delete(edit).where(edit.c.run == "R2"))
    (alarm,) = edited.ask(queries.alarms)
    assert (alarm.code, alarm.gateway) == ("edits", "")
    assert edited.ask(queries.alarms, "gw-1") == []
    assert edited.ask(queries.summary)["alarms"] == 1
    seq = edited.ask(queries.intervals, "gw-1", "R1")[1].seq
    with pytest.raises(EditError, match="restore the store from a backup"):
        entered(edited, "R1", seq, base_main_cm3=8)


@pytest.mark.parametrize("body", [b"\xa0", b"\x80"])
def test_a_damaged_configuration_is_told(edited, body):
    """Nothing is recalculated from a corrected configuration that somebody changed."""
    with edited.store.writer.begin() as conn:
        conn.execute(update(edit_configuration).values(body=body))
    assert any("is not kept" in fault for fault in edited.ask(check_edits).faults)
    with pytest.raises(EditError, match="edge-central edit check"):
        recalculated(edited, "R1", "k_e9=950000000")


def test_two_at_once_are_told_apart(told):
    """Of two edits that were worked out from one version, the second is refused."""
    seq = told.ask(queries.intervals, "gw-1", "R1")[0].seq
    which = Which("gw-1", "R1", None, seq, None)
    plans = [
        told.ask(plan_entry, which, Entry({"base_main_cm3": new}, ""), SIGNED) for new in (1, 2)
    ]
    with told.store.writer.begin() as conn:
        append_edits(conn, plans[0].edits)
    with pytest.raises(EditError, match="edited meanwhile"), told.store.writer.begin() as conn:
        append_edits(conn, plans[1].edits)
    assert told.ask(head_of).size == 1
    assert told.ask(noted_fault) is None


def test_all_or_none(told):
    """Where one of many edits has a fault, none is booked."""
    rows = told.ask(queries.intervals, "gw-1", "R1")[:2]
    edits = []
    for row, who in zip(rows, ("Li Wei", ""), strict=True):
        which = Which("gw-1", "R1", None, row.seq, None)
        signed = SIGNED._replace(who=who)
        edits += told.ask(plan_entry, which, Entry({"base_main_cm3": 1}, ""), signed).edits
    with pytest.raises(EditError, match="who is missing"), told.store.writer.begin() as conn:
        append_edits(conn, edits)
    assert told.ask(head_of) == Head(0, NO_EDIT)


def test_the_original_is_named_by_its_hash(edited):
    """An edit names the leaf of the log, by RFC 6962's hash over its bytes."""
    with edited.store.engine.connect() as conn:
        rows = conn.execute(
            select(interval.c.leaf, edit.c.body).join(
                edit, (edit.c.seq == interval.c.seq) & (edit.c.epoch == interval.c.epoch)
            )
        ).all()
    assert len(rows) == edited.ask(head_of).size
    for leaf, body in rows:
        assert cbor2.loads(body)[1][3] == leaf_hash(leaf)


def test_a_new_edit_must_follow_its_version(told):
    """A version that skips one is refused."""
    seq = told.ask(queries.intervals, "gw-1", "R1")[0].seq
    which = Which("gw-1", "R1", None, seq, None)
    (new,) = told.ask(plan_entry, which, Entry({"base_main_cm3": 1}, ""), SIGNED).edits
    skipped = NewEdit(dataclasses.replace(new.record, version=3), new.before)
    with pytest.raises(EditError, match="meanwhile"), told.store.writer.begin() as conn:
        append_edits(conn, [skipped])


def test_edits_are_never_written_twice(edited):
    """The database itself refuses a second edit of one version or number."""
    with edited.store.engine.connect() as conn:
        row = conn.execute(select(edit).where(edit.c.number == 1)).one()._asdict()
    for change in ({"number": 99}, {"version": 99}):
        with pytest.raises(Exception, match="UNIQUE"), edited.store.writer.begin() as conn:
            conn.execute(insert(edit).values(**{**row, **change}))
