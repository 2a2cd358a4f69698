"""The page of refused uploads: how many by status, and the samples that are kept, newest first."""

from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from central.intake.quarantine import MAX_SAMPLES, refused_uploads
from central.store.log_tables import quarantine


class SampleRow(NamedTuple):
    """One refused upload; `gateway` is only what it claimed."""

    at_ms: int
    gateway: str
    status: int
    reason: str
    bytes: int
    sha256: str


def quarantine_context(conn: Connection) -> dict[str, Any]:
    """What the template shows."""
    table = quarantine
    rows = conn.execute(
        select(*(table.c[name] for name in SampleRow._fields))
        .order_by(table.c.number.desc())
        .limit(MAX_SAMPLES)
    )
    return {
        "counts": sorted(refused_uploads(conn).items()),
        "samples": [SampleRow._make((*row[:-1], row.sha256.hex())) for row in rows],
        "most": MAX_SAMPLES,
    }
