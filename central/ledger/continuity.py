"""How whole a run's history is: the law by segment, epochs of its log, what is missing."""

from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, and_, select

from central.ledger.configurations import parsed_config
from central.ledger.law import law
from central.ledger.replaced import Seam, seams
from central.ledger.rows import LawRow
from central.store.gap_tables import epoch_opening, loss, lost_range
from central.store.ledger_tables import configuration, event
from protocols.metering.run_config import Role

MAX_ROWS: Final = 200
"""Of each list, the newest."""


class EpochRow(NamedTuple):
    """How one epoch of the gateway's log began; `utc_ms` by the gateway's clock."""

    epoch: int
    reason: str
    old_gateway: str
    old_epoch: int | None
    old_size: int
    is_confirmed: bool
    utc_ms: int | None
    received_ms: int


class MissingRow(NamedTuple):
    """Leaves `first` .. `end` - 1 that central does not hold, and why."""

    log: str
    epoch: int
    first: int
    end: int
    why: str
    received_ms: int


class LossRow(NamedTuple):
    """What the gateway says it lost; `log` is "" where it is about polls that never were leaves."""

    reason: str
    log: str
    of_epoch: int
    first: int
    end: int
    polls: int | None
    utc_ms: int | None
    received_ms: int
    detail: str


class SegmentRow(NamedTuple):
    """The law of one segment; `count_cm3` is what a count of its total stands for."""

    law: LawRow
    count_cm3: int | None


class Continuity(NamedTuple):
    """Everything of it, each list newest first but for the law's."""

    law: list[SegmentRow]
    epochs: list[EpochRow]
    losses: list[LossRow]
    missing: list[MissingRow]
    seams: list[Seam]


def continuity(conn: Connection, gateway: str, run: str) -> Continuity:
    """Of one run and its gateway's logs."""
    losses = _losses(conn, gateway)
    return Continuity(
        _segments(conn, gateway, run),
        _epochs(conn, gateway),
        losses,
        [one for one in _missing(conn, gateway) if not any(_tells(loss, one) for loss in losses)],
        seams(conn, gateway, run),
    )


def continuity_object(found: Continuity) -> dict[str, Any]:
    """As JSON has it."""
    told = {name: [row._asdict() for row in rows] for name, rows in found._asdict().items()}
    return told | {"law": [one.law._asdict() | {"count_cm3": one.count_cm3} for one in found.law]}


def _tells(loss: LossRow, missing: MissingRow) -> bool:
    """A LOSS leaf that covers a range says why it is missing: it is listed once."""
    same = (loss.log, loss.of_epoch) == (missing.log, missing.epoch)
    return same and loss.first <= missing.first and missing.end <= loss.end


def _segments(conn: Connection, gateway: str, run: str) -> list[SegmentRow]:
    leaf = conn.scalar(
        select(configuration.c.leaf)
        .where(configuration.c.gateway == gateway, configuration.c.run == run)
        .order_by(configuration.c.epoch.desc(), configuration.c.seq.desc())
        .limit(1)
    )
    counts: dict[str, int] = {}
    if leaf is not None:
        config = parsed_config(leaf)
        line, base = config.count_cm3, config.base_count_cm3
        sizes = {Role.LINE: line, Role.LINE_ERROR: line, Role.BASE: base, Role.BASE_ERROR: base}
        counts = {total.point: sizes[total.role] for total in config.totals if total.role in sizes}
    return [SegmentRow(row, counts.get(row.point)) for row in law(conn, (gateway, run))]


def _epochs(conn: Connection, gateway: str) -> list[EpochRow]:
    table = epoch_opening
    names = EpochRow._fields[: EpochRow._fields.index("utc_ms")]
    rows = conn.execute(
        select(*(table.c[name] for name in names), event.c.utc_ms, table.c.received_ms)
        .outerjoin(event, _same_leaf(table))
        .where(table.c.gateway == gateway)
        .order_by(table.c.epoch.desc())
        .limit(MAX_ROWS)
    )
    return [EpochRow._make(row) for row in rows]


def _losses(conn: Connection, gateway: str) -> list[LossRow]:
    table = loss
    names = LossRow._fields[: LossRow._fields.index("polls")]
    rows = conn.execute(
        select(
            *(table.c[name] for name in names),
            table.c.count,
            event.c.utc_ms,
            table.c.received_ms,
            event.c.detail,
        )
        .outerjoin(event, _same_leaf(table))
        .where(table.c.gateway == gateway)
        .order_by(table.c.epoch.desc(), table.c.seq.desc())
        .limit(MAX_ROWS)
    )
    return [LossRow._make(row) for row in rows]


def _missing(conn: Connection, gateway: str) -> list[MissingRow]:
    table = lost_range
    rows = conn.execute(
        select(*(table.c[name] for name in MissingRow._fields))
        .where(table.c.gateway == gateway)
        .order_by(table.c.received_ms.desc(), table.c.log, table.c.epoch, table.c.first)
        .limit(MAX_ROWS)
    )
    return [MissingRow._make(row) for row in rows]


def _same_leaf(table: Any) -> Any:
    """The event of the same leaf."""
    return and_(*(event.c[name] == table.c[name] for name in ("gateway", "epoch", "seq")))
