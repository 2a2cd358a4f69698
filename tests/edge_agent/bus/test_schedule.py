"""Whose turn it is, on a bus of numbers: a clock that the test moves, costs that it decides."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.bus.schedule import MAX_BACKOFF_MS, MAX_PARTLY, Outcome, Rhythm, Schedule

HALF = lambda: 0.5  # noqa: E731


class SimulatedBus:
    """Devices with a cost and an outcome for each poll; keeps when each was polled."""

    def __init__(self, rhythms, random_=HALF):
        self.schedule = Schedule(rhythms, 0, random_)
        self.now = 0
        self.polls = {number: [] for number in range(len(rhythms))}
        self.missed = 0
        self.busy_ms = dict.fromkeys(range(len(rhythms)), 0)
        self.cost_ms = dict.fromkeys(range(len(rhythms)), 10)
        self.outcome = lambda number: Outcome.ANSWERED

    def until(self, end_ms):
        while self.now < end_ms:
            number = self.schedule.next(self.now)
            if number is None:
                self.now += self.schedule.wait_ms(self.now)
                continue
            began = self.now
            outcome = self.outcome(number)
            self.now += self.cost_ms[number]
            self.busy_ms[number] += self.cost_ms[number]
            self.polls[number].append((began, outcome))
            self.missed += self.schedule.done(number, began, self.now, outcome).missed

    def times(self, number, since=0):
        return [began for began, _ in self.polls[number] if began >= since]


def test_a_grid_without_drift():
    """Each device keeps its own grid, however long its polls take."""
    bus = SimulatedBus([Rhythm(1000), Rhythm(250)])
    bus.cost_ms = {0: 100, 1: 7}
    bus.until(10_000)
    assert len(bus.times(0)) == 10
    assert all(at % 1000 <= 7 for at in bus.times(0))
    assert len(bus.times(1)) == 40
    assert bus.missed == 0


def test_priority_among_those_due_together():
    """Of the devices that are due together the lower priority number goes first."""
    bus = SimulatedBus([Rhythm(1000, 1), Rhythm(1000, 0)])
    bus.until(3000)
    order = sorted((began, number) for number in (0, 1) for began in bus.times(number))
    assert [number for _, number in order] == [1, 0] * 3


def test_late_polls_are_missed_not_made_up_for():
    """After a long stop one poll is caught up, the older ones are counted as missed."""
    bus = SimulatedBus([Rhythm(100)])
    bus.until(500)
    bus.now = 1050
    bus.until(1300)
    assert bus.times(0) == [0, 100, 200, 300, 400, 1050, 1060, 1100, 1200]
    assert bus.missed == 4


def test_one_lost_poll_changes_nothing():
    """A single lost answer is an accident: the next poll comes on the grid."""
    bus = SimulatedBus([Rhythm(1000)])
    bus.outcome = lambda number: Outcome.LOST if bus.now == 2000 else Outcome.ANSWERED
    bus.until(6000)
    assert bus.times(0) == [0, 1000, 2000, 3000, 4000, 5000]


def test_backoff_doubles_and_one_answer_ends_it():
    """A silent device is asked ever more rarely, but each minute; one answer restores its rate."""
    bus = SimulatedBus([Rhythm(1000)])
    bus.outcome = lambda number: Outcome.LOST if bus.now < 400_000 else Outcome.ANSWERED
    bus.until(480_000)
    steps = [b - a for a, b in pairwise(bus.times(0))]
    assert steps[:7] == [1000, 3000, 5000, 9000, 17_000, 33_000, 61_000]
    assert max(steps) <= MAX_BACKOFF_MS + 1000
    assert steps[-1] == 1000


def test_a_part_of_an_answer_is_a_sign_of_life():
    """A line that loses half of all answers: of three requests a poll. As lost it had 27 polls."""
    bus = SimulatedBus([Rhythm(1000)])
    some = random.Random(7)
    outcomes = {Outcome.LOST: 0.5, Outcome.PARTLY: 0.375, Outcome.ANSWERED: 0.125}
    bus.outcome = lambda _: some.choices(list(outcomes), list(outcomes.values()))[0]
    bus.until(600_000)
    assert len(bus.times(0)) > 100


def test_a_device_that_never_answers_the_rest_is_silent_at_last():
    """Each of its polls costs a timeout, and gives no value."""
    bus = SimulatedBus([Rhythm(1000)])
    bus.outcome = lambda _: Outcome.PARTLY
    bus.until(600_000)
    first = bus.times(0)[: MAX_PARTLY + 1]
    assert [b - a for a, b in pairwise(first)] == [1000] * MAX_PARTLY
    assert len(bus.times(0)) < MAX_PARTLY + 20


def test_jitter_comes_from_the_argument():
    """The same random numbers give the same schedule; other ones spread the tries."""

    def tries(seed):
        bus = SimulatedBus([Rhythm(1000)] * 3, random.Random(seed).random)
        bus.outcome = lambda _: Outcome.LOST
        bus.until(600_000)
        return bus.polls

    assert tries(1) == tries(1) != tries(2)


def test_a_busy_device_is_asked_again_within_its_period():
    """Exception 06: three more tries, soon, then the period is over; the grid stays."""
    bus = SimulatedBus([Rhythm(10_000)])
    bus.outcome = lambda _: Outcome.BUSY
    bus.until(30_000)
    assert [at - at % 10_000 for at in bus.times(0)] == [0] * 4 + [10_000] * 4 + [20_000] * 4
    assert all(at % 10_000 < 2_000 for at in bus.times(0))
    told = bus.schedule.done(0, bus.now, bus.now, Outcome.BUSY)
    assert told.again


def test_without_a_port_nothing_backs_off():
    """What was never asked cost nothing: the scans go on at their rate."""
    bus = SimulatedBus([Rhythm(1000)])
    bus.outcome = lambda _: Outcome.NO_PORT
    bus.until(10_000)
    assert len(bus.times(0)) == 10


def loaded(dead, minutes, seed=7, timeout_ms=1000):
    """32 devices that load a line to 90 %, some of them dead at a whole second a try."""
    period, count = 5000, 32
    bus = SimulatedBus([Rhythm(period)] * count, random.Random(seed).random)
    bus.cost_ms = {
        n: timeout_ms if n in dead else round(0.9 * period / count) for n in range(count)
    }
    bus.outcome = lambda number: Outcome.LOST if number in dead else Outcome.ANSWERED
    bus.until(minutes * 60_000)
    return bus, period, count


def test_eight_dead_of_thirty_two():
    """A line loaded to 90 %, 8 of 32 dead: the other 24 keep 95 % of their rate from the start.

    A dead device stalls the bus elsewhere: HA core #72495, #110013, #122607, device-modbus-go
    #666, telegraf #11782.
    """
    dead = set(range(0, 32, 4))
    bus, period, count = loaded(dead, minutes=2)
    for number in set(range(count)) - dead:
        assert len(bus.times(number)) >= 0.95 * 120_000 / period, number
    bus.until(20 * 60_000)
    spent = sum(1000 for number in dead for _ in bus.times(number, since=5 * 60_000))
    assert spent <= 0.04 * 15 * 60_000 + 1000
    assert all(len(bus.times(number)) > 3 for number in dead)


def test_a_cable_that_comes_back_brings_all():
    """When everybody was dead and answers again, all are polled again within two minutes."""
    bus = SimulatedBus([Rhythm(5000)] * 32, random.Random(3).random)
    back_ms = 1_800_000
    bus.outcome = lambda _: Outcome.LOST if bus.now < back_ms else Outcome.ANSWERED
    bus.cost_ms = dict.fromkeys(range(32), 1000)
    bus.until(back_ms)
    bus.cost_ms = dict.fromkeys(range(32), 100)
    bus.until(back_ms + 120_000)
    for number in range(32):
        assert bus.schedule.failures(number) == 0, number


def test_the_dead_are_found_again_on_an_overloaded_line():
    """Although others are always due, a silent device is tried at last."""
    bus = SimulatedBus([Rhythm(100), Rhythm(100), Rhythm(100)])
    bus.cost_ms = {0: 60, 1: 60, 2: 500}
    bus.outcome = lambda number: Outcome.LOST if number == 2 else Outcome.ANSWERED
    bus.until(600_000)
    assert len(bus.times(2)) >= 3
    assert bus.busy_ms[2] <= 0.05 * 600_000


@settings(max_examples=30)
@given(
    st.sets(st.integers(0, 15), max_size=10),
    st.integers(0, 1000),
    st.sampled_from([200, 700, 1500]),
)
def test_the_dead_never_take_more_than_their_share(dead, seed, timeout_ms):
    """However many are dead and however long a try takes, together they stay within 4 %."""
    bus = SimulatedBus([Rhythm(4000)] * 16, random.Random(seed).random)
    bus.cost_ms = {n: timeout_ms if n in dead else 100 for n in range(16)}
    bus.outcome = lambda number: Outcome.LOST if number in dead else Outcome.ANSWERED
    bus.until(15 * 60_000)
    since = 5 * 60_000
    spent = sum(timeout_ms * len(bus.times(number, since)) for number in dead)
    assert spent <= 0.04 * 10 * 60_000 + 5000 + timeout_ms
    for number in set(range(16)) - dead:
        assert len(bus.times(number)) >= 0.95 * 15 * 60_000 / 4000


@pytest.mark.parametrize("outcome", list(Outcome))
def test_next_turn_is_always_ahead(outcome):
    """Whatever a poll comes to, the device is due later than it began: no turn spins."""
    schedule = Schedule([Rhythm(100)], 0, HALF)
    for now in range(0, 2000, 10):
        number = schedule.next(now)
        if number is not None:
            schedule.done(number, now, now, outcome)
            assert schedule.next(now) is None
