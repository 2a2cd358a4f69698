"""Orders in a real journal: durable when they are said to be, obeyed once, whatever is killed."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from edge_agent.config.model import AgentConfig
from edge_agent.journal.draft import Salts
from edge_agent.journal.journal import FILE_NAME, Journal, Retention
from edge_agent.journal.memory import Memory, OrderState
from edge_agent.journal.schema import migrate, migrations
from edge_agent.recorder.recorder import Recorder
from protocols.evidence.leaf import Kind, Log
from protocols.evidence.order import sign_order
from tests.edge_agent.gateway import BOOT_ID, KEYS, VERSION, Polls, config_of, new_journal
from tests.edge_agent.killed import Statements, killed
from tests.edge_agent.ledger_law import Found, passed_counts, read_journal
from tests.edge_agent.recording.test_order_recording import NEW, ORDERS, OTHER, gas, order

ROUNDS = 7
ORDER = order(1, gas(NEW, at_ms=9_000))
NOTE = sign_order(ORDER, ORDERS)


class Rig:
    """A recorder on a journal, moved by hand: a turn is a tick."""

    def __init__(self, config: AgentConfig, rounds_before: int = 0) -> None:
        self.config = config
        self.journal = Journal(config.state_dir / FILE_NAME, Retention())
        self.polls = Polls(config)
        for _ in range(rounds_before):
            self.polls.round()
        memory = self.load()
        salts = Salts(KEYS.gateway, KEYS.salt_secret)
        self.recorder = Recorder(self.journal, memory, config, salts, self.polls.clock, VERSION)

    def load(self) -> Memory:
        return self.journal.load(self.config.gateway, BOOT_ID, self.polls.clock.mono_ms)

    def rounds(self, count: int) -> None:
        for _ in range(count):
            for scan in self.polls.round():
                assert self.recorder.deliver(scan)
            assert self.recorder.turn()

    def obey(self, number: int = 1, **changes: Any) -> None:
        given = ORDER._replace(number=number, **changes)
        self.recorder.obey(given, sign_order(given, ORDERS), timeout_s=0.0)
        assert self.recorder.turn()

    def end(self) -> Found:
        self.journal.close()
        return read_journal(self.journal.path)


@pytest.fixture
def config(tmp_path: Path) -> AgentConfig:
    config = config_of(tmp_path)
    new_journal(config).close()
    return config


def gases(found: Found) -> list[int]:
    """Hs of each configuration of the run, in the order of the log."""
    return [
        leaf.body[13][2]  # type: ignore[index, misc]
        for leaf in found.of(Kind.CONFIGURATION)
        if leaf.subject
    ]


def test_an_order_waits_in_the_journal(config: AgentConfig) -> None:
    """What was received is loaded again: number, note, gas and state."""
    rig = Rig(config)
    assert rig.recorder.begin()
    rig.obey()
    assert rig.load() == rig.recorder.memory
    ((number, held),) = rig.load().orders.items()
    assert (number, held.note, held.state) == (1, NOTE, OrderState.WAITING)
    assert held.gas.to_body() == ORDER.item
    assert rig.end().events() == ["agent_started", "gas_order_received"]


def test_it_comes_into_force_in_the_journal(config: AgentConfig) -> None:
    """State and configuration are what the next start goes on from; a replaced order is gone."""
    rig = Rig(config)
    assert rig.recorder.begin()
    rig.obey()
    rig.rounds(ROUNDS)
    assert rig.load() == rig.recorder.memory
    assert rig.load().orders[1].state is OrderState.IN_FORCE
    assert rig.load().orders[1].file_hash == config.gas_hash("grid")
    rig.obey(2, item=gas(OTHER, at_ms=15_000).to_body())
    rig.rounds(2)
    assert list(rig.load().orders) == [2]
    assert rig.load() == rig.recorder.memory
    found = rig.end()
    assert gases(found) == [40_660_000, 39_730_000, 38_500_000]


def test_a_turn_without_anything_due_is_no_commit(config: AgentConfig) -> None:
    """An order that waits costs no flash."""
    rig = Rig(config)
    assert rig.recorder.begin()
    rig.obey()
    statements: list[str] = []
    rig.journal.connection.set_trace_callback(statements.append)
    assert rig.recorder.turn()
    assert statements == []
    rig.polls.clock.mono_ms = 11_000
    assert rig.recorder.turn()
    assert statements.count("COMMIT") == 1
    assert rig.end().events().count("gas_order_in_force") == 1


def test_nothing_comes_into_force_behind_the_stop(config: AgentConfig) -> None:
    """The log's last leaf is the stop; the order comes into force with the next start."""
    rig = Rig(config)
    assert rig.recorder.begin()
    rig.obey()
    rig.rounds(2)
    rig.recorder.finish(0.0)
    assert rig.recorder.turn()
    rig.polls.clock.mono_ms = 60_000
    assert rig.recorder.turn()
    assert rig.recorder.begin()
    events = rig.end().events()
    assert events[2:6] == ["agent_stopped", "agent_started", "gas_order_late", "gas_order_in_force"]


def test_a_full_disk_loses_no_order(config: AgentConfig) -> None:
    """`obey` says no; asked again when there is room, the order is taken, once."""
    rig = Rig(config)
    assert rig.recorder.begin()
    pages = rig.journal.connection.execute("PRAGMA page_count").fetchone()[0]
    rig.journal.connection.execute(f"PRAGMA max_page_count = {pages}")
    rig.recorder.end()  # or the turn would wait for room for ever
    for _ in range(60):
        if not rig.recorder.deliver(rig.polls.scan("p-1", p1_f32=3.0)):
            break
    assert not rig.recorder.obey(ORDER, NOTE, 0.0)
    assert not rig.recorder.turn()
    assert rig.load().order_number == 0
    rig.journal.connection.execute("PRAGMA max_page_count = 1000000")
    again = Recorder(
        rig.journal, rig.load(), config, Salts(KEYS.gateway, KEYS.salt_secret), rig.polls.clock, ""
    )
    for _ in range(2):
        again.obey(ORDER, NOTE, 0.0)
        assert again.turn()
    assert rig.end().events().count("gas_order_received") == 1


def test_a_journal_of_the_version_before_gets_the_table(tmp_path: Path) -> None:
    """Its rows stay, and no order was ever received."""
    config = config_of(tmp_path)
    config.state_dir.mkdir()
    path = config.state_dir / FILE_NAME
    db = Database(path)
    db.enable_wal()
    migrations().apply(db, stop_before="m003_orders_of_central")
    db.execute(
        "INSERT INTO gateway (id, gateway, boot_id, boot_no, clock_state) "
        f"VALUES (1, 'gw-1', '{BOOT_ID}', 4, 0)"
    )
    db.conn.commit()
    db.close()
    migrate(path)
    with closing(sqlite3.connect(path)) as connection:
        row = connection.execute("SELECT gateway, boot_no, order_number FROM gateway").fetchone()
    assert row == ("gw-1", 4, 0)


def run(directory: Path, kill_at: int | None) -> int:
    """An order is received and comes into force; killed before a statement. Statements run."""
    rig = Rig(config_of(directory))
    statements = Statements(rig.journal.connection, kill_at)
    assert rig.recorder.begin()
    rig.rounds(2)
    rig.obey()
    rig.rounds(ROUNDS - 2)
    return statements.count


def run_killed(directory: Path, statement: int) -> None:
    killed(lambda _acknowledge: run(directory, statement))


def test_a_kill_between_any_two_statements(tmp_path: Path) -> None:
    """Told again by central, the order is received once and in force once; no count is lost."""
    new_journal(config_of(_directory(tmp_path / "new"))).close()
    shutil.copytree(tmp_path / "new", tmp_path / "whole")
    statements = run(tmp_path / "whole", None)
    assert statements > 60
    for statement in range(statements + 1):
        directory = tmp_path / f"at-{statement}"
        shutil.copytree(tmp_path / "new", directory)
        run_killed(directory, statement)
        rig = Rig(config_of(directory), rounds_before=ROUNDS)
        assert rig.recorder.begin()
        rig.obey()
        rig.rounds(4)
        found = rig.end()
        told = Counter(found.events())
        assert (told["gas_order_received"], told["gas_order_in_force"]) == (1, 1), statement
        assert gases(found) == [40_660_000, 39_730_000], statement
        booked = found.intervals()
        first, last = booked[0].totals[0].start, booked[-1].totals[0].end
        assert passed_counts(found) == last - first, statement
        assert found.sizes[Log.TELEMETRY] > 0


def _directory(path: Path) -> Path:
    path.mkdir()
    return path
