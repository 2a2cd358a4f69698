"""GET /v1/heads: what central holds of a gateway, to that gateway only."""

import json

import pytest
from sqlalchemy import update

from central.intake.alarms import intake_alarms
from central.registry import Who, revoke
from central.store.log_tables import batch, head
from protocols.evidence.heads import decode_heads, sign_heads_request
from protocols.evidence.leaf import Log
from protocols.evidence.note import Signer
from protocols.evidence.upload import check_receipt, decode_upload

BILLING, TELEMETRY = Log.BILLING, Log.TELEMETRY


@pytest.fixture
def ask(central):
    def run(gateway, signer=None, identity=None):
        header = sign_heads_request(gateway.name, signer or gateway.signer)
        return central.intake.heads(gateway.name, header, identity)

    return run


def told(answer):
    assert answer.status == 200, answer
    return decode_heads(answer.body, "gw-1")


def test_a_gateway_that_never_uploaded_has_none(central, polled, ask):
    """No epoch, no head."""
    central.register(polled)
    assert told(ask(polled)) == (None, ())


def test_heads_can_be_verified(central, polled, ask):
    """Each with the gateway's checkpoint and central's receipt; a missing receipt is made."""
    central.register(polled)
    central.send(polled, TELEMETRY, 30)
    with central.store.writer.begin() as conn:
        conn.execute(update(batch).values(receipt=None))
        conn.execute(update(head).values(receipt=None))
    heads = told(ask(polled))
    assert (heads.newest_epoch, heads.of(BILLING)) == (0, None)
    stored = heads.of(TELEMETRY)
    assert stored.size == 30
    assert stored.checkpoint == decode_upload(polled.upload(TELEMETRY, 0, 30)).checkpoint
    check_receipt(stored.checkpoint, stored.receipt, central.cosigner.verifier)


def test_only_the_newest_epoch_is_told(central, polled, made, ask):
    """What is closed is nobody's to go on with."""
    central.register(polled)
    central.send(polled, TELEMETRY)
    later = made.Gateway(epoch=3).configure(made.config())
    central.send(later, BILLING)
    heads = told(ask(polled))
    assert heads.newest_epoch == 3
    assert [str(one.origin) for one in heads.heads] == ["gas-evidence/gw-1/billing/3"]


def test_it_is_told_to_the_gateway_only(central, polled, ask):
    """Another key, an unknown gateway, a revoked key, another certificate: nothing."""
    assert ask(polled).status == 401
    central.register(polled)
    assert ask(polled, Signer.from_private_bytes("gw-1", b"z" * 32)).status == 401
    assert central.intake.heads("gw-1", "").status == 401
    assert central.intake.heads("../x", "").status == 400
    assert ask(polled, identity="gw-1").status == 200
    assert ask(polled, identity="gw-2").status == 403
    assert [one.code for one in central.ask(intake_alarms)] == ["wrong-origin"]
    revoke(central.store, "gw-1", {}, lambda: 1, Who("Li", "stolen"))
    answer = ask(polled)
    assert answer.status == 401
    assert "revoked" in json.loads(answer.body)["error"]
