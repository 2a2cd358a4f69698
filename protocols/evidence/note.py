"""Signed notes, checkpoints and timed cosignatures.

C2SP signed-note (Ed25519, type 0x01), tlog-checkpoint (without extension lines) and
tlog-cosignature (timestamped Ed25519, type 0x04), with exactly one signature line where the
specifications allow several: less to get wrong. Every line, number and base64 has one spelling.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.leaf import HASH_BYTES, Origin, parse_decimal, parse_origin
from protocols.evidence.merkle import MAX_SIZE

MAX_NOTE_BYTES = 1024
MAX_NAME_CHARS = 128
MAX_TIME_S = (1 << 63) - 1
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_NAME = re.compile(r"[!-*,-~]+\Z", re.ASCII)  # printable ASCII without space and plus
_KEY_ID = re.compile(r"[0-9a-f]{8}\Z", re.ASCII)


class KeyType(IntEnum):
    """Signature type byte of C2SP signed-note."""

    NOTE = 1
    COSIGNATURE = 4


class Checkpoint(NamedTuple):
    """A log's state: origin, number of leaves, Merkle root."""

    origin: Origin
    size: int
    root: bytes


class Signer:
    """An Ed25519 private key with its name and type. The caller makes and keeps the key."""

    def __init__(self, name: str, key: Ed25519PrivateKey, key_type: KeyType) -> None:
        self._key = key
        self.verifier = Verifier(name, key.public_key().public_bytes_raw(), key_type)

    @classmethod
    def from_private_bytes(
        cls, name: str, private: bytes, key_type: KeyType = KeyType.NOTE
    ) -> "Signer":
        """Build a signer from the 32 private bytes of RFC 8032; raise Malformed for others."""
        if len(private) != _KEY_BYTES:
            raise Malformed(f"private key {name}: {len(private)} bytes, not {_KEY_BYTES}")
        return cls(name, Ed25519PrivateKey.from_private_bytes(private), key_type)

    @property
    def name(self) -> str:
        return self.verifier.name

    @property
    def vkey(self) -> str:
        return self.verifier.vkey

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature of ``message``."""
        return self._key.sign(message)


class Verifier:
    """An Ed25519 public key with its name and type; written as a C2SP verifier key."""

    def __init__(self, name: str, public: bytes, key_type: KeyType) -> None:
        if len(name) > MAX_NAME_CHARS or not _NAME.match(name):
            raise Malformed(f"key name {name[:80]!r}: printable ASCII without space or '+' only")
        if len(public) != _KEY_BYTES:
            raise Malformed(f"public key {name}: {len(public)} bytes, not {_KEY_BYTES}")
        self.name = name
        self.key_type = key_type
        self._public = public
        self._key = Ed25519PublicKey.from_public_bytes(public)
        encoded = name.encode("ascii") + b"\n" + bytes([key_type]) + public
        self.key_id = hashlib.sha256(encoded).digest()[:4]

    @classmethod
    def from_vkey(cls, text: str) -> "Verifier":
        """Read ``<name>+<key id, 8 hex digits>+<base64 of type and key>``; raise Malformed."""
        parts = text.split("+", 2)
        if len(parts) != 3 or not _KEY_ID.match(parts[1]):
            raise Malformed("verifier key: not <name>+<8 hex digits>+<base64>; copy it whole")
        data = decode_base64(parts[2], "verifier key")
        if len(data) != 1 + _KEY_BYTES or data[0] not in (KeyType.NOTE, KeyType.COSIGNATURE):
            raise Malformed("verifier key: neither an Ed25519 key nor a cosignature key")
        verifier = cls(parts[0], data[1:], KeyType(data[0]))
        if verifier.key_id.hex() != parts[1]:
            raise Malformed("verifier key: its id does not belong to its key; copy it whole")
        return verifier

    @property
    def vkey(self) -> str:
        material = base64.b64encode(bytes([self.key_type]) + self._public).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{material}"

    def verify(self, message: bytes, signature: bytes) -> None:
        """Raise BadSignature unless ``signature`` is this key's over ``message``."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            raise BadSignature(f"signature does not verify with key {self.name}") from None


def decode_base64(text: str, what: str) -> bytes:
    """Decode canonical RFC 4648 section 4 base64; raise Malformed for any other spelling."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise Malformed(f"{what}: not base64") from None
    if base64.b64encode(data).decode("ascii") != text:
        raise Malformed(f"{what}: not canonical base64")
    return data


def checkpoint_text(checkpoint: Checkpoint) -> bytes:
    """Return the note text: origin, size and root, a line each."""
    root = base64.b64encode(checkpoint.root).decode("ascii")
    return f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n".encode("ascii")


def sign_note(text: bytes, signer: Signer) -> bytes:
    """Return the note: text, empty line, one signature line of type 0x01."""
    if signer.verifier.key_type is not KeyType.NOTE:
        raise BadSignature(f"key {signer.name} signs cosignatures, not notes")
    return text + b"\n" + _signature_line(signer.verifier, signer.sign(text))


def open_note(note: bytes, verifier: Verifier) -> bytes:
    """Return the text of a note that carries exactly this key's signature line."""
    if verifier.key_type is not KeyType.NOTE:
        raise BadSignature(f"key {verifier.name} signs cosignatures, not notes")
    text, line = _split_note(note)
    verifier.verify(text, _read_signature(line, verifier, _SIGNATURE_BYTES))
    return text


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """Return the signed checkpoint note."""
    return sign_note(checkpoint_text(checkpoint), signer)


def open_checkpoint(note: bytes, verifier: Verifier) -> Checkpoint:
    """Verify and read a checkpoint; raise Malformed or BadSignature."""
    return _parse_checkpoint(open_note(note, verifier))


def unverified_checkpoint(note: bytes) -> Checkpoint:
    """Read a checkpoint before its signature is known to be good: to find the key by its origin."""
    return _parse_checkpoint(_split_note(note)[0])


def cosign(note: bytes, signer: Signer, time_s: int) -> bytes:
    """Return the cosignature line (cosignature/v1) over the text of a checkpoint note."""
    if signer.verifier.key_type is not KeyType.COSIGNATURE:
        raise BadSignature(f"key {signer.name} signs notes, not cosignatures")
    if not 0 <= time_s <= MAX_TIME_S:
        raise Malformed(f"cosignature: time {time_s} s out of range")
    signature = signer.sign(_cosigned_message(_split_note(note)[0], time_s))
    return _signature_line(signer.verifier, time_s.to_bytes(8, "big") + signature)


def open_cosignature(note: bytes, line: bytes, verifier: Verifier) -> int:
    """Verify a cosignature line over a checkpoint note; return its time in s since 1970."""
    if verifier.key_type is not KeyType.COSIGNATURE:
        raise BadSignature(f"key {verifier.name} signs notes, not cosignatures")
    data = _read_signature(line, verifier, 8 + _SIGNATURE_BYTES)
    time_s = int.from_bytes(data[:8], "big")
    if time_s > MAX_TIME_S:
        raise Malformed("cosignature: time beyond 2^63 - 1 s")
    verifier.verify(_cosigned_message(_split_note(note)[0], time_s), data[8:])
    return time_s


def signature_line(message: bytes, signer: Signer) -> bytes:
    """Return the signature line of ``signer`` over ``message``, whatever the key's type.

    For what more than one key signs. The message must begin like nothing else the key signs.
    """
    return _signature_line(signer.verifier, signer.sign(message))


def check_signature_line(message: bytes, line: bytes, verifier: Verifier) -> None:
    """Raise Malformed or BadSignature unless ``line`` is just this key's over ``message``."""
    verifier.verify(message, _read_signature(line, verifier, _SIGNATURE_BYTES))


def pick_verifier(line: bytes, keys: Sequence[Verifier]) -> Verifier:
    """Return the key that a signature line names, by name and key id; raise BadSignature if none.

    The signature itself is not looked at: that is the picked key's part.
    """
    name, data = _parse_line(line)
    for verifier in keys:
        if name == verifier.name and data[:4] == verifier.key_id:
            return verifier
    known = ", ".join(f"{key.name}+{key.key_id.hex()}" for key in keys)
    raise BadSignature(f"signed by another key than {known[:300]}")


def _cosigned_message(text: bytes, time_s: int) -> bytes:
    return b"cosignature/v1\ntime %d\n" % time_s + text


def _signature_line(verifier: Verifier, signature: bytes) -> bytes:
    encoded = base64.b64encode(verifier.key_id + signature).decode("ascii")
    return f"— {verifier.name} {encoded}\n".encode()


def _split_note(note: bytes) -> tuple[bytes, bytes]:
    """Split a note at its last empty line into text and its single signature line."""
    if len(note) > MAX_NOTE_BYTES:
        raise Malformed(f"note: {len(note)} bytes, at most {MAX_NOTE_BYTES} are read")
    at = note.rfind(b"\n\n")
    if at < 0:
        raise Malformed("note: no empty line before the signature")
    text, line = note[: at + 1], note[at + 2 :]
    if any(byte < 0x20 and byte != 0x0A for byte in note):
        raise Malformed("note: control character")
    if line.count(b"\n") != 1 or not line.endswith(b"\n"):
        raise Malformed("note: not exactly one signature line")
    try:
        note.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("note: not UTF-8") from None
    return text, line


def _read_signature(line: bytes, verifier: Verifier, size: int) -> bytes:
    """Return the signature bytes of exactly one line that names exactly this key."""
    name, data = _parse_line(line)
    if name != verifier.name or data[:4] != verifier.key_id:
        raise BadSignature(f"signed by another key than {verifier.name}+{verifier.key_id.hex()}")
    if len(data) != 4 + size:
        raise Malformed(f"signature line: {len(data) - 4} bytes, not {size}")
    return data[4:]


def _parse_line(line: bytes) -> tuple[str, bytes]:
    """Return the name, and key id and signature, of exactly one signature line."""
    if len(line) > MAX_NOTE_BYTES:
        raise Malformed("signature line: too long")
    try:
        parts = line.decode("utf-8").split(" ")
    except UnicodeDecodeError:
        raise Malformed("signature line: not UTF-8") from None
    if len(parts) != 3 or parts[0] != "—" or not parts[2].endswith("\n"):
        raise Malformed("signature line: not '— <name> <base64>' and a newline")
    return parts[1], decode_base64(parts[2][:-1], "signature line")


def _parse_checkpoint(text: bytes) -> Checkpoint:
    try:
        lines = text.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Malformed("checkpoint: not ASCII") from None
    if len(lines) != 4 or lines[3]:
        raise Malformed("checkpoint: not exactly three lines")
    size = parse_decimal(lines[1], "checkpoint: size")
    root = decode_base64(lines[2], "checkpoint: root")
    if size > MAX_SIZE or len(root) != HASH_BYTES:
        raise Malformed("checkpoint: size or root out of range")
    return Checkpoint(parse_origin(lines[0]), size, root)
