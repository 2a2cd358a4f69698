"""What a log tells of its boots' clocks, and the rows whose instants follow from it.

An instant that no synchronised clock told waits in `untimed`. The boot's next synchronised leaf
gives it, and `time_from_ms` then says by what clock; the leaf itself is never rewritten. How the
instants follow is `boots.py`.
"""

from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, update

from central.ledger.boots import MAX_UTC_MS, Between, Boot, Relation, between, derived_utc_ms
from central.ledger.place import Place
from central.ledger.run_sums import move_last_end
from central.store.gap_tables import boot, untimed
from central.store.ledger_tables import event, interval
from protocols.evidence.leaf import Leaf
from protocols.metering.instant import ClockState, Instant

RIGHT_MS: Final = 1_000
"""What a clock may be out and still be right: the agent takes less for jitter, too."""
EVENT_SIDE, START_SIDE, END_SIDE = 0, 1, 2
_COLUMN: Final = {EVENT_SIDE: "utc_ms", START_SIDE: "start_utc_ms", END_SIDE: "end_utc_ms"}


class BootKey(NamedTuple):
    """Boots are numbered by epoch: an old image of the card begins its numbers again."""

    epoch: int
    boot_no: int


class _Known:
    """A row of `boot` while a batch is applied."""

    def __init__(self, values: dict[str, int | None], *, is_stored: bool) -> None:
        self.is_stored = is_stored
        self.before = dict(values) if is_stored else None
        self.values = values
        self.seen_ms: int | None = None  # the last of the present batch


class BootClocks:
    """The boots of one billing batch; `close` writes what became known of them."""

    def __init__(self, place: Place, running_on: BootKey | None = None) -> None:
        """`running_on`: the boot in which the epoch began, if the box ran on through it."""
        self._place = place
        self._running_on = running_on
        self._boots: dict[BootKey, _Known] = {}
        self._waiting: dict[BootKey, bool] = {}

    def see(self, leaf: Leaf) -> None:
        """Take what the leaf's own instant tells, and derive what waited for it."""
        key = self._key(leaf, leaf.boot_no)
        known = self._boot(key)
        known.seen_ms = max(leaf.mono_ms, known.seen_ms or 0)
        known.values["last_mono_ms"] = max(leaf.mono_ms, known.values["last_mono_ms"] or 0)
        if leaf.clock_state != ClockState.SYNCHRONISED or leaf.utc_ms is None:
            return
        if leaf.utc_ms > MAX_UTC_MS:
            return
        if known.values["start_ms"] is None:
            known.values |= {"start_ms": leaf.utc_ms - leaf.mono_ms, "set_ms": leaf.utc_ms}
        if self._is_waited_for(key):
            self._waiting[key] = False
            self._derive(key, Relation(leaf.mono_ms, leaf.utc_ms))

    def wait(self, leaf: Leaf, side: int, instant: Instant) -> None:
        """Note a row's instant, stored already as the leaf tells it, if no clock vouches for it."""
        if instant.clock_state == ClockState.SYNCHRONISED and instant.utc_ms is not None:
            return
        key = self._key(leaf, instant.boot_no)
        start_ms, set_ms = (self._boot(key).values[name] for name in ("start_ms", "set_ms"))
        row = (self._place.origin.epoch, leaf.seq, side, instant.mono_ms)
        if start_ms is not None and set_ms is not None and set_ms - start_ms >= instant.mono_ms:
            # The clock was set after this instant, but before the leaf that tells it.
            self._apply([row], Relation(set_ms - start_ms, set_ms))
            return
        self._waiting[key] = True
        self._place.conn.execute(
            insert(untimed).values(
                gateway=self._place.origin.gateway,
                boot_epoch=key.epoch,
                boot_no=key.boot_no,
                epoch=row[0],
                seq=row[1],
                side=side,
                mono_ms=instant.mono_ms,
            )
        )

    def run_on(self, leaf: Leaf, old_epoch: int) -> None:
        """The boot goes on in this epoch: what waited under the old one's number waits here."""
        old, new = BootKey(old_epoch, leaf.boot_no), BootKey(leaf.epoch, leaf.boot_no)
        self._running_on = new
        before = self._boot(old).values
        self._boots[new] = _Known(dict(before), is_stored=False)
        self._waiting.clear()
        self._place.conn.execute(
            update(untimed)
            .where(
                untimed.c.gateway == leaf.gateway,
                untimed.c.boot_epoch == old.epoch,
                untimed.c.boot_no == old.boot_no,
            )
            .values(boot_epoch=new.epoch)
        )

    def cite(self, leaf: Leaf, received_ms: int) -> None:
        """The leaf cites a receipt of that time, so it was written later."""
        known = self._boot(self._key(leaf, leaf.boot_no)).values
        known["earliest_start_ms"] = max(
            received_ms - leaf.mono_ms, known["earliest_start_ms"] or 0
        )

    def close(self) -> None:
        """Write the boots, with what this batch's receipt says of them."""
        for key, known in self._boots.items():
            if known.seen_ms is not None:
                latest = self._place.received_ms - known.seen_ms
                before = known.values["latest_start_ms"]
                known.values["latest_start_ms"] = latest if before is None else min(latest, before)
            if known.is_stored and known.values != known.before:
                self._place.conn.execute(
                    update(boot).where(*_is(self._place, key)).values(**known.values)
                )
            elif not known.is_stored and known.values["last_mono_ms"] is not None:
                self._place.conn.execute(
                    insert(boot).values(
                        gateway=self._place.origin.gateway, **key._asdict(), **known.values
                    )
                )

    def _key(self, leaf: Leaf, boot_no: int) -> BootKey:
        own = BootKey(leaf.epoch, boot_no)
        if leaf.was is None or own == self._running_on:
            return own
        return BootKey(leaf.was.epoch, boot_no)

    def _boot(self, key: BootKey) -> _Known:
        if key not in self._boots:
            names = (*Boot._fields[2:], "set_ms")
            row = self._place.conn.execute(
                select(*(boot.c[name] for name in names)).where(*_is(self._place, key))
            ).one_or_none()
            values = dict.fromkeys(names) if row is None else dict(row._mapping)
            self._boots[key] = _Known(values, is_stored=row is not None)
        return self._boots[key]

    def _is_waited_for(self, key: BootKey) -> bool:
        """Whether instants of this boot wait; looked up once a batch, however many they are."""
        if key not in self._waiting:
            found = select(untimed.c.seq).where(*self._untimed(key)).limit(1)
            self._waiting[key] = self._place.conn.execute(found).first() is not None
        return self._waiting[key]

    def _untimed(self, key: BootKey) -> tuple[ColumnElement[bool], ...]:
        return (
            untimed.c.gateway == self._place.origin.gateway,
            untimed.c.boot_epoch == key.epoch,
            untimed.c.boot_no == key.boot_no,
        )

    def _derive(self, key: BootKey, relation: Relation) -> None:
        of_boot = self._untimed(key)
        rows = self._place.conn.execute(
            select(untimed.c.epoch, untimed.c.seq, untimed.c.side, untimed.c.mono_ms).where(
                *of_boot
            )
        ).all()
        self._place.conn.execute(delete(untimed).where(*of_boot))
        self._apply([tuple(row) for row in rows], relation)

    def _apply(self, rows: list[tuple[int, int, int, int]], relation: Relation) -> None:
        """Write derived instants into events and intervals, and into the sums of their runs.

        What an unsynchronised clock told stands where it was right.
        """
        for epoch, seq, side, mono_ms in rows:
            utc_ms = derived_utc_ms(relation, mono_ms)
            if utc_ms is None:
                continue
            table = event if side == EVENT_SIDE else interval
            told = table.c[_COLUMN[side]]
            self._place.conn.execute(
                update(table)
                .where(
                    table.c.gateway == self._place.origin.gateway,
                    table.c.epoch == epoch,
                    table.c.seq == seq,
                    or_(told.is_(None), func.abs(told - utc_ms) > RIGHT_MS),
                )
                .values({_COLUMN[side]: utc_ms, "time_from_ms": relation.utc_ms})
            )
        if any(side == END_SIDE for _, _, side, _ in rows):
            move_last_end(self._place.conn, self._place.origin.gateway)


def bounds(
    conn: Connection, gateway: str, leaves: set[tuple[int, int]]
) -> dict[tuple[int, int, int], Between]:
    """Bounds of the instants of these leaves (epoch, seq) that nothing else tells, by side too."""
    rows = [
        row
        for row in conn.execute(
            select(untimed)
            .where(untimed.c.gateway == gateway)
            .where(untimed.c.seq >= min((seq for _, seq in leaves), default=0))
            .where(untimed.c.seq <= max((seq for _, seq in leaves), default=-1))
        )
        if (row.epoch, row.seq) in leaves
    ]
    if not rows:
        return {}
    boots = [
        Boot(*row)
        for row in conn.execute(
            select(*(boot.c[name] for name in Boot._fields)).where(boot.c.gateway == gateway)
        )
    ]
    return {
        (row.epoch, row.seq, row.side): between(boots, row.boot_epoch, row.boot_no, row.mono_ms)
        for row in rows
    }


def _is(place: Place, key: BootKey) -> tuple[ColumnElement[bool], ...]:
    return (
        boot.c.gateway == place.origin.gateway,
        boot.c.epoch == key.epoch,
        boot.c.boot_no == key.boot_no,
    )
