"""The ledger follows the logs: a cursor a log, moved in the transaction that stores the rows."""

import logging
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Final, NamedTuple

from sqlalchemy import Connection, and_, case, insert, select, update
from sqlalchemy.exc import OperationalError

from central.ledger.alarms import Alarm, AlarmCode, store_alarms
from central.ledger.batches import Batch, BatchReader, DamagedBatch, Interrupted
from central.ledger.billing import apply_billing
from central.ledger.bodies import utc_of
from central.ledger.recompute import recompute_some
from central.ledger.telemetry import apply_telemetry
from central.store.database import Store
from central.store.ledger_tables import cursor
from central.store.log_tables import head
from central.supervision import monotonic_s
from protocols.evidence.leaf import Log, Origin

IDLE_S: Final = 10.0
"""How often the logs are looked at without being woken: another process may have stored."""
RETRY_S: Final = 5.0

_logger = logging.getLogger(__name__)


class Behind(NamedTuple):
    """A log of which the ledger has read only `next_seq` leaves."""

    origin: Origin
    next_seq: int


def follow(store: Store, reader: BatchReader) -> int:
    """Take one more batch of every log, then recompute; how much was done (0: all caught up).

    A log whose stored batch is damaged waits there, with an alarm; the others go on.
    """
    with store.engine.connect() as conn:
        logs = _behind(conn)
    done = 0
    for log in logs:
        try:
            batch = reader.batch(log.origin, log.next_seq)
        except DamagedBatch as error:
            damage = Alarm(log.next_seq, AlarmCode.BATCH_DAMAGED, "", str(error))
            with store.writer.begin() as conn:
                store_alarms(conn, log.origin, [damage], error.received_ms)
            continue
        done += 1
        with store.writer.begin() as conn:
            if _advance(conn, log, batch):
                apply = apply_billing if log.origin.log is Log.BILLING else apply_telemetry
                apply(conn, log.origin, batch, reader)
    return done + recompute_some(store, reader)


def _behind(conn: Connection) -> list[Behind]:
    """The logs that have leaves the ledger has not read; billing first.

    Of one log the oldest epoch alone: no batch is taken for an epoch below the newest, so each
    ends before the next one is read, and what came again is known for what it is.
    """
    query = (
        select(head.c.gateway, head.c.log, head.c.epoch, cursor.c.next_seq)
        .outerjoin(
            cursor,
            and_(
                cursor.c.gateway == head.c.gateway,
                cursor.c.log == head.c.log,
                cursor.c.epoch == head.c.epoch,
            ),
        )
        .where(case((cursor.c.next_seq.is_(None), 0), else_=cursor.c.next_seq) < head.c.size)
        .order_by(head.c.log, head.c.gateway, head.c.epoch)
    )
    oldest: dict[tuple[str, str], Behind] = {}
    for row in conn.execute(query):
        log = Behind(Origin(row.gateway, Log(row.log), row.epoch), row.next_seq or 0)
        oldest.setdefault((row.gateway, row.log), log)
    return list(oldest.values())


def _advance(conn: Connection, log: Behind, batch: Batch) -> bool:
    """Move the cursor past the batch by compare-and-set; False if another process was faster."""
    where = (
        cursor.c.gateway == log.origin.gateway,
        cursor.c.log == log.origin.log.value,
        cursor.c.epoch == log.origin.epoch,
    )
    values: dict[str, int | None] = {"next_seq": batch.size}
    if batch.leaves:
        last = batch.leaves[-1]
        values |= {"utc_ms": utc_of(last), "clock_state": last.clock_state}
    if conn.execute(select(cursor.c.next_seq).where(*where)).first() is None:
        if log.next_seq != 0:
            return False
        conn.execute(
            insert(cursor).values(
                gateway=log.origin.gateway,
                log=log.origin.log.value,
                epoch=log.origin.epoch,
                **{"clock_state": 0, **values},
            )
        )
        return True
    moved = conn.execute(
        update(cursor).where(*where, cursor.c.next_seq == log.next_seq).values(**values)
    )
    return moved.rowcount == 1


class LedgerThread:
    """Follows the logs in the background; intake wakes it.

    A store that fails (a full disk) is tried again; a bug ends the thread, sets `failed` and tells
    whoever asked by `on_failure`: nothing is passed over.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stop = Event()
        self._wakeup = Event()
        self._lock = Lock()
        self._tell: Callable[[], object] | None = None
        self._thread = Thread(target=self._run, name="ledger", daemon=True)
        self.failed = False
        self.turn_s = monotonic_s()  # of its last step, done or tried

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def wake(self) -> None:
        """There is something new."""
        self._wakeup.set()

    def stop(self) -> None:
        """End after the present step."""
        self._stop.set()
        self._wakeup.set()

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join()

    def on_failure(self, tell: Callable[[], object]) -> None:
        """Call `tell` when the thread dies, or now if it has."""
        with self._lock:
            self._tell = tell
            failed = self.failed
        if failed:
            tell()

    def _run(self) -> None:
        try:
            self._follow()
        except Interrupted:
            return
        except BaseException:
            _logger.exception("the ledger stopped; intake stops too, and nothing is lost")
            with self._lock:
                self.failed = True
                tell = self._tell
            if tell is not None:
                tell()
            raise

    def _is_stopped(self) -> bool:
        """Asked between two steps: each is a turn."""
        self.turn_s = monotonic_s()
        return self._stop.is_set()

    def _follow(self) -> None:
        reader = BatchReader(self._store, self._is_stopped)
        while not self._is_stopped():
            self._wakeup.clear()
            try:
                if follow(self._store, reader):
                    continue
            except OperationalError as error:
                _logger.error("the ledger waits: the store failed: %s", error)  # noqa: TRY400  # no bug: no trace
                self._stop.wait(RETRY_S)
                continue
            if not self._stop.is_set():
                self._wakeup.wait(IDLE_S)
