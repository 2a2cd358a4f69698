"""Which intervals can be made again now: those whose scans are settled, each held or lost."""

from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, exists, select

from central.ledger.intervals import PENDING
from central.store.gap_tables import scan_reach
from central.store.ledger_tables import interval
from protocols.evidence.leaf import Log, Origin

AT_ONCE: Final = 64
"""Intervals of one gateway in one turn: then new batches are looked at, and all others served."""
SCANS_AT_ONCE: Final = 20_000
"""Scans of all devices in their ranges: two or three seconds of a core, by the slowest method."""


class Due(NamedTuple):
    """An interval whose telemetry has come; its numbers are of `scans_epoch`."""

    origin: Origin
    seq: int
    scans_epoch: int

    @property
    def telemetry(self) -> Origin:
        """The log that its telemetry is numbered by."""
        return Origin(self.origin.gateway, Log.TELEMETRY, self.scans_epoch)


def due_intervals(conn: Connection) -> list[Due]:
    """The oldest of every gateway: whoever makes central work for hours holds up himself alone."""
    reached = scan_reach
    pending = (interval.c.gateway == reached.c.gateway, interval.c.recompute == PENDING)
    by_number = and_(
        interval.c.scans_epoch == reached.c.epoch, interval.c.telemetry_end <= reached.c.reach
    )
    # Once an epoch's own scans come, nothing of those before it will come any more.
    rows = conn.execute(
        select(
            reached.c.gateway,
            reached.c.epoch,
            reached.c.reach,
            and_(
                reached.c.is_native,
                reached.c.epoch > 0,
                exists().where(*pending, interval.c.scans_epoch < reached.c.epoch),
            ).label("is_past"),
            exists().where(*pending, by_number).label("is_reached"),
        ).order_by(reached.c.gateway, reached.c.epoch.desc())
    )
    settled: dict[str, ColumnElement[bool]] = {}
    for row in rows:
        if row.is_past:
            settled.setdefault(row.gateway, interval.c.scans_epoch < row.epoch)
        elif row.is_reached:  # of several the oldest counts: it comes last
            settled[row.gateway] = and_(
                interval.c.scans_epoch == row.epoch, interval.c.telemetry_end <= row.reach
            )
    return [one for gateway, which in settled.items() for one in _of(conn, gateway, which)]


def _of(conn: Connection, gateway: str, which: ColumnElement[bool]) -> list[Due]:
    """At least one interval, and no more when their scans pass SCANS_AT_ONCE."""
    query = (
        select(
            interval.c.epoch,
            interval.c.seq,
            interval.c.scans_epoch,
            interval.c.telemetry_first,
            interval.c.telemetry_end,
        )
        .where(interval.c.gateway == gateway, interval.c.recompute == PENDING, which)
        .order_by(interval.c.epoch, interval.c.seq)
        .limit(AT_ONCE)
    )
    due: list[Due] = []
    scans, last = 0, (0, 0)
    for epoch, seq, scans_epoch, first, end in conn.execute(query):
        if (first, end) != last:  # parts of a gap are made again together
            scans, last = scans + end - first, (first, end)
        if due and scans > SCANS_AT_ONCE:
            break
        due.append(Due(Origin(gateway, Log.BILLING, epoch), seq, scans_epoch))
    return due
