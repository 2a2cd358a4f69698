"""Parcels: uploads and receipts carried by hand where there is no link.

A parcel holds uploads, each as it would be POSTed, encrypted to central's X25519 key: whoever finds
the stick reads nothing, and central judges each upload as its intake does.

    gas-parcel/v1\\n | key id, 8 bytes | ephemeral X25519 key, 32 bytes
    then chunks: length, 4 bytes big-endian | ChaCha20-Poly1305 of one item

The key is HKDF-SHA256 of the shared secret, salted with both public keys, its info the whole
header. The nonce is the chunk's number, 11 bytes big-endian, and a byte that is 1 for the last
chunk only: nothing can be left out, changed in place or cut off. Item 0 is [version 1, gateway],
the last one [number of uploads]. What comes back is not secret, and every receipt is signed:

    gas-receipts/v1\\n, then items: length, 4 bytes big-endian | CBOR
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocols.evidence import cbor
from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.heads import StoredHead
from protocols.evidence.leaf import MAX_SUBJECT_CHARS, is_gateway_id, parse_origin
from protocols.evidence.merkle import MAX_SIZE
from protocols.evidence.note import MAX_NOTE_BYTES, decode_base64
from protocols.evidence.upload import MAX_UPLOAD_BYTES

VERSION: Final = 1
MAGIC: Final = b"gas-parcel/v1\n"
RECEIPTS_MAGIC: Final = b"gas-receipts/v1\n"
KEY_BYTES: Final = 32
MAX_UPLOADS: Final = 1 << 20  # in one parcel
MAX_REASON_CHARS: Final = 500
_KEY_ID_BYTES: Final = 8
_HEADER_BYTES: Final = len(MAGIC) + _KEY_ID_BYTES + KEY_BYTES
_LENGTH_BYTES: Final = 4
_TAG_BYTES: Final = 16
_KEY_NAME: Final = "gas-parcel-key"
_MAX_RECEIPT_BYTES: Final = 2 * MAX_NOTE_BYTES + 4 * MAX_REASON_CHARS + 512


class ParcelKey(NamedTuple):
    """Central's public key for parcels."""

    public: bytes

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(_KEY_NAME.encode() + b"\n" + self.public).digest()[:_KEY_ID_BYTES]

    def __str__(self) -> str:
        encoded = base64.b64encode(self.public).decode("ascii")
        return f"{_KEY_NAME}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def parse(cls, text: str) -> "ParcelKey":
        """Read what `str` wrote; raise Malformed."""
        parts = text.split("+", 2)
        if len(parts) != 3 or parts[0] != _KEY_NAME:
            raise Malformed(f"parcel key: not {_KEY_NAME}+<16 hex digits>+<base64>; copy it whole")
        key = cls(decode_base64(parts[2], "parcel key"))
        if len(key.public) != KEY_BYTES or key.key_id.hex() != parts[1]:
            raise Malformed("parcel key: its id does not belong to its key; copy it whole")
        return key


class NotTaken(NamedTuple):
    """An upload that central refused, and why."""

    origin: str
    first: int
    reason: str
    remedy: str


ReceiptItem = StoredHead | NotTaken


def seal_parcel(
    gateway: str, recipient: ParcelKey, ephemeral: bytes, uploads: Iterable[bytes]
) -> Iterator[bytes]:
    """Gateway: the pieces of the file, one upload at a time. `ephemeral`: 32 fresh random bytes.

    Raises Malformed for an upload that is too long, or one too many.
    """
    if not is_gateway_id(gateway):
        raise Malformed(f"parcel: bad gateway id {gateway[:80]!r}")
    private = X25519PrivateKey.from_private_bytes(ephemeral)
    header = MAGIC + recipient.key_id + private.public_key().public_bytes_raw()
    try:
        shared = private.exchange(X25519PublicKey.from_public_bytes(recipient.public))
    except ValueError as error:
        raise Malformed(f"parcel key: not usable: {error}") from None
    cipher = _cipher(shared, header, recipient)
    yield header
    yield _chunk(cipher, 0, cbor.encode((VERSION, gateway)), last=False)
    number = 0
    for upload in uploads:
        number += 1
        if len(upload) > MAX_UPLOAD_BYTES or number > MAX_UPLOADS:
            raise Malformed(f"parcel: upload {number} of {len(upload)} bytes is beyond the limits")
        yield _chunk(cipher, number, upload, last=False)
    yield _chunk(cipher, number + 1, cbor.encode((number,)), last=True)


def open_parcel(pieces: Iterable[bytes], private: bytes) -> Iterator[str | bytes]:
    """Central: first the gateway that the parcel says it is of, then its uploads, in order.

    `pieces` is the file in pieces of any size. What was yielded before an error was whole. Raises
    Malformed (no parcel, cut off, something after its end) or BadSignature (for another key, or
    changed on the way).
    """
    stream = _Pieces(pieces, "parcel")
    header = stream.take(_HEADER_BYTES)
    if not header.startswith(MAGIC):
        raise Malformed("parcel: not a gas-parcel/v1 file")
    own = X25519PrivateKey.from_private_bytes(private)
    recipient = ParcelKey(own.public_key().public_bytes_raw())
    if header[len(MAGIC) : -KEY_BYTES] != recipient.key_id:
        raise BadSignature(f"parcel: encrypted to another key than {recipient}")
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(header[-KEY_BYTES:]))
    except ValueError:
        raise BadSignature("parcel: its ephemeral key is not usable") from None
    cipher = _cipher(shared, header, recipient)
    yield _read_manifest(_open_chunk(cipher, 0, stream)[0])
    number = 0
    while True:
        number += 1
        item, is_last = _open_chunk(cipher, number, stream)
        if is_last:
            break
        if number > MAX_UPLOADS:
            raise Malformed(f"parcel: more than {MAX_UPLOADS} uploads")
        yield item
    if item != cbor.encode((number - 1,)):
        raise Malformed("parcel: its last item does not count its uploads")
    stream.end()


def encode_receipts(items: Iterable[ReceiptItem]) -> Iterator[bytes]:
    """Central: the pieces of the file that goes back, one item for each upload, in order."""
    yield RECEIPTS_MAGIC
    count = 0
    for item in items:
        count += 1
        if isinstance(item, StoredHead):
            yield _framed(cbor.encode((VERSION, "receipt", str(item.origin), *item[1:])))
        else:
            told = (item.reason[:MAX_REASON_CHARS], item.remedy[:MAX_REASON_CHARS])
            yield _framed(cbor.encode((VERSION, "refused", *item[:2], *told)))
    yield _framed(cbor.encode((VERSION, "end", count)))


def decode_receipts(pieces: Iterable[bytes]) -> Iterator[ReceiptItem]:
    """Gateway: read the file; nothing of it is verified yet. Raises Malformed, also if cut off."""
    stream = _Pieces(pieces, "receipts")
    if stream.take(len(RECEIPTS_MAGIC)) != RECEIPTS_MAGIC:
        raise Malformed("receipts: not a gas-receipts/v1 file")
    for count in range(MAX_UPLOADS + 1):
        data = stream.take(stream.length(_MAX_RECEIPT_BYTES))
        match cbor.decode(data, "receipts", _MAX_RECEIPT_BYTES, 8):
            case (1, "receipt", str(origin), int(size), bytes(checkpoint), bytes(receipt)) if (
                0 < size <= MAX_SIZE
            ):
                yield StoredHead(parse_origin(origin), size, checkpoint, receipt)
            case (1, "refused", str(origin), int(first), str(reason), str(remedy)) if (
                0 <= first <= MAX_SIZE and len(origin) <= MAX_SUBJECT_CHARS
            ):
                yield NotTaken(origin, first, reason, remedy)
            case (1, "end", int(told)) if told == count:
                stream.end()
                return
            case _:
                raise Malformed(f"receipts: item {count} is none that version 1 knows")
    raise Malformed(f"receipts: more than {MAX_UPLOADS} items")


class _Pieces:
    """Exact numbers of bytes out of pieces of any size; holds no more than is asked for."""

    def __init__(self, pieces: Iterable[bytes], what: str) -> None:
        self._pieces = iter(pieces)
        self._what = what
        self._held = bytearray()

    def take(self, count: int) -> bytes:
        while len(self._held) < count:
            piece = next(self._pieces, None)
            if piece is None:
                raise Malformed(f"{self._what}: cut off; copy the whole file again")
            self._held += piece
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken

    def length(self, most: int) -> int:
        count = int.from_bytes(self.take(_LENGTH_BYTES), "big")
        if count > most:
            raise Malformed(f"{self._what}: an item of {count} bytes, at most {most} are read")
        return count

    def end(self) -> None:
        if self._held or any(self._pieces):
            raise Malformed(f"{self._what}: bytes after the end")


def _cipher(shared: bytes, header: bytes, recipient: ParcelKey) -> ChaCha20Poly1305:
    salt = header[-KEY_BYTES:] + recipient.public
    return ChaCha20Poly1305(HKDF(SHA256(), KEY_BYTES, salt, header).derive(shared))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _chunk(cipher: ChaCha20Poly1305, number: int, item: bytes, *, last: bool) -> bytes:
    return _framed(cipher.encrypt(_nonce(number, last=last), item, None))


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data


def _open_chunk(cipher: ChaCha20Poly1305, number: int, stream: _Pieces) -> tuple[bytes, bool]:
    """One item, and whether it is the last. An item is one or the other by its nonce."""
    data = stream.take(stream.length(MAX_UPLOAD_BYTES + _TAG_BYTES))
    for last in (False, True):
        try:
            return cipher.decrypt(_nonce(number, last=last), data, None), last
        except InvalidTag:
            continue
    raise BadSignature(f"parcel: item {number} was changed on the way; export it again")


def _read_manifest(item: bytes) -> str:
    match cbor.decode(item, "parcel: item 0", 256, 3):
        case (1, str(gateway)) if is_gateway_id(gateway):
            return gateway
        case _:
            raise Malformed("parcel: item 0 is not [version 1, gateway]")
