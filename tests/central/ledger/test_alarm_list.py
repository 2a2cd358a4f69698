"""Alarms of the ledger and of the intake in one list."""

from central.intake.alarms import Finding, IntakeCode, keep_alarm
from central.ledger.alarm_list import alarm_counts, alarms
from central.ledger.alarms import Alarm, AlarmCode, store_alarms
from protocols.evidence.leaf import Log, Origin


def test_what_the_intake_found_stands_beside_what_the_ledger_found(central):
    """Newest first, with how often it was seen; unregistered gateways have no name."""
    origin = Origin("gw-1", Log.BILLING, 0)
    with central.store.writer.begin() as conn:
        store_alarms(conn, origin, [Alarm(7, AlarmCode.CHAIN, "R1", "broken")], 50)
        clone = Finding("gw-1", IntakeCode.CLONE, "two machines", "billing", 0, 90)
        for at_ms in (10, 60):
            keep_alarm(conn, clone, b"upload", at_ms)
        keep_alarm(conn, Finding("", IntakeCode.FOREIGN, "who?"), b"upload", 40)
    rows = central.ask(alarms)
    assert [(row.gateway, row.code, row.seq, row.at_ms, row.times) for row in rows] == [
        ("gw-1", "clone", 90, 60, 2),
        ("gw-1", "chain", 7, 50, 1),
        ("", "foreign", 0, 40, 1),
    ]
    assert central.ask(alarm_counts) == {"gw-1": 2, "": 1}
    assert [row.code for row in central.ask(alarms, "gw-1", 1)] == ["clone"]
