"""A leaf with its proof: what is proven, and each way in which it is not."""

import pytest

from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.leaf import Kind, Leaf, Log, Origin, encode_leaf, leaf_hash
from protocols.evidence.merkle import EMPTY
from protocols.evidence.merkle_path import inclusion_path, leaf_nodes
from protocols.evidence.note import Checkpoint, Signer, cosign, sign_checkpoint
from protocols.evidence.proof import Proof, encode_proof
from protocols.evidence.proven_leaf import check_leaf
from protocols.evidence.published import with_receipt
from tests.protocols.evidence.published_samples import KEYS, TIME_S
from tests.protocols.evidence.samples import CENTRAL, GATEWAY, STRANGER, TELEMETRY, scan_leaves

LEAVES = scan_leaves(rounds=3)
HASHES = [leaf_hash(encode_leaf(leaf)) for leaf in LEAVES]
SIZE = len(LEAVES)


def proof_of(seq: int, origin: Origin = TELEMETRY, signer: Signer = GATEWAY) -> bytes:
    """The proof of a leaf in a tree of all of them, said to be of ``origin``."""
    note = sign_checkpoint(Checkpoint(origin, SIZE, EMPTY.extend(HASHES).root()), signer)
    path = inclusion_path(seq, SIZE, leaf_nodes(enumerate(HASHES)))
    return encode_proof(Proof(seq, path, with_receipt(note, cosign(note, CENTRAL, TIME_S))))


@pytest.mark.parametrize("seq", [0, 1, 7, SIZE - 1])
def test_a_leaf_is_proven_with_its_receipt(seq: int) -> None:
    """The leaf as it was encoded, the checkpoint, the receipt's time, both keys."""
    found = check_leaf(encode_leaf(LEAVES[seq]), proof_of(seq), KEYS)
    assert found.leaf == LEAVES[seq]
    assert (found.stored.checkpoint.size, found.stored.received_s) == (SIZE, TIME_S)
    assert found.stored.log_key.vkey == GATEWAY.vkey
    assert found.stored.receipt_key.vkey == CENTRAL.vkey


def _encoded(leaf: Leaf) -> bytes:
    return encode_leaf(leaf)


@pytest.mark.parametrize(
    ("data", "proof"),
    [
        (_encoded(LEAVES[4]), proof_of(3)),
        (_encoded(LEAVES[3]._replace(quality=1)), proof_of(3)),
        (_encoded(LEAVES[3]._replace(gateway="gw-2")), proof_of(3)),
        (_encoded(LEAVES[3]), proof_of(3, Origin("gw-1", Log.BILLING, 0))),
        (_encoded(LEAVES[3]), proof_of(3, Origin("gw-1", Log.TELEMETRY, 1))),
        (_encoded(LEAVES[3]), proof_of(3, signer=STRANGER)),
        (_encoded(LEAVES[3]._replace(kind=Kind.EVENT)), proof_of(3)),
        (_encoded(LEAVES[3])[:-1], proof_of(3)),
    ],
)
def test_another_leaf_or_log_is_refused(data: bytes, proof: bytes) -> None:
    """A neighbour's proof, another body, gateway, log, epoch or signer, and bytes cut short."""
    with pytest.raises((Malformed, BadSignature)):
        check_leaf(data, proof, KEYS)
