"""Orders: golden bytes, both roles, and whatever is not just so is refused."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.evidence import cbor
from protocols.evidence.errors import BadSignature, EvidenceError, Malformed
from protocols.evidence.leaf import Log, Origin
from protocols.evidence.note import (
    MAX_NOTE_BYTES,
    Checkpoint,
    KeyType,
    Signer,
    open_checkpoint,
    sign_checkpoint,
    sign_note,
)
from protocols.evidence.order import (
    GAS,
    MAX_NUMBER,
    MAX_ORDERS,
    Order,
    check_request,
    decode_orders,
    encode_orders,
    open_order,
    sign_order,
    sign_request,
)

KEY = Signer.from_private_bytes("central-orders", b"o" * 32)
STRANGER = Signer.from_private_bytes("central-orders", b"x" * 32)
GATEWAY = Signer.from_private_bytes("gw-1", b"g" * 32)
ITEM = ("grid", (), 40_660_000, 581_000_000, 6_000_000, 0, "central", 1_796_083_200_000, "Li Wei")
ORDER = Order("gw-1", 7, GAS, ITEM)

# Made once by sign_order; Ed25519 is deterministic. Whoever changes it changes the contract.
GOLDEN = (
    "gas-order/gw-1\n"
    "7\n"
    "gwBjZ2FziWRncmlkgBoCbGwgGiKhW0AaAFuNgABnY2VudHJhbBsAAAGiLuawAGZMaSBXZWk=\n"
    "\n"
    "— central-orders Lwf/Xj5mnKAX+hw+Z3lAiVc8exaRsNnW/u3XKwPXQvXFtJ0N3LgCEJyEY0fl2ak"
    "GVuP5CD2b+AgE3aM9ttjrjheDywQ=\n"
).encode()


def test_golden_bytes():
    """The note is the one that was agreed, to the byte, and is read as what it was made of."""
    assert sign_order(ORDER, KEY) == GOLDEN
    assert open_order(GOLDEN, KEY.verifier, "gw-1") == ORDER


def test_the_lines_say_what_the_order_is():
    """Origin, number and body stand in three lines that a person can read."""
    origin, number, body = sign_order(ORDER, KEY).decode().split("\n")[:3]
    assert (origin, number) == ("gas-order/gw-1", "7")
    assert cbor.decode(base64.b64decode(body), "body", 1000, 100) == (0, "gas", ITEM)


def test_every_changed_bit_is_refused():
    """No bit of a note can be another."""
    for at in range(len(GOLDEN)):
        for bit in range(8):
            changed = bytearray(GOLDEN)
            changed[at] ^= 1 << bit
            with pytest.raises(EvidenceError):
                open_order(bytes(changed), KEY.verifier, "gw-1")


@pytest.mark.parametrize(
    ("error", "note", "told"),
    [
        (BadSignature, sign_order(ORDER, STRANGER), "another key"),
        (BadSignature, sign_order(ORDER._replace(gateway="gw-2"), KEY), "for gateway gw-2"),
        (Malformed, sign_note(b"gas-order/gw-1\n7\n", KEY), "three lines"),
        (Malformed, sign_note(b"gas-evidence/gw-1\n7\ngwBjZ2FzgA==\n", KEY), "three lines"),
        (Malformed, sign_note(b"gas-order/gw-1\n07\ngwBjZ2FzgA==\n", KEY), "plain decimal"),
        (Malformed, sign_note(b"gas-order/gw-1\n0\ngwBjZ2FzgA==\n", KEY), "number 0"),
        (Malformed, sign_note(b"gas-order/gw-1\n7\ngwBjZ2FzgB==\n", KEY), "base64"),
        (Malformed, sign_note(b"gas-order/gw-1\n7\ngwBjZ2FzgA\n", KEY), "base64"),
        (Malformed, sign_note(b"gas-order/gw-1\n7\ngwFjZ2FzgA==\n", KEY), "version 0"),
        (Malformed, sign_note(b"gas-order/GW 1\n7\ngwBjZ2FzgA==\n", KEY), "gateway id"),
        (Malformed, sign_note(b"gas-order/gw-1\n7\ngwBggA==\n", KEY), "no kind"),
        (Malformed, sign_note("gas-order/gw-1\n7\n\u6c14\n".encode(), KEY), "ASCII"),
        (Malformed, b"", "empty line"),
    ],
)
def test_what_is_no_order_for_this_gateway_is_refused(error, note, told):
    """Another key, another gateway, another spelling or another version is no order."""
    with pytest.raises(error, match=told):
        open_order(note, KEY.verifier, "gw-1")


def test_no_other_key_of_central_signs_orders():
    """A receipt key cannot sign one, and a verifier for receipts cannot open one."""
    receipts = Signer.from_private_bytes("central", b"o" * 32, KeyType.COSIGNATURE)
    with pytest.raises(BadSignature, match="cosignatures"):
        sign_order(ORDER, receipts)
    with pytest.raises(BadSignature, match="cosignatures"):
        open_order(GOLDEN, receipts.verifier, "gw-1")


def test_a_checkpoint_is_no_order_and_an_order_no_checkpoint():
    """Under one key the two could not be taken for each other either."""
    checkpoint = sign_checkpoint(Checkpoint(Origin("gw-1", Log.BILLING, 0), 7, b"r" * 32), KEY)
    with pytest.raises(Malformed):
        open_order(checkpoint, KEY.verifier, "gw-1")
    with pytest.raises(Malformed):
        open_checkpoint(GOLDEN, KEY.verifier)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"gateway": "GW 1"}, "gateway id"),
        ({"number": 0}, "number 0"),
        ({"number": MAX_NUMBER + 1}, "outside 1"),
        ({"kind": ""}, "no kind"),
        ({"item": (1.5,)}, "float is not allowed"),
        ({"item": ("w" * MAX_NOTE_BYTES,)}, "shorten its names"),
    ],
)
def test_what_could_not_be_read_is_not_signed(change, told):
    """The signer refuses what the reader would."""
    with pytest.raises(Malformed, match=told):
        sign_order(ORDER._replace(**change), KEY)


@given(
    number=st.integers(1, MAX_NUMBER),
    kind=st.text(min_size=1, max_size=20),
    item=st.lists(
        st.one_of(st.integers(-(2**63), 2**64 - 1), st.text(max_size=20), st.binary(max_size=20)),
        max_size=12,
    ).map(tuple),
)
def test_round_trip(number, kind, item):
    """Whatever can be signed is read back as it was."""
    order = Order("gw-1", number, kind, item)
    assert open_order(sign_order(order, KEY), KEY.verifier, "gw-1") == order


def test_requests_are_the_gateways_own():
    """Only the gateway's key asks for its orders, and only for those after the number it signed."""
    header = sign_request("gw-1", 6, GATEWAY)
    check_request("gw-1", 6, header, GATEWAY.verifier)
    for gateway, after, text in (("gw-1", 5, header), ("gw-2", 6, header), ("gw-1", 6, "AAAA")):
        with pytest.raises(BadSignature):
            check_request(gateway, after, text, GATEWAY.verifier)
    with pytest.raises(Malformed):
        check_request("gw-1", 6, header[:-1], GATEWAY.verifier)
    with pytest.raises(BadSignature):
        check_request("gw-1", 6, header, KEY.verifier)


def test_answers_hold_so_many_notes_and_no_more():
    """Both ends of an answer are bounded, and hold byte strings only."""
    full = tuple(bytes([n]) * MAX_NOTE_BYTES for n in range(MAX_ORDERS))
    assert decode_orders(encode_orders(full)) == full
    assert decode_orders(encode_orders(())) == ()
    for data in (
        encode_orders((b"",) * (MAX_ORDERS + 1)),
        encode_orders((*full[1:], b"x" * (MAX_NOTE_BYTES + 1))),
        cbor.encode(("note",)),
        cbor.encode(7),
        encode_orders(full)[:-1],
        b"",
    ):
        with pytest.raises(Malformed):
            decode_orders(data)
