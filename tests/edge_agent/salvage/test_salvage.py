"""A journal that is damaged, lost or old never stops the recorder and delivers nothing wrong.

Each test takes a journal of the real recorder, damages its files, and lets recorder and central go
on from there. What central holds at the end is compared with what was recorded before.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge_agent.config.model import AgentConfig
from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.epoch import FILE_NAME as EPOCH_FILE
from edge_agent.journal.journal import FILE_NAME
from edge_agent.journal.schema import migrate
from edge_agent.recording.recording import record_start
from edge_agent.salvage import journal_start, quarantine
from edge_agent.salvage.salvage import STATE_LOST
from protocols.evidence.facts import EpochReason, LossReason, parse_epoch, parse_loss
from protocols.evidence.leaf import Kind, Leaf, Log
from tests.edge_agent.gateway import Polls, config_of, new_journal, table
from tests.edge_agent.opened import Central, Rig, conserved, content, identity

SENT, UNSENT = 180, 24  # rounds of three polls, each a tick
Place = tuple[Log, int, int, bytes]


@dataclass
class Recorded:
    """A journal on disk, what central took of it, and every leaf that was recorded."""

    config: AgentConfig
    keep: Path
    early: Path  # before some of the receipts
    polls: Polls
    central: Central
    truth: dict[Place, Leaf]

    def again(self) -> tuple[Rig | None, Central]:
        """Files and central as they were."""
        shutil.rmtree(self.config.state_dir)
        shutil.copytree(self.keep, self.config.state_dir)
        central = Central(dict(self.central.heads), list(self.central.leaves))
        polls = Polls(self.config)
        polls.index, polls.clock.mono_ms = self.polls.index, self.polls.clock.mono_ms + 1000
        self.now = polls
        return None, central


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Of some hundred ticks most have their receipts; nobody stopped."""
    directory = tmp_path_factory.mktemp("recorded")
    config = config_of(directory)
    new_journal(config).close()
    rig, central = Rig(config), Central()
    assert rig.recorder.begin()
    early = directory / "early"
    for part in range(4):
        rig.rounds(SENT // 4)
        if part == 2:
            shutil.copytree(config.state_dir, early)
        rig.send(central)
    rig.rounds(UNSENT)
    keep = directory / "keep"
    shutil.copytree(config.state_dir, keep)  # as a kill leaves it: the log is not checkpointed
    truth = {identity(leaf): leaf for leaf in central.leaves}
    for log in Log:
        truth |= {identity(leaf): leaf for leaf in rig.all_leaves(log)}
    rig.journal.close()
    return Recorded(config, keep, early, rig.polls, central, truth)


@pytest.fixture(autouse=True)
def quick_schema(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty journal is copied rather than migrated by a program of its own."""
    empty = recorded.keep.parent / "empty.db"
    if not empty.exists():
        migrate(empty)
    monkeypatch.setattr(
        journal_start, "migrate_in_child", lambda path, _page_size: shutil.copy(empty, path)
    )


@dataclass
class Outcome:
    """What central held in the end."""

    central: Central
    rig: Rig
    lost: list[tuple[Log, int, int, int]]
    epochs: list[EpochReason]
    missing: set[Place]


def carried_on(recorded: Recorded, damage: Callable[[Path], None]) -> Outcome:
    """Damage the files, start, poll, send; then compare."""
    _, central = recorded.again()
    damage(recorded.config.state_dir / FILE_NAME)
    rig = Rig(recorded.config, recorded.now)
    known = {log: head.size for log, head in rig.recorder.memory.heads.items()}
    assert rig.recorder.begin()
    polled = rig.polls.index
    rig.meet(central)
    rig.rounds(4)
    rig.send(central)
    rig.rounds(3)
    rig.recorder.finish(0.0)
    assert rig.recorder.turn()
    rig.send(central)
    rig.journal.close()
    assert rig.polls.index == polled + 70, "polling went on"
    return judged(recorded, central, rig, known)


def judged(recorded: Recorded, central: Central, rig: Rig, known: dict[Log, int]) -> Outcome:
    """Nothing wrong was delivered; what was not delivered is told; the law holds."""
    told = {identity(leaf): leaf for leaf in central.leaves}
    ends = {log: max(place[2] for place in recorded.truth if place[0] is log) + 1 for log in Log}
    for place, leaf in told.items():
        if place in recorded.truth:
            assert content(leaf) == content(recorded.truth[place])
        else:  # made now, or closed behind the end of the old log
            log, epoch, seq, _ = place
            assert epoch > 0 or seq >= min(known[log], ends[log]), leaf
    missing = recorded.truth.keys() - told.keys()
    losses = [parse_loss(leaf.body) for leaf in central.of(Kind.LOSS)]
    lost = [
        (loss.log, loss.epoch, loss.first, loss.end)
        for loss in losses
        if loss.reason is LossReason.DAMAGED and loss.log is not None
    ]
    unclean = any(loss.reason is LossReason.UNCLEAN_END for loss in losses)
    epochs = [parse_epoch(leaf.body).reason for leaf in central.of(Kind.EPOCH)]
    events = [leaf.body for leaf in central.of(Kind.EVENT)]
    unknown = EpochReason.JOURNAL_LOST in epochs or any(
        "how far the logs were is not known" in str(body[-1]) for body in events
    )
    newest = {log: max(of[2] for of in told if of[:2] == (log, 0)) for log in Log}
    for log, epoch, seq, _ in missing:
        covered = any((log, epoch) == of[:2] and of[2] <= seq < of[3] for of in lost)
        # what nothing tells of at the end is within the unclean end; an old image never held it
        tail = unclean and ((epoch == 0 and seq > newest[log]) or seq >= known[log])
        old = epochs == [EpochReason.SET_BACK] and seq >= known[log]
        assert covered or unknown or tail or old, (log, seq, lost)
    # what an old image books again from where it stood is central's to find: it holds it twice
    if epochs != [EpochReason.SET_BACK] and not any(of[0] is Log.BILLING for of in missing):
        for segment, (booked, moved) in conserved(central.intervals()).items():
            assert booked == moved, segment
    return Outcome(central, rig, lost, epochs, set(missing))


def flip(path: Path, at: int, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)


def zero(path: Path, page: int, size: int = 1024) -> None:
    data = bytearray(path.read_bytes())
    data[page * size : (page + 1) * size] = bytes(size)
    path.write_bytes(data)


def checkpointed(path: Path) -> None:
    """All into the file, as after a clean end."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def test_nothing_happened(recorded: Recorded) -> None:
    """No new epoch, nothing lost: the judge accepts a healthy journal."""
    found = carried_on(recorded, lambda path: None)
    assert (found.lost, found.epochs, found.missing) == ([], [], set())


def test_a_deleted_journal(recorded: Recorded) -> None:
    """A new epoch that says so; the meter goes on in a new segment."""

    def damage(path: Path) -> None:
        for file in path.parent.glob(f"{FILE_NAME}*"):
            file.unlink()

    found = carried_on(recorded, damage)
    assert found.epochs == [EpochReason.JOURNAL_LOST]
    assert conserved(found.central.intervals()).keys() >= {1000}


def test_the_header_is_damaged(recorded: Recorded) -> None:
    """SQLite reads nothing of it; every leaf comes all the same."""

    def damage(path: Path) -> None:
        checkpointed(path)
        flip(path, 3, 2)

    found = carried_on(recorded, damage)
    assert (found.lost, found.epochs, found.missing) == ([], [EpochReason.SALVAGED], set())
    (aside,) = (recorded.config.state_dir / quarantine.DIRECTORY).iterdir()
    assert (aside / FILE_NAME).exists()
    assert int((recorded.config.state_dir / EPOCH_FILE).read_text()) == 2


def test_a_page_of_zeros(recorded: Recorded) -> None:
    """Wherever it lies: what it held is told, the rest comes."""
    for page in range(0, 60, 17):

        def damage(path: Path, page: int = page) -> None:
            checkpointed(path)
            zero(path, page)

        carried_on(recorded, damage)


def test_a_lost_write_ahead_log(recorded: Recorded) -> None:
    """The file is older, perhaps than central: then a new epoch. What is there goes on."""
    found = carried_on(recorded, lambda path: path.with_name(f"{FILE_NAME}-wal").unlink())
    assert len(found.epochs) <= 1


def test_an_old_copy_put_back(recorded: Recorded, tmp_path: Path) -> None:
    """An image of before central's last receipts: the same."""
    old = tmp_path / "old"
    shutil.copytree(recorded.early, old)

    def damage(path: Path) -> None:
        for file in path.parent.glob(f"{FILE_NAME}*"):
            file.unlink()
        for file in old.iterdir():
            if file.name.startswith(FILE_NAME):
                shutil.copy(file, path.parent)

    found = carried_on(recorded, damage)
    assert found.epochs == [EpochReason.SET_BACK]
    assert found.lost == []


def test_another_gateways_journal(recorded: Recorded, tmp_path: Path) -> None:
    """It is put aside and nothing of it is sent; this gateway goes on in a new epoch."""
    other = table()
    other["gateway"]["id"] = "gw-2"
    config = config_of(tmp_path, other)
    new_journal(config).close()
    journal, memory = journal_start.open_journal(config, "boot", 0)
    draft = Draft(memory, Salts("gw-2", b"x" * 32))
    record_start(draft, config, recorded.polls.clock.now(), "test")
    journal.commit(draft.tick())
    journal.close()

    def damage(path: Path) -> None:
        for file in path.parent.glob(f"{FILE_NAME}*"):
            file.unlink()
        shutil.copy(config.state_dir / FILE_NAME, path)

    found = carried_on(recorded, damage)
    assert found.epochs == [EpochReason.JOURNAL_LOST]
    assert {leaf.gateway for leaf in found.central.leaves} == {"gw-1"}
    (aside,) = (recorded.config.state_dir / quarantine.DIRECTORY).iterdir()
    assert "gw-2" in quarantine.reason_of(aside)


@pytest.mark.parametrize("table_name", ["run_state", "run_opening", "run", "gateway", "log"])
def test_what_was_remembered_is_made_again(recorded: Recorded, table_name: str) -> None:
    """From leaves and scans: nothing is lost, the run goes on in its segment."""

    def damage(path: Path) -> None:
        connection = sqlite3.connect(path)
        connection.execute(f"UPDATE {table_name} SET digest = x'00'")
        connection.commit()
        connection.close()

    found = carried_on(recorded, damage)
    assert (found.epochs, found.lost) == ([EpochReason.SALVAGED], [])
    assert found.missing == set()
    assert conserved(found.central.intervals()).keys() == {0}


def test_a_run_whose_scans_are_lost_too(recorded: Recorded) -> None:
    """It begins a new segment, and what is known of it is told."""

    def damage(path: Path) -> None:
        connection = sqlite3.connect(path)
        connection.execute("UPDATE run_state SET digest = x'00'")
        connection.execute("UPDATE telemetry SET hash = zeroblob(32)")
        connection.commit()
        connection.close()
        checkpointed(path)

    found = carried_on(recorded, damage)
    assert found.epochs == [EpochReason.SALVAGED]
    (told,) = [leaf.body for leaf in found.central.of(Kind.EVENT) if leaf.body[0] == STATE_LOST]
    assert told[1] is not None
    assert "not booked" in str(told[-1])
    assert conserved(found.central.intervals()).keys() == {0, told[2]}
    assert any(log is Log.TELEMETRY for log, *_ in found.lost)


def test_a_truncated_journal(recorded: Recorded) -> None:
    """The half that is there comes."""

    def damage(path: Path) -> None:
        checkpointed(path)
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size // 2)

    found = carried_on(recorded, damage)
    assert found.epochs == [EpochReason.SALVAGED]
    assert found.missing
