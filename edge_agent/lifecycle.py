"""An agent after an agent in one process: each with the configuration that is in force then.

A new configuration does not restart the service: the agent ends in order (its intervals are closed
and stored), and the next one opens journal, keys and ports anew. Where a thread does not end, the
process does, with status 1, and is started again.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import threading
from pathlib import Path
from typing import Final, NamedTuple

from edge_agent.agent import RELOAD, Agent
from edge_agent.clock import mono_ms
from edge_agent.config_store.apply import Refused, end_trial
from edge_agent.config_store.start import Started, begin, place_of
from edge_agent.journal.journal import JournalError
from edge_agent.journal.reader import ReadFailed
from edge_agent.journal.schema import MigrationError
from edge_agent.journal.sharing import share_directory
from edge_agent.keys.key_files import StateFiles
from edge_agent.keys.keys import KeyFileError, load_keys
from edge_agent.salvage.journal_start import open_journal
from edge_agent.state_lock import BOOT_ID, state_lock
from edge_agent.supervise.notify import Notifier

GOOD: Final = 0
_log = logging.getLogger(__name__)


class Signals(NamedTuple):
    """What the operating system wants: the end, or gateway.toml read again."""

    stop: threading.Event
    hang_up: threading.Event


def run(config_path: Path, signals: Signals, notifier: Notifier) -> int | Refused:
    """Until `signals.stop`, or a thread dies: the exit status. Refused: nothing can be run.

    The state's lock comes first: an agent that is one too many puts nothing in force. It is kept
    from one to the next: a command that finds no socket in between would work there alone.
    Raises AlreadyRunning and what `run_agent` raises, but within a trial: then the version before
    returns.
    """
    with contextlib.ExitStack() as locks:
        locked: Path | None = None
        while True:
            place = place_of(config_path, os.environ)
            if place is not None and place != locked:
                locks.close()
                locks.enter_context(state_lock(place))
                locked = place
            started = begin(config_path, os.environ)
            if isinstance(started, Refused):
                return started
            if started.unreadable:
                _log.error(
                    "the last good version runs, gateway.toml is unreadable: %s", started.unreadable
                )
            try:
                status = run_agent(started, *signals, notifier)
            except (JournalError, KeyFileError, MigrationError, ReadFailed, OSError) as error:
                if not _went_back(started, error):
                    raise
                continue
            if status != RELOAD or signals.stop.is_set():
                return GOOD if status == RELOAD else status  # a stop while it was to begin anew
            gc.collect()  # what the last agent held goes now, not at some later time


def run_agent(
    started: Started,
    stop: threading.Event,
    hang_up: threading.Event,
    notifier: Notifier | None = None,
) -> int:
    """Migrate, open, run, under the state's lock. Raises the errors of its parts, each with its
    remedy.
    """
    config = started.config
    if config.control is not None:
        share_directory(config.state_dir, config.control.read_group)
    keys = load_keys(config.state_dir, StateFiles(config.state_dir))
    if keys.gateway != config.gateway:
        raise KeyFileError(
            f"the keys in {config.state_dir} are those of gateway {keys.gateway!r}, the "
            f"configuration says {config.gateway!r}; correct gateway.id or gateway.state_dir"
        )
    boot_id = BOOT_ID.read_text(encoding="ascii").strip()
    journal, memory = open_journal(config, boot_id, mono_ms())
    agent = Agent(config, keys, journal, memory, notifier)
    agent.keep(started, keys, hang_up, lambda: support_bundle(started.files.path))
    return agent.run(stop)


def support_bundle(config_path: Path) -> bytes:
    """What somebody far away needs to understand this gateway; loaded only when it is asked for."""
    from edge_agent.support.command import make_bundle

    return make_bundle(config_path)[0].data


def _went_back(started: Started, error: Exception) -> bool:
    """Whether a configuration on trial was to blame, and is taken back."""
    files = started.files
    with files.locked():
        history = files.history()
        if history.trial is None or history.trial.number != history.current:
            return False
        _log.error("the agent cannot begin under version %d: %s", history.current, error)
        end_trial(files, history, f"the agent cannot begin: {error}"[:500])
        return True


def listen_to_signals() -> Signals:
    """SIGTERM and SIGINT end the agent in order; SIGHUP has it read gateway.toml again."""
    signals = Signals(threading.Event(), threading.Event())

    def stop(_number: int, _frame: object) -> None:
        signals.stop.set()

    def hang_up(_number: int, _frame: object) -> None:
        signals.hang_up.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    signal.signal(signal.SIGHUP, hang_up)
    return signals
