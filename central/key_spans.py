"""The keys of a gateway as rows, what central holds of its logs, and the acts on its entry.

Every function is one step inside the caller's transaction.
"""

from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select

from central.store.log_tables import head
from central.store.registry_tables import gateway_act, key_span
from protocols.evidence.keys import KeySchedule, KeySpan
from protocols.evidence.leaf import Log


class Act(StrEnum):
    """What was done to a gateway's entry."""

    ADDED = "added"
    TOKEN = "token"  # noqa: S105  # not a secret, the word
    ENROLLED = "enrolled"
    APPROVED = "approved"
    ROTATED = "rotated"
    REVOKED = "revoked"
    STOPPED = "stopped"
    RESUMED = "resumed"
    REFUSED = "refused"
    KEYS_RESTORED = "keys-restored"


class Done(NamedTuple):
    """One act: which gateway, what, who and why (both as they were given), and its figures."""

    gateway: str
    act: Act
    who: str
    reason: str = ""
    detail: str = ""


class KeptAct(NamedTuple):
    """An act as it is kept; `at_ms` by central's clock."""

    at_ms: int
    gateway: str
    act: str
    who: str
    reason: str
    detail: str


def load_schedule(conn: Connection, gateway: str) -> KeySchedule | None:
    """The keys that a gateway ever had; None for one that was never registered."""
    rows = conn.execute(
        select(key_span)
        .where(key_span.c.gateway == gateway)
        .order_by(key_span.c.log, key_span.c.position)
    ).all()
    if not rows:
        return None
    spans: dict[Log, list[KeySpan]] = {log: [] for log in Log}
    for row in rows:
        until = None if row.until_epoch is None else (row.until_epoch, row.until_size)
        spans[Log(row.log)].append(KeySpan(row.epoch, row.after, row.vkey, until))
    return KeySchedule(tuple(spans[Log.BILLING]), tuple(spans[Log.TELEMETRY]))


def store_schedule(conn: Connection, schedule: KeySchedule, at_ms: int) -> None:
    """Write the schedule in place of the one before; each span keeps the instant it came at."""
    gateway = schedule.gateway
    added = {
        (row.log, row.position): row.added_ms
        for row in conn.execute(
            select(key_span.c.log, key_span.c.position, key_span.c.added_ms).where(
                key_span.c.gateway == gateway
            )
        )
    }
    conn.execute(delete(key_span).where(key_span.c.gateway == gateway))
    for log in Log:
        for position, span in enumerate(schedule.spans(log)):
            until = (None, None) if span.until is None else span.until
            conn.execute(
                insert(key_span).values(
                    gateway=gateway,
                    log=log.value,
                    position=position,
                    epoch=span.epoch,
                    after=span.after,
                    vkey=span.vkey,
                    until_epoch=until[0],
                    until_size=until[1],
                    added_ms=added.get((log.value, position), at_ms),
                )
            )


def held(conn: Connection, gateway: str) -> dict[Log, tuple[int, int]]:
    """Where each log ends at central: its newest epoch and size there."""
    rows = conn.execute(
        select(head.c.log, head.c.epoch, head.c.size)
        .where(head.c.gateway == gateway)
        .order_by(head.c.epoch)
    )
    return {Log(row.log): (row.epoch, row.size) for row in rows}


def newest_epoch(conn: Connection, schedule: KeySchedule) -> int | None:
    """The newest epoch begun, by a log or by a renewed key: below it nothing is taken any more.

    None for a gateway that never uploaded.
    """
    newest = conn.scalar(select(func.max(head.c.epoch)).where(head.c.gateway == schedule.gateway))
    renewed = max(schedule.billing[-1].epoch, schedule.telemetry[-1].epoch)
    if newest is None:
        return renewed or None
    return max(int(newest), renewed)


def keep_act(conn: Connection, done: Done, at_ms: int) -> None:
    """Keep one act; no row of these is ever changed."""
    conn.execute(insert(gateway_act).values(at_ms=at_ms, **done._asdict()))


def acts(conn: Connection, gateway: str | None = None, limit: int = 1000) -> list[KeptAct]:
    """The latest acts, oldest of them first; of all gateways where none is named."""
    query = select(*(gateway_act.c[name] for name in KeptAct._fields))
    if gateway is not None:
        query = query.where(gateway_act.c.gateway == gateway)
    rows = conn.execute(query.order_by(gateway_act.c.number.desc()).limit(limit)).all()
    return [KeptAct(*row) for row in reversed(rows)]
