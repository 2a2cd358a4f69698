"""Offers: what a distant operator asks of a gateway, signed by a key that is not on the server.

An offer is the CBOR array [note, content]. The note is signed text of three lines and an empty one:

    gas-offer/<gateway>
    <number>
    <base64 of the deterministic CBOR array [version 0, kind, valid until, SHA-256 of the content]>

and the content the deterministic CBOR array [who, why, item]. The content is apart because a whole
configuration is longer than a note may be. Numbers of one gateway only rise, as those of orders do;
no signature of an order, a checkpoint or a receipt is one of an offer, since none begins like this.

| kind | item |
|---|---|
| configuration | SHA-256 of the gateway.toml that it is made for, the new one's bytes |
| read_now | device, names of points (none: those that are polled) |
| read_range | meter run, from and to in UTC ms |
| support_bundle | nothing |
"""

import base64
import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from protocols.evidence import cbor
from protocols.evidence.cbor import Body
from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.leaf import is_gateway_id, parse_decimal
from protocols.evidence.note import (
    MAX_NOTE_BYTES,
    Signer,
    Verifier,
    decode_base64,
    open_note,
    sign_note,
)

PATH: Final = "/v1/offers/"
BUNDLE_PATH: Final = "/v1/bundle/"
OFFERS_HEADER: Final = "Gas-Offers"
CONFIGURATION: Final = "configuration"
READ_NOW: Final = "read_now"
READ_RANGE: Final = "read_range"
SUPPORT_BUNDLE: Final = "support_bundle"
KINDS: Final = (CONFIGURATION, READ_NOW, READ_RANGE, SUPPORT_BUNDLE)
MAX_CONTENT_BYTES: Final = 62_000
MAX_OFFER_BYTES: Final = MAX_CONTENT_BYTES + MAX_NOTE_BYTES + 16
MAX_ANSWER_BYTES: Final = 65_000  # so that it fits what the gateway reads of any answer
MAX_OFFERS: Final = 16
MAX_BUNDLE_BYTES: Final = 4 * 1024 * 1024
MAX_NUMBER: Final = (1 << 53) - 1
MAX_TIME_MS: Final = 253_402_300_799_999  # the last that calendars have: year 9999
MAX_WORDS: Final = 100
MAX_POINTS: Final = 64
MAX_RANGE_MS: Final = 366 * 86_400_000
_PREFIX: Final = "gas-offer/"
_REQUEST: Final = "gas-offers-after"
_BUNDLE: Final = "gas-bundle"
_MAX_ITEMS: Final = 128
_HASH_BYTES: Final = 32


class Offer(NamedTuple):
    """One offer: for whom, its place among all offers to him, until when (UTC ms), who and why."""

    gateway: str
    number: int
    kind: str
    valid_until_ms: int
    who: str
    why: str
    item: Body


def sign_offer(offer: Offer, signer: Signer) -> bytes:
    """Operator, offline: the whole offer. Raises Malformed for what `open_offer` would refuse."""
    _check(offer)
    content = cbor.encode((offer.who, offer.why, offer.item))
    if len(content) > MAX_CONTENT_BYTES:
        raise Malformed(f"offer: {len(content)} bytes, at most {MAX_CONTENT_BYTES} are read")
    digest = hashlib.sha256(content).digest()
    head = cbor.encode((0, offer.kind, offer.valid_until_ms, digest))
    body = base64.b64encode(head).decode("ascii")
    text = f"{_PREFIX}{offer.gateway}\n{offer.number}\n{body}\n".encode("ascii")
    return cbor.encode((sign_note(text, signer), content))


def open_offer(data: bytes, verifier: Verifier, gateway: str) -> Offer:
    """Gateway: the offer, if it is for this gateway and signed by this key.

    Raises Malformed or BadSignature. Whether its number rises, and whether its time is over, only
    the gateway knows.
    """
    note, content = _split(data)
    offer = _read(open_note(note, verifier), content)
    if offer.gateway != gateway:
        raise BadSignature(
            f"offer {offer.number} is for gateway {offer.gateway}, not for {gateway}"
        )
    return offer


def unverified_offer(data: bytes) -> Offer:
    """Central, which has no key to verify it by: what it says. Raises Malformed."""
    note, content = _split(data)
    text, separator, _ = note.partition(b"\n\n")
    if not separator:
        raise Malformed("offer: its note has no signature")
    return _read(text + b"\n", content)


def sign_request(gateway: str, after: int, signer: Signer) -> str:
    """Gateway: the header that asks for the offers after a number."""
    return base64.b64encode(signer.sign(_request_text(gateway, after))).decode("ascii")


def check_request(gateway: str, after: int, header: str, verifier: Verifier) -> None:
    """Central: raise Malformed or BadSignature unless the gateway's own key asked this."""
    verifier.verify(_request_text(gateway, after), decode_base64(header, "request"))


def sign_bundle(gateway: str, number: int, bundle: bytes, signer: Signer) -> str:
    """Gateway: the header that goes with a support bundle, which offer `number` asked for."""
    return base64.b64encode(signer.sign(_bundle_text(gateway, number, bundle))).decode("ascii")


def check_bundle(gateway: str, number: int, bundle: bytes, header: str, verifier: Verifier) -> None:
    """Central: raise Malformed or BadSignature unless the gateway's own key sent this."""
    verifier.verify(_bundle_text(gateway, number, bundle), decode_base64(header, "bundle"))


def encode_offers(offers: Sequence[bytes]) -> bytes:
    """Central: as many of them, from the first, as one answer may hold."""
    taken: list[bytes] = []
    for offer in offers[:MAX_OFFERS]:
        if taken and sum(map(len, taken)) + len(offer) + 64 > MAX_ANSWER_BYTES:
            break
        taken.append(offer)
    return cbor.encode(tuple(taken))


def decode_offers(data: bytes) -> tuple[bytes, ...]:
    """Gateway: the offers of an answer, none of them verified yet. Raises Malformed."""
    offers = cbor.decode(data, "offers", MAX_ANSWER_BYTES, MAX_OFFERS + 1)
    if not isinstance(offers, tuple):
        raise Malformed("offers: not an array")
    found = tuple(offer for offer in offers if isinstance(offer, bytes))
    if len(found) != len(offers):
        raise Malformed("offers: one of them is no byte string")
    return found


def _split(data: bytes) -> tuple[bytes, bytes]:
    match cbor.decode(data, "offer", MAX_OFFER_BYTES, 3):
        case (bytes(note), bytes(content)) if len(note) <= MAX_NOTE_BYTES:
            return note, content
        case _:
            raise Malformed("offer: not [note, content]")


def _read(text: bytes, content: bytes) -> Offer:
    try:
        lines = text.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Malformed("offer: not ASCII") from None
    if len(lines) != 4 or lines[3] or not lines[0].startswith(_PREFIX):
        raise Malformed(f"offer: not the three lines of {_PREFIX}<gateway>")
    number = parse_decimal(lines[1], "offer: number")
    head = decode_base64(lines[2], "offer: body")
    match cbor.decode(head, "offer: body", MAX_NOTE_BYTES, 8):
        case (0, str(kind), int(valid_until_ms), bytes(digest)):
            pass
        case _:
            raise Malformed("offer: body is not [version 0, kind, valid until, SHA-256]")
    if hashlib.sha256(content).digest() != digest:
        raise BadSignature("offer: its content is not what was signed")
    match cbor.decode(content, "offer: content", MAX_CONTENT_BYTES, _MAX_ITEMS):
        case (str(who), str(why), tuple(item)):
            gateway = lines[0].removeprefix(_PREFIX)
            offer = Offer(gateway, number, kind, valid_until_ms, who, why, item)
        case _:
            raise Malformed("offer: content is not [who, why, item]")
    _check(offer)
    return offer


def _check(offer: Offer) -> None:
    if not is_gateway_id(offer.gateway):
        raise Malformed(f"offer: bad gateway id {offer.gateway[:80]!r}")
    if not 1 <= offer.number <= MAX_NUMBER:
        raise Malformed(f"offer: number {offer.number} outside 1..{MAX_NUMBER}")
    if not 0 < offer.valid_until_ms <= MAX_TIME_MS:
        raise Malformed(f"offer: valid until {offer.valid_until_ms} ms is no time")
    for name, words in (("who", offer.who), ("why", offer.why)):
        if not (0 < len(words) <= MAX_WORDS and words.isprintable() and words.strip()):
            raise Malformed(f"offer: {name} is not printable text of 1 to {MAX_WORDS} characters")
    _check_item(offer.kind, offer.item)


def _check_item(kind: str, item: Body) -> None:
    match kind, item:
        case ("configuration", (bytes(base), bytes())) if len(base) == _HASH_BYTES:
            return
        case ("read_now", (str(device), *points)) if device and len(points) <= MAX_POINTS:
            if all(isinstance(point, str) and point for point in points):
                return
        case ("read_range", (str(run), int(start), int(end))):
            if run and 0 <= start < end <= MAX_TIME_MS and end - start <= MAX_RANGE_MS:
                return
        case ("support_bundle", ()):
            return
        case _:
            pass
    raise Malformed(f"offer: no item of kind {kind[:40]!r} is like this")


def _request_text(gateway: str, after: int) -> bytes:
    """No checkpoint, no order and no offer begins like this."""
    return f"{_REQUEST}/{gateway}\n{after}\n".encode("ascii")


def _bundle_text(gateway: str, number: int, bundle: bytes) -> bytes:
    digest = hashlib.sha256(bundle).hexdigest()
    return f"{_BUNDLE}/{gateway}\n{number}\n{digest}\n".encode("ascii")
