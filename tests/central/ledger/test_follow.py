"""The thread that follows the logs."""

import shutil
import threading

import pytest
from sqlalchemy import select, text

from central.ledger import follow as module
from central.ledger.batches import BatchReader
from central.ledger.follow import LedgerThread, follow
from central.ledger.queries import summary
from central.store.ledger_tables import cursor
from protocols.evidence.leaf import Log

BILLING, TELEMETRY = Log.BILLING, Log.TELEMETRY


@pytest.fixture
def thread(central):
    made = LedgerThread(central.store)
    yield made
    made.stop()
    made.join()


def wait_until(condition, deadline_s=10.0):
    """Poll with a deadline: the thread under test has no other way to tell."""
    tick = threading.Event()
    for _ in range(int(deadline_s / 0.02)):
        if condition():
            return
        tick.wait(0.02)
    raise AssertionError("not within the deadline")


def test_it_catches_up_when_woken(central, polled, thread):
    """What was there at the start and what comes later is followed without delay."""
    central.register(polled)
    central.send(polled, BILLING)
    thread.start()
    wait_until(lambda: central.ask(summary)["intervals"] == 10)
    central.send(polled, TELEMETRY, cut=20)
    thread.wake()
    wait_until(lambda: central.ask(summary)["recomputed"] == 10)


def test_it_stops_in_the_middle_and_goes_on(central, polled):
    """A thread that is stopped leaves a ledger that the next one completes."""
    central.register(polled)
    for log in (BILLING, TELEMETRY):
        central.send(polled, log, cut=3)
    for _ in range(3):
        one = LedgerThread(central.store)
        one.start()
        one.stop()
        one.join()
        assert not one.failed
    central.catch_up()
    assert central.ask(summary)["recomputed"] == 10


def test_two_followers_do_not_double(central, polled):
    """A rebuild beside a running server: the cursor lets each batch in once."""
    central.register(polled)
    for log in (BILLING, TELEMETRY):
        central.send(polled, log, cut=2)
    followers = [LedgerThread(central.store) for _ in range(2)]
    for one in followers:
        one.start()
    wait_until(lambda: central.ask(summary)["recomputed"] == 10)
    for one in followers:
        one.stop()
        one.join()
        assert not one.failed
    assert central.ask(summary)["ledger_leaves"] == sum(map(len, polled.leaves.values()))
    assert central.ask(summary)["alarms"] == 0


def test_a_batch_that_another_took_meanwhile_is_left(central, polled):
    """Between reading a batch and storing its rows another follower may have done so."""

    class Slow(BatchReader):
        def batch(self, origin, first):
            central.catch_up()
            return super().batch(origin, first)

    central.register(polled)
    central.send(polled, BILLING, cut=4)
    slow = Slow(central.store)
    while follow(central.store, slow):
        pass
    told = central.ask(summary)
    assert (told["intervals"], told["ledger_leaves"]) == (10, len(polled.leaves[BILLING]))
    polled.poll()
    central.send(polled, BILLING)
    central.catch_up()
    assert central.ask(summary)["ledger_leaves"] == len(polled.leaves[BILLING])


def test_a_failing_store_is_tried_again(central, polled, thread, monkeypatch):
    """While the store fails the thread waits; when it is back, the ledger goes on."""
    monkeypatch.setattr(module, "RETRY_S", 0.05)
    central.register(polled)
    central.send(polled, BILLING)
    with central.store.writer.begin() as conn:
        conn.execute(text("ALTER TABLE event RENAME TO away"))
        conn.execute(text("ALTER TABLE cursor RENAME TO gone"))
    thread.start()
    assert not threading.Event().wait(0.2)
    assert not thread.failed
    with central.store.writer.begin() as conn:
        conn.execute(text("ALTER TABLE away RENAME TO event"))
        conn.execute(text("ALTER TABLE gone RENAME TO cursor"))
    wait_until(lambda: central.ask(summary)["intervals"] == 10)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("listening", ["before", "after"])
def test_a_bug_ends_the_thread_and_is_told(central, polled, listening):
    """Rows that contradict each other are no state to go on from."""
    central.register(polled)
    central.send(polled, BILLING)
    with central.store.writer.begin() as conn:
        conn.execute(
            text("CREATE TRIGGER bug BEFORE INSERT ON cursor BEGIN SELECT RAISE(ABORT, 'bug'); END")
        )
    told = threading.Event()
    thread = LedgerThread(central.store)
    if listening == "before":
        thread.on_failure(told.set)
    thread.start()
    thread.join()
    if listening == "after":
        thread.on_failure(told.set)
    assert told.is_set()
    assert thread.failed
    with central.store.engine.connect() as conn:
        assert conn.execute(select(cursor)).all() == []


def test_a_store_that_is_gone_does_not_end_it(central, thread, monkeypatch):
    """Without its directory the thread waits for an operator."""
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    central.store.close()
    shutil.rmtree(central.store.directory)
    thread.start()
    thread.wake()
    assert not threading.Event().wait(0.1)
    assert not thread.failed
