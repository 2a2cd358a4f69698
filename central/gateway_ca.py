"""The authority that signs gateways' client certificates, for a TLS terminator that asks for them.

It says only which key belongs to which gateway; that the gateway may upload is the registry's word,
asked at every request, so a certificate needs no revocation list. P-256: what verifies certificates
in `cryptography` and in common terminators refuses Ed25519.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from central.secret_file import KeyFileError, create_secret, read_secret, replace_public
from protocols.evidence.enrol import check_csr

CA_NAME: Final = "gateway-ca.pem"
CA_KEY_NAME: Final = "gateway-ca.key"
CA_DAYS: Final = 20 * 365
CERTIFICATE_DAYS: Final = 365
_SKEW: Final = timedelta(minutes=5)


class GatewayCa:
    """The authority's certificate and key, in memory."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.certificate = certificate
        self._key = key

    def issue(self, csr: bytes, gateway: str, now_ms: int) -> bytes:
        """A client certificate in DER for the key of a request; raise Malformed, BadSignature.

        Of the request only the key is taken: name, use and dates are central's decision.
        """
        key = check_csr(csr, gateway)
        now = _utc(now_ms)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        client = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        # Strict verifiers want an alternative name; an id need not be a DNS name, so it is a URI
        identity = x509.SubjectAlternativeName(
            [x509.UniformResourceIdentifier(f"gas-gateway:{gateway}")]
        )
        made = (
            _builder(_name(gateway), self.certificate.subject, key)
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(client, critical=False)
            .add_extension(authority, critical=False)
            .add_extension(identity, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.DER)


def create_gateway_ca(directory: Path, name: str, now_ms: int) -> None:
    """Make the authority in a store that has none; a cut creation is finished.

    The certificate is made from the key: without it the key is nobody's yet.
    """
    path = directory / CA_KEY_NAME
    if (directory / CA_NAME).exists():
        return
    if not path.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        create_secret(path, pem)
    key = _load_key(path)
    subject = _name(f"{name} gateways")
    now = _utc(now_ms)
    made = (
        _builder(subject, subject, key.public_key())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + timedelta(days=CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    replace_public(directory / CA_NAME, made.public_bytes(serialization.Encoding.PEM))


def load_gateway_ca(directory: Path) -> GatewayCa | None:
    """The authority; None in a store that never made one. Raises KeyFileError."""
    path = directory / CA_NAME
    if not path.exists():
        return None
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise KeyFileError(f"{path}: {error}; restore it from your own copy") from None
    key = _load_key(directory / CA_KEY_NAME)
    if certificate.public_key() != key.public_key():
        raise KeyFileError(f"{path}: not of the key beside it; restore both from your own copy")
    return GatewayCa(certificate, key)


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(read_secret(path, "gateways' authority key"), None)
    except (ValueError, TypeError) as error:
        raise KeyFileError(f"{path}: {error}; restore it from your own copy") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise KeyFileError(f"{path}: no P-256 key; restore it from your own copy")
    return key


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _utc(ms: int) -> datetime:
    return datetime.fromtimestamp(ms // 1000, UTC)
