"""The steps by which the append-only log grows."""

import pytest
from sqlalchemy import select

from central.intake import log
from central.key_spans import store_schedule
from central.store.log_tables import equivocation
from protocols.evidence.leaf import Log
from protocols.evidence.merkle import EMPTY
from protocols.evidence.upload import EMPTY_HEAD, Equivocation, decode_upload

TELEMETRY = Log.TELEMETRY


@pytest.fixture
def new(central, polled):
    """The first batch of a registered gateway, judged and not yet stored."""
    central.register(polled)
    body = polled.upload(TELEMETRY, 0)
    leaves = polled.leaves[TELEMETRY]
    frontier = polled.frontier(TELEMETRY, len(leaves))
    checkpoint = decode_upload(body).checkpoint
    with central.store.engine.connect() as conn:
        entry = log.registered(conn, polled.name)
    return log.NewBatch(
        entry, polled.origin(TELEMETRY), EMPTY_HEAD, frontier, checkpoint, body, leaves, 5
    )


def test_a_head_that_moved_takes_nothing(central, new):
    """The same batch once more, or one that was judged before the head moved, is not stored."""
    with central.store.writer.begin() as conn:
        assert log.append(conn, new)
        new = new._replace(entry=log.registered(conn, new.origin.gateway))
        assert not log.append(conn, new)
        ahead = new._replace(before=log.head_of(conn, new.origin)._replace(frontier=EMPTY))
        assert not log.append(conn, ahead)
        assert log.head_of(conn, new.origin).frontier == new.frontier


def test_a_gateway_stopped_meanwhile_takes_nothing(central, new):
    """An upload that was judged just before the stop is not stored after it."""
    with central.store.writer.begin() as conn:
        assert log.stop(conn, new.origin.gateway, "a clone", 4)
        assert not log.stop(conn, new.origin.gateway, "another reason", 5)
        assert not log.append(conn, new)
        assert log.head_of(conn, new.origin) == EMPTY_HEAD
        assert log.registered(conn, new.origin.gateway).stopped_reason == "a clone"


def test_a_key_revoked_meanwhile_takes_nothing(central, new):
    """An upload that was judged by keys that are no longer in force is judged again."""
    with central.store.writer.begin() as conn:
        revoked = new.entry.schedule.revoked({})
        store_schedule(conn, revoked, 4)
        assert not log.append(conn, new)
        assert log.append(conn, new._replace(entry=new.entry._replace(schedule=revoked)))


def test_the_first_proof_of_a_size_stays(central, new):
    """Of two pairs of checkpoints for one size the first is the evidence."""
    with central.store.writer.begin() as conn:
        log.keep_equivocation(conn, new.origin, 3, Equivocation(b"ours", b"theirs"), 4)
        log.keep_equivocation(conn, new.origin, 3, Equivocation(b"ours", b"others"), 5)
        [kept] = conn.execute(select(equivocation)).all()
    assert (kept.ours, kept.theirs, kept.at_ms) == (b"ours", b"theirs", 4)


def test_the_first_receipt_stays(central, new):
    """Of two receipts for one batch the first stored is the one that is given."""
    size = new.frontier.size
    with central.store.writer.begin() as conn:
        log.append(conn, new)
        assert log.without_receipt(conn) == [(new.origin, size)]
        assert log.keep_receipt(conn, new.origin, size, b"first") == b"first"
        assert log.keep_receipt(conn, new.origin, size, b"second") == b"first"
        assert log.head_of(conn, new.origin).receipt == b"first"
        assert log.without_receipt(conn) == []


def test_checkpoints_are_found_by_size(central, new):
    """Where a batch ended its checkpoint is known, elsewhere none is."""
    size = new.frontier.size
    with central.store.writer.begin() as conn:
        log.append(conn, new)
        assert log.checkpoint_at(conn, new.origin, size) == new.checkpoint
        assert log.checkpoint_at(conn, new.origin, size - 1) is None
