"""The daily checkpoint over all gateways' newest checkpoints: made once a day, kept as files.

    fleet/<day>.checkpoints    the checkpoints with their receipts, in the tree's order
    fleet/<day>.txt            the signed head

The head is written last, and never again: two heads of one day would contradict each other.
"""

import fcntl
import os
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import and_, func, select

from central.proofs.prove import ProofError
from central.proofs.published import published_keys
from central.proofs.publisher import PublisherKeys
from central.secret_file import sync_directory
from central.store.database import Store
from central.store.log_tables import head
from protocols.audit.proof_folder import KEYS_FILE
from protocols.evidence.errors import EvidenceError
from protocols.evidence.fleet import (
    MAX_FLEET,
    fleet_origin,
    fleet_proof,
    fleet_tree,
    in_order,
    leaf_origin,
    open_fleet,
    sign_fleet,
)
from protocols.evidence.leaf import Origin
from protocols.evidence.proof import encode_proof
from protocols.evidence.published import with_receipt
from protocols.evidence.tree_head import MAX_SIGNED_BYTES

DIRECTORY: Final = "fleet"
LOCK_FILE: Final = "lock"
PROOF_FILE: Final = "fleet.tlog-proof"
LEAF_FILE: Final = "checkpoint.txt"
_NOTE_LINES: Final = 6


class Daily(NamedTuple):
    """One day's signed head, and the checkpoints under it."""

    day: str
    note: bytes
    leaves: tuple[bytes, ...]
    is_new: bool = False


def make_daily(store: Store, keys: PublisherKeys, day: str, now_s: int) -> Daily:
    """The day's checkpoint, made now unless it was; ``day`` as YYYY-MM-DD.

    Raises ProofError where no gateway has a receipt yet, OSError.
    """
    directory = store.directory / DIRECTORY
    directory.mkdir(mode=0o755, exist_ok=True)
    with (directory / LOCK_FILE).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the server and an operator may both be at it
        if (directory / f"{day}.txt").exists():
            return read_daily(store.directory, day)
        return _make(store, keys, day, now_s)


def _make(store: Store, keys: PublisherKeys, day: str, now_s: int) -> Daily:
    directory = store.directory / DIRECTORY
    notes = _newest(store)
    if not notes:
        raise ProofError("no gateway has a receipt yet: there is nothing to publish")
    try:
        leaves = in_order(notes)
        tree = fleet_tree(fleet_origin(keys.signer.name, day), leaves)
        note = sign_fleet(tree, keys.signer, keys.fleet, now_s)
    except EvidenceError as error:
        raise ProofError(f"daily checkpoint of {day}: {error}") from None
    _write(directory / f"{day}.checkpoints", b"".join(leaves))
    _write(directory / f"{day}.txt", note)
    return Daily(day, note, leaves, is_new=True)


def read_daily(store_directory: Path, day: str) -> Daily:
    """A day's checkpoint out of its files. Raises ProofError where it was not made."""
    note = read_head(store_directory, day)
    directory = store_directory / DIRECTORY
    lines = (directory / f"{day}.checkpoints").read_bytes().split(b"\n")[:-1]
    rows = range(0, len(lines), _NOTE_LINES)
    leaves = tuple(b"\n".join(lines[at : at + _NOTE_LINES]) + b"\n" for at in rows)
    return Daily(day, note, leaves)


def read_head(store_directory: Path, day: str) -> bytes:
    """A day's signed head alone. Raises ProofError where it was not made."""
    if day not in days(store_directory):
        raise ProofError(f"no daily checkpoint of {day[:20]}; edge-central daily-checkpoint")
    with (store_directory / DIRECTORY / f"{day}.txt").open("rb") as file:
        return file.read(MAX_SIGNED_BYTES)


def days(store_directory: Path) -> list[str]:
    """The days of which there is a checkpoint, the newest first."""
    return sorted((path.stem for path in (store_directory / DIRECTORY).glob("*.txt")), reverse=True)


def daily_files(
    store: Store, keys: PublisherKeys, daily: Daily, origin: Origin
) -> dict[str, bytes]:
    """What a customer takes away: that his gateway's checkpoint is under the day's head."""
    try:
        proof = fleet_proof(daily.note, daily.leaves, origin)
        leaf = next(note for note in daily.leaves if leaf_origin(note) == origin)
        text = encode_proof(proof)
        time_s = open_fleet(daily.note, keys.public).time_s
    except EvidenceError as error:
        raise ProofError(f"{daily.day}: {error}") from None
    published = published_keys(store, keys, origin.gateway, time_s)
    return {PROOF_FILE: text, LEAF_FILE: leaf, KEYS_FILE: published}


def origins(daily: Daily) -> list[Origin]:
    """Whose checkpoints are in it."""
    return [leaf_origin(note) for note in daily.leaves]


def _newest(store: Store) -> list[bytes]:
    """Each gateway's newest receipted checkpoints, of both logs of its newest epoch."""
    newest = (
        select(head.c.gateway, func.max(head.c.epoch).label("epoch"))
        .group_by(head.c.gateway)
        .subquery()
    )
    query = (
        select(head.c.checkpoint, head.c.receipt)
        .join(newest, and_(newest.c.gateway == head.c.gateway, newest.c.epoch == head.c.epoch))
        .where(head.c.receipt.is_not(None))
        .limit(MAX_FLEET + 1)
    )
    with store.engine.connect() as conn:
        return [with_receipt(row.checkpoint, row.receipt) for row in conn.execute(query)]


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, also after a power cut."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)
    sync_directory(path.parent)
