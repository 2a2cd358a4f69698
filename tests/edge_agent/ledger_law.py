"""Judges a journal file as a stranger would: from its rows alone."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from edge_agent.journal.state_rows import join, unpack
from protocols.evidence.leaf import Kind, Leaf, Log, Origin, decode_leaf, encode_leaf, leaf_hash
from protocols.evidence.merkle import EMPTY, Frontier
from protocols.evidence.upload import decode_upload, open_leaves
from protocols.metering.interval import IntervalRecord
from protocols.metering.run import RunState, Step, step
from protocols.metering.run_config import RunConfig
from protocols.metering.run_config_faults import parse_run_config
from protocols.metering.scan import Scan
from protocols.registers.codec import decode_scan
from protocols.registers.register_map import RegisterMap


@dataclass
class Found:
    """What a journal holds."""

    leaves: dict[Log, list[Leaf]]
    sizes: dict[Log, int]
    receipted: dict[Log, int]

    def of(self, kind: Kind) -> list[Leaf]:
        return [leaf for leaf in self.leaves[kind.log] if leaf.kind is kind]

    def intervals(self) -> list[IntervalRecord]:
        return [IntervalRecord.from_body(leaf.body) for leaf in self.of(Kind.INTERVAL)]

    def events(self) -> list[str]:
        return [str(leaf.body[0]) for leaf in self.of(Kind.EVENT)]


def read_journal(path: Path) -> Found:
    """All leaves of both logs, from batches and rows; asserts that they are whole and fit."""
    found = Found({}, {}, {})
    with sqlite3.connect(path) as connection:
        for log in Log:
            row = connection.execute(
                "SELECT epoch, size, frontier, receipted_size, receipted_frontier FROM log "
                "WHERE log = ?",
                (log.value,),
            ).fetchone() or (0, 0, b"", 0, b"")
            epoch, size, frontier, receipted, receipted_frontier = row
            sealed = _sealed(connection, Origin("gw-1", log, epoch))
            rows = connection.execute(f"SELECT seq, leaf FROM {log.value} ORDER BY seq").fetchall()
            assert [seq for seq, _ in rows] == list(range(receipted, size)), "a row lost or doubled"
            leaves = sealed + [decode_leaf(data) for _, data in rows]
            assert [leaf.seq for leaf in leaves] == list(range(size)), "a leaf lost or doubled"
            hashes = [leaf_hash(encode_leaf(leaf)) for leaf in leaves]
            assert EMPTY.extend(hashes) == Frontier.from_bytes(size, frontier)
            assert EMPTY.extend(hashes[:receipted]) == Frontier.from_bytes(
                receipted, receipted_frontier
            )
            found.leaves[log], found.sizes[log], found.receipted[log] = leaves, size, receipted
        openings = dict(connection.execute("SELECT run, opening FROM run_opening").fetchall())
        rests = dict(connection.execute("SELECT run, state FROM run_state").fetchall())
        states = {run: unpack(rows, run) for run, rows in join(openings, rests).items()}
    connection.close()
    _check_pipeline(found, states)
    return found


def _sealed(connection: sqlite3.Connection, origin: Origin) -> list[Leaf]:
    leaves: list[Leaf] = []
    rows = connection.execute(
        "SELECT size, upload FROM batch WHERE log = ? ORDER BY first", (origin.log.value,)
    )
    for size, data in rows:
        leaves += open_leaves(decode_upload(data), size)
    return leaves


def _check_pipeline(found: Found, states: dict[str, RunState]) -> None:
    """Replaying the scans under the configurations gives the stored states and records.

    For journals of one configuration without a stop: those close intervals early.
    """
    stops = {"agent_stopped", "configuration_changed", "run_removed"}
    if stops & set(found.events()):
        return
    maps = {
        leaf.reference: RegisterMap.from_body(leaf.body) for leaf in found.of(Kind.REGISTER_MAP)
    }
    records: list[IntervalRecord] = []
    for leaf in found.of(Kind.CONFIGURATION):
        if not leaf.subject:
            continue
        config, state = parse_run_config(leaf.body), RunState.new()
        for scan in found.leaves[Log.TELEMETRY]:
            taken = _step(config, state, scan, maps)
            state = taken.state
            records += taken.records
        assert state == states[config.run], "the state is not that of the leaves"
    assert found.intervals() == records, "an interval is not that of the scans"


def _step(config: RunConfig, state: RunState, leaf: Leaf, maps: dict[bytes, RegisterMap]) -> Step:
    values = decode_scan(maps[leaf.reference], leaf.body)  # type: ignore[arg-type]
    instant = (leaf.boot_no, leaf.mono_ms, leaf.utc_ms, leaf.clock_state)
    from protocols.metering.instant import Instant

    return step(
        config, state, Scan(leaf.seq, leaf.subject, Instant(*instant), leaf.quality, values)
    )


def passed_counts(found: Found, point: str = "vm") -> int:
    """What all interval records together say of one total: main, error and quarantined."""
    return sum(
        total.main + total.error + total.quarantined
        for record in found.intervals()
        for total in record.totals
        if total.point == point
    )
