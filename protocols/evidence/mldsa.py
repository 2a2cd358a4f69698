"""Cosignatures that a quantum computer cannot forge: C2SP tlog-cosignature, ML-DSA-44, type 0x06.

Beside Ed25519, for what is published and must be believed in thirty years. The signed message is
not the note's text but a structure of its fields, with the cosigner's name; pure ML-DSA-44 of
FIPS 204 with an empty context. Signing is randomised: two signatures of one message differ.
"""

import base64
import hashlib
import re
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.note import MAX_NAME_CHARS, MAX_TIME_S, decode_base64
from protocols.evidence.tree_head import TreeHead, read_signature, signature_line

TYPE: Final = 6
SEED_BYTES: Final = 32
_PUBLIC_BYTES: Final = 1312
_SIGNATURE_BYTES: Final = 2420
_LABEL: Final = b"subtree/v1\n\0"
_NAME: Final = re.compile(r"[!-*,-~]+\Z", re.ASCII)
_KEY_ID: Final = re.compile(r"[0-9a-f]{8}\Z", re.ASCII)


class MlDsaVerifier:
    """An ML-DSA-44 public key with its name; written as a C2SP verifier key of type 0x06."""

    def __init__(self, name: str, public: bytes) -> None:
        if len(name) > MAX_NAME_CHARS or not _NAME.match(name):
            raise Malformed(f"key name {name[:80]!r}: printable ASCII without space or '+' only")
        if len(public) != _PUBLIC_BYTES:
            raise Malformed(f"public key {name}: {len(public)} bytes, not {_PUBLIC_BYTES}")
        self.name = name
        self._public = public
        self._key = MLDSA44PublicKey.from_public_bytes(public)
        encoded = name.encode("ascii") + b"\n" + bytes([TYPE]) + public
        self.key_id = hashlib.sha256(encoded).digest()[:4]

    @classmethod
    def from_vkey(cls, text: str) -> "MlDsaVerifier":
        """Read ``<name>+<key id, 8 hex digits>+<base64 of type and key>``; raise Malformed."""
        parts = text.split("+", 2)
        if len(parts) != 3 or not _KEY_ID.match(parts[1]):
            raise Malformed("verifier key: not <name>+<8 hex digits>+<base64>; copy it whole")
        data = decode_base64(parts[2], "verifier key")
        if data[:1] != bytes([TYPE]):
            raise Malformed("verifier key: not an ML-DSA-44 cosignature key")
        verifier = cls(parts[0], data[1:])
        if verifier.key_id.hex() != parts[1]:
            raise Malformed("verifier key: its id does not belong to its key; copy it whole")
        return verifier

    @property
    def vkey(self) -> str:
        material = base64.b64encode(bytes([TYPE]) + self._public).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{material}"

    def verify(self, head: TreeHead, line: bytes) -> int:
        """Verify a cosignature line over a tree head; return its time in s since 1970.

        Raises Malformed, or BadSignature where another key signed or it does not verify.
        """
        data = read_signature(line, self.name, self.key_id, 8 + _SIGNATURE_BYTES)
        time_s = int.from_bytes(data[:8], "big")
        if time_s > MAX_TIME_S:
            raise Malformed("cosignature: time beyond 2^63 - 1 s")
        try:
            self._key.verify(data[8:], _message(self.name, head, time_s))
        except InvalidSignature:
            raise BadSignature(f"signature does not verify with key {self.name}") from None
        return time_s


class MlDsaSigner:
    """An ML-DSA-44 private key with its name. The caller makes and keeps the seed."""

    def __init__(self, name: str, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise Malformed(f"private key {name}: {len(seed)} bytes, not {SEED_BYTES}")
        self._key = MLDSA44PrivateKey.from_seed_bytes(seed)
        self.verifier = MlDsaVerifier(name, self._key.public_key().public_bytes_raw())

    def cosign(self, head: TreeHead, time_s: int) -> bytes:
        """Return the cosignature line over a tree head at ``time_s`` since 1970."""
        if not 0 <= time_s <= MAX_TIME_S:
            raise Malformed(f"cosignature: time {time_s} s out of range")
        name = self.verifier.name
        signature = self._key.sign(_message(name, head, time_s))
        return signature_line(name, self.verifier.key_id, time_s.to_bytes(8, "big") + signature)


def _message(name: str, head: TreeHead, time_s: int) -> bytes:
    """The structure ``cosigned_message`` of the specification, for a whole tree (start 0)."""
    cosigner, origin = name.encode("ascii"), head.origin.encode("ascii")
    return b"".join(
        (
            _LABEL,
            bytes([len(cosigner)]),
            cosigner,
            time_s.to_bytes(8, "big"),
            bytes([len(origin)]),
            origin,
            (0).to_bytes(8, "big"),
            head.size.to_bytes(8, "big"),
            head.root,
        )
    )
