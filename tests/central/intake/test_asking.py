"""Which of a gateway's keys may have signed a request that only reads."""

import json

import pytest

from central.intake.asking import MAX_ASKED, check_asked, unrevoked
from central.key_spans import store_schedule
from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.key_change import Place, sign_change
from protocols.evidence.keys import KeySchedule
from protocols.evidence.leaf import Log
from protocols.evidence.note import Signer
from protocols.evidence.order import sign_request

KEYS = [Signer.from_private_bytes("gw-1", bytes([seed]) * 32) for seed in range(1, 13)]


def rotated(count):
    """A gateway that had so many keys."""
    schedule = KeySchedule.of(KEYS[0].vkey)
    for at in range(1, count):
        change = sign_change(Place(0, 10 * at, at), KEYS[at - 1], KEYS[at])
        schedule = schedule.rotated(change, 0, 10 * at)
    return schedule


def test_retired_keys_may_ask_and_revoked_ones_may_not():
    """Newest first, and not more than are worth a verification each."""
    assert unrevoked(rotated(3)) == [KEYS[2].vkey, KEYS[1].vkey, KEYS[0].vkey]
    assert len(unrevoked(rotated(12))) == MAX_ASKED
    schedule = rotated(3).revoked({Log.BILLING: (0, 99)}).renewed(KEYS[5].vkey, 1)
    assert unrevoked(schedule) == [KEYS[5].vkey]
    with pytest.raises(BadSignature, match="revoked"):
        check_asked([], lambda key: None)


def test_what_is_malformed_is_told_at_once():
    """A header that is no signature is none of any key."""
    tried = []

    def check(key):
        tried.append(key)
        raise Malformed("request: not base64")

    with pytest.raises(Malformed):
        check_asked([KEYS[0].vkey, KEYS[1].vkey], check)
    assert len(tried) == 1


@pytest.mark.parametrize(("which", "status"), [(2, 200), (1, 200), (0, 401), (3, 401)])
def test_orders_are_told_to_the_key_in_force_and_the_one_before(central, made, which, status):
    """During a rotation either side may be ahead by one key; an older one may be anybody's."""
    central.register(made.Gateway())
    with central.store.writer.begin() as conn:
        store_schedule(conn, rotated(3), 5)
    answer = central.intake.orders("gw-1", b"after=0", sign_request("gw-1", 0, KEYS[which]))
    assert answer.status == status
    if status == 401:
        assert all(json.loads(answer.body).values())
