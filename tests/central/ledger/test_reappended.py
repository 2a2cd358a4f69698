"""Leaves that come again in a later epoch: each counts once, and is found under both numbers."""

import random

import pytest
from sqlalchemy import select

from central.ledger.queries import alarms, intervals, law, runs, summary
from central.ledger.reappended import place_of
from central.ledger.rebuild import rebuild
from central.store.gap_tables import reappended, scan_reach
from central.store.ledger_tables import event, interval
from protocols.evidence.facts import EpochReason
from protocols.evidence.leaf import MAX_SEQ, Kind, Log
from tests.central.ledger.again import BILLING, TELEMETRY, reopened, repeat
from tests.central.ledger.test_rebuild import rows_of


def polled_on(gateway, polls=6):
    for _ in range(polls):
        gateway.poll()
    return gateway.stop()


def sent(central, *gateways, cut=None):
    """Every log of every epoch in turn, and the ledger behind it."""
    for gateway in gateways:
        for log in (BILLING, TELEMETRY):
            central.send(gateway, log, cut=cut)
    central.catch_up()
    return central


def states(central, run="R1"):
    return [row.recompute for row in central.ask(intervals, "gw-1", run)]


def conserved(central, *runs_):
    """The first law over all epochs: one stretch a total, without a gap, and every count booked."""
    for run in runs_:
        rows = [row for row in central.ask(law) if row.run == run]
        assert [row.point for row in rows] == ["vb", "vm"]
        assert all(row.holds and row.gaps == 0 for row in rows)
        line = rows[1]
        [total] = [row for row in central.ask(runs) if row.run == run]
        assert total.line_cm3 == (line.index_end - line.index_start) * 1000
    return True


@pytest.fixture
def two(made):
    return polled_on(made.Gateway().configure(made.config("R1"), made.config("R2")), 14)


def test_what_central_has_is_not_taken_again(central, two):
    """Only the receipt was lost: central holds every leaf, and books none of them twice."""
    central.register(two)
    sent(central, two)
    before = central.ask(runs)
    again = reopened(two, unsent=(5, 20))
    sent(central, again)
    assert central.ask(runs) == before
    with central.store.engine.connect() as conn:
        assert conn.execute(select(reappended)).all() == []
        assert [row.code for row in conn.execute(select(event)) if row.epoch == 1] == [
            "epoch_salvaged"
        ]
    polled_on(again)
    sent(central, again)
    assert set(states(central)) == set(states(central, "R2")) == {"agrees"}
    assert conserved(central, "R1", "R2")
    assert [row.code for row in central.ask(alarms)] == ["epoch"]


@pytest.mark.parametrize("held", [(0, 0), (7, 0), (0, 30), (9, 41), (14, 60)])
def test_runs_go_on_over_an_epoch(central, two, held):
    """What central did not have comes under new numbers: nothing is missing, nothing doubled."""
    central.register(two)
    for log, size in zip((BILLING, TELEMETRY), held, strict=True):
        central.send(two, log, size=size)
    central.catch_up()
    again = polled_on(reopened(two, unsent=(held[0] // 2, held[1] // 2)))
    sent(central, again, cut=11)
    assert len(states(central)) == sum(
        leaf.kind is Kind.INTERVAL and leaf.subject == "R1"
        for leaf in [
            *two.leaves[BILLING],
            *(one for one in again.leaves[BILLING] if one.was is None),
        ]
    )
    assert set(states(central)) == set(states(central, "R2")) == {"agrees"}
    assert conserved(central, "R1", "R2")
    assert [row.code for row in central.ask(alarms)] == ["epoch"]
    assert central.ask(summary)["law_holds"]


def test_an_interval_waits_for_the_scans_that_come_again(central, two):
    """Its scans come in another epoch: pending until they are there, or can no longer come."""
    central.register(two)
    central.send(two, BILLING)
    central.send(two, TELEMETRY, size=30)
    central.catch_up()
    count = states(central).count("agrees")
    assert "pending" in states(central)
    again = reopened(two, unsent=(len(two.leaves[BILLING]), 30))
    central.send(again, TELEMETRY, size=len(again.leaves[TELEMETRY]) - 1)
    central.catch_up()
    assert states(central).count("agrees") > count
    assert states(central, "R2")[-1] == "pending"
    central.send(again, TELEMETRY)
    central.catch_up()
    assert set(states(central)) | set(states(central, "R2")) == {"agrees"}


def test_scans_that_did_not_survive_are_lost(central, two):
    """Once the new epoch's own scans come, what is missing will not come any more: lost."""
    central.register(two)
    central.send(two, BILLING)
    central.send(two, TELEMETRY, size=30)
    central.catch_up()
    gone = {(TELEMETRY, seq) for seq in range(40, 50)}
    again = reopened(two, unsent=(len(two.leaves[BILLING]), 30), gone=gone)
    central.send(again, TELEMETRY)
    central.catch_up()
    assert "lost" in states(central)
    gone |= {(TELEMETRY, seq) for seq in range(30, len(two.leaves[TELEMETRY]))}
    polled_on(again)
    sent(central, again)
    assert "pending" not in states(central) + states(central, "R2")
    assert states(central)[0] == states(central)[-1] == "agrees"
    assert conserved(central, "R1", "R2")
    rows = {row.run: row for row in central.ask(runs)}
    assert rows["R1"].recompute_lost == states(central).count("lost") > 0
    assert rows["R1"].recompute_pending == 0
    assert [row.code for row in central.ask(alarms)] == ["epoch"]


def test_nothing_of_the_tail_survived(central, two):
    """The end of the old epoch is lost whole: its intervals do not wait for ever."""
    central.register(two)
    central.send(two, BILLING)
    central.send(two, TELEMETRY, size=30)
    central.catch_up()
    again = reopened(two, unsent=(len(two.leaves[BILLING]), len(two.leaves[TELEMETRY])))
    sent(central, again)
    assert "pending" in states(central)
    polled_on(again)
    sent(central, again)
    assert states(central)[:6] == ["agrees", "agrees", "lost", "lost", "lost", "agrees"]
    assert states(central)[-1] == "agrees"


def test_again_and_again(central, two):
    """A leaf that is sent a third time keeps its first number, and counts once."""
    central.register(two)
    central.send(two, BILLING, size=12)
    central.send(two, TELEMETRY, size=30)
    second = polled_on(reopened(two, unsent=(10, 25)))
    central.send(second, BILLING, size=9)
    central.send(second, TELEMETRY, size=20)
    third = polled_on(reopened(second, EpochReason.REKEYED, unsent=(6, 15)))
    assert {leaf.was.epoch for leaf in third.leaves[BILLING] if leaf.was} == {0, 1}
    sent(central, third, cut=5)
    assert set(states(central)) == set(states(central, "R2")) == {"agrees"}
    assert conserved(central, "R1", "R2")


def test_the_ledger_is_a_function_of_the_logs_over_epochs(made, two, tmp_path):
    """However batches are cut, whenever the ledger looks: the same rows, also after a rebuild."""
    second = polled_on(reopened(two, unsent=(10, 25), gone={(TELEMETRY, 33), (BILLING, 16)}))
    second.evicted[TELEMETRY] = set(range(30, 41))
    third = polled_on(reopened(second, EpochReason.REKEYED, unsent=(12, 35)))
    outcomes = []
    for seed in range(2):
        central = made.Central(tmp_path / str(seed))
        central.register(two)
        choice = random.Random(seed)
        for gateway, held in ((two, (12, 30)), (second, (15, 50)), (third, (None, None))):
            ends = [
                min(len(gateway.leaves[log]), size or len(gateway.leaves[log]))
                for log, size in zip((BILLING, TELEMETRY), held, strict=True)
            ]
            while any(
                central.sent(gateway, log) < end
                for log, end in zip((BILLING, TELEMETRY), ends, strict=True)
            ):
                at = choice.randrange(2)
                log = (BILLING, TELEMETRY)[at]
                size = min(central.sent(gateway, log) + choice.randint(3, 25), ends[at])
                central.send(gateway, log, size=size)
                if choice.random() < 0.4:
                    central.catch_up()
        central.catch_up()
        outcomes.append(rows_of(central, ("received_ms", "at_ms", "latest_start_ms")))
        if seed == 0:
            before = rows_of(central)
            rebuild(central.store)
            assert rows_of(central) == before
        central.close()
    # Holes are told batch by batch: how a range is cut is the batches' affair.
    for one in outcomes:
        one["lost_range"] = sum(row.end - row.first for row in one["lost_range"])
    assert outcomes[0] == outcomes[1]
    assert {row.recompute for row in outcomes[0]["interval"]} == {"agrees", "lost"}


def test_another_leaf_under_the_same_number_is_told(central, two):
    """Two histories of one epoch: both are kept, and the difference is an alarm."""
    central.register(two)
    sent(central, two)
    again = reopened(two, EpochReason.FORKED, unsent=(len(two.leaves[BILLING]), 60))
    at = two.leaves[BILLING][-1]
    repeat(
        again, at._replace(subject="R1", kind=Kind.EVENT, body=("door_open", None, None, "", ""))
    )
    repeat(again, two.leaves[TELEMETRY][40]._replace(body=(None,)))
    sent(central, again)
    told = [row for row in central.ask(alarms) if row.code == "sent-again-differs"]
    assert len(told) == 2
    assert f"leaf {at.seq} of epoch 0" in " ".join(row.detail for row in told)
    with central.store.engine.connect() as conn:
        assert "door_open" in conn.scalars(select(event.c.code)).all()


def test_scans_are_taken_in_order_only(central, two):
    """A scan that comes again after the new epoch's own, or out of turn, changes nothing."""
    central.register(two)
    central.send(two, BILLING)
    central.send(two, TELEMETRY, size=30)
    again = reopened(two, unsent=(len(two.leaves[BILLING]), 36))
    polled_on(again, 1)
    for leaf in two.leaves[TELEMETRY][30:36]:
        repeat(again, leaf)
    sent(central, again)
    with central.store.engine.connect() as conn:
        [row] = conn.execute(select(reappended).where(reappended.c.log == "telemetry")).all()
        reach = {row.epoch: row.reach for row in conn.execute(select(scan_reach))}
    assert (row.was_first, row.was_end) == (36, len(two.leaves[TELEMETRY]))
    assert reach == {0: len(two.leaves[TELEMETRY]), 1: len(again.leaves[TELEMETRY])}
    assert "lost" in states(central)


def test_a_leaf_is_found_under_its_first_number(central, two):
    """Its own place, or the one it came again at."""
    central.register(two)
    central.send(two, BILLING, size=12)
    again = reopened(two, unsent=(12, 0))
    sent(central, again)
    with central.store.engine.connect() as conn:
        origin = two.origin(Log.BILLING)
        assert place_of(conn, origin, 11) == (0, 11)
        assert place_of(conn, origin, 12) == (1, 1)
        assert place_of(conn, origin, 15) == (1, 4)
        assert place_of(conn, origin, MAX_SEQ) == (0, MAX_SEQ)
        assert conn.scalars(select(interval.c.scans_epoch).distinct()).all() == [0]
