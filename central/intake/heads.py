"""GET /v1/heads/<gateway>: what central holds of a gateway's newest epoch, to that gateway only."""

from collections.abc import Callable

from sqlalchemy import Connection

from central.intake import log
from central.intake.answer import CBOR, Answer, refusal
from central.intake.asking import check_asked, unrevoked
from protocols.evidence.errors import EvidenceError
from protocols.evidence.heads import Heads, StoredHead, check_heads_request, encode_heads
from protocols.evidence.leaf import Log, Origin
from protocols.evidence.order import REQUEST_HEADER


def newest_heads(
    conn: Connection, gateway: str, request: str, receipt: Callable[[Origin, int], bytes]
) -> Answer:
    """The heads with their receipts; one that is missing is made by `receipt`."""
    entry = log.registered(conn, gateway)
    if entry is None:
        return refusal(401, f"gateway {gateway} is not registered", "edge-central gateway add")
    try:
        check_asked(
            unrevoked(entry.schedule), lambda key: check_heads_request(gateway, request, key)
        )
    except EvidenceError as error:
        return refusal(401, f"{REQUEST_HEADER}: {error}", "sign it with the gateway's log key")
    epoch = entry.newest_epoch
    found = []
    for kind in Log if epoch is not None else ():
        origin = Origin(gateway, kind, epoch or 0)
        head = log.head_of(conn, origin)
        size = head.frontier.size
        if size:
            stored = head.receipt or receipt(origin, size)
            found.append(StoredHead(origin, size, head.checkpoint, stored))
    return Answer(200, CBOR, encode_heads(Heads(epoch, tuple(found))))
