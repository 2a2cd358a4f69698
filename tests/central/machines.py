"""A gateway's keys as it makes them to enrol: a log key, a TLS key, and its request."""

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from protocols.evidence.enrol import Request, fingerprint, sign_request
from protocols.evidence.note import Signer


class Machine:
    """One machine with fresh keys; `seed` makes its log key."""

    def __init__(self, gateway="gw-1", serial="SN-1", seed=b"m"):
        self.gateway = gateway
        self.serial = serial
        self.signer = Signer.from_private_bytes(gateway, seed * 32)
        self.tls = ec.generate_private_key(ec.SECP256R1())

    def request(self, secret, replaces=None):
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.gateway)])
        csr = x509.CertificateSigningRequestBuilder().subject_name(name)
        der = csr.sign(self.tls, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        return Request(self.gateway, secret, self.serial, der, self.signer.vkey, replaces)

    def signed(self, secret, replaces=None):
        """The bytes to POST."""
        return sign_request(self.request(secret, replaces), self.signer)

    @property
    def fingerprint(self):
        return fingerprint(self.request(b""))

    def tls_pem(self):
        return self.tls.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
