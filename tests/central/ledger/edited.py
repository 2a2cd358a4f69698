"""Central with edits, for the tests of all that makes, keeps and reads them."""

import pytest
from sqlalchemy import select

from central.ledger import queries
from central.ledger.correction import read_correction
from central.ledger.edit_plan import Entry, Range, Signed, Which, plan_entry, plan_recalculation
from central.ledger.edits import (
    append_edits,
)
from protocols.evidence.leaf import Log
from tests.central.conftest import Central, two_runs

SIGNED = Signed("Li Wei", "lab report 17", 1_790_000_000_000, b"\3" * 32)


def rows_of(central, tables):
    with central.store.engine.connect() as conn:
        return {
            table.name: conn.execute(select(table).order_by(*table.primary_key)).all()
            for table in tables
        }


def recalculated(central, run, *sets, as_recorded=False, signed=SIGNED):
    """Every interval of a run under a corrected configuration, booked."""
    with central.store.engine.connect() as conn:
        last_ms = max(row.end_utc_ms for row in queries.intervals(conn, "gw-1", run))
    asked = Range("gw-1", run, 0, last_ms)
    plan = plan_recalculation(
        central.store, asked, read_correction(list(sets), None), signed, as_recorded=as_recorded
    )
    with central.store.writer.begin() as conn:
        append_edits(conn, plan.edits)
    return plan


def entered(central, run, seq, rule="", **figures):
    """One interval by given figures, booked."""
    with central.store.writer.begin() as conn:
        which = Which("gw-1", run, None, seq, None)
        plan = plan_entry(conn, which, Entry(figures, rule), SIGNED)
        append_edits(conn, plan.edits)
    return plan


def tell(central):
    gateway = two_runs()
    central.register(gateway)
    for log in (Log.TELEMETRY, Log.BILLING):
        central.send(gateway, log)
    central.catch_up()


@pytest.fixture
def told(tmp_path):
    """Central with two runs' intervals, recomputed."""
    central = Central(tmp_path / "store", tell)
    yield central
    central.close()


@pytest.fixture
def edited(told):
    """Seven edits: R1 recalculated, one of them again by hand; one of R2 estimated."""
    recalculated(told, "R1", "k_e9=970000000")
    first = told.ask(queries.intervals, "gw-1", "R1")[0]
    entered(told, "R1", first.seq, base_main_cm3=7)
    last = told.ask(queries.intervals, "gw-1", "R2")[-1]
    entered(told, "R2", last.seq, rule="mean of the neighbours", line_main_cm3=1, line_error_cm3=2)
    return told
