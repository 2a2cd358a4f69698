"""EPOCH leaves: why a log begins anew, and that runs go on over it."""

import pytest
from sqlalchemy import select

from central.ledger.alarms import AlarmCode
from central.ledger.epochs import opening_of
from central.ledger.queries import alarms, events, intervals, law
from central.store.gap_tables import epoch_opening
from protocols.evidence.facts import EpochBody, EpochReason
from protocols.evidence.leaf import NO_REFERENCE, Kind
from tests.central.ledger.again import cited, reopened
from tests.central.ledger.torn import BILLING, TELEMETRY, polled, settled


@pytest.fixture
def one(made):
    return polled(made.Gateway().configure(made.config()), 14).stop()


def follows(central, one, reason, **how):
    """The gateway in its next epoch, all of the old one received."""
    central.register(one)
    settled(central, one)
    ends = tuple(len(one.leaves[log]) for log in (BILLING, TELEMETRY))
    return reopened(one, reason, unsent=ends, **how)


@pytest.mark.parametrize("reason", [one for one in EpochReason if one is not EpochReason.REPLACED])
def test_every_reason_is_an_event_and_most_an_alarm(central, one, reason):
    """A new key is no alarm: a person asked for it."""
    settled(central, follows(central, one, reason))
    assert central.ask(events)[0].code == f"epoch_{reason.value}"
    expected = [] if reason is EpochReason.REKEYED else ["epoch"]
    assert [row.code for row in central.ask(alarms)] == expected
    found = central.ask(opening_of, "gw-1", 1)
    assert (found.reason, found.old_epoch, found.old_gateway) == (reason.value, 0, "")
    assert central.ask(opening_of, "gw-1", 0) is None


def test_cited_receipts_are_looked_up(central, one):
    """Those that central has are confirmed; a made-up one is not."""
    central.register(one)
    settled(central, one)
    good = cited(central, one, BILLING)
    ends = tuple(len(one.leaves[log]) for log in (BILLING, TELEMETRY))
    second = reopened(one, unsent=ends, citations=[good])
    settled(central, second)
    third = reopened(second, unsent=(1, 0), citations=[good._replace(receipt=b"forged")])
    settled(central, third)
    with central.store.engine.connect() as conn:
        rows = conn.execute(select(epoch_opening).order_by(epoch_opening.c.epoch)).all()
    assert [(row.is_confirmed, row.old_size) for row in rows] == [(True, ends[0]), (False, ends[0])]


def test_an_epoch_that_does_not_say_why_is_told(central, one):
    """Its first leaf must be the EPOCH leaf, where central knows an earlier epoch."""
    again = follows(central, one, EpochReason.SALVAGED)
    again.leaves[BILLING].clear()
    again.add(Kind.EVENT, "", NO_REFERENCE, ("agent_started", None, None, "", ""))
    settled(central, again)
    assert [(row.code, row.seq) for row in central.ask(alarms)] == [("epoch", 0)]


def test_an_epoch_is_opened_once(central, one):
    """A second EPOCH leaf, or a replacement that cites nobody, is an alarm."""
    again = follows(central, one, EpochReason.SALVAGED)
    for reason in (EpochReason.FORKED, EpochReason.REPLACED):
        again.add(Kind.EPOCH, "", NO_REFERENCE, EpochBody(reason, 0).to_body())
    settled(central, again)
    assert [row.code for row in central.ask(alarms)].count("malformed") == 2


def test_the_carry_goes_on_but_for_the_scans_number(central, one):
    """A record that opens otherwise than the last one closed is found out over an epoch, too."""
    again = follows(central, one, EpochReason.SALVAGED)
    state = again.states["R1"]
    again.states["R1"] = state.opened(state.now._replace(main_remainder=12_345))
    config = again.configs["R1"]
    again.add(Kind.CONFIGURATION, "R1", config.hash(), config.to_body())  # as the agent does
    polled(again, 7).stop()
    settled(central, again)
    states = [row.recompute for row in central.ask(intervals, "gw-1", "R1")]
    assert states.count("differs") == 1
    assert any("carry" in row.detail for row in central.ask(alarms))


@pytest.mark.parametrize("moved", [700, -70])
def test_a_run_that_begins_otherwise_is_told_with_the_figure(central, one, moved):
    """The journal was lost: the index says what nobody booked, or what is booked twice."""
    again = follows(central, one, EpochReason.JOURNAL_LOST)
    again.configure(*again.configs.values())  # a state that knows nothing
    again.index["R1"][0] += moved - 50
    polled(again, 7).stop()
    settled(central, again)
    told = [row for row in central.ask(alarms) if row.code == AlarmCode.EPOCH_SEAM]
    [line] = [row.detail for row in told if row.subject == "R1/vm"]
    assert f"{abs(moved)} counts are {'not recorded' if moved > 0 else 'recorded twice'}" in line
    rows = [row for row in central.ask(law) if row.point == "vm"]
    assert [(row.epoch, row.unseen_counts, row.holds) for row in rows] == [
        (0, 0, True), (1, moved, True),
    ]  # fmt: skip
