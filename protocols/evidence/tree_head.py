"""Tree heads with several signature lines: what is published, and what proofs carry.

A note of a gateway's upload has exactly one line (`note.py`). Here it has as many as the use asks
for, in a fixed order: a checkpoint with the receipt under it, the fleet's head with two keys'
lines. Origins are any text, so that logs other than a gateway's can be read.
"""

import base64
import re
from typing import Final, NamedTuple

from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.leaf import HASH_BYTES, parse_decimal
from protocols.evidence.merkle import MAX_SIZE
from protocols.evidence.note import decode_base64

MAX_SIGNED_BYTES: Final = 8 * 1024
MAX_ORIGIN_CHARS: Final = 255
_DASH: Final = "—"
_ORIGIN: Final = re.compile(r"[!-*,-~]+\Z", re.ASCII)


class TreeHead(NamedTuple):
    """A tree's state: origin, number of leaves, Merkle root."""

    origin: str
    size: int
    root: bytes


def tree_head_text(head: TreeHead) -> bytes:
    """Return the note text: origin, size and root, a line each."""
    root = base64.b64encode(head.root).decode("ascii")
    return f"{head.origin}\n{head.size}\n{root}\n".encode("ascii")


def read_tree_head(text: bytes) -> TreeHead:
    """Read a note text of exactly these three lines; raise Malformed for any other spelling."""
    try:
        lines = text.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Malformed("tree head: not ASCII") from None
    if len(lines) != 4 or lines[3]:
        raise Malformed("tree head: not exactly three lines")
    if len(lines[0]) > MAX_ORIGIN_CHARS or not _ORIGIN.match(lines[0]):
        raise Malformed(f"tree head: origin {lines[0][:80]!r} is not printable ASCII")
    size = parse_decimal(lines[1], "tree head: size")
    root = decode_base64(lines[2], "tree head: root")
    if size > MAX_SIZE or len(root) != HASH_BYTES:
        raise Malformed("tree head: size or root out of range")
    return TreeHead(lines[0], size, root)


def split_signed(
    note: bytes, count: int, most: int = MAX_SIGNED_BYTES
) -> tuple[bytes, tuple[bytes, ...]]:
    """Split a note at its last empty line into its text and exactly ``count`` signature lines."""
    if len(note) > most:
        raise Malformed(f"note: {len(note)} bytes, at most {most} are read")
    at = note.rfind(b"\n\n")
    if at < 0 or not note.endswith(b"\n"):
        raise Malformed("note: no empty line before the signatures, or no newline at the end")
    if any(byte < 0x20 and byte != 0x0A for byte in note):
        raise Malformed("note: control character")
    lines = note[at + 2 :].split(b"\n")[:-1]
    if len(lines) != count:
        raise Malformed(f"note: {len(lines)} signature lines, not {count}")
    return note[: at + 1], tuple(line + b"\n" for line in lines)


def signature_line(name: str, key_id: bytes, signature: bytes) -> bytes:
    """Return the signature line of C2SP signed-note."""
    encoded = base64.b64encode(key_id + signature).decode("ascii")
    return f"{_DASH} {name} {encoded}\n".encode()


def read_signature(line: bytes, name: str, key_id: bytes, size: int) -> bytes:
    """Return the ``size`` signature bytes of a line that names exactly this key."""
    found, id_, signature = read_line(line)
    if (found, id_) != (name, key_id):
        raise BadSignature(f"signed by another key than {name}+{key_id.hex()}")
    if len(signature) != size:
        raise Malformed(f"signature line: {len(signature)} bytes, not {size}")
    return signature


def read_line(line: bytes) -> tuple[str, bytes, bytes]:
    """Name, key id and signature of a line, before it is known whose it is; raise Malformed."""
    if len(line) > MAX_SIGNED_BYTES:
        raise Malformed("signature line: too long")
    try:
        parts = line.decode("utf-8").split(" ")
    except UnicodeDecodeError:
        raise Malformed("signature line: not UTF-8") from None
    if len(parts) != 3 or parts[0] != _DASH or not parts[2].endswith("\n"):
        raise Malformed("signature line: not '— <name> <base64>' and a newline")
    data = decode_base64(parts[2][:-1], "signature line")
    if len(data) < 4:
        raise Malformed("signature line: no key id")
    return parts[1], data[:4], data[4:]
