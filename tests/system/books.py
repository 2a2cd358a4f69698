"""The books of central over a rig's whole life."""

from __future__ import annotations

from central.ledger.law import law
from central.store.database import open_store
from tests.system.rig import Rig


def law_holds(rig: Rig) -> bool:
    """End index less start index is what central has booked, of every total; and some moved."""
    store = open_store(rig.store)
    try:
        with store.engine.connect() as conn:
            rows = law(conn)
    finally:
        store.close()
    assert all(row.holds for row in rows), [row for row in rows if not row.holds]
    return any(row.moved_counts > 0 for row in rows)
