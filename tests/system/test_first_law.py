"""The first law under kills, with real processes: the short form here, the long one marked."""

import random
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from central.ledger.law import law
from central.store.database import open_store
from tests.system.rig import START_S, Rig
from tests.system.taken import Scans, way_of

SEED = 20261122
RUNS = "leaves: billing"  # what the agent says when it has started


class Blows(NamedTuple):
    """How often each is hit: killed, or the link cut."""

    agent: int
    central: int
    link: int

    def shuffled(self, rng: random.Random) -> list[str]:
        events = ["agent"] * self.agent + ["central"] * self.central + ["link"] * self.link
        rng.shuffle(events)
        return events


def _torment(rig: Rig, rng: random.Random, events: list[str]) -> None:
    """Each event at a random moment: in the start, in a commit, in an upload, in a quiet time.

    On a slow machine a start takes longer than any pause: one in three waits for it first, else
    there would be nothing but starts to be killed.
    """
    pause = threading.Event()
    for number, event in enumerate(events):
        if number % 3 == 0:
            rig.wait("the agent's start", partial(rig.has_said, "agent", RUNS), within_s=300.0)
        pause.wait(rng.choice((rng.uniform(0.05, 1.0), rng.uniform(1.0, 4.0))))
        match event:
            case "agent":
                rig.kill("agent")
                rig.start("agent")
            case "central":
                rig.kill("central")
                pause.wait(rng.uniform(0.0, 1.5))
                rig.start("central")
            case "link":
                rig.link.cut(after_bytes=rng.choice((0, rng.randrange(1, 6000))))
                pause.wait(rng.uniform(0.3, 2.5))
                rig.link.mend()


def check(rig: Rig, agent_kills: int) -> int:
    """Central's books against the plant's; the starts of the agent that central was told of."""
    for name in ("central", "plant"):
        rig.stop(name)
    books = rig.books()["runs"]  # of the end: while the plant runs, the file is a second old
    store = open_store(rig.store)
    try:
        with store.engine.connect() as conn:
            rows = law(conn)
    finally:
        store.close()
    assert {row.run for row in rows} == set(books)
    assert all(row.holds for row in rows), [row for row in rows if not row.holds]
    assert {row.segment for row in rows} == {0}, "no index was reset, so no segment was opened"
    scans, stopped_utc_ms = Scans(rig.journal), rig.stopped_utc_ms
    assert stopped_utc_ms is not None, "the agent was never stopped"
    for run, book in books.items():
        for point, total in book["totals"].items():
            taken = list(scans.indexes(book["meter_serial"], point))
            (row,) = [row for row in rows if (row.run, row.point) == (run, point)]
            assert (row.index_start, row.index_end) == (taken[0], taken[-1]), (run, point)
            way = way_of(total, taken)
            assert row.moved_counts == way.advance_counts, (run, point)
            assert way.is_explained(stopped_utc_ms, rig.in_flight_ms), (run, point, way)
            assert way.advance_counts > 1000, "a run that hardly moves proves nothing"
    starts = _check_sequences(rig, agent_kills)
    before = list(_ledger(rig))
    rig.command("edge-central", "rebuild", "--store", "store")
    assert list(_ledger(rig)) == before
    return starts


def _check_sequences(rig: Rig, agent_kills: int) -> int:
    """Every log at central is the gateway's own, whole, without a gap and with nothing twice.

    The starts of the agent that it tells of.
    """
    with sqlite3.connect(rig.store / "central.sqlite3") as central:
        heads = dict(central.execute("SELECT log, size FROM head").fetchall())
        for log, size in heads.items():
            at = 0
            query = "SELECT first, size FROM batch WHERE log = ? ORDER BY first"
            for first, end in central.execute(query, (log,)):
                assert first == at, f"{log}: a gap or an overlap at {at}"
                at = end
            assert at == size
        query = "SELECT count(*) FROM event WHERE code = 'agent_started'"
        starts: int = central.execute(query).fetchone()[0]
        assert 2 <= starts <= agent_kills + 1
        assert central.execute("SELECT count(*) FROM alarm").fetchone() == (0,)
        assert central.execute("SELECT DISTINCT recompute FROM interval").fetchall() == [
            ("agrees",)
        ]
    central.close()
    with sqlite3.connect(rig.journal) as journal:
        own = journal.execute("SELECT log, size, receipted_size FROM log").fetchall()
        assert {log: size for log, size, _ in own} == heads
        assert all(size == receipted for _, size, receipted in own)
    journal.close()
    return starts


def _ledger(rig: Rig) -> Iterator[tuple[object, ...]]:
    with sqlite3.connect(rig.store / "central.sqlite3") as central:
        for table in ("interval", "interval_total", "event", "configuration", "meter_run"):
            yield from sorted(central.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
    central.close()


def stop_agent(rig: Rig, within_s: float = START_S) -> int:
    """In order, and over again while it could not send everything in its time; how often again."""
    for again in range(10):
        rig.stop("agent")
        if _all_receipted(rig):
            return again
        assert rig.has_said("agent", "no receipt yet"), "leaves were left unsent, and not told"
        rig.start("agent")
        rig.wait("the agent", lambda: rig.has_said("agent", RUNS), within_s)
    raise AssertionError(f"ten times not everything was sent:\n{rig.log('agent')}")


def _all_receipted(rig: Rig) -> bool:
    """By the journal itself, whatever the agent said at its end."""
    with sqlite3.connect(rig.journal) as journal:
        sizes = journal.execute("SELECT size, receipted_size FROM log").fetchall()
    journal.close()
    return all(size == receipted for size, receipted in sizes)


def _run(directory: Path, blows: Blows, seed: int = SEED) -> int:
    """One rig through all blows; the starts of the agent that came as far as the log."""
    rng = random.Random(seed)
    events = blows.shuffled(rng)
    with Rig(directory) as rig:
        rig.wait("the first intervals", lambda: (rig.summary() or {}).get("intervals", 0) >= 3)
        _torment(rig, rng, events)
        rig.wait("the agent's last start", lambda: rig.has_said("agent", RUNS))
        before = (rig.summary() or {}).get("intervals", 0)
        rig.wait(
            "intervals after the last blow",
            lambda: (rig.summary() or {}).get("intervals", 0) >= before + 3,
            within_s=300.0,  # central follows a backlog
        )
        restarts = stop_agent(rig)
        rig.wait("central's ledger", rig.has_followed, within_s=300.0)
        (gateway,) = rig.get("/api/gateways")["gateways"]
        assert (gateway["unsent_billing"], gateway["unsent_telemetry"]) == (0, 0)
        return check(rig, blows.agent + restarts)


def test_first_law_short(tmp_path: Path) -> None:
    """Six kills of the agent, two of central and two cut links lose nothing and double nothing."""
    _run(tmp_path, Blows(agent=6, central=2, link=2))


@pytest.mark.long
def test_first_law_long(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A thousand kills, of four agents and four centrals side by side, and eighty cut links."""
    blows = Blows(agent=210, central=40, link=20)
    directories = [tmp_path / f"rig-{number}" for number in range(4)]
    for directory in directories:
        directory.mkdir()
    with ThreadPoolExecutor(len(directories)) as rigs:
        seeds = range(SEED, SEED + len(directories))
        starts = list(rigs.map(_run, directories, [blows] * len(directories), seeds))
    with capsys.disabled():
        print(f"\n{len(starts)} x {blows}; starts of the agent in the logs: {starts}")
