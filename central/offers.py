"""Offers to gateways: added as an operator signed them elsewhere, listed, withdrawn.

Central cannot make one: the key is not here. It cannot check one either, and says so; a gateway
believes no other key than the one that its own configuration names.
"""

from typing import Final, NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from central.clock import Clock
from central.store.database import Store
from central.store.ledger_tables import event
from central.store.log_tables import bundle, offer
from central.store.log_tables import gateway as gateway_table
from protocols.evidence.errors import EvidenceError
from protocols.evidence.offer import unverified_offer

MAX_LISTED: Final = 1000
STATES: Final = {
    "offer_taken": "taken",
    "offer_waits": "waits",
    "offer_accepted": "accepted",
    "offer_refused": "refused",
    "offer_rolled_back": "rolled_back",
    "offer_done": "done",
}
"""What the newest event of an offer means."""


class OfferError(Exception):
    """An offer cannot be added or withdrawn; says why and the remedy."""


class Listed(NamedTuple):
    """An offer as it was added, and what the gateway's events say of it; `detail`: the newest's."""

    gateway: str
    number: int
    kind: str
    valid_until_ms: int
    who: str
    why: str
    added_ms: int
    withdrawn_ms: int | None
    state: str
    detail: str
    has_bundle: bool


def add_offer(store: Store, data: bytes, clock: Clock) -> tuple[str, int, str]:
    """Keep it for its gateway; gateway, number and kind. Raises OfferError."""
    try:
        told = unverified_offer(data)
    except EvidenceError as error:
        raise OfferError(f"no offer: {error}; make one with edge-central offer sign") from None
    now_ms = clock()
    if told.valid_until_ms <= now_ms:
        raise OfferError(f"offer {told.number} is over already; sign another one")
    with store.writer.begin() as conn:
        known = select(gateway_table.c.gateway).where(gateway_table.c.gateway == told.gateway)
        if conn.scalar(known) is None:
            raise OfferError(f"gateway {told.gateway} is not registered; edge-central gateway list")
        own = select(func.max(offer.c.number)).where(offer.c.gateway == told.gateway)
        newest = conn.scalar(own) or 0
        if told.number <= newest:
            raise OfferError(
                f"offer {told.number} is not above offer {newest}, which was added before; the "
                f"gateway would not take it: sign it again with --number {newest + 1} or more"
            )
        conn.execute(
            insert(offer).values(
                gateway=told.gateway, number=told.number, kind=told.kind, who=told.who,
                why=told.why, valid_until_ms=told.valid_until_ms, data=data, added_ms=now_ms,
            )
        )  # fmt: skip
    return told.gateway, told.number, told.kind


def withdraw_offer(store: Store, gateway: str, number: int, clock: Clock) -> None:
    """It is handed out no more; what the gateway has taken stays taken. Raises OfferError."""
    own = (offer.c.gateway == gateway, offer.c.number == number)
    with store.writer.begin() as conn:
        if conn.scalar(select(offer.c.number).where(*own)) is None:
            raise OfferError(f"there is no offer {number} to {gateway}; edge-central offer list")
        state, _ = _state(conn, gateway, number)
        if state != "offered":
            raise OfferError(f"offer {number} was {state} by {gateway}; offer another one instead")
        conn.execute(update(offer).where(*own).values(withdrawn_ms=clock()))


def list_offers(
    conn: Connection, gateway: str | None = None, most: int = MAX_LISTED
) -> list[Listed]:
    """The newest, newest last; of one gateway or of all."""
    names = Listed._fields[:-3]
    query = select(*(offer.c[name] for name in names)).order_by(
        offer.c.added_ms.desc(), offer.c.number.desc()
    )
    if gateway is not None:
        query = query.where(offer.c.gateway == gateway)
    found = []
    for row in reversed(conn.execute(query.limit(most)).mappings().all()):
        state, detail = _state(conn, row["gateway"], row["number"])
        if state == "offered" and row["withdrawn_ms"] is not None:
            state = "withdrawn"
        own = (bundle.c.gateway == row["gateway"], bundle.c.number == row["number"])
        has_bundle = conn.scalar(select(bundle.c.number).where(*own)) is not None
        found.append(Listed(**row, state=state, detail=detail, has_bundle=has_bundle))
    return found


def bundle_of(store: Store, gateway: str, number: int) -> bytes:
    """The support bundle that an offer brought. Raises OfferError."""
    own = (bundle.c.gateway == gateway, bundle.c.number == number)
    with store.engine.connect() as conn:
        data: bytes | None = conn.scalar(select(bundle.c.data).where(*own))
    if data is None:
        raise OfferError(f"offer {number} to {gateway} brought no bundle (yet); offer list")
    return data


def _state(conn: Connection, gateway: str, number: int) -> tuple[str, str]:
    """By the newest event that names the offer; "offered" where there is none."""
    events = select(event.c.code, event.c.detail).where(
        event.c.gateway == gateway, event.c.code.in_(tuple(STATES)), event.c.new == str(number)
    )
    row = conn.execute(events.order_by(event.c.epoch.desc(), event.c.seq.desc()).limit(1)).first()
    return ("offered", "") if row is None else (STATES[row.code], row.detail or "")
