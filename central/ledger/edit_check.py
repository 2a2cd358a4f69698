"""Every edit of the store looked at again: its hash, its columns, its original, the one before."""

from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, and_, select

from central.ledger.bodies import interval_of
from central.ledger.edits import (
    VOLUMES,
    EditSum,
    Head,
    columns_of,
    config_of,
    edit_sums,
    head_of,
    noted_fault,
    record_of,
)
from central.store.edit_tables import edit
from central.store.ledger_tables import interval
from protocols.evidence.leaf import decode_leaf, leaf_hash
from protocols.metering.edited import (
    FIRST_VERSION,
    NO_EDIT,
    Amounts,
    EditedRecord,
    EditKind,
    faults,
)

MAX_FAULTS: Final = 20
_ROWS_AT_ONCE: Final = 500


class Checked(NamedTuple):
    """Where the chain ends, and what is wrong with it."""

    head: Head
    faults: tuple[str, ...]


class _Walk:
    """What a walk along the chain remembers; `newest`: the figures of each interval so far."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.at = Head(0, NO_EDIT)
        self.newest: dict[tuple[str, int, int], tuple[int, Amounts]] = {}
        self.sums: dict[tuple[str, str], EditSum] = {}

    def step(self, row: Any) -> list[str]:
        """Look at the next edit; what is wrong with it."""
        try:
            record = record_of(row.body)
        except ValueError as error:
            return [f"cannot be read: {error}"]
        found = []
        if row.number != self.at.size + 1:
            found.append(f"follows number {self.at.size}: one was taken away")
        if record.hash(self.at.hash) != row.hash:
            found.append("its hash is not that of its content and of the edit before it")
        if any(getattr(row, name) != value for name, value in columns_of(record).items()):
            found.append("its columns are not what its body says")
        found += self._against_version_before(row, record)
        if record.kind == EditKind.RECALCULATED and not self._has_configuration(record):
            found.append("the configuration it was made under is not kept")
        self.at = Head(row.number, row.hash)
        return found

    def _against_version_before(self, row: Any, record: EditedRecord) -> list[str]:
        original = record.original
        key = (original.gateway, original.epoch, original.seq)
        if key not in self.newest:
            if row.leaf is None:
                return ["its original is not in the ledger; run edge-central rebuild first"]
            if leaf_hash(row.leaf) != original.leaf_hash:
                return ["its original is another record than the one that was edited"]
            self.newest[key] = 1, Amounts.of(interval_of(decode_leaf(row.leaf)))
        version, before = self.newest[key]
        self.newest[key] = record.version, record.amounts
        self._add(record, before)
        found = faults(record, before)
        return found if record.version == version + 1 else [*found, f"follows version {version}"]

    def _add(self, record: EditedRecord, before: Amounts) -> None:
        key = (record.original.gateway, record.run)
        old = self.sums.get(key, EditSum())
        moved = (getattr(record.amounts, name) - getattr(before, name) for name in VOLUMES)
        self.sums[key] = EditSum(
            old.edits + 1,
            old.intervals + (record.version == FIRST_VERSION),
            *(a + b for a, b in zip(old[2:], moved, strict=True)),
        )

    def _has_configuration(self, record: EditedRecord) -> bool:
        try:
            config = config_of(self.conn, record.original.gateway, record.config_hash)
        except ValueError:
            return False
        return config is not None and config.hash() == record.config_hash

    def sum_faults(self) -> list[str]:
        """Whether the runs' sums are those of their edits."""
        kept = edit_sums(self.conn)
        runs = sorted(kept.keys() | self.sums.keys())
        return [
            f"edits of {gateway}/{run}: their sum is not what is noted of them"
            for gateway, run in runs
            if kept.get((gateway, run)) != self.sums.get((gateway, run))
        ]


def check_edits(conn: Connection, noted: str = "") -> Checked:
    """The whole chain. `noted`: a head that somebody wrote down ("12:ab..."), to be found in it."""
    found = [fault] if (fault := noted_fault(conn)) else []
    walk = _Walk(conn)
    met = noted in ("", str(walk.at))
    query = (
        select(edit, interval.c.leaf)
        .outerjoin(
            interval,
            and_(*(interval.c[name] == edit.c[name] for name in ("gateway", "epoch", "seq"))),
        )
        .order_by(edit.c.number)
        .execution_options(yield_per=_ROWS_AT_ONCE)
    )
    for row in conn.execute(query):
        found += [f"edit {row.number}: {fault}" for fault in walk.step(row)]
        met = met or noted == str(walk.at)
        if len(found) >= MAX_FAULTS:
            break
    else:
        found += walk.sum_faults()
        if not met:
            found.append(f"edits: {noted[:80]!r} is no edit of this store; some were taken away")
    return Checked(head_of(conn), tuple(found[:MAX_FAULTS]))
