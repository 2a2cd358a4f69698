"""A proof that one leaf is in a log: C2SP tlog-proof@v1, beside the leaf's own bytes.

    c2sp.org/tlog-proof@v1
    index <seq>
    <base64 of a hash>            none or more, from the leaf's sibling up
    <empty line>
    <the checkpoint: origin, size, root, an empty line, signature lines>

No extra data: it would be under no signature. Every line has one spelling, so that a changed bit is
never read as the same proof.
"""

import base64
from typing import Final, NamedTuple

from protocols.evidence.errors import Malformed
from protocols.evidence.leaf import parse_decimal
from protocols.evidence.merkle import HASH_BYTES
from protocols.evidence.merkle_path import MAX_PATH, path_root
from protocols.evidence.note import decode_base64
from protocols.evidence.tree_head import MAX_SIGNED_BYTES, TreeHead, read_tree_head, split_signed

MAX_PROOF_BYTES: Final = MAX_SIGNED_BYTES + 64 * (MAX_PATH + 2)
_HEADER: Final = "c2sp.org/tlog-proof@v1"
_INDEX: Final = "index "


class Proof(NamedTuple):
    """Which leaf ("index" in the text), its path, and the signed checkpoint as it stands."""

    seq: int
    path: tuple[bytes, ...]
    checkpoint: bytes


def encode_proof(proof: Proof) -> bytes:
    """Return the text of the proof."""
    hashes = [base64.b64encode(hash_).decode("ascii") for hash_ in proof.path]
    lines = [_HEADER, f"{_INDEX}{proof.seq}", *hashes, "", ""]
    return "\n".join(lines).encode("ascii") + proof.checkpoint


def decode_proof(data: bytes) -> Proof:
    """Read the text of a proof strictly; raise Malformed. No signature is looked at."""
    if len(data) > MAX_PROOF_BYTES:
        raise Malformed(f"proof: {len(data)} bytes, at most {MAX_PROOF_BYTES} are read")
    head, found, checkpoint = data.partition(b"\n\n")
    if not found:
        raise Malformed("proof: no empty line before the checkpoint")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Malformed("proof: not ASCII before the checkpoint") from None
    if lines[0] != _HEADER:
        raise Malformed(f"proof: does not begin with {_HEADER}")
    if len(lines) < 2 or not lines[1].startswith(_INDEX):
        raise Malformed("proof: no index in its second line")
    if len(lines) > 2 + MAX_PATH:
        raise Malformed(f"proof: more than {MAX_PATH} hashes")
    index = parse_decimal(lines[1].removeprefix(_INDEX), "proof: index")
    path = tuple(decode_base64(line, "proof: hash") for line in lines[2:])
    if any(len(hash_) != HASH_BYTES for hash_ in path):
        raise Malformed(f"proof: a hash that is not {HASH_BYTES} bytes")
    return Proof(index, path, checkpoint)


def check_path(proof: Proof, leaf_hash: bytes, signatures: int) -> TreeHead:
    """The head of the tree that holds the leaf at the proof's index; its signatures stay to check.

    Raises Malformed where the path does not lead to the checkpoint's root, or where there are not
    just ``signatures`` signature lines.
    """
    text, _ = split_signed(proof.checkpoint, signatures)
    head = read_tree_head(text)
    if path_root(proof.seq, head.size, leaf_hash, proof.path) != head.root:
        raise Malformed(f"proof: leaf {proof.seq} is not in the tree of {head.size} leaves")
    return head
