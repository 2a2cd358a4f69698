"""Read beside the writer, and where nobody writes; also by a user who may do nothing but read."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from edge_agent.config.model import AgentConfig
from edge_agent.journal.beside import Beside
from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.journal import FILE_NAME, Journal, Retention
from edge_agent.journal.memory import Tick
from edge_agent.journal.newest import NewestReader
from edge_agent.journal.reader import JournalReader, ReadFailed
from edge_agent.journal.sharing import share_directory
from edge_agent.recording.recording import MapHashes, record_scan, record_start
from protocols.evidence.leaf import Log
from tests.edge_agent.gateway import BOOT_ID, GATEWAY, KEYS, VERSION, Polls, config_of, new_journal
from tests.edge_agent.second_user import GROUP, READER, STRANGER, as_user, common_place

SALTS = Salts(KEYS.gateway, KEYS.salt_secret)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="another user's rights need root")


class Writing:
    """A journal into which something is recorded."""

    def __init__(self, config: AgentConfig) -> None:
        self.journal = new_journal(config)
        self._polls = Polls(config)
        draft = Draft(self.journal.load(config.gateway, BOOT_ID, 0), SALTS)
        record_start(draft, config, self._polls.clock.now(), VERSION)
        self._commit(draft.tick())

    def record(self, ticks: int = 1) -> None:
        for _ in range(ticks):
            draft = Draft(self._memory, SALTS)
            for scan in self._polls.rounds(1):
                record_scan(draft, scan, MapHashes())
            self._commit(draft.tick())

    def _commit(self, tick: Tick) -> None:
        self.journal.commit(tick)
        self._memory = tick.after


@pytest.fixture
def config() -> Iterator[AgentConfig]:
    """In a state directory that the readers' group may enter."""
    with common_place() as place:
        made = config_of(place)
        made.state_dir.mkdir(mode=0o700)
        if os.geteuid() == 0:
            share_directory(made.state_dir, GROUP)
        yield made


def size_for_a_reader(path: Path) -> str:
    """How many leaves of telemetry."""
    with closing(NewestReader(path, GATEWAY)) as reader, closing(reader.leaves(Log.TELEMETRY)) as _:
        found = [leaf.seq for leaf in _]
    assert all(older == newer - 1 for newer, older in pairwise(found))
    return str(len(found))


def files(config: AgentConfig) -> set[str]:
    return {path.name for path in config.state_dir.glob(f"{FILE_NAME}*")}


@needs_root
def test_a_reader_beside_a_writer_at_rest_and_at_work_again(config: AgentConfig) -> None:
    """The newest commit is seen each time; who is not in the group sees nothing."""
    writing = Writing(config)
    path = writing.journal.path
    assert as_user(READER, lambda: size_for_a_reader(path)) == "0"
    writing.record()
    assert as_user(READER, lambda: size_for_a_reader(path)) == "3"
    told = as_user(STRANGER, lambda: size_for_a_reader(path))
    assert told.startswith(f"ReadFailed: {config.state_dir} is for the group {GROUP}")
    writing.journal.close()
    assert files(config) == {FILE_NAME}, "an end in order takes them away"
    assert as_user(READER, lambda: size_for_a_reader(path)) == "3"
    assert files(config) == {FILE_NAME}, "a reader leaves nothing"
    with closing(Journal(path, Retention())) as again:
        again.load(GATEWAY, BOOT_ID, 0)
        assert as_user(READER, lambda: size_for_a_reader(path)) == "3"


@needs_root
def test_a_reader_after_a_kill(config: AgentConfig) -> None:
    """Log and index are there, and nobody has them open: nothing is made good, all is read."""
    child = os.fork()
    if child == 0:
        Writing(config).record(2)
        os._exit(0)
    os.waitpid(child, 0)
    assert len(files(config)) == 3
    path = config.state_dir / FILE_NAME
    assert as_user(READER, lambda: size_for_a_reader(path)) == "6"


@needs_root
def test_a_reader_holds_up_no_commit(config: AgentConfig) -> None:
    """In the midst of its reading the writer goes on; what it sees is one instant; when it has
    ended the log is begun again from its start."""
    writing = Writing(config)
    path = writing.journal.path
    writing.record(5)
    asked, answered = os.pipe(), os.pipe()

    def read() -> str:
        reader = NewestReader(path, GATEWAY)
        leaves = reader.leaves(Log.TELEMETRY)
        first = next(leaves).seq
        os.write(answered[1], b"x")
        os.read(asked[0], 1)  # in the midst of it
        rest = len(list(leaves))
        reader.close()
        return f"{first} {rest}"

    reading, telling = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(telling, as_user(READER, read).encode())
        os._exit(0)
    os.read(answered[0], 1)
    writing.journal.connection.execute("PRAGMA busy_timeout = 0")  # to wait would be a failure
    writing.record(20)
    held = _checkpoint(writing.journal.connection)
    os.write(asked[1], b"x")
    os.waitpid(child, 0)
    assert os.read(reading, 100) == b"14 14"
    assert held[1] > held[2], "not all could be checkpointed"
    _, log, done = _checkpoint(writing.journal.connection)
    assert log == done
    for descriptor in (*asked, *answered, reading, telling):
        os.close(descriptor)
    writing.journal.close()


def _checkpoint(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """Busy, frames in the log, frames that are in the file."""
    busy, log, done = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return busy, log, done


@needs_root
def test_a_writer_that_begins_meanwhile_is_told(config: AgentConfig) -> None:
    """Without a lock a torn picture would look like damage; asked again it is right."""
    writing = Writing(config)
    path = writing.journal.path
    writing.record()
    writing.journal.close()
    asked, answered = os.pipe(), os.pipe()

    def read() -> str:
        reader = NewestReader(path, GATEWAY)
        leaves = reader.leaves(Log.TELEMETRY)
        next(leaves)
        os.write(answered[1], b"x")
        os.read(asked[0], 1)
        try:
            list(leaves)
        except ReadFailed as error:
            size = reader.state(Log.TELEMETRY).frontier.size  # the same reader goes on
            return f"{error} | {size}"
        return "nothing"

    reading, telling = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(telling, as_user(READER, read).encode())
        os._exit(0)
    os.read(answered[0], 1)
    again = Writing(config)
    os.write(asked[1], b"x")
    os.waitpid(child, 0)
    told = os.read(reading, 500).decode()
    assert "the agent began to write meanwhile; ask again | 3" in told
    again.journal.close()
    for descriptor in (*asked, *answered, reading, telling):
        os.close(descriptor)


def test_a_long_reading_ends(config: AgentConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds up checkpoints all the time."""
    writing = Writing(config)
    writing.record(3)
    monkeypatch.setattr("edge_agent.journal.reader.LONGEST_MS", -1)
    with closing(NewestReader(writing.journal.path, GATEWAY)) as reader:
        for read in (
            lambda: list(reader.leaves(Log.BILLING)),
            lambda: list(reader.billing_since(0)),
        ):
            with pytest.raises(ReadFailed, match="ask for a shorter time"):
                read()
    writing.journal.close()


def test_the_file_that_has_the_name_now_is_followed(config: AgentConfig) -> None:
    """A damaged one is put aside while we run."""
    writing = Writing(config)
    path = writing.journal.path
    with closing(JournalReader(path, GATEWAY)) as reader:
        assert reader.state(Log.BILLING).frontier.size > 0
        writing.journal.close()
        path.replace(path.with_name("aside"))
        with closing(new_journal(config)):
            assert reader.state(Log.BILLING).frontier.size == 0


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Nothing is made."""
    beside = Beside(tmp_path / FILE_NAME)
    with pytest.raises(FileNotFoundError):
        beside.follow()
    assert list(tmp_path.iterdir()) == []
