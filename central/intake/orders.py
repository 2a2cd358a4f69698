"""GET /v1/orders/<gateway>?after=N: the signed orders of one gateway, to that gateway only.

An order proves itself by its signature. Who asks is checked all the same, by the gateway's own key:
gas data and the names of those who sent them are a customer's affair, and ids of gateways are no
secret. The request has no nonce: it only reads, and its answer never changes.
"""

import re
from typing import Final

from sqlalchemy import Connection, func, select

from central.intake import log
from central.intake.answer import Answer, orders_answer, refusal
from central.intake.asking import check_asked, unrevoked
from central.store.database import Store
from central.store.log_tables import gas_order
from protocols.evidence.errors import EvidenceError
from protocols.evidence.leaf import is_gateway_id
from protocols.evidence.order import MAX_ORDERS, REQUEST_HEADER, check_request

PREFIX: Final = "/v1/orders/"
KEYS_ASKED: Final = 2
"""The key in force and the one before it: during a rotation either side may be ahead."""
_AFTER: Final = re.compile(rb"after=(0|[1-9][0-9]{0,15})\Z", re.ASCII)


def newest_order(conn: Connection, gateway: str) -> int:
    """The number of the newest order to a gateway; 0 where there was none."""
    newest = select(func.max(gas_order.c.number)).where(gas_order.c.gateway == gateway)
    return conn.scalar(newest) or 0


def answer_orders(store: Store, gateway: str, query: bytes, request: str) -> Answer:
    """The notes with higher numbers, lowest first, at most MAX_ORDERS of them."""
    found = _AFTER.match(query)
    if not is_gateway_id(gateway) or found is None:
        return refusal(400, "no such request", f"GET {PREFIX}<gateway>?after=<number>")
    after = int(found[1])
    with store.engine.connect() as conn:
        entry = log.registered(conn, gateway)
        if entry is None:
            return refusal(401, f"gateway {gateway} is not registered", "edge-central gateway add")
        try:
            check_asked(
                unrevoked(entry.schedule)[:KEYS_ASKED],
                lambda key: check_request(gateway, after, request, key),
            )
        except EvidenceError as error:
            return refusal(401, f"{REQUEST_HEADER}: {error}", "sign it with the gateway's log key")
        if entry.stopped_reason is not None:
            reason = f"gateway {gateway} is stopped: {entry.stopped_reason}"
            return refusal(403, reason, "an operator of central must decide")
        notes = select(gas_order.c.note).where(
            gas_order.c.gateway == gateway, gas_order.c.number > after
        )
        rows = conn.scalars(notes.order_by(gas_order.c.number).limit(MAX_ORDERS)).all()
    return orders_answer(rows)
