"""A key is rotated by the batch that ends with a KEY leaf, in its own transaction."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from types import SimpleNamespace

import pytest

from central.intake.alarms import intake_alarms
from central.intake.service import Intake
from central.key_spans import acts, load_schedule
from central.receipt_keys import ReceiptKeys
from central.registry import RegistryError, Who, restore_keys
from central.store.database import open_store
from protocols.evidence.heads import sign_heads_request
from protocols.evidence.key_change import KeyChange, Place, sign_change
from protocols.evidence.keys import KeySchedule
from protocols.evidence.leaf import NO_REFERENCE, Kind, Log, Was
from protocols.evidence.note import Signer

BILLING, TELEMETRY = Log.BILLING, Log.TELEMETRY
NEW = Signer.from_private_bytes("gw-1", b"n" * 32)


@pytest.fixture
def rotating(central, polled):
    """A gateway that sent 30 scans and changes its key now; more follows under the new one."""
    central.register(polled)
    central.send(polled, TELEMETRY, 30)
    return SimpleNamespace(gateway=polled, old=polled.signer, central=central)


def change(rotating, old=None, new=NEW, telemetry=30):
    """Append the KEY leaf; its seq."""
    gateway = rotating.gateway
    seq = len(gateway.leaves[BILLING])
    body = sign_change(Place(0, seq, telemetry), old or rotating.old, new).to_body()
    return gateway.add(Kind.KEY, "", NO_REFERENCE, body)


def send(rotating, log, first, end=None, signer=None):
    rotating.gateway.signer = signer or rotating.old
    return rotating.central.intake.receive(rotating.gateway.upload(log, first, end))


def newest(rotating):
    return rotating.central.ask(load_schedule, "gw-1").newest


def test_beyond_the_boundary_the_new_key_signs_and_no_other(rotating):
    """Up to it the old one, in both logs; the act is kept; repeated batches are still known."""
    seq = change(rotating)
    rotating.gateway.add(Kind.EVENT, "", NO_REFERENCE, ("agent_started", 0, 0, "", ""))
    assert send(rotating, BILLING, 0, seq + 1, NEW).status == 401
    assert send(rotating, BILLING, 0, seq + 1).status == 200
    assert newest(rotating) == NEW.vkey
    assert rotating.central.ask(acts, "gw-1")[-1].act == "rotated"
    assert send(rotating, BILLING, 0, seq + 1).status == 409
    assert send(rotating, BILLING, seq + 1).status == 401
    assert send(rotating, TELEMETRY, 30).status == 401
    assert send(rotating, BILLING, seq + 1, signer=NEW).status == 200
    assert send(rotating, TELEMETRY, 30, signer=NEW).status == 200
    assert send(rotating, TELEMETRY, 0, 30, signer=NEW).status == 401
    codes = {one.code for one in rotating.central.ask(intake_alarms)}
    assert codes == {"forged", "revoked-key"}


def test_telemetry_up_to_its_boundary_may_come_after_the_change(rotating):
    """Money first: the scans of before follow under the old key."""
    seq = change(rotating, telemetry=84)
    assert send(rotating, BILLING, 0, seq + 1).status == 200
    assert send(rotating, TELEMETRY, 30).status == 200


def test_after_a_restored_backup_an_operator_tells_the_newer_key(rotating):
    """The gateway's own text of its keys: then it may ask again, and its batches come as they were.

    The KEY leaf arrives after that, under the old key, and changes nothing more.
    """
    seq = change(rotating)
    before = rotating.central.ask(load_schedule, "gw-1")
    body = rotating.gateway.leaves[BILLING][seq].body
    text = before.rotated(KeyChange.from_body(body), 0, seq).to_text()
    asked = sign_heads_request("gw-1", NEW)
    assert rotating.central.intake.heads("gw-1", asked).status == 401
    who = Who("Li Wei", "restored from Monday")
    other = KeySchedule.of(NEW.vkey).to_text()
    with pytest.raises(RegistryError, match="not the beginning"):
        restore_keys(rotating.central.store, "gw-1", other, lambda: 5, who)
    restore_keys(rotating.central.store, "gw-1", text, lambda: 5, who)
    with pytest.raises(RegistryError, match="stored already"):
        restore_keys(rotating.central.store, "gw-1", text, lambda: 5, who)
    assert rotating.central.intake.heads("gw-1", asked).status == 200
    assert send(rotating, BILLING, 0, seq + 1).status == 200
    assert rotating.central.ask(load_schedule, "gw-1").to_text() == text
    assert send(rotating, TELEMETRY, 30, signer=NEW).status == 200
    assert [one.act for one in rotating.central.ask(acts, "gw-1")] == ["added", "keys-restored"]


def test_a_key_leaf_inside_a_batch_is_refused(rotating):
    """With the remedy; cut behind it, it is taken."""
    seq = change(rotating)
    rotating.gateway.add(Kind.EVENT, "", NO_REFERENCE, ("agent_started", 0, 0, "", ""))
    answer = send(rotating, BILLING, 0)
    assert answer.status == 422
    told = json.loads(answer.body)
    assert f"KEY leaf at {seq}" in told["error"]
    assert "end a batch with the KEY leaf" in told["remedy"]
    assert newest(rotating) == rotating.old.vkey
    assert send(rotating, BILLING, 0, seq + 1).status == 200


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"old": Signer.from_private_bytes("gw-1", b"q" * 32)}, 401),
        ({"telemetry": 29}, 422),
    ],
    ids=["another old key", "telemetry that was sent is left out"],
)
def test_a_wrong_change_changes_nothing(rotating, wrong, status):
    """Refused and alarmed; the key stays what it was."""
    change(rotating, **wrong)
    assert send(rotating, BILLING, 0).status == status
    assert newest(rotating) == rotating.old.vkey
    [alarm] = rotating.central.ask(intake_alarms)
    assert alarm.code == "key-change"


def test_what_is_no_change_is_refused(rotating):
    """A KEY leaf with another body is told."""
    rotating.gateway.add(Kind.KEY, "", NO_REFERENCE, ("not", "a", "change"))
    assert send(rotating, BILLING, 0).status == 422
    assert newest(rotating) == rotating.old.vkey


def test_a_change_that_only_one_key_signed_is_refused(rotating):
    """Whoever has the old key alone cannot bring in a key that he does not hold, or the reverse."""
    gateway = rotating.gateway
    seq = len(gateway.leaves[BILLING])
    good = sign_change(Place(0, seq, 30), rotating.old, NEW)
    body = good._replace(signature_new=good.signature_old).to_body()
    gateway.add(Kind.KEY, "", NO_REFERENCE, body)
    assert send(rotating, BILLING, 0).status == 401
    assert newest(rotating) == rotating.old.vkey


def test_a_key_leaf_that_was_appended_again_is_history(central, made):
    """Its numbers are of another epoch: it rotates nothing, wherever it stands."""
    gateway = made.Gateway(epoch=1).configure(made.config())
    central.register(gateway)
    body = sign_change(Place(0, 3, 0), gateway.signer, NEW).to_body()
    gateway.add(Kind.KEY, "", NO_REFERENCE, body, was=Was(0, 3, b"h" * 32))
    gateway.add(Kind.EVENT, "", NO_REFERENCE, ("agent_started", 0, 0, "", ""))
    central.send(gateway, BILLING)
    assert central.ask(load_schedule, "gw-1").newest == gateway.signer.vkey


def test_two_workers_rotate_once(rotating):
    """However two processes race for the batches of both logs, each leaf comes once, by its key."""
    seq = change(rotating, telemetry=50)
    rotating.gateway.add(Kind.EVENT, "", NO_REFERENCE, ("agent_started", 0, 0, "", ""))
    gateway, central = rotating.gateway, rotating.central
    ends = {BILLING: [0, 4, 9, seq + 1, seq + 2], TELEMETRY: [30, 40, 50, 70, 84]}
    bodies = []
    for log, cuts in ends.items():
        for first, end in pairwise(cuts):
            is_new = end > {BILLING: seq + 1, TELEMETRY: 50}[log]
            gateway.signer = NEW if is_new else rotating.old
            bodies.append(gateway.upload(log, first, end))
    another = open_store(central.store.directory)
    keys = ReceiptKeys.of(central.cosigner)
    second = Intake(another, lambda: keys, lambda: central.now_ms, lambda: None)

    def work(number):
        order = random.Random(number)
        intake = (central.intake, second)[number % 2]
        while any(central.sent(gateway, log) < cuts[-1] for log, cuts in ends.items()):
            status = intake.receive(order.choice(bodies)).status
            assert status in (200, 401, 409), status

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    second.close()
    another.close()
    for log in ends:
        stored = central.reader.leaves(gateway.origin(log), 0, ends[log][-1])
        assert list(stored) == gateway.leaves[log]
    assert [one.act for one in central.ask(acts, "gw-1")] == ["added", "rotated"]
