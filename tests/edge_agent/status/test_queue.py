"""What waits, for what, and for how long."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.journal.newest import NewestReader, Sealed
from edge_agent.language import load_words
from edge_agent.status.queue import (
    LogQueue,
    Queue,
    forecast,
    is_good,
    lines,
    rate_of,
    read_queue,
    to_json,
    waits,
)
from edge_agent.status.words_of_time import local_of
from protocols.evidence.leaf import Log
from tests.edge_agent.gateway import GATEWAY, KEYS, wait_until
from tests.edge_agent.status.snapshots import UTC_MS, journal, site, uplink
from tests.edge_agent.tls_central import TlsCentral, serving
from tests.edge_agent.uplink_rig import start

NOTHING = dict.fromkeys(Log, 0)
SOME = {Log.BILLING: 3, Log.TELEMETRY: 400}
MANY = {Log.BILLING: 3, Log.TELEMETRY: 40_000}


@pytest.mark.parametrize(
    ("agent", "unsent", "waits_for"),
    [
        (None, SOME, "start"),
        (replace(site(), journal=journal(failing="disk full")), SOME, "stored"),
        (replace(site(), uplink=uplink(state="failing")), NOTHING, "nothing"),
        (replace(site(), uplink=uplink(state="failing")), SOME, "central"),
        (replace(site(), uplink=uplink(state="standstill")), SOME, "key"),
        (replace(site(), uplink=uplink(state="window")), SOME, "window"),
        (site(), SOME, "batch"),
        (site(), MANY, "backlog"),
    ],
)
def test_the_first_that_stands_in_the_way(agent, unsent, waits_for) -> None:  # type: ignore[no-untyped-def]
    """Nobody waits for the link while the disk takes nothing."""
    assert waits(agent, unsent) == waits_for


@pytest.mark.parametrize(
    ("batches", "rate"),
    [
        ([], None),
        ([(100, 50)], None),
        ([(100, 50), (100, 55)], None),
        ([(4096, 100), (4096, 120), (4096, 140)], 204.8),
        ([(300, 700), (300, 100), (300, 400)], 1.0),
    ],
)
def test_a_rate_is_what_came_after_the_first(batches, rate) -> None:  # type: ignore[no-untyped-def]
    """In any order; too short a time tells none."""
    assert rate_of(batches) == rate


def test_a_forecast_is_for_a_backlog_only() -> None:
    """Of what waits for central nobody knows the end."""
    assert forecast("nothing", 0, None) == 0
    assert forecast("backlog", 40_960, 204.8) == 200
    assert forecast("backlog", 40_960, None) is None
    assert forecast("central", 40_960, 204.8) is None


def test_out_of_a_journal(tmp_path: Path) -> None:
    """Beside its recorder, and after it."""
    with serving(tmp_path, TlsCentral(KEYS.signer.verifier)) as central:
        rig = start(tmp_path, central)
        try:
            rig.record(10)
            assert wait_until(lambda: rig.receipted(Log.TELEMETRY) == 30)
            assert wait_until(lambda: rig.uplink.exchange.pending() == 0)
            central.faults.extend([lambda request, *_: request.send(503, b"")] * 1000)
            rig.record(10)
        finally:
            rig.close()
        reader = NewestReader(rig.journal.path, GATEWAY)
        found = read_queue(reader, None)
        reader.close()
    scans = found.logs[Log.TELEMETRY]
    assert (scans.unsent, scans.kinds) == (30, {"scan": 30})
    assert scans.oldest_ms is not None
    assert scans.sealed is not None
    billing = found.logs[Log.BILLING]
    assert sum(billing.kinds.values()) == billing.unsent
    assert billing.kinds["interval"] >= 1
    assert (found.waits_for, found.scans) == ("start", None)
    assert not is_good(found)


QUEUE = Queue(
    {
        Log.BILLING: LogQueue(3, UTC_MS - 60_000, {"interval": 2, "event": 1}, None),
        Log.TELEMETRY: LogQueue(40_000, UTC_MS, {"scan": 40_000}, Sealed(7, 90_000, 1, 2)),
    },
    204.8, "backlog", 195, 5, 1000, 0,
)  # fmt: skip


def test_json_has_its_keys() -> None:
    """Schema 1."""
    body = to_json(QUEUE)
    assert body.keys() == {
        "schema", "logs", "leaves_per_s", "waits_for", "forecast_s", "memory", "failure",
    }  # fmt: skip
    assert body["logs"]["billing"] == {
        "unsent": 3, "oldest_ms": UTC_MS - 60_000, "kinds": {"interval": 2, "event": 1},
        "sealed_batches": 0, "sealed_bytes": 0, "oldest_receipt_s": None, "newest_receipt_s": None,
    }  # fmt: skip
    assert body["memory"] == {"scans": 5, "places": 1000, "dropped": 0}
    assert to_json(QUEUE._replace(scans=None))["memory"] is None
    assert is_good(QUEUE)
    assert not is_good(QUEUE._replace(dropped=1))


@pytest.mark.parametrize("chinese", [False, True])
def test_in_words(chinese: bool) -> None:
    """What stands in the way comes first."""
    words = load_words("edge_agent.status", chinese=chinese)
    queue = QUEUE._replace(failure="no route", dropped=7)
    told = lines(queue, words, UTC_MS, local_of("UTC"))
    assert told[0][1] == words("queue.waits.backlog")
    text = "\n".join(line for _, line in told)
    for part in ("no route", "60", "40000", "204.8", "1000", "7"):
        assert part in text
