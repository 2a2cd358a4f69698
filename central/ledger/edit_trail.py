"""What was corrected of a run, command by command: the part of the audit trail that central makes.

One command may book thousands of edits; those that one person made at one instant for one reason
are one correction. Bounded: only the latest edits are looked at.
"""

from itertools import groupby
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, and_, select

from central.ledger.edits import record_of
from central.store.edit_tables import edit
from central.store.ledger_tables import interval
from protocols.metering.edited import EditedRecord

MAX_EDITS: Final = 600  # two days of five-minute intervals
_KEY: Final = ("gateway", "epoch", "seq")


class TrailEntry(NamedTuple):
    """Edits of one command; `moved_cm3` is what they added to the base volume.

    `start_utc_ms` and `end_utc_ms` are of the intervals that have a time. `cut` says that older
    edits of the same correction were not looked at.
    """

    at_ms: int
    who: str
    reason: str
    rule: str
    kind: str
    edits: int
    moved_cm3: int
    start_utc_ms: int | None
    end_utc_ms: int | None
    cut: bool = False


class _Edit(NamedTuple):
    record: EditedRecord
    start_utc_ms: int | None
    end_utc_ms: int | None


def edit_trail(conn: Connection, gateway: str, run: str, limit: int) -> list[TrailEntry]:
    """The latest entries of a run, newest first; an edit that cannot be read is left out."""
    rows = conn.execute(
        select(edit.c.body, interval.c.start_utc_ms, interval.c.end_utc_ms)
        .outerjoin(interval, and_(*(interval.c[name] == edit.c[name] for name in _KEY)))
        .where(edit.c.gateway == gateway, edit.c.run == run)
        .order_by(edit.c.number.desc())
        .limit(MAX_EDITS + 1)
    ).all()
    found = [one for row in rows[:MAX_EDITS] if (one := _read(row)) is not None]
    groups = [_entry(list(edits)) for _, edits in groupby(found, _command)]
    if len(rows) > MAX_EDITS and groups:
        groups[-1] = groups[-1]._replace(cut=True)
    return groups[:limit]


def _read(row: Any) -> _Edit | None:
    try:
        return _Edit(record_of(row.body), row.start_utc_ms, row.end_utc_ms)
    except ValueError:
        return None  # `edit check` tells; the interval itself is marked


def _command(one: _Edit) -> tuple[int, str, str, str, str]:
    record = one.record
    return record.at_ms, record.who, record.reason, record.rule, record.kind


def _entry(edits: list[_Edit]) -> TrailEntry:
    starts = [one.start_utc_ms for one in edits if one.start_utc_ms is not None]
    ends = [one.end_utc_ms for one in edits if one.end_utc_ms is not None]
    return TrailEntry(
        *_command(edits[0]),
        len(edits),
        sum(_moved(one.record) for one in edits),
        min(starts, default=None),
        max(ends, default=None),
    )


def _moved(record: EditedRecord) -> int:
    """By how much the base volume is another than that of the version before."""
    volumes = ("base_main_cm3", "base_error_cm3")
    return sum(change.new - change.old for change in record.changes if change.field in volumes)
