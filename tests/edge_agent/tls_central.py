"""A small central behind a real TLS socket: the central role of `protocols.evidence`, and faults.

`faults` are taken one a request; each answers in the place of central and is then gone.
"""

from __future__ import annotations

import datetime
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from protocols.evidence.adopt import PATH as ADOPT_PATH
from protocols.evidence.adopt import Adopted, adopt, decode_adoption
from protocols.evidence.heads import PATH as HEADS_PATH
from protocols.evidence.heads import Heads, StoredHead, check_heads_request, encode_heads
from protocols.evidence.leaf import Leaf, Log
from protocols.evidence.note import Verifier, unverified_checkpoint
from protocols.evidence.order import ORDERS_HEADER, REQUEST_HEADER, encode_orders
from protocols.evidence.upload import (
    EMPTY_HEAD,
    UNSENT_HEADER,
    Accepted,
    Conflict,
    Head,
    accept,
    check_receipt,
    countersign,
    decode_upload,
    encode_conflict,
)
from tests.edge_agent.gateway import KEYS, RECEIPTS

TIME_S = 1_780_000_000


class Request(BaseHTTPRequestHandler):
    """One POST; keep-alive as a real central."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Any

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == ADOPT_PATH:
            self.send(*self.server.central.adopt(body))
            return
        self.server.central.unsent.append(self.headers.get(UNSENT_HEADER))
        self.server.central.answer(self, body)

    def do_GET(self) -> None:
        """Heads; orders, as they lie there: whatever they are worth."""
        if self.path.startswith(HEADS_PATH):
            self.send(*self.server.central.tell_heads(self.headers.get(REQUEST_HEADER) or ""))
            return
        self.server.central.asked.append((self.path, self.headers.get(REQUEST_HEADER)))
        self.send(200, encode_orders(self.server.central.orders), "application/cbor")

    def send(self, status: int, body: bytes, kind: str = "text/plain", **headers: str) -> None:
        self.send_response_only(status)
        for name, value in {"Content-Type": kind, **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


Fault = Callable[[Request, bytes, "TlsCentral"], None]


class TlsCentral:
    """Accepts uploads of one gateway; remembers every leaf, head and request.

    `heads` and `leaves` are of the newest epoch, `earlier` has the leaves of those before.
    """

    def __init__(self, own: Verifier = KEYS.signer.verifier) -> None:
        self.heads: dict[Log, Head] = dict.fromkeys(Log, EMPTY_HEAD)
        self.leaves: dict[Log, list[Leaf]] = {log: [] for log in Log}
        self.epoch = 0
        self.earlier: dict[int, dict[Log, list[Leaf]]] = {}
        self.faults: deque[Fault] = deque()
        self.requests: list[tuple[Log, int, int]] = []  # log, first, status
        self.unsent: list[str | None] = []
        self.orders: list[bytes] = []
        self.newest_order = 0
        self.asked: list[tuple[str, str | None]] = []  # paths of GETs, and who signed them
        self.connections = 0
        self.heads_asked = 0
        self.adopted: list[tuple[Log, int, int]] = []  # log, first, size
        self.url = ""
        self._own = own
        self._lock = threading.Lock()

    def answer(self, request: Request, body: bytes) -> None:
        with self._lock:
            fault = self.faults.popleft() if self.faults else None
        if fault is not None:
            fault(request, body, self)
            return
        told = (
            {ORDERS_HEADER.replace("-", "_"): str(self.newest_order)} if self.newest_order else {}
        )
        request.send(*self.take(body), **told)

    def take(self, body: bytes) -> tuple[int, bytes]:
        """Central's part: judge, store, countersign."""
        with self._lock:
            upload = decode_upload(body)
            log = upload.origin.log
            if upload.origin.epoch < self.epoch:
                self.requests.append((log, upload.first, 410))
                return 410, b'{"error": "closed", "remedy": "open another"}'
            if upload.origin.epoch > self.epoch:
                self.earlier[self.epoch] = self.leaves
                self.epoch = upload.origin.epoch
                self.heads = dict.fromkeys(Log, EMPTY_HEAD)
                self.leaves = {each: [] for each in Log}
            outcome = accept(self.heads[log], upload, self._own, None)
            match outcome:
                case Accepted(frontier, leaves):
                    receipt = countersign(upload.checkpoint, RECEIPTS, TIME_S + len(self.requests))
                    self.heads[log] = Head(frontier, upload.checkpoint, receipt)
                    self.leaves[log] += leaves
                    status, answer = 200, receipt
                case Conflict():
                    status, answer = 409, encode_conflict(outcome)
                case _:
                    status, answer = 422, b"{}"
            self.requests.append((log, upload.first, status))
            return status, answer

    def tell_heads(self, request: str) -> tuple[int, bytes, str]:
        """What it holds of the newest epoch."""
        with self._lock:
            self.heads_asked += 1
            check_heads_request(KEYS.gateway, request, self._own)
            found = [
                StoredHead(unverified_checkpoint(head.checkpoint).origin, head.frontier.size,
                           head.checkpoint, head.receipt)
                for head in self.heads.values() if head.checkpoint
            ]  # fmt: skip
            newest = max((head.origin.epoch for head in found), default=None)
            told = tuple(head for head in found if head.origin.epoch == newest)
            return 200, encode_heads(Heads(newest, told)), "application/cbor"

    def adopt(self, body: bytes) -> tuple[int, bytes]:
        """Go on from its own receipt."""
        with self._lock:
            adoption = decode_adoption(body)
            log = adoption.origin.log
            outcome = adopt(
                self.heads[log], adoption, self._own,
                lambda note, line: check_receipt(note, line, RECEIPTS.verifier),
            )  # fmt: skip
            if not isinstance(outcome, Adopted):
                return 422, b"{}"
            self.heads[log] = outcome.head
            self.adopted.append((log, outcome.first, outcome.head.frontier.size))
            return 200, outcome.head.receipt

    def backup(self) -> tuple[dict[Log, Head], dict[Log, list[Leaf]]]:
        """Heads and leaves of one moment."""
        with self._lock:
            return dict(self.heads), {log: list(leaves) for log, leaves in self.leaves.items()}

    def restore(self, heads: dict[Log, Head], leaves: dict[Log, list[Leaf]]) -> None:
        """As it was at the backup."""
        with self._lock:
            self.heads, self.leaves = heads, leaves

    def size(self, log: Log) -> int:
        return self.heads[log].frontier.size


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    central: TlsCentral
    context: ssl.SSLContext

    def get_request(self) -> Any:
        """TLS only over who is still there: the socket that Python makes of another one leaks.

        The handshake is done in the request's thread: it must not block the others.
        """
        self.central.connections += 1
        plain, address = super().get_request()
        try:
            plain.getpeername()
        except OSError:
            plain.close()
            raise
        wrapped = self.context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        return wrapped, address

    def handle_error(self, *_: object) -> None:
        """Clients that go away are part of the tests."""


@contextmanager
def serving(
    directory: Path, central: TlsCentral | None = None, days: tuple[int, int] = (-1, 1)
) -> Iterator[TlsCentral]:
    """The central on a port of its own; its CA lies in `directory` as ca.pem.

    `days`: from today, on which its certificate is valid.
    """
    central = central or TlsCentral()
    make_certificates(directory, days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.pem", directory / "server.key")
    server = _Server(("127.0.0.1", 0), Request)
    server.central = central
    server.context = context
    central.url = f"https://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield central
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def make_certificates(directory: Path, days: tuple[int, int] = (-1, 1)) -> None:
    """A CA and a server certificate for localhost, P-256; the latter valid on those days."""
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = _certificate("test CA", "test CA", ca_key.public_key(), ca_key, is_ca=True)
    server = _certificate("localhost", "test CA", key.public_key(), ca_key, is_ca=False, days=days)
    pem = serialization.Encoding.PEM
    (directory / "ca.pem").write_bytes(ca.public_bytes(pem))
    (directory / "server.pem").write_bytes(server.public_bytes(pem))
    (directory / "server.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def _certificate(
    subject: str,
    issuer: str,
    public_key: Any,
    signer: Any,
    *,
    is_ca: bool,
    days: tuple[int, int] = (-1, 1),
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=days[0]))
        .not_valid_after(now + datetime.timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if not is_ca:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())
