"""The first law at central: what the indexes moved is what was booked, to the count.

A segment goes on over epochs as long as each opens where the one before closed. What the index
moved in records that are lost is part of what it moved, and booked nowhere: the law does not hold,
by just that figure.
"""

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
    "unbooked": total.c.unbooked_counts,
    "unseen": total.c.unseen_counts,
}
_SEGMENT: Final = ("gateway", "run", "since_epoch", "point", "segment")


def law(conn: Connection, of_run: tuple[str, str] | None = None) -> list[LawRow]:
    """The first law for each meter segment and device total, of all runs or of (gateway, run).

    unwrapped end - start = main + error + quarantined - reverse, and no opening that is not the
    closing before it.
    """
    group = (*(total.c[name] for name in _SEGMENT), total.c.epoch)
    sums = (
        select(
            *group,
            func.min(total.c.seq).label("first"),
            func.max(total.c.seq).label("last"),
            func.sum(case((total.c.broken, 1), else_=0)).label("gaps"),
            *_limbs(),
        )
        .where(*_of(of_run))
        .group_by(*group)
        .subquery()
    )
    start, end = total.alias("start"), total.alias("end")
    query = (
        select(sums, start.c.role, start.c.index_start, end.c.index_end)
        .join(start, _same(start, sums, "first"))
        .join(end, _same(end, sums, "last"))
        .order_by(*(sums.c[name] for name in (*_SEGMENT, "epoch")))
    )
    segments: dict[tuple[object, ...], LawRow] = {}
    for row in conn.execute(query):
        key = tuple(row._mapping[name] for name in _SEGMENT)
        part = _row(row._mapping)
        segments[key] = _joined(segments[key], part) if key in segments else part
    return list(segments.values())


def _of(of_run: tuple[str, str] | None) -> tuple[ColumnElement[bool], ...]:
    if of_run is None:
        return ()
    return total.c.gateway == of_run[0], total.c.run == of_run[1]


def _joined(before: LawRow, after: LawRow) -> LawRow:
    """The same segment over two epochs, the older first."""
    added = {
        name: getattr(before, name) + getattr(after, name)
        for name in (*(f"{name}_counts" for name in _SUMMED), "gaps")
    }
    return before._replace(index_end=after.index_end, holds=before.holds and after.holds, **added)


def _limbs() -> list[ColumnElement[int]]:
    return [
        limb.label(f"{name}_{part}")
        for name, column in _SUMMED.items()
        for part, limb in zip(("high", "low"), exact_sum(column), strict=True)
    ]


def _same(side: FromClause, sums: Subquery, seq: str) -> ColumnElement[bool]:
    """The row of that side at the segment's first or last record."""
    names = (*_SEGMENT, "epoch")
    return and_(*(side.c[name] == sums.c[name] for name in names), side.c.seq == sums.c[seq])


def _row(row: RowMapping) -> LawRow:
    moved, main, error, quarantined, reverse, unbooked, unseen = whole(
        [row[f"{name}_{part}"] for name in _SUMMED for part in ("high", "low")]
    )
    moved += unbooked
    return LawRow(
        gateway=row["gateway"],
        epoch=row["since_epoch"],
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
        unbooked_counts=unbooked,
        unseen_counts=unseen,
        holds=moved == main + error + quarantined - reverse and row["gaps"] == 0,
    )
