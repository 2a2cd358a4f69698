"""The store's edits of intervals: how one is booked, and how a missing or changed one is noticed.

Each edit's hash covers the one before it in the whole store, whatever its run. Where the last ones
are cut off, `edit_head` tells; whoever can write to all of the database could mend that, too, so
every command shows the head, and `edit_check.check_edits` finds one that was noted on paper.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from central.store.edit_tables import edit, edit_configuration, edit_head, edit_sum
from protocols.evidence import cbor
from protocols.evidence.errors import Malformed
from protocols.metering.edited import (
    FIRST_VERSION,
    NO_EDIT,
    Amounts,
    EditedRecord,
    faults,
)
from protocols.metering.run_config import RunConfig
from protocols.metering.run_config_faults import parse_run_config

VOLUMES: Final = (
    "line_main_cm3", "line_error_cm3", "line_reverse_cm3", "base_main_cm3", "base_error_cm3",
)  # fmt: skip
_CHAIN: Final = "interval"
_MAX_BODY_BYTES: Final = 8 * 1024
_MAX_BODY_ITEMS: Final = 256
_MAX_CONFIG_BYTES: Final = 64 * 1024
_MAX_CONFIG_ITEMS: Final = 4096


class EditError(Exception):
    """An edit that cannot be made; says what, and what to do."""


class Head(NamedTuple):
    """How many edits the store has, and the hash of the last."""

    size: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.size}:{self.hash.hex()}"


class NewEdit(NamedTuple):
    """An edit to book, with the figures of the version before and, if recalculated, by what."""

    record: EditedRecord
    before: Amounts
    config: RunConfig | None = None


class EditSum(NamedTuple):
    """What the edits of one run add to its sums as recorded."""

    edits: int = 0
    intervals: int = 0
    line_main_cm3: int = 0
    line_error_cm3: int = 0
    line_reverse_cm3: int = 0
    base_main_cm3: int = 0
    base_error_cm3: int = 0


def edit_sums(conn: Connection) -> dict[tuple[str, str], EditSum]:
    """By gateway and run; runs without an edit are not there."""
    columns = [edit_sum.c[name] for name in EditSum._fields]
    rows = conn.execute(select(edit_sum.c.gateway, edit_sum.c.run, *columns))
    return {(gateway, run): EditSum(*map(int, values)) for gateway, run, *values in rows}


def head_of(conn: Connection) -> Head:
    """Where the chain ends, as it is noted."""
    columns = (edit_head.c.size, edit_head.c.hash)
    row = conn.execute(select(*columns).where(edit_head.c.chain == _CHAIN)).one_or_none()
    return Head(0, NO_EDIT) if row is None else Head(*row)


def record_of(body: bytes) -> EditedRecord:
    """The edit in the bytes of a row. Raises ValueError."""
    return EditedRecord.from_body(_decoded(body, "edit", _MAX_BODY_BYTES, _MAX_BODY_ITEMS))


def config_of(conn: Connection, gateway: str, hash_: bytes) -> RunConfig | None:
    """The corrected configuration with this hash, where one is kept. Raises ValueError."""
    table = edit_configuration
    query = select(table.c.body).where(table.c.gateway == gateway, table.c.hash == hash_)
    body = conn.execute(query).scalar_one_or_none()
    if body is None:
        return None
    what = "corrected configuration"
    return parse_run_config(_decoded(body, what, _MAX_CONFIG_BYTES, _MAX_CONFIG_ITEMS))


def _decoded(data: bytes, what: str, max_bytes: int, max_items: int) -> object:
    """What central itself wrote may have been changed since: then it is no value any more."""
    try:
        return cbor.decode(data, what, max_bytes, max_items)
    except Malformed as error:
        raise ValueError(str(error)) from None


def check_edit(new: NewEdit) -> None:
    """Raises EditError with every fault of an edit."""
    if found := faults(new.record, new.before):
        raise EditError(f"interval {new.record.original.seq}: {'; '.join(found)}")


def append_edits(conn: Connection, edits: Sequence[NewEdit]) -> Head:
    """Book edits of one run, all in the caller's transaction or none. Raises EditError.

    Another command may have booked one since these were worked out: then their version is not the
    next, and nothing is written.
    """
    run, gateway = edits[0].record.run, edits[0].record.original.gateway
    if fault := noted_fault(conn):
        raise EditError(f"{fault}; restore the store from a backup before anything is edited")
    versions = _versions(conn, gateway, run)
    head, rows = head_of(conn), []
    for new in edits:
        record, key = new.record, new.record.original[1:3]
        assert (record.original.gateway, record.run) == (gateway, run)
        if record.version != versions.get(key, 1) + 1:
            raise EditError(
                f"interval {key[1]} of {gateway}/{run} was edited meanwhile; look at it and repeat"
            )
        check_edit(new)
        head = Head(head.size + 1, record.hash(head.hash))
        rows.append(_row(record, head))
    conn.execute(insert(edit), rows)
    _move_head(conn, head)
    _add_up(conn, gateway, run, edits)
    _keep_configurations(conn, gateway, edits)
    return head


def noted_fault(conn: Connection) -> str | None:
    """What is wrong between the edits and what is noted of them: the cheap part of the check."""
    head = head_of(conn)
    size, last = conn.execute(select(func.count(), func.max(edit.c.number)).select_from(edit)).one()
    if (size, last or 0) != (head.size, head.size):
        return f"edits: {size} are there, the last is number {last or 0}, {head.size} were made"
    hash_ = conn.scalar(select(edit.c.hash).where(edit.c.number == head.size))
    if hash_ is not None and hash_ != head.hash:
        return f"edits: number {head.size} is not the one that was made"
    return None


def _row(record: EditedRecord, head: Head) -> dict[str, object]:
    return {
        **columns_of(record),
        "number": head.size,
        "body": cbor.encode(record.to_body()),
        "hash": head.hash,
    }


def columns_of(record: EditedRecord) -> dict[str, object]:
    """The columns that repeat the body."""
    original = record.original
    return {
        "gateway": original.gateway,
        "epoch": original.epoch,
        "seq": original.seq,
        "version": record.version,
        "run": record.run,
        "kind": str(record.kind),
        "at_ms": record.at_ms,
        **record.amounts._asdict(),
    }


def _versions(conn: Connection, gateway: str, run: str) -> dict[tuple[int, int], int]:
    """The newest version of every edited interval of a run, by epoch and seq."""
    rows = conn.execute(
        select(edit.c.epoch, edit.c.seq, func.max(edit.c.version))
        .where(edit.c.gateway == gateway, edit.c.run == run)
        .group_by(edit.c.epoch, edit.c.seq)
    )
    return {(epoch, seq): version for epoch, seq, version in rows}


def _move_head(conn: Connection, head: Head) -> None:
    values = head._asdict()
    done = conn.execute(update(edit_head).where(edit_head.c.chain == _CHAIN).values(**values))
    if done.rowcount == 0:
        conn.execute(insert(edit_head).values(chain=_CHAIN, **values))


def _add_up(conn: Connection, gateway: str, run: str, edits: Sequence[NewEdit]) -> None:
    before = edit_sums(conn).get((gateway, run))
    old = before or EditSum()
    values: dict[str, object] = {
        "edits": old.edits + len(edits),
        "intervals": old.intervals + sum(new.record.version == FIRST_VERSION for new in edits),
    }
    for name in VOLUMES:
        moved = sum(getattr(new.record.amounts, name) - getattr(new.before, name) for new in edits)
        values[name] = str(getattr(old, name) + moved)
    if before is None:
        conn.execute(insert(edit_sum).values(gateway=gateway, run=run, **values))
    else:
        where = (edit_sum.c.gateway == gateway, edit_sum.c.run == run)
        conn.execute(update(edit_sum).where(*where).values(**values))


def _keep_configurations(conn: Connection, gateway: str, edits: Sequence[NewEdit]) -> None:
    table = edit_configuration
    for config in {new.config for new in edits if new.config is not None}:
        values = {"gateway": gateway, "hash": config.hash()}
        kept = select(table.c.hash).filter_by(**values)
        if conn.execute(kept).first() is None:
            conn.execute(insert(table).values(**values, body=cbor.encode(config.to_body())))
