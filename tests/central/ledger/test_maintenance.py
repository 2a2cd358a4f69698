"""Times in which the readings were not the gas."""

from sqlalchemy import select

from central.ledger.maintenance import Span, maintenance, spans
from central.ledger.statements import StatementRow
from central.store.ledger_tables import interval
from protocols.evidence.leaf import Kind, Log

NO = bytes(32)


def row(code, utc_ms, **fields):
    return StatementRow("g", 0, 0, utc_ms, None, code, "R1", "Li", "why", tuple(fields.items()))


def test_marks_make_a_span():
    """By purpose; what was not ended goes on; the newest first."""
    found = spans(
        [
            row("maintenance_began", 10, what="pressure"),
            row("maintenance_began", 20, what="temperature"),
            row("calibrated_pressure", 28, began_utc_ms=10, ended_utc_ms=27),
            row("maintenance_ended", 30, what="pressure"),
        ]
    )
    assert found == [Span("temperature", 20, None), Span("pressure", 10, 30)]


def test_a_calibration_that_nobody_marked():
    """It says itself from when to when; where it does not, nothing is known."""
    found = spans(
        [
            row("calibrated_pressure", 50, began_utc_ms=10, ended_utc_ms=40),
            row("calibrated_temperature", 60, began_utc_ms=None, ended_utc_ms=55),
            row("maintenance_ended", 70, what="pressure"),
        ]
    )
    assert found == [Span("pressure", 10, 40)]


def test_without_a_clock_there_is_no_span():
    """Who began at no time known ended nothing that can be shown."""
    began, ended = row("maintenance_began", None, what="p"), row("maintenance_ended", 7, what="p")
    assert spans([began, ended]) == []
    assert spans([began]) == []


def test_what_was_booked_meanwhile(made, central):
    """The intervals that a span touches, with their volumes."""
    gateway = made.Gateway().configure(made.config("R1"))
    for code, polls in (("maintenance_began", 8), ("maintenance_ended", 12), (None, 12)):
        for _ in range(polls):
            gateway.poll()
        if code is not None:
            body = (code, "Li", "why", (("what", "pressure"),))
            gateway.add(Kind.STATEMENT, "R1", NO, body)
    gateway.stop()
    central.register(gateway)
    for log in (Log.BILLING, Log.TELEMETRY):
        central.send(gateway, log)
    central.catch_up()
    with central.store.engine.connect() as conn:
        (found,) = maintenance(conn, gateway.name, "R1")
        assert maintenance(conn, gateway.name, "R2") == []
        line = interval.c.line_main_cm3 + interval.c.line_error_cm3
        rows = conn.execute(select(interval.c.start_utc_ms, interval.c.end_utc_ms, line)).all()
    touched = [row for row in rows if row[1] > found.from_ms and row[0] < found.to_ms]
    assert 0 < len(touched) < len(rows)
    assert (found.what, found.intervals, found.edited) == ("pressure", len(touched), 0)
    assert found.line_cm3 == sum(row[2] for row in touched) > 0
