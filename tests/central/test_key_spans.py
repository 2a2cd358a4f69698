"""Keys as rows."""

from central.key_spans import Act, Done, acts, held, keep_act, load_schedule, newest_epoch
from central.key_spans import store_schedule as store
from protocols.evidence.key_change import Place, sign_change
from protocols.evidence.keys import KeySchedule
from protocols.evidence.leaf import Log
from protocols.evidence.note import Signer

FIRST, SECOND, THIRD = (Signer.from_private_bytes("gw-1", seed * 32) for seed in (b"1", b"2", b"3"))


def many():
    """Rotated twice without telemetry in between, revoked, renewed."""
    schedule = KeySchedule.of(FIRST.vkey)
    for at, (old, new) in ((4, (FIRST, SECOND)), (9, (SECOND, THIRD))):
        schedule = schedule.rotated(sign_change(Place(0, at, 0), old, new), 0, at)
    renewed = Signer.from_private_bytes("gw-1", b"4" * 32).vkey
    return schedule.revoked({Log.BILLING: (0, 20), Log.TELEMETRY: (0, 7)}).renewed(renewed, 3)


def test_a_schedule_comes_back_as_it_was_stored(central):
    """Spans that begin at one place, ends, and the order survive; each keeps when it came."""
    first, whole = KeySchedule.of(FIRST.vkey), many()
    with central.store.writer.begin() as conn:
        assert load_schedule(conn, "gw-1") is None
        store(conn, first, 5)
        assert load_schedule(conn, "gw-1") == first
        store(conn, whole, 6)
        assert load_schedule(conn, "gw-1") == whole
        rows = conn.exec_driver_sql(
            "SELECT added_ms FROM key_span WHERE log = 'billing' ORDER BY position"
        )
        assert list(rows.scalars()) == [5, 6, 6, 6]


def test_the_newest_epoch_is_of_a_log_or_of_a_key(central, polled, made):
    """Below it nothing is taken: a renewed key closes the old epochs before it is used."""
    schedule = KeySchedule.of(polled.signer.vkey)
    assert central.ask(newest_epoch, schedule) is None
    assert central.ask(newest_epoch, schedule.renewed(SECOND.vkey, 1)) == 1
    central.register(polled)
    central.send(polled, Log.TELEMETRY, 30)
    assert central.ask(newest_epoch, schedule) == 0
    assert central.ask(newest_epoch, schedule.renewed(SECOND.vkey, 2)) == 2
    later = made.Gateway(epoch=5).configure(made.config())
    central.send(later, Log.BILLING)
    assert central.ask(newest_epoch, schedule.renewed(SECOND.vkey, 2)) == 5
    assert central.ask(held, "gw-1") == {Log.BILLING: (5, 5), Log.TELEMETRY: (0, 30)}


def test_acts_are_told_oldest_first_and_bounded(central):
    """Of many the latest."""
    with central.store.writer.begin() as conn:
        for number in range(5):
            keep_act(conn, Done(f"gw-{number % 2}", Act.ADDED, "Li", "why", f"{number}"), number)
    assert [one.detail for one in central.ask(acts, None, 3)] == ["2", "3", "4"]
    assert [one.detail for one in central.ask(acts, "gw-1")] == ["1", "3"]
