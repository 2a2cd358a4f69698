"""Enrolment: how a gateway's new keys and central come to trust each other, once.

The operator makes a token at central (`enrol_token.py`: it pins central's CA and receipt key) and
gives it to whoever sets the gateway up. Steps:

1. GET /v1/ca over TLS that is believed by nobody yet; what comes is taken only if it is the CA that
   the token pins. Nothing secret was sent so far.
2. POST /v1/enroll over TLS by that CA: `Request`, signed by the new log key over everything.
3. Central answers `Pending` until an operator has approved the fingerprint, which the gateway shows
   too; GET /v1/enroll/<gateway>, signed by the log key (`sign_poll`), asks again.
4. `Approved`: receipt key (must be the pinned one or follow from it), order key, certificate, the
   first epoch that may be used; where a gateway is replaced, what central holds of the old one.

A request without a token, signed by the log key in force, asks for a new client certificate.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from protocols.evidence import cbor
from protocols.evidence.enrol_token import SECRET_BYTES, Token, receipt_pin
from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.key_change import log_key
from protocols.evidence.leaf import MAX_EPOCH, is_gateway_id
from protocols.evidence.note import MAX_NOTE_BYTES, Signer, Verifier, decode_base64
from protocols.evidence.receipt_keys import follow, open_succession

VERSION: Final = 1
CA_PATH: Final = "/v1/ca"
PATH: Final = "/v1/enroll"
MAX_REQUEST_BYTES: Final = 4096
MAX_ANSWER_BYTES: Final = 32_768
MAX_CERTIFICATE_BYTES: Final = 8192
MAX_SERIAL_CHARS: Final = 64
_MAX_ITEMS: Final = 64
_MAX_CITED: Final = 8
_CONTEXT: Final = b"gas-enrol/v1\n"
_SERIAL: Final = re.compile(r"[!-~]+\Z", re.ASCII)


class Request(NamedTuple):
    """What a gateway asks with. `secret` is b"" where only a new certificate is asked for.

    `serial` of the machine, `csr` DER (PKCS #10, P-256), `replaces` the old gateway of the site.
    """

    gateway: str
    secret: bytes
    serial: str
    csr: bytes
    log_vkey: str
    replaces: str | None


class Cited(NamedTuple):
    """What central holds of a log: the checkpoint, and its receipt."""

    checkpoint: bytes
    receipt: bytes


class Replaced(NamedTuple):
    """The old gateway of the site, and where its newest epoch ends at central."""

    gateway: str
    cited: tuple[Cited, ...]


class Pending(NamedTuple):
    """An operator has to approve this fingerprint."""

    fingerprint: str


class Denied(NamedTuple):
    """An operator, or a rule, said no."""

    reason: str
    remedy: str


class Approved(NamedTuple):
    """Welcome. Certificates are DER; `certificate` is b"" where central makes none.

    `epoch`: the first one that may be used, 0 for a gateway that never uploaded.
    """

    receipt_vkey: str
    order_vkey: str
    certificate: bytes
    epoch: int
    replaced: Replaced | None


Answer = Pending | Approved | Denied


def fingerprint(request: Request) -> str:
    """Return what the operator compares: 128 bits over both public keys, the id and the serial."""
    tls = check_csr(request.csr, request.gateway).public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    material = cbor.encode((request.gateway, request.serial, request.log_vkey, tls))
    digits = hashlib.sha256(b"gas-enrol-fingerprint\n" + material).hexdigest()[:32]
    return "-".join(digits[at : at + 4] for at in range(0, 32, 4))


def sign_request(request: Request, signer: Signer) -> bytes:
    """Gateway: the bytes to POST. `signer` is the log key that the request names."""
    _check(request)
    body = cbor.encode((VERSION, *request))
    data = cbor.encode((body, signer.sign(_CONTEXT + body)))
    if len(data) > MAX_REQUEST_BYTES:
        raise Malformed(f"enrolment: {len(data)} bytes, at most {MAX_REQUEST_BYTES}")
    return data


def open_request(data: bytes) -> Request:
    """Central: read a request and verify that whoever sent it holds both of its keys.

    Raises Malformed or BadSignature. Whether the token, the serial and the key are to be taken is
    the registry's question.
    """
    match cbor.decode(data, "enrolment", MAX_REQUEST_BYTES, 3):
        case (bytes(body), bytes(proof)):
            pass
        case _:
            raise Malformed("enrolment: not [request, signature]")
    match cbor.decode(body, "enrolment", MAX_REQUEST_BYTES, 8):
        case (
            1,
            str(gateway),
            bytes(secret),
            str(serial),
            bytes(csr),
            str(vkey),
            (str() | None) as old,
        ):
            request = Request(gateway, secret, serial, csr, vkey, old)
        case _:
            raise Malformed("enrolment: not version 1's fields; update the older program")
    verifier = _check(request)
    try:
        verifier.verify(_CONTEXT + body, proof)
    except BadSignature:
        raise BadSignature(f"enrolment of {gateway}: not signed by the log key it names") from None
    return request


def check_csr(csr: bytes, gateway: str) -> EllipticCurvePublicKey:
    """Return the key of a certificate request; raise Malformed, BadSignature.

    It is P-256, signs itself, and names the gateway as its one common name. Nothing else of it
    may be believed: what goes into the certificate is central's decision.
    """
    try:
        found = x509.load_der_x509_csr(csr)
        key = found.public_key()
        names = [
            str(name.value) for name in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        ]
        if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
            raise Malformed("certificate request: its key is not P-256")
        if not found.is_signature_valid:
            raise BadSignature("certificate request: not signed by its own key")
    except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm):
        raise Malformed("certificate request: not PKCS #10 in DER") from None
    if names != [gateway]:
        raise Malformed(f"certificate request: common name is not {gateway}")
    return key


def sign_poll(gateway: str, signer: Signer) -> str:
    """Gateway: the Gas-Request header that asks how the enrolment stands."""
    return base64.b64encode(signer.sign(_poll_text(gateway))).decode("ascii")


def check_poll(gateway: str, header: str, verifier: Verifier) -> None:
    """Central: raise Malformed or BadSignature unless the log key of the request asked this."""
    verifier.verify(_poll_text(gateway), decode_base64(header, "request"))


def encode_answer(answer: Answer) -> bytes:
    """Central: the body of an answer."""
    match answer:
        case Pending():
            return cbor.encode((VERSION, 0, answer.fingerprint))
        case Denied():
            return cbor.encode((VERSION, 2, *answer))
        case Approved():
            old = answer.replaced
            cited = None if old is None else (old.gateway, tuple(tuple(one) for one in old.cited))
            return cbor.encode((VERSION, 1, *answer[:4], cited))


def decode_answer(data: bytes) -> Answer:
    """Gateway: read an answer strictly; raise Malformed. The keys in it are not verified here."""
    match cbor.decode(data, "enrolment", MAX_ANSWER_BYTES, _MAX_ITEMS):
        case (1, 0, str(shown)):
            return Pending(shown)
        case (1, 2, str(reason), str(remedy)):
            return Denied(reason, remedy)
        case (1, 1, str(receipts), str(orders), bytes(certificate), int(epoch), old):
            if not 0 <= epoch <= MAX_EPOCH or len(certificate) > MAX_CERTIFICATE_BYTES:
                raise Malformed("enrolment: epoch or certificate out of range")
            return Approved(receipts, orders, certificate, epoch, _read_replaced(old))
        case _:
            raise Malformed("enrolment: an answer that this program does not read")


def take_receipt_key(
    token: Token, answer: Approved, successions: Callable[[], tuple[bytes, ...]]
) -> Verifier:
    """Gateway: the receipt key to pin; raise BadSignature unless the token's pin leads to it.

    ``successions`` are asked for only where the key was changed since the token was made.
    """
    if receipt_pin(answer.receipt_vkey) == token.receipt_sha256:
        return Verifier.from_vkey(answer.receipt_vkey)
    notes = successions()
    for note in notes:
        old_vkey = open_succession(note).old_vkey
        if receipt_pin(old_vkey) == token.receipt_sha256:
            newest = follow(old_vkey, notes)[-1]
            if newest.vkey == answer.receipt_vkey:
                return newest
    raise BadSignature("the receipt key is not the one that the token pins: not our central")


def _read_replaced(item: cbor.Item) -> Replaced | None:
    match item:
        case None:
            return None
        case (str(gateway), tuple(cited)) if len(cited) <= _MAX_CITED:
            found = []
            for one in cited:
                match one:
                    case (bytes(note), bytes(line)) if max(len(note), len(line)) <= MAX_NOTE_BYTES:
                        found.append(Cited(note, line))
                    case _:
                        raise Malformed("enrolment: a cited checkpoint is not [note, receipt]")
            return Replaced(gateway, tuple(found))
        case _:
            raise Malformed("enrolment: the replaced gateway is not [id, checkpoints]")


def _check(request: Request) -> Verifier:
    """Check every field of a request; return its log key."""
    if not is_gateway_id(request.gateway):
        raise Malformed(f"enrolment: bad gateway id {request.gateway[:80]!r}")
    if len(request.secret) not in (0, SECRET_BYTES):
        raise Malformed(f"enrolment: secret of {len(request.secret)} bytes, not {SECRET_BYTES}")
    if len(request.serial) > MAX_SERIAL_CHARS or not _SERIAL.match(request.serial):
        raise Malformed(f"enrolment: serial is not 1..{MAX_SERIAL_CHARS} printable characters")
    if request.replaces is not None and (
        not is_gateway_id(request.replaces) or request.replaces == request.gateway
    ):
        raise Malformed(f"enrolment: {request.gateway} cannot replace {request.replaces[:80]!r}")
    check_csr(request.csr, request.gateway)
    verifier = log_key(request.log_vkey)
    if verifier.name != request.gateway:
        raise Malformed(f"enrolment: the log key is {verifier.name}'s, not {request.gateway}'s")
    return verifier


def _poll_text(gateway: str) -> bytes:
    return f"gas-enrol/{gateway}\n".encode("ascii")
