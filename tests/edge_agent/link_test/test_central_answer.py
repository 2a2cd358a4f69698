"""What central's answer proves."""

import pytest

from edge_agent.link_test.central_answer import judge_answer, question_of
from edge_agent.link_test.judge import Heard
from protocols.evidence.heads import Heads, StoredHead, check_heads_request, encode_heads
from protocols.evidence.leaf import Log, Origin
from protocols.evidence.merkle import EMPTY
from protocols.evidence.note import Checkpoint, KeyType, Signer, sign_checkpoint
from protocols.evidence.order import REQUEST_HEADER
from protocols.evidence.upload import countersign
from tests.edge_agent.gateway import KEYS, RECEIPTS

OTHER = Signer.from_private_bytes("central", bytes(range(2, 34)), KeyType.COSIGNATURE)


def heads(by=RECEIPTS):
    origin = Origin("gw-1", Log.BILLING, 0)
    note = sign_checkpoint(Checkpoint(origin, 7, EMPTY.root()), KEYS.signer)
    return encode_heads(Heads(0, (StoredHead(origin, 7, note, countersign(note, by, 1)),)))


@pytest.mark.parametrize(
    ("body", "code"),
    [(heads(), ""), (heads(OTHER), "central_key"), (b"hello", "central_other")],
    ids=["central", "another key", "no heads"],
)
def test_only_what_is_signed_counts(body, code) -> None:
    """By the receipt key that the configuration pins."""
    heard = Heard(200, "application/cbor", body, None, 1)
    step = judge_answer(heard, "gw-1", RECEIPTS.verifier, signed=True)
    assert step.code == code
    if not code:
        assert step.facts == {"billing": "7", "telemetry": "0"}


def test_the_question_is_signed_where_the_key_may_be_read() -> None:
    """Else central is asked for what it tells anybody."""
    asked = question_of("gw-1", KEYS.signer)
    check_heads_request("gw-1", asked.headers[REQUEST_HEADER], KEYS.signer.verifier)
    assert question_of("gw-1", None).headers == {}
    heard = Heard(200, "", b"", None, 1)
    step = judge_answer(heard, "gw-1", RECEIPTS.verifier, signed=False)
    assert step.note == "central.unsigned"
