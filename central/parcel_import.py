"""A parcel carried by hand: each of its uploads is judged by the intake, as if it had been POSTed.

The parcel is read and the receipts are written piece by piece: neither is ever whole in memory.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from central.intake.answer import Answer, told_of
from central.intake.service import Intake
from central.regular_file import open_regular
from protocols.evidence.errors import EvidenceError, Malformed
from protocols.evidence.heads import StoredHead
from protocols.evidence.note import unverified_checkpoint
from protocols.evidence.parcel import NotTaken, ReceiptItem, encode_receipts, open_parcel
from protocols.evidence.upload import Upload, decode_conflict, decode_upload

PIECE_BYTES: Final = 64 * 1024


class ParcelError(Exception):
    """A parcel, or its receipts, cannot be read or written; says where and what to do."""


@dataclass
class Imported:
    """What became of a parcel; `fault` says why it was not read to its end."""

    gateway: str = ""
    uploads: int = 0
    refused: int = 0
    fault: str | None = None


def import_parcel(intake: Intake, private: bytes, parcel: Path, receipts: Path) -> Imported:
    """Judge all uploads, and write the file that goes back. Raises ParcelError, SQLAlchemyError.

    A parcel that is damaged in its middle is taken up to there; the receipts say how far.
    """
    done = Imported()
    try:
        with open_regular(parcel) as source, receipts.open("xb") as target:
            items = open_parcel(_pieces(source), private)
            for piece in encode_receipts(_judged(intake, items, done)):
                target.write(piece)
    except FileExistsError:
        raise ParcelError(f"{receipts}: exists already; name a new file") from None
    except OSError as error:
        name = error.filename or parcel
        raise ParcelError(f"{name}: {error.strerror}; check the path and the disk") from None
    return done


def _judged(intake: Intake, items: Iterator[str | bytes], done: Imported) -> Iterator[ReceiptItem]:
    """One answer for each upload, in order; what cannot be opened ends it."""
    try:
        for item in items:
            if isinstance(item, str):
                done.gateway = item
                continue
            done.uploads += 1
            told = _answered(intake, item, done.gateway)
            if isinstance(told, NotTaken):
                done.refused += 1
            yield told
    except EvidenceError as error:
        done.fault = str(error)


def _answered(intake: Intake, body: bytes, gateway: str) -> ReceiptItem:
    try:
        upload = decode_upload(body)
    except Malformed as error:
        return NotTaken("", 0, str(error), "export again with edge-agent export")
    if upload.origin.gateway != gateway:
        reason = f"an upload of {upload.origin.gateway} in a parcel of {gateway}"
        return NotTaken(str(upload.origin), upload.first, reason, "export each gateway alone")
    return _item(upload, intake.receive(body))


def _item(upload: Upload, answer: Answer) -> ReceiptItem:
    """A receipt, also where central held more already; else the reason."""
    if answer.status == 200:
        size = unverified_checkpoint(upload.checkpoint).size
        return StoredHead(upload.origin, size, upload.checkpoint, answer.body)
    if answer.status == 409:
        conflict = decode_conflict(answer.body)
        if conflict.size > upload.first:
            return StoredHead(upload.origin, *conflict)
        reason = f"central ends at {conflict.size}, this begins at {upload.first}"
        return NotTaken(str(upload.origin), upload.first, reason, "export from there on")
    return NotTaken(str(upload.origin), upload.first, *told_of(answer))


def _pieces(file: IO[bytes]) -> Iterable[bytes]:
    while piece := file.read(PIECE_BYTES):
        yield piece
