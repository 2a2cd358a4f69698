"""The files of an export, read a piece at a time; every piece is bounded.

export.txt, keys.txt              what is in it, and the published keys
logs/<part>.uploads               stored uploads, each behind its length (4 bytes)
logs/<part>.checkpoints           for each its checkpoint with the receipt: six lines
explained/<number>.cbor, .tlog-proof   configurations and register maps of before the range
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from edge_agent.verify.folder import Unreadable
from protocols.evidence.errors import Malformed
from protocols.evidence.note import MAX_NOTE_BYTES
from protocols.evidence.upload import MAX_UPLOAD_BYTES

EXPORT_FILE: Final = "export.txt"
_LENGTH_BYTES: Final = 4
_NOTE_LINES: Final = 6  # three of text, an empty one, two signatures


class Stored(NamedTuple):
    """One upload as it was stored, and where its bytes lie in the part's file."""

    offset: int
    data: bytes
    note: bytes


def uploads_name(part: str) -> str:
    return f"logs/{part}.uploads"


def checkpoints_name(part: str) -> str:
    return f"logs/{part}.checkpoints"


def explained_names(number: int) -> tuple[str, str]:
    """The leaf and its proof."""
    return f"explained/{number:04d}.cbor", f"explained/{number:04d}.tlog-proof"


def daily_names(number: int) -> tuple[str, str]:
    """The checkpoint with its receipt, and the proof that it is in a day's tree."""
    return f"daily/{number:04d}.txt", f"daily/{number:04d}.tlog-proof"


def read_part(place: Path, part: str) -> Iterator[Stored]:
    """The uploads of a part with their notes; Malformed where the two files do not fit."""
    for name in (uploads_name(part), checkpoints_name(part)):
        if (place / name).exists() and not (place / name).is_file():  # a pipe has no end
            raise Unreadable(f"{place / name}: not a file; make the export again")
    try:
        with (
            (place / uploads_name(part)).open("rb") as uploads,
            (place / checkpoints_name(part)).open("rb") as notes,
        ):
            while (stored := _next(uploads, notes)) is not None:
                yield stored
    except OSError as error:
        raise Unreadable(
            f"{error.filename}: {error.strerror}; the export is not whole: make it again"
        ) from None


def read_upload(place: Path, part: str, offset: int) -> bytes:
    """The bytes of one upload whose place is known from `read_part`."""
    try:
        with (place / uploads_name(part)).open("rb") as uploads:
            uploads.seek(offset)
            return _exactly(uploads, _length(uploads) or 0)
    except OSError as error:
        raise Unreadable(f"{error.filename}: {error.strerror}; it was read before") from None


def _next(uploads: BinaryIO, notes: BinaryIO) -> Stored | None:
    offset = uploads.tell()
    length = _length(uploads)
    note = _note(notes)
    if length is None and not note:
        return None
    if length is None or not note:
        raise Malformed("not as many checkpoints as uploads")
    return Stored(offset, _exactly(uploads, length), note)


def _length(uploads: BinaryIO) -> int | None:
    """The length before an upload; None at the end of the file."""
    head = uploads.read(_LENGTH_BYTES)
    if not head:
        return None
    length = int.from_bytes(head, "big")
    if len(head) != _LENGTH_BYTES or not 0 < length <= MAX_UPLOAD_BYTES:
        raise Malformed(f"an upload of {length} bytes, 1..{MAX_UPLOAD_BYTES} are read")
    return length


def _exactly(uploads: BinaryIO, length: int) -> bytes:
    data = uploads.read(length)
    if len(data) != length:
        raise Malformed(f"ends after {len(data)} of {length} bytes of an upload")
    return data


def _note(notes: BinaryIO) -> bytes:
    """Six lines, or nothing at the end of the file."""
    lines = [notes.readline(MAX_NOTE_BYTES + 1) for _ in range(_NOTE_LINES)]
    if any(len(line) > MAX_NOTE_BYTES for line in lines):
        raise Malformed(f"a line of a checkpoint has more than {MAX_NOTE_BYTES} bytes")
    return b"".join(lines)
