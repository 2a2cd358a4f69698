"""Running sums of each meter run, moved with its intervals in the same transaction.

Overview pages are asked for every few seconds for years; they must not add up every interval ever
booked. Volumes are decimal text: no sum of 64-bit figures from outside can overflow it.
"""

from typing import Final, NamedTuple

from sqlalchemy import Connection, insert, select, update

from central.store.ledger_tables import interval, run_sum
from protocols.metering.interval import IntervalRecord

_VOLUMES: Final = (
    "line_main_cm3", "line_error_cm3", "line_reverse_cm3", "base_main_cm3", "base_error_cm3",
)  # fmt: skip


class RunSum(NamedTuple):
    """All intervals of one run; `last_*` of the newest in the order of the log."""

    intervals: int = 0
    pending: int = 0
    differs: int = 0
    lost: int = 0
    line_main_cm3: int = 0
    line_error_cm3: int = 0
    line_reverse_cm3: int = 0
    base_main_cm3: int = 0
    base_error_cm3: int = 0
    last_epoch: int = 0
    last_end_utc_ms: int | None = None
    last_flags: int = 0


def add_interval(
    conn: Connection, gateway: str, epoch: int, record: IntervalRecord, before: RunSum | None
) -> None:
    """One more interval, not yet recomputed; `before` is the run's sum as it stands."""
    old = before or RunSum()
    values: dict[str, object] = {
        "intervals": old.intervals + 1,
        "pending": old.pending + 1,
        **{name: str(getattr(old, name) + getattr(record, name)) for name in _VOLUMES},
        "last_epoch": epoch,
        "last_end_utc_ms": record.end.utc_ms,
        "last_flags": record.flags,
    }
    if before is None:
        conn.execute(
            insert(run_sum).values(gateway=gateway, run=record.run, differs=0, lost=0, **values)
        )
    else:
        conn.execute(
            update(run_sum)
            .where(run_sum.c.gateway == gateway, run_sum.c.run == record.run)
            .values(**values)
        )


def settle_interval(conn: Connection, gateway: str, run: str, outcome: str) -> None:
    """One interval is no longer pending: it agrees, differs, or its scans are lost."""
    moved = {"pending": run_sum.c.pending - 1}
    if outcome in ("differs", "lost"):
        moved[outcome] = run_sum.c[outcome] + 1
    conn.execute(
        update(run_sum).where(run_sum.c.gateway == gateway, run_sum.c.run == run).values(**moved)
    )


def move_last_end(conn: Connection, gateway: str) -> None:
    """The end of each run's newest interval again, where it may have been derived meanwhile."""
    rows = conn.execute(
        select(run_sum.c.run, run_sum.c.last_epoch).where(run_sum.c.gateway == gateway)
    ).all()
    for run, epoch in rows:
        newest = (
            select(interval.c.end_utc_ms)
            .where(interval.c.gateway == gateway, interval.c.epoch == epoch, interval.c.run == run)
            .order_by(interval.c.seq.desc())
            .limit(1)
        )
        conn.execute(
            update(run_sum)
            .where(run_sum.c.gateway == gateway, run_sum.c.run == run)
            .values(last_end_utc_ms=newest.scalar_subquery())
        )


def run_sums(conn: Connection) -> dict[tuple[str, str], RunSum]:
    """By gateway and run."""
    columns = [run_sum.c[name] for name in RunSum._fields]
    rows = conn.execute(select(run_sum.c.gateway, run_sum.c.run, *columns))
    return {(gateway, run): _whole(values) for gateway, run, *values in rows}


def sum_of(conn: Connection, gateway: str, run: str) -> RunSum | None:
    """Of one run; None before its first interval."""
    row = conn.execute(
        select(*(run_sum.c[name] for name in RunSum._fields)).where(
            run_sum.c.gateway == gateway, run_sum.c.run == run
        )
    ).one_or_none()
    return None if row is None else _whole(list(row))


def _whole(values: list[object]) -> RunSum:
    """Volumes back from text."""
    return RunSum._make(
        int(value) if name in _VOLUMES and isinstance(value, str) else value
        for name, value in zip(RunSum._fields, values, strict=True)
    )
