"""Whose turn it is on a bus. Pure: instants, outcomes and random numbers come in, turns go out.

Each device has a grid of its period, from the start on, so that nothing drifts; one poll may be
caught up late, older ones are missed. What answers goes first; what has just lost one poll follows
where nobody else is due. What stays silent is asked with a backoff of its
own, with jitter, and all silent devices together may cost the bus 4 % (a credit that grows with
time and is spent by each try that fails) as long as anybody answers: 32 devices of which eight are
dead must not disturb the other 24. A device that comes back costs nothing, so a cable that is
plugged in again brings all of them back at once. One that answers a part of what is asked lives: a
bad line must not make it rarer still. One that is busy is asked again within its period.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

SILENT_FAILURES: Final = 2
"""So many lost polls in a row make a device silent; one is an accident."""
MAX_PARTLY: Final = 30
"""So many since it last answered all: it is a device that never answers the rest."""
DEAD_SHARE: Final = 0.04
MAX_CREDIT_MS: Final = 2_000.0
MAX_BACKOFF_MS: Final = 60_000
OVERDUE_MS: Final = 60_000
"""Who waits longer is asked although others are due: a device must be found again at last."""
JITTER: Final = 0.25
BUSY_MS: Final = 500
MAX_BUSY_TRIES: Final = 3


class Outcome(Enum):
    """How a poll ended, for the schedule."""

    ANSWERED = "answered"
    BUSY = "busy"  # exception 06: there is no answer yet
    LOST = "lost"  # silence or damage: it cost the bus a timeout
    PARTLY = "partly"  # as lost, after another answer of the same poll
    NO_PORT = "no port"  # nothing was asked


class Rhythm(NamedTuple):
    """How often a device is polled, and before whom."""

    period_ms: int
    priority: int = 0  # lower first


class Done(NamedTuple):
    """What a poll's end means: polls of the grid that came too late, or that it goes on."""

    missed: int
    again: bool  # it was busy and is asked again within its period


@dataclass(slots=True)
class _Place:
    rhythm: Rhythm
    grid_ms: int  # the poll that is next, or going on
    due_ms: int  # when it is asked
    answered: bool = False
    failures: int = 0
    partly: int = 0
    busy: int = 0

    @property
    def silent(self) -> bool:
        return self.failures >= SILENT_FAILURES

    @property
    def rank(self) -> int:
        """What answered last, or was never asked; what lost one poll; what is silent."""
        return min(self.failures, SILENT_FAILURES)


class Schedule:
    """The devices of one bus, by their number."""

    def __init__(
        self, rhythms: Sequence[Rhythm], start_ms: int, random: Callable[[], float]
    ) -> None:
        self._places = [_Place(rhythm, start_ms, start_ms) for rhythm in rhythms]
        self._random = random
        self._credit_ms = MAX_CREDIT_MS
        self._credited_ms = start_ms

    def next(self, now_ms: int) -> int | None:
        """The device whose turn it is; None where nobody is due."""
        self._earn(now_ms)
        best: tuple[tuple[int, int, int], int] | None = None
        for number, place in enumerate(self._places):
            if place.due_ms > now_ms or not self._may(place):
                continue
            overdue = now_ms - place.due_ms > OVERDUE_MS
            key = (0 if overdue else place.rank, place.due_ms, place.rhythm.priority)
            if best is None or key < best[0]:
                best = key, number
        return None if best is None else best[1]

    def wait_ms(self, now_ms: int) -> int:
        """Until somebody may be due, at most a second."""
        soonest = min((place.due_ms for place in self._places if self._may(place)), default=None)
        if soonest is None:
            return 1_000
        return min(1_000, max(1, soonest - now_ms))

    def failures(self, number: int) -> int:
        """Polls that a device lost in a row, from the last one that it answered in part."""
        return self._places[number].failures

    def done(self, number: int, began_ms: int, ended_ms: int, outcome: Outcome) -> Done:
        """A poll has ended; sets when the device is asked next."""
        place = self._places[number]
        was_silent = place.silent
        if outcome is Outcome.BUSY and self._asks_again(place, ended_ms):
            return Done(0, again=True)
        place.busy = 0
        if outcome in (Outcome.LOST, Outcome.PARTLY):
            if was_silent and self._anybody_answers():
                self._credit_ms -= ended_ms - began_ms
            place.partly += outcome is Outcome.PARTLY
            lives = outcome is Outcome.PARTLY and place.partly <= MAX_PARTLY
            place.failures = 1 if lives else place.failures + 1
        elif outcome is not Outcome.NO_PORT:
            place.failures = place.partly = 0
            place.answered = True
        return self._to_next(place, ended_ms)

    def _to_next(self, place: _Place, now_ms: int) -> Done:
        period = place.rhythm.period_ms
        late = (now_ms - place.grid_ms) // period
        wait_ms = self._backoff_ms(place)
        periods = max(1, late)
        if wait_ms:
            periods = max(1, -(-(now_ms + wait_ms - place.grid_ms) // period))
        place.grid_ms += periods * period
        place.due_ms = place.grid_ms
        return Done(0 if place.failures else periods - 1, again=False)

    def _backoff_ms(self, place: _Place) -> int:
        if not place.silent:
            return 0
        doubled = place.rhythm.period_ms << min(place.failures - SILENT_FAILURES + 1, 16)
        jitter = 1.0 + JITTER * (2.0 * self._random() - 1.0)
        return max(place.rhythm.period_ms, int(min(doubled, MAX_BACKOFF_MS) * jitter))

    def _asks_again(self, place: _Place, now_ms: int) -> bool:
        period = place.rhythm.period_ms
        due_ms = now_ms + min(BUSY_MS, max(1, period // 4))
        if place.busy >= MAX_BUSY_TRIES or due_ms >= place.grid_ms + period:
            return False
        place.busy += 1
        place.due_ms = due_ms
        place.failures = 0
        return True

    def _earn(self, now_ms: int) -> None:
        earned = DEAD_SHARE * (now_ms - self._credited_ms)
        self._credit_ms = min(MAX_CREDIT_MS, self._credit_ms + earned)
        self._credited_ms = now_ms

    def _may(self, place: _Place) -> bool:
        return not place.silent or self._credit_ms > 0.0 or not self._anybody_answers()

    def _anybody_answers(self) -> bool:
        return any(place.answered and not place.silent for place in self._places)
