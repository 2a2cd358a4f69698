"""Orders: what central tells a gateway to do, signed by a key that signs nothing else.

An order is a signed note of three lines and an empty one:

    gas-order/<gateway>
    <number>
    <base64 of the deterministic CBOR array [version 0, kind, item]>

Numbers of one gateway only rise, so whoever remembers the last one is deceived by no repetition.
What a kind's item means is the business of those who give and obey it.
"""

import base64
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

VERSION: Final = 0
GAS: Final = "gas"  # the one kind so far; its item is the body of metering's GasData
MAX_NUMBER: Final = (1 << 53) - 1
MAX_ORDERS: Final = 16  # in one answer: the gateway asks again for what is left
ORDERS_HEADER: Final = "Gas-Orders"
REQUEST_HEADER: Final = "Gas-Request"
_PREFIX: Final = "gas-order/"
_REQUEST: Final = "gas-orders-after"
_MAX_ITEMS: Final = 256
_MAX_ANSWER_BYTES: Final = MAX_ORDERS * (MAX_NOTE_BYTES + 3) + 1


class Order(NamedTuple):
    """One order: for whom, its place among all orders to him, what kind, and what it says."""

    gateway: str
    number: int
    kind: str
    item: Body


def sign_order(order: Order, signer: Signer) -> bytes:
    """Central: the note. Raises Malformed for what `open_order` would refuse."""
    _check(order)
    body = base64.b64encode(cbor.encode((VERSION, order.kind, order.item))).decode("ascii")
    note = sign_note(f"{_PREFIX}{order.gateway}\n{order.number}\n{body}\n".encode("ascii"), signer)
    if len(note) > MAX_NOTE_BYTES:
        raise Malformed(
            f"order: {len(note)} bytes, at most {MAX_NOTE_BYTES} are read; shorten its names"
        )
    return note


def open_order(note: bytes, verifier: Verifier, gateway: str) -> Order:
    """Gateway: the order, if it is for this gateway and signed by this key.

    Raises Malformed or BadSignature. Whether its number rises, only the gateway's memory knows.
    """
    try:
        lines = open_note(note, verifier).decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Malformed("order: not ASCII") from None
    if len(lines) != 4 or lines[3] or not lines[0].startswith(_PREFIX):
        raise Malformed(f"order: not the three lines of {_PREFIX}<gateway>")
    data = decode_base64(lines[2], "order: body")
    match cbor.decode(data, "order: body", MAX_NOTE_BYTES, _MAX_ITEMS):
        case (0, str(kind), tuple(item)):
            number = parse_decimal(lines[1], "order: number")
            order = Order(lines[0].removeprefix(_PREFIX), number, kind, item)
        case _:
            raise Malformed("order: body is not [version 0, kind, item]")
    _check(order)
    if order.gateway != gateway:
        raise BadSignature(
            f"order {order.number} is for gateway {order.gateway}, not for {gateway}"
        )
    return order


def sign_request(gateway: str, after: int, signer: Signer) -> str:
    """Gateway: the header that asks for the orders after a number.

    It needs no freshness: an order never changes, and asking takes nothing away.
    """
    return base64.b64encode(signer.sign(_request_text(gateway, after))).decode("ascii")


def check_request(gateway: str, after: int, header: str, verifier: Verifier) -> None:
    """Central: raise Malformed or BadSignature unless the gateway's own key asked this."""
    verifier.verify(_request_text(gateway, after), decode_base64(header, "request"))


def encode_orders(notes: Sequence[bytes]) -> bytes:
    """Central: the body of an answer; the caller gives at most MAX_ORDERS notes."""
    return cbor.encode(tuple(notes))


def decode_orders(data: bytes) -> tuple[bytes, ...]:
    """Gateway: the notes of an answer, none of them verified yet. Raises Malformed."""
    notes = cbor.decode(data, "orders", _MAX_ANSWER_BYTES, MAX_ORDERS + 1)
    if not isinstance(notes, tuple):
        raise Malformed("orders: not an array of notes")
    found = tuple(note for note in notes if isinstance(note, bytes))
    if len(found) != len(notes):
        raise Malformed("orders: a note is not a byte string")
    return found


def _check(order: Order) -> None:
    if not is_gateway_id(order.gateway):
        raise Malformed(f"order: bad gateway id {order.gateway[:80]!r}")
    if not 1 <= order.number <= MAX_NUMBER:
        raise Malformed(f"order: number {order.number} outside 1..{MAX_NUMBER}")
    if not order.kind:
        raise Malformed("order: no kind")
    cbor.check_item(order.item, "order: item", _MAX_ITEMS - 3)


def _request_text(gateway: str, after: int) -> bytes:
    """No checkpoint and no order begins like this: the signature is good for nothing else."""
    return f"{_REQUEST}/{gateway}\n{after}\n".encode("ascii")
