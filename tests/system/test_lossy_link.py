"""A link that loses, doubles, reorders, cuts, delays, resets: the logs are the same at the end."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocols.evidence.leaf import Log
from tests.edge_agent.ledger_law import read_journal
from tests.system.lossy import Link, Simulation

HOUR_S = 3600
DAY_S = 24 * HOUR_S
MONTH_S = 30 * DAY_S
MEMORY = Path("/dev/shm")  # a month is some 100,000 commits, and none of them is cut here


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """In memory, where there is such a place."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)


def lossy(directory: Path, duration_s: int, odds: float, batch_s: float) -> tuple[Link, float]:
    """A tenth of each day the link is down; at the end all of it is compared and told.

    The link, and its bytes a value.
    """
    simulation = Simulation(directory, 7, odds, batch_s)
    for begin_s in range(0, duration_s, DAY_S):
        left_s = min(DAY_S, duration_s - begin_s)
        simulation.link.is_down = odds > 0
        simulation.run(left_s // 10)
        simulation.link.is_down = False
        simulation.run(left_s - left_s // 10)
    simulation.settle()
    link = simulation.link
    found = {log: simulation.leaves(log) for log in Log}
    simulation.close()
    journal = read_journal(simulation.journal.path)
    for log in Log:
        assert found[log] == journal.leaves[log]
        assert journal.receipted[log] == journal.sizes[log] == len(found[log])
    a_value = link.bytes_used / sum(len(leaf.body) for leaf in found[Log.TELEMETRY])
    print(
        f"{duration_s / DAY_S:g} days, odds {odds}, batches of {batch_s:g} s: "
        f"{len(found[Log.TELEMETRY])} scans, {len(found[Log.BILLING])} billing leaves, "
        f"{a_value:.2f} bytes a value; "
        f"{dict(sorted(link.seen.items()))}, statuses {dict(sorted(link.statuses.items()))}"
    )
    return link, a_value


def test_hours_on_a_lossy_link(directory: Path) -> None:
    """A third of all requests goes wrong; the logs are identical, each fault was met."""
    link, _ = lossy(directory / "lossy", 4 * HOUR_S, 0.35, 300.0)
    assert set(Link.FAULTS) <= set(link.seen)
    assert {200, 400, 409} <= set(link.statuses)


@pytest.mark.long
def test_a_month_on_a_lossy_link(directory: Path) -> None:
    """A poll each minute, hourly batches; against the bytes of a link that loses nothing."""
    _, bad = lossy(directory / "lossy", MONTH_S, 0.35, 3600.0)
    _, good = lossy(directory / "good", 2 * DAY_S, 0.0, 3600.0)
    assert bad < 2.5 * good
