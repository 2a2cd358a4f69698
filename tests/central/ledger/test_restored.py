"""Central restored from an older backup: the ledger over what comes again, or no longer can."""

import pytest
from sqlalchemy import select

from central.ledger.queries import alarms, intervals, law
from central.ledger.rebuild import rebuild
from central.store.database import DATABASE_NAME
from central.store.gap_tables import lost_range
from central.store.log_tables import head
from protocols.evidence.adopt import Adoption, encode_adoption
from protocols.evidence.upload import decode_upload
from tests.central.ledger.test_rebuild import rows_of
from tests.central.ledger.torn import BILLING, TELEMETRY, polled, settled

OF_CENTRALS_CLOCK = ("received_ms", "at_ms", "latest_start_ms")


@pytest.fixture
def one(made):
    return polled(made.Gateway().configure(made.config()), 20).stop()


@pytest.fixture
def backup(made, one, tmp_path):
    """A central that has a part of both logs, copied; the copy is opened by who asks for it."""
    central = made.Central(tmp_path / "whole")
    central.register(one)
    central.send(one, BILLING, size=8, cut=4)
    central.send(one, TELEMETRY, size=20, cut=10)
    central.catch_up()
    central.store.close()
    (tmp_path / "copy").mkdir()
    for path in (tmp_path / "whole").iterdir():
        (tmp_path / "copy" / path.name).write_bytes(path.read_bytes())
    whole = made.Central(tmp_path / "whole")
    whole.now_ms += 100_000
    settled_later(whole, one)
    restored = made.Central(tmp_path / "copy")
    restored.now_ms += 900_000
    assert (tmp_path / "copy" / DATABASE_NAME).exists()
    yield whole, restored
    whole.close()
    restored.close()


def settled_later(central, gateway, cut=None):
    for log in (BILLING, TELEMETRY):
        central.send(gateway, log, cut=cut)
    central.catch_up()


def test_what_comes_again_gives_the_same_rows(backup, one):
    """All but central's own instants, however the batches are cut this time."""
    whole, restored = backup
    settled_later(restored, one, cut=7)
    assert rows_of(restored, OF_CENTRALS_CLOCK) == rows_of(whole, OF_CENTRALS_CLOCK)
    assert restored.ask(alarms) == []


@pytest.mark.parametrize("log", [BILLING, TELEMETRY])
def test_what_no_longer_comes_is_a_hole_that_is_followed(backup, one, log):
    """The end is adopted: scans are lost, or records told with what moved; what follows goes on."""
    whole, restored = backup
    first = 8 if log is BILLING else 20
    with whole.store.engine.connect() as conn:
        receipts = conn.execute(
            select(head.c.size, head.c.receipt).where(head.c.log == log.value)
        ).one()
    assert receipts.size == len(one.leaves[log])
    polled(one, 6).stop()  # the box went on meanwhile
    checkpoint = decode_upload(one.upload(log, first, receipts.size)).checkpoint
    adoption = Adoption(
        one.origin(log), one.frontier(log, receipts.size), checkpoint, receipts.receipt
    )
    answer = restored.intake.adopt(encode_adoption(adoption))
    assert answer.status == 200, answer
    settled(restored, one)
    with restored.store.engine.connect() as conn:
        [row] = conn.execute(select(lost_range)).all()
    assert (row.log, row.first, row.end, row.why) == (
        log.value, first, receipts.size, "lost-at-central",
    )  # fmt: skip
    states = [row.recompute for row in restored.ask(intervals, "gw-1", "R1")]
    assert "pending" not in states
    assert states[0] == states[-1] == "agrees"
    line = next(row for row in restored.ask(law) if row.point == "vm")
    assert (line.unbooked_counts > 0) is (log is BILLING)
    assert line.moved_counts == line.index_end - line.index_start
    codes = {row.code for row in restored.ask(alarms)}
    assert "lost-at-central" in codes
    assert ("records-lost" in codes) is (log is BILLING)
    before = rows_of(restored)
    rebuild(restored.store)
    assert rows_of(restored) == before
