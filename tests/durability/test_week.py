"""A week with a disk that fills and fails at random: polling never stops, no billing is lost, and
what was dropped is told exactly, or bounded where the process was killed.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from pathlib import Path

import pytest

from edge_agent.config import AgentConfig
from edge_agent.journal import FILE_NAME
from edge_agent.schema import migrate
from edge_agent.space import Limits
from protocols.evidence.facts import Loss, LossReason, Moment, parse_loss
from protocols.evidence.leaf import Kind, Log
from protocols.metering.interval import IntervalRecord
from tests.durability.failing_disk import FailingDisk
from tests.durability.vfs import watched
from tests.durability.week import HOUR_MS, WEEK_MS, Trouble, Week, windows
from tests.edge_agent.gateway import config_of, table
from tests.edge_agent.tiny_disk import fill, tiny_disk

DISK_KB = 8 * 1024
QUEUE = 90
SEED = 20261128
MINUTE_MS = 60_000


def _config(directory: Path, disk: Path) -> AgentConfig:
    changed = table()
    changed["gateway"]["state_dir"] = str(disk / "state")
    changed["journal"]["queue_scans"] = QUEUE
    changed["run"][0] |= {"interval_seconds": 300, "stale_seconds": 200}
    config = config_of(directory, changed)
    config.state_dir.mkdir()
    migrate(config.state_dir / FILE_NAME)
    return config


def _full(rng: random.Random, disk: Path, length_ms: int, count: int) -> list[Trouble]:
    """Another program takes all that is free, and gives it back."""

    def free() -> None:
        (disk / "of-another-program").unlink(missing_ok=True)

    def take() -> None:
        free()
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


def live(directory: Path, seed: int, length_ms: int, period_ms: int, kills: int = 0) -> Week:
    """The whole time, on a disk of a few megabytes; `share` of a week's troubles."""
    rng, share = random.Random(seed), length_ms / WEEK_MS
    disk, failing = directory / "disk", FailingDisk(random.Random(seed + 1))
    with tiny_disk(disk, DISK_KB):
        config = _config(directory, disk)
        kills_ms = [rng.randrange(HOUR_MS, int(0.9 * length_ms)) for _ in range(kills)]
        week = Week(config, period_ms, [], kills_ms, Limits(reserve_bytes=256 * 1024))
        week.troubles += _full(rng, disk, length_ms, max(2, round(24 * share)))
        week.troubles += _failing(rng, failing, length_ms, max(2, round(24 * share)))
        week.troubles += _unlinked(rng, week, length_ms, max(1, round(5 * share)))
        week.__post_init__()
        with watched(config.state_dir, failing):
            week.run(length_ms, settle_each=6)
            assert week.journal is not None
            week.journal.close()
    assert week.polls == 3 * (week.clock.mono_ms // period_ms), "a poll was late or left out"
    assert week.longest_queue <= QUEUE
    return week


def losses(week: Week, reason: LossReason) -> list[Loss]:
    told = [
        parse_loss(leaf.body) for leaf in week.central.leaves[Log.BILLING] if leaf.kind is Kind.LOSS
    ]
    return [loss for loss in told if loss.reason is reason]


def billing_is_whole(week: Week) -> None:
    """Every billing leaf is at central, and the intervals account for the index's way."""
    leaves = week.central.leaves[Log.BILLING]
    assert not week.central.holes[Log.BILLING]
    assert [leaf.seq for leaf in leaves] == list(range(len(leaves)))
    records = [IntervalRecord.from_body(leaf.body) for leaf in leaves if leaf.kind is Kind.INTERVAL]
    totals = [record.totals[0] for record in records]
    passed = sum(total.main + total.error + total.quarantined for total in totals)
    assert passed == totals[-1].end - totals[0].start > 0
    for before, after in itertools.pairwise(totals):
        assert before.end == after.start, "an interval is missing"


def evicted_is_told(week: Week) -> set[int]:
    """The holes at central are the ranges that the LOSS leaves name; their seqs."""
    holes = {
        seq for hole in week.central.holes[Log.TELEMETRY] for seq in range(hole.first, hole.end)
    }
    told = {seq for loss in losses(week, LossReason.EVICTED) for seq in range(loss.first, loss.end)}
    assert holes == told
    return holes


def test_a_day_of_a_full_and_failing_disk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Without a kill every dropped scan is accounted for, exactly, and nothing is restarted."""
    week = live(tmp_path, SEED, WEEK_MS // 7, 4 * MINUTE_MS)
    _accounted_exactly(week)
    assert "the journal takes nothing" in caplog.text


def _accounted_exactly(week: Week) -> None:
    assert week.starts == 1
    billing_is_whole(week)
    gone = evicted_is_told(week)
    held = {leaf.seq: leaf for leaf in week.central.leaves[Log.TELEMETRY]}
    assert held.keys() | gone == set(range(len(week.accepted)))
    for seq, leaf in held.items():
        assert (leaf.subject, leaf.boot_no, leaf.mono_ms) == week.accepted[seq]
    dropped = losses(week, LossReason.DROPPED)
    assert sum(loss.count or 0 for loss in dropped) == len(week.refused)
    at = 0
    for loss in dropped:  # in order, each polls that followed each other
        meant = week.refused[at : at + (loss.count or 0)]
        assert (loss.since, loss.until) == (Moment(*meant[0][1:]), Moment(*meant[-1][1:]))
        at += len(meant)
    assert not losses(week, LossReason.UNCLEAN_END)


def _accounted_bounded(week: Week) -> None:
    """Each poll that is not at central lies between the two moments of a LOSS leaf."""
    billing_is_whole(week)
    gone = evicted_is_told(week)
    held = Counter(
        (leaf.subject, leaf.boot_no, leaf.mono_ms) for leaf in week.central.leaves[Log.TELEMETRY]
    )
    assert not held - Counter(week.accepted), "recorded what was never polled, or twice"
    bounds = [
        (loss.since, loss.until)
        for reason in (LossReason.DROPPED, LossReason.UNCLEAN_END)
        for loss in losses(week, reason)
    ]
    missing = [key for key in week.accepted + week.refused if key not in held]
    unbounded = [
        key for key in missing if not any(a and b and a <= Moment(*key[1:]) <= b for a, b in bounds)
    ]
    assert len(unbounded) == len(gone), (len(unbounded), len(gone))  # those left hashes instead
    assert len(losses(week, LossReason.UNCLEAN_END)) <= week.kills


@pytest.mark.long
@pytest.mark.parametrize("seed", range(SEED, SEED + 5))
def test_a_week_of_a_full_and_failing_disk(
    tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A poll a minute, two dozen times full and two dozen times failing, five times no link."""
    week = live(tmp_path, seed, WEEK_MS, MINUTE_MS)
    _accounted_exactly(week)
    _report(capsys, week)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(SEED + 100, SEED + 105))
def test_a_week_with_kills(tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Thirty of them: the hole that each leaves is bounded by boot and time."""
    week = live(tmp_path, seed, WEEK_MS, MINUTE_MS, kills=30)
    _accounted_bounded(week)
    assert week.kills == 30
    _report(capsys, week)


def _report(capsys: pytest.CaptureFixture[str], week: Week) -> None:
    told = Counter(loss.reason.value for reason in LossReason for loss in losses(week, reason))
    with capsys.disabled():
        print(
            f"\n{week.polls} polls, {len(week.refused)} refused, {week.failed_tries} failed tries, "
            f"{week.failed_reads} failed reads, {week.kills} kills, {week.starts} starts, "
            f"{len(evicted_is_told(week))} leaves evicted, LOSS {dict(told)}"
        )
