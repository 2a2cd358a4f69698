"""What central is asked on a test, and what its answer proves.

The question is the one that the agent asks before its first upload: it changes nothing, and the
answer is signed for each log that central holds. Without our log key central is only asked for its
receipt keys, which it gives to anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_agent.keys.receipt_keys import keys_for
from edge_agent.link_test.judge import Heard, judge_pace, judge_status
from edge_agent.link_test.step import CENTRAL, Step, bad
from edge_agent.link_test.way import Question
from protocols.evidence.errors import EvidenceError
from protocols.evidence.heads import PATH, decode_heads, sign_heads_request
from protocols.evidence.leaf import Log
from protocols.evidence.order import REQUEST_HEADER
from protocols.evidence.receipt_keys import PATH as RECEIPT_KEYS_PATH
from protocols.evidence.upload import check_receipt

if TYPE_CHECKING:
    from edge_agent.keys.receipt_keys import ReceiptKeys
    from protocols.evidence.note import Signer, Verifier


def question_of(gateway: str, signer: Signer | None) -> Question:
    """Signed by the log key, where it may be read."""
    if signer is None:
        return Question(RECEIPT_KEYS_PATH, {})
    return Question(f"{PATH}{gateway}", {REQUEST_HEADER: sign_heads_request(gateway, signer)})


def judge_answer(
    heard: Heard, gateway: str, receipts: Verifier | ReceiptKeys, *, signed: bool
) -> Step:
    """Whether it is central, knows this gateway, and signs what we believe."""
    refused = judge_status(heard, gateway)
    if refused is not None:
        return refused
    if not signed:
        return judge_pace(heard, "central.unsigned")
    try:
        heads = decode_heads(heard.body, gateway)
    except EvidenceError as error:
        return bad(CENTRAL, "central_other", status="200", said=str(error), gateway=gateway)
    try:
        for head in heads.heads:
            check_receipt(head.checkpoint, head.receipt, keys_for(receipts, head.receipt))
    except EvidenceError as error:
        return bad(CENTRAL, "central_key", said=str(error))
    sizes = {head.origin.log: str(head.size) for head in heads.heads}
    billing, telemetry = (sizes.get(log, "0") for log in (Log.BILLING, Log.TELEMETRY))
    return judge_pace(heard, "central.good", billing=billing, telemetry=telemetry)
