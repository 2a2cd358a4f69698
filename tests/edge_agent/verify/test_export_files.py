"""The files of an export are read a piece at a time, and strictly."""

import os
from pathlib import Path

import pytest

from edge_agent.verify.export_files import read_part, read_upload
from edge_agent.verify.folder import Unreadable
from protocols.evidence.errors import Malformed

NOTE = b"origin\n1\nroot\n\nline\nline\n"


def part_in(directory: Path, uploads: bytes, notes: bytes) -> Path:
    (directory / "logs").mkdir(exist_ok=True)
    (directory / "logs" / "p.uploads").write_bytes(uploads)
    (directory / "logs" / "p.checkpoints").write_bytes(notes)
    return directory


def framed(*uploads: bytes) -> bytes:
    return b"".join(len(data).to_bytes(4, "big") + data for data in uploads)


def test_uploads_come_with_their_checkpoints(tmp_path: Path) -> None:
    """In order; and each again by its place."""
    place = part_in(tmp_path, framed(b"one", b"three"), NOTE * 2)
    found = list(read_part(place, "p"))
    assert [(one.data, one.note) for one in found] == [(b"one", NOTE), (b"three", NOTE)]
    assert read_upload(place, "p", found[1].offset) == b"three"


@pytest.mark.parametrize(
    ("uploads", "notes"),
    [
        (framed(b"one"), NOTE * 2),
        (framed(b"one", b"two"), NOTE),
        (framed(b"one")[:-1], NOTE),
        (framed(b"one")[:3], NOTE),
        (bytes(4), NOTE),
        (b"\xff" * 4 + b"x", NOTE),
        (framed(b"one"), b"x" * 5000),
    ],
)
def test_what_does_not_fit_is_malformed(tmp_path: Path, uploads: bytes, notes: bytes) -> None:
    """More of one than of the other, cut short, lengths out of range, endless lines."""
    with pytest.raises(Malformed):
        list(read_part(part_in(tmp_path, uploads, notes), "p"))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """By name."""
    with pytest.raises(Unreadable, match=r"p\.uploads"):
        list(read_part(tmp_path, "p"))
    with pytest.raises(Unreadable, match=r"p\.uploads"):
        read_upload(tmp_path, "p", 0)


def test_a_pipe_among_the_files_is_not_opened(tmp_path: Path) -> None:
    """It would wait for ever."""
    place = part_in(tmp_path, framed(b"one"), NOTE)
    (place / "logs" / "p.checkpoints").unlink()
    os.mkfifo(place / "logs" / "p.checkpoints")
    with pytest.raises(Unreadable, match=r"p\.checkpoints: not a file"):
        list(read_part(place, "p"))
