"""The text of a proof: the form of C2SP tlog-proof@v1, then what fails."""

import hashlib

import pytest

from protocols.evidence.errors import Malformed
from protocols.evidence.leaf import leaf_hash
from protocols.evidence.merkle import EMPTY
from protocols.evidence.merkle_path import inclusion_path, leaf_nodes
from protocols.evidence.note import Checkpoint, sign_checkpoint
from protocols.evidence.proof import Proof, check_path, decode_proof, encode_proof
from tests.protocols.evidence.samples import BILLING, GATEWAY

HASHES = [leaf_hash(bytes([number])) for number in range(11)]
NOTE = sign_checkpoint(Checkpoint(BILLING, 11, EMPTY.extend(HASHES).root()), GATEWAY)
PROOF = Proof(6, inclusion_path(6, 11, leaf_nodes(enumerate(HASHES))), NOTE)
TEXT = encode_proof(PROOF)


def test_the_text_has_the_lines_of_the_specification() -> None:
    """Header, index, a hash a line, an empty line, the checkpoint verbatim."""
    lines = TEXT.split(b"\n")
    assert lines[0] == b"c2sp.org/tlog-proof@v1"
    assert lines[1] == b"index 6"
    assert lines[2 + len(PROOF.path)] == b""
    assert TEXT.endswith(b"\n\n" + NOTE)
    assert decode_proof(TEXT) == PROOF


def test_a_leaf_alone_in_its_tree_has_an_empty_path() -> None:
    """No hash line at all."""
    alone = Proof(0, (), NOTE)
    assert decode_proof(encode_proof(alone)) == alone


def test_the_path_must_lead_from_the_leaf_to_the_checkpoint() -> None:
    """The head is that of the checkpoint; another leaf, index or number of signatures fails."""
    head = check_path(PROOF, HASHES[6], 1)
    assert (head.origin, head.size) == (str(BILLING), 11)
    for proof, leaf, signatures in (
        (PROOF, HASHES[7], 1),
        (PROOF._replace(seq=7), HASHES[6], 1),
        (PROOF._replace(path=PROOF.path[:-1]), HASHES[6], 1),
        (PROOF, HASHES[6], 2),
        (PROOF, hashlib.sha256(b"").digest(), 1),
    ):
        with pytest.raises(Malformed):
            check_path(proof, leaf, signatures)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        TEXT.replace(b"proof@v1", b"proof@v2"),
        TEXT.replace(b"index 6", b"index 06"),
        TEXT.replace(b"index 6", b"index  6"),
        TEXT.replace(b"index 6", b"extra YQ==\nindex 6"),
        TEXT.replace(b"\nindex 6", b""),
        TEXT.replace(b"\n", b"\r\n"),
        TEXT.replace(b"index 6\n", b"index 6\nAAAA\n"),
        TEXT.replace(
            b"index 6\n", b"index 6\n" + b"A" * 43 + b"=\n" * 1 + (b"A" * 43 + b"=\n") * 60
        ),
        TEXT.replace(b"\n\n", b"\n"),
        TEXT + b"x" * 20_000,
        b"\xff" + TEXT,
    ],
)
def test_another_spelling_is_refused(text: bytes) -> None:
    """Extra data, other line ends, other numbers and what is too long are Malformed."""
    with pytest.raises(Malformed):
        decode_proof(text)


def test_no_changed_bit_leads_to_the_signed_root() -> None:
    """Every bit before the signature line: it is refused, or the tree head is another."""
    head = check_path(PROOF, HASHES[6], 1)
    for bit in range(8 * (len(TEXT) - len(NOTE) + NOTE.index(b"\n\n"))):
        changed = bytearray(TEXT)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            assert check_path(decode_proof(bytes(changed)), HASHES[6], 1) != head
        except Malformed:
            continue
