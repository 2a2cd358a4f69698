"""Leaves from the newest back, beside a recorder at work and out of sealed batches."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from edge_agent.journal.newest import NewestReader
from edge_agent.journal.reader import ReadFailed
from protocols.evidence.leaf import Leaf, Log
from tests.edge_agent.gateway import GATEWAY, KEYS, wait_until
from tests.edge_agent.tls_central import TIME_S, TlsCentral, serving
from tests.edge_agent.uplink_rig import start


def all_of(reader: NewestReader, log: Log, receipted_s: int = 0) -> list[Leaf]:
    with closing(reader.leaves(log, receipted_s)) as leaves:
        return list(leaves)


def test_rows_and_batches_make_one_log_backwards(tmp_path: Path) -> None:
    """Whatever of it has its receipt by now."""
    with serving(tmp_path, TlsCentral(KEYS.signer.verifier)) as central:
        rig = start(tmp_path, central)
        try:
            rig.record(30)
            assert wait_until(lambda: rig.receipted(Log.TELEMETRY) == 90)
            central.faults.extend([lambda request, *_: request.send(503, b"")] * 100)
            rig.record(200)
            reader = NewestReader(rig.journal.path, GATEWAY)
            found = all_of(reader, Log.TELEMETRY)
            assert [leaf.seq for leaf in found] == list(range(689, -1, -1))
            billing = all_of(reader, Log.BILLING)
            assert [leaf.seq for leaf in billing] == list(range(len(billing) - 1, -1, -1))
            with closing(reader.leaves(Log.TELEMETRY)) as leaves:
                assert [leaf.seq for leaf in islice(leaves, 3)] == [689, 688, 687]
            late = all_of(reader, Log.TELEMETRY, TIME_S + 10**6)
            assert [leaf.seq for leaf in late] == list(range(689, 89, -1))
            sealed = reader.sealed()[Log.TELEMETRY]
            assert sealed.batches >= 1
            assert sealed.bytes > 0
            assert TIME_S <= sealed.oldest_s <= sealed.newest_s
            oldest = reader.oldest_row(Log.TELEMETRY)
            assert oldest is not None
            assert oldest.seq == 90
            reader.close()
        finally:
            rig.close()


def test_a_damaged_row_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And named in the program's log."""
    with serving(tmp_path, TlsCentral(KEYS.signer.verifier)) as central:
        central.faults.extend([lambda request, *_: request.send(503, b"")] * 1000)
        rig = start(tmp_path, central)
        rig.record(3)
        rig.close()
    reader = NewestReader(rig.journal.path, GATEWAY)
    reader.close()
    with closing(sqlite3.connect(rig.journal.path)) as connection, connection:
        connection.execute("UPDATE telemetry SET leaf = x'00' WHERE seq = 7")
    reader = NewestReader(rig.journal.path, GATEWAY)
    assert [leaf.seq for leaf in all_of(reader, Log.TELEMETRY)] == [8, 6, 5, 4, 3, 2, 1, 0]
    assert "row 7 of telemetry is damaged" in caplog.text
    assert reader.oldest_row(Log.TELEMETRY) is not None
    reader.close()


def test_no_journal_is_told(tmp_path: Path) -> None:
    """As any reader does."""
    with pytest.raises(ReadFailed, match="not readable"):
        NewestReader(tmp_path / "journal.db", GATEWAY)
