"""Parcels: what central's key opens and nothing else does, and receipts that come back whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.evidence import cbor, parcel
from protocols.evidence.errors import BadSignature, EvidenceError, Malformed
from protocols.evidence.heads import StoredHead
from protocols.evidence.leaf import Log, Origin
from protocols.evidence.parcel import (
    MAGIC,
    NotTaken,
    ParcelKey,
    decode_receipts,
    encode_receipts,
    open_parcel,
    seal_parcel,
)
from protocols.evidence.upload import MAX_UPLOAD_BYTES

PRIVATE = bytes(range(32))
EPHEMERAL = bytes(range(1, 33))
# the public half of PRIVATE, by RFC 7748
KEY = ParcelKey(bytes.fromhex("8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f"))
UPLOADS = [b"first upload", b"", b"third"]
RECEIPT = StoredHead(Origin("gw-1", Log.BILLING, 0), 12, b"checkpoint", b"receipt")
REFUSED = NotTaken("gas-evidence/gw-1/telemetry/0", 7, "root differs", "send again")


def _parcel(uploads=UPLOADS, gateway="gw-1") -> bytes:
    return b"".join(seal_parcel(gateway, KEY, EPHEMERAL, uploads))


def _opened(data: bytes, private: bytes = PRIVATE) -> list[str | bytes]:
    return list(open_parcel([data], private))


@given(st.lists(st.binary(max_size=50), max_size=5), st.integers(1, 100))
def test_what_was_packed_is_unpacked(uploads, piece):
    """In order, whatever the pieces the file is read in."""
    data = _parcel(uploads)
    pieces = (data[at : at + piece] for at in range(0, len(data), piece))
    assert list(open_parcel(pieces, PRIVATE)) == ["gw-1", *uploads]


def test_golden_bytes():
    """One parcel with one upload, to the byte; whoever changes it changes the contract."""
    assert _parcel([b"upload"]).hex() == GOLDEN


GOLDEN = (
    "6761732d70617263656c2f76310a31d7b086439d894d07a37cbc142093c8b755dc1b10e86cb42637"
    "4ad16aa853ed0bdfc0b2b86d1c7c000000177708c9c9529862feab4cc83200cbdd3200e56c51737d"
    "f000000016f1200a1f6af9229a6e816e61fddc61277836d9286d5f000000125e23e73b831fcc8766"
    "a201f1b21c5a0cc079"
)


def test_nothing_of_it_can_be_read():
    """Neither an upload nor the gateway's name stands in the file."""
    data = _parcel([b"upload" * 20])
    assert b"upload" not in data
    assert b"gw-1" not in data


def test_every_bit_counts():
    """A changed bit anywhere, and the file is not taken to its end; what came before is whole."""
    data = _parcel()
    for at in range(8 * len(data)):
        changed = bytearray(data)
        changed[at // 8] ^= 1 << at % 8
        taken = []
        with pytest.raises((Malformed, BadSignature)):
            taken.extend(open_parcel([bytes(changed)], PRIVATE))
        assert taken == ["gw-1", *UPLOADS][: len(taken)]


def test_a_cut_file_is_told():
    """At whatever byte the copy ended."""
    data = _parcel()
    for length in range(len(data)):
        with pytest.raises(EvidenceError):
            _opened(data[:length])


def test_a_chunk_cannot_be_left_out_doubled_or_moved():
    """Each has its number, and the last one is the last."""
    pieces = list(seal_parcel("gw-1", KEY, EPHEMERAL, UPLOADS))
    for order in ([0, 2, 3, 4, 5], [0, 1, 2, 2, 3, 4, 5], [0, 1, 3, 2, 4, 5], [0, 1, 2, 5]):
        with pytest.raises(BadSignature, match="changed on the way"):
            _opened(b"".join(pieces[at] for at in order))
    with pytest.raises(Malformed, match="cut off"):
        _opened(b"".join(pieces[:-1]))
    with pytest.raises(Malformed, match="after the end"):
        _opened(b"".join(pieces) + b"x")


def test_another_key_opens_nothing():
    """Who is not central is told so, and gets nothing."""
    with pytest.raises(BadSignature, match="another key"):
        _opened(_parcel(), bytes(range(2, 34)))


def test_a_file_that_is_no_parcel():
    """Any other file, as somebody may choose by mistake."""
    with pytest.raises(Malformed, match="not a gas-parcel"):
        _opened(b"PK\x03\x04" + bytes(100))


@pytest.mark.parametrize("point", [bytes(32), (1).to_bytes(32, "little")])
def test_a_key_of_small_order_is_refused_on_both_sides(point):
    """The shared secret would be zero, and known to everybody."""
    with pytest.raises(Malformed, match="not usable"):
        b"".join(seal_parcel("gw-1", ParcelKey(point), EPHEMERAL, []))
    with pytest.raises(BadSignature, match="not usable"):
        _opened(MAGIC + KEY.key_id + point)


def test_limits():
    """An upload that central would not read is not packed; a length beyond is not waited for."""
    with pytest.raises(Malformed, match="beyond the limits"):
        _parcel([bytes(MAX_UPLOAD_BYTES + 1)])
    with pytest.raises(Malformed, match="bad gateway"):
        _parcel(gateway="GW 1")
    head = next(seal_parcel("gw-1", KEY, EPHEMERAL, []))
    with pytest.raises(Malformed, match="at most"):
        _opened(head + b"\xff\xff\xff\xff")


def test_too_many_uploads(monkeypatch):
    """Whoever packs and whoever unpacks count."""
    monkeypatch.setattr(parcel, "MAX_UPLOADS", 3)
    full = _parcel()
    with pytest.raises(Malformed, match="beyond the limits"):
        _parcel([*UPLOADS, b"fourth"])
    monkeypatch.setattr(parcel, "MAX_UPLOADS", 2)
    with pytest.raises(Malformed, match="more than 2"):
        _opened(full)


def test_the_key_as_text():
    """Its text is read back; one that was not copied whole is refused."""
    assert ParcelKey.parse(str(KEY)) == KEY
    for damaged in ("", str(KEY)[:-4], str(KEY).replace("gas-parcel", "gas-porcel"), "a+b+c"):
        with pytest.raises(Malformed):
            ParcelKey.parse(damaged)
    other = f"gas-parcel-key+{KEY.key_id.hex()}+{str(ParcelKey(bytes(32))).split('+', 2)[2]}"
    with pytest.raises(Malformed, match="does not belong"):
        ParcelKey.parse(other)


@given(st.lists(st.sampled_from([RECEIPT, REFUSED]), max_size=4), st.integers(1, 100))
def test_receipts_come_back_as_they_were_written(items, piece):
    """In whatever pieces."""
    data = b"".join(encode_receipts(items))
    pieces = (data[at : at + piece] for at in range(0, len(data), piece))
    assert list(decode_receipts(pieces)) == items


def test_receipts_that_are_not_whole():
    """Cut off anywhere, lengthened, another file, another count, an unknown item."""
    data = b"".join(encode_receipts([RECEIPT, REFUSED]))
    for length in range(len(data)):
        with pytest.raises(Malformed):
            list(decode_receipts([data[:length]]))
    with pytest.raises(Malformed, match="after the end"):
        list(decode_receipts([data, b"x"]))
    with pytest.raises(Malformed, match="not a gas-receipts"):
        list(decode_receipts([bytes(100)]))
    for item in ((1, "end", 1), (1, "receipt", str(RECEIPT.origin), 0, b"", b""), (0, "end", 0), 1):
        encoded = cbor.encode(item)
        framed = b"gas-receipts/v1\n" + len(encoded).to_bytes(4, "big") + encoded
        with pytest.raises(Malformed, match="none that version 1 knows"):
            list(decode_receipts([framed]))


def test_a_long_reason_is_cut():
    """What central says of a refusal is bounded."""
    (told,) = decode_receipts(encode_receipts([REFUSED._replace(reason="x" * 10_000)]))
    assert len(told.reason) == parcel.MAX_REASON_CHARS
