"""Damage that shows while the recorder runs, and kills in the midst of a salvage."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.config.model import AgentConfig
from edge_agent.journal.journal import FILE_NAME, JournalDamaged
from edge_agent.journal.opening_rows import load_pending
from edge_agent.journal.schema import migrate
from edge_agent.recorder import epoch_desk
from edge_agent.recording import reopening
from edge_agent.recording.epoch_opening import Opening
from edge_agent.recording.reopening import Reopening
from edge_agent.salvage import journal_start, quarantine, salvage
from protocols.evidence.facts import EpochReason, LossReason, Moment, parse_epoch, parse_loss
from protocols.evidence.leaf import Kind
from tests.edge_agent.gateway import Polls, config_of, new_journal
from tests.edge_agent.killed import Statements, killed
from tests.edge_agent.opened import Central, Rig, conserved


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AgentConfig:
    config = config_of(tmp_path)
    new_journal(config).close()
    empty = tmp_path / "empty.db"
    migrate(empty)
    for module in (journal_start, epoch_desk):
        if hasattr(module, "migrate_in_child"):
            monkeypatch.setattr(
                module, "migrate_in_child", lambda path, _size: shutil.copy(empty, path)
            )
    return config


def overwritten(path: Path) -> None:
    """Every page but the first is nonsense; the log is gone."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(1024)
        file.write(b"\xa5" * (size - 1024))


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM gateway",
        "UPDATE log SET size = size + 1",
        "ALTER TABLE telemetry RENAME COLUMN leaf TO leef",
        "INSERT INTO telemetry (seq, hash, leaf) VALUES (27, x'', x'')",
        "DROP TABLE run_state",
    ],
)
def test_damage_while_it_runs(config: AgentConfig, damage: str) -> None:
    """The running recorder salvages, remembers what it knows, and goes on without a restart."""
    rig, central = Rig(config), Central()
    assert rig.recorder.begin()
    rig.rounds(5)
    rig.send(central)
    rig.rounds(4)
    recorder = rig.recorder
    other = sqlite3.connect(rig.journal.path)
    other.execute(damage)
    other.commit()
    other.close()
    rig.rounds(6)
    rig.send(central)
    recorder.finish(0.0)
    assert recorder.turn()
    rig.send(central)
    if damage == "DELETE FROM gateway":  # the next tick writes it anew
        return
    (epoch,) = central.of(Kind.EPOCH)
    assert parse_epoch(epoch.body).reason is EpochReason.SALVAGED
    assert parse_epoch(epoch.body).citations
    assert conserved(central.intervals()) == {0: (rig.polls.index - 1010,) * 2}
    assert sorted(scan.was.seq if scan.was else -1 for scan in central.of(Kind.SCAN)) == sorted(
        [-1] * 33 + list(range(15, 27))
    )


def test_a_file_that_is_all_nonsense(config: AgentConfig) -> None:
    """What the recorder remembers goes on; every leaf that is gone is told."""
    rig, central = Rig(config), Central()
    assert rig.recorder.begin()
    rig.rounds(5)
    rig.send(central)
    rig.rounds(4)
    rig.journal.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    overwritten(rig.journal.path)
    rig.journal.connection.execute("PRAGMA cache_size = 0")
    rig.rounds(4)
    rig.send(central)
    losses = [leaf.body[:6] for leaf in central.of(Kind.LOSS)]
    assert ("damaged", "telemetry", 0, 15, 27, 12) in losses
    assert rig.polls.index == 1130


def test_many_salvages_are_given_up(config: AgentConfig) -> None:
    """Then it is not the file that is damaged: the process ends, and is started again."""
    rig = Rig(config)
    assert rig.recorder.begin()

    def work() -> bool:
        raise JournalDamaged("always")

    with pytest.raises(JournalDamaged, match="always"):
        rig.recorder._epochs.guarded(work)
    kept = list((config.state_dir / quarantine.DIRECTORY).iterdir())
    assert len(kept) <= epoch_desk.MOST_SALVAGES


def test_the_history_comes_back(config: AgentConfig) -> None:
    """Receipted batches are in the new journal, a few a turn; the file is then marked."""
    rig, central = Rig(config), Central()
    assert rig.recorder.begin()
    for _ in range(6):
        rig.rounds(2)
        rig.send(central)
    before = rig.journal.connection.execute("SELECT * FROM batch ORDER BY 1, 2, 3").fetchall()
    other = sqlite3.connect(rig.journal.path)
    other.execute("UPDATE log SET size = size + 1")
    other.commit()
    other.close()
    rig.rounds(12)
    after = rig.journal.connection.execute("SELECT * FROM batch ORDER BY 1, 2, 3").fetchall()
    assert before == after
    (aside,) = (config.state_dir / quarantine.DIRECTORY).iterdir()
    assert {quarantine.READ, quarantine.DONE} <= {path.name for path in aside.iterdir()}


@pytest.mark.parametrize("stride", [29, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("running", [True, False])
def test_killed_in_the_midst_of_a_salvage(
    config: AgentConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stride: int, running: bool
) -> None:
    """The next start does what is left: nothing lost, nothing doubled, the law holds."""
    monkeypatch.setattr(reopening, "MOST_LEAVES", 9)
    monkeypatch.setattr(salvage, "MOST_ROWS", 8)
    rig, sent = Rig(config), Central()
    assert rig.recorder.begin()
    rig.rounds(4)
    rig.send(sent)
    rig.rounds(7)
    rig.journal.close()
    keep = tmp_path / "keep"
    shutil.copytree(config.state_dir, keep)

    def life(kill_at: int | None) -> Callable[[int], None]:
        def run(writing: int) -> None:
            rig = Rig(config, polls_after(config, 11))
            counted: list[Statements] = []
            begin_anew = rig.journal.begin_anew

            def count_on() -> None:
                begin_anew()
                counted.append(Statements(rig.journal.connection, kill_at))

            rig.journal.begin_anew = count_on  # type: ignore[method-assign]  # the new connection
            if running:
                assert rig.recorder.begin()
            else:
                counted.append(Statements(rig.journal.connection, kill_at))
                assert rig.recorder.begin()
            if running:
                spoil(rig.journal.path)
                rig.rounds(1)
            os.write(writing, b"%d" % counted[0].count)

        return run

    kill_at, last = 0, False
    while not last:
        shutil.rmtree(config.state_dir)
        shutil.copytree(keep, config.state_dir)
        if not running:
            spoil(config.state_dir / FILE_NAME)
        last = bool(killed(life(kill_at)))
        again, central = (
            Rig(config, polls_after(config, 14)),
            Central(dict(sent.heads), list(sent.leaves)),
        )
        assert again.recorder.begin()
        assert again.journal.look(load_pending) is None
        again.rounds(3)
        again.recorder.finish(0.0)
        assert again.recorder.turn()
        again.send(central)
        again.journal.close()
        assert len(central.leaves) == len(central.first_told())
        scans = [leaf.was.seq for leaf in central.of(Kind.SCAN) if leaf.was and leaf.was.epoch == 0]
        assert scans == list(range(12, 33))
        assert all(booked == moved for booked, moved in conserved(central.intervals()).values())
        assert conserved(central.intervals()).keys() == {0}
        kill_at += stride
    assert kill_at > 60


def spoil(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("UPDATE log SET digest = x'00'")
    other.commit()
    other.close()


def polls_after(config: AgentConfig, rounds: int) -> Polls:
    polls = Polls(config)
    for _ in range(rounds):
        polls.round()
    return polls


def in_memory(rig: Rig) -> list[Moment]:
    """A round that waits in the queue when the process is killed."""
    scans = rig.polls.round()
    assert all(rig.recorder.deliver(scan) for scan in scans)
    return [Moment(scan.instant.boot_no, scan.instant.mono_ms) for scan in scans]


def unclean_ends(central: Central) -> list[tuple[Moment | None, Moment | None]]:
    losses = [parse_loss(leaf.body) for leaf in central.of(Kind.LOSS)]
    return [(loss.since, loss.until) for loss in losses if loss.reason is LossReason.UNCLEAN_END]


def are_bounded(lost: list[Moment], bounds: list[tuple[Moment | None, Moment | None]]) -> bool:
    return all(any(a and b and a <= moment <= b for a, b in bounds) for moment in lost)


@pytest.mark.parametrize("step", ["_repeat", "_finish", None])
def test_killed_while_it_salvages_what_was_in_memory_is_bounded(
    config: AgentConfig, monkeypatch: pytest.MonkeyPatch, step: str | None
) -> None:
    """Of the process before and of the one that salvaged: before, within and behind the opening."""
    rig, central = Rig(config), Central()
    assert rig.recorder.begin()
    rig.rounds(5)
    lost = in_memory(rig)
    rig.journal.close()
    other = sqlite3.connect(rig.journal.path)
    other.execute("UPDATE log SET size = size + 1")
    other.commit()
    other.close()
    rig.open()
    lost += in_memory(rig)
    with monkeypatch.context() as until:
        if step is None:
            until.setattr(rig.recorder, "_record_start", lambda: False)
        else:
            until.setattr(Reopening, step, lambda *_: False)
        assert not rig.recorder.begin()
    lost += in_memory(rig)
    rig.journal.close()
    rig.open()
    assert rig.recorder.begin()
    rig.rounds(3)
    rig.send(central)
    rig.journal.close()
    assert are_bounded(lost, unclean_ends(central))
    assert len(unclean_ends(central)) == 2, "each of both kills is told once"


@pytest.mark.parametrize("step", ["_repeat", None])
def test_killed_while_a_running_agent_opens_an_epoch(
    config: AgentConfig, monkeypatch: pytest.MonkeyPatch, step: str | None
) -> None:
    """Polls wait while leaves with later instants are recorded: the bound goes by the polls."""
    rig, central = Rig(config), Central()
    assert rig.recorder.begin()
    rig.rounds(5)
    kept = Reopening.carry_on
    lost: list[Moment] = []

    def carry_on(self: Reopening, fill: Callable[..., bool]) -> bool:
        lost.extend(in_memory(rig))
        return kept(self, fill)

    with monkeypatch.context() as until:
        until.setattr(Reopening, "carry_on", carry_on)
        if step is not None:
            until.setattr(Reopening, step, lambda *_: False)
        rig.recorder.open_epoch(Opening(EpochReason.SET_BACK, above=5), 0.0)
        assert rig.recorder.turn() is (step is None)
    rig.journal.close()
    rig.open()
    assert rig.recorder.begin()
    rig.rounds(3)
    rig.send(central)
    rig.journal.close()
    assert lost
    assert are_bounded(lost, unclean_ends(central))
    assert len(unclean_ends(central)) == 1
