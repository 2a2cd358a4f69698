"""What people stated on site, in rows; and what of it somebody must look at."""

import json

import pytest
from sqlalchemy import select

from central.ledger.statements import health, statements, warnings
from central.store.ledger_tables import event, statement
from protocols.evidence.leaf import Kind, Log

NO = bytes(32)


def say(gateway, code, subject="R1", **fields):
    body = (code, "Li (own word; uid 7)", "why", tuple(fields.items()))
    gateway.add(Kind.STATEMENT, subject, NO, body)


@pytest.fixture
def told(made, central):
    """Runs what a test says on a gateway, and gives what central then warns of at that UTC ms."""

    def tell(*said, now_ms=1_790_000_000_000):
        gateway = made.Gateway().configure(made.config("R1"))
        for code, fields in said:
            say(gateway, code, **fields)
        central.register(gateway)
        central.send(gateway, Log.BILLING)
        central.catch_up()
        with central.store.engine.connect() as conn:
            return [(row.subject, row.code, row.day) for row in warnings(conn, now_ms)]

    return tell


def test_a_statement_is_kept_with_its_event(made, central):
    """Fields in their order; who, why and when are the event's; health stands apart."""
    gateway = made.Gateway().configure(made.config("R1"))
    say(gateway, "compared", verdict="within", **{"line.display_m3": "1.0"})
    say(gateway, "health", "", load_1m="0.1")
    say(gateway, "regulator_set", "PR1", verdict="outside")
    central.register(gateway)
    central.send(gateway, Log.BILLING)
    central.catch_up()
    with central.store.engine.connect() as conn:
        rows = statements(conn, gateway.name)
        assert [row.code for row in rows] == ["regulator_set", "compared"]
        assert [row.code for row in statements(conn, gateway.name, "R1")] == ["compared"]
        assert len(statements(conn, limit=1)) == 1
        assert statements(conn, "nobody") == []
        compared = rows[1]
        assert compared.fields == (("verdict", "within"), ("line.display_m3", "1.0"))
        assert (compared.who, compared.why) == ("Li (own word; uid 7)", "why")
        assert compared.utc_ms is not None
        assert compared.to_json()["fields"]["line.display_m3"] == "1.0"
        newest = health(conn, gateway.name)
        assert newest is not None
        assert newest.get("load_1m") == "0.1"
        assert health(conn, "nobody") is None
        (row,) = conn.execute(select(event).where(event.c.code == "compared")).all()
        assert (json.loads(row.new), row.detail) == ("within", "why")


def test_nonsense_is_an_alarm_and_no_row(made, central):
    """The log keeps the leaf anyway."""
    gateway = made.Gateway().configure(made.config("R1"))
    gateway.add(Kind.STATEMENT, "R1", NO, ("Compared", "Li", "why", ()))
    central.register(gateway)
    central.send(gateway, Log.BILLING)
    central.catch_up()
    with central.store.engine.connect() as conn:
        assert conn.execute(select(statement)).all() == []
        assert conn.execute(select(event).where(event.c.code == "Compared")).all() == []


@pytest.mark.parametrize(
    ("until", "code"),
    [
        # now is 2026-09-21 22:13 at the site, in Shanghai
        ("2026-09-20", "verification-over"),
        ("2026-09-21", "verification-soon"),
        ("2026-11-20", "verification-soon"),
        ("2026-11-21", None),
    ],
)
def test_a_verification_is_over_after_its_day(told, until, code):
    """By the calendar of the site; two months before it is told as soon."""
    found = told(("verification_due", {"what": "verification", "until": until}))
    assert found == ([("R1", code, until)] if code else [])


def test_the_newest_counts(told):
    """Mended is mended."""
    old = ("verification_due", {"what": "verification", "until": "2020-01-01"})
    new = ("verification_due", {"what": "verification", "until": "2030-01-01"})
    assert (
        told(old, new, ("compared", {"verdict": "outside"}), ("compared", {"verdict": "within"}))
        == []
    )


def test_what_is_outside(told):
    """Each kind by itself."""
    found = told(
        ("compared", {"verdict": "outside"}),
        ("calibrated_pressure", {"verdict": "outside", "until": "2020-01-01"}),
        ("calibrated_temperature", {"verdict": "within", "until": None}),
        ("regulator_set", {"subject": "PR1", "verdict": "outside"}),
    )
    assert sorted(found) == [
        ("PR1", "regulator-set-outside", ""),
        ("R1", "calibrated-pressure-outside", ""),
        ("R1", "calibration-over", "2020-01-01"),
        ("R1", "compared-outside", ""),
    ]


def test_another_meter_has_no_past(told):
    """Its transmitters have."""
    found = told(
        ("compared", {"verdict": "outside"}),
        ("verification_due", {"what": "verification", "until": "2020-01-01"}),
        ("calibrated_pressure", {"verdict": "outside"}),
        ("meter_replaced", {"old_serial": "A", "new_serial": "B"}),
    )
    assert found == [("R1", "calibrated-pressure-outside", "")]


def test_maintenance_is_open_until_it_ends(told):
    """Each purpose by itself."""
    found = told(
        ("maintenance_began", {"what": "pressure"}),
        ("maintenance_ended", {"what": "pressure"}),
        ("maintenance_began", {"what": "temperature"}),
        ("maintenance_ended", {"what": "pressure"}),
    )
    assert found == [("R1", "maintenance-open", "")]


def test_a_date_that_is_none_warns_of_nothing(told):
    """Whoever signed it."""
    assert told(("verification_due", {"what": "verification", "until": "soon"})) == []
    assert told(("verification_due", {"what": "verification", "until": 7})) == []
