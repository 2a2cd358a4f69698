"""An agent after an agent in one process: each with the configuration that is in force then.

A new configuration does not restart the service: the agent ends in order (its intervals are closed
and stored), and the next one opens journal, keys and ports anew. Where a thread does not end, the
process does, with status 1, and is started again.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
from pathlib import Path
from typing import Final, NamedTuple

from edge_agent.agent import RELOAD, run_agent
from edge_agent.config_store.apply import Refused, end_trial
from edge_agent.config_store.start import Started, begin
from edge_agent.journal.journal import JournalError
from edge_agent.journal.reader import ReadFailed
from edge_agent.journal.schema import MigrationError
from edge_agent.keys.keys import KeyFileError
from edge_agent.supervise.notify import Notifier

GOOD: Final = 0
_log = logging.getLogger(__name__)


class Signals(NamedTuple):
    """What the operating system wants: the end, or gateway.toml read again."""

    stop: threading.Event
    hang_up: threading.Event


def run(config_path: Path, signals: Signals, notifier: Notifier) -> int | Refused:
    """Until `signals.stop`, or a thread dies: the exit status. Refused: nothing can be run.

    Raises what `run_agent` raises, but within a trial: then the version before returns.
    """
    while True:
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
