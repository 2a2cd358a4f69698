"""The scans that an interval was made of, out of the stored batches, decoded."""

from typing import Final, NamedTuple

from sqlalchemy import Connection

from central.ledger.batches import BatchReader
from central.ledger.configurations import map_before
from central.ledger.due import Due
from central.ledger.reappended import scans_between
from central.ledger.telemetry import scan_of
from protocols.evidence.leaf import Kind
from protocols.metering.interval import IntervalRecord
from protocols.metering.run_config import RunConfig
from protocols.metering.scan import Scan
from protocols.registers.register_map import RegisterMap

MAX_SCANS: Final = 300_000
"""Scans of the run's own devices in one interval, which are held in memory for a recompute: ten
days without an answer of the meter while both transmitters go on each 6 s."""


class Sources(NamedTuple):
    """Where an interval's scans, and the maps that decode them, come from.

    `maps` found so far, by gateway and hash: for intervals that are asked for in the order of
    their log, what came before one came before the next.
    """

    conn: Connection
    reader: BatchReader
    maps: dict[tuple[str, bytes], RegisterMap]


class Held(NamedTuple):
    """The scans of a run's devices in an interval's range; `missing` leaves of it are not held."""

    scans: list[Scan]
    missing: int


def scans_of(sources: Sources, due: Due, record: IntervalRecord, config: RunConfig) -> Held:
    """The scans of the run's devices in the record's range, as far as they are held.

    Raises ValueError where one has no map, or where they are too many, and DamagedBatch.
    """
    scans: list[Scan] = []
    serials, points = config.serials, config.points
    first, end = record.telemetry_first, record.telemetry_end
    leaves = 0
    for part in scans_between(sources.conn, sources.reader, due.telemetry, first, end):
        leaves += len(part)
        for leaf in part:
            if leaf.subject not in serials or leaf.kind is not Kind.SCAN:
                continue
            if len(scans) == MAX_SCANS:
                raise ValueError(f"more than {MAX_SCANS} scans of the run's devices")
            scan = scan_of(leaf, _map_of(sources, due, leaf.reference))
            # all other points would only take memory
            values = {name: value for name, value in scan.values.items() if name in points}
            scans.append(scan._replace(values=values))
    return Held(scans, max(end - first - leaves, 0))


def _map_of(sources: Sources, due: Due, hash_: bytes) -> RegisterMap:
    key = (due.origin.gateway, hash_)
    found = sources.maps.get(key)
    if found is None:
        found = map_before(sources.conn, due.origin, hash_, due.seq)
        if found is None:
            raise ValueError(f"register map {hash_.hex()[:16]} is not known")
        sources.maps[key] = found
    return found
