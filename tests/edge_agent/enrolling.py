"""A central that enrols: its routes behind a real TLS socket, the operator played by the test."""

from __future__ import annotations

import datetime
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from protocols.evidence import enrol
from protocols.evidence.enrol import Answer, Approved, Pending, Request, fingerprint, open_request
from protocols.evidence.enrol_token import Token, ca_pin, receipt_pin
from protocols.evidence.errors import EvidenceError
from protocols.evidence.note import KeyType, Signer, Verifier
from tests.edge_agent.tls_central import make_certificates

RECEIPTS, NEWER = (
    Signer.from_private_bytes("central", seed * 32, KeyType.COSIGNATURE) for seed in (b"r", b"n")
)
ORDERS = Signer.from_private_bytes("central-orders", b"o" * 32)
SECRET = b"t" * 16
Reply = tuple[int, bytes, str]


class Central:
    """`decide` is the operator: the answer to a request that central has read."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = ""
        self.asked: list[str] = []  # method and path
        self.secrets: list[bytes] = []
        self.requests: list[Request] = []
        self.decide: Callable[[Request], Answer] = lambda request: Pending(fingerprint(request))
        self.successions = b""
        self.portal: Reply | None = None  # answers in central's place

    @property
    def token(self) -> Token:
        ca = x509.load_pem_x509_certificate((self.directory / "ca.pem").read_bytes())
        pin = ca_pin(ca.public_bytes(serialization.Encoding.DER))
        return Token("gw-1", SECRET, pin, receipt_pin(RECEIPTS.vkey))

    def answer(self, method: str, path: str, header: str | None, body: bytes) -> Reply:
        self.asked.append(f"{method} {path}")
        if self.portal is not None:
            return self.portal
        if path == enrol.CA_PATH:
            return 200, (self.directory / "ca.pem").read_bytes(), "application/x-pem-file"
        if path == "/v1/receipt-keys":
            return 200, self.successions, "text/plain"
        if method == "POST":
            try:
                request = open_request(body)
            except EvidenceError as error:
                return 401, str(error).encode(), "text/plain"
            self.requests.append(request)
            self.secrets.append(request.secret)
        else:
            request = self.requests[-1]
            enrol.check_poll("gw-1", header or "", Verifier.from_vkey(request.log_vkey))
        return 200, enrol.encode_answer(self.decide(request)), "application/cbor"


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self) -> None:
        self._answer(b"")

    def _answer(self, body: bytes) -> None:
        status, data, kind = self.server.central.answer(
            self.command, self.path, self.headers.get("Gas-Request"), body
        )
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def enrolling(directory: Path) -> Iterator[Central]:
    """On a port of its own; its CA and certificate lie in `directory`."""
    directory.mkdir(exist_ok=True)
    central = Central(directory)
    make_certificates(directory)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.pem", directory / "server.key")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Request)
    server.daemon_threads = True
    server.block_on_close = False
    server.central = central  # type: ignore[attr-defined]
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that go away
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    central.url = f"https://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield central
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def certificate(csr: bytes, days: float = 30.0, age_days: float = 0.0) -> bytes:
    """A client certificate in DER for the key of a request, by an authority of no importance."""
    authority = ec.derive_private_key(77, ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gw-1")])
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=age_days)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(enrol.check_csr(csr, "gw-1"))
        .serial_number(5)
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=days))
        .sign(authority, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.DER)


def approve(request: Request) -> Answer:
    """Welcome, with a certificate."""
    return Approved(RECEIPTS.vkey, ORDERS.vkey, certificate(request.csr), 0, None)
