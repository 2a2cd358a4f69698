"""From journal to receipts over a real TLS socket: whatever central does, nothing is lost."""

from __future__ import annotations

import logging
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest

import edge_agent.uplink.uplink
from protocols.evidence.facts import LossReason, parse_loss
from protocols.evidence.leaf import Kind, Leaf, Log, decode_leaf, encode_leaf
from protocols.evidence.note import KeyType, Signer, cosign
from protocols.evidence.upload import (
    EMPTY_HEAD,
    Conflict,
    countersign,
    decode_upload,
    encode_conflict,
    parse_unsent,
)
from tests.edge_agent.gateway import RECEIPTS, wait_until
from tests.edge_agent.ledger_law import read_journal
from tests.edge_agent.tls_central import TIME_S, Fault, Request, TlsCentral, serving
from tests.edge_agent.uplink_rig import Rig, Wish, assert_same, start

FORGER = Signer.from_private_bytes("central", b"f" * 32, KeyType.COSIGNATURE)


@pytest.fixture
def central(tmp_path: Path) -> Iterator[TlsCentral]:
    with serving(tmp_path) as running:
        yield running


def test_everything_arrives_once(tmp_path: Path, central: TlsCentral) -> None:
    """All leaves of both logs are at central, and the rows became receipted batches."""
    rig = start(tmp_path, central)
    rig.record(5)
    assert wait_until(lambda: central.size(Log.TELEMETRY) == 15)
    assert_same(rig.end(), central)
    assert central.connections == 1
    assert central.requests[0][0] is Log.BILLING


def lost_answer(request: Request, body: bytes, central: TlsCentral) -> None:
    central.take(body)
    request.connection.shutdown(socket.SHUT_RDWR)


def lost_request(request: Request, _body: bytes, _central: TlsCentral) -> None:
    request.connection.shutdown(socket.SHUT_RDWR)


def error_500(request: Request, _body: bytes, _central: TlsCentral) -> None:
    request.send(500, b'{"error": "disk full", "remedy": "wait"}', "application/json")


def error_no_json(request: Request, _body: bytes, _central: TlsCentral) -> None:
    request.send(502, b"<html>" + b"x" * 5000)


def forged_receipt(request: Request, body: bytes, _central: TlsCentral) -> None:
    """Central's name, another key."""
    upload = decode_upload(body)
    request.send(200, countersign(upload.checkpoint, FORGER, TIME_S))


def receipt_of_another(request: Request, body: bytes, _central: TlsCentral) -> None:
    """A good receipt, for another checkpoint."""
    upload = decode_upload(body)
    request.send(200, cosign(upload.checkpoint.replace(b"/0\n", b"/1\n", 1), RECEIPTS, TIME_S))


def empty_receipt(request: Request, _body: bytes, _central: TlsCentral) -> None:
    request.send(200, b"")


def redirect(request: Request, _body: bytes, _central: TlsCentral) -> None:
    request.send(308, b"", Location="/v1/upload")


def conflict_of_nonsense(request: Request, _body: bytes, _central: TlsCentral) -> None:
    request.send(409, b"\x83\x00\x01", "application/cbor")


FAULTS = {
    lost_answer: "",
    lost_request: "connection",
    error_500: "disk full; wait",
    error_no_json: "502",
    forged_receipt: "signed by another key",
    receipt_of_another: "",
    empty_receipt: "",
    redirect: "redirect",
    conflict_of_nonsense: "conflict",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_costs_time_only(
    tmp_path: Path, central: TlsCentral, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    """Told with its remedy, tried again, and nothing pruned before a good receipt."""
    caplog.set_level(logging.INFO)
    central.faults.extend([fault, fault])
    rig = start(tmp_path, central)
    rig.record(4)
    assert wait_until(lambda: not central.faults and central.size(Log.TELEMETRY) == 12)
    assert_same(rig.end(), central)
    told = [
        record.message for record in caplog.records if record.name == "edge_agent.uplink.uplink"
    ]
    assert FAULTS[fault] in "".join(told)
    assert any("nothing is lost" in line for line in told)
    assert "central takes leaves again" in told


def test_a_lost_answer_is_caught_up_by_409(tmp_path: Path, central: TlsCentral) -> None:
    """Central had the batch: its leaves are not sent again, and the rows become that batch."""
    rig = start(tmp_path, central, batch_s=60.0)
    assert wait_until(lambda: central.size(Log.BILLING) > 0)
    central.faults.append(lost_answer)
    rig.record(4)
    found = rig.end()
    assert_same(found, central)
    assert [status for _, _, status in central.requests].count(409) == 1


def test_every_answer_is_lost(tmp_path: Path, central: TlsCentral) -> None:
    """A link that loses each receipt still gets everything through: by 409, batch after batch."""

    def lost_receipt(request: Request, body: bytes, _central: TlsCentral) -> None:
        central.faults.append(lost_receipt)
        status, answer = central.take(body)
        if status == 200:
            request.connection.shutdown(socket.SHUT_RDWR)
        else:
            request.send(status, answer)

    central.faults.append(lost_receipt)
    rig = start(tmp_path, central, batch_s=0.05)
    for number in range(1, 7):
        rig.record(1)
        assert wait_until(lambda size=3 * number: rig.receipted(Log.TELEMETRY) == size)
    found = rig.end()
    assert_same(found, central)
    assert [status for _, _, status in central.requests].count(409) > 6


def test_a_central_that_goes_back_again_and_again(
    tmp_path: Path, central: TlsCentral, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not followed in circles: told, and tried again after a pause."""
    rig = start(tmp_path, central, batch_s=0.05)
    heads = []
    for size in (3, 6, 9):
        rig.record(1)
        assert wait_until(lambda size=size: rig.receipted(Log.TELEMETRY) == size)
        heads.append(central.heads[Log.TELEMETRY])

    def circle(request: Request, body: bytes, _central: TlsCentral) -> None:
        """Old heads, validly signed, and never the one that was asked from."""
        central.faults.append(circle)
        upload = decode_upload(body)
        if upload.origin.log is Log.BILLING:
            request.send(*central.take(body))
            return
        head = heads[1] if upload.first == heads[0].frontier.size else heads[0]
        conflict = Conflict(head.frontier.size, head.checkpoint, head.receipt)
        request.send(409, encode_conflict(conflict), "application/cbor")

    central.faults.append(circle)
    rig.record(1)
    assert wait_until(lambda: "again and again" in caplog.text)
    central.faults.clear()
    rig.record(3)
    assert_same(rig.end(), central)


def test_nothing_is_pruned_without_a_receipt(tmp_path: Path, central: TlsCentral) -> None:
    """While receipts do not verify, every leaf stays a row of the journal."""
    central.faults.extend([forged_receipt] * 1000)
    rig = start(tmp_path, central)
    rig.record(3)
    assert wait_until(lambda: len(central.faults) < 998)
    rig.recorder.end()
    rig.recorder.join(5.0)
    found = read_journal(rig.journal.path)
    assert found.receipted == dict.fromkeys(Log, 0)
    assert found.sizes[Log.TELEMETRY] == 9
    central.faults.clear()
    rig.uplink.drain(0.1)
    rig.journal.close()


def test_after_a_lost_link_billing_is_first(tmp_path: Path, central: TlsCentral) -> None:
    """However often either log failed: when the link is back, billing goes before telemetry."""
    order: list[Log] = []

    def note(request: Request, body: bytes, central: TlsCentral) -> None:
        order.append(decode_upload(body).origin.log)
        request.send(*central.take(body))

    central.faults.extend([lost_request] * 5 + [note] * 4)
    rig = start(tmp_path, central)
    rig.record(6)
    assert wait_until(lambda: len(order) >= 2)
    assert order[0] is Log.BILLING
    assert_same(rig.end(), central)


def test_a_key_that_central_no_longer_takes_is_told(
    tmp_path: Path, central: TlsCentral, caplog: pytest.LogCaptureFixture
) -> None:
    """An old image of the disk has the key of before a rotation: nothing is lost, nothing sent."""

    def retired(request: Request, _body: bytes, _central: TlsCentral) -> None:
        request.send(401, b'{"error": "signed by another key", "remedy": "use that key"}')

    central.faults.extend([retired] * 1000)
    rig = start(tmp_path, central)
    rig.record(3)
    assert wait_until(lambda: "enroll it again" in caplog.text)
    assert rig.receipted(Log.TELEMETRY) == 0
    central.faults.clear()
    assert_same(rig.end(), central)


def test_a_batch_too_large_is_halved(tmp_path: Path, central: TlsCentral) -> None:
    """413 makes the next batch smaller, until central takes it."""

    def too_large(request: Request, body: bytes, _central: TlsCentral) -> None:
        leaves = int(decode_upload(body).checkpoint.split(b"\n")[1]) - decode_upload(body).first
        if leaves > 3:
            central.faults.append(too_large)
            request.send(413, b'{"error": "too large", "remedy": "send less"}')
        else:
            request.send(*central.take(body))

    rig = start(tmp_path, central, batch_s=60.0)
    assert wait_until(lambda: central.size(Log.BILLING) > 0)
    rig.record(10)
    central.faults.append(too_large)
    found = rig.end()
    assert wait_until(lambda: not central.faults or central.size(Log.TELEMETRY) == 30)
    assert_same(found, central)


def test_each_upload_says_what_still_waits(tmp_path: Path, central: TlsCentral) -> None:
    """Of billing and of telemetry, once this batch has arrived."""
    rig = start(tmp_path, central, batch_s=60.0)
    assert wait_until(lambda: rig.receipted(Log.BILLING) > 0)
    rig.record(2)
    rig.uplink._lanes[Log.TELEMETRY].most_leaves = 2
    central.unsent.clear()
    rig.end()
    waiting = [parse_unsent(text or "") for text in central.unsent]
    assert [telemetry for billing, telemetry in waiting if billing == 0] == [6, 4, 2, 0]


def test_central_restored_from_a_backup(
    tmp_path: Path, central: TlsCentral, caplog: pytest.LogCaptureFixture
) -> None:
    """What central lost is sent again out of the sealed batches, and loudly said."""
    rig = start(tmp_path, central)
    rig.record(3)
    assert wait_until(lambda: central.size(Log.TELEMETRY) == 9)
    backup = central.backup()
    rig.record(4)
    assert wait_until(lambda: central.size(Log.TELEMETRY) == 21)
    central.restore(*backup)
    rig.record(4)
    assert wait_until(lambda: central.size(Log.TELEMETRY) == 33)
    assert_same(rig.end(), central)
    assert "central lost leaves 9 to 21; they are sent again" in caplog.text


def test_central_that_lost_everything(tmp_path: Path, central: TlsCentral) -> None:
    """An empty central gets both logs from their first leaf."""
    rig = start(tmp_path, central)
    rig.record(3)
    assert wait_until(lambda: central.size(Log.TELEMETRY) == 9)
    central.restore(dict.fromkeys(Log, EMPTY_HEAD), {log: [] for log in Log})
    rig.record(4)  # closes an interval, so that both logs have something new
    assert wait_until(lambda: central.size(Log.TELEMETRY) == 21)
    assert_same(rig.end(), central)


def test_an_alarm_does_not_wait_for_the_batch(tmp_path: Path, central: TlsCentral) -> None:
    """An index that jumps is at central long before the next batch is due."""
    rig = start(tmp_path, central, batch_s=3600.0)
    lane = rig.uplink._lanes[Log.BILLING]
    assert wait_until(lambda: lane.sent_at > 0)
    lane.sent_at -= 60.0  # the last batch was a minute ago
    sent = central.size(Log.BILLING)
    rig.record(1)
    rig.polls.index += 100_000_000
    rig.record(1)
    assert wait_until(lambda: central.size(Log.BILLING) > sent)
    codes = [leaf.body[0] for leaf in central.leaves[Log.BILLING][sent:] if _is_event(leaf)]
    assert "index_jump" in codes
    rig.end()


def _is_event(leaf: Leaf) -> bool:
    return leaf.kind.name == "EVENT"


def test_a_full_batch_does_not_wait(
    tmp_path: Path, central: TlsCentral, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many leaves as one batch holds go at once; fewer wait for their time."""
    monkeypatch.setattr(edge_agent.uplink.uplink, "MOST_LEAVES", 12)
    rig = start(tmp_path, central, batch_s=3600.0)
    assert wait_until(lambda: rig.uplink._lanes[Log.TELEMETRY].due_at > monotonic() + 3000)
    rig.record(3)
    assert central.size(Log.TELEMETRY) == 0
    rig.record(1)
    assert wait_until(lambda: central.size(Log.TELEMETRY) == 12)
    rig.end()


def _taken(central: TlsCentral, log: Log, since: int = 0) -> list[int]:
    """Where each batch begins that central took."""
    asked = central.requests[since:]
    return [first for each, first, status in asked if each is log and status == 200]


def test_a_backlog_goes_in_batches_that_memory_has_room_for(
    tmp_path: Path, central: TlsCentral, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not all that waits is one batch; what waits for its time is no reason to hurry."""
    monkeypatch.setattr(edge_agent.uplink.uplink, "SENT_LEAVES", 12)
    rig = start(tmp_path, central, batch_s=3600.0)
    assert wait_until(lambda: rig.uplink._lanes[Log.TELEMETRY].due_at > monotonic() + 3000)
    rig.record(10)
    assert central.size(Log.TELEMETRY) == 0
    assert_same(rig.end(), central)
    assert _taken(central, Log.TELEMETRY) == [0, 12, 24]


def test_a_large_batch_of_an_older_program_is_caught_up_in_parts(
    tmp_path: Path, central: TlsCentral, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer was lost: central's receipt lets the rows become batches that memory bears."""
    monkeypatch.setattr("edge_agent.uplink.batch_exchange.SENT_LEAVES", 12)
    rig = start(tmp_path, central, batch_s=3600.0)
    assert wait_until(lambda: rig.uplink._lanes[Log.TELEMETRY].due_at > monotonic() + 3000)
    rig.record(10)

    def lose_telemetry(request: Request, body: bytes, _central: TlsCentral) -> None:
        if decode_upload(body).origin.log is Log.TELEMETRY:
            lost_answer(request, body, central)
        else:
            central.faults.append(lose_telemetry)
            request.send(*central.take(body))

    central.faults.append(lose_telemetry)
    assert_same(rig.end(), central)
    with closing(sqlite3.connect(rig.journal.path)) as connection:
        rows = connection.execute("SELECT first, size FROM batch WHERE log = 'telemetry'")
        assert sorted(rows) == [(0, 12), (12, 24), (24, 30)]


def test_what_went_as_one_goes_again_as_one(tmp_path: Path, central: TlsCentral) -> None:
    """Of an older program, larger than what is sent today: the key to seal it may be gone."""
    rig = start(tmp_path, central, batch_s=3600.0)
    assert wait_until(lambda: rig.uplink._lanes[Log.TELEMETRY].due_at > monotonic() + 3000)
    rig.record(10)
    rig.uplink.flush()
    assert wait_until(lambda: rig.receipted(Log.TELEMETRY) == 30)
    rig.uplink._lanes[Log.TELEMETRY].most_leaves = 12
    central.restore(dict.fromkeys(Log, EMPTY_HEAD), {log: [] for log in Log})
    sent = len(central.requests)
    rig.record(4)  # closes an interval, so that both logs have something new
    assert_same(rig.end(), central)
    assert _taken(central, Log.TELEMETRY, sent) == [0, 30]


def test_telemetry_goes_on_when_billing_is_refused(tmp_path: Path, central: TlsCentral) -> None:
    """A refusal concerns one log; the other does not wait for it."""

    def refuse_billing(request: Request, body: bytes, _central: TlsCentral) -> None:
        central.faults.append(refuse_billing)
        if decode_upload(body).origin.log is Log.BILLING:
            request.send(422, b'{"error": "no", "remedy": "mend"}')
        else:
            request.send(*central.take(body))

    central.faults.append(refuse_billing)
    rig = start(tmp_path, central)
    rig.record(3)
    assert wait_until(lambda: central.size(Log.TELEMETRY) == 9)
    assert central.size(Log.BILLING) == 0
    central.faults.clear()
    assert_same(rig.end(), central)


def damage(rig: Rig, seq: int, field: str) -> None:
    """Change a stored leaf such that it can still be read."""
    connection = sqlite3.connect(rig.journal.path, timeout=10.0)
    with connection:
        found = connection.execute("SELECT leaf FROM telemetry WHERE seq = ?", (seq,)).fetchone()
        leaf = decode_leaf(found[0])
        if field == "salt":
            leaf = leaf._replace(salt=bytes(16))
        else:
            leaf = leaf._replace(body=(*leaf.body[:-1], 12345))
        connection.execute("UPDATE telemetry SET leaf = ? WHERE seq = ?", (encode_leaf(leaf), seq))
    connection.close()


@pytest.mark.parametrize("most_leaves", [4, 4096])
@pytest.mark.parametrize("field", ["salt", "body"])
def test_a_damaged_row_is_never_signed(
    tmp_path: Path,
    central: TlsCentral,
    caplog: pytest.LogCaptureFixture,
    most_leaves: int,
    field: str,
) -> None:
    """The leaf hash is the checksum: a row that changed on the disk does not leave the gateway."""
    central.faults.extend([error_500] * 1000)
    rig = start(tmp_path, central, batch_s=0.1)
    rig.uplink._lanes[Log.TELEMETRY].most_leaves = most_leaves
    rig.record(3)
    damage(rig, 7, field)
    asked = len(central.faults)
    assert wait_until(lambda: len(central.faults) <= asked - 4)  # what was cut before is over
    central.faults.clear()  # those before it can be sent
    assert wait_until(lambda: "keep the journal for salvage" in caplog.text)
    assert wait_until(lambda: central.size(Log.BILLING) > 0)
    assert central.size(Log.TELEMETRY) == 7
    rig.uplink.drain(0.1)
    rig.recorder.end()
    rig.recorder.join(5.0)
    rig.journal.close()


def test_a_damaged_row_is_left_behind_as_a_hole(tmp_path: Path, central: TlsCentral) -> None:
    """The recorder is told: all others arrive, and a LOSS leaf names the one that is lost."""
    central.faults.extend([error_500] * 1000)
    rig = start(tmp_path, central, wish=Wish(heals=True))
    rig.record(3)
    damage(rig, 4, "body")
    asked = len(central.faults)
    assert wait_until(lambda: len(central.faults) <= asked - 4)
    central.faults.clear()
    rig.record(2)
    assert wait_until(lambda: central.size(Log.TELEMETRY) == 15)
    assert wait_until(lambda: Kind.LOSS in [leaf.kind for leaf in central.leaves[Log.BILLING]])
    rig.close(5.0)
    assert [leaf.seq for leaf in central.leaves[Log.TELEMETRY]] == [*range(4), *range(5, 15)]
    losses = [
        parse_loss(leaf.body) for leaf in central.leaves[Log.BILLING] if leaf.kind is Kind.LOSS
    ]
    damaged = [loss for loss in losses if loss.reason is LossReason.DAMAGED]
    assert [(loss.log, loss.first, loss.end) for loss in damaged] == [(Log.TELEMETRY, 4, 5)]
