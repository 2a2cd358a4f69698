"""What outlives a restart of what was learned, and what a damaged file costs."""

import logging
import os

import pytest

from edge_agent.bus.learned import LEARNED_NAME, Learned


def test_remembered_over_a_restart(tmp_path):
    """Refused points are known to the next start, by serial number and profile."""
    path = tmp_path / LEARNED_NAME
    Learned(path).remember("M1", "sick-flowsic500", ["vb_err", "vm_err"])
    again = Learned(path)
    assert again.refused("M1", "sick-flowsic500") == ("vb_err", "vm_err")
    assert again.refused("M1", "another") == ()
    assert again.refused("M2", "sick-flowsic500") == ()
    again.remember("M1", "sick-flowsic500", [])
    assert Learned(path).refused("M1", "sick-flowsic500") == ()


def test_nothing_is_written_that_was_known(tmp_path):
    """A flash card is spared: the same again writes nothing."""
    path = tmp_path / LEARNED_NAME
    learned = Learned(path)
    learned.remember("M1", "p", [])
    assert not path.exists()
    learned.remember("M1", "p", ["a"])
    before = os.stat(path).st_ino
    learned.remember("M1", "p", ["a"])
    assert os.stat(path).st_ino == before
    assert os.listdir(tmp_path) == [LEARNED_NAME]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\x00",
        b"[]",
        b'{"format": 2, "devices": {}}',
        b'{"format": 1, "devices": []}',
        b'{"format": 1, "devices": {"M1": {"profile": "p", "refused": [1]}}}',
        b'{"format": 1, "devices": {"M1": {"profile": "p"}}}',
        b"[" * 200_000,
        b" " * 2_000_000,
    ],
)
def test_a_damaged_file_is_forgotten_and_said(tmp_path, caplog, content):
    """Whatever lies there instead costs a warning, and is replaced by the next thing learned."""
    path = tmp_path / LEARNED_NAME
    path.write_bytes(content)
    learned = Learned(path)
    assert learned.refused("M1", "p") == ()
    assert "is damaged" in caplog.text
    learned.remember("M1", "p", ["a"])
    assert Learned(path).refused("M1", "p") == ("a",)


def test_a_disk_that_takes_nothing(tmp_path, caplog):
    """What cannot be written is still known until the end, and the bus goes on."""
    caplog.set_level(logging.WARNING)
    learned = Learned(tmp_path / "no such directory" / LEARNED_NAME)
    learned.remember("M1", "p", ["a"])
    assert learned.refused("M1", "p") == ("a",)
    assert "was not written" in caplog.text
