"""Running sums: always what adding up every interval would give."""

from dataclasses import replace

from sqlalchemy import select

from central.ledger.bodies import interval_of
from central.ledger.run_sums import RunSum, add_interval, run_sums, sum_of
from central.store.ledger_tables import interval
from protocols.evidence.leaf import Log, decode_leaf

BILLING, TELEMETRY = Log.BILLING, Log.TELEMETRY


def added_up(central):
    """The same figures the slow way, from the interval rows."""
    sums = {}
    with central.store.engine.connect() as conn:
        for row in conn.execute(select(interval).order_by(interval.c.epoch, interval.c.seq)):
            key = (row.gateway, row.run)
            old = sums.get(key, RunSum())
            sums[key] = RunSum(
                old.intervals + 1,
                old.pending + (row.recompute == "pending"),
                old.differs + (row.recompute == "differs"),
                old.lost + (row.recompute == "lost"),
                old.line_main_cm3 + row.line_main_cm3,
                old.line_error_cm3 + row.line_error_cm3,
                old.line_reverse_cm3 + row.line_reverse_cm3,
                old.base_main_cm3 + row.base_main_cm3,
                old.base_error_cm3 + row.base_error_cm3,
                row.epoch,
                row.end_utc_ms,
                row.flags,
            )
    return sums


def held(central):
    with central.store.engine.connect() as conn:
        return run_sums(conn)


def test_they_equal_the_rows_at_every_stage(central, made):
    """Billing first, so that intervals are pending; then their telemetry, one of them a lie."""

    class Liar(made.Gateway):
        def told(self, record):
            self.records = getattr(self, "records", 0) + 1
            lie = 1 if self.records == 3 else 0
            return replace(record, base_main_cm3=record.base_main_cm3 + lie)

    gateway = Liar().configure(made.config("R1"), made.config("R2", method="PT"))
    for _ in range(20):
        gateway.poll()
    gateway.stop()
    central.register(gateway)
    central.send(gateway, BILLING)
    central.catch_up()
    before = held(central)
    assert before == added_up(central)
    assert set(before) == {("gw-1", "R1"), ("gw-1", "R2")}
    assert all(total.pending == total.intervals > 0 for total in before.values())
    central.send(gateway, TELEMETRY)
    central.catch_up()
    after = held(central)
    assert after == added_up(central)
    assert sum(total.pending for total in after.values()) == 0
    assert sum(total.differs for total in after.values()) == 1


def test_no_sum_overflows(central, polled):
    """Volumes that pass 64 bits together stay exact integers."""
    central.register(polled)
    central.send(polled, BILLING)
    central.catch_up()
    most = 2**63 - 1
    with central.store.engine.connect() as conn:
        record = interval_of(decode_leaf(conn.scalars(select(interval.c.leaf)).first()))
    with central.store.writer.begin() as conn:
        for _ in range(3):
            before = sum_of(conn, "gw-9", record.run)
            add_interval(conn, "gw-9", 0, replace(record, base_main_cm3=most), before)
    assert held(central)["gw-9", record.run].base_main_cm3 == 3 * most
