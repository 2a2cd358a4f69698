"""CLOCK leaves: every way in which UTC may change is one, and nothing else is."""

from __future__ import annotations

import pytest

from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.memory import first_memory
from edge_agent.recording.clock_recording import CLOCK_STEP_MS, record_clock
from protocols.evidence.leaf import Kind, Leaf, decode_leaf
from protocols.metering.instant import ClockState, Instant

UTC_MS = 1_780_000_000_000
SYNC, UNSYNC, UNKNOWN = ClockState.SYNCHRONISED, ClockState.UNSYNCHRONISED, ClockState.UNKNOWN
HOUR_MS = 3_600_000


class Log:
    """What is recorded of instants, one after another."""

    def __init__(self) -> None:
        self._draft = Draft(first_memory("gw-1", "boot"), Salts("gw-1", bytes(32)))
        self._seen = 0

    def take(
        self,
        mono_ms: int,
        offset_ms: int | None,
        state: ClockState = SYNC,
        boot_no: int = 0,
    ) -> list[Leaf]:
        """The leaves that this instant makes. `offset_ms` is beside UTC_MS."""
        utc_ms = None if offset_ms is None else UTC_MS + mono_ms + offset_ms
        record_clock(self._draft, Instant(boot_no, mono_ms, utc_ms, state))
        leaves = self._draft.tick().leaves
        new, self._seen = leaves[self._seen :], len(leaves)
        return [decode_leaf(leaf.data) for leaf in new]


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ((None, UNSYNC), (0, SYNC)),  # set
        ((0, SYNC), (None, UNSYNC)),  # lost
        ((None, UNSYNC), (0, UNSYNC)),  # set by hand
        ((0, UNSYNC), (0, SYNC)),  # steered from now on
        ((0, SYNC), (0, UNSYNC)),  # no longer steered
        ((0, SYNC), (0, UNKNOWN)),  # the kernel no longer tells
        ((0, SYNC), (HOUR_MS, SYNC)),  # stepped forward
        ((0, SYNC), (-HOUR_MS, SYNC)),  # stepped back
        ((0, SYNC), (-UTC_MS // 2, SYNC)),  # by decades
        ((0, SYNC), (-1000, SYNC)),  # a leap second was inserted
        ((0, SYNC), (1000, SYNC)),  # one was left out
        ((0, SYNC), (CLOCK_STEP_MS + 1, SYNC)),
        ((0, SYNC), (-CLOCK_STEP_MS - 1, SYNC)),
    ],
)
def test_each_change_is_one_leaf(
    then: tuple[int | None, ClockState], now: tuple[int | None, ClockState]
) -> None:
    """With UTC by the old relation, UTC now, and the old state; told once."""
    log = Log()
    log.take(1000, *then)
    assert log.take(2000, *then) == []
    (leaf,) = log.take(3000, *now)
    assert leaf.kind is Kind.CLOCK
    by_old = None if then[0] is None else UTC_MS + 3000 + then[0]
    by_new = None if now[0] is None else UTC_MS + 3000 + now[0]
    assert leaf.body == (by_old, by_new, then[1])
    assert (leaf.mono_ms, leaf.utc_ms, leaf.clock_state) == (3000, by_new, now[1])
    assert log.take(4000, *now) == []


@pytest.mark.parametrize("offset_ms", [CLOCK_STEP_MS, -CLOCK_STEP_MS, 3])
def test_what_lies_between_two_readings_is_no_change(offset_ms: int) -> None:
    """And it does not add up: it is compared with the last leaf."""
    log = Log()
    log.take(1000, 0)
    assert log.take(2000, offset_ms) == []
    assert log.take(3000, -offset_ms) == []


def test_small_steps_add_up_to_a_leaf() -> None:
    """Each below the threshold, together above it: the relation in the log is never further off."""
    log = Log()
    log.take(1000, 0)
    made = [len(log.take(1000 + 10 * n, 200 * n)) for n in range(1, 10)]
    assert made == [0, 0, 1, 0, 0, 1, 0, 0, 1]


def test_once_a_boot() -> None:
    """A new boot has its own, whether or not UTC is known; nothing is derived from the old one."""
    log = Log()
    assert [leaf.body for leaf in log.take(5000, 0)] == [(None, UTC_MS + 5000, None)]
    (leaf,) = log.take(100, 0, boot_no=1)
    assert leaf.body == (None, UTC_MS + 100, SYNC)
    (leaf,) = log.take(100, None, UNSYNC, boot_no=2)
    assert leaf.body == (None, None, SYNC)
    assert log.take(200, None, UNSYNC, boot_no=2) == []


def test_no_battery_behind_the_clock() -> None:
    """A gateway that boots in 1970 or at its image's day: null, then a wrong UTC, then the right
    one; each leaf says what it was before, so that earlier ones can be dated."""
    log = Log()
    log.take(1000, None, UNSYNC)
    (floor,) = log.take(2000, -30 * 24 * HOUR_MS, UNSYNC)
    assert floor.body == (None, UTC_MS + 2000 - 30 * 24 * HOUR_MS, UNSYNC)
    (right,) = log.take(60_000, 0, SYNC)
    assert right.body == (UTC_MS + 60_000 - 30 * 24 * HOUR_MS, UTC_MS + 60_000, UNSYNC)


def test_a_leap_second() -> None:
    """While it is inserted UTC is not believed; then the relation is a second less."""
    log = Log()
    log.take(0, 0)
    assert log.take(86_399_500, 0) == []
    (during,) = log.take(86_400_200, -1000, UNSYNC)
    assert during.clock_state == UNSYNC
    (after,) = log.take(86_401_200, -1000, SYNC)
    assert after.body == (UTC_MS + 86_400_200, UTC_MS + 86_400_200, UNSYNC)
    assert log.take(86_500_000, -1000, SYNC) == []
