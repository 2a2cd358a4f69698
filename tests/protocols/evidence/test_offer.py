"""Offers: golden bytes, both roles, and whatever is not just so is refused."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.evidence.errors import BadSignature, EvidenceError, Malformed
from protocols.evidence.note import KeyType, Signer, sign_note
from protocols.evidence.offer import (
    CONFIGURATION,
    MAX_ANSWER_BYTES,
    MAX_CONTENT_BYTES,
    MAX_NUMBER,
    MAX_OFFER_BYTES,
    READ_NOW,
    READ_RANGE,
    SUPPORT_BUNDLE,
    Offer,
    check_bundle,
    check_request,
    decode_offers,
    encode_offers,
    open_offer,
    sign_bundle,
    sign_offer,
    sign_request,
    unverified_offer,
)
from protocols.evidence.order import Order, open_order, sign_order

KEY = Signer.from_private_bytes("operator", b"o" * 32)
STRANGER = Signer.from_private_bytes("operator", b"x" * 32)
GATEWAY = Signer.from_private_bytes("gw-1", b"g" * 32)
OFFER = Offer(
    "gw-1", 7, CONFIGURATION, 1_796_083_200_000, "Li Wei", "new range", (b"b" * 32, b"[x]")
)

# Made once by sign_offer; Ed25519 is deterministic. Whoever changes it changes the contract.
GOLDEN = bytes.fromhex(
    "8258cd6761732d6f666665722f67772d310a370a68414274593239755a6d6c6e64584a6864476c76626873414141"
    "47694c7561774146676775374376637745336e36495132676d336345627870714b6f4775634567423930504d616d"
    "4b595a776166673d0a0ae28094206f70657261746f7220784965726879575038333577336c696a5458304f49734e"
    "2b68637058772b392b6b6e47304b414e4a62424c6a3863317178626e624d324b4c2b6d77784c4a75654e524e4570"
    "41374b6950305477464378486d622f777850716e41343d0a583983664c6920576569696e65772072616e67658258"
    "206262626262626262626262626262626262626262626262626262626262626262435b785d"
)


def test_golden_bytes() -> None:
    """The offer is the one that was agreed, to the byte, and is read as what it was made of."""
    assert sign_offer(OFFER, KEY) == GOLDEN
    assert open_offer(GOLDEN, KEY.verifier, "gw-1") == OFFER
    assert unverified_offer(GOLDEN) == OFFER


@pytest.mark.parametrize(
    ("kind", "item"),
    [
        (CONFIGURATION, (b"b" * 32, b"")),
        (READ_NOW, ("meter-1",)),
        (READ_NOW, ("meter-1", "vm", "vb")),
        (READ_RANGE, ("R1", 0, 3_600_000)),
        (SUPPORT_BUNDLE, ()),
    ],
)
def test_every_kind_comes_back(kind: str, item: Any) -> None:
    """With its item."""
    offer = OFFER._replace(kind=kind, item=item)
    assert open_offer(sign_offer(offer, KEY), KEY.verifier, "gw-1") == offer


@pytest.mark.parametrize(
    "changed",
    [
        {"gateway": "GW 1"},
        {"number": 0},
        {"number": MAX_NUMBER + 1},
        {"valid_until_ms": 0},
        {"valid_until_ms": 1 << 48},
        {"who": ""},
        {"who": "a\x1b[2J"},
        {"why": "w" * 101},
        {"kind": "reboot", "item": ()},
        {"item": (b"b" * 31, b"")},
        {"item": ("b", b"")},
        {"item": (b"b" * 32, b"", 1)},
        {"item": (b"b" * 32, b"x" * MAX_CONTENT_BYTES)},
        {"kind": READ_NOW, "item": ()},
        {"kind": READ_NOW, "item": ("m", 7)},
        {"kind": READ_NOW, "item": ("m", *(f"p{n}" for n in range(65)))},
        {"kind": READ_RANGE, "item": ("R1", 5, 5)},
        {"kind": READ_RANGE, "item": ("R1", -1, 5)},
        {"kind": READ_RANGE, "item": ("R1", 0, 1 << 46)},
        {"kind": SUPPORT_BUNDLE, "item": (1,)},
    ],
)
def test_what_is_no_offer_is_not_signed(changed: dict[str, Any]) -> None:
    """So what is signed is read."""
    with pytest.raises(Malformed):
        sign_offer(OFFER._replace(**changed), KEY)


def test_strangers_and_other_gateways() -> None:
    """Another key of the same name, another gateway's offer."""
    with pytest.raises(BadSignature):
        open_offer(sign_offer(OFFER, STRANGER), KEY.verifier, "gw-1")
    with pytest.raises(BadSignature, match="for gateway gw-1"):
        open_offer(GOLDEN, KEY.verifier, "gw-2")


def test_an_order_is_no_offer_and_an_offer_no_order() -> None:
    """Even where one key signs both."""
    order = sign_order(Order("gw-1", 7, "gas", ("G", 1)), KEY)
    for data in (order, sign_note(b"gas-order/gw-1\n7\nAA==\n", KEY)):
        with pytest.raises(EvidenceError):
            open_offer(data, KEY.verifier, "gw-1")
    with pytest.raises(EvidenceError):
        open_order(GOLDEN, KEY.verifier, "gw-1")


def test_the_content_is_bound_to_the_signature() -> None:
    """Another configuration under the same note."""
    other = sign_offer(OFFER._replace(item=(b"b" * 32, b"[y]")), KEY)
    swapped = GOLDEN[: GOLDEN.index(b"Li Wei")] + other[other.index(b"Li Wei") :]
    with pytest.raises(BadSignature, match="not what was signed"):
        open_offer(swapped, KEY.verifier, "gw-1")


def test_every_flipped_bit_is_refused() -> None:
    """All of them: no offer is another one."""
    for place in range(8 * len(GOLDEN)):
        data = bytearray(GOLDEN)
        data[place // 8] ^= 1 << place % 8
        with pytest.raises(EvidenceError):
            open_offer(bytes(data), KEY.verifier, "gw-1")


@pytest.mark.parametrize("seed", range(200))
def test_cut_joined_and_stuffed_offers_are_refused(seed: int) -> None:
    """Whatever became of it on its way."""
    dice = random.Random(seed)
    at = dice.randrange(len(GOLDEN))
    for data in (
        GOLDEN[:at],
        GOLDEN[at:] + GOLDEN[:at] if at else b"",
        GOLDEN[:at] + dice.randbytes(dice.randrange(1, 9)) + GOLDEN[at:],
        GOLDEN + GOLDEN,
    ):
        with pytest.raises(EvidenceError):
            open_offer(data, KEY.verifier, "gw-1")


@given(st.binary(max_size=300))
def test_noise_is_refused(data: bytes) -> None:
    """With an error of evidence, and no other."""
    for read in (
        lambda: open_offer(data, KEY.verifier, "gw-1"),
        lambda: unverified_offer(data),
        lambda: decode_offers(data + b"\xff"),
    ):
        with pytest.raises(EvidenceError):
            read()


def test_too_long_is_refused_unread() -> None:
    """Before anything of it is looked at."""
    with pytest.raises(Malformed):
        open_offer(b"\x82" + b"\x00" * MAX_OFFER_BYTES, KEY.verifier, "gw-1")


def test_an_answer_holds_what_fits() -> None:
    """A whole configuration alone, small ones together; the rest is asked for again."""
    small = sign_offer(OFFER, KEY)
    large = sign_offer(OFFER._replace(item=(b"b" * 32, b"x" * (MAX_CONTENT_BYTES - 200))), KEY)
    assert decode_offers(encode_offers([small] * 20)) == (small,) * 16
    assert decode_offers(encode_offers([small, large])) in ((small,), (small, large))
    assert decode_offers(encode_offers([large, large])) == (large,)
    assert len(encode_offers([large])) <= MAX_ANSWER_BYTES
    assert decode_offers(encode_offers([])) == ()


def test_requests_are_signed_by_the_gateway() -> None:
    """For this number, and for nothing else."""
    header = sign_request("gw-1", 7, GATEWAY)
    check_request("gw-1", 7, header, GATEWAY.verifier)
    for gateway, after in (("gw-1", 8), ("gw-2", 7)):
        with pytest.raises(EvidenceError):
            check_request(gateway, after, header, GATEWAY.verifier)


def test_a_bundle_is_signed_with_its_offer() -> None:
    """Other bytes, or another offer's, are refused."""
    header = sign_bundle("gw-1", 7, b"bundle", GATEWAY)
    check_bundle("gw-1", 7, b"bundle", header, GATEWAY.verifier)
    for number, data in ((8, b"bundle"), (7, b"bundl3")):
        with pytest.raises(EvidenceError):
            check_bundle("gw-1", number, data, header, GATEWAY.verifier)


def test_a_receipt_key_signs_no_offer() -> None:
    """Its signatures have another type."""
    receipts = Signer.from_private_bytes("operator", b"o" * 32, KeyType.COSIGNATURE)
    with pytest.raises(EvidenceError):
        open_offer(sign_offer(OFFER, receipts), receipts.verifier, "gw-1")
