"""The intake's alarms, on a real store."""

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from central.intake.alarms import (
    MAX_EVIDENCE_BYTES,
    MAX_KEPT,
    Finding,
    IntakeAlarms,
    IntakeCode,
    count_intake_alarms,
    evidence_of,
    intake_alarms,
)
from central.store.registry_tables import gateway_act

CLONE = Finding("gw-1", IntakeCode.CLONE, "two machines", "billing", 3, 17)


@pytest.fixture
def alarms(central):
    return IntakeAlarms(central.store, lambda: central.now_ms)


def test_a_finding_is_kept_with_its_evidence(central, alarms):
    """What was found, about which checkpoint, when, and the very upload."""
    alarms.add(CLONE, b"the upload")
    [kept] = central.ask(intake_alarms)
    now_ms = central.now_ms
    assert kept == ("gw-1", "clone", "billing", 3, 17, "two machines", now_ms, now_ms, 1)
    assert central.ask(evidence_of, "gw-1", IntakeCode.CLONE) == [b"the upload"]
    assert central.ask(intake_alarms, "gw-2") == []


def test_the_same_again_is_counted(central, alarms):
    """One row for one finding, with how often and until when it came."""
    for _ in range(3):
        alarms.add(CLONE, b"x")
        central.now_ms += 1000
    [kept] = central.ask(intake_alarms)
    assert (kept.uploads, kept.last_ms - kept.at_ms) == (3, 2000)


def test_a_flood_costs_a_commit_a_second_and_is_counted_exactly(central, alarms):
    """What comes within a second is written with the next, or at the end."""
    for second in range(3):
        for number in range(50):
            alarms.add(CLONE._replace(size=second), bytes([number]))
        central.now_ms += 1000
    alarms.flush()
    kept = central.ask(intake_alarms)
    assert sum(one.uploads for one in kept) == 150
    assert central.ask(evidence_of, "gw-1", IntakeCode.CLONE) == [b"\0"] * 3


def test_rows_and_evidence_are_bounded(central, alarms):
    """However many different findings come, the first ones stay and the rest is counted."""
    for size in range(MAX_KEPT + 5):
        alarms.add(CLONE._replace(size=size), bytes(2 * MAX_EVIDENCE_BYTES))
        central.now_ms += 1000
    kept = central.ask(intake_alarms)
    assert sorted(one.size for one in kept) == list(range(MAX_KEPT))
    assert sum(one.uploads for one in kept) == MAX_KEPT + 5
    assert central.ask(count_intake_alarms) == {"gw-1": MAX_KEPT}
    assert {len(one) for one in central.ask(evidence_of, "gw-1", IntakeCode.CLONE)} == {
        MAX_EVIDENCE_BYTES
    }


@pytest.mark.parametrize("change", [update(gateway_act).values(who="x"), delete(gateway_act)])
def test_an_act_is_never_changed(central, change):
    """The database itself refuses to rewrite who did what."""
    with central.store.writer.begin() as conn:
        conn.execute(
            gateway_act.insert().values(
                at_ms=1, gateway="gw-1", act="added", who="Li", reason="", detail=""
            )
        )
    with pytest.raises(IntegrityError, match="append-only"), central.store.writer.begin() as conn:
        conn.execute(change)
