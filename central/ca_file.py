"""The certificate that gateways believe central by: what an enrolment token pins."""

from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from central.regular_file import read_regular
from central.secret_file import KeyFileError

MAX_FILE_BYTES: Final = 256 * 1024


def load_ca(path: Path) -> x509.Certificate:
    """The last certificate of a PEM file: of a chain, the one nearest to its root.

    Raises KeyFileError.
    """
    try:
        return x509.load_pem_x509_certificates(read_regular(path, MAX_FILE_BYTES))[-1]
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}; check the path") from None
    except ValueError:  # the library's words are about itself
        raise KeyFileError(
            f"{path}: no PEM certificate; give the CA's certificate, not its key"
        ) from None


def check_ca(ca: x509.Certificate, path: Path) -> None:
    """Raise KeyFileError unless `ca` can be what the certificates in `path` are believed by."""
    chain = x509.load_pem_x509_certificates(path.read_bytes())
    try:
        if chain[-1] != ca:
            chain[-1].verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        raise KeyFileError(
            f"{path}: not signed by {ca.subject.rfc4514_string()}; name its CA, [intake] ca"
        ) from None


def der(certificate: x509.Certificate) -> bytes:
    """What its pin is made of."""
    return certificate.public_bytes(Encoding.DER)


def pem(certificate: x509.Certificate) -> bytes:
    """What gateways are given."""
    return certificate.public_bytes(Encoding.PEM)
