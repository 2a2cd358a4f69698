"""What an operator names as a file is one: a pipe or a device in its place is refused at once."""

import os
from pathlib import Path

import pytest

from central.cli import main
from central.regular_file import open_regular, read_regular


def test_a_file_is_read_up_to_its_bound(tmp_path):
    """One byte more tells that there is more."""
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    assert read_regular(path, 20) == b"0123456789"
    assert read_regular(path, 4) == b"01234"


def test_what_has_no_end_is_refused(tmp_path, capsys):
    """A pipe without a writer, a device; a command says which and why."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(OSError, match="a pipe or a device, not a file"):
            open_regular(path)
    assert main(["serve", "--config", str(pipe)]) != 0
    assert "pipe: cannot be read: a pipe or a device, not a file" in capsys.readouterr().err
