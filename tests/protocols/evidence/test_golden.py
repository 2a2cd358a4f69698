"""Golden bytes of format 1, which may never change: what was signed must stay provable.

``python -m tests.protocols.evidence.test_golden`` made the file. It writes only what is not there.
Deflate may be packed in more than one way, so the payload is compared as it is before deflate.
"""

import json
import zlib
from pathlib import Path

from protocols.evidence.batch import decode_batch
from protocols.evidence.bits import VarintReader
from protocols.evidence.leaf import Kind, Leaf, Was, decode_leaf, encode_leaf, leaf_hash
from protocols.evidence.merkle import EMPTY, Hole, hole_of
from protocols.evidence.salt import salt_of
from protocols.evidence.upload import (
    EMPTY_HEAD,
    Accepted,
    Conflict,
    accept,
    check_receipt,
    countersign,
    decode_conflict,
    decode_upload,
    encode_conflict,
    encode_upload,
    seal,
)
from tests.protocols.evidence.samples import (
    BILLING,
    CENTRAL,
    GATEWAY,
    MAP_HASH,
    SECRET,
    TELEMETRY,
    scan_leaves,
    with_failed_polls,
)

LATER = TELEMETRY._replace(epoch=1)
PATH = Path(__file__).parents[2] / "golden" / "evidence_v1.json"
TIME_S = 1_790_000_000


def _billing() -> list[Leaf]:
    """A leaf of each other kind, with nested bodies, nulls, limits and a text beyond ASCII."""
    bodies = [
        (Kind.INTERVAL, "R1", ("R1", MAP_HASH, 1, ((3, None), ("vm", 0, (1 << 63) - 1)), -5)),
        (Kind.EVENT, "R1", ("index_jump", 17, (1 << 64) - 1, "\u64cd\u4f5c\u5458", "")),
        (Kind.CONFIGURATION, "", ("gateway", "\u9505\u7089\u623f 3", "Asia/Shanghai", 8)),
        (Kind.REGISTER_MAP, "10234567", (0, "bench-meter", (("vm", 3, 4100, "u32"),))),
        (Kind.CLOCK, "", (None, 1_790_000_000_000, 1)),
        (Kind.KEY, "", (b"\x00\xff", -(1 << 63))),
        (Kind.LOSS, "", ()),
        (Kind.ARCHIVE, "10234567", (0, "hourly", 17, 1_790_000_000, None, (4, None), (0, 65535))),
        (Kind.EPOCH, "", ("salvaged", 0, (("billing", 7, b"checkpoint", b"receipt"),), "")),
    ]
    leaves = []
    for seq, (kind, subject, body) in enumerate(bodies):
        utc_ms = None if kind is Kind.CLOCK else 1_790_000_000_000 + seq
        salt = salt_of(SECRET, BILLING, seq)
        leaves.append(
            Leaf(
                kind, "gw-1", 0, seq, subject, MAP_HASH if seq < 3 else bytes(32),
                3, 5_000_000 + 11 * seq, utc_ms, 2 - seq % 3, 0, body, salt,
            )
        )  # fmt: skip
    return leaves


def _repeated() -> tuple[list[Leaf], tuple[Hole, ...]]:
    """Scans of epoch 0 as epoch 1 has them, and a hole of four among them."""
    leaves = [
        leaf._replace(
            epoch=1,
            salt=salt_of(SECRET, LATER, leaf.seq),
            was=Was(0, leaf.seq + 1000, leaf_hash(encode_leaf(leaf))),
        )
        for leaf in scan_leaves(rounds=2)
    ]
    hashes = [leaf_hash(encode_leaf(leaf)) for leaf in leaves[5:9]]
    return leaves[:5] + leaves[9:], (hole_of(5, hashes),)


def _made() -> dict[str, object]:
    made: dict[str, object] = {}
    for log, leaves, holes in (
        ("telemetry", with_failed_polls(scan_leaves(rounds=3)), ()),
        ("billing", _billing(), ()),
        ("repeated", *_repeated()),
    ):
        sealed = seal(leaves[0].origin(), EMPTY, leaves, SECRET, GATEWAY, holes)
        upload = sealed.upload
        receipt = countersign(upload.checkpoint, CENTRAL, TIME_S)
        conflict = encode_conflict(Conflict(sealed.frontier.size, upload.checkpoint, receipt))
        made[log] = {
            "leaves": [encode_leaf(leaf).hex() for leaf in leaves],
            "checkpoint": upload.checkpoint.decode(),
            "receipt": receipt.decode(),
            "conflict": conflict.hex(),
            "upload": encode_upload(upload).hex(),
        }
    return {"gateway": GATEWAY.vkey, "central": CENTRAL.vkey, **made}


GOLDEN = json.loads(PATH.read_text()) if PATH.exists() else {}


def _streams(upload: str) -> tuple[bytes, bytes]:
    """A payload's noise, and the rest as it is before deflate."""
    outer = VarintReader(decode_upload(bytes.fromhex(upload)).payload)
    noise = outer.take(outer.one(1 << 20, "noise bytes"))
    return noise, zlib.decompress(outer.remaining(), -15)


def test_what_is_written_is_the_golden_text_and_bytes() -> None:
    """Leaves, checkpoints, receipts, conflicts and verifier keys are made as they always were."""
    made = _made()
    for log in ("telemetry", "billing", "repeated"):
        upload, golden = made[log].pop("upload"), dict(GOLDEN[log])
        assert _streams(upload) == _streams(golden.pop("upload"))
        assert made[log] == golden
    assert made["gateway"] == GOLDEN["gateway"]
    assert made["central"] == GOLDEN["central"]


def test_the_golden_uploads_are_accepted() -> None:
    """Bytes of old are read: every leaf, the root, the receipt, the conflict."""
    for origin, name in ((TELEMETRY, "telemetry"), (BILLING, "billing"), (LATER, "repeated")):
        golden = GOLDEN[name]
        upload = decode_upload(bytes.fromhex(golden["upload"]))
        outcome = accept(EMPTY_HEAD, upload, GATEWAY.verifier, None)
        assert isinstance(outcome, Accepted)
        leaves = [bytes.fromhex(leaf) for leaf in golden["leaves"]]
        assert [encode_leaf(leaf) for leaf in outcome.leaves] == leaves
        assert [decode_leaf(leaf) for leaf in leaves] == outcome.leaves
        assert upload.origin == origin
        if not outcome.holes:
            assert outcome.frontier == EMPTY.extend(map(leaf_hash, leaves))
        checkpoint, receipt = golden["checkpoint"].encode(), golden["receipt"].encode()
        assert upload.checkpoint == checkpoint
        stored = check_receipt(checkpoint, receipt, CENTRAL.verifier)
        assert stored == (outcome.frontier.size, outcome.frontier.root(), TIME_S)
        conflict = decode_conflict(bytes.fromhex(golden["conflict"]))
        assert conflict == (outcome.frontier.size, checkpoint, receipt)


def test_the_golden_payload_is_read_without_its_envelope() -> None:
    """A stored batch is decoded with origin, seqs and salts alone."""
    upload = decode_upload(bytes.fromhex(GOLDEN["telemetry"]["upload"]))
    leaves = decode_batch(upload.payload, TELEMETRY, range(24), dict(upload.block_salts))
    assert leaves == with_failed_polls(scan_leaves(rounds=3))


if __name__ == "__main__" and not PATH.exists():
    PATH.write_text(json.dumps(_made(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
