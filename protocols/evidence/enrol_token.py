"""The one-time token of an enrolment: it lets in once, and pins central for the gateway.

    gas-enrol-1:<gateway>:<secret>:<CA>:<receipt key>:<check>

secret: 128 random bits; CA: SHA-256 of central's CA certificate (DER); receipt key: SHA-256 of the
receipt verifier key's text; each base64url without padding. check: 8 hex digits of SHA-256 of all
before it, so that a slip of the pen is told as one.
"""

import base64
import binascii
import hashlib
from typing import Final, NamedTuple

from protocols.evidence.errors import Malformed
from protocols.evidence.leaf import is_gateway_id

SECRET_BYTES: Final = 16
LIFE_S: Final = 24 * 3600
MAX_TOKEN_CHARS: Final = 256
_TITLE: Final = "gas-enrol-1"


class Token(NamedTuple):
    """What an operator hands over. Whoever has it may ask once, and must still be approved."""

    gateway: str
    secret: bytes
    ca_sha256: bytes
    receipt_sha256: bytes

    def to_text(self) -> str:
        """Return the text to hand over."""
        fields = (self.secret, self.ca_sha256, self.receipt_sha256)
        text = ":".join((_TITLE, self.gateway, *(_encode(field) for field in fields)))
        return f"{text}:{_check_of(text)}"

    @classmethod
    def from_text(cls, text: str) -> "Token":
        """Read a token; raise Malformed that says whether it was cut, misspelt or another thing."""
        if len(text) > MAX_TOKEN_CHARS or not text.startswith(f"{_TITLE}:"):
            raise Malformed(f"token: does not begin with {_TITLE}; copy what add --token printed")
        before, _, check = text.rpartition(":")
        parts = before.split(":")
        if len(parts) != 5 or check != _check_of(before):
            raise Malformed("token: a character is wrong or missing; copy it whole")
        if not is_gateway_id(parts[1]):
            raise Malformed(f"token: bad gateway id {parts[1][:80]!r}")
        sizes = (SECRET_BYTES, 32, 32)
        return cls(
            parts[1], *(_decode(part, size) for part, size in zip(parts[2:], sizes, strict=True))
        )

    def secret_sha256(self) -> bytes:
        """Return what central keeps of the secret."""
        return secret_hash(self.secret)


def secret_hash(secret: bytes) -> bytes:
    """SHA-256 of a token's secret: 128 random bits need neither salt nor stretching."""
    return hashlib.sha256(b"gas-enrol-secret\n" + secret).digest()


def receipt_pin(receipt_vkey: str) -> bytes:
    """What a token says of the receipt key."""
    return hashlib.sha256(receipt_vkey.encode("utf-8")).digest()


def ca_pin(ca_der: bytes) -> bytes:
    """What a token says of the CA certificate."""
    return hashlib.sha256(ca_der).digest()


def _check_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _decode(text: str, size: int) -> bytes:
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != size or _encode(data) != text:
        raise Malformed("token: a field is not what its check says; make a new token")
    return data
