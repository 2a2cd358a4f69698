"""The bounded queue of the journal thread."""

from __future__ import annotations

import threading
from time import monotonic

from edge_agent.recording.inbox import Dropped, Inbox
from protocols.evidence.facts import Moment

NOON = Moment(0, 0)


def test_scans_stay_until_they_are_durable() -> None:
    """What `look` showed is shown again until `done`, in order."""
    inbox: Inbox[int, str] = Inbox(most_scans=10)
    assert all(inbox.put(number, NOON) for number in range(5))
    assert inbox.look(3).scans == inbox.look(3).scans == (0, 1, 2)
    inbox.done(3, None)
    assert inbox.look(3).scans == (3, 4)


def test_a_full_queue_refuses_and_counts() -> None:
    """The count stays until it is durable, and grows meanwhile; with its first and last moment."""
    inbox: Inbox[int, str] = Inbox(most_scans=2)
    moments = [Moment(0, number) for number in range(6)]
    assert [inbox.put(at, moments[at]) for at in range(4)] == [True, True, False, False]
    assert inbox.look(9).dropped == Dropped(2, moments[2], moments[3])
    inbox.put(4, moments[4])
    inbox.done(2, Dropped(2, moments[2], moments[3]))
    assert inbox.look(9) == ((), Dropped(1, moments[3], moments[4]), ())
    inbox.done(0, inbox.look(9).dropped)
    assert inbox.look(9) == ((), None, ())
    assert inbox.put(5, moments[5])


def test_a_request_wakes_scans_do_not() -> None:
    """Scans share the tick; a receipt need not wait for it."""
    inbox: Inbox[int, str] = Inbox(most_scans=3)
    inbox.put(1, NOON)
    begun = monotonic()
    inbox.wait(0.05)
    assert monotonic() - begun >= 0.04
    threading.Timer(0.05, inbox.order, ["settle"]).start()
    inbox.wait(10.0)
    assert monotonic() - begun < 5.0
    assert inbox.look(9).orders == ("settle",)
    assert inbox.look(9).orders == ()


def test_half_a_queue_does_not_wait_for_its_tick() -> None:
    """A long commit interval must not fill it."""
    inbox: Inbox[int, str] = Inbox(most_scans=4)
    inbox.put(1, NOON)
    threading.Timer(0.05, inbox.put, [2, NOON]).start()
    begun = monotonic()
    inbox.wait(10.0)
    assert monotonic() - begun < 5.0
    assert inbox.look(9).scans == (1, 2)


def test_waking_ends_one_wait() -> None:
    """Also when it comes first."""
    inbox: Inbox[int, str] = Inbox(most_scans=2)
    inbox.wake()
    begun = monotonic()
    inbox.wait(10.0)
    assert monotonic() - begun < 5.0


def test_requests_are_bounded_too() -> None:
    """Nobody can fill the memory by asking."""
    inbox: Inbox[int, str] = Inbox(most_scans=2, most_orders=2)
    assert [inbox.order("x") for _ in range(3)] == [True, True, False]
