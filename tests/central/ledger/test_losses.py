"""What is not there: shown, counted, and made up nowhere."""

import pytest
from sqlalchemy import select

from central.ledger.alarms import AlarmCode
from central.ledger.losses import is_lossy_between
from central.ledger.place import LeafAt
from central.ledger.queries import alarms, events, intervals, law, runs, summary
from central.store.gap_tables import loss, lost_range
from central.store.ledger_tables import cursor
from central.store.registry_tables import hole
from protocols.evidence.facts import LossReason
from protocols.evidence.leaf import NO_REFERENCE, Kind, Log
from tests.central.ledger.torn import BILLING, TELEMETRY, lose, polled, settled


def states(central, run="R1"):
    return [row.recompute for row in central.ask(intervals, "gw-1", run)]


@pytest.fixture
def one(made):
    return polled(made.Gateway().configure(made.config()), 20).stop()


def test_evicted_scans_leave_their_intervals_lost(central, one):
    """Only hashes came: the intervals that they made are neither pending nor wrong."""
    one.evicted[TELEMETRY] = set(range(12, 30))
    central.register(one)
    settled(central, one, cut=7)
    assert states(central) == ["agrees", "lost", "lost", "lost", "agrees", "agrees", "agrees"]
    [row] = central.ask(runs)
    assert (row.recompute_lost, row.recompute_pending, row.recompute_differs) == (3, 0, 0)
    assert central.ask(summary)["recompute_lost"] == 3
    assert central.ask(summary)["recomputed"] == 4
    assert all(row.holds for row in central.ask(law))
    assert central.ask(alarms) == []


def test_scans_of_others_may_be_lost(central, made):
    """A record that still follows from what is held agrees; what it hands over is not known."""
    gateway = made.Gateway().configure(made.config("R1"), made.config("R2"))
    polled(gateway, 8).stop()
    gateway.evicted[TELEMETRY] = {
        leaf.seq for leaf in gateway.leaves[TELEMETRY] if leaf.subject == "meter-R2"
    }
    central.register(gateway)
    settled(central, gateway)
    assert set(states(central, "R1")) == {"agrees"}
    assert set(states(central, "R2")) == {"lost"}


def test_a_whole_log_of_holes_is_followed_to_its_end(central, one):
    """A batch without a leaf moves the cursor as any other."""
    one.evicted[TELEMETRY] = set(range(len(one.leaves[TELEMETRY])))
    central.register(one)
    settled(central, one, cut=20)
    assert set(states(central)) == {"lost"}
    with central.store.engine.connect() as conn:
        [row] = conn.execute(select(cursor).where(cursor.c.log == "telemetry")).all()
    assert (row.next_seq, row.utc_ms, row.clock_state) == (60, None, 0)


def test_lost_records_are_told_and_not_booked(central, one):
    """The index between the neighbours says what moved; the law names the figure, no sum has it."""
    records = [leaf.seq for leaf in one.leaves[BILLING] if leaf.kind is Kind.INTERVAL]
    one.evicted[BILLING] = set(records[2:4])
    central.register(one)
    settled(central, one)
    assert len(states(central)) == 5
    assert set(states(central)) == {"agrees"}
    rows = {row.point: row for row in central.ask(law)}
    assert (rows["vm"].unbooked_counts, rows["vb"].unbooked_counts) == (300, 1200)
    assert [(row.holds, row.gaps) for row in rows.values()] == [(False, 0), (False, 0)]
    assert rows["vm"].moved_counts == rows["vm"].index_end - rows["vm"].index_start
    assert rows["vm"].moved_counts == rows["vm"].main_counts + 300
    [run] = central.ask(runs)
    assert run.line_cm3 == rows["vm"].main_counts * 1000
    told = [row for row in central.ask(alarms) if row.code == AlarmCode.RECORDS_LOST]
    assert {row.subject for row in told} == {"", "R1", "R1/vb", "R1/vm"}
    [own] = [row.detail for row in told if row.subject == "R1"]
    assert "line main 0.300000 m3" in own
    assert central.ask(alarms)[0].code == AlarmCode.RECORDS_LOST


def test_records_that_booked_nothing_are_missed_by_nobody(central, made):
    """No gas flowed meanwhile: the range is told, the law holds."""
    gateway = polled(made.Gateway().configure(made.config()), 8)
    polled(gateway, 9, counts=0)
    polled(gateway, 6).stop()
    records = [leaf.seq for leaf in gateway.leaves[BILLING] if leaf.kind is Kind.INTERVAL]
    gateway.evicted[BILLING] = {records[3]}
    central.register(gateway)
    settled(central, gateway)
    assert all(row.holds and row.unbooked_counts == 0 for row in central.ask(law))
    assert [row.subject for row in central.ask(alarms)] == [""]


def test_what_a_lost_configuration_explained_is_lost(central, one):
    """Without its configuration a record cannot be made again; that is no contradiction."""
    config = next(leaf for leaf in one.leaves[BILLING] if leaf.subject == "R1")
    one.evicted[BILLING] = {config.seq}
    central.register(one)
    settled(central, one)
    assert set(states(central)) == {"lost"}
    assert AlarmCode.RECOMPUTE_DIFFERS not in {row.code for row in central.ask(alarms)}


@pytest.mark.parametrize(
    ("reason", "log", "range_", "count", "alarmed"),
    [
        (LossReason.EVICTED, TELEMETRY, (3, 9), None, True),
        (LossReason.DAMAGED, BILLING, (3, 9), None, True),
        (LossReason.DROPPED, None, (0, 0), 17, True),
        (LossReason.UNCLEAN_END, None, (0, 0), None, False),
    ],
)
def test_every_reason_is_an_event(central, one, reason, log, range_, count, alarmed):
    """A LOSS leaf is a row of its own and an event; what may be missing for good is an alarm."""
    lose(one, reason, log, *range_, count, (1, 5), (2, 9))
    central.register(one)
    settled(central, one)
    event = central.ask(events)[0]
    assert event.code == f"loss_{reason.value}"
    with central.store.engine.connect() as conn:
        [row] = conn.execute(select(loss)).all()
    assert (row.reason, row.log, row.first, row.end, row.count) == (
        reason.value, "" if log is None else log.value, *range_, count,
    )  # fmt: skip
    assert [row.code for row in central.ask(alarms)] == (["data-lost"] if alarmed else [])


def test_a_loss_that_makes_no_sense_is_an_alarm(central, one):
    """The ledger goes on behind it."""
    one.add(Kind.LOSS, "", NO_REFERENCE, ("evicted", "telemetry", 0, 9, 3, None, None, None, ""))
    central.register(one)
    settled(central, one)
    assert [row.code for row in central.ask(alarms)] == ["malformed"]


@pytest.mark.parametrize(
    ("after", "until", "lossy"),
    [
        (None, (0, 10), False),
        (None, (0, 11), True),
        ((0, 19), (0, 25), True),
        ((0, 20), (0, 25), False),
        ((0, 20), (1, 0), False),
        ((0, 5), (1, 0), True),
        (None, (2, 0), True),
    ],
)
def test_lost_leaves_lie_between_two_places(central, after, until, lossy):
    """Leaves 10 to 19 of epoch 0 are lost: who comes before, and who behind them."""
    with central.store.writer.begin() as conn:
        conn.execute(
            lost_range.insert().values(
                gateway="g", log="billing", epoch=0, first=10, end=20, why="hole", received_ms=0
            )
        )
        at = None if after is None else LeafAt(*after)
        assert is_lossy_between(conn, "g", at, LeafAt(*until)) is lossy
        assert not is_lossy_between(conn, "h", at, LeafAt(*until))


def adopted(central, gateway, log, first, end):
    """What intake stores where central was restored and the gateway has the range no longer."""
    from central.store.log_tables import head
    from protocols.evidence.upload import decode_upload

    checkpoint = decode_upload(gateway.upload(log, first, end)).checkpoint
    with central.store.writer.begin() as conn:
        conn.execute(
            hole.insert().values(
                gateway=gateway.name, log=log.value, epoch=0, first=first, end=end,
                why="lost-at-central", checkpoint=checkpoint, receipt=b"r", at_ms=5,
            )
        )  # fmt: skip
        conn.execute(
            head.update()
            .where(head.c.gateway == gateway.name, head.c.log == log.value)
            .values(size=end, frontier=gateway.frontier(log, end).to_bytes(), checkpoint=checkpoint)
        )


def test_a_hole_that_central_adopted_is_followed(central, one):
    """Lost at central: the cursor passes it, and what lies behind goes on."""
    central.register(one)
    central.send(one, BILLING)
    central.send(one, TELEMETRY, size=20)
    central.catch_up()
    adopted(central, one, TELEMETRY, 20, 40)
    central.catch_up()
    central.send(one, TELEMETRY)
    central.catch_up()
    assert states(central)[0] == states(central)[-1] == "agrees"
    assert set(states(central)[2:4]) == {"lost"}
    with central.store.engine.connect() as conn:
        [row] = conn.execute(select(lost_range)).all()
    assert (row.log, row.first, row.end, row.why) == ("telemetry", 20, 40, "lost-at-central")


def test_adopted_billing_is_told_with_what_moved(central, one):
    """Records that central had and lost: the figure is named as for any other."""
    central.register(one)
    central.send(one, BILLING, size=8)
    adopted(central, one, BILLING, 8, 10)
    settled(central, one)
    assert sum(row.unbooked_counts for row in central.ask(law) if row.point == "vm") == 300
    assert any("lost at central" in row.detail for row in central.ask(alarms))
    assert Log.BILLING.value in {
        row.log for row in central.store.engine.connect().execute(select(lost_range))
    }
