"""What intake answers: a receipt, a conflict, or a refusal that names the reason and the remedy."""

import json
from collections.abc import Sequence
from typing import Final, NamedTuple

from protocols.evidence.order import encode_orders
from protocols.evidence.upload import Conflict, encode_conflict

TEXT: Final = b"text/plain; charset=utf-8"
CBOR: Final = b"application/cbor"
JSON: Final = b"application/json"
BUSY_S: Final = 5
"""When to come again where central is merely busy."""


class Answer(NamedTuple):
    """One HTTP answer.

    `newest_order`, `newest_offer`: to this gateway, told in headers; 0 where there is none.
    `retry_after_s`: told in a header unless 0.
    """

    status: int
    content_type: bytes
    body: bytes
    newest_order: int = 0
    newest_offer: int = 0
    retry_after_s: int = 0


def receipt_answer(receipt: bytes) -> Answer:
    """200: the batch is durably stored."""
    return Answer(200, TEXT, receipt)


def conflict_answer(conflict: Conflict) -> Answer:
    """409: the log goes on from another size; with the checkpoint and receipt of that size."""
    return Answer(409, CBOR, encode_conflict(conflict))


def orders_answer(notes: Sequence[bytes]) -> Answer:
    """200: signed orders, lowest number first."""
    return Answer(200, CBOR, encode_orders(notes))


def refusal(status: int, reason: str, remedy: str) -> Answer:
    """Any other status: nothing was stored, and nothing may be pruned."""
    body = json.dumps({"error": reason, "remedy": remedy}, ensure_ascii=False)
    return Answer(status, JSON, body.encode("utf-8", "replace"))


def told_of(answer: Answer) -> tuple[str, str]:
    """Reason and remedy of a refusal, for another answer than HTTP's."""
    told = json.loads(answer.body)
    return str(told["error"]), str(told["remedy"])


def come_again(reason: str, wait_s: int = BUSY_S) -> Answer:
    """429 or its like: the same request will do later; when, stands in Retry-After."""
    return refusal(429, reason, f"send it again in {wait_s} s")._replace(retry_after_s=wait_s)
