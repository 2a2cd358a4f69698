"""The notice on the wall: due dates and work in progress."""

from __future__ import annotations

from datetime import date

import pytest

from edge_agent.acts.kept import (
    MAX_BYTES,
    MAX_ENTRIES,
    Due,
    Kept,
    Work,
    after,
    encode,
    is_date,
    parse,
)
from protocols.evidence.statement import Statement, Value

UTC_MS = 1_780_000_000_000


def said(code: str, **fields: Value) -> Statement:
    return Statement(code, "Li", "why", tuple(fields.items()))


def test_dates_follow_statements() -> None:
    """The newest holds; a replaced meter has none until its own is told."""
    kept = after(Kept(), "R1", said("verification_due", until="2027-03-01", certificate="C1"), 0)
    kept = after(kept, "R2", said("verification_due", until="2026-01-01", certificate="C2"), 0)
    kept = after(kept, "R1", said("verification_due", until="2029-03-01", certificate="C3"), 0)
    kept = after(kept, "R1", said("calibrated_pressure", until="2027-05-05"), 0)
    assert kept.due == (
        Due("R2", "verification", "2026-01-01", "C2"),
        Due("R1", "verification", "2029-03-01", "C3"),
        Due("R1", "pressure", "2027-05-05", ""),
    )
    assert after(kept, "R1", said("meter_replaced"), 0).due == (kept.due[0], kept.due[2])


def test_the_last_day_is_good() -> None:
    """Over is the day after."""
    due = Due("R1", "verification", "2026-01-01", "")
    assert not due.is_over(date(2026, 1, 1))
    assert due.is_over(date(2026, 1, 2))


def test_maintenance_begins_and_ends() -> None:
    """Once for a run and a purpose."""
    kept = after(Kept(), "R1", said("maintenance_began", what="pressure"), UTC_MS)
    kept = after(kept, "R1", said("maintenance_began", what="pressure"), UTC_MS + 1)
    assert kept.work == (Work("R1", "pressure", UTC_MS + 1),)
    assert after(kept, "R1", said("maintenance_ended", what="pressure"), UTC_MS).work == ()


@pytest.mark.parametrize("until", [None, 5, "", "2027-13-01", "soon", "20270301"])
def test_a_date_that_is_none_changes_nothing(until: Value) -> None:
    """Nor does any other statement."""
    assert after(Kept(), "R1", said("verification_due", until=until), 0) == Kept()
    assert after(Kept(), "R1", said("compared", until="2027-03-01"), 0) == Kept()
    assert is_date("2027-03-01")


def test_it_is_bounded_and_read_back() -> None:
    """The oldest go; a file that is something else is refused."""
    kept = Kept()
    for number in range(MAX_ENTRIES + 5):
        due = said("verification_due", until="2027-03-01", certificate="证" * 500)
        kept = after(kept, f"R{number}", due, 0)
    kept = after(kept, "R1", said("maintenance_began", what="pressure"), None)
    assert len(kept.due) == MAX_ENTRIES
    assert len(encode(kept)) * 2 < MAX_BYTES
    assert parse(encode(kept)) == kept
    for data in (
        b"{}", b"[", b'{"due": [{}], "maintenance": []}', b'{"due": [], "maintenance": [1]}',
        b'{"due": [{"subject":"a","what":"b","until":"x","certificate":""}], "maintenance": []}',
    ):  # fmt: skip
        with pytest.raises(ValueError):
            parse(data)
