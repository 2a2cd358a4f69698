"""What pages, the API and the demo read."""

from typing import Any

from sqlalchemy import Connection

from central.ledger.rows import (
    AlarmRow,
    EventRow,
    GatewayRow,
    IntervalRow,
    LawRow,
    RegulatorRow,
    RunRow,
)
from central.ledger.rows import Series as Series
from central.store.database import Store


def gateways(conn: Connection) -> list[GatewayRow]:
    """All registered gateways, by name."""
    raise NotImplementedError


def runs(conn: Connection) -> list[RunRow]:
    """All meter runs, by gateway and run."""
    raise NotImplementedError


def intervals(
    conn: Connection,
    gateway: str,
    run: str,
    from_ms: int | None = None,
    to_ms: int | None = None,
    limit: int = 1000,
) -> list[IntervalRow]:
    """A run's latest `limit` intervals that end in (from_ms, to_ms], oldest first.

    Intervals whose end has no UTC are given only where no time is asked for.
    """
    raise NotImplementedError


def regulators(conn: Connection) -> list[RegulatorRow]:
    """All regulators with their outlet pressure at the last scan."""
    raise NotImplementedError


def events(conn: Connection, gateway: str | None = None, limit: int = 100) -> list[EventRow]:
    """The latest events, newest first; of all gateways where none is named."""
    raise NotImplementedError


def alarms(conn: Connection, gateway: str | None = None, limit: int = 100) -> list[AlarmRow]:
    """The latest alarms, newest first."""
    raise NotImplementedError


def law(conn: Connection) -> list[LawRow]:
    """The first law at central for each run, meter segment and device total."""
    raise NotImplementedError


def summary(conn: Connection) -> dict[str, Any]:
    """Counts and sums over everything: what `/api/summary` and the demo show."""
    raise NotImplementedError


def series(
    store: Store,
    gateway: str,
    run: str,
    from_ms: int,
    to_ms: int,
    max_points: int = 2000,
) -> Series:
    """One run's plot over (from_ms, to_ms], thinned to `max_points`; empty for an unknown run."""
    raise NotImplementedError
