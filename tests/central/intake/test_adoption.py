"""Central restored from an older backup: the range comes again, or its end is adopted."""

import json

import pytest
from sqlalchemy import select

from central.intake.alarms import IntakeCode, intake_alarms
from central.intake.budget import BURST
from central.intake.log import append_hole, registered
from central.registry import Who, revoke
from central.store.database import DATABASE_NAME
from central.store.log_tables import batch, head
from central.store.registry_tables import hole
from protocols.evidence.adopt import Adopted, Adoption, encode_adoption
from protocols.evidence.leaf import Log
from protocols.evidence.merkle import Frontier
from protocols.evidence.note import KeyType, Signer, cosign
from protocols.evidence.upload import Head, Receipt, decode_conflict, decode_upload

BILLING, TELEMETRY = Log.BILLING, Log.TELEMETRY


class Restored:
    """Central that received 60 leaves, and was restored from a copy of when it had 20."""

    def __init__(self, made, tmp_path, gateway):
        before = made.Central(tmp_path / "before")
        before.register(gateway)
        before.send(gateway, TELEMETRY, 20)
        before.store.close()
        (tmp_path / "after").mkdir()
        for path in (tmp_path / "before").iterdir():
            (tmp_path / "after" / path.name).write_bytes(path.read_bytes())
        whole = made.Central(tmp_path / "before")
        whole.now_ms += 100_000
        whole.send(gateway, TELEMETRY, 60, cut=20)
        with whole.store.engine.connect() as conn:
            self.rows = [tuple(row)[:6] for row in conn.execute(select(batch))]
            self.receipt = conn.scalar(select(head.c.receipt))
        whole.close()
        self.central = made.Central(tmp_path / "after")
        self.central.now_ms += 200_000
        self.gateway = gateway

    def adoption(self, size=60):
        return Adoption(
            self.gateway.origin(TELEMETRY),
            self.gateway.frontier(TELEMETRY, size),
            decode_upload(self.gateway.upload(TELEMETRY, 40, size)).checkpoint,
            self.receipt,
        )

    def adopt(self, **changes):
        return self.central.intake.adopt(encode_adoption(self.adoption()._replace(**changes)))

    def head(self):
        with self.central.store.engine.connect() as conn:
            return conn.execute(select(head)).one()


@pytest.fixture
def restored(made, tmp_path, polled):
    found = Restored(made, tmp_path, polled)
    yield found
    found.central.close()


def test_the_range_comes_again_and_the_log_is_the_same(restored, polled):
    """409 names the older size; sent again, the stored batches are those of before, no alarm."""
    central = restored.central
    assert (central.store.directory / DATABASE_NAME).exists()
    answer = central.intake.receive(polled.upload(TELEMETRY, 60))
    assert decode_conflict(answer.body).size == 20
    central.send(polled, TELEMETRY, 60, cut=20)
    with central.store.engine.connect() as conn:
        assert [tuple(row)[:6] for row in conn.execute(select(batch))] == restored.rows
    assert central.intake.receive(polled.upload(TELEMETRY, 60)).status == 200
    assert central.ask(intake_alarms) == []


def test_what_was_pruned_is_adopted_as_a_hole(restored, polled):
    """The head moves on, the hole is a row and an alarm, uploads go on behind it."""
    central = restored.central
    answer = restored.adopt()
    assert (answer.status, answer.body) == (200, restored.receipt)
    assert central.woken.is_set()
    with central.store.engine.connect() as conn:
        [row] = conn.execute(select(hole)).all()
    assert (row.gateway, row.log, row.epoch, row.first, row.end, row.why) == (
        "gw-1", "telemetry", 0, 20, 60, "lost-at-central",
    )  # fmt: skip
    [alarm] = central.ask(intake_alarms)
    assert (alarm.code, alarm.size) == (IntakeCode.LOST_AT_CENTRAL, 60)
    assert "leaves 20 to 59" in alarm.detail
    again = central.intake.receive(polled.upload(TELEMETRY, 40, 60))
    assert decode_conflict(again.body).receipt == restored.receipt
    central.send(polled, TELEMETRY)
    assert restored.head().size == 84
    assert restored.head().frontier == polled.frontier(TELEMETRY, 84).to_bytes()


def test_a_lost_answer_is_harmless(restored):
    """The same adoption again gets the same receipt, and one hole stays one."""
    restored.adopt()
    answer = restored.adopt()
    assert (answer.status, answer.body) == (200, restored.receipt)
    with restored.central.store.engine.connect() as conn:
        assert len(conn.execute(select(hole)).all()) == 1


def test_a_fork_at_an_adopted_size_is_still_found(restored, polled, made):
    """The adopted checkpoint is evidence like a batch's."""
    restored.adopt()
    restored.central.send(polled, TELEMETRY)
    forked = made.Gateway().configure(made.config("R1"), made.config("R2"))
    for _ in range(14):
        forked.poll(counts=1)
    assert restored.central.intake.receive(forked.upload(TELEMETRY, 50, 60)).status == 403


def stranger(restored):
    return {"receipt": cosign(
        restored.adoption().checkpoint,
        Signer.from_private_bytes("central", b"x" * 32, KeyType.COSIGNATURE), 5,
    )}  # fmt: skip


def of_other_leaves(restored):
    frontier = restored.adoption().frontier
    return {"frontier": Frontier(60, (bytes(32), *frontier.hashes[1:]))}


def of_a_forger(restored):
    restored.gateway.signer = Signer.from_private_bytes("gw-1", b"z" * 32)
    return {"checkpoint": restored.adoption().checkpoint}


@pytest.mark.parametrize(
    ("change", "status"), [(stranger, 401), (of_other_leaves, 422), (of_a_forger, 401)]
)
def test_only_our_own_receipt_of_this_very_tree_is_believed(restored, change, status):
    """Anything else moves no head."""
    answer = restored.adopt(**change(restored))
    assert answer.status == status
    assert all(json.loads(answer.body).values())
    assert restored.head().size == 20


def test_an_adoption_that_was_overtaken_is_judged_again(restored, polled):
    """Judged before the head moved, or before a key was revoked, it moves nothing."""
    central = restored.central
    entry = central.ask(registered, "gw-1")
    adoption = restored.adoption()
    head = Head(adoption.frontier, adoption.checkpoint, adoption.receipt)
    adopted = Adopted(head, 20, Receipt(60, bytes(32), 5))
    origin = polled.origin(TELEMETRY)

    def append(of):
        with central.store.writer.begin() as conn:
            return append_hole(conn, of, origin, adopted, 5)

    assert not append(entry._replace(stopped_reason="stopped"))
    central.send(polled, TELEMETRY, 40)
    assert not append(entry)
    assert restored.head().size == 40


def test_a_forged_adoption_is_alarmed_and_costs_the_gateway_nothing(restored, polled):
    """Whoever has no key of the gateway cannot use up its budget either."""
    forged = encode_adoption(restored.adoption()._replace(**of_a_forger(restored)))
    for _ in range(BURST + 1):
        assert restored.central.intake.adopt(forged).status == 401
    [alarm] = restored.central.ask(intake_alarms)
    assert alarm.code == IntakeCode.FORGED
    restored.gateway.signer = Signer.from_private_bytes("gw-1", (b"gw-1" * 32)[:32])
    assert restored.adopt().status == 200


def test_another_history_is_not_adopted(restored, made):
    """A fork whose end had a receipt contradicts what central holds: the gateway is stopped."""
    forked = made.Gateway().configure(made.config("R1"), made.config("R2"))
    for _ in range(14):
        forked.poll(counts=1)
    checkpoint = decode_upload(forked.upload(TELEMETRY, 20, 28)).checkpoint
    answer = restored.adopt(
        frontier=forked.frontier(TELEMETRY, 28),  # of 28 and our 20 leaves 16 are one subtree
        checkpoint=checkpoint,
        receipt=cosign(checkpoint, restored.central.cosigner, 5),
    )
    assert answer.status == 403
    assert "equivocation" in restored.central.ask(registered, "gw-1").stopped_reason
    assert restored.head().size == 20


def test_who_may_not_upload_may_not_adopt(restored, made):
    """Unknown, with another's certificate, revoked, in a closed epoch, or no adoption at all."""
    central = restored.central
    assert central.intake.adopt(b"\x80").status == 400
    data = encode_adoption(restored.adoption())
    assert central.intake.adopt(data, "gw-2").status == 403
    central.send(made.Gateway(epoch=2).configure(made.config()), BILLING)
    assert central.intake.adopt(data).status == 410
    revoke(central.store, "gw-1", {}, lambda: 1, Who("Li", "stolen"))
    assert central.intake.adopt(data).status == 401
    with central.store.engine.connect() as conn:
        assert conn.execute(select(hole)).all() == []
