"""Whether every thread makes progress: instants in, verdict out.

What counts is a turn that was tried, never a success: a dead meter, a full disk, a link that is
down are the everyday, and a restart mends none of them. Only a thread that does not come round
within its deadline is stuck. What it waits for is closed under it first; if it does not return
within RETURN_MS, the process cannot help itself and the watchdog is left unfed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

RETURN_MS: Final = 2_000


class Turn(NamedTuple):
    """What is known of one thread.

    `turn_ms`: of its last turn, or until when it rightly sleeps; `deadline_ms`: how long one may
    take; `freed_ms`: when what it waits for was last closed under it. All since boot.
    """

    name: str
    turn_ms: int
    deadline_ms: int
    freed_ms: int | None = None


class Stuck(NamedTuple):
    """A thread that did not return, and for how long it has made no turn."""

    name: str
    stands_ms: int


class Verdict(NamedTuple):
    """`free`: under whom to close now what they wait for."""

    free: tuple[Stuck, ...] = ()
    stuck: tuple[Stuck, ...] = ()

    @property
    def feeds(self) -> bool:
        """Whether the watchdog may be fed. Those that are only to be freed have their 2 s."""
        return not self.stuck


def judge(turns: Iterable[Turn], now_ms: int) -> Verdict:
    """Of all threads at one instant."""
    free, stuck = [], []
    for turn in turns:
        stands_ms = now_ms - turn.turn_ms
        if stands_ms <= turn.deadline_ms:
            continue
        late = Stuck(turn.name, stands_ms)
        if turn.freed_ms is None or turn.freed_ms <= turn.turn_ms:
            free.append(late)
        elif now_ms - turn.freed_ms > RETURN_MS:
            stuck.append(late)
    return Verdict(tuple(free), tuple(stuck))


def in_words(stuck: Iterable[Stuck]) -> str:
    """For an event, a log and a file."""
    return ", ".join(
        f"{one.name} has made no turn for {one.stands_ms / 1000:.0f} s" for one in stuck
    )
