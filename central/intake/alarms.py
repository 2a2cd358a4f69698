"""What the intake refused and an operator must hear of, each with the upload as evidence.

The ledger's alarms say what an authentic log says wrong; these say that somebody sent what is not
authentic, or that a gateway's log is not the one that central holds.
"""

from enum import StrEnum
from threading import Lock
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from central.clock import Clock
from central.store.database import Store
from central.store.registry_tables import intake_alarm

MAX_KEPT: Final = 8
"""Rows by gateway and code: the first ones stay as evidence, the last one counts on."""
MAX_EVIDENCE_BYTES: Final = 64 * 1024
MAX_DETAIL_CHARS: Final = 500
WRITE_EACH_MS: Final = 1000


class IntakeCode(StrEnum):
    """What is wrong; equivocation has a table of its own, with both checkpoints."""

    FORGED = "forged"
    FOREIGN = "foreign"
    REVOKED_KEY = "revoked-key"
    WRONG_ORIGIN = "wrong-origin"
    REPLAYED = "replayed"
    CLOSED_EPOCH = "closed-epoch"
    ROLLED_BACK = "rolled-back"
    CLONE = "clone"
    KEY_CHANGE = "key-change"
    LOST_AT_CENTRAL = "lost-at-central"


class Finding(NamedTuple):
    """One thing to be alarmed: of which gateway ("": of none that is registered), about what.

    `log` is "" and `epoch`, `size` 0 where no checkpoint was verified; `checkpoint` is what was
    sent, b"" where there is none.
    """

    gateway: str
    code: IntakeCode
    detail: str
    log: str = ""
    epoch: int = 0
    size: int = 0
    checkpoint: bytes = b""


class IntakeAlarm(NamedTuple):
    """One alarm as it is kept: `uploads` were seen from `at_ms` to `last_ms`."""

    gateway: str
    code: str
    log: str
    epoch: int
    size: int
    detail: str
    at_ms: int
    last_ms: int
    uploads: int


class IntakeAlarms:
    """Keeps findings, with at most one commit a second for each gateway and code.

    A finding that comes sooner is counted, and written with the next one or by `flush`.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = Lock()
        self._waiting: dict[tuple[str, IntakeCode], int] = {}
        self._written_ms: dict[tuple[str, IntakeCode], int] = {}

    def add(self, finding: Finding, evidence: bytes) -> None:
        """Keep or count one finding. `finding.gateway` must be registered, or ""."""
        now_ms = self._clock()
        key = (finding.gateway, finding.code)
        with self._lock:
            last_ms = self._written_ms.get(key)
            if last_ms is not None and 0 <= now_ms - last_ms < WRITE_EACH_MS:
                self._waiting[key] = self._waiting.get(key, 0) + 1
                return
            self._written_ms[key] = now_ms
            waited = self._waiting.pop(key, 0)
        with self._store.writer.begin() as conn:
            _count(conn, key, waited, now_ms)
            keep_alarm(conn, finding, evidence, now_ms)

    def flush(self) -> None:
        """Write the counts that wait."""
        now_ms = self._clock()
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        if waiting:
            with self._store.writer.begin() as conn:
                for key, uploads in waiting.items():
                    _count(conn, key, uploads, now_ms)


def keep_alarm(conn: Connection, finding: Finding, evidence: bytes, at_ms: int) -> None:
    """Store one finding in the caller's transaction; the same one again, or one too many, counts.

    The same is: of the same checkpoint, with the same words.
    """
    table = intake_alarm
    rows = conn.execute(
        select(table.c.number, table.c.log, table.c.epoch, table.c.size, table.c.detail)
        .where(table.c.gateway == finding.gateway, table.c.code == finding.code.value)
        .order_by(table.c.number)
    ).all()
    detail = finding.detail[:MAX_DETAIL_CHARS]
    told = (finding.log, finding.epoch, finding.size, detail)
    same = [row.number for row in rows if tuple(row)[1:] == told]
    if same or len(rows) >= MAX_KEPT:
        number = same[0] if same else rows[-1].number
        conn.execute(
            update(table)
            .where(table.c.number == number)
            .values(uploads=table.c.uploads + 1, last_ms=at_ms)
        )
        return
    conn.execute(
        insert(table).values(
            gateway=finding.gateway,
            code=finding.code.value,
            log=finding.log,
            epoch=finding.epoch,
            size=finding.size,
            detail=detail,
            at_ms=at_ms,
            last_ms=at_ms,
            uploads=1,
            checkpoint=finding.checkpoint,
            evidence=evidence[:MAX_EVIDENCE_BYTES],
        )
    )


def _count(conn: Connection, key: tuple[str, IntakeCode], uploads: int, at_ms: int) -> None:
    """Add what waited to the newest row of this gateway and code."""
    if uploads == 0:
        return
    table = intake_alarm
    newest = select(func.max(table.c.number)).where(
        table.c.gateway == key[0], table.c.code == key[1].value
    )
    conn.execute(
        update(table)
        .where(table.c.number == newest.scalar_subquery())
        .values(uploads=table.c.uploads + uploads, last_ms=at_ms)
    )


def intake_alarms(
    conn: Connection, gateway: str | None = None, limit: int = 100
) -> list[IntakeAlarm]:
    """The latest alarms, newest first; of all gateways where none is named."""
    table = intake_alarm
    query = select(*(table.c[name] for name in IntakeAlarm._fields))
    if gateway is not None:
        query = query.where(table.c.gateway == gateway)
    query = query.order_by(table.c.last_ms.desc(), table.c.number.desc()).limit(limit)
    return [IntakeAlarm(*row) for row in conn.execute(query)]


def count_intake_alarms(conn: Connection) -> dict[str, int]:
    """How many alarms each gateway has; "" stands for those that are not registered."""
    table = intake_alarm
    query = select(table.c.gateway, func.count()).group_by(table.c.gateway)
    return {row[0]: row[1] for row in conn.execute(query)}


def checkpoints_of(conn: Connection, gateway: str, code: IntakeCode) -> list[bytes]:
    """The checkpoints that are kept for one gateway and code, oldest first."""
    table = intake_alarm
    query = select(table.c.checkpoint).where(table.c.gateway == gateway, table.c.code == code.value)
    return list(conn.scalars(query.order_by(table.c.number)))


def evidence_of(conn: Connection, gateway: str, code: IntakeCode) -> list[bytes]:
    """The uploads that are kept for one gateway and code, oldest first."""
    table = intake_alarm
    query = select(table.c.evidence).where(table.c.gateway == gateway, table.c.code == code.value)
    return list(conn.scalars(query.order_by(table.c.number)))
