"""Leaves, keys and strategies that the tests of evidence share."""

import hashlib
from collections.abc import Sequence
from typing import Literal

from hypothesis import strategies as st

from protocols.evidence.leaf import Kind, Leaf, Log, Origin, Was
from protocols.evidence.note import KeyType, Signer
from protocols.evidence.salt import salt_of
from simulators.series import series

SECRET = bytes(range(32))
GATEWAY = Signer.from_private_bytes("gw-1", bytes([1]) * 32)
STRANGER = Signer.from_private_bytes("gw-1", bytes([2]) * 32)
CENTRAL = Signer.from_private_bytes("central", bytes([3]) * 32, KeyType.COSIGNATURE)
TELEMETRY = Origin("gw-1", Log.TELEMETRY, 0)
BILLING = Origin("gw-1", Log.BILLING, 0)
MAP_HASH = hashlib.sha256(b"register map").digest()

integers = st.one_of(
    st.integers(-(1 << 63), (1 << 64) - 1),
    st.sampled_from([0, -1, 1, -(1 << 63), (1 << 64) - 1, 0x7FC0_0000, 0x8000_0000]),
    st.integers(-300, 300),
)
texts = st.text(st.characters(codec="utf-8"), max_size=12)
atoms = st.one_of(integers, texts, st.binary(max_size=40), st.none())
items = st.recursive(atoms, lambda inner: st.lists(inner, max_size=4).map(tuple), max_leaves=8)


def _depth(item: object) -> int:
    if not isinstance(item, tuple):
        return 0
    return 1 + max((_depth(child) for child in item), default=0)


bodies = st.lists(items, max_size=6).map(tuple).filter(lambda body: _depth(body) <= 5)
millis = st.one_of(st.integers(0, (1 << 53) - 1), st.integers(0, 100_000))


repeats = st.builds(
    Was, st.integers(0, 2), st.integers(0, (1 << 48) - 1), st.sampled_from([MAP_HASH, bytes(32)])
)


def leaf_lists(log: Log) -> st.SearchStrategy[list[Leaf]]:
    """Runs of consecutive, salted leaves with few bodies, so that some share a group."""
    kinds = [kind for kind in Kind if kind.log is log]
    origin = Origin("gw-1", log, 3)
    part = st.tuples(
        st.sampled_from(kinds),
        st.sampled_from(["", "123", "R1", "\u6d41\u91cf"]),
        st.sampled_from([bytes(32), MAP_HASH]),
        st.integers(0, 2),
        millis,
        st.one_of(st.none(), millis),
        st.integers(0, 255),
        st.integers(0, 255),
        bodies,
        st.one_of(st.none(), repeats),
    )
    first = st.sampled_from([0, 1, 1020, 1 << 40])
    return st.tuples(first, st.lists(part, min_size=1, max_size=12)).map(
        lambda drawn: [
            _salted(Leaf(kind, "gw-1", 3, seq, *rest, salt=b"", was=was), origin)
            for seq, (kind, *rest, was) in enumerate(drawn[1], drawn[0])
        ]
    )


def _salted(leaf: Leaf, origin: Origin) -> Leaf:
    return leaf._replace(salt=salt_of(SECRET, origin, leaf.seq))


def scan_leaves(
    kind: Literal["display", "noisy"] = "display", rounds: int = 3, seed: int = 7, start: int = 0
) -> list[Leaf]:
    """Scans of eight meters, from ``simulators.series``, as telemetry leaves."""
    return [
        Leaf(
            kind=Kind.SCAN,
            gateway="gw-1",
            epoch=0,
            seq=seq,
            subject=f"{10_234_567 + 1_117 * scan.run}",
            reference=MAP_HASH,
            boot_no=3,
            mono_ms=scan.mono_ms,
            utc_ms=scan.utc_ms,
            clock_state=2,
            quality=0,
            body=scan.raw,
            salt=salt_of(SECRET, TELEMETRY, seq),
        )
        for seq, scan in enumerate(series(kind, seed, rounds), start)
    ]


def with_failed_polls(leaves: Sequence[Leaf]) -> list[Leaf]:
    """Every seventh scan failed: no answer, all values null."""
    return [
        leaf._replace(quality=128, body=(None,) * len(leaf.body)) if leaf.seq % 7 == 3 else leaf
        for leaf in leaves
    ]
