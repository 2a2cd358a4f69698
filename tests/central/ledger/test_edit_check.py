"""What is taken away from the edits, or changed, is noticed."""

import cbor2
import pytest
from sqlalchemy import delete, select, text, update

from central.ledger import queries
from central.ledger.edit_check import check_edits
from central.ledger.edits import (
    Head,
    edit_sums,
    head_of,
)
from central.store.edit_tables import (
    EDIT_TABLES,
    edit,
    edit_configuration,
    edit_head,
    edit_sum,
)
from central.store.ledger_tables import interval
from protocols.metering.edited import NO_EDIT
from tests.central.ledger.edited import edited as edited
from tests.central.ledger.edited import entered
from tests.central.ledger.edited import told as told


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
