"""A kill between any two SQL statements: nothing acknowledged is lost, nothing doubled."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path

from edge_agent.journal.draft import Salts
from edge_agent.journal.journal import FILE_NAME, Journal, Retention
from edge_agent.journal.memory import Settled
from edge_agent.journal.reader import JournalReader
from edge_agent.journal.schema import migrate
from edge_agent.recorder.recorder import Recorder
from protocols.evidence.leaf import Log
from protocols.evidence.note import cosign
from protocols.evidence.upload import encode_upload, seal
from tests.edge_agent.gateway import (
    BOOT_ID,
    KEYS,
    RECEIPTS,
    VERSION,
    Polls,
    config_of,
)
from tests.edge_agent.killed import Statements, killed
from tests.edge_agent.ledger_law import passed_counts, read_journal

ROUNDS = 5
SETTLE_AFTER = (3,)


def record(directory: Path, acknowledge: int | None, kill_at: int | None) -> int:
    """Five ticks, with receipts after some; killed before statement `kill_at`. Statements run."""
    config = config_of(directory)
    journal = Journal(config.state_dir / FILE_NAME, Retention())
    polls = Polls(config)
    memory = journal.load(config.gateway, BOOT_ID, 0)
    statements = Statements(journal.connection, kill_at)
    salts = Salts(KEYS.gateway, KEYS.salt_secret)
    recorder = Recorder(journal, memory, config, salts, polls.clock, VERSION)
    assert recorder.begin()
    for number in range(ROUNDS):
        for scan in polls.round():
            assert recorder.deliver(scan)
        if number in SETTLE_AFTER:
            for log in Log:
                recorder.settle(receipted(journal.path, log), timeout_s=0.0)
        assert recorder.turn()
        if acknowledge is not None:
            sizes = [recorder.memory.heads[log].size for log in Log]
            os.write(acknowledge, struct.pack("2q", *sizes))
    return statements.count


def receipted(path: Path, log: Log) -> Settled:
    """All leaves of a log with central's receipt for them."""
    reader = JournalReader(path, KEYS.gateway)
    cut = reader.cut(log, None, 10_000, 1 << 20)
    assert cut is not None
    origin = cut.state.origin
    sealed = seal(origin, cut.before, cut.leaves, KEYS.salt_secret, KEYS.signer)
    receipt = cosign(sealed.upload.checkpoint, RECEIPTS, 1_780_000_000)
    reader.close()
    return Settled(
        *(log, origin.epoch, cut.before, sealed.frontier, encode_upload(sealed.upload)),
        *(sealed.upload.checkpoint, receipt, 1_780_000_000),
    )


def sizes_when_killed(directory: Path, statement: int) -> list[int]:
    """Run in a child that dies before the given statement; the sizes it acknowledged last."""
    told = killed(lambda acknowledge: record(directory, acknowledge, statement))
    size = struct.calcsize("2q")
    return list(struct.unpack("2q", told[-size:])) if told else [0, 0]


def prepare(directory: Path) -> Path:
    directory.mkdir()
    state = config_of(directory).state_dir
    state.mkdir()
    migrate(state / FILE_NAME)
    return state / FILE_NAME


def resume(directory: Path) -> None:
    """The agent is started again and polls go on where the meter now stands."""
    config = config_of(directory)
    journal = Journal(config.state_dir / FILE_NAME, Retention())
    polls = Polls(config)
    for _ in range(ROUNDS):
        polls.round()
    memory = journal.load(config.gateway, BOOT_ID, polls.clock.mono_ms)
    salts = Salts(KEYS.gateway, KEYS.salt_secret)
    recorder = Recorder(journal, memory, config, salts, polls.clock, VERSION)
    assert recorder.begin()
    for scan in polls.rounds(4):
        assert recorder.deliver(scan)
    assert recorder.turn()
    journal.close()


def test_the_clockwork_itself(tmp_path: Path) -> None:
    """Without a kill all leaves are there, and receipts replaced the older rows."""
    path = prepare(tmp_path / "whole")
    statements = record(tmp_path / "whole", None, None)
    found = read_journal(path)
    assert statements > 50
    assert found.sizes[Log.TELEMETRY] == 3 * ROUNDS
    assert 0 < found.receipted[Log.TELEMETRY] < found.sizes[Log.TELEMETRY]
    assert found.intervals()


def test_a_kill_between_any_two_statements(tmp_path: Path) -> None:
    """Reopened, the journal has every acknowledged leaf, once, and the state that belongs to it."""
    prepare(tmp_path / "new")
    shutil.copytree(tmp_path / "new", tmp_path / "whole")
    statements = record(tmp_path / "whole", None, None)
    for statement in range(statements + 1):
        directory = tmp_path / f"at-{statement}"
        shutil.copytree(tmp_path / "new", directory)
        path = directory / "state" / FILE_NAME
        acknowledged = sizes_when_killed(directory, statement)
        found = read_journal(path)
        for log, size in zip(Log, acknowledged, strict=True):
            assert found.sizes[log] >= size, statement
        resume(directory)
        found = read_journal(path)
        booked = found.intervals()
        assert booked, statement
        first, last = booked[0].totals[0].start, booked[-1].totals[0].end
        assert passed_counts(found) == last - first, statement
