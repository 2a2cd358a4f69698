"""What an enrolment asks central: its CA, believed by the token's pin alone; then the rest."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from urllib3.exceptions import InsecureRequestWarning

from edge_agent.uplink.failure import Failure, refused
from edge_agent.uplink.link_failure import LinkFailure
from edge_agent.uplink.transport import Answer, Transport
from protocols.evidence import enrol
from protocols.evidence.enrol_token import Token, ca_pin
from protocols.evidence.errors import EvidenceError
from protocols.evidence.note import Signer
from protocols.evidence.order import REQUEST_HEADER
from protocols.evidence.receipt_keys import PATH as RECEIPT_KEYS_PATH
from protocols.evidence.receipt_keys import split_successions

_MAX_CA_BYTES: Final = 16_384
_OTHER: Final = (
    "check --url; a captive portal or a firewall that answers in central's place looks the same"
)


class Asks(Protocol):
    """A transport, as far as it is needed here."""

    def get(self, path: str, headers: Mapping[str, str]) -> Answer | LinkFailure: ...
    def post(self, path: str, body: bytes) -> Answer | LinkFailure: ...


class Way(NamedTuple):
    """How central is reached."""

    url: str
    proxy: str = ""
    deadline_s: float = 30.0

    def by(self, ca: Path | None) -> Transport:
        return Transport(self.url, ca, self.deadline_s, self.proxy)


def fetch_ca(way: Way, token: Token) -> bytes | Failure:
    """Central's CA in PEM, if it is the one that the token pins. Nothing secret was sent."""
    transport = way.by(None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InsecureRequestWarning)  # the pin decides, not TLS
            answer = transport.get(enrol.CA_PATH, {})
    finally:
        transport.close()
    if isinstance(answer, LinkFailure):
        return Failure(answer.problem, answer.remedy, link=True)
    if answer.status != 200:
        return Failure(f"{way.url} answered {answer.status}, not with central's CA", _OTHER)
    try:
        found = x509.load_pem_x509_certificate(answer.body[:_MAX_CA_BYTES])
    except ValueError:
        kind = answer.content_type or "something"
        return Failure(f"{way.url} answered {kind}, not with central's CA", _OTHER)
    if ca_pin(found.public_bytes(Encoding.DER)) != token.ca_sha256:
        return Failure(
            f"{way.url} has another CA than the token pins: it is not the central that made the "
            "token, or somebody stands in between; nothing was told to it",
            "check --url and the token; a captive portal or a TLS proxy has its own CA too",
        )
    return found.public_bytes(Encoding.PEM)


def ask(transport: Asks, request: bytes) -> enrol.Answer | Failure:
    """Send the request."""
    return _read(transport.post(enrol.PATH, request))


def poll(transport: Asks, gateway: str, signer: Signer) -> enrol.Answer | Failure:
    """How it stands."""
    headers = {REQUEST_HEADER: enrol.sign_poll(gateway, signer)}
    return _read(transport.get(f"{enrol.PATH}/{gateway}", headers))


def receipt_key_changes(transport: Asks) -> tuple[bytes, ...] | Failure:
    """Central's notes of how its receipt key changed; none of them verified here."""
    answer = transport.get(RECEIPT_KEYS_PATH, {})
    if isinstance(answer, LinkFailure):
        return Failure(answer.problem, answer.remedy, link=True)
    if answer.status != 200:
        return refused(answer)
    try:
        return split_successions(answer.body)
    except EvidenceError as error:
        return Failure(str(error), _OTHER)


def _read(answer: Answer | LinkFailure) -> enrol.Answer | Failure:
    if isinstance(answer, LinkFailure):
        return Failure(answer.problem, answer.remedy, link=True)
    if answer.status != 200:
        return refused(answer)
    try:
        return enrol.decode_answer(answer.body)
    except EvidenceError as error:
        return Failure(str(error), _OTHER)
