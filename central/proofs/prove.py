"""One leaf with its proof, and what explains it: the files that a customer takes away."""

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, func, or_, select

from central.proofs.frontiers import frontier_before
from central.proofs.stored import batch_at
from central.store.database import Store
from central.store.ledger_tables import configuration, interval, register_map
from central.store.log_tables import head
from protocols.audit.bodies import config_of, interval_of
from protocols.audit.proof_folder import CONFIGURATION, KEYS_FILE, LEAF, MAP, pair
from protocols.evidence.errors import EvidenceError
from protocols.evidence.leaf import Kind, Leaf, Log, Origin, decode_leaf, encode_leaf, leaf_hash
from protocols.evidence.merkle_path import (
    inclusion_path,
    leaf_nodes,
    nodes_of,
    nodes_of_frontier,
)
from protocols.evidence.proof import Proof, encode_proof
from protocols.evidence.published import with_receipt
from protocols.evidence.upload import decode_upload, open_leaves


class ProofError(Exception):
    """There is nothing to prove so; says why and what to do."""


class Place(NamedTuple):
    """Where a leaf stands."""

    origin: Origin
    seq: int


class ProvenFiles(NamedTuple):
    """A leaf's bytes and the text of its proof."""

    leaf: Leaf
    data: bytes
    proof: bytes


def prove_leaf(store: Store, place: Place) -> ProvenFiles:
    """A leaf and its proof. Raises ProofError."""
    origin, seq = place
    with store.engine.connect() as conn:
        batch = batch_at(conn, origin, seq)
    if batch is None:
        raise ProofError(f"{origin}: central holds no leaf {seq}; look at the gateway's log")
    if not batch.receipt:
        raise ProofError(f"{origin} leaf {seq}: not countersigned yet; ask again in a moment")
    try:
        upload = decode_upload(batch.upload)
        leaves = {leaf.seq: encode_leaf(leaf) for leaf in open_leaves(upload, batch.size)}
        if seq not in leaves:
            raise ProofError(f"{origin} leaf {seq}: only its hash is held; a loss leaf tells why")
        nodes = nodes_of_frontier(frontier_before(store, origin, batch.first))
        nodes |= leaf_nodes((at, leaf_hash(data)) for at, data in leaves.items())
        for hole in upload.holes:
            nodes |= nodes_of(hole.first, hole.end, hole.hashes)
        path = inclusion_path(seq, batch.size, nodes)
    except (EvidenceError, ValueError) as error:
        raise ProofError(f"{origin} leaf {seq}: {error}; restore the store from a backup") from None
    proof = Proof(seq, path, with_receipt(upload.checkpoint, batch.receipt))
    return ProvenFiles(decode_leaf(leaves[seq]), leaves[seq], encode_proof(proof))


def proof_files(store: Store, place: Place, keys: bytes) -> dict[str, bytes]:
    """All files of a proof by name: the leaf, what explains it, the published keys."""
    proven = prove_leaf(store, place)
    parts = {LEAF: proven}
    with store.engine.connect() as conn:
        explained_by = explaining(conn, proven.leaf)
    parts |= {part: prove_leaf(store, place) for part, place in explained_by.items()}
    files = {KEYS_FILE: keys}
    for part, one in parts.items():
        files |= dict(zip(pair(part), (one.data, one.proof), strict=True))
    return files


def explaining(conn: Connection, leaf: Leaf) -> dict[str, Place]:
    """Where the leaves stand that this one's figures are read by."""
    if leaf.kind is Kind.SCAN:
        found = _map_place(conn, leaf.gateway, leaf.reference)
        return {} if found is None else {MAP: found}
    if leaf.kind is not Kind.INTERVAL:
        return {}
    row = conn.execute(
        select(configuration.c.epoch, configuration.c.seq, configuration.c.leaf)
        .where(
            configuration.c.gateway == leaf.gateway,
            configuration.c.hash == interval_of(leaf).config_hash,
            configuration.c.run != "",
            _before(configuration, leaf),
        )
        .order_by(configuration.c.epoch.desc(), configuration.c.seq.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return {}
    places = {CONFIGURATION: _billing(leaf.gateway, row.epoch, row.seq)}
    meter = config_of(decode_leaf(row.leaf)).meter_serial
    at_meter = conn.execute(
        select(register_map.c.epoch, register_map.c.seq)
        .where(
            register_map.c.gateway == leaf.gateway,
            register_map.c.serial == meter,
            _before(register_map, leaf),
        )
        .order_by(register_map.c.epoch.desc(), register_map.c.seq.desc())
        .limit(1)
    ).one_or_none()
    if at_meter is not None:
        places[MAP] = _billing(leaf.gateway, *at_meter)
    return places


def interval_at(conn: Connection, gateway: str, run: str, at_ms: int) -> Place:
    """The interval of a run that an instant (UTC ms) lies in. Raises ProofError."""
    row = conn.execute(
        select(interval.c.epoch, interval.c.seq)
        .where(
            interval.c.gateway == gateway,
            interval.c.run == run,
            interval.c.start_utc_ms <= at_ms,
            interval.c.end_utc_ms > at_ms,
        )
        .order_by(interval.c.epoch.desc(), interval.c.seq.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        raise ProofError(f"{gateway} / {run}: no interval at that time; look at the run's page")
    return _billing(gateway, row.epoch, row.seq)


def newest_epoch(conn: Connection, gateway: str, log: Log) -> int:
    """The newest epoch that central holds of a log. Raises ProofError."""
    epoch = conn.execute(
        select(func.max(head.c.epoch)).where(head.c.gateway == gateway, head.c.log == log.value)
    ).scalar_one()
    if epoch is None:
        raise ProofError(f"{gateway}: nothing of its {log.value} log is at central")
    return int(epoch)


def _map_place(conn: Connection, gateway: str, hash_: bytes) -> Place | None:
    row = conn.execute(
        select(register_map.c.epoch, register_map.c.seq).where(
            register_map.c.gateway == gateway, register_map.c.hash == hash_
        )
    ).one_or_none()
    return None if row is None else _billing(gateway, *row)


def _before(table: Table, leaf: Leaf) -> ColumnElement[bool]:
    """What stood in the log before the leaf."""
    same = and_(table.c.epoch == leaf.epoch, table.c.seq < leaf.seq)
    return or_(table.c.epoch < leaf.epoch, same)


def _billing(gateway: str, epoch: int, seq: int) -> Place:
    return Place(Origin(gateway, Log.BILLING, epoch), seq)
