"""The thread that keeps the agent to the configuration in force.

It sees that another one was put in force (by a command, by an offer, by SIGHUP), tells what works
before the change, has the agent begin anew, and judges the trial. Events of the store go into the
journal from here: they are told at least once, and once where nobody kills us in between.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from edge_agent.clock import mono_ms
from edge_agent.config.file import ConfigErrors, read_config
from edge_agent.config_store.apply import end_trial, set_baseline, settle
from edge_agent.config_store.files import INDEX
from edge_agent.config_store.history import Baseline
from edge_agent.recording.device_recording import Fact
from edge_agent.remote.trial import Back, Elapsed, Seen, verdict

if TYPE_CHECKING:
    from edge_agent.bus.poller import Now
    from edge_agent.config_store.history import History, Told
    from edge_agent.config_store.start import Started
    from edge_agent.recording.device_recording import Said

TURN_S: Final = 0.5
NOTE_S: Final = 30.0
GOOD_S: Final = 15.0
"""A configuration that nobody has on trial ran well if the agent lives so long under it."""
LATELY_MS: Final = 60_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the running agent shows of itself; each may be asked from another thread.

    `answers`: by device, how many answers were good. `reaches`: central was reached since the
    start, and does not fail now. `link_closed`: by the windows of the day. `record`: hands events
    to the journal, and gives what is set when they are durable; None where too much waits there.
    `lent`: a bus is.
    """

    answers: Callable[[], dict[str, int]]
    reaches: Callable[[], bool]
    link_closed: Callable[[], bool]
    record: Callable[[Sequence[Fact | Said]], threading.Event | None]
    clock: Now
    lent: Callable[[], bool] = lambda: False


@dataclass
class Answers:
    """When each device last answered: its count has grown since it was looked at."""

    counts: dict[str, int] = field(default_factory=dict)
    last_ms: dict[str, int] = field(default_factory=dict)

    def look(self, counts: dict[str, int], now_ms: int) -> None:
        for name, count in counts.items():
            if count > self.counts.get(name, 0):
                self.last_ms[name] = now_ms
        self.counts = counts

    def lately(self, name: str, poll_ms: int, now_ms: int) -> bool:
        """Within its last three polls, or within the last minute."""
        last = self.last_ms.get(name)
        return last is not None and now_ms - last <= max(LATELY_MS, 3 * poll_ms)


class Custody(threading.Thread):
    """`wants_reload` is set where the agent has to end and begin anew with what is in force.

    `hang_up` is set by a signal: gateway.toml is read again, if it has no fault.
    """

    def __init__(
        self,
        started: Started,
        shown: Shown,
        hang_up: threading.Event,
        now_ms: Callable[[], int] = mono_ms,
    ) -> None:
        super().__init__(name="custody", daemon=True)
        self.wants_reload = threading.Event()
        self.last_turn_mono_ms = now_ms()
        self.abort: Callable[[], None] = lambda: None  # of what `also` waits for
        self.also: Callable[[History], History] = lambda history: history  # offers of central
        self._begun = started
        self._files = started.files
        self._config = started.config
        self._history = started.history
        self._running = started.history.current
        self._shown = shown
        self._now_ms = now_ms
        self._turned_ms = now_ms()
        self._lived_ms = self._open_ms = 0  # but for the time of a loan
        self._answers = Answers()
        self._names = frozenset((device.name, device.serial) for device in self._config.devices)
        self._hang_up = hang_up
        self._end = threading.Event()
        self._seen_stat: tuple[int, int, int] | None = None
        self._failing = ""
        self._telling: tuple[tuple[Told, ...], threading.Event] | None = None

    @property
    def unreadable(self) -> str:
        """Why gateway.toml is not what runs; empty where it is."""
        return self._begun.unreadable

    @property
    def history(self) -> History:
        """As it was last read."""
        return self._history

    def end(self, timeout_s: float) -> None:
        """Before the recorder ends."""
        self._end.set()
        self.abort()
        if self.is_alive():
            self.join(timeout_s)

    def run(self) -> None:
        while not self._end.is_set() and not self.wants_reload.is_set():
            try:
                self.turn()
                self._failing = ""
            except OSError as error:  # a full or failing disk: tried again, metering goes on
                if str(error) != self._failing:
                    self._failing = str(error)
                    _log.error("the configuration's versions: %s; look at the disk", error)
            self._end.wait(TURN_S)

    def turn(self) -> None:
        """Look once at all of it. Raises OSError."""
        now_ms, lent = self._now_ms(), self._shown.lent()
        if not lent:
            self._lived_ms += now_ms - self._turned_ms
            self._open_ms += 0 if self._shown.link_closed() else now_ms - self._turned_ms
        self._turned_ms = self.last_turn_mono_ms = now_ms
        self._answers.look(self._shown.answers(), now_ms)
        self._tell()
        self._look_at_file()
        self._look_at_index(lent=lent)
        if not (self.wants_reload.is_set() or lent):
            self._judge()
            self._history = self.also(self._history)

    # ---- what was put in force ------------------------------------------------------------------

    def _look_at_file(self) -> None:
        if not self._hang_up.is_set():
            return
        self._hang_up.clear()
        data = self._files.read_config()
        try:
            read_config(data or b"", self._files.path)
        except ConfigErrors as error:
            _log.error("SIGHUP: not read again, the configuration is faulty:\n%s", error)
            return
        _log.info("SIGHUP: the configuration is read again")
        self.wants_reload.set()

    def _look_at_index(self, *, lent: bool) -> None:
        try:
            found = (self._files.directory / INDEX).stat()
        except FileNotFoundError:
            return
        stat = (found.st_mtime_ns, found.st_ino, found.st_size)
        if stat == self._seen_stat:
            return
        begun, is_late = self._begun, False
        with self._files.locked():
            history = self._files.history()
            if history.moving and begun.history.moving and history.current == self._running:
                # the start could not put it into gateway.toml, nor would the next one
                history, is_late = settle(self._files, history), True
        self._seen_stat, self._history = stat, history
        if history.current == self._running and not history.moving:
            version = history.in_force
            if not is_late or (version is not None and version.sha256 == begun.sha256):
                return
        if history.trial is not None and lent:
            self._seen_stat = None  # to begin anew would take the bus back: a meter may be changed
            return
        if history.trial is not None and history.trial.baseline is None:
            self._history = set_baseline(self._files, self._baseline())
        _log.info("version %d of the configuration is in force: read again", history.current)
        self.wants_reload.set()

    def _baseline(self) -> Baseline:
        now_ms = self._now_ms()
        works = [
            (device.name, device.serial)
            for device in self._config.devices
            if self._answers.lately(device.name, device.poll_ms, now_ms)
        ]
        return Baseline(tuple(works), self._shown.reaches())

    # ---- whether it works -----------------------------------------------------------------------

    def _judge(self) -> None:
        history = self._history
        elapsed = Elapsed(self._lived_ms / 1000, self._open_ms / 1000)
        if history.trial is None:
            self._call_good(elapsed)
            return
        answered = {name for name in self._names if self._answers.counts.get(name[0], 0)}
        seen = Seen(self._names, frozenset(answered), self._shown.reaches())
        baseline = history.trial.baseline or Baseline()
        found = verdict(baseline, seen, elapsed, self._config.remote.trial_s)
        if found is False or (history.trial.baseline is None and elapsed.all_s < GOOD_S):
            return  # of what worked before nothing is known: it shall at least live
        with self._files.locked():
            now = self._files.history()
            if now.trial is None or now.current != self._running:
                return
            if isinstance(found, Back):
                end_trial(self._files, now, found.why)
                _log.error("configuration rolled back: %s", found.why)
                self.wants_reload.set()
                return
            self._history = now.kept()
            self._files.store(self._history)
            _log.info("version %d of the configuration is kept", now.current)

    def _call_good(self, elapsed: Elapsed) -> None:
        version = self._history.in_force
        if self.unreadable or elapsed.all_s < GOOD_S or version is None or version.outcome:
            return
        with self._files.locked():
            now = self._files.history()
            if now.current == self._running:
                self._history = now.judged(version.number, "good")
                self._files.store(self._history)

    # ---- what the log has to know ---------------------------------------------------------------

    def _tell(self) -> None:
        """Events that wait, in one commit; taken out once they are durable.

        Handed over once: a journal that takes nothing for hours has them still, and so it has where
        the index cannot be written afterwards.
        """
        if self._telling is None:
            self._telling = self._hand_over(self._history.untold)
        if self._telling is None or not self._telling[1].wait(NOTE_S):
            return
        with self._files.locked():
            self._history = self._files.history().was_told(self._telling[0])
            self._files.store(self._history)
        self._telling = None

    def _hand_over(self, told: tuple[Told, ...]) -> tuple[tuple[Told, ...], threading.Event] | None:
        if not told:
            return None
        now = self._shown.clock.now()
        facts = [
            Fact(now, one.code, "", one.old, one.new, one.who, one.detail[:1000]) for one in told
        ]
        durable = self._shown.record(facts)
        return None if durable is None else (told, durable)
