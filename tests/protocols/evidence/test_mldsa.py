"""ML-DSA-44 cosignatures: the layout of the specification by hand, then what is refused."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.mldsa import MlDsaSigner, MlDsaVerifier
from protocols.evidence.note import KeyType, Signer
from protocols.evidence.tree_head import TreeHead, read_line, signature_line

NAME = "central-fleet"
SIGNER = MlDsaSigner(NAME, bytes(range(32)))
HEAD = TreeHead("gas-fleet/central/2026-11-26", 3, hashlib.sha256(b"root").digest())
TIME_S = 1_700_000_000
LINE = SIGNER.cosign(HEAD, TIME_S)


def test_the_signed_message_is_the_structure_of_the_specification() -> None:
    """Label, name, time, origin, start 0, end and hash, as C2SP tlog-cosignature lays them out."""
    public = MLDSA44PrivateKey.from_seed_bytes(bytes(range(32))).public_key().public_bytes_raw()
    name, key_id, data = read_line(LINE)
    assert name == NAME
    assert key_id == hashlib.sha256(NAME.encode() + b"\n\x06" + public).digest()[:4]
    assert data[:8] == TIME_S.to_bytes(8, "big")
    assert len(data) == 8 + 2420
    message = (
        bytes.fromhex("737562747265652f76310a00")  # "subtree/v1\n\0"
        + b"\x0dcentral-fleet"
        + TIME_S.to_bytes(8, "big")
        + b"\x1cgas-fleet/central/2026-11-26"
        + bytes(8)
        + (3).to_bytes(8, "big")
        + HEAD.root
    )
    MLDSA44PublicKey.from_public_bytes(public).verify(data[8:], message)


def test_a_cosignature_verifies_and_tells_its_time() -> None:
    """The verifier key read from its text verifies what the signer made."""
    verifier = MlDsaVerifier.from_vkey(SIGNER.verifier.vkey)
    assert verifier.vkey == SIGNER.verifier.vkey
    assert verifier.verify(HEAD, LINE) == TIME_S


def test_another_head_time_or_key_does_not_verify() -> None:
    """Everything that was said is under the signature."""
    verifier = SIGNER.verifier
    for head in (
        HEAD._replace(origin="gas-fleet/central/2026-11-27"),
        HEAD._replace(size=4),
        HEAD._replace(root=bytes(32)),
    ):
        with pytest.raises(BadSignature):
            verifier.verify(head, LINE)
    name, key_id, data = read_line(LINE)
    later = signature_line(name, key_id, (TIME_S + 1).to_bytes(8, "big") + data[8:])
    with pytest.raises(BadSignature):
        verifier.verify(HEAD, later)
    with pytest.raises(BadSignature):
        MlDsaSigner(NAME, bytes(32)).verifier.verify(HEAD, LINE)
    with pytest.raises(Malformed):
        verifier.verify(HEAD, signature_line(name, key_id, b"\xff" + data[1:]))
    with pytest.raises(Malformed):
        verifier.verify(HEAD, signature_line(name, key_id, data[:-1]))


def test_no_changed_bit_of_a_line_is_accepted() -> None:
    """A bit of each byte of the line; a published head must not come in two forms."""
    for at in range(len(LINE)):
        changed = bytearray(LINE)
        changed[at] ^= 1 << at % 8
        with pytest.raises((Malformed, BadSignature)):
            SIGNER.verifier.verify(HEAD, bytes(changed))


def test_keys_of_another_kind_or_form_are_refused() -> None:
    """An Ed25519 key, a key with another's id, a short key, and names that a line cannot carry."""
    ed25519 = Signer.from_private_bytes(NAME, bytes(32), KeyType.COSIGNATURE).vkey
    vkey = SIGNER.verifier.vkey
    name, key_id, material = vkey.split("+", 2)
    short = base64.b64encode(b"\6" + bytes(31)).decode()
    for wrong in (
        ed25519,
        f"other+{key_id}+{material}",
        f"{name}+00000000+{material}",
        f"{name}+{key_id}+{short}",
        f"{name}+{material}",
        f"{name}+{key_id}+{material[:-4]}",
    ):
        with pytest.raises(Malformed):
            MlDsaVerifier.from_vkey(wrong)
    with pytest.raises(Malformed):
        MlDsaSigner("a name", bytes(32))
    with pytest.raises(Malformed):
        MlDsaSigner(NAME, bytes(31))
    with pytest.raises(Malformed):
        SIGNER.cosign(HEAD, -1)
