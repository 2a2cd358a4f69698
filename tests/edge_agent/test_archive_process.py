"""A whole agent on a serial line, killed: the device's archive tells what it missed, once."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

from central.ledger.archives import gap_archives
from central.ledger.queries import alarms, law
from central.registry import add_gateway
from edge_agent.journal.journal import FILE_NAME
from edge_agent.keys.keys import create_keys, load_keys
from protocols.evidence.leaf import Kind, Leaf, Log, Origin, decode_leaf
from protocols.evidence.merkle import EMPTY
from protocols.evidence.upload import encode_upload, seal
from protocols.registers.archive_record import ArchiveRecord, decode_words
from protocols.registers.register_map import RegisterMap
from simulators.serve import Place, ServeOptions, open_device
from tests.central.conftest import Central
from tests.edge_agent.gateway import GATEWAY, TOML, wait_until, write_ca
from tests.edge_agent.ledger_law import Found, passed_counts, read_journal
from tests.edge_agent.test_agent import agent

TIMEOUT_S = 40.0
PROFILE = """
format = 1
id = "second-log"
vendor = "tests"
model = "a meter with a log of each second"
kind = "gas meter"
confidence = "high"
default_points = ["vm", "temperature"]
points = [
    { name = "vm", address = 0, type = "u32", unit = "m3", kind = "counter" },
    { name = "temperature", address = 2, type = "f32", unit = "°C" },
    { name = "time", address = 4, type = "u32", kind = "clock" },
    { name = "newest", address = 6, type = "u16", kind = "status" },
]
clock = { format = "epoch", points = ["time"], zone = "utc" }
sources = [{ title = "this test" }]

[point_defaults]
function = 3

[[archives]]
name = "seconds"
method = "enron"
address = 701
period_seconds = 1
newest_point = "newest"
capacity = 48
clock = { format = "epoch", points = ["time"], zone = "utc" }
fields = [
    { name = "time", type = "u32", kind = "clock" },
    { name = "vm", type = "u32", unit = "m3", kind = "counter" },
]
"""


BESIDE = 2  # counts: one passes a second, and a record is told to the second


def write_config(directory: Path, pty: Path) -> Path:
    """One meter on a serial line; its T alone converts."""
    head, _, _ = TOML.partition("[[bus]]")
    head = head.replace("batch_seconds = 300", "batch_seconds = 300\ndrain_seconds = 0")
    rest = f"""
[[bus]]
name = "line"
type = "rtu"
port = "{pty}"
baud = 115200
timeout_s = 0.3
[[device]]
name = "meter"
bus = "line"
unit = 1
profile = "second-log.toml"
serial = "M1"
poll_seconds = 0.2
[[run]]
id = "R1"
meter = "meter"
qmax_m3_h = 100000.0
index_digits = 9
totals = {{ line = "vm" }}
line_resolution_m3 = "1"
base_resolution_m3 = "1"
interval_seconds = 1
stale_seconds = 2
conversion = {{ method = "T", k = 1.0 }}
base = {{ temperature_c = 20.0, pressure_kpa = 101.325 }}
pressure = {{ fixed_kpa_abs = 105.0 }}
temperature = {{ device = "meter", point = "temperature", substitute_c = 15.0, low_c = -40.0, high_c = 80.0 }}
"""  # noqa: E501  # TOML tables in one line
    write_ca(directory)
    (directory / "second-log.toml").write_text(PROFILE, encoding="utf-8")
    path = directory / "gateway.toml"
    path.write_text(head + rest, encoding="utf-8")
    create_keys(directory / "state", GATEWAY, os.urandom)
    return path


def rows(journal: Path, table: str) -> list[Leaf]:
    """What another process has committed by now."""
    try:
        with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as connection:
            found = connection.execute(f"SELECT leaf FROM {table}").fetchall()
    except sqlite3.OperationalError:
        return []  # not made yet
    return [decode_leaf(leaf) for (leaf,) in found]


def records(found: Found) -> list[ArchiveRecord]:
    return [ArchiveRecord.from_body(leaf.body) for leaf in found.of(Kind.ARCHIVE)]


def live_and_die(path: Path, journal: Path) -> None:
    """Polls, is killed, and stays away for some of the device's records."""
    before = len(rows(journal, "telemetry"))
    with agent(path) as child:
        assert wait_until(lambda: len(rows(journal, "telemetry")) > before + 3, TIMEOUT_S)
        child.kill()
    died_s = int(time.time())  # the device's clock, too
    assert wait_until(lambda: time.time() > died_s + 5, TIMEOUT_S)


def test_killed_twice_and_nothing_is_missing(tmp_path: Path) -> None:
    """The records of each second it was dead, and of none twice; the volume is the index's own."""
    stop = threading.Event()
    pty = tmp_path / "line"
    path = write_config(tmp_path, pty)
    options = ServeOptions(str(tmp_path / "second-log.toml"))
    bus = open_device(options, Place(pty=pty, baud=115_200), stop)
    bus.start()
    journal = tmp_path / "state" / FILE_NAME

    def filled() -> int:
        return sum(leaf.body[:1] == ("archive_read",) for leaf in rows(journal, "billing"))

    try:
        for _ in range(2):
            live_and_die(path, journal)
        with agent(path) as child:
            assert wait_until(lambda: filled() >= 2, TIMEOUT_S)
            child.send_signal(signal.SIGTERM)
            _, told = child.communicate(timeout=TIMEOUT_S)
        assert child.returncode == 0, told
    finally:
        stop.set()
        bus.join(5.0)
    found = read_journal(journal)
    kept = records(found)
    times = [record.device_s for record in kept]
    assert len(set(times)) == len(times) >= 4
    assert {record.gap.seq for record in kept} == {
        leaf.seq for leaf in found.of(Kind.EVENT) if leaf.body[0] == "gap"
    }
    for first, second in pairwise(kept):
        if first.gap == second.gap:
            assert second.device_s == first.device_s + 1
    [map_] = [
        RegisterMap.from_body(leaf.body) for leaf in found.of(Kind.REGISTER_MAP)
        if leaf.reference == found.of(Kind.ARCHIVE)[0].reference
    ]  # fmt: skip
    indexes = [decode_words(map_, record.words)["vm"].number for record in kept]
    assert indexes == sorted(indexes)  # type: ignore[type-var]
    gaps = [leaf.body for leaf in found.of(Kind.EVENT) if leaf.body[0] == "gap"]
    low, high = gaps[0][1] - BESIDE, gaps[-1][2] + BESIDE  # type: ignore[operator]
    assert low <= indexes[0] <= indexes[-1] <= high  # type: ignore[operator]
    totals = [record.totals[0] for record in found.intervals()]
    assert passed_counts(found) == totals[-1].end - totals[0].start
    central_agrees(tmp_path, found)


def central_agrees(directory: Path, found: Found) -> None:
    """Central takes the logs without an alarm; the meter's own indexes add up to both gaps."""
    keys = load_keys(directory / "state")
    central = Central(directory / "store")
    add_gateway(central.store, GATEWAY, keys.signer.vkey, lambda: central.now_ms)
    for log in Log:
        leaves = found.leaves[log]
        sealed = seal(Origin(GATEWAY, log, 0), EMPTY, leaves, keys.salt_secret, keys.signer)
        assert central.intake.receive(encode_upload(sealed.upload)).status == 200
    central.catch_up()
    gaps = central.ask(gap_archives, GATEWAY, "R1")
    assert [gap.verdict for gap in gaps] == ["adds_up"] * len(gaps)
    assert sum(len(gap.records) for gap in gaps) == len(found.of(Kind.ARCHIVE))
    assert central.ask(alarms) == []
    assert all(row.holds for row in central.ask(law))
    central.close()
