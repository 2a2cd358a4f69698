"""Intervals with the figures of their newest version: what everybody reads who bills or shows.

`interval` itself stays what the gateway recorded; the first law, the chain and the recompute read
that. The columns here have the same names, so a query needs only another table.
"""

from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Subquery, and_, func, select

from central.ledger.edits import record_of
from central.store.edit_tables import edit
from central.store.ledger_tables import interval
from protocols.metering.edited import Amounts

_KEY = ("gateway", "epoch", "seq")


class EditRow(NamedTuple):
    """Who made the newest version of an interval, when and why, and what the gateway recorded."""

    kind: str
    at_ms: int
    who: str
    reason: str
    rule: str
    config_hash: str
    software: str
    number: int
    recorded: Amounts


@cache
def newest_intervals() -> Subquery:
    """`interval` with the newest figures, `version` (1: as recorded) and `recorded_` figures."""
    later = edit.alias("later")
    newest = (
        select(func.max(later.c.version))
        .where(*(later.c[name] == interval.c[name] for name in _KEY))
        .scalar_subquery()
    )
    joined = interval.outerjoin(
        edit,
        and_(*(edit.c[name] == interval.c[name] for name in _KEY), edit.c.version == newest),
    )
    figures = Amounts._fields
    return (
        select(
            *(column for column in interval.c if column.name not in figures),
            *(func.coalesce(edit.c[name], interval.c[name]).label(name) for name in figures),
            *(interval.c[name].label(f"recorded_{name}") for name in figures),
            func.coalesce(edit.c.version, 1).label("version"),
            edit.c.number.label("edit_number"),
            edit.c.kind.label("edit_kind"),
            edit.c.at_ms.label("edited_ms"),
            edit.c.body.label("edit_body"),
        )
        .select_from(joined)
        .subquery("newest")
    )


def edit_of(row: Any) -> EditRow | None:
    """The edit that made a row of `newest_intervals`; None where it is as recorded."""
    if row.edit_body is None:
        return None
    recorded = Amounts(*(getattr(row, f"recorded_{name}") for name in Amounts._fields))
    try:
        record = record_of(row.edit_body)
    except ValueError as error:
        # Somebody changed the store: the page must say so, and not be away.
        unknown = ("", f"damaged: {error}", "", "", "")
        return EditRow(row.edit_kind, row.edited_ms, *unknown, row.edit_number, recorded)
    return EditRow(
        record.kind,
        record.at_ms,
        record.who,
        record.reason,
        record.rule,
        record.config_hash.hex(),
        record.software.hex(),
        row.edit_number,
        recorded,
    )
