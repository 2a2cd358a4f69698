"""The gateway's TLS identity: a P-256 key and central's certificate for it, in one PEM file.

One file, because it is replaced in one step when the certificate is renewed. Only a terminator that
asks for client certificates looks at it; the evidence is signed by the log key alone.
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge_agent.keys.key_files import KeyFileError

TLS_FILE: Final = "tls.pem"
RENEW_AT: Final = 3  # when less than one third of its life is left
_PKCS8: Final = serialization.PrivateFormat.PKCS8


class Identity(NamedTuple):
    """What the certificate says; instants in s since 1970."""

    not_before_s: int
    not_after_s: int
    fingerprint: str

    def is_due(self, now_s: int) -> bool:
        """It is to be renewed: its last third has begun."""
        return now_s >= self.not_after_s - (self.not_after_s - self.not_before_s) // RENEW_AT


def new_key() -> bytes:
    """A P-256 private key in PEM: for a file of 0600 only."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(serialization.Encoding.PEM, _PKCS8, serialization.NoEncryption())


def certificate_request(key_pem: bytes, gateway: str) -> bytes:
    """PKCS #10 in DER, with the gateway as its one name. Raises KeyFileError."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, gateway)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    made = builder.sign(_load_key(key_pem), hashes.SHA256())
    return made.public_bytes(serialization.Encoding.DER)


def identity_file(key_pem: bytes, certificate: bytes) -> bytes:
    """Key and certificate (DER) as one PEM file. Raises KeyFileError where they do not fit."""
    try:
        found = x509.load_der_x509_certificate(certificate)
    except ValueError as error:
        raise KeyFileError(f"central's certificate for this gateway: {error}; ask again") from error
    key = _load_key(key_pem)
    if found.public_key() != key.public_key():
        raise KeyFileError("central's certificate is for another key; ask again")
    own = key.private_bytes(serialization.Encoding.PEM, _PKCS8, serialization.NoEncryption())
    return own + found.public_bytes(serialization.Encoding.PEM)


def read_identity(pem: bytes) -> Identity:
    """Raises KeyFileError."""
    try:
        found = x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise KeyFileError(f"{TLS_FILE} holds no certificate: {error}; enroll again") from error
    return Identity(
        round(found.not_valid_before_utc.timestamp()),
        round(found.not_valid_after_utc.timestamp()),
        grouped(hashlib.sha256(found.public_bytes(serialization.Encoding.DER)).hexdigest()[:32]),
    )


def grouped(digits: str) -> str:
    """Four by four, so that two people can compare them."""
    return "-".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def _load_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError) as error:
        raise KeyFileError(f"the TLS key is damaged: {error}; enroll again") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise KeyFileError("the TLS key is not a P-256 key; enroll again")
    return key
