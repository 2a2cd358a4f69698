"""Consecutive leaves as columns: the payload of an upload."""

from collections.abc import Mapping, Sequence

from protocols.evidence.leaf import Leaf, Origin


def encode_batch(leaves: Sequence[Leaf]) -> bytes:
    """Return the compressed columns of consecutive leaves of one log."""
    raise NotImplementedError


def decode_batch(
    payload: bytes, origin: Origin, first: int, count: int, block_salts: Mapping[int, bytes]
) -> list[Leaf]:
    """Return the ``count`` leaves from ``first`` on; raise Malformed. Inflating is bounded."""
    raise NotImplementedError
