"""Makes the daily checkpoint at a fixed hour, beside the server."""

import logging
import threading
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from central.clock import Clock
from central.proofs.days import is_due, next_daily_ms, utc_day
from central.proofs.fleet import make_daily
from central.proofs.prove import ProofError
from central.proofs.publisher import publisher_keys
from central.secret_file import KeyFileError
from central.store.database import Store

MAX_WAIT_S: Final = 600.0
"""A clock that was set is noticed after so long."""

_log = logging.getLogger("central.daily")


class DailyThread(threading.Thread):
    """At 00:10 UTC, or at the start where the day has none yet, one checkpoint over all gateways.

    A failure is logged and tried again at the next turn: nothing else waits for it.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        super().__init__(name="daily", daemon=True)
        self._store = store
        self._clock = clock
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.is_set():
            now_ms = self._clock()
            self.make(now_ms)
            wait_s = (next_daily_ms(now_ms) - now_ms) / 1000
            self._stopped.wait(min(wait_s, MAX_WAIT_S))

    def make(self, now_ms: int) -> bool:
        """Make the day's checkpoint unless it was made or is not due; whether there is one now."""
        if not is_due(now_ms):
            return False
        day = utc_day(now_ms // 1000)
        try:
            keys = publisher_keys(self._store.directory)
            daily = make_daily(self._store, keys, day, now_ms // 1000)
        except ProofError:
            return False  # no receipt yet: the gateways have not begun
        except (KeyFileError, OSError, SQLAlchemyError) as error:
            _log.error("the daily checkpoint of %s was not made: %s", day, error)
            return False
        if daily.is_new:
            _log.info("daily checkpoint %s over %d logs", day, len(daily.leaves))
        return True

    def stop(self) -> None:
        """End at once; a checkpoint that is being written is written first."""
        self._stopped.set()
