"""The allow-list: which gateways may upload, and the keys that their checkpoints need."""

from typing import NamedTuple

from sqlalchemy import insert, select

from central.clock import Clock
from central.store.database import Store
from central.store.log_tables import gateway as gateway_table
from protocols.evidence.errors import Malformed
from protocols.evidence.leaf import is_gateway_id
from protocols.evidence.note import KeyType, Verifier


class RegistryError(Exception):
    """A gateway cannot be registered so; says what to do."""


class Entry(NamedTuple):
    """One gateway of the allow-list."""

    gateway: str
    vkey: str
    stopped_reason: str | None


def add_gateway(store: Store, gateway: str, vkey: str, clock: Clock) -> bool:
    """Register a gateway; False if it was there with this very key. Raises RegistryError.

    A key is never replaced: what it signed must stay provable.
    """
    if not is_gateway_id(gateway):
        raise RegistryError(
            f"gateway id {gateway[:80]!r}: use [a-z0-9][a-z0-9.-]*, at most 63 characters"
        )
    try:
        verifier = Verifier.from_vkey(vkey)
    except Malformed as error:
        raise RegistryError(f"{error}; edge-agent key show prints it") from None
    if verifier.key_type is not KeyType.NOTE or verifier.name != gateway:
        raise RegistryError(
            f"the key is {verifier.name}'s of type {verifier.key_type}, not the log key (type 1) "
            f"of {gateway}; edge-agent key show prints it"
        )
    with store.writer.begin() as conn:
        known = conn.scalar(select(gateway_table.c.vkey).where(gateway_table.c.gateway == gateway))
        if known is None:
            conn.execute(insert(gateway_table).values(gateway=gateway, vkey=vkey, added_ms=clock()))
        elif known != vkey:
            raise RegistryError(
                f"{gateway} is registered with another key, {known}; a replaced gateway needs a "
                "new id"
            )
    return known is None


def list_gateways(store: Store) -> list[Entry]:
    """The allow-list, by name."""
    table = gateway_table
    query = select(table.c.gateway, table.c.vkey, table.c.stopped_reason).order_by(table.c.gateway)
    with store.engine.connect() as conn:
        return [Entry(*row) for row in conn.execute(query)]
