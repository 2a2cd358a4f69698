"""What the kernel tells of a disk: files of its own kinds, made by hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_agent.status.flash import Flash, read_flash, sectors_kb, worn_tenths, written_bytes

STAT = "  183948  36 9870 1234  55 66 2048 7 0 8 9 0 0 0 0 0 0\n"


def test_a_card_tells_all_of_it(tmp_path: Path) -> None:
    """The partition's sectors and file system, and the card's word two folders above."""
    device = os.stat(tmp_path).st_dev
    card = tmp_path / "sys/devices/mmc0/mmc0:0001/block/mmcblk0"
    block = card / "mmcblk0p2"
    block.mkdir(parents=True)
    (block / "stat").write_text(STAT)
    (card / "device").mkdir()
    (card / "device" / "life_time").write_text("0x02 0x05\n")
    links = tmp_path / "sys/dev/block"
    links.mkdir(parents=True)
    (links / f"{os.major(device)}:{os.minor(device)}").symlink_to(block)
    (tmp_path / "sys/fs/ext4/mmcblk0p2").mkdir(parents=True)
    (tmp_path / "sys/fs/ext4/mmcblk0p2/lifetime_write_kbytes").write_text("5000\n")
    found = read_flash(tmp_path, tmp_path)
    assert found == Flash("mmcblk0p2", 2048 * 512, 5000 * 1024, 5)


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    """None of it is guessed."""
    assert read_flash(tmp_path, tmp_path) == Flash("", None, None, None)
    assert read_flash(tmp_path / "gone", tmp_path) == Flash("", None, None, None)


@pytest.mark.parametrize("text", [None, "", "1 2 3", "1 2 3 4 5 6 x"])
def test_another_stat_is_none(text: str | None) -> None:
    """Too short, or no number."""
    assert written_bytes(text) is None


@pytest.mark.parametrize(
    ("text", "worn"),
    [("0x01 0x01", 1), ("0x00 0x00", None), ("0x0b 0x01", 11), ("0x0c", None), ("?", None)],
)
def test_the_worse_of_two_kinds_of_cells(text: str, worn: int | None) -> None:
    """JEDEC: 0 is not defined, 11 beyond its life."""
    assert worn_tenths(text) == worn
    assert sectors_kb("x") is None
