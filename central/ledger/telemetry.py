"""Telemetry leaves into rows: each device's last scan. All scans stay in their batches."""

from sqlalchemy import Connection, insert, update

from central.ledger.alarms import store_alarms
from central.ledger.batches import Batch, BatchReader
from central.ledger.bodies import utc_of
from central.ledger.losses import store_ranges
from central.ledger.reappended import take_scans
from central.store.ledger_tables import scan_head
from protocols.evidence.leaf import Kind, Leaf, Origin, encode_leaf
from protocols.metering.instant import Instant
from protocols.metering.scan import Scan
from protocols.registers.codec import decode_scan
from protocols.registers.register_map import RegisterMap


def apply_telemetry(conn: Connection, origin: Origin, batch: Batch, reader: BatchReader) -> None:
    """Move each device's last scan forward, and say what scans are settled."""
    alarms = store_ranges(conn, origin, batch)
    alarms += take_scans(conn, reader, origin, batch.leaves, batch.size)
    store_alarms(conn, origin, alarms, batch.received_ms)
    last = {leaf.subject: leaf for leaf in batch.leaves if leaf.kind is Kind.SCAN}
    for serial, leaf in last.items():
        values = {
            "epoch": origin.epoch,
            "seq": leaf.seq,
            "utc_ms": utc_of(leaf),
            "quality": leaf.quality,
            "map_hash": leaf.reference,
            "leaf": encode_leaf(leaf),
        }
        done = conn.execute(
            update(scan_head)
            .where(scan_head.c.gateway == origin.gateway, scan_head.c.serial == serial)
            .values(**values)
        )
        if done.rowcount == 0:
            conn.execute(insert(scan_head).values(gateway=origin.gateway, serial=serial, **values))


def scan_of(leaf: Leaf, register_map: RegisterMap) -> Scan:
    """The scan's values. Raises ValueError where the body does not fit the map."""
    raws = [raw for raw in leaf.body if raw is None or type(raw) is int]
    if len(raws) != len(leaf.body):
        raise ValueError(f"scan {leaf.seq}: a raw value is no integer")
    instant = Instant(leaf.boot_no, leaf.mono_ms, leaf.utc_ms, leaf.clock_state)
    values = decode_scan(register_map, raws)
    return Scan(leaf.seq, leaf.subject, instant, leaf.quality, values)
