"""What people stated on site: stored field by field, listed, and what of it somebody must look at.

Warnings are worked out when somebody looks: a verification is over from one day to the next without
any leaf. The newest statement of each kind counts; another meter has no verification date and no
comparison yet.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection, Row, Select, and_, func, insert, select

from central.ledger.place import Place
from central.store.ledger_tables import event, site, statement
from protocols.evidence.leaf import Leaf
from protocols.evidence.statement import Statement, Value

HEALTH: Final = "health"
SOON_DAYS: Final = 60
REPLACED: Final = ("meter_replaced", "meter_removed")
_OF_THE_METER: Final = ("verification_due", "compared")
CALIBRATED: Final = ("calibrated_pressure", "calibrated_temperature")
_DUE: Final = ("verification_due", *CALIBRATED)
_JUDGED: Final = ("compared", *CALIBRATED, "regulator_set")
BEGAN: Final = "maintenance_began"
ENDED: Final = "maintenance_ended"
_WATCHED: Final = (*_DUE, *_JUDGED, *REPLACED, BEGAN, ENDED)

Fields = tuple[tuple[str, Value], ...]


class StatementRow(NamedTuple):
    """A statement with its event's time, who and why."""

    gateway: str
    epoch: int
    seq: int
    utc_ms: int | None
    time_from_ms: int | None
    code: str
    subject: str
    who: str
    why: str
    fields: Fields

    def get(self, name: str) -> Value:
        """A field's value; None where it is missing."""
        return next((value for key, value in self.fields if key == name), None)

    def to_json(self) -> dict[str, Any]:
        """As the API tells it."""
        return {**self._asdict(), "fields": dict(self.fields)}


class WarningRow(NamedTuple):
    """What somebody must look at: a code, since or until when, and the statement's reason.

    `day` is the last good day of a verification or calibration, "" for others.
    """

    gateway: str
    subject: str
    code: str
    utc_ms: int | None
    day: str
    detail: str


def store_statement(place: Place, leaf: Leaf, said: Statement) -> None:
    """Beside its event."""
    what = said.get("what")
    place.conn.execute(
        insert(statement).values(
            **place.key(leaf),
            code=said.code,
            subject=leaf.subject,
            what=what if isinstance(what, str) else "",
            fields=json.dumps(said.fields, ensure_ascii=False),
        )
    )


def statements(
    conn: Connection, gateway: str | None = None, subject: str | None = None, limit: int = 100
) -> list[StatementRow]:
    """The latest, newest first, without gateways' health; all where none is named."""
    query = _with_event().where(statement.c.code != HEALTH)
    if gateway is not None:
        query = query.where(statement.c.gateway == gateway)
    if subject is not None:
        query = query.where(statement.c.subject == subject)
    order = (event.c.received_ms.desc(), statement.c.gateway, statement.c.seq.desc())
    return [_row(row) for row in conn.execute(query.order_by(*order).limit(limit))]


def of_codes(
    conn: Connection, gateway: str, subject: str, codes: Sequence[str], limit: int
) -> list[StatementRow]:
    """The latest of these codes, newest first."""
    query = _with_event().where(
        statement.c.gateway == gateway,
        statement.c.subject == subject,
        statement.c.code.in_(codes),
    )
    newest = query.order_by(statement.c.epoch.desc(), statement.c.seq.desc()).limit(limit)
    return [_row(row) for row in conn.execute(newest)]


def health(conn: Connection, gateway: str) -> StatementRow | None:
    """The last that a gateway said of its health."""
    query = _with_event().where(statement.c.gateway == gateway, statement.c.code == HEALTH)
    newest = query.order_by(statement.c.epoch.desc(), statement.c.seq.desc()).limit(1)
    row = conn.execute(newest).first()
    return None if row is None else _row(row)


def warnings(conn: Connection, now_ms: int, gateway: str | None = None) -> list[WarningRow]:
    """All that stands now, by gateway and subject; those of a day first by it."""
    today = _today(conn, now_ms)
    found: list[WarningRow] = []
    held: dict[tuple[str, str], list[StatementRow]] = {}
    for row in _newest(conn, gateway):
        held.setdefault((row.gateway, row.subject), []).append(row)
    for (name, _subject), rows in held.items():
        found += _warnings_of(rows, today(name))
    return sorted(found, key=lambda row: (row.gateway, row.subject, row.day, row.code))


def _warnings_of(rows: list[StatementRow], today: date) -> list[WarningRow]:
    """Of one run, device or regulator: `rows` are the newest of each code and purpose."""
    replaced = max(((row.epoch, row.seq) for row in rows if row.code in REPLACED), default=(-1, -1))
    found = []
    for row in rows:
        if row.code in _OF_THE_METER and (row.epoch, row.seq) < replaced:
            continue
        until = row.get("until")
        if row.code in _DUE and isinstance(until, str) and (state := _due(until, today)):
            kind = "verification" if row.code == "verification_due" else "calibration"
            detail = f"{row.get('certificate') or ''}"
            found.append(_warning(row, f"{kind}-{state}", until, detail))
        if row.code in _JUDGED and row.get("verdict") == "outside":
            found.append(_warning(row, f"{row.code.replace('_', '-')}-outside", "", row.why))
        if row.code == BEGAN and not _has_ended(row, rows):
            found.append(_warning(row, "maintenance-open", "", row.why))
    return found


def _warning(row: StatementRow, code: str, day: str, detail: str) -> WarningRow:
    return WarningRow(row.gateway, row.subject, code, row.utc_ms, day, detail)


def _due(until: str, today: date) -> str:
    """ "over", "soon", or "" where it is good, or no date."""
    try:
        day = date.fromisoformat(until)
    except ValueError:
        return ""
    if day < today:
        return "over"
    return "soon" if day - today <= timedelta(days=SOON_DAYS) else ""


def _has_ended(began: StatementRow, rows: list[StatementRow]) -> bool:
    return any(
        row.code == ENDED
        and row.get("what") == began.get("what")
        and (row.epoch, row.seq) > (began.epoch, began.seq)
        for row in rows
    )


def _newest(conn: Connection, gateway: str | None) -> list[StatementRow]:
    """The newest of each gateway, subject, code and purpose, of those that warn."""
    place = func.row_number().over(
        partition_by=(
            statement.c.gateway,
            statement.c.subject,
            statement.c.code,
            statement.c.what,
        ),
        order_by=(statement.c.epoch.desc(), statement.c.seq.desc()),
    )
    ranked = select(
        statement.c.gateway, statement.c.epoch, statement.c.seq, place.label("place")
    ).where(statement.c.code.in_(_WATCHED))
    if gateway is not None:
        ranked = ranked.where(statement.c.gateway == gateway)
    newest = ranked.subquery()
    query = _with_event().join(
        newest,
        and_(
            newest.c.gateway == statement.c.gateway,
            newest.c.epoch == statement.c.epoch,
            newest.c.seq == statement.c.seq,
            newest.c.place == 1,
        ),
    )
    return [_row(row) for row in conn.execute(query)]


def _with_event() -> Select[Any]:
    return select(
        statement, event.c.utc_ms, event.c.time_from_ms, event.c.who, event.c.detail
    ).join(
        event,
        and_(
            event.c.gateway == statement.c.gateway,
            event.c.epoch == statement.c.epoch,
            event.c.seq == statement.c.seq,
        ),
    )


def _row(row: Row[Any]) -> StatementRow:
    fields = tuple((name, value) for name, value in json.loads(row.fields))
    return StatementRow(
        row.gateway,
        row.epoch,
        row.seq,
        row.utc_ms,
        row.time_from_ms,
        row.code,
        row.subject,
        row.who,
        row.detail,
        fields,
    )


def _today(conn: Connection, now_ms: int) -> Callable[[str], date]:
    """By gateway: the day at its site; UTC's where its zone is not known."""
    zones = {row.gateway: row.zone for row in conn.execute(select(site.c.gateway, site.c.zone))}
    now = datetime.fromtimestamp(now_ms / 1000, UTC)

    def day(gateway: str) -> date:
        try:
            return now.astimezone(ZoneInfo(zones.get(gateway, "UTC"))).date()
        except (ZoneInfoNotFoundError, ValueError):
            return now.date()

    return day
