"""One leaf, its proof and the published keys: all that can be checked without a database."""

from typing import NamedTuple

from protocols.evidence.errors import Malformed
from protocols.evidence.leaf import Leaf, decode_leaf, leaf_hash
from protocols.evidence.proof import check_path, decode_proof
from protocols.evidence.published import PublishedKeys, Stored, check_stored


class ProvenLeaf(NamedTuple):
    """A leaf as the gateway recorded it, and the receipted checkpoint that holds it."""

    leaf: Leaf
    stored: Stored


def check_leaf(data: bytes, proof_text: bytes, keys: PublishedKeys) -> ProvenLeaf:
    """Verify a leaf's bytes: path, both signatures, both keys in force; Malformed, BadSignature.

    That ``keys`` are the ones to be believed is for the caller to compare.
    """
    leaf = decode_leaf(data)
    proof = decode_proof(proof_text)
    check_path(proof, leaf_hash(data), 2)
    stored = check_stored(proof.checkpoint, keys)
    if (leaf.origin(), leaf.seq) != (stored.checkpoint.origin, proof.seq):
        raise Malformed(f"leaf {leaf.seq} of {leaf.origin()} in a proof of another place")
    return ProvenLeaf(leaf, stored)
