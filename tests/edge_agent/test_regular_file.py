"""What a person names as a file is one: a pipe or a device in its place is refused at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.regular_file import open_regular, read_regular

COMMANDS = {
    "check": ["check", "--config", "PIPE"],
    "config check": ["config", "check", "PIPE", "--config", "none.toml"],
    "gas": ["gas", "PIPE"],
    "commission": ["commission", "--answers", "PIPE", "--config", "gateway.toml"],
}


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    """One byte more tells that there is more."""
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    assert read_regular(path, 20) == b"0123456789"
    assert read_regular(path, 4) == b"01234"


def test_what_has_no_end_is_refused(tmp_path: Path) -> None:
    """A pipe without a writer, a device; of a folder and of nothing the system says it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(OSError, match="a pipe or a device, not a file") as told:
            open_regular(path)
        assert told.value.filename == str(path)
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "none")


def test_no_command_waits_for_a_pipe(tmp_path: Path) -> None:
    """Each command that takes a file ends at once, and says which and why."""
    os.mkfifo(tmp_path / "PIPE")
    code = "import sys; from edge_agent.cli import main; sys.exit(main(sys.argv[1:]))"
    under_way = {
        name: subprocess.Popen(
            [sys.executable, "-c", code, *words],
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        for name, words in COMMANDS.items()
    }
    try:
        for name, process in under_way.items():
            _, told = process.communicate(timeout=30)
            assert process.returncode in (1, 2), (name, told)
            assert "PIPE" in told, name
            assert "a pipe or a device, not a file" in told, name
    finally:
        for process in under_way.values():
            process.kill()
