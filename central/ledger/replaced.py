"""A gateway that replaced another one: which, and how the meters' indexes go on from log to log.

Worked out when somebody looks, because it takes the logs of two gateways. What the index moved
between the old one's last record and the new one's first was seen by nobody: it is told, and booked
in neither.
"""

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, or_, select

from central.ledger.chain import between_counts
from central.ledger.configurations import parsed_config
from central.store.gap_tables import epoch_opening
from central.store.ledger_tables import configuration, interval_total, meter_run
from protocols.metering.run_config import Role, RunConfig


class Replacement(NamedTuple):
    """By the new gateway's word; `is_confirmed`: it cites what central has of the old one."""

    gateway: str
    old_gateway: str
    old_size: int
    is_confirmed: bool


class Seam(NamedTuple):
    """A meter that two gateways read, one after the other. Indexes of its line total, in counts.

    `unseen_counts` is None where an index is not known, and negative where both recorded the same.
    """

    old_gateway: str
    old_run: str
    gateway: str
    run: str
    meter_serial: str
    index_before: int | None
    index_after: int | None
    unseen_counts: int | None
    unseen_cm3: int | None


def replacements(conn: Connection, gateway: str | None = None) -> list[Replacement]:
    """Of all gateways, or those that one of them is the old or the new one of."""
    table = epoch_opening
    query = select(*(table.c[name] for name in Replacement._fields)).where(
        table.c.old_gateway != ""
    )
    if gateway is not None:
        query = query.where(or_(table.c.gateway == gateway, table.c.old_gateway == gateway))
    rows = conn.execute(query.order_by(table.c.gateway, table.c.epoch))
    return [Replacement(*row) for row in rows]


def seams(conn: Connection, gateway: str, run: str) -> list[Seam]:
    """How the run's meter goes on from an older gateway, or on a newer one."""
    serial = _serial(conn, gateway, run)
    found = []
    for one in replacements(conn, gateway):
        other = one.old_gateway if one.gateway == gateway else one.gateway
        for name in _runs_with(conn, other, serial):
            old, new = (other, name), (gateway, run)
            if one.old_gateway == gateway:
                old, new = new, old
            found.append(_seam(conn, old, new, serial))
    return found


def _seam(conn: Connection, old: tuple[str, str], new: tuple[str, str], serial: str) -> Seam:
    before, after = _index(conn, *old, last=True), _index(conn, *new, last=False)
    config = _config(conn, *new)
    unseen = None
    if before is not None and after is not None and config is not None:
        unseen = between_counts(before, after, config.line.modulus)
    unseen_cm3 = None if unseen is None or config is None else unseen * config.count_cm3
    return Seam(*old, *new, serial, before, after, unseen, unseen_cm3)


def _serial(conn: Connection, gateway: str, run: str) -> str:
    return conn.scalar(select(meter_run.c.meter_serial).where(*_of(gateway, run))) or ""


def _runs_with(conn: Connection, gateway: str, serial: str) -> list[str]:
    if not serial:
        return []
    rows = conn.scalars(
        select(meter_run.c.run)
        .where(meter_run.c.gateway == gateway, meter_run.c.meter_serial == serial)
        .order_by(meter_run.c.run)
    )
    return list(rows)


def _index(conn: Connection, gateway: str, run: str, *, last: bool) -> int | None:
    """The first or the last line index of all the run's records."""
    table = interval_total
    order = (table.c.epoch, table.c.seq, table.c.position)
    return conn.scalar(
        select(table.c.index_end if last else table.c.index_start)
        .where(table.c.gateway == gateway, table.c.run == run, table.c.role == Role.LINE.value)
        .order_by(*(column.desc() for column in order) if last else order)
        .limit(1)
    )


def _config(conn: Connection, gateway: str, run: str) -> RunConfig | None:
    leaf = conn.scalar(
        select(configuration.c.leaf)
        .where(configuration.c.gateway == gateway, configuration.c.run == run)
        .order_by(configuration.c.epoch, configuration.c.seq)
        .limit(1)
    )
    return None if leaf is None else parsed_config(leaf)


def _of(gateway: str, run: str) -> tuple[ColumnElement[bool], ...]:
    return meter_run.c.gateway == gateway, meter_run.c.run == run
