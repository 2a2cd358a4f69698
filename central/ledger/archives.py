"""Records of devices' archives: from leaves into rows, and what readers ask of a run's gaps."""

import json
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, Row, insert, select

from central.ledger.alarms import Alarm
from central.ledger.archive_compare import Comparison, Decoded, GapEnds, Verdict, compare
from central.ledger.bodies import MAX_UTC_MS
from central.ledger.configurations import map_before, map_of, parsed_config
from central.ledger.going import Going
from central.ledger.place import LeafAt
from central.ledger.reappended import place_of
from central.store.ledger_tables import archive_record, configuration, event
from protocols.evidence.leaf import Leaf, Log, Origin, decode_leaf, encode_leaf
from protocols.metering.run_config import RunConfig
from protocols.registers.archive_record import (
    ArchiveRecord,
    decode_words,
    device_time,
    moment_of,
)
from protocols.registers.codec import Value

MAX_RECORDS: Final = 5_000
"""Of one answer; a year of hours has 8,760."""


class ArchiveValue(NamedTuple):
    """One figure of a record, in the device's own unit."""

    name: str
    number: int | float | None
    unit: str


class ArchiveRow(NamedTuple):
    """One record from the device's archive; `device_time` is its own wall clock."""

    seq: int
    serial: str
    archive: str
    number: int
    device_time: str
    utc_ms: int | None
    offset_ms: int | None
    period_s: int
    values: tuple[ArchiveValue, ...]


class GapArchive(NamedTuple):
    """What one archive says of one gap, beside the gap's own figures by the index."""

    gateway: str
    run: str
    gap_seq: int
    archive: str
    start_utc_ms: int
    end_utc_ms: int
    index_start: int | None
    index_end: int | None
    gap_cm3: int | None
    archive_cm3: int | None
    verdict: str
    records: tuple[ArchiveRow, ...]


def apply_archive(going: Going, leaf: Leaf) -> list[Alarm]:
    """Raises ValueError where the record does not decode to the time that the leaf tells.

    The gap's number is of the epoch that the leaf was first recorded in.
    """
    place = going.place
    numbered = LeafAt(leaf.epoch, leaf.seq) if leaf.was is None else LeafAt(*leaf.was[:2])
    record = ArchiveRecord.from_body(leaf.body)
    map_ = map_before(place.conn, place.origin, leaf.reference, leaf.seq)
    if map_ is None:
        raise ValueError("archive record: names a map that never came")
    if device_time(record.clock, map_, record.words) != record.device_s:
        raise ValueError("archive record: its words show another time")
    if record.gap.seq >= numbered.seq or record.gap.end_utc_ms > MAX_UTC_MS:
        raise ValueError("archive record: its gap is none before it")
    place.conn.execute(
        insert(archive_record).values(
            **place.key(leaf),
            serial=leaf.subject,
            archive=record.archive,
            run=record.gap.run,
            number=record.number,
            device_s=record.device_s,
            period_s=record.period_s,
            gap_epoch=numbered.epoch,
            gap_seq=record.gap.seq,
            received_ms=place.received_ms,
            utc_ms=record.utc_ms,
            map_hash=leaf.reference,
            leaf=encode_leaf(leaf),
        )
    )
    return []


def gap_archives(
    conn: Connection, gateway: str, run: str, limit: int = MAX_RECORDS
) -> list[GapArchive]:
    """A run's gaps of which an archive told, newest first; of at most `limit` newest records."""
    rows = conn.execute(
        select(archive_record)
        .where(archive_record.c.gateway == gateway, archive_record.c.run == run)
        .order_by(archive_record.c.epoch.desc(), archive_record.c.seq.desc())
        .limit(limit)
    ).all()
    groups: dict[tuple[int, int, str], list[Row[tuple[object, ...]]]] = {}
    for row in reversed(rows):
        groups.setdefault((row.gap_epoch, row.gap_seq, row.archive), []).append(row)
    return [
        _gap(conn, gateway, run, epoch, found) for (epoch, _, _), found in reversed(groups.items())
    ]


def gap_object(gap: GapArchive) -> dict[str, object]:
    """As JSON has it."""
    records = [
        row._asdict() | {"values": [value._asdict() for value in row.values]} for row in gap.records
    ]
    return gap._asdict() | {"source": "device_archive", "records": records}


def _gap(
    conn: Connection, gateway: str, run: str, epoch: int, rows: Sequence[Row[tuple[object, ...]]]
) -> GapArchive:
    read = [(row, ArchiveRecord.from_body(decode_leaf(row.leaf).body)) for row in rows]
    decoded = []
    for row, record in read:
        map_ = map_of(conn, gateway, row.map_hash)
        assert map_ is not None  # apply_archive saw it
        values = decode_words(map_, record.words)
        decoded.append(Decoded(record.utc_ms, record.device_s, record.period_s, values, map_))
    gap = read[0][1].gap
    at = place_of(conn, Origin(gateway, Log.BILLING, epoch), gap.seq)
    indexes = _indexes(conn, gateway, *at)
    config = _config_at(conn, gateway, at[0], run, at[1])
    compared = Comparison(Verdict.NOT_COMPARED, None, None)
    if config is not None and indexes is not None:
        compared = compare(config, GapEnds(gap.start_utc_ms, gap.end_utc_ms, *indexes), decoded)
    return GapArchive(
        gateway,
        run,
        gap.seq,
        read[0][1].archive,
        gap.start_utc_ms,
        gap.end_utc_ms,
        indexes[0] if indexes else None,
        indexes[1] if indexes else None,
        compared.gap_cm3,
        compared.archive_cm3,
        compared.verdict.value,
        tuple(
            _row(row, record, one.values) for (row, record), one in zip(read, decoded, strict=True)
        ),
    )


def _row(
    row: Row[tuple[object, ...]], record: ArchiveRecord, values: Mapping[str, Value]
) -> ArchiveRow:
    hidden = set(record.clock.points)
    return ArchiveRow(
        row.seq,
        row.serial,
        record.archive,
        record.number,
        moment_of(record.device_s).isoformat(" "),
        record.utc_ms,
        record.offset_ms,
        record.period_s,
        tuple(
            ArchiveValue(name, value.number, value.unit)
            for name, value in values.items()
            if name not in hidden
        ),
    )


def _indexes(conn: Connection, gateway: str, epoch: int, seq: int) -> tuple[int, int] | None:
    """What the gap's event says of the line index."""
    row = conn.execute(
        select(event.c.old, event.c.new).where(
            event.c.gateway == gateway, event.c.epoch == epoch, event.c.seq == seq
        )
    ).one_or_none()
    if row is None:
        return None
    old, new = json.loads(row.old), json.loads(row.new)
    return (old, new) if type(old) is int and type(new) is int else None


def _config_at(conn: Connection, gateway: str, epoch: int, run: str, seq: int) -> RunConfig | None:
    """The run's configuration that was in force at the gap's event."""
    leaf = conn.execute(
        select(configuration.c.leaf)
        .where(
            configuration.c.gateway == gateway,
            configuration.c.run == run,
            (configuration.c.epoch < epoch)
            | ((configuration.c.epoch == epoch) & (configuration.c.seq < seq)),
        )
        .order_by(configuration.c.epoch.desc(), configuration.c.seq.desc())
        .limit(1)
    ).scalar_one_or_none()
    return None if leaf is None else parsed_config(leaf)
