"""Folders and zips are read within bounds."""

import os
import zipfile
from pathlib import Path

import pytest

from edge_agent.verify.folder import MAX_FILE_BYTES, MAX_MEMBERS, Unreadable, read_files


def zipped(path: Path, members: list[tuple[str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def test_only_what_is_named_is_read(tmp_path: Path) -> None:
    """From a folder and from a zip, also where the zip has a folder in it."""
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    assert read_files(tmp_path, {"a", "c"}) == {"a": b"1"}
    archive = zipped(tmp_path / "z.zip", [("proof/a", b"1"), ("b", b"2")])
    assert read_files(archive, {"a"}) == {"a": b"1"}


def test_what_is_too_much_is_refused(tmp_path: Path) -> None:
    """A long file, a bomb, too many members, one twice."""
    (tmp_path / "a").write_bytes(bytes(MAX_FILE_BYTES + 1))
    with pytest.raises(Unreadable, match="longer"):
        read_files(tmp_path, {"a"})
    bomb = zipped(tmp_path / "bomb.zip", [("a", bytes(MAX_FILE_BYTES + 1))])
    assert bomb.stat().st_size < 10_000
    with pytest.raises(Unreadable, match="longer"):
        read_files(bomb, {"a"})
    many = zipped(tmp_path / "m.zip", [(f"{n}", b"") for n in range(MAX_MEMBERS + 1)])
    with pytest.raises(Unreadable, match="at most"):
        read_files(many, {"a"})
    twice = zipped(tmp_path / "t.zip", [("x/a", b"1"), ("y/a", b"2")])
    with pytest.raises(Unreadable, match="twice"):
        read_files(twice, {"a"})


def test_what_is_no_zip_or_damaged_is_told(tmp_path: Path) -> None:
    """With its name and the remedy."""
    (tmp_path / "text").write_text("text")
    for path in (tmp_path / "none", tmp_path / "text"):
        with pytest.raises(Unreadable, match=path.name):
            read_files(path, {"a"})
    whole = zipped(tmp_path / "z.zip", [("a", bytes(range(256)) * 4)]).read_bytes()
    for at in range(31, 31 + 200, 7):  # within the deflated bytes
        changed = bytearray(whole)
        changed[at] ^= 255
        (tmp_path / "z.zip").write_bytes(changed)
        with pytest.raises(Unreadable, match=r"z\.zip"):
            read_files(tmp_path / "z.zip", {"a"})


def test_what_has_no_end_is_not_opened(tmp_path: Path) -> None:
    """A pipe would wait for ever, /dev/zero fill the memory."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(Unreadable, match="neither a file nor a folder"):
            read_files(path, {"a"})
