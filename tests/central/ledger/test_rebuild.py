"""The ledger is a function of the logs: whatever came when, and however often it is derived."""

import random

import pytest
from sqlalchemy import select

from central.ledger.rebuild import rebuild
from central.store.gap_tables import GAP_TABLES
from central.store.ledger_tables import LEDGER_TABLES
from protocols.evidence.leaf import Kind, Log
from tests.central.ledger.archive_leaves import gap_of, record_of, tell_map, tell_record

BILLING, TELEMETRY = Log.BILLING, Log.TELEMETRY


def rows_of(central, leave_out=()):
    """Every row of every ledger table, in the order of its primary key."""
    found = {}
    with central.store.engine.connect() as conn:
        for table in LEDGER_TABLES:
            columns = [column for column in table.c if column.name not in leave_out]
            found[table.name] = conn.execute(select(*columns).order_by(*table.primary_key)).all()
    return found


@pytest.fixture
def lying(made):
    """Two runs with lies, a gap, a jump, a reset, nonsense and events."""

    class Lying(made.Gateway):
        def told(self, record):
            self.records = getattr(self, "records", 0) + 1
            if self.records == 5:
                return record.__class__(
                    **{
                        **{name: getattr(record, name) for name in record.__slots__},
                        "base_main_cm3": record.base_main_cm3 + 1,
                    }
                )
            return record

    gateway = Lying().configure(made.config("R1"), made.config("R2", method="PT"))
    for _ in range(9):
        gateway.poll()
    gateway.add(Kind.EVENT, "R1", bytes(32), ("too", "few"))
    gateway.add(Kind.CLOCK, "", bytes(32), (1, 2, "step"))
    gateway.add(
        Kind.STATEMENT, "R1", bytes(32), ("compared", "Li", "why", (("verdict", "outside"),))
    )
    gateway.add(Kind.STATEMENT, "R1", bytes(32), ("compared", "Li", "why", "nonsense"))
    gateway.poll(step_ms=60_000, counts=700)
    tell_map(gateway)
    gap = gap_of(gateway)
    tell_record(gateway, record_of(gap, gap.end_utc_ms // 1000 * 1000, 0.5))
    gateway.index["R1"][0] += 5_000_000
    gateway.poll()
    gateway.index["R2"][0] = 17
    for _ in range(6):
        gateway.poll()
    return gateway.stop()


def test_rebuild_gives_the_same_rows(central, lying):
    """Every row of every table is the same after a rebuild, alarms too."""
    central.register(lying)
    choice = random.Random(3)
    for _ in range(12):
        log = choice.choice([BILLING, TELEMETRY])
        upto = choice.randint(0, len(lying.leaves[log]))
        central.send(lying, log, size=upto, cut=13)
        if choice.random() < 0.5:
            central.catch_up()
    for log in (TELEMETRY, BILLING):
        central.send(lying, log)
    central.catch_up()
    before = rows_of(central)
    gaps = {table.name for table in GAP_TABLES}
    assert all(rows for name, rows in before.items() if name not in gaps)
    assert {row.recompute for row in before["interval"]} == {"agrees", "differs"}
    heard = []
    done = rebuild(central.store, heard.append)
    assert rows_of(central) == before
    assert heard == sorted(heard)
    assert heard[-1] >= len(before["interval"])
    assert done.intervals == len(before["interval"])
    assert done.leaves == sum(len(leaves) for leaves in lying.leaves.values())


def test_the_order_of_arrival_changes_nothing(made, lying, tmp_path):
    """Telemetry before billing, billing before telemetry, in other cuts: the same ledger."""
    outcomes = []
    for number, (order, cut) in enumerate(
        [((BILLING, TELEMETRY), 7), ((TELEMETRY, BILLING), None)]
    ):
        central = made.Central(tmp_path / str(number))
        central.register(lying)
        for log in order:
            central.send(lying, log, cut=cut)
            central.catch_up()
        outcomes.append(rows_of(central, leave_out=("received_ms", "at_ms", "latest_start_ms")))
        central.close()
    assert outcomes[0] == outcomes[1]
