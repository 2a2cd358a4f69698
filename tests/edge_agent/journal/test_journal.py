"""The journal on real SQLite files: one transaction a tick, whole or not at all."""

from __future__ import annotations

import itertools
import random
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_agent.config.model import AgentConfig
from edge_agent.journal.device_memory import DeviceClock, DeviceMemory, PendingGap
from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.journal import (
    FILE_NAME,
    MOST_CORRUPT,
    CommitFailed,
    Journal,
    JournalDamaged,
    JournalError,
    Retention,
)
from edge_agent.journal.memory import HeldOrder, Memory, Settled, Tick
from edge_agent.journal.memory_rows import COLUMNS, SELECT, is_whole, put
from edge_agent.journal.reader import JournalReader, ReadFailed
from edge_agent.recording.recording import MapHashes, record_scan, record_start, record_stop
from protocols.evidence.leaf import Log, leaf_hash
from protocols.evidence.upload import encode_upload, seal
from tests.durability.failing_disk import READ, FailingDisk
from tests.durability.vfs import watched
from tests.edge_agent.gateway import BOOT_ID, KEYS, VERSION, Polls, config_of, new_journal
from tests.edge_agent.ledger_law import read_journal
from tests.edge_agent.recording.test_order_recording import NEW, gas

SALTS = Salts(KEYS.gateway, KEYS.salt_secret)
BOTH = Retention(days=90, megabytes=512)


@pytest.fixture
def config(tmp_path: Path) -> AgentConfig:
    return config_of(tmp_path)


@pytest.fixture
def journal(config: AgentConfig) -> Iterator[Journal]:
    journal = new_journal(config)
    yield journal
    journal.close()


def first_tick(journal: Journal, config: AgentConfig, polls: Polls) -> Tick:
    memory = journal.load(config.gateway, BOOT_ID, 0)
    draft = Draft(memory, SALTS)
    record_start(draft, config, polls.clock.now(), VERSION)
    return draft.tick()


def full_tick(journal: Journal, config: AgentConfig) -> Tick:
    """With something of everything that is remembered."""
    polls = Polls(config)
    draft = Draft(first_tick(journal, config, polls).before, SALTS)
    record_start(draft, config, polls.clock.now(), VERSION)
    for scan in polls.rounds(4):
        record_scan(draft, scan, MapHashes(), config.regulators)
    draft.orders[3] = HeldOrder(3, b"note", gas(NEW, at_ms=9_000))
    draft.devices = DeviceMemory(
        {"M1": DeviceClock(5, False)}, {9: PendingGap(9, "R1", "M1", 1, 2)}, {("M1", "day"): 7}
    )
    return draft.tick()


def tick_of(memory: Memory, polls: Polls, rounds: int = 1) -> Tick:
    draft = Draft(memory, SALTS)
    for scan in polls.rounds(rounds):
        record_scan(draft, scan, MapHashes())
    return draft.tick()


def settled_of(journal: Journal, log: Log, time_s: int = 1_780_000_000) -> Settled:
    """All rows of a log, as the uplink hands them over with a receipt."""
    reader = JournalReader(journal.path, KEYS.gateway)
    cut = reader.cut(log, None, 100_000, 1 << 26)
    reader.close()
    assert cut is not None
    sealed = seal(cut.state.origin, cut.before, cut.leaves, KEYS.salt_secret, KEYS.signer)
    upload = encode_upload(sealed.upload)
    return Settled(
        *(log, cut.state.origin.epoch, cut.before, sealed.frontier, upload),
        *(sealed.upload.checkpoint, b"receipt", time_s),
    )


def test_what_is_committed_is_loaded(journal: Journal, config: AgentConfig) -> None:
    """Heads, runs, register maps, configuration and clock come back as they were."""
    polls = Polls(config)
    tick = first_tick(journal, config, polls)
    journal.commit(tick)
    for _ in range(4):
        tick = tick_of(tick.after, polls)
        journal.commit(tick)
    assert journal.load(config.gateway, BOOT_ID, polls.clock.mono_ms) == tick.after
    assert len(read_journal(journal.path).intervals()) == 1


def test_each_row_has_its_leaf_hash(journal: Journal, config: AgentConfig) -> None:
    """The row's checksum."""
    polls = Polls(config)
    tick = first_tick(journal, config, polls)
    journal.commit(tick)
    journal.commit(tick_of(tick.after, polls))
    for log in Log:
        rows = journal.connection.execute(f"SELECT hash, leaf FROM {log.value}").fetchall()
        assert rows
        assert all(hashed == leaf_hash(data) for hashed, data in rows)


def test_an_end_without_a_stop_is_known(journal: Journal, config: AgentConfig) -> None:
    """By the boot and the milliseconds of the last thing recorded; after a stop there is none."""
    polls = Polls(config)
    tick = first_tick(journal, config, polls)
    assert tick.before.ended is None
    journal.commit(tick)
    tick = tick_of(tick.after, polls, 2)
    journal.commit(tick)
    assert journal.load(config.gateway, "another", 9_000).ended == (0, 4_000)
    draft = Draft(tick.after, SALTS)
    record_stop(draft, polls.clock.now())
    journal.commit(draft.tick())
    assert journal.load(config.gateway, "another", 9_000).ended is None


def test_settled_rows_become_their_batch(journal: Journal, config: AgentConfig) -> None:
    """Rows go, the sealed batch and receipt stay; handing them over twice changes nothing."""
    polls = Polls(config)
    journal.commit(first_tick(journal, config, polls))
    tick = tick_of(journal.load(config.gateway, BOOT_ID, 0), polls, 3)
    journal.commit(tick)
    batches = tuple(settled_of(journal, log) for log in Log)
    empty = Draft(tick.after, SALTS).tick()
    for _ in range(2):
        journal.commit(empty, batches)
        found = read_journal(journal.path)
        assert found.receipted == found.sizes
        assert journal.sealed_bytes == sum(len(batch.upload) for batch in batches)


def test_a_batch_beyond_the_log_is_not_settled(journal: Journal, config: AgentConfig) -> None:
    """Only what this journal holds can have a receipt."""
    polls = Polls(config)
    tick = first_tick(journal, config, polls)
    journal.commit(tick)
    batch = settled_of(journal, Log.BILLING)
    beyond = batch._replace(after=batch.after.append(bytes(32)))
    journal.commit(Draft(tick.after, SALTS).tick(), (beyond, batch._replace(epoch=1)))
    assert read_journal(journal.path).receipted[Log.BILLING] == 0


def test_old_batches_are_dropped_and_new_ones_kept(config: AgentConfig) -> None:
    """By central's time in the receipt: 90 days, telemetry and billing alike."""
    journal = new_journal(config, Retention(days=90, megabytes=512))
    polls, day_s = Polls(config), 86_400
    tick = first_tick(journal, config, polls)
    journal.commit(tick)
    for day in (0, 50, 52, 141):
        tick = tick_of(tick.after, polls)
        journal.commit(tick)
        journal.commit(
            Draft(tick.after, SALTS).tick(),
            (settled_of(journal, Log.TELEMETRY, 1_780_000_000 + day * day_s),),
        )
    times = journal.connection.execute("SELECT receipt_time_s FROM batch ORDER BY 1").fetchall()
    assert [(time_s - 1_780_000_000) // day_s for (time_s,) in times] == [52, 141]
    journal.close()


def test_too_much_drops_the_oldest_telemetry_first(config: AgentConfig) -> None:
    """A size limit never touches what has no receipt, nor billing while telemetry is there."""
    journal = new_journal(config, Retention(days=90, megabytes=0))
    polls = Polls(config)
    tick = first_tick(journal, config, polls)
    journal.commit(tick)
    tick = tick_of(tick.after, polls)
    journal.commit(tick)
    rows = journal.connection.execute("SELECT count(*) FROM billing").fetchone()
    journal.commit(Draft(tick.after, SALTS).tick(), (settled_of(journal, Log.TELEMETRY),))
    assert journal.connection.execute("SELECT count(*) FROM batch").fetchone() == (0,)
    assert journal.connection.execute("SELECT count(*) FROM billing").fetchone() == rows
    assert journal.sealed_bytes == 0
    journal.close()


def test_a_full_disk_moves_nothing(journal: Journal, config: AgentConfig) -> None:
    """The commit fails, the rows are as before, and the same tick comes through later."""
    polls = Polls(config)
    tick = first_tick(journal, config, polls)
    journal.commit(tick)
    before = read_journal(journal.path)
    pages = journal.connection.execute("PRAGMA page_count").fetchone()[0]
    journal.connection.execute(f"PRAGMA max_page_count = {pages}")
    large = tick_of(tick.after, polls, 50)
    for _ in range(2):
        with pytest.raises(CommitFailed, match="full"):
            journal.commit(large)
    assert read_journal(journal.path).sizes == before.sizes
    assert not journal.connection.in_transaction
    journal.connection.execute("PRAGMA max_page_count = 1000000")
    journal.commit(large)
    assert read_journal(journal.path).sizes[Log.TELEMETRY] == 150


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Writes beyond this offset fail with EFBIG, which SQLite reports as an I/O error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_after_an_io_error_the_head_is_compared(journal: Journal, config: AgentConfig) -> None:
    """The connection is made anew; the tick is stored once, however often it is tried."""
    polls = Polls(config)
    tick = first_tick(journal, config, polls)
    journal.commit(tick)
    large = tick_of(tick.after, polls, 200)
    wal_bytes = journal.path.with_name(FILE_NAME + "-wal").stat().st_size
    with largest_file(wal_bytes + 4096):
        for _ in range(2):
            with pytest.raises(CommitFailed, match="I/O"):
                journal.commit(large)
    journal.commit(large)
    found = read_journal(journal.path)
    assert found.sizes[Log.TELEMETRY] == 600
    journal.commit(tick_of(large.after, polls))
    assert read_journal(journal.path).sizes[Log.TELEMETRY] == 603


def test_a_failed_commit_that_came_through_is_not_doubled(
    journal: Journal, config: AgentConfig
) -> None:
    """In doubt the journal looks at what the disk has before it writes again."""
    polls = Polls(config)
    tick = first_tick(journal, config, polls)
    journal.commit(tick)
    tick = tick_of(tick.after, polls)
    journal.commit(tick)
    journal._in_doubt = True
    journal.commit(tick)
    assert read_journal(journal.path).sizes[Log.TELEMETRY] == 3


def test_receipts_in_doubt_are_stored_again(journal: Journal, config: AgentConfig) -> None:
    """A tick of nothing but a receipt moves no head: an I/O error must not let it pass for stored,
    and once it is stored, another try changes nothing.
    """
    polls = Polls(config)
    tick = first_tick(journal, config, polls)
    journal.commit(tick)
    batch = settled_of(journal, Log.BILLING)
    empty = Draft(tick.after, SALTS).tick()
    for _ in range(2):
        journal._in_doubt = True
        journal.commit(empty, (batch,))
        assert read_journal(journal.path).receipted[Log.BILLING] == batch.after.size
        assert journal.sealed_bytes == len(batch.upload)


def test_a_boot_has_one_number(journal: Journal, config: AgentConfig) -> None:
    """The same boot keeps it over restarts; another boot, or a clock set back, has the next."""
    polls = Polls(config)
    polls.clock.mono_ms = 5_000
    journal.commit(first_tick(journal, config, polls))
    assert journal.load(config.gateway, BOOT_ID, 5_000).boot_no == 0
    assert journal.load(config.gateway, BOOT_ID, 4_999).boot_no == 1
    memory = journal.load(config.gateway, "another", 9_000)
    assert memory.boot_no == 1
    draft = Draft(memory, SALTS)
    polls.clock.boot_no = 1
    record_start(draft, config, polls.clock.now(), VERSION)
    journal.commit(draft.tick())
    assert journal.load(config.gateway, "another", 9_000).boot_no == 1
    assert journal.load(config.gateway, BOOT_ID, 9_000).boot_no == 2


def test_a_journal_of_another_gateway_is_refused(journal: Journal, config: AgentConfig) -> None:
    """Its leaves name that gateway."""
    journal.commit(first_tick(journal, config, Polls(config)))
    with pytest.raises(JournalError, match=r"belongs to gateway 'gw-1'; use the state directory"):
        journal.load("gw-2", BOOT_ID, 0)


def test_a_state_that_cannot_be_read_is_refused(journal: Journal, config: AgentConfig) -> None:
    """A row from another version, or a damaged one, is damage with its name."""
    journal.commit(first_tick(journal, config, Polls(config)))
    put(journal.connection, "run_state", [("R1", b"\x80")])
    with pytest.raises(JournalDamaged, match="run state"):
        journal.load(config.gateway, BOOT_ID, 0)


@pytest.mark.parametrize("table", sorted(COLUMNS.keys() - {"opening"}))
def test_no_flipped_bit_is_remembered(journal: Journal, config: AgentConfig, table: str) -> None:
    """A row whose digest does not fit, and a row that is gone, are damage."""
    journal.commit(full_tick(journal, config))
    assert journal.load(config.gateway, BOOT_ID, 99_000_000)
    rows = journal.connection.execute(SELECT[table]).fetchall()
    assert rows
    for row in rows:
        assert is_whole(table, row)
    for change in (f"UPDATE {table} SET digest = x'00'", f"DELETE FROM {table}"):
        journal.connection.execute("BEGIN")
        journal.connection.execute(change)
        with pytest.raises(JournalDamaged):
            journal.load(config.gateway, BOOT_ID, 99_000_000)
        journal.connection.execute("ROLLBACK")


def test_a_damaged_head_stops_the_commit(journal: Journal, config: AgentConfig) -> None:
    """Half of the row would go on as if it were whole."""
    polls = Polls(config)
    tick = first_tick(journal, config, polls)
    journal.commit(tick)
    journal.connection.execute("UPDATE log SET receipted_size = 1 WHERE log = 'telemetry'")
    for _ in range(2):
        with pytest.raises(JournalDamaged, match="a row of log is damaged"):
            journal.commit(tick_of(tick.after, polls))


def test_damage_that_no_check_sees(journal: Journal, config: AgentConfig) -> None:
    """An index whose pages lead nowhere fails each commit: believed after a while; a commit that
    comes through in between says that it was the disk.
    """
    polls = Polls(config)
    tick = first_tick(journal, config, polls)
    journal.commit(tick)

    def fails(_connection: sqlite3.Connection) -> None:
        error = sqlite3.DatabaseError("database disk image is malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error

    for _ in range(2):
        tick = tick_of(tick.after, polls)
        for _ in range(MOST_CORRUPT - 1):
            with pytest.raises(CommitFailed):
                journal.commit(tick, also=fails)
        journal.commit(tick)
    for _ in range(MOST_CORRUPT - 1):
        with pytest.raises(CommitFailed):
            journal.look(fails)
    with pytest.raises(JournalDamaged):
        journal.look(fails)


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO telemetry (seq, hash, leaf) VALUES (0, x'', x'')",
        "ALTER TABLE billing RENAME COLUMN leaf TO leef",
        "ALTER TABLE run_state RENAME TO run_stato",
    ],
)
def test_what_no_program_wrote_is_damage(
    journal: Journal, config: AgentConfig, change: str
) -> None:
    """A seq that is there already, a column or a table that is gone."""
    polls = Polls(config)
    tick = first_tick(journal, config, polls)
    journal.commit(tick)
    journal.connection.execute(change)
    draft = Draft(tick.after, SALTS)
    for scan in polls.rounds(1):
        record_scan(draft, scan, MapHashes())
    with pytest.raises(JournalDamaged):
        journal.commit(draft.tick())


def test_a_journal_that_was_never_made(tmp_path: Path) -> None:
    """Opening makes nothing; the error names the command."""
    with pytest.raises(JournalError, match="edge-agent migrate"):
        Journal(tmp_path / FILE_NAME, BOTH)
    assert not (tmp_path / FILE_NAME).exists()


def test_a_journal_of_a_later_version(config: AgentConfig) -> None:
    """An older program does not touch it."""
    journal = new_journal(config)
    journal.connection.execute("PRAGMA user_version = 99")
    journal.close()
    with pytest.raises(JournalError, match="schema 99"):
        Journal(config.state_dir / FILE_NAME, BOTH)


def test_a_damaged_file_is_told(config: AgentConfig) -> None:
    """`quick_check` at open: what was found, and what becomes of it."""
    journal = new_journal(config)
    tick = first_tick(journal, config, Polls(config))
    journal.commit(tick)
    journal.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    journal.close()
    path = config.state_dir / FILE_NAME
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 5] = b"\x55" * 8192
    path.write_bytes(data)
    with pytest.raises(JournalError, match=r"is damaged \(.*\); keep it .* run puts it aside"):
        Journal(path, BOTH)


def test_a_commit_is_on_the_disk(journal: Journal) -> None:
    """synchronous = FULL: without it a power cut takes acknowledged rows."""
    assert journal.connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert journal.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_reader_cannot_write(journal: Journal, config: AgentConfig) -> None:
    """One connection writes or checkpoints, and it is not the reader's."""
    journal.commit(first_tick(journal, config, Polls(config)))
    reader = JournalReader(journal.path, config.gateway)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._connection.execute("DELETE FROM log")
    reader.close()


def test_the_reader_of_a_journal_that_is_gone(tmp_path: Path) -> None:
    """An error of its own kind, which the uplink retries."""
    with pytest.raises(ReadFailed, match="not readable"):
        JournalReader(tmp_path / FILE_NAME, "gw-1")


def test_frontiers_of_earlier_sizes(journal: Journal, config: AgentConfig) -> None:
    """From rows and from sealed batches; None beyond the log and where batches were dropped."""
    polls = Polls(config)
    tick = first_tick(journal, config, polls)
    journal.commit(tick)
    heads = {}
    for number in range(6):
        tick = tick_of(tick.after, polls)
        settled = (settled_of(journal, Log.TELEMETRY),) if number in (2, 4) else ()
        journal.commit(tick, settled)
        heads[3 * number + 3] = tick.after.heads[Log.TELEMETRY].frontier
    reader = JournalReader(journal.path, config.gateway)
    for size, frontier in heads.items():
        assert reader.frontier_at(Log.TELEMETRY, size) == frontier
    assert reader.frontier_at(Log.TELEMETRY, 19) is None
    journal.connection.execute("DELETE FROM batch WHERE first = 0")
    assert reader.frontier_at(Log.TELEMETRY, 3) is None
    assert reader.cut(Log.TELEMETRY, 3, 10, 1 << 20) is None
    reader.close()


def test_a_cut_is_bounded_by_leaves_and_bytes(journal: Journal, config: AgentConfig) -> None:
    """At least one leaf, so that it always goes on."""
    polls = Polls(config)
    tick = first_tick(journal, config, polls)
    journal.commit(tick)
    journal.commit(tick_of(tick.after, polls, 5))
    reader = JournalReader(journal.path, config.gateway)
    for most, most_bytes, expected in ((4, 1 << 20, 4), (100, 1 << 20, 15), (100, 1, 1)):
        cut = reader.cut(Log.TELEMETRY, None, most, most_bytes)
        assert cut is not None
        assert len(cut.leaves) == expected
    reader.close()


class OneReadFails(FailingDisk):
    """The read of that number, and no other call."""

    def __init__(self, number: int) -> None:
        super().__init__(random.Random(0))
        self.left = number

    def read(self, path: str) -> int:
        self.left -= 1
        return READ if self.left == 0 else 0


def test_a_read_that_fails_once_is_no_damage(config: AgentConfig) -> None:
    """Whichever it is at the start: SQLite's own check tells the I/O error of a page as damage."""
    journal = new_journal(config)
    journal.commit(first_tick(journal, config, Polls(config)))
    journal.close()
    opened = failed = 0
    for number in itertools.count(1):
        failing = OneReadFails(number)
        with watched(config.state_dir, failing):
            try:
                Journal(journal.path, BOTH).close()
                opened += 1
            except JournalDamaged:
                raise
            except JournalError:
                failed += 1
        if failing.left > 0:
            break
    assert opened > 3
    assert failed > 3
