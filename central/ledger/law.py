"""The first law at central: what the indexes moved is what was booked, to the count."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    RowMapping,
    Subquery,
    and_,
    case,
    func,
    select,
)

from central.ledger.rows import LawRow
from central.ledger.sums import exact_sum, whole
from central.store.ledger_tables import interval_total as total

_SUMMED: Final[Mapping[str, Column[int]]] = {
    "moved": total.c.moved_counts,
    "main": total.c.main_counts,
    "error": total.c.error_counts,
    "quarantined": total.c.quarantined_counts,
    "reverse": total.c.reverse_counts,
}


def law(conn: Connection) -> list[LawRow]:
    """The first law for each run, meter segment and device total, over all its intervals.

    unwrapped end - start = main + error + quarantined - reverse, and no opening that is not the
    closing before it.
    """
    group = (total.c.gateway, total.c.epoch, total.c.run, total.c.point, total.c.segment)
    sums = (
        select(
            *group,
            func.min(total.c.seq).label("first"),
            func.max(total.c.seq).label("last"),
            func.sum(case((total.c.broken, 1), else_=0)).label("gaps"),
            *_limbs(),
        )
        .group_by(*group)
        .subquery()
    )
    start, end = total.alias("start"), total.alias("end")
    query = (
        select(sums, start.c.role, start.c.index_start, end.c.index_end)
        .join(start, _same(start, sums, "first"))
        .join(end, _same(end, sums, "last"))
        .order_by(sums.c.gateway, sums.c.run, sums.c.epoch, sums.c.point, sums.c.segment)
    )
    return [_row(row._mapping) for row in conn.execute(query)]


def _limbs() -> list[ColumnElement[int]]:
    return [
        limb.label(f"{name}_{part}")
        for name, column in _SUMMED.items()
        for part, limb in zip(("high", "low"), exact_sum(column), strict=True)
    ]


def _same(side: FromClause, sums: Subquery, seq: str) -> ColumnElement[bool]:
    """The row of that side at the segment's first or last record."""
    names = ("gateway", "epoch", "run", "point", "segment")
    return and_(*(side.c[name] == sums.c[name] for name in names), side.c.seq == sums.c[seq])


def _row(row: RowMapping) -> LawRow:
    moved, main, error, quarantined, reverse = whole(
        [row[f"{name}_{part}"] for name in _SUMMED for part in ("high", "low")]
    )
    return LawRow(
        gateway=row["gateway"],
        epoch=row["epoch"],
        run=row["run"],
        point=row["point"],
        role=row["role"],
        segment=row["segment"],
        index_start=row["index_start"],
        index_end=row["index_end"],
        moved_counts=moved,
        main_counts=main,
        error_counts=error,
        quarantined_counts=quarantined,
        reverse_counts=reverse,
        gaps=row["gaps"],
        holds=moved == main + error + quarantined - reverse and row["gaps"] == 0,
    )
