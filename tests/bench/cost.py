"""CPU of the codec, beside what zlib alone needs for the same numbers."""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from protocols.evidence.batch import decode_batch, encode_batch
from protocols.evidence.leaf import Leaf
from protocols.evidence.merkle import Frontier
from protocols.evidence.note import Signer
from protocols.evidence.salt import BLOCK, block_salt
from protocols.evidence.upload import seal
from tests.bench.material import SECRET

REPEATS = 7


class Cost(NamedTuple):
    """CPU time a value, and bytes a value of zlib alone at level 9 on the raw scans."""

    encode_us: float
    decode_us: float
    seal_us: float
    zlib_us: float
    zlib_bytes: float


def encoder_cost(leaves: Sequence[Leaf]) -> Cost:
    """Measure one batch of scans; each figure is the best of several runs."""
    origin, first = leaves[0].origin(), leaves[0].seq
    values = sum(len(leaf.body) for leaf in leaves)
    blocks = range(first // BLOCK, leaves[-1].seq // BLOCK + 1)
    salts = {block: block_salt(SECRET, origin, block) for block in blocks}
    payload = encode_batch(leaves)
    raw = b"".join(
        struct.pack(f">QQ{len(leaf.body)}I", leaf.mono_ms, leaf.utc_ms, *leaf.body)
        for leaf in leaves
    )
    signer = Signer.from_private_bytes("gw-1", bytes([1]) * 32)
    before = Frontier(first, (bytes(32),) * first.bit_count())
    runs: list[Callable[[], object]] = [
        lambda: encode_batch(leaves),
        lambda: decode_batch(payload, origin, range(first, first + len(leaves)), salts),
        lambda: seal(origin, before, leaves, SECRET, signer),
        lambda: zlib.compress(raw, 9),
    ]
    times = [_best_us(run) / values for run in runs]
    return Cost(*times, zlib_bytes=len(zlib.compress(raw, 9)) / values)


def _best_us(run: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(REPEATS):
        start = time.process_time_ns()
        run()
        best = min(best, (time.process_time_ns() - start) / 1000)
    return best
