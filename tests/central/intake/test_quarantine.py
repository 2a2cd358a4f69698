"""The bounds of the quarantine."""

from sqlalchemy import func, select

from central.intake import quarantine as module
from central.intake.quarantine import Quarantine, refused_uploads, samples
from central.store.log_tables import quarantine


def test_the_oldest_sample_makes_room(central, monkeypatch):
    """Never more than the bound is kept, and the newest are what stays."""
    monkeypatch.setattr(module, "MAX_SAMPLES", 5)
    kept = Quarantine(central.store, lambda: central.now_ms)
    for number in range(12):
        central.now_ms += 1000
        kept.add(400, "", f"reason {number}", b"x")
    assert central.ask(samples) == 5
    with central.store.engine.connect() as conn:
        reasons = conn.scalars(select(quarantine.c.reason).order_by(quarantine.c.number)).all()
    assert reasons == [f"reason {number}" for number in range(7, 12)]
    assert central.ask(refused_uploads) == {400: 12}


def test_a_large_upload_is_kept_in_part(central):
    """A sample holds the beginning, with the size and hash of the whole."""
    body = bytes(range(256)) * 1000
    Quarantine(central.store, lambda: central.now_ms).add(422, "gw-1", "r" * 9999, body)
    with central.store.engine.connect() as conn:
        row = conn.execute(select(quarantine)).one()
    assert row.sample == body[: module.MAX_SAMPLE_BYTES]
    assert row.bytes == len(body)
    assert len(row.reason) == module.MAX_REASON_CHARS


def test_a_clock_that_steps_back_stops_no_sampling(central):
    """After a step back of central's clock samples are still taken."""
    kept = Quarantine(central.store, lambda: central.now_ms)
    kept.add(400, "", "before", b"x")
    central.now_ms -= 3_600_000
    kept.add(400, "", "after", b"x")
    with central.store.engine.connect() as conn:
        assert conn.scalar(select(func.count()).select_from(quarantine)) == 2
