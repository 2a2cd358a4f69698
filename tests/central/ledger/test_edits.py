"""Edits are appended, chained and kept; what is taken away or changed is noticed."""

import dataclasses

import cbor2
import pytest
from sqlalchemy import delete, insert, select, text, update

from central.ledger import queries
from central.ledger.correction import read_correction
from central.ledger.edit_check import check_edits
from central.ledger.edit_plan import Entry, Range, Signed, Which, plan_entry, plan_recalculation
from central.ledger.edits import (
    EditError,
    Head,
    NewEdit,
    append_edits,
    edit_sums,
    head_of,
    noted_fault,
)
from central.ledger.law import law
from central.ledger.rebuild import rebuild
from central.store.edit_tables import (
    EDIT_TABLES,
    edit,
    edit_configuration,
    edit_head,
    edit_sum,
)
from central.store.ledger_tables import LEDGER_TABLES, interval
from protocols.evidence.leaf import Log, leaf_hash
from protocols.metering.edited import NO_EDIT

SIGNED = Signed("Li Wei", "lab report 17", 1_790_000_000_000, b"\3" * 32)
ALWAYS = (0, 2 * 10**12)


def rows_of(central, tables):
    with central.store.engine.connect() as conn:
        return {
            table.name: conn.execute(select(table).order_by(*table.primary_key)).all()
            for table in tables
        }


def recalculated(central, run, *sets, as_recorded=False, signed=SIGNED):
    """Every interval of a run under a corrected configuration, booked."""
    with central.store.engine.connect() as conn:
        last_ms = max(row.end_utc_ms for row in queries.intervals(conn, "gw-1", run))
    asked = Range("gw-1", run, 0, last_ms)
    plan = plan_recalculation(
        central.store, asked, read_correction(list(sets), None), signed, as_recorded=as_recorded
    )
    with central.store.writer.begin() as conn:
        append_edits(conn, plan.edits)
    return plan


def entered(central, run, seq, rule="", **figures):
    """One interval by given figures, booked."""
    with central.store.writer.begin() as conn:
        which = Which("gw-1", run, None, seq, None)
        plan = plan_entry(conn, which, Entry(figures, rule), SIGNED)
        append_edits(conn, plan.edits)
    return plan


@pytest.fixture
def told(central, polled):
    """Central with two runs' intervals, recomputed."""
    central.register(polled)
    for log in (Log.TELEMETRY, Log.BILLING):
        central.send(polled, log)
    central.catch_up()
    return central


@pytest.fixture
def edited(told):
    """Seven edits: R1 recalculated, one of them again by hand; one of R2 estimated."""
    recalculated(told, "R1", "k_e9=970000000")
    first = told.ask(queries.intervals, "gw-1", "R1")[0]
    entered(told, "R1", first.seq, base_main_cm3=7)
    last = told.ask(queries.intervals, "gw-1", "R2")[-1]
    entered(told, "R2", last.seq, rule="mean of the neighbours", line_main_cm3=1, line_error_cm3=2)
    return told


def test_the_original_never_changes(told):
    """Not a byte of the ledger is another after edits and edits of edits."""
    before, laws = rows_of(told, LEDGER_TABLES), told.ask(law)
    recalculated(told, "R1", "k_e9=970000000")
    recalculated(told, "R1", "k_e9=960000000")
    assert rows_of(told, LEDGER_TABLES) == before
    assert told.ask(law) == laws
    assert all(row.holds for row in laws)


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


def test_a_rebuild_keeps_edits(edited):
    """The ledger is derived again; edits stand, and lead from the same originals."""
    before, rows = rows_of(edited, EDIT_TABLES), edited.ask(queries.intervals, "gw-1", "R1")
    rebuild(edited.store)
    assert rows_of(edited, EDIT_TABLES) == before
    assert edited.ask(queries.intervals, "gw-1", "R1") == rows
    assert edited.ask(check_edits).faults == ()


def test_the_chain_as_it_was_made(edited):
    """All edits in one chain, whatever their run, each at its number."""
    head, faults = edited.ask(check_edits)
    with edited.store.engine.connect() as conn:
        numbers = conn.scalars(select(edit.c.number).order_by(edit.c.number)).all()
    assert faults == ()
    assert numbers == list(range(1, head.size + 1))
    assert head == edited.ask(head_of)
    assert edited.ask(check_edits, str(head)).faults == ()
    assert edited.ask(check_edits, str(Head(0, NO_EDIT))).faults == ()


def test_no_edits_are_a_whole_chain(told):
    """A store without an edit has nothing to complain of."""
    assert told.ask(check_edits) == (Head(0, NO_EDIT), ())
    assert told.ask(edit_sums) == {}


def _reworded(conn):
    body = cbor2.loads(conn.scalar(select(edit.c.body).where(edit.c.number == 2)))
    body[10] = "nobody"
    conn.execute(update(edit).where(edit.c.number == 2).values(body=cbor2.dumps(body)))


TAMPERED = {
    "the last is gone": (lambda conn: conn.execute(delete(edit).where(edit.c.run == "R2")), "6"),
    "one in the middle is gone": (
        lambda conn: conn.execute(delete(edit).where(edit.c.number == 2)),
        "follows number 1",
    ),
    "another name": (_reworded, "edit 2: its hash"),
    "another figure": (
        lambda conn: conn.execute(
            update(edit).where(edit.c.number == 3).values(base_main_cm3=edit.c.base_main_cm3 - 1)
        ),
        "edit 3: its columns",
    ),
    "another hash": (
        lambda conn: conn.execute(update(edit).where(edit.c.number == 3).values(hash=b"x" * 32)),
        "edit 4: its hash",
    ),
    "nonsense": (
        lambda conn: conn.execute(update(edit).where(edit.c.number == 3).values(body=b"\xa0")),
        "edit 3: cannot be read",
    ),
    "another sum": (
        lambda conn: conn.execute(update(edit_sum).values(base_main_cm3="0")),
        "their sum is not",
    ),
    "a sum is gone": (lambda conn: conn.execute(delete(edit_sum)), "their sum is not"),
    "no configuration": (lambda conn: conn.execute(delete(edit_configuration)), "is not kept"),
    "no head": (lambda conn: conn.execute(delete(edit_head)), "0 were made"),
    "another head": (
        lambda conn: conn.execute(update(edit_head).values(hash=b"x" * 32)),
        "is not the one that was made",
    ),
    "another original": (
        lambda conn: conn.execute(
            text("UPDATE interval SET leaf = (SELECT max(leaf) FROM interval WHERE run = 'R2')")
        ),
        "another record than the one that was edited",
    ),
    "no original": (
        lambda conn: conn.execute(delete(interval)),
        "its original is not in the ledger",
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_tampering_is_noticed(edited, what):
    """What was done to the edits behind central's back is told with the edit it was done to."""
    tamper, told = TAMPERED[what]
    with edited.store.writer.begin() as conn:
        tamper(conn)
    faults = edited.ask(check_edits).faults
    assert any(told in fault for fault in faults), faults


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


@pytest.mark.parametrize("body", [b"\xa0", b"\x80"])
def test_a_damaged_configuration_is_told(edited, body):
    """Nothing is recalculated from a corrected configuration that somebody changed."""
    with edited.store.writer.begin() as conn:
        conn.execute(update(edit_configuration).values(body=body))
    assert any("is not kept" in fault for fault in edited.ask(check_edits).faults)
    with pytest.raises(EditError, match="edge-central edit check"):
        recalculated(edited, "R1", "k_e9=950000000")


def test_a_forged_chain_does_not_have_a_noted_head(edited):
    """Who rewrites all of it cannot make the head that somebody wrote down."""
    noted = str(edited.ask(head_of))
    with edited.store.writer.begin() as conn:
        for table in EDIT_TABLES:
            conn.execute(delete(table))
    assert edited.ask(check_edits).faults == ()
    entered(edited, "R1", edited.ask(queries.intervals, "gw-1", "R1")[0].seq, base_main_cm3=7)
    assert edited.ask(check_edits).faults == ()
    assert "some were taken away" in edited.ask(check_edits, noted).faults[0]


def test_faults_are_bounded(edited):
    """A chain that is broken everywhere is told in few lines."""
    with edited.store.writer.begin() as conn:
        conn.execute(update(edit).values(hash=b"x" * 32, kind="y", gateway="gw-1"))
    assert 5 < len(edited.ask(check_edits).faults) <= 20


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
