"""The receipt key in force, those before it, and the rotation from one to the next.

The public halves and their successions stand in one file beside the key. A rotation is three steps,
and one that was cut is finished by whoever reads the keys next:

1. `receipt-key.next` is made. Until the next step it is nobody's key.
2. The succession, signed by both keys, is written: from here on the new key is the one in force.
3. The new key's file takes the place of the old one, which is wiped.
"""

import os
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple

from central.clock import Clock
from central.keys import (
    FILE_NAME,
    NEXT_FILE_NAME,
    load_receipt_key,
    next_receipt_key,
)
from central.secret_file import KeyFileError, move_over, replace_public
from protocols.evidence.errors import EvidenceError
from protocols.evidence.note import Signer, Verifier
from protocols.evidence.receipt_keys import (
    MAX_ANSWER_BYTES,
    MAX_SUCCESSIONS,
    follow,
    open_succession,
    sign_succession,
    split_successions,
)

SUCCESSIONS_NAME: Final = "receipt-successions"


class ReceiptKeys(NamedTuple):
    """The key that signs receipts now; all that ever did, oldest first; the notes between them."""

    signer: Signer
    verifiers: tuple[Verifier, ...]
    notes: tuple[bytes, ...]

    @classmethod
    def of(cls, signer: Signer) -> "ReceiptKeys":
        """The keys of a central that never changed its own."""
        return cls(signer, (signer.verifier,), ())


class ReceiptKeyFile:
    """The keys of a store, read again when a rotation beside the running server changed them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = Lock()
        self._seen = _stamp(directory)
        self._keys = load_receipt_keys(directory)

    def __call__(self) -> ReceiptKeys:
        """The keys as they are now. Raises KeyFileError."""
        with self._lock:
            seen = _stamp(self._directory)
            if seen != self._seen:
                self._keys = load_receipt_keys(self._directory)
                self._seen = _stamp(self._directory)
            return self._keys


def load_receipt_keys(directory: Path) -> ReceiptKeys:
    """Read all of them, and finish a rotation that was cut. Raises KeyFileError."""
    notes = _read_notes(directory)
    signer = load_receipt_key(directory)
    if notes and (directory / NEXT_FILE_NAME).exists():
        entering = next_receipt_key(directory, signer.name)
        newest = open_succession(notes[-1])
        if (newest.old_vkey, newest.new_vkey) == (signer.vkey, entering.vkey):
            move_over(directory / NEXT_FILE_NAME, directory / FILE_NAME)
            signer = entering
    first = open_succession(notes[0]).old_vkey if notes else signer.vkey
    try:
        verifiers = follow(first, notes)
    except EvidenceError as error:
        raise _damaged(directory, str(error)) from None
    if verifiers[-1].vkey != signer.vkey:
        raise _damaged(directory, f"they end at another key than {directory / FILE_NAME}")
    return ReceiptKeys(signer, verifiers, notes)


def rotate_receipt_key(directory: Path, clock: Clock) -> Signer:
    """Bring in a new key, signed by the old one; return it. Raises KeyFileError."""
    keys = load_receipt_keys(directory)
    number = len(keys.notes) + 1
    if number > MAX_SUCCESSIONS:
        raise KeyFileError(f"{directory}: {MAX_SUCCESSIONS} rotations were made; no more are read")
    entering = next_receipt_key(directory, keys.signer.name)
    note = sign_succession(number, keys.signer, entering, clock() // 1000)
    replace_public(directory / SUCCESSIONS_NAME, b"".join((*keys.notes, note)))
    return load_receipt_keys(directory).signer


def _read_notes(directory: Path) -> tuple[bytes, ...]:
    path = directory / SUCCESSIONS_NAME
    try:
        with path.open("rb") as file:
            notes = split_successions(file.read(MAX_ANSWER_BYTES + 1))
        for note in notes:
            open_succession(note)
    except FileNotFoundError:
        return ()
    except (OSError, EvidenceError) as error:
        raise _damaged(directory, str(error)) from None
    return notes


def _damaged(directory: Path, why: str) -> KeyFileError:
    path = directory / SUCCESSIONS_NAME
    return KeyFileError(f"{path}: {why}; restore it and the receipt key from your own copy")


def _stamp(directory: Path) -> tuple[int, int]:
    """Changes whenever a rotation has written its succession."""
    try:
        found = os.stat(directory / SUCCESSIONS_NAME)
    except FileNotFoundError:
        return 0, 0
    return found.st_mtime_ns, found.st_ino
