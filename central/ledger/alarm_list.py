"""All alarms as readers get them: of the ledger, of the intake, and of the edits."""

from sqlalchemy import Connection, func, select

from central.intake.alarms import count_intake_alarms, intake_alarms
from central.intake.log import EQUIVOCATION
from central.ledger.alarms import AlarmCode
from central.ledger.edits import head_of, noted_fault
from central.ledger.rows import AlarmRow
from central.store.edit_tables import edit
from central.store.ledger_tables import alarm
from central.store.log_tables import equivocation


def alarms(conn: Connection, gateway: str | None = None, limit: int = 100) -> list[AlarmRow]:
    """The latest alarms, newest first; of all gateways where none is named.

    Edits that are missing or changed come before all: they belong to no gateway.
    """
    derived = select(alarm).order_by(alarm.c.at_ms.desc(), alarm.c.seq.desc()).limit(limit)
    proofs = select(equivocation).order_by(equivocation.c.at_ms.desc()).limit(limit)
    if gateway is not None:
        derived = derived.where(alarm.c.gateway == gateway)
        proofs = proofs.where(equivocation.c.gateway == gateway)
    rows = [
        AlarmRow(row.gateway, row.seq, row.at_ms, row.code, row.subject, row.detail)
        for row in conn.execute(derived)
    ]
    rows += [
        AlarmRow(
            row.gateway,
            row.size,
            row.at_ms,
            EQUIVOCATION,
            row.log,
            "two signed roots for one size; uploads are stopped",
        )
        for row in conn.execute(proofs)
    ]
    rows += [
        AlarmRow(one.gateway, one.size, one.last_ms, one.code, one.log, one.detail, one.uploads)
        for one in intake_alarms(conn, gateway, limit)
    ]
    rows.sort(key=lambda row: (-row.at_ms, row.gateway, -row.seq))
    tampered = edit_alarms(conn) if gateway is None else []
    return [*tampered, *rows][:limit]


def alarm_counts(conn: Connection) -> dict[str, int]:
    """How many alarms each gateway has; "" stands for those that are not registered."""
    counts = count_intake_alarms(conn)
    for table in (alarm, equivocation):
        rows = conn.execute(select(table.c.gateway, func.count()).group_by(table.c.gateway))
        for name, count in rows:
            counts[name] = counts.get(name, 0) + count
    return counts


def edit_alarms(conn: Connection) -> list[AlarmRow]:
    """That edits are missing or changed, where they are."""
    fault = noted_fault(conn)
    if fault is None:
        return []
    detail = f"{fault}; look with edge-central edit check"
    at_ms = conn.scalar(select(func.max(edit.c.at_ms))) or 0
    return [AlarmRow("", head_of(conn).size, at_ms, AlarmCode.EDITS, "", detail)]
