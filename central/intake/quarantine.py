"""Refused uploads: all counted, some kept, within named bounds."""

import hashlib
from threading import Lock
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select, update

from central.clock import Clock
from central.store.database import Store
from central.store.log_tables import quarantine, refusal

MAX_SAMPLES: Final = 256
MAX_SAMPLE_BYTES: Final = 64 * 1024
MAX_REASON_CHARS: Final = 500
SAMPLE_EACH_MS: Final = 1000


class Quarantine:
    """Keeps at most one sample a second and status, so that a flood costs no disk and few commits.

    Counts are exact while the process runs; a kill loses those of the last second.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = Lock()
        self._counted: dict[int, int] = {}
        self._sampled_ms: dict[int, int] = {}

    def add(self, status: int, gateway: str, reason: str, body: bytes) -> None:
        """Count one refused upload, and keep a sample of it if its turn has come."""
        now_ms = self._clock()
        with self._lock:
            self._counted[status] = self._counted.get(status, 0) + 1
            last_ms = self._sampled_ms.get(status)
            if last_ms is not None and 0 <= now_ms - last_ms < SAMPLE_EACH_MS:
                return
            self._sampled_ms[status] = now_ms
            counted, self._counted = self._counted, {}
        with self._store.writer.begin() as conn:
            _count(conn, counted)
            _trim(conn)
            conn.execute(
                insert(quarantine).values(
                    at_ms=now_ms,
                    gateway=gateway,
                    status=status,
                    reason=reason[:MAX_REASON_CHARS],
                    bytes=len(body),
                    sha256=hashlib.sha256(body).digest(),
                    sample=body[:MAX_SAMPLE_BYTES],
                )
            )

    def flush(self) -> None:
        """Write the counts that wait for the next sample."""
        with self._lock:
            counted, self._counted = self._counted, {}
        if counted:
            with self._store.writer.begin() as conn:
                _count(conn, counted)


def _count(conn: Connection, counted: dict[int, int]) -> None:
    for status, uploads in counted.items():
        done = conn.execute(
            update(refusal)
            .where(refusal.c.status == status)
            .values(uploads=refusal.c.uploads + uploads)
        )
        if done.rowcount == 0:
            conn.execute(insert(refusal).values(status=status, uploads=uploads))


def _trim(conn: Connection) -> None:
    """Make room for one sample: the oldest goes."""
    numbers = select(quarantine.c.number).order_by(quarantine.c.number.desc())
    oldest_kept = conn.execute(numbers.offset(MAX_SAMPLES - 2).limit(1)).scalar_one_or_none()
    if oldest_kept is not None:
        conn.execute(delete(quarantine).where(quarantine.c.number < oldest_kept))


def refused_uploads(conn: Connection) -> dict[int, int]:
    """How many uploads were refused, by HTTP status."""
    return {row.status: row.uploads for row in conn.execute(select(refusal))}


def samples(conn: Connection) -> int:
    """How many samples are kept."""
    return conn.execute(select(func.count()).select_from(quarantine)).scalar_one()
