"""Uploads judged, stored and countersigned, on a real store."""

import json
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from central.intake.budget import REFILL_EACH_MS
from central.intake.service import Intake
from central.ledger.queries import gateways
from central.receipt_keys import ReceiptKeys
from central.store.log_tables import batch, equivocation, head, quarantine, refusal
from protocols.evidence.leaf import Log
from protocols.evidence.note import KeyType, Signer
from protocols.evidence.upload import (
    check_conflict,
    check_receipt,
    decode_conflict,
    decode_upload,
)

BILLING, TELEMETRY = Log.BILLING, Log.TELEMETRY


def count(central, table):
    with central.store.engine.connect() as conn:
        return conn.scalar(select(func.count()).select_from(table))


def told(answer):
    """Reason and remedy of a refusal."""
    assert answer.content_type == b"application/json"
    body = json.loads(answer.body)
    assert set(body) == {"error", "remedy"}
    assert all(body.values())
    return body["error"]


def test_an_upload_is_stored_and_countersigned(central, polled):
    """The receipt verifies for the checkpoint that was sent, and is kept beside the very bytes."""
    central.register(polled)
    body = polled.upload(TELEMETRY, 0)
    answer = central.intake.receive(body)
    assert answer.status == 200
    checkpoint = decode_upload(body).checkpoint
    receipt = check_receipt(checkpoint, answer.body, central.cosigner.verifier)
    assert receipt.size == len(polled.leaves[TELEMETRY])
    assert receipt.time_s == central.now_ms // 1000
    with central.store.engine.connect() as conn:
        stored = conn.execute(select(batch)).one()
        assert (stored.upload, stored.receipt) == (body, answer.body)
        assert stored.readings == 14 * 2 * (2 + 1 + 4)
        assert conn.execute(select(head.c.size, head.c.receipt)).one() == (84, answer.body)
    assert central.woken.is_set()


def test_nothing_is_signed_before_it_is_stored(central, polled):
    """When the receipt key signs, another connection already sees the batch and the moved head."""
    seen = []

    class Watching(Signer):
        def sign(self, message):
            seen.append((count(central, batch), count(central, head)))
            return super().sign(message)

    central.register(polled)
    signer = Watching.from_private_bytes("central", b"c" * 32, KeyType.COSIGNATURE)
    intake = Intake(
        central.store, lambda: ReceiptKeys.of(signer), lambda: central.now_ms, lambda: None
    )
    assert intake.receive(polled.upload(BILLING, 0)).status == 200
    assert seen == [(1, 1)]


def test_a_repeated_upload_is_told_where_the_log_stands(central, polled):
    """409 carries size, checkpoint and receipt, which the gateway can verify and go on from."""
    central.register(polled)
    body = polled.upload(TELEMETRY, 0, 30)
    receipt = central.intake.receive(body).body
    for again in (body, polled.upload(TELEMETRY, 0, 50), polled.upload(TELEMETRY, 40)):
        answer = central.intake.receive(again)
        assert answer.status == 409
        conflict = decode_conflict(answer.body)
        assert conflict == (30, decode_upload(body).checkpoint, receipt)
        stored = check_conflict(
            conflict,
            polled.origin(TELEMETRY),
            lambda size: polled.frontier(TELEMETRY, size).root(),
            polled.signer.verifier,
            central.cosigner.verifier,
        )
        assert stored.size == 30
    assert count(central, batch) == 1


def test_an_upload_from_beyond_an_empty_log_is_told_size_0(central, polled):
    """Central that has nothing says so, without checkpoint or receipt."""
    central.register(polled)
    answer = central.intake.receive(polled.upload(TELEMETRY, 5))
    assert answer.status == 409
    assert decode_conflict(answer.body) == (0, b"", b"")


@pytest.mark.parametrize("first", [0, 30])
def test_of_equal_uploads_at_one_time_one_is_accepted(central, polled, first):
    """Four threads with the same batch: one 200, three 409, and all with the one receipt."""
    central.register(polled)
    central.send(polled, TELEMETRY, size=first)
    body = polled.upload(TELEMETRY, first)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(central.intake.receive, [body] * 4))
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    [accepted] = [answer.body for answer in answers if answer.status == 200]
    for answer in answers:
        if answer.status == 409:
            assert decode_conflict(answer.body).receipt == accepted
    assert count(central, batch) == (2 if first else 1)


def test_however_batches_are_cut_and_repeated_the_log_is_the_same(central, polled):
    """Random cuts, repetitions and orders from several threads: every leaf once, in order."""
    central.register(polled)
    choice = random.Random(7)
    end = len(polled.leaves[TELEMETRY])
    bodies = [
        polled.upload(TELEMETRY, first, min(first + choice.randint(1, 20), end))
        for first in range(end)
        for _ in range(2)
    ]

    def post_until_done(seed):
        order = random.Random(seed)
        while central.sent(polled, TELEMETRY) < end:
            assert central.intake.receive(order.choice(bodies)).status in (200, 409)

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(post_until_done, range(3)))
    stored = list(central.reader.leaves(polled.origin(TELEMETRY), 0, end))
    assert stored == polled.leaves[TELEMETRY]


def test_a_receipt_that_a_kill_prevented_is_given_later(central, polled):
    """A batch that was committed and not countersigned gets its receipt on 409, or at the start."""
    central.register(polled)
    body = polled.upload(TELEMETRY, 0)

    def forget():
        with central.store.writer.begin() as conn:
            conn.execute(update(batch).values(receipt=None))
            conn.execute(update(head).values(receipt=None))

    central.intake.receive(body)
    forget()
    conflict = decode_conflict(central.intake.receive(body).body)
    check_receipt(conflict.checkpoint, conflict.receipt, central.cosigner.verifier)
    forget()
    assert central.intake.complete_receipts() == 1
    assert central.intake.complete_receipts() == 0
    with central.store.engine.connect() as conn:
        receipt = conn.scalar(select(batch.c.receipt))
        assert conn.scalar(select(head.c.receipt)) == receipt
    check_receipt(conflict.checkpoint, receipt, central.cosigner.verifier)


@pytest.mark.parametrize("log", [BILLING, TELEMETRY])
def test_any_flipped_bit_is_refused(central, polled, log):
    """Of a sample of all one-bit damages of a real upload, none is stored or receipted."""
    central.register(polled)
    body = polled.upload(log, 0)
    for bit in random.Random(11).sample(range(8 * len(body)), 800):
        damaged = bytearray(body)
        damaged[bit // 8] ^= 1 << bit % 8
        central.now_ms += REFILL_EACH_MS
        answer = central.intake.receive(bytes(damaged))
        assert answer.status in (400, 401, 409, 422), (bit, answer)
    assert (count(central, batch), count(central, head)) == (0, 0)
    assert central.intake.receive(body).status == 200


def test_an_unregistered_gateway_is_refused(central, polled):
    """Without an entry in the allow-list nothing is verified or stored."""
    answer = central.intake.receive(polled.upload(BILLING, 0))
    assert answer.status == 401
    assert "gw-1 is not registered" in told(answer)
    assert count(central, batch) == 0


def test_another_key_is_refused(central, polled, made):
    """A log signed by a key other than the registered one is nobody's."""
    central.register(polled)
    polled.signer = Signer.from_private_bytes("gw-1", b"z" * 32)
    answer = central.intake.receive(polled.upload(BILLING, 0))
    assert answer.status == 401
    told(answer)


def test_garbage_is_refused_with_a_reason(central):
    """What is no upload at all is 400."""
    for body in (b"", b"\x80", b"\xff" * 100, b"{}"):
        answer = central.intake.receive(body)
        assert answer.status == 400
        told(answer)


def test_two_signed_roots_for_one_size_stop_the_gateway(central, polled, made):
    """Equivocation: both checkpoints are kept, every later upload is 403, others go on."""
    central.register(polled)
    central.send(polled, TELEMETRY, size=30)
    central.send(polled, TELEMETRY)
    forked = made.Gateway().configure(made.config("R1"), made.config("R2"))
    for _ in range(14):
        forked.poll(counts=1)
    for size in (30, 84):
        answer = central.intake.receive(forked.upload(TELEMETRY, 0, size))
        assert answer.status == 403
        told(answer)
    with central.store.engine.connect() as conn:
        [proof] = conn.execute(select(equivocation)).all()
    assert proof.size == 30
    assert proof.ours == decode_upload(polled.upload(TELEMETRY, 0, 30)).checkpoint
    assert proof.theirs == decode_upload(forked.upload(TELEMETRY, 0, 30)).checkpoint
    assert "stopped" in told(central.intake.receive(polled.upload(BILLING, 0)))
    assert count(central, batch) == 2
    other = made.Gateway("gw-2").configure(made.config("R1"))
    central.register(other)
    assert central.intake.receive(other.upload(BILLING, 0)).status == 200


def test_refused_uploads_are_sampled_and_counted(central, polled):
    """A flood of refusals leaves one sample a second and status, with an exact count."""
    for second in range(3):
        for _ in range(50):
            central.intake.receive(b"garbage")
            central.intake.receive(polled.upload(BILLING, 0, 1))
        central.now_ms += 1000 + second
    central.intake.close()
    with central.store.engine.connect() as conn:
        counts = dict(conn.execute(select(refusal.c.status, refusal.c.uploads)).all())
        samples = conn.execute(select(quarantine).order_by(quarantine.c.number)).all()
    assert counts == {400: 150, 401: 150}
    assert [sample.status for sample in samples] == [400, 401] * 3
    assert samples[0].sample == b"garbage"
    assert samples[1].gateway == "gw-1"
    assert "not registered" in samples[1].reason


def test_what_still_waits_is_the_gateways_word(central, polled):
    """The last accepted upload tells what waits at the gateway; a refused one tells nothing."""
    central.register(polled)

    def unsent():
        row = central.ask(gateways)[0]
        return row.unsent_billing, row.unsent_telemetry

    assert unsent() == (None, None)
    assert central.intake.receive(polled.upload(TELEMETRY, 0), (3, 480)).status == 200
    assert unsent() == (3, 480)
    assert central.intake.receive(polled.upload(TELEMETRY, 0), (9, 9)).status == 409
    assert unsent() == (3, 480)
    assert central.intake.receive(polled.upload(BILLING, 0)).status == 200
    assert unsent() == (None, None)
