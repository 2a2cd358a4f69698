"""Heads: both roles, golden bytes, and whatever is not just so is refused."""

import pytest

from protocols.evidence import cbor
from protocols.evidence.errors import BadSignature, EvidenceError, Malformed
from protocols.evidence.heads import (
    Heads,
    StoredHead,
    check_heads_request,
    decode_heads,
    encode_heads,
    sign_heads_request,
)
from protocols.evidence.leaf import Log, Origin
from protocols.evidence.note import Signer
from protocols.evidence.order import check_request

GATEWAY = Signer.from_private_bytes("gw-1", b"g" * 32)
BILLING = StoredHead(Origin("gw-1", Log.BILLING, 3), 17, b"checkpoint", b"receipt")
TELEMETRY = StoredHead(Origin("gw-1", Log.TELEMETRY, 3), 4096, b"other", b"receipt too")
BOTH = Heads(3, (BILLING, TELEMETRY))


def test_golden_bytes():
    """An answer is these bytes; whoever changes them changes the contract."""
    golden = (
        "8301038184781b6761732d65766964656e63652f67772d312f62696c6c696e672f3311"
        "4a636865636b706f696e744772656365697074"
    )
    assert encode_heads(Heads(3, (BILLING,))).hex() == golden


@pytest.mark.parametrize(
    "heads",
    [Heads(None, ()), Heads(0, ()), Heads(3, (BILLING,)), Heads(3, (TELEMETRY,)), BOTH],
    ids=["nothing", "closed below 0", "billing", "telemetry", "both"],
)
def test_what_one_side_writes_the_other_reads(heads):
    """Encode and decode are inverse, for every number of logs."""
    assert decode_heads(encode_heads(heads), "gw-1") == heads


def test_each_log_is_found():
    """By its name; a log that is not there is None."""
    assert BOTH.of(Log.TELEMETRY) == TELEMETRY
    assert Heads(3, (BILLING,)).of(Log.TELEMETRY) is None


@pytest.mark.parametrize(
    ("heads", "told"),
    [
        (Heads(None, (BILLING,)), "not of the newest epoch"),
        (Heads(4, (BILLING,)), "not of the newest epoch"),
        (Heads(-1, ()), "outside"),
        (Heads(1 << 31, ()), "outside"),
        (Heads(3, (TELEMETRY, BILLING)), "billing first"),
        (Heads(3, (BILLING, BILLING)), "billing first"),
        (Heads(3, (BILLING._replace(size=0),)), "with 0 leaves"),
        (Heads(3, (BILLING._replace(size=(1 << 48) + 1),)), "leaves"),
        (Heads(3, (BILLING._replace(checkpoint=bytes(1025)),)), "too long"),
    ],
)
def test_heads_that_contradict_themselves_are_neither_written_nor_read(heads, told):
    """An answer that central could not mean is refused on both sides."""
    items = tuple((str(head.origin), *head[1:]) for head in heads.heads)
    with pytest.raises(Malformed, match=told):
        encode_heads(heads)
    with pytest.raises(Malformed, match=told):
        decode_heads(cbor.encode((1, heads.newest_epoch, items)), "gw-1")


@pytest.mark.parametrize(
    "item",
    [(), (0, None, ()), (1, None), (1, "3", ()), (1, 3, ((1, 2, b"", b""),)), (1, 3, (3,)), 1],
)
def test_another_shape_is_refused(item):
    """Only the three fields of version 1."""
    with pytest.raises(Malformed):
        decode_heads(cbor.encode(item), "gw-1")


def test_heads_of_another_gateway_are_refused():
    """An answer that was meant for somebody else says nothing of this one."""
    with pytest.raises(Malformed, match="another gateway"):
        decode_heads(encode_heads(BOTH), "gw-2")


def test_every_bit_counts():
    """A changed bit gives an error or other heads, never the same ones and never another error."""
    data = encode_heads(BOTH)
    for at in range(8 * len(data)):
        changed = bytearray(data)
        changed[at // 8] ^= 1 << at % 8
        try:
            assert decode_heads(bytes(changed), "gw-1") != BOTH
        except EvidenceError:
            continue


def test_a_request_is_for_one_gateway_and_one_purpose():
    """Its signature is good for no other gateway, no other key, and no order request."""
    header = sign_heads_request("gw-1", GATEWAY)
    check_heads_request("gw-1", header, GATEWAY.verifier)
    with pytest.raises(BadSignature):
        check_heads_request("gw-2", header, GATEWAY.verifier)
    with pytest.raises(BadSignature):
        check_request("gw-1", 0, header, GATEWAY.verifier)
    stranger = Signer.from_private_bytes("gw-1", b"x" * 32)
    with pytest.raises(BadSignature):
        check_heads_request("gw-1", header, stranger.verifier)
    for damaged in ("", header[:-1], header + "=", header.replace("=", " ")):
        with pytest.raises(EvidenceError):
            check_heads_request("gw-1", damaged, GATEWAY.verifier)
    with pytest.raises(Malformed, match="bad gateway"):
        sign_heads_request("gw-1\nx", GATEWAY)
