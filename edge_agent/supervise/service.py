"""The agent as a service: when it is ready, whether it is alive, what is said of its ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from edge_agent.recording.device_recording import AGENT, Fact
from edge_agent.supervise.last_end import (
    AGENT_DIED,
    THREAD_STUCK,
    forget_files,
    forget_why,
    last_end,
    read_files,
    write_why,
)
from edge_agent.supervise.notify import Notifier
from edge_agent.supervise.progress import Stuck, in_words
from edge_agent.supervise.watch import Watch, Watched
from protocols.metering.instant import Instant

BUS_DEADLINE_MS: Final = 30_000
"""A bus turns each second, and with each request, which takes a few timeouts at most."""
RECORDER_DEADLINE_MS: Final = 120_000
"""Beside twice the time between commits: the slowest card that was seen took seconds for one."""
LONG_WORK_MS: Final = 3_600_000
"""All rows of a journal of 90 days, on the slowest card."""
UPLINK_DEADLINE_MS: Final = 1_800_000
"""A turn is one batch or the opening of an epoch; each call within it has its own deadline."""
CUSTODY_DEADLINE_MS: Final = 1_800_000
"""A turn may carry an operator's request out: a device is read, a bundle goes over a slow link."""
CONTROL_DEADLINE_MS: Final = 120_000
"""A request that waits for a bus and for the journal takes half a minute, and there are four."""
EXTEND_S: Final = 120.0
EXTEND_EACH_MS: Final = 30_000
TELL_S: Final = 1.0
_log = logging.getLogger(__name__)


class Turning(Protocol):
    """A thread that tells when it last came round."""

    @property
    def name(self) -> str: ...

    last_turn_mono_ms: int


class Bus(Turning, Protocol):
    def close_port(self) -> None: ...


class Recording(Turning, Protocol):
    is_at_long_work: bool


def watch_bus(bus: Bus) -> Watched:
    return Watched(bus.name, lambda: bus.last_turn_mono_ms, lambda: BUS_DEADLINE_MS, bus.close_port)


def watch_recorder(recorder: Recording, commit_s: float) -> Watched:
    """Nothing can be closed under it: SQLite's file is its own."""
    usual_ms = RECORDER_DEADLINE_MS + round(2000 * commit_s)

    def deadline_ms() -> int:
        return LONG_WORK_MS if recorder.is_at_long_work else usual_ms

    return Watched(recorder.name, lambda: recorder.last_turn_mono_ms, deadline_ms, lambda: None)


def watch_uplink(uplink: Turning, abort: Callable[[], None]) -> Watched:
    return Watched(uplink.name, lambda: uplink.last_turn_mono_ms, lambda: UPLINK_DEADLINE_MS, abort)


class Keeping(Turning, Protocol):
    abort: Callable[[], None]


class Serving(Turning, Protocol):
    def hang_up(self) -> None: ...


def watch_custody(custody: Keeping) -> Watched:
    """Asked each time: what it may wait for is known only once it is wired."""
    return Watched(
        custody.name,
        lambda: custody.last_turn_mono_ms,
        lambda: CUSTODY_DEADLINE_MS,
        lambda: custody.abort(),
    )


def watch_control(server: Serving) -> Watched:
    return Watched(
        server.name,
        lambda: server.last_turn_mono_ms,
        lambda: CONTROL_DEADLINE_MS,
        server.hang_up,
    )


class Begin(NamedTuple):
    """How far the start is: the first tick was tried, and is durable."""

    tried: bool
    durable: bool


class Service:
    """Of one agent, in the main thread. `note` makes facts durable, or says within the time (s)
    that they are not yet."""

    def __init__(
        self,
        notifier: Notifier,
        state_dir: Path,
        watched: Sequence[Watched],
        note: Callable[[Sequence[Fact], float], bool],
        now: Callable[[], Instant],
    ) -> None:
        self._notifier = notifier
        self._state_dir = state_dir
        self._note = note
        self._now = now
        self._watch = Watch(notifier, list(watched), self._tell_stuck)
        self._is_ready = self._is_told = False
        self._extended_ms = 0

    def watch_late(self, custody: Keeping | None, control: Sequence[Serving]) -> None:
        """Also these, which are made later than the rest."""
        if custody is not None:
            self._watch.watched.append(watch_custody(custody))
        self._watch.watched.extend(map(watch_control, control))

    def how_it_ended(self, *, unclean: bool, same_boot: bool) -> tuple[Fact, ...]:
        """What the first tick says of the process before this one; nothing after a good end."""
        end = last_end(read_files(self._state_dir), unclean=unclean, same_boot=same_boot)
        if end is None:
            self._forget()
            return ()
        _log.warning("the agent before this one ended by itself: %s; %s", end.cause, end.detail)
        return (Fact(self._now(), AGENT_DIED, "", None, end.cause, AGENT, end.detail),)

    def look(self, now_ms: int, begin: Begin, status: str) -> None:
        """With each turn of the main loop.

        It is ready when the first tick was tried: a full disk must not look like a start that
        failed, for a restart frees no space.
        """
        feeds = self._watch.look(now_ms).feeds
        if begin.durable and not self._is_told:
            self._forget()
        if not self._is_ready and begin.tried:
            self._is_ready = True
            self._notifier.ready(status)
        elif self._is_ready:
            if feeds:
                self._notifier.status(status)
        elif feeds and now_ms - self._extended_ms >= EXTEND_EACH_MS:
            self._extended_ms = now_ms
            self._notifier.extend(EXTEND_S)

    def ending(self, dead: Sequence[str], *, replaced: bool = False) -> None:
        """The agent ends: in order, or because these threads died; or another one begins anew in
        this process, with another configuration."""
        if dead:
            write_why(self._state_dir, f"a bug: thread {', '.join(dead)} died")
        if replaced and not dead:
            self._notifier.reloading(time.monotonic_ns() // 1_000_000)
        else:
            self._notifier.stopping()

    def _forget(self) -> None:
        self._is_told = True
        forget_files(self._state_dir)

    def _tell_stuck(self, stuck: Sequence[Stuck]) -> None:
        """First the file: the recorder may be what is stuck. Of those that came back it is gone: a
        later end is not theirs."""
        if not stuck:
            forget_why(self._state_dir)
            return
        detail = in_words(stuck)
        write_why(self._state_dir, detail)
        fact = Fact(self._now(), THREAD_STUCK, "", None, stuck[0].name, AGENT, detail)
        self._note([fact], TELL_S)
