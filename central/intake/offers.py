"""GET /v1/offers/<gateway>?after=N and POST /v1/bundle/<gateway>?offer=N, for that gateway only.

An offer proves itself by the operator's signature, which central has no key to make, nor to check:
it hands on what it was given. Who asks is checked by the gateway's own log key, as for orders.
"""

import hashlib
import re
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, func, insert, select

from central.clock import Clock
from central.intake import log
from central.intake.answer import CBOR, TEXT, Answer, refusal
from central.intake.asking import check_asked, unrevoked
from central.store.database import Store
from central.store.log_tables import bundle, offer
from protocols.evidence.errors import EvidenceError
from protocols.evidence.leaf import is_gateway_id
from protocols.evidence.note import Verifier
from protocols.evidence.offer import (
    BUNDLE_PATH,
    MAX_OFFERS,
    PATH,
    SUPPORT_BUNDLE,
    check_bundle,
    check_request,
    encode_offers,
)
from protocols.evidence.order import REQUEST_HEADER

KEYS_ASKED: Final = 2
"""The key in force and the one before it: during a rotation either side may be ahead."""
MAX_BUNDLES: Final = 16
"""Of one gateway; the oldest go."""
_AFTER: Final = re.compile(rb"after=(0|[1-9][0-9]{0,15})\Z", re.ASCII)
_OFFER: Final = re.compile(rb"offer=([1-9][0-9]{0,15})\Z", re.ASCII)


def newest_offer(conn: Connection, gateway: str) -> int:
    """The number of the newest offer that was not withdrawn; 0 where there is none."""
    newest = select(func.max(offer.c.number)).where(
        offer.c.gateway == gateway, offer.c.withdrawn_ms.is_(None)
    )
    return conn.scalar(newest) or 0


def answer_offers(store: Store, gateway: str, query: bytes, request: str) -> Answer:
    """The offers with higher numbers, lowest first, as many as fit an answer."""
    found = _AFTER.match(query)
    if not is_gateway_id(gateway) or found is None:
        return refusal(400, "no such request", f"GET {PATH}<gateway>?after=<number>")
    after = int(found[1])
    with store.engine.connect() as conn:
        refused = _refused(conn, gateway, lambda key: check_request(gateway, after, request, key))
        if refused is not None:
            return refused
        wanted = select(offer.c.data).where(
            offer.c.gateway == gateway, offer.c.number > after, offer.c.withdrawn_ms.is_(None)
        )
        rows = conn.scalars(wanted.order_by(offer.c.number).limit(MAX_OFFERS)).all()
    return Answer(200, CBOR, encode_offers(rows))


def take_bundle(store: Store, clock: Clock, asked: tuple[str, bytes, str], body: bytes) -> Answer:
    """Keep what an offer asked for, once; sent again it changes nothing.

    `asked`: the gateway, the query, the signature.
    """
    gateway, query, request = asked
    found = _OFFER.match(query)
    if not is_gateway_id(gateway) or found is None:
        return refusal(400, "no such request", f"POST {BUNDLE_PATH}<gateway>?offer=<number>")
    number = int(found[1])
    with store.engine.connect() as conn:  # no stranger makes anybody wait who writes
        refused = _refused(
            conn, gateway, lambda key: check_bundle(gateway, number, body, request, key)
        )
        if refused is not None:
            return refused
        kind = select(offer.c.kind).where(offer.c.gateway == gateway, offer.c.number == number)
        if conn.scalar(kind) != SUPPORT_BUNDLE:
            return refusal(404, f"offer {number} asked for no bundle", "nothing more to do")
    with store.writer.begin() as conn:
        own = (bundle.c.gateway == gateway, bundle.c.number == number)
        if conn.scalar(select(bundle.c.number).where(*own)) is None:
            _keep(conn, gateway, number, body, clock())
    return Answer(200, TEXT, b"kept\n")


def _keep(conn: Connection, gateway: str, number: int, body: bytes, now_ms: int) -> None:
    conn.execute(
        insert(bundle).values(
            gateway=gateway, number=number, sha256=hashlib.sha256(body).digest(), data=body,
            received_ms=now_ms,
        )
    )  # fmt: skip
    numbers = select(bundle.c.number).where(bundle.c.gateway == gateway)
    newest = conn.scalars(numbers.order_by(bundle.c.number.desc()).limit(MAX_BUNDLES)).all()
    old = (bundle.c.gateway == gateway, bundle.c.number < newest[-1])
    conn.execute(bundle.delete().where(*old))


def _refused(conn: Connection, gateway: str, check: Callable[[Verifier], None]) -> Answer | None:
    entry = log.registered(conn, gateway)
    if entry is None:
        return refusal(401, f"gateway {gateway} is not registered", "edge-central gateway add")
    try:
        check_asked(unrevoked(entry.schedule)[:KEYS_ASKED], check)
    except EvidenceError as error:
        return refusal(401, f"{REQUEST_HEADER}: {error}", "sign it with the gateway's log key")
    if entry.stopped_reason is not None:
        reason = f"gateway {gateway} is stopped: {entry.stopped_reason}"
        return refusal(403, reason, "an operator of central must decide")
    return None
