"""The growing edge of an RFC 6962 Merkle tree: enough to append and to tell the root.

A tree of n leaves is a row of perfect subtrees, one for each bit that is set in n, the largest on
the left (RFC 6962, section 2.1: split at the largest power of two below n). Keeping their hashes
is keeping the tree: an append merges equal neighbours, the root folds them from the right.

A hole is a range of leaves of which only hashes are kept: those of the largest perfect subtrees
that lie in it. It stands for its leaves in every tree that holds them.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from protocols.evidence.errors import Malformed

HASH_BYTES = 32
MAX_SIZE = 1 << 48


@dataclass(frozen=True, slots=True)
class Frontier:
    """``size`` leaves, and the hashes of the perfect subtrees from left to right."""

    size: int
    hashes: tuple[bytes, ...]

    def append(self, leaf_hash: bytes) -> "Frontier":
        """Return the frontier with one more leaf hash."""
        return self.extend((leaf_hash,))

    def extend(self, leaf_hashes: Iterable[bytes]) -> "Frontier":
        """Return the frontier with these leaf hashes appended in order."""
        size, stack = self.size, list(self.hashes)
        for leaf_hash in leaf_hashes:
            node = leaf_hash
            bits = size
            while bits & 1:  # the rightmost subtree is as large as the new node
                node = node_hash(stack.pop(), node)
                bits >>= 1
            stack.append(node)
            size += 1
        return Frontier(size, tuple(stack))

    def extend_hole(self, hole: "Hole") -> "Frontier":
        """Return the frontier with the hole's leaves appended; raise Malformed for a gap."""
        if hole.first != self.size:
            raise Malformed(f"hole: begins at leaf {hole.first}, the tree ends at {self.size}")
        stack = list(self.hashes)
        for (at, level), digest in zip(hole.subtrees(), hole.hashes, strict=True):
            node, bits = digest, at >> level
            while bits & 1:
                node = node_hash(stack.pop(), node)
                bits >>= 1
            stack.append(node)
        return Frontier(hole.end, tuple(stack))

    def root(self) -> bytes:
        """Return the tree's root; that of the empty tree is SHA-256 of nothing."""
        if not self.hashes:
            return hashlib.sha256(b"").digest()
        node = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            node = node_hash(left, node)
        return node

    def to_bytes(self) -> bytes:
        """Return the hashes joined, for storing beside the size."""
        return b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> "Frontier":
        """Read what ``to_bytes`` wrote; raise Malformed where it does not fit the size."""
        if not 0 <= size <= MAX_SIZE or len(data) != HASH_BYTES * size.bit_count():
            raise Malformed(f"frontier: {len(data)} bytes do not belong to a tree of {size} leaves")
        steps = range(0, len(data), HASH_BYTES)
        return cls(size, tuple(bytes(data[at : at + HASH_BYTES]) for at in steps))


EMPTY = Frontier(0, ())


class Hole(NamedTuple):
    """Leaves ``first`` .. ``end`` - 1 as the hashes of perfect subtrees, from left to right.

    At most 2 log2 of their number: the split is the only one with the largest subtrees.
    """

    first: int
    end: int
    hashes: tuple[bytes, ...]

    def check(self) -> None:
        """Raise Malformed unless the hashes are as many, and as long, as the range needs."""
        if not 0 <= self.first < self.end <= MAX_SIZE:
            raise Malformed(f"hole: {self.first} to {self.end} is no range of leaves")
        wanted = len(self.subtrees())
        if len(self.hashes) != wanted or any(len(each) != HASH_BYTES for each in self.hashes):
            raise Malformed(
                f"hole: {self.first} to {self.end} needs {wanted} hashes of {HASH_BYTES} bytes"
            )

    def subtrees(self) -> list[tuple[int, int]]:
        """Return (first leaf, level) of each subtree; one of level n holds 2**n leaves."""
        found: list[tuple[int, int]] = []
        at = self.first
        while at < self.end:
            level = (self.end - at).bit_length() - 1
            if at:
                level = min(level, (at & -at).bit_length() - 1)
            found.append((at, level))
            at += 1 << level
        return found

    def to_bytes(self) -> bytes:
        """Return the hashes joined, for storing beside the range."""
        return b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, first: int, end: int, data: bytes) -> "Hole":
        """Read what ``to_bytes`` wrote; raise Malformed where it does not fit the range."""
        steps = range(0, len(data), HASH_BYTES)
        hole = cls(first, end, tuple(bytes(data[at : at + HASH_BYTES]) for at in steps))
        hole.check()
        return hole


def hole_of(first: int, leaf_hashes: Sequence[bytes]) -> Hole:
    """Return the hole that stands for these leaves, of which ``first`` is the first one's seq."""
    end = first + len(leaf_hashes)
    single = [Hole(first + at, first + at + 1, (each,)) for at, each in enumerate(leaf_hashes)]
    return _merged(first, end, single)


def join(left: Hole, right: Hole) -> Hole:
    """Return the hole of two neighbours; raise Malformed where there is a gap between them."""
    if left.end != right.first:
        raise Malformed(f"hole: {left.first} to {left.end} and {right.first} are no neighbours")
    return _merged(left.first, right.end, (left, right))


def _merged(first: int, end: int, parts: Iterable[Hole]) -> Hole:
    """Merge siblings until none are left: what remains is the canonical split."""
    stack: list[tuple[int, int, bytes]] = []
    for part in parts:
        for (at, level), digest in zip(part.subtrees(), part.hashes, strict=True):
            node = (at, level, digest)
            while stack and stack[-1][1] == node[1] and not stack[-1][0] >> node[1] & 1:
                start, _, left = stack.pop()
                node = (start, node[1] + 1, node_hash(left, node[2]))
            stack.append(node)
    return Hole(first, end, tuple(node[2] for node in stack))


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()
