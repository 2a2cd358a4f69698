"""The power is cut after any call that the journal made to the disk: nothing acknowledged is lost,
nothing doubled, and the whole content is that of one commit.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge_agent.config.model import AgentConfig
from edge_agent.journal.ballast import BALLAST_NAME
from edge_agent.journal.journal import FILE_NAME, Journal
from edge_agent.journal.schema import migrate
from edge_agent.journal.settling import Retention
from edge_agent.salvage.journal_start import open_journal
from protocols.evidence.leaf import Log
from tests.durability.crash_states import Files, Mode, Recording, power_cuts
from tests.durability.vfs import watched
from tests.durability.workload import Plan, Run, Workload, content_of, opened
from tests.edge_agent.gateway import BOOT_ID, Polls
from tests.edge_agent.ledger_law import passed_counts, read_journal

SEED = 20261126
SHORT = Plan(ticks=8, settle_each=3, restart_each=5, autocheckpoint_pages=60)
LONG = Plan(ticks=520, settle_each=11, restart_each=130, autocheckpoint_pages=200)
PRUNED = LONG._replace(ticks=150, settle_each=4, retention=Retention(days=90, megabytes=0))
LATE_MS = 10_000_000  # later than any leaf: the same boot goes on


@dataclass
class Outcome:
    """Of all power cuts: how many states, and what was wrong with them."""

    states: int = 0
    distinct: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def fault(self, kind: str, where: object) -> None:
        self.faults[kind] += 1
        if len(self.examples) < 20:
            self.examples.append(f"{kind}: {where}")


class Judge:
    """Opens each state as the agent would, and compares it with what was acknowledged by then."""

    def __init__(self, run: Run, config: AgentConfig, plan: Plan) -> None:
        self._run = run
        self._config = config
        self._plan = plan
        self._by_content = {each.content: n for n, each in enumerate(run.acknowledged)}
        assert len(self._by_content) == len(run.acknowledged), "two commits look alike"
        self._gone_on_from: set[int] = set()
        self.outcome = Outcome()

    def power_cut(self, calls: int, mode: Mode, files: Files) -> None:
        """One state. What was acknowledged last must be there; the commit under way may be."""
        self.outcome.states += 1
        where = (calls, mode.value)
        _lay(self._config.state_dir, files)
        acknowledged = sum(each.calls <= calls for each in self._run.acknowledged) - 1
        journal, memory = open_journal(self._config, BOOT_ID, LATE_MS)
        with closing(journal):
            found = self._by_content.get(content_of(journal.connection))
        if any(path.is_dir() for path in self._config.state_dir.iterdir()):
            self.outcome.fault("put aside as damaged", where)
        elif found is None:
            self.outcome.fault("content of no commit", where)
        elif found < acknowledged:
            lost = (
                self._run.acknowledged[acknowledged].leaves - self._run.acknowledged[found].leaves
            )
            self.outcome.fault("acknowledged lost", (*where, lost))
        elif found > acknowledged + 1:
            self.outcome.fault("from the future", where)
        elif memory != self._run.acknowledged[found].memory:
            self.outcome.fault("memory of another commit", where)
        elif found and found not in self._gone_on_from:
            self._gone_on_from.add(found)
            self._go_on(found)

    def _go_on(self, found: int) -> None:
        """Once for each commit: the agent starts on what the power cut left, and the law holds."""
        polls = Polls(self._config)
        polls.clock.mono_ms, polls.index = self._run.acknowledged[found].meter
        journal, recorder = opened(self._config, polls, self._plan)
        with closing(journal):
            before = {log: head.size for log, head in recorder.memory.heads.items()}
            assert before == _sizes(self._run, found)
            assert recorder.begin()
            for scan in polls.rounds(2):
                assert recorder.deliver(scan)
            assert recorder.turn()
        if self._plan.retention == Retention():
            law_holds(self._config.state_dir / FILE_NAME, polls)


def law_holds(path: Path, polls: Polls) -> None:
    """Leaves, frontier, states from the scans, and what was booked, by a reader of its own."""
    found = read_journal(path)
    booked = found.intervals()
    if booked:
        totals = [record.totals[0] for record in booked]
        assert passed_counts(found) == totals[-1].end - totals[0].start
        assert totals[-1].end <= polls.index


def _sizes(run: Run, number: int) -> dict[Log, int]:
    return {log: head.size for log, head in run.acknowledged[number].memory.heads.items()}


def _lay(directory: Path, files: Files) -> None:
    for old in directory.iterdir():
        if old.is_dir():
            shutil.rmtree(old)
        elif old.name != BALLAST_NAME:  # it has no content, and costs time to make
            old.unlink()
    for name, data in files.items():
        (directory / name).write_bytes(data)


def cut_everywhere(directory: Path, plan: Plan, lying: bool = False, each: int = 1) -> Outcome:
    """Record a run, cut the power after each call (`each`-th call) in each mode, judge."""
    workload = Workload(directory, plan)
    run = workload.record(lying)
    assert len(run.acknowledged) == plan.ticks + 1
    judge = Judge(run, workload.config, plan)
    cuts = power_cuts(run.calls, list(Mode), SEED, lambda number: number > 2 and number % each == 0)
    for cut in _distinct(cuts, judge.outcome):
        judge.power_cut(*cut)
    return judge.outcome


def _distinct(
    cuts: Iterator[tuple[int, Mode, Files]], outcome: Outcome
) -> Iterator[tuple[int, Mode, Files]]:
    """All of them; those that differ from the one before in their mode are counted."""
    last: dict[Mode, int] = {}
    for number, mode, files in cuts:
        seen = hash(tuple(files.items()))
        outcome.distinct += last.get(mode) != seen
        last[mode] = seen
        yield number, mode, files


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is such a place: a state is written, opened and thrown away."""
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK):
        yield tmp_path
        return
    made = Path(tempfile.mkdtemp(dir=shared))
    yield made
    shutil.rmtree(made)


def test_a_power_cut_after_any_call(directory: Path) -> None:
    """A short run: every call, four ways each."""
    outcome = cut_everywhere(directory, SHORT)
    assert not outcome.faults, outcome.examples
    assert outcome.states > 800


def test_a_commit_that_does_not_wait_for_the_disk_is_found_out(directory: Path) -> None:
    """The method can fail: with synchronous = NORMAL acknowledged leaves are lost."""
    outcome = cut_everywhere(directory, SHORT, lying=True, each=5)
    assert outcome.faults["acknowledged lost"] > 10


@pytest.mark.long
def test_a_power_cut_after_any_call_of_a_long_run(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """More than five hundred transactions, receipts and restarts among them."""
    _report(capsys, "power cut, long", cut_everywhere(directory, LONG))


@pytest.mark.long
def test_a_power_cut_where_batches_are_dropped(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Retention takes the oldest batches within the same transactions."""
    _report(capsys, "power cut, pruned", cut_everywhere(directory, PRUNED))


def _report(capsys: pytest.CaptureFixture[str], what: str, outcome: Outcome) -> None:
    with capsys.disabled():
        print(f"\n{what}: {outcome.states} states, {outcome.distinct} distinct, {outcome.faults}")
    assert not outcome.faults, outcome.examples


def test_a_power_cut_while_the_journal_is_made(directory: Path) -> None:
    """Whatever is left of it, the next start makes a whole one, empty."""
    recording = Recording()
    state = directory / "state"
    state.mkdir()
    path = state / FILE_NAME
    with watched(state, recording):
        migrate(path)
    for _, mode, files in power_cuts(recording.calls, list(Mode), SEED, lambda n: n % 5 == 0):
        _lay(state, files)
        migrate(path)
        with closing(Journal(path, Retention())) as journal:
            memory = journal.load("gw-1", BOOT_ID, 0)
        assert all(head.size == 0 for head in memory.heads.values()), mode
