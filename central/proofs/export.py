"""An export: the stored logs of a gateway over a range, byte for byte, with all that checks them.

    export.txt                        what is in it, signed by the publisher
    keys.txt                          the published keys
    logs/<part>.uploads               stored uploads, each behind its length (4 bytes)
    logs/<part>.checkpoints           for each its checkpoint with the receipt
    explained/<number>.cbor, .tlog-proof   configurations and register maps of before the range
    daily/<number>.txt, .tlog-proof   states of these logs that daily checkpoints hold
    README.txt

One batch is in memory at a time. `export.txt` is written last: without it nothing is an export.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from central.proofs.export_scope import Range, Scope, explaining_places, ranges_of
from central.proofs.fleet import days, read_daily
from central.proofs.frontiers import frontier_before
from central.proofs.prove import ProofError, prove_leaf
from central.proofs.published import published_keys
from central.proofs.publisher import PublisherKeys
from central.proofs.stored import StoredBatch, batches_between
from central.store.database import Store
from protocols.evidence.errors import Malformed
from protocols.evidence.export_text import (
    MAX_DAILY,
    MAX_EXPLAINED,
    Export,
    Part,
    sign_export,
)
from protocols.evidence.fleet import fleet_proof
from protocols.evidence.note import unverified_checkpoint
from protocols.evidence.proof import encode_proof
from protocols.evidence.published import with_receipt
from protocols.evidence.tree_head import split_signed
from protocols.evidence.upload import decode_upload

EXPORT_FILE: Final = "export.txt"
KEYS_FILE: Final = "keys.txt"
README_FILE: Final = "README.txt"
README: Final = """\
What a gas gateway recorded, as it was stored, with everything that is needed to check it.
Check it, offline:  edge-agent verify <this folder>
It proves what the gateway recorded, and that nothing of it was changed; not what the meter showed.

燃气网关的原始记录（按收存时的字节导出）及核验所需的全部内容。
离线核验：edge-agent verify <本文件夹>
可证实网关记录了什么、且未经改动；不能证实仪表当时的显示。
"""

Progress = Callable[[int, int], None]
"""How many uploads of how many are written."""


class Made(NamedTuple):
    """What was written."""

    export: Export
    uploads: int
    size_bytes: int


def write_export(
    store: Store, keys: PublisherKeys, scope: Scope, out: Path, progress: Progress
) -> Made:
    """Write the export into ``out``, which must be new or empty. Raises ProofError, OSError."""
    published = published_keys(store, keys, scope.gateway, scope.time_s)
    with store.engine.connect() as conn:
        ranges = ranges_of(conn, scope)
    if not ranges:
        raise ProofError(f"{scope.gateway}: nothing in that range; look at the overview page")
    _make_directory(out)
    (out / KEYS_FILE).write_bytes(published)
    (out / README_FILE).write_text(README, encoding="utf-8")
    explained = _explain(store, scope, ranges, out)
    expected = sum(one.uploads for one in ranges)
    parts: list[Part] = []
    size_bytes = uploads = 0
    for one in ranges:
        frontier = frontier_before(store, one.origin, one.first)
        part = Part(one.origin, frontier, one.end, one.uploads)
        for stored in _written(store, one, part, out):
            uploads += 1
            size_bytes += len(stored.upload)
            progress(uploads, expected)
        parts.append(part)
    daily = _daily(store, parts, out)
    times = scope.from_ms, scope.to_ms, scope.time_s
    export = Export(scope.gateway, *times, explained, daily, tuple(parts))
    try:
        (out / EXPORT_FILE).write_bytes(sign_export(export, keys.signer))
    except Malformed as error:
        raise ProofError(str(error)) from None
    return Made(export, uploads, size_bytes)


def _written(store: Store, one: Range, part: Part, out: Path) -> Iterator[StoredBatch]:
    """Write a part's two files, batch by batch."""
    name = out / "logs" / part.name
    with (
        name.with_name(f"{part.name}.uploads").open("xb") as uploads,
        name.with_name(f"{part.name}.checkpoints").open("xb") as notes,
    ):
        for stored in batches_between(store, one.origin, one.first, one.end):
            uploads.write(len(stored.upload).to_bytes(4, "big") + stored.upload)
            notes.write(with_receipt(decode_upload(stored.upload).checkpoint, stored.receipt))
            yield stored


def _explain(store: Store, scope: Scope, ranges: list[Range], out: Path) -> int:
    """Write the leaves of before the range that its figures are read by; how many."""
    with store.engine.connect() as conn:
        places = explaining_places(conn, scope.gateway, ranges)
    if len(places) > MAX_EXPLAINED:
        raise ProofError(f"{len(places)} configurations and maps of before; export a longer range")
    for number, place in enumerate(places):
        proven = prove_leaf(store, place)
        (out / "explained" / f"{number:04d}.cbor").write_bytes(proven.data)
        (out / "explained" / f"{number:04d}.tlog-proof").write_bytes(proven.proof)
    return len(places)


def _daily(store: Store, parts: list[Part], out: Path) -> int:
    """Write what proves states of these logs to be in daily checkpoints, newest first; how many."""
    count = 0
    for day in days(store.directory):
        daily = read_daily(store.directory, day)
        for leaf in daily.leaves:
            text, (own, _) = split_signed(leaf, 2)
            checkpoint = unverified_checkpoint(text + b"\n" + own)
            held = any(
                part.origin == checkpoint.origin
                and part.frontier.size < checkpoint.size <= part.size
                for part in parts
            )
            if not held or count == MAX_DAILY:
                continue
            proof = fleet_proof(daily.note, daily.leaves, checkpoint.origin)
            (out / "daily" / f"{count:04d}.txt").write_bytes(leaf)
            (out / "daily" / f"{count:04d}.tlog-proof").write_bytes(encode_proof(proof))
            count += 1
    return count


def _make_directory(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise ProofError(f"{out}: not empty; name a new folder")
    for folder in ("logs", "explained", "daily"):
        (out / folder).mkdir()
