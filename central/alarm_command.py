"""`edge-central gateway alarms`: what the intake found wrong, and the evidence as files.

A signed checkpoint proves by itself what its key signed: whoever decides about a stopped gateway
looks at both, and can hand them to whoever has to believe him.
"""

import argparse
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection, select

from central.intake.log import EQUIVOCATION
from central.orders import utc_text
from central.registry import RegistryError
from central.store.database import Store
from central.store.log_tables import equivocation
from central.store.registry_tables import intake_alarm
from central.terminal import row_of

MAX_SHOWN: Final = 1000


class Kept(NamedTuple):
    """One alarm with its evidence: file name endings and bytes."""

    at_ms: int
    last_ms: int
    gateway: str
    code: str
    where: str
    uploads: int
    detail: str
    files: dict[str, bytes]


def kept_alarms(conn: Connection, gateway: str | None) -> list[Kept]:
    """The latest, oldest of them first; of all gateways where none is named."""
    found = [*_findings(conn, gateway), *_proofs(conn, gateway)]
    return sorted(found, key=lambda one: one.at_ms)[-MAX_SHOWN:]


def alarms_text(store: Store, parsed: argparse.Namespace) -> str:
    """A line each; with --out its evidence is written. Raises RegistryError."""
    with store.engine.connect() as conn:
        found = kept_alarms(conn, parsed.gateway)
    if parsed.out is not None:
        _write(parsed.out, found)
    return "\n".join(
        row_of(
            utc_text(one.at_ms),
            one.gateway or "-",
            one.code,
            one.where,
            f"{one.uploads} until {utc_text(one.last_ms)}",
            one.detail,
        )
        for one in found
    )


def _findings(conn: Connection, gateway: str | None) -> list[Kept]:
    query = select(intake_alarm).order_by(intake_alarm.c.number.desc()).limit(MAX_SHOWN)
    if gateway is not None:
        query = query.where(intake_alarm.c.gateway == gateway)
    return [
        Kept(
            row.at_ms, row.last_ms, row.gateway, row.code, f"{row.log}/{row.epoch}/{row.size}",
            row.uploads, row.detail, {"checkpoint": row.checkpoint, "upload": row.evidence},
        )
        for row in conn.execute(query)
    ]  # fmt: skip


def _proofs(conn: Connection, gateway: str | None) -> list[Kept]:
    query = select(equivocation).order_by(equivocation.c.at_ms.desc()).limit(MAX_SHOWN)
    if gateway is not None:
        query = query.where(equivocation.c.gateway == gateway)
    return [
        Kept(
            row.at_ms, row.at_ms, row.gateway, EQUIVOCATION, f"{row.log}/{row.epoch}/{row.size}",
            1, "two signed histories of one log",
            {"ours.checkpoint": row.ours, "theirs.checkpoint": row.theirs},
        )
        for row in conn.execute(query)
    ]  # fmt: skip


def _write(directory: Path, found: list[Kept]) -> None:
    """Numbered in the order of the lines; what is there already is never overwritten."""
    try:
        directory.mkdir(parents=True)
        for number, one in enumerate(found, start=1):
            for ending, data in one.files.items():
                if data:
                    name = f"{number:04d}-{one.gateway or 'unknown'}-{one.code}.{ending}"
                    (directory / name).write_bytes(data)
    except FileExistsError:
        raise RegistryError(f"{directory}: exists already; name a new folder") from None
    except OSError as error:
        raise RegistryError(f"{directory}: {error.strerror}; check the path and the disk") from None
