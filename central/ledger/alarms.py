"""Alarms of the ledger: what an authentic log says that cannot be right."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, insert, select

from central.store.ledger_tables import alarm
from protocols.evidence.leaf import Origin

MAX_DETAIL_CHARS: Final = 500


class AlarmCode(StrEnum):
    """What is wrong."""

    EQUIVOCATION = "equivocation"
    MALFORMED = "malformed"
    CHAIN = "chain"
    CONFIGURATION_UNKNOWN = "configuration-unknown"
    RECOMPUTE_DIFFERS = "recompute-differs"
    BATCH_DAMAGED = "batch-damaged"
    EDITS = "edits"
    EPOCH = "epoch"
    EPOCH_SEAM = "epoch-seam"
    RECORDS_LOST = "records-lost"
    DATA_LOST = "data-lost"
    SENT_AGAIN = "sent-again-differs"
    OLD_IMAGE = "old-image"


class Alarm(NamedTuple):
    """One alarm about the leaf `seq` of a log."""

    seq: int
    code: AlarmCode
    subject: str
    detail: str


def store_alarms(conn: Connection, origin: Origin, alarms: Iterable[Alarm], at_ms: int) -> None:
    """Store each alarm once; of two on one leaf, code and subject the first stays."""
    for one in alarms:
        key = {
            "gateway": origin.gateway,
            "epoch": origin.epoch,
            "log": origin.log.value,
            "seq": one.seq,
            "code": one.code.value,
            "subject": one.subject,
        }
        where = [alarm.c[name] == value for name, value in key.items()]
        if conn.execute(select(alarm.c.seq).where(*where)).first() is None:
            conn.execute(
                insert(alarm).values(**key, at_ms=at_ms, detail=one.detail[:MAX_DETAIL_CHARS])
            )


def count_alarms(conn: Connection, origin: Origin, code: AlarmCode) -> int:
    """How many alarms of this kind a log has."""
    count = conn.scalar(
        select(func.count())
        .select_from(alarm)
        .where(
            alarm.c.gateway == origin.gateway,
            alarm.c.epoch == origin.epoch,
            alarm.c.log == origin.log.value,
            alarm.c.code == code.value,
        )
    )
    return count or 0
