"""A week with a disk that fills and fails at random: polling never stops, no billing is lost, and
what was dropped is told exactly, or bounded where the process was killed.
"""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest

from edge_agent.config.model import AgentConfig
from edge_agent.journal.journal import FILE_NAME
from edge_agent.journal.schema import migrate
from protocols.evidence.facts import Loss, LossReason, Moment, parse_loss
from protocols.evidence.leaf import Kind, Leaf, Log
from protocols.metering.interval import IntervalRecord
from tests.durability import fiu
from tests.durability.failing_disk import FailingDisk
from tests.durability.vfs import watched
from tests.durability.week import HOUR_MS, WEEK_MS, Trouble, Week, windows
from tests.edge_agent.gateway import config_of, table
from tests.edge_agent.tiny_disk import fill, tiny_disk

DISK_KB = 12 * 1024
QUEUE = 90
SEED = 20261128
MINUTE_MS = 60_000


def _config(directory: Path, disk: Path) -> AgentConfig:
    changed = table()
    changed["gateway"]["state_dir"] = str(disk / "state")
    changed["journal"] |= {"queue_scans": QUEUE, "autocheckpoint_pages": 200}
    changed["journal"] |= {"reserve_megabytes": 1, "max_megabytes": 1}
    changed["run"][0] |= {"interval_seconds": 300, "stale_seconds": 200}
    config = config_of(directory, changed)
    config.state_dir.mkdir()
    migrate(config.state_dir / FILE_NAME)
    return config


class Failing(Protocol):
    """`share` of its calls fails."""

    share: float


Watch = Callable[[Path], AbstractContextManager[None]]


class How(NamedTuple):
    """How long, how often the devices are polled, how often the process is killed."""

    seed: int
    length_ms: int = WEEK_MS
    period_ms: int = MINUTE_MS
    kills: int = 0
    failing: int = 24  # times in a week that the disk fails


def _full(rng: random.Random, week: Week, length_ms: int, count: int) -> list[Trouble]:
    """Another program takes all that is free, and gives it back."""
    disk = week.config.state_dir.parent

    def free() -> None:
        (disk / "of-another-program").unlink(missing_ok=True)

    def take() -> None:
        free()
        with week.calm():
            fill(disk, rng.choice((0, 4096, 65_536)))

    return [Trouble(*window, take, free) for window in windows(rng, length_ms, count, 9 * HOUR_MS)]


def _failing(rng: random.Random, failing: FailingDisk, length_ms: int, count: int) -> list[Trouble]:
    def begin() -> None:
        failing.share = rng.choice((0.01, 0.1, 0.5, 1.0))

    def end() -> None:
        failing.share = 0.0

    return [Trouble(*window, begin, end) for window in windows(rng, length_ms, count, 3 * HOUR_MS)]


def _unlinked(rng: random.Random, week: Week, length_ms: int, count: int) -> list[Trouble]:
    def cut() -> None:
        week.is_linked = False

    def mend() -> None:
        week.is_linked = True

    return [Trouble(*window, cut, mend) for window in windows(rng, length_ms, count, 40 * HOUR_MS)]


def live(directory: Path, how: How, failing: Failing, watch: Watch) -> Week:
    """The whole time, on a disk of a few megabytes, with a week's share of its troubles."""
    rng, share = random.Random(how.seed), how.length_ms / WEEK_MS
    disk = directory / "disk"

    @contextmanager
    def calm() -> Iterator[None]:
        before, failing.share = failing.share, 0.0
        yield
        failing.share = before

    with tiny_disk(disk, DISK_KB):
        config = _config(directory, disk)
        kills_ms = [rng.randrange(HOUR_MS, int(0.9 * how.length_ms)) for _ in range(how.kills)]
        week = Week(config, how.period_ms, [], kills_ms, calm)
        week.troubles += _full(rng, week, how.length_ms, max(2, round(24 * share)))
        week.troubles += _failing(rng, failing, how.length_ms, max(2, round(how.failing * share)))
        week.troubles += _unlinked(rng, week, how.length_ms, max(1, round(5 * share)))
        week.prepare()
        with watch(config.state_dir):
            week.run(how.length_ms, settle_each=6)
            assert week.journal is not None
            week.journal.close()
    assert week.polls == 3 * (week.clock.mono_ms // how.period_ms), "a poll was left out"
    assert week.longest_queue <= QUEUE
    return week


def with_failing_disk(directory: Path, how: How) -> Week:
    """Any call of the journal to the disk fails."""
    failing = FailingDisk(random.Random(how.seed + 1))
    return live(directory, how, failing, lambda state_dir: watched(state_dir, failing))


def losses(week: Week, reason: LossReason) -> list[Loss]:
    told = [
        parse_loss(leaf.body) for leaf in week.central.leaves[Log.BILLING] if leaf.kind is Kind.LOSS
    ]
    return [loss for loss in told if loss.reason is reason]


def told_once(week: Week, log: Log) -> list[Leaf]:
    """What central holds of a log, epoch by epoch; what was sent again counts once."""
    found: dict[tuple[int, int], Leaf] = {}
    next_seq: dict[int, int] = {}
    for leaf in week.central.leaves[log]:
        assert leaf.seq >= next_seq.get(leaf.epoch, 0), "central's log goes forward"
        next_seq[leaf.epoch] = leaf.seq + 1
        found.setdefault(leaf.was[:2] if leaf.was else (leaf.epoch, leaf.seq), leaf)
    return list(found.values())


def billing_is_whole(week: Week) -> None:
    """Every billing leaf is at central, and the intervals account for the index's way."""
    leaves = told_once(week, Log.BILLING)
    assert {origin.log for origin, _ in week.central.holes} <= {Log.TELEMETRY}
    held = Counter(leaf.epoch for leaf in week.central.leaves[Log.BILLING])
    for origin, head in week.central.heads.items():
        assert origin.log is not Log.BILLING or held[origin.epoch] == head.frontier.size
    records = [IntervalRecord.from_body(leaf.body) for leaf in leaves if leaf.kind is Kind.INTERVAL]
    totals = [record.totals[0] for record in records]
    passed = sum(total.main + total.error + total.quarantined for total in totals)
    assert passed == totals[-1].end - totals[0].start > 0
    for before, after in itertools.pairwise(totals):
        assert before.end == after.start, "an interval is missing"


def in_holes(week: Week) -> set[tuple[int, int]]:
    """(epoch, seq) of the telemetry that central has only hashes of."""
    return {
        (origin.epoch, seq)
        for origin, hole in week.central.holes
        for seq in range(hole.first, hole.end)
    }


def told_as_gone(week: Week, *reasons: LossReason) -> set[tuple[int, int]]:
    """(epoch, seq) in the ranges of the LOSS leaves."""
    return {
        (loss.epoch, seq)
        for reason in reasons
        for loss in losses(week, reason)
        for seq in range(loss.first, loss.end)
    }


def test_a_disk_that_fails_a_fifth_of_all_reads(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be read is not damaged: billing is whole, no epoch is opened, polling goes on;
    starts that cannot read the journal wait."""
    how = How(SEED + 7, WEEK_MS // 14, 4 * MINUTE_MS, kills=16, failing=400)
    failing = FailingDisk(random.Random(how.seed + 1), only_reads=True)
    week = live(tmp_path, how, failing, lambda state_dir: watched(state_dir, failing))
    accounted_bounded(week)
    assert failing.failed["read"] > 50
    assert {origin.epoch for origin in week.central.heads} == {0}
    assert not losses(week, LossReason.DAMAGED)
    assert "put aside" not in caplog.text


def test_a_day_of_a_full_and_failing_disk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Without a kill every dropped scan is accounted for, exactly, and nothing is restarted."""
    week = with_failing_disk(tmp_path, How(SEED, WEEK_MS // 7, 4 * MINUTE_MS))
    accounted_exactly(week)
    assert "the journal takes nothing" in caplog.text


def accounted_exactly(week: Week) -> None:
    assert week.starts == 1
    billing_is_whole(week)
    gone = in_holes(week)
    assert gone == told_as_gone(week, LossReason.EVICTED)
    held = {leaf.seq: leaf for leaf in week.central.leaves[Log.TELEMETRY]}
    assert held.keys() | {seq for _, seq in gone} == set(range(len(week.accepted)))
    for seq, leaf in held.items():
        assert (leaf.subject, leaf.boot_no, leaf.mono_ms) == week.accepted[seq]
    dropped = losses(week, LossReason.DROPPED)
    assert sum(loss.count or 0 for loss in dropped) == len(week.refused)
    at, before = 0, Moment(0, 0)
    for loss in dropped:  # in order, each polls that followed each other
        assert loss.since
        assert loss.until
        meant = [Moment(*key[1:]) for key in week.refused[at : at + (loss.count or 0)]]
        assert before <= loss.since <= meant[0]
        assert loss.until == meant[-1]
        at, before = at + len(meant), loss.until
    assert not losses(week, LossReason.UNCLEAN_END)


def accounted_bounded(week: Week) -> None:
    """Each poll that is not at central lies between the two moments of a LOSS leaf."""
    billing_is_whole(week)
    gone = told_as_gone(week, LossReason.EVICTED, LossReason.DAMAGED)
    assert in_holes(week) <= gone
    held = Counter(
        (leaf.subject, leaf.boot_no, leaf.mono_ms) for leaf in told_once(week, Log.TELEMETRY)
    )
    assert not held - Counter(week.accepted), "recorded what was never polled, or twice"
    dropped = [(loss.since, loss.until) for loss in losses(week, LossReason.DROPPED)]
    # what is as old as the last scan that was stored was stored with it, and may be evicted since
    unclean = [
        (loss.since._replace(mono_ms=loss.since.mono_ms + 1), loss.until)
        for loss in losses(week, LossReason.UNCLEAN_END)
        if loss.since is not None
    ]
    bounds = dropped + unclean
    missing = [key for key in week.accepted + week.refused if key not in held]
    unbounded = [
        key for key in missing if not any(a and b and a <= Moment(*key[1:]) <= b for a, b in bounds)
    ]
    assert len(unbounded) == len(gone)  # they were recorded, and are told by their seqs
    assert len(losses(week, LossReason.UNCLEAN_END)) <= week.kills


@pytest.mark.long
@pytest.mark.parametrize("seed", range(SEED, SEED + 5))
def test_a_week_of_a_full_and_failing_disk(
    tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A poll a minute, two dozen times full and two dozen times failing, five times no link."""
    week = with_failing_disk(tmp_path, How(seed))
    accounted_exactly(week)
    _report(capsys, week)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(SEED + 100, SEED + 105))
def test_a_week_with_kills(tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Thirty of them: the hole that each leaves is bounded by boot and time."""
    week = with_failing_disk(tmp_path, How(seed, kills=30))
    accounted_bounded(week)
    assert week.kills == 30
    _report(capsys, week)


@pytest.mark.long
@pytest.mark.parametrize(("seed", "kills"), [(1, 0), (2, 0), (3, 30), (4, 30)])
def test_a_week_in_which_the_c_library_fails(
    tmp_path: Path, seed: int, kills: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """EIO from libfiu, below SQLite and Python: ballast, directory and epoch file fail too."""
    found = fiu.environment()
    if found is None:
        pytest.skip("libfiu is missing: apt-get install fiu-utils")
    done = subprocess.run(
        [sys.executable, "-m", "tests.durability.fiu_week", str(seed), str(kills), str(tmp_path)],
        env=dict(found), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    with capsys.disabled():
        print(f"\nlibfiu: {done.stdout.strip()}")


def summary(week: Week) -> str:
    told = Counter(loss.reason.value for reason in LossReason for loss in losses(week, reason))
    return (
        f"{week.polls} polls, {len(week.refused)} refused, {week.failed_tries} failed tries, "
        f"{week.failed_reads} failed reads, {week.kills} kills, {week.starts} starts, "
        f"{week.failed_starts} failed ones, {len(week.central.heads) // 2} epochs, "
        f"{len(in_holes(week))} leaves evicted, LOSS {dict(told)}"
    )


def _report(capsys: pytest.CaptureFixture[str], week: Week) -> None:
    with capsys.disabled():
        print(f"\n{summary(week)}")
