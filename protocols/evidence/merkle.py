"""The growing edge of an RFC 6962 Merkle tree: enough to append and to tell the root.

A tree of n leaves is a row of perfect subtrees, one for each bit that is set in n, the largest on
the left (RFC 6962, section 2.1: split at the largest power of two below n). Keeping their hashes
is keeping the tree: an append merges equal neighbours, the root folds them from the right.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

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


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()
