"""Instants in the ledger: derived from the clock that was set later, bounded, never rewritten."""

import pytest
from sqlalchemy import select

from central.ledger.bodies import interval_of
from central.ledger.queries import events, gateways, intervals, runs, untimed_intervals
from central.ledger.rebuild import rebuild
from central.ledger.untimed_list import untimed
from central.store.gap_tables import boot
from central.store.gap_tables import untimed as waiting
from central.store.ledger_tables import interval
from protocols.evidence.facts import EpochReason
from protocols.evidence.leaf import NO_REFERENCE, Kind, decode_leaf
from tests.central.ledger.again import cited, reopened
from tests.central.ledger.test_rebuild import rows_of
from tests.central.ledger.torn import BILLING, TELEMETRY, polled, settled


def clock(gateway, out_ms, state):
    """The clock is set (or lost): a CLOCK leaf says so, as the agent writes it."""
    gateway.clock = (out_ms, state)
    gateway.add(Kind.CLOCK, "", NO_REFERENCE, (None, gateway.instant().utc_ms, 0))


def started(made, out_ms, state):
    gateway = made.Gateway()
    gateway.clock = (out_ms, state)
    gateway.now_ms = 10_000
    return gateway.configure(made.config())


def ends(central):
    return [row.end_utc_ms for row in central.ask(intervals, "gw-1", "R1")]


@pytest.mark.parametrize(
    "wrong", [(None, 0), (-3 * 365 * 86_400_000, 1), (86_400_000, 1), (3_600_000, 0)]
)
def test_what_came_before_the_clock_was_set_is_derived(central, made, wrong):
    """No clock, one of years ago, one of tomorrow: UTC follows from the clock set later."""
    gateway = polled(started(made, *wrong), 8)
    clock(gateway, 0, 2)
    set_at = made.t0_ms + gateway.now_ms
    polled(gateway, 7).stop()
    central.register(gateway)
    settled(central, gateway)
    rows = central.ask(intervals, "gw-1", "R1")
    derived = [row for row in rows if row.time_from_ms is not None]
    assert {row.time_from_ms for row in derived} == {set_at}
    assert derived
    assert len(derived) < len(rows)
    with central.store.engine.connect() as conn:
        leaves = conn.scalars(select(interval.c.leaf).order_by(interval.c.seq)).all()
        assert conn.execute(select(waiting)).all() == []
    for row, leaf in zip(rows, leaves, strict=True):
        record = interval_of(decode_leaf(leaf))
        assert row.end_utc_ms == made.t0_ms + record.end.mono_ms
        assert row.start_utc_ms == made.t0_ms + record.start.mono_ms
        assert (record.end.clock_state == 2) or record.end.utc_ms != row.end_utc_ms
    assert central.ask(runs)[0].last_interval_end_ms == rows[-1].end_utc_ms
    assert {row.recompute for row in rows} == {"agrees"}


def test_a_clock_that_was_right_stands(central, made):
    """An unsynchronised clock that told the time within a second is left as it is."""
    gateway = polled(started(made, 400, 1), 8)
    clock(gateway, 0, 2)
    polled(gateway, 4).stop()
    central.register(gateway)
    settled(central, gateway)
    assert all(row.time_from_ms is None for row in central.ask(intervals, "gw-1", "R1"))
    assert ends(central)[0] == made.t0_ms + 18_000 - 2_000 + 400


def test_a_step_of_the_synchronised_clock_changes_nothing_before_it(central, made):
    """A leap second, or a server that was wrong: what a synchronised clock told stands."""
    gateway = polled(started(made, 0, 2), 8)
    clock(gateway, -1_000, 2)
    polled(gateway, 4)
    clock(gateway, 5_000, 2)
    polled(gateway, 4).stop()
    central.register(gateway)
    settled(central, gateway)
    assert all(row.time_from_ms is None for row in central.ask(intervals, "gw-1", "R1"))


def test_a_clock_set_by_hand_is_not_believed_and_one_after_a_loss_is(central, made):
    """Later in the boot: synchronised, lost, set wrong by hand, synchronised again."""
    gateway = polled(started(made, 0, 2), 8)
    clock(gateway, 7_200_000, 1)
    polled(gateway, 8)
    clock(gateway, 0, 2)
    polled(gateway, 4).stop()
    central.register(gateway)
    settled(central, gateway)
    rows = central.ask(intervals, "gw-1", "R1")
    assert all(row.end_utc_ms - row.start_utc_ms == row.elapsed_ms for row in rows)
    assert any(row.time_from_ms is not None for row in rows)


def test_an_event_before_the_clock_is_derived_too(central, made):
    """It is shown with the instant that follows, and the clock it follows from."""
    gateway = started(made, None, 0)
    gateway.add(Kind.EVENT, "", NO_REFERENCE, ("agent_started", None, None, "", ""))
    gateway.now_ms += 5_000
    clock(gateway, 0, 2)
    central.register(gateway)
    settled(central, gateway)
    told = {row.code: row for row in central.ask(events)}
    assert told["agent_started"].utc_ms == made.t0_ms + 10_000
    assert told["agent_started"].time_from_ms == made.t0_ms + 15_000
    assert told["clock"].time_from_ms is None


def test_a_boot_that_never_knew_the_time_is_bounded(central, made):
    """After what was known before it, before the receipt of its own batch."""
    gateway = polled(started(made, 0, 2), 8)
    gateway.stop()
    last_known = made.t0_ms + gateway.leaves[BILLING][-1].mono_ms
    gateway.reboot(600_000)
    gateway.clock = (None, 0)
    polled(gateway, 8).stop()
    central.register(gateway)
    settled(central, gateway)
    rows = central.ask(untimed, "gw-1", "R1", 20)
    assert rows
    assert [one.row for one in rows][::-1] == central.ask(untimed_intervals, "gw-1", "R1", 20)
    received_ms = central.now_ms - 1000
    newest = rows[0]
    assert newest.after_ms == last_known
    assert newest.before_ms == received_ms
    assert all(one.after_ms == last_known and one.before_ms < received_ms for one in rows[1:])
    assert central.ask(gateways)[0].last_leaf_utc_ms is None
    gateway.reboot(60_000)  # the next boot knows the time, which says no more of this one
    gateway.clock = (0, 2)
    polled(gateway, 8).stop()
    settled(central, gateway)
    assert central.ask(untimed, "gw-1", "R1", 20) == rows


def test_a_receipt_that_is_cited_bounds_from_below(central, made):
    """An epoch that is opened in a boot without a clock cites a receipt: it is later than that."""
    gateway = polled(started(made, None, 0), 8).stop()
    central.register(gateway)
    settled(central, gateway)
    received_ms = central.now_ms - 1000
    sizes = tuple(len(gateway.leaves[log]) for log in (BILLING, TELEMETRY))
    citations = [cited(central, gateway, BILLING)]
    again = reopened(gateway, EpochReason.SET_BACK, unsent=sizes, citations=citations)
    polled(again, 8).stop()
    settled(central, again)
    newest = central.ask(untimed, "gw-1", "R1", 1)[0]
    assert newest.after_ms is not None
    assert newest.after_ms >= received_ms


def test_a_boot_goes_on_over_an_epoch(central, made):
    """The journal was damaged while the box ran: its clock, set later, tells what came before."""
    gateway = polled(started(made, None, 0), 8).stop()
    central.register(gateway)
    settled(central, gateway)
    assert ends(central) == [None] * len(ends(central))
    again = reopened(gateway, unsent=(4, 10))
    settled(central, again)
    clock(again, 0, 2)
    polled(again, 8).stop()
    settled(central, again)
    assert None not in ends(central)
    with central.store.engine.connect() as conn:
        assert conn.execute(select(waiting)).all() == []
        rows = conn.execute(select(boot.c.epoch, boot.c.start_ms).order_by(boot.c.epoch)).all()
    assert [tuple(row) for row in rows] == [(0, None), (1, made.t0_ms)]
    before = rows_of(central)
    rebuild(central.store)
    assert rows_of(central) == before


def test_an_old_image_begins_its_boots_again(central, made):
    """The same boot number of another epoch is another boot: its clock says nothing of the old."""
    gateway = polled(started(made, None, 0), 8).stop()
    central.register(gateway)
    settled(central, gateway)
    sizes = tuple(len(gateway.leaves[log]) for log in (BILLING, TELEMETRY))
    again = reopened(gateway, EpochReason.SET_BACK, unsent=sizes)
    clock(again, 0, 2)
    polled(again, 8).stop()
    settled(central, again)
    assert ends(central).count(None) == 3
    assert ends(central)[-1] is not None


@pytest.mark.parametrize("cut", [1, 3, None])
def test_batches_may_be_cut_anywhere(central, made, cut):
    """The derived rows are the same."""
    gateway = polled(started(made, None, 0), 8)
    clock(gateway, 0, 2)
    polled(gateway, 4).stop()
    central.register(gateway)
    settled(central, gateway, cut=cut)
    assert (
        ends(central)
        == [made.t0_ms + ms for ms in (18_000, 24_000, 30_000, 34_000)][: len(ends(central))]
    )
