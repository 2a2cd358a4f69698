"""Files put aside: whole, also over a kill; kept, but not without end."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.salvage import quarantine

NAME = "journal.db"


def journal_in(state: Path) -> Path:
    path = state / NAME
    path.write_bytes(b"file")
    path.with_name(f"{NAME}-wal").write_bytes(b"log")
    path.with_name(f"{NAME}-shm").write_bytes(b"index")
    return path


def test_nothing_of_it_stays(tmp_path: Path) -> None:
    """File and log move together, with the reason; the log's index goes."""
    path = journal_in(tmp_path)
    target = quarantine.put_aside(path, "boot3", "why")
    assert [each.name for each in tmp_path.iterdir()] == [quarantine.DIRECTORY]
    assert target.name == "0001-boot3"
    assert (target / NAME).read_bytes() == b"file"
    assert (target / f"{NAME}-wal").read_bytes() == b"log"
    assert quarantine.reason_of(target) == "why"
    again = quarantine.put_aside(journal_in(tmp_path), "start", "again")
    assert quarantine.pending(tmp_path, NAME) == [target, again]


def test_a_kill_between_file_and_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the next start the log follows its file: it must not be played into a new one."""
    path = journal_in(tmp_path)
    monkeypatch.setattr(quarantine, "_move_log", lambda journal, target: None)
    target = quarantine.put_aside(path, "boot3", "why")
    assert path.with_name(f"{NAME}-wal").exists()
    monkeypatch.undo()
    quarantine.tidy(path)
    assert (target / f"{NAME}-wal").read_bytes() == b"log"
    assert [each.name for each in tmp_path.iterdir()] == [quarantine.DIRECTORY]


def test_a_log_whose_file_is_gone(tmp_path: Path) -> None:
    """It says nothing; a new journal must not read it."""
    path = journal_in(tmp_path)
    path.unlink()
    quarantine.tidy(path)
    assert not path.with_name(f"{NAME}-wal").exists()
    quarantine.tidy(journal_in(tmp_path))
    assert path.with_name(f"{NAME}-wal").exists()


def test_read_then_salvaged_then_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest few are kept, as far as there is room for them."""
    kept = [quarantine.put_aside(journal_in(tmp_path), "boot", "why") for _ in range(7)]
    for directory in kept[:6]:
        quarantine.mark(directory, quarantine.READ)
    assert quarantine.pending(tmp_path, NAME) == kept[6:]
    assert quarantine.with_history(tmp_path, NAME) == kept[:6]
    for directory in kept[:6]:
        quarantine.mark(directory, quarantine.DONE)
    quarantine.prune(tmp_path)
    left = sorted((tmp_path / quarantine.DIRECTORY).iterdir())
    assert left == kept[2:]
    monkeypatch.setattr(quarantine, "MOST_BYTES", 12)
    quarantine.prune(tmp_path)
    assert sorted((tmp_path / quarantine.DIRECTORY).iterdir()) == kept[5:]


def test_a_broken_disk_fills_no_directory(tmp_path: Path) -> None:
    """The first ones hold what was recorded; of those that follow in a row the newest gives way."""
    kept = [
        quarantine.put_aside(journal_in(tmp_path), "start", "why")
        for _ in range(quarantine.MOST_ASIDE + 5)
    ]
    left = quarantine.pending(tmp_path, NAME)
    assert len(left) == quarantine.MOST_ASIDE
    assert left[:-1] == kept[: quarantine.MOST_ASIDE - 1]
