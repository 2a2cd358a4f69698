"""Before the first upload: whatever happened to the journal, central is never contradicted."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.keys.keys import Keys
from edge_agent.uplink.gate import CLONE_SUSPECTED, LOST_AT_CENTRAL
from edge_agent.uplink.standstill import FILE_NAME
from protocols.evidence.facts import EpochReason, parse_epoch
from protocols.evidence.heads import Heads, StoredHead, encode_heads
from protocols.evidence.leaf import Kind, Leaf, Log
from protocols.evidence.note import KeyType, Signer, cosign, unverified_checkpoint
from protocols.evidence.upload import EMPTY_HEAD
from tests.edge_agent.gateway import GATEWAY, KEYS, wait_until
from tests.edge_agent.tls_central import Request, TlsCentral, serving
from tests.edge_agent.uplink_rig import Rig, Wish, assert_same, start

GATED = Wish(gated=True)


@pytest.fixture
def central(tmp_path: Path) -> Iterator[TlsCentral]:
    with serving(tmp_path) as running:
        yield running


def codes(leaves: list[Leaf]) -> list[object]:
    """Of all events, in order."""
    return [leaf.body[0] for leaf in leaves if leaf.kind is Kind.EVENT]


def sent(rig: Rig, central: TlsCentral, rounds: int) -> None:
    """Rounds, until all of their scans are at central."""
    size = rig.reader.state(Log.TELEMETRY).frontier.size + 3 * rounds
    rig.record(rounds)
    assert wait_until(
        lambda: central.size(Log.TELEMETRY) >= size and rig.receipted(Log.TELEMETRY) >= size
    )


def image(tmp_path: Path, name: str) -> Path:
    """A copy of the state directory's journal, as an image of the disk has it."""
    copy = tmp_path / name
    copy.mkdir()
    for path in (tmp_path / "state").iterdir():
        if path.is_file():
            shutil.copy(path, copy / path.name)
    return copy


def put_back(copy: Path, state: Path) -> None:
    shutil.rmtree(state)
    shutil.copytree(copy, state)


def test_central_is_asked_once_before_the_first_upload(tmp_path: Path, central: TlsCentral) -> None:
    """A new gateway, and one that goes on where it was."""
    rig = start(tmp_path, central, wish=GATED)
    sent(rig, central, 2)
    rig.close(5.0)
    rig = start(tmp_path, central, wish=GATED)
    sent(rig, central, 2)
    assert_same(rig.end(), central)
    assert (central.heads_asked, central.epoch) == (2, 0)


def test_an_old_image_of_the_disk(tmp_path: Path, central: TlsCentral) -> None:
    """A journal that central is ahead of begins a new epoch, cites central, and loses nothing."""
    rig = start(tmp_path, central, wish=GATED)
    sent(rig, central, 2)
    rig.close(5.0)
    copy = image(tmp_path, "copy")
    rig = start(tmp_path, central, wish=GATED)
    sent(rig, central, 3)
    rig.close(5.0)
    old = central.leaves
    put_back(copy, tmp_path / "state")
    rig = start(tmp_path, central, wish=Wish(gated=True, offset=500))
    assert wait_until(lambda: central.epoch == 1)
    rig.record(2)
    assert wait_until(lambda: central.size(Log.TELEMETRY) == 6)
    rig.close(5.0)
    assert central.earlier[0] == old
    first = central.leaves[Log.BILLING][0]
    body = parse_epoch(first.body)
    assert (first.kind, body.reason, body.old_epoch) == (Kind.EPOCH, EpochReason.SET_BACK, 0)
    assert {cited.log: cited.size for cited in body.citations} == {
        log: len(old[log]) for log in Log
    }


def test_a_forked_journal(tmp_path: Path, central: TlsCentral) -> None:
    """As many leaves, but others: never a second root of one size."""
    rig = start(tmp_path, central, wish=GATED)
    sent(rig, central, 2)
    rig.close(5.0)
    copy = image(tmp_path, "copy")
    rig = start(tmp_path, central, wish=GATED)
    sent(rig, central, 1)
    rig.close(5.0)
    put_back(copy, tmp_path / "state")
    elsewhere = TlsCentral()
    elsewhere.url = "https://localhost:1"  # no link: it records without central
    rig = start(tmp_path, elsewhere, wish=Wish(gated=True, offset=500))
    rig.record(9)
    rig.close()
    rig = start(tmp_path, central, wish=GATED)
    assert wait_until(lambda: central.epoch == 1 and central.size(Log.TELEMETRY) == 27)
    rig.close(5.0)
    body = parse_epoch(central.leaves[Log.BILLING][0].body)
    assert body.reason is EpochReason.FORKED
    assert all(leaf.was is not None for leaf in central.leaves[Log.TELEMETRY])


@pytest.fixture
def clone(tmp_path: Path, central: TlsCentral) -> Iterator[Rig]:
    """A gateway that runs while a copy of its disk was started elsewhere, and has taken over."""
    rig = start(tmp_path, central, wish=GATED)
    sent(rig, central, 2)
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(tmp_path / "ca.pem", other / "ca.pem")
    rig.close(5.0)
    shutil.copytree(tmp_path / "state", other / "state")
    rig = start(tmp_path, central, wish=GATED)
    sent(rig, central, 2)
    copied = start(other, central, wish=Wish(gated=True, offset=500))
    assert wait_until(lambda: central.epoch == 1)
    sent(copied, central, 2)
    copied.close(5.0)
    yield rig
    rig.close()


def test_a_clone_stops_the_uplink(
    tmp_path: Path, central: TlsCentral, clone: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """The gateway that was overtaken while it ran sends nothing more, says so, and polls on."""
    clone.record(2)
    marker = tmp_path / "state" / FILE_NAME
    assert wait_until(lambda: "another machine seems to use the key" in caplog.text)
    assert marker.exists()
    asked, requests = central.heads_asked, len(central.requests)
    size = clone.reader.state(Log.TELEMETRY).frontier.size
    clone.record(3)
    assert clone.reader.state(Log.TELEMETRY).frontier.size == size + 9
    clone.close()
    reader = start(tmp_path, central, wish=GATED)
    cut = reader.reader.cut(Log.BILLING, None, 4096, 10**9)
    assert cut is not None
    assert codes(cut.leaves).count(CLONE_SUSPECTED) == 1
    reader.record(2)
    reader.close()
    assert (central.heads_asked, len(central.requests)) == (asked, requests), "a restart healed it"


def test_a_clone_in_the_same_epoch(tmp_path: Path, central: TlsCentral) -> None:
    """Both were started before either sent more: the one that comes second stops, by 409."""
    rig = start(tmp_path, central, wish=GATED)
    sent(rig, central, 2)
    rig.close(5.0)
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(tmp_path / "ca.pem", other / "ca.pem")
    shutil.copytree(tmp_path / "state", other / "state")

    def busy(request: Request, _body: bytes, _central: TlsCentral) -> None:
        request.send(500, b"{}", "application/json")

    central.faults.extend([busy] * 1000)  # until both have asked what central holds
    rig = start(tmp_path, central, wish=Wish(batch_s=3600.0, gated=True))
    copied = start(other, central, wish=Wish(batch_s=3600.0, gated=True, offset=500))
    gates = [each.uplink._gate for each in (rig, copied)]
    assert wait_until(lambda: all(gate is not None and gate.is_open for gate in gates))
    central.faults.clear()
    rig.record(5)
    rig.close(5.0)
    size = central.size(Log.TELEMETRY)
    copied.record(2)
    copied.close(5.0)
    assert (other / "state" / FILE_NAME).exists()
    assert (central.size(Log.TELEMETRY), central.epoch) == (size, 0)
    assert not (tmp_path / "state" / FILE_NAME).exists()


def test_an_operator_ends_the_standstill(tmp_path: Path, central: TlsCentral, clone: Rig) -> None:
    """He deletes the file, or enrols again with a new key: then the start opens a new epoch."""
    clone.record(2)
    marker = tmp_path / "state" / FILE_NAME
    assert wait_until(marker.exists)
    clone.close()
    marker.unlink()
    rig = start(tmp_path, central, wish=GATED)
    assert wait_until(lambda: central.epoch == 2)
    sent(rig, central, 1)
    rig.close(5.0)
    assert parse_epoch(central.leaves[Log.BILLING][0].body).reason is EpochReason.SET_BACK


def test_a_standstill_is_of_one_key(tmp_path: Path, central: TlsCentral) -> None:
    """With another key the file is void and goes; with the same it holds."""
    (tmp_path / "state").mkdir()
    marker = tmp_path / "state" / FILE_NAME
    marker.write_text(f"{KEYS.signer.vkey}\nset_back: told\n")
    rig = start(tmp_path, central, wish=GATED)
    rig.record(2)
    rig.close(0.3)
    assert central.heads_asked == 0
    other = Keys(GATEWAY, Signer.from_private_bytes(GATEWAY, b"n" * 32), KEYS.salt_secret)
    central._own = other.signer.verifier
    rig = start(tmp_path, central, wish=Wish(gated=True, keys=other))
    assert wait_until(lambda: central.size(Log.TELEMETRY) == 6)
    rig.close(5.0)
    assert not marker.exists()


def test_an_answer_that_only_claims_it_stops_nobody(
    tmp_path: Path, central: TlsCentral, caplog: pytest.LogCaptureFixture
) -> None:
    """410 without heads that prove it, as a portal may answer: central is asked, and it goes on."""

    def gone(request: Request, _body: bytes, _central: TlsCentral) -> None:
        request.send(410, b'{"error": "closed", "remedy": "none"}', "application/json")

    rig = start(tmp_path, central, wish=GATED)
    sent(rig, central, 1)
    central.faults.append(gone)
    rig.record(3)
    assert wait_until(lambda: central.size(Log.TELEMETRY) == 12)
    assert_same(rig.end(), central)
    assert central.heads_asked == 2
    assert "410" in caplog.text


def forget_batches(directory: Path) -> None:
    """As retention does with all that has a receipt."""
    connection = sqlite3.connect(directory / "state" / "journal.db", timeout=10.0)
    with connection:
        connection.execute("DELETE FROM batch")
    connection.close()


@pytest.mark.parametrize("running", [False, True])
def test_central_lost_what_is_no_longer_held(
    tmp_path: Path, central: TlsCentral, running: bool
) -> None:
    """It adopts its own receipt, the hole is an event, and all that follows arrives."""
    rig = start(tmp_path, central, wish=GATED)
    sent(rig, central, 2)
    backup = central.backup()
    sent(rig, central, 4)
    if not running:
        rig.close(5.0)
    forget_batches(tmp_path)
    central.restore(*backup)
    if not running:
        rig = start(tmp_path, central, wish=GATED)
    size = rig.reader.state(Log.TELEMETRY).frontier.size
    rig.record(4)
    assert wait_until(lambda: central.size(Log.TELEMETRY) == size + 12)
    assert wait_until(lambda: LOST_AT_CENTRAL in codes(central.leaves[Log.BILLING]))
    rig.close(5.0)
    lost = {log: (first, end) for log, first, end in central.adopted}
    assert lost[Log.TELEMETRY] == (6, 18)
    held = [leaf.seq for leaf in central.leaves[Log.TELEMETRY]]
    assert held == [*range(6), *range(18, size + 12)]
    assert central.epoch == 0


def test_what_is_still_held_is_sent_again_at_a_start(tmp_path: Path, central: TlsCentral) -> None:
    """As it went: byte for byte the batches that had a receipt."""
    rig = start(tmp_path, central, wish=GATED)
    sent(rig, central, 2)
    backup = central.backup()
    sent(rig, central, 3)
    rig.close(5.0)
    central.restore(*backup)
    rig = start(tmp_path, central, wish=GATED)
    sent(rig, central, 1)
    assert_same(rig.end(), central)
    assert central.adopted == []


def test_a_central_that_lost_everything_gets_all(tmp_path: Path, central: TlsCentral) -> None:
    """Both logs from their first leaf."""
    rig = start(tmp_path, central, wish=GATED)
    sent(rig, central, 2)
    rig.close(5.0)
    central.restore(dict.fromkeys(Log, EMPTY_HEAD), {log: [] for log in Log})
    rig = start(tmp_path, central, wish=GATED)
    sent(rig, central, 1)
    assert_same(rig.end(), central)


def test_heads_that_do_not_verify_let_nothing_through(
    tmp_path: Path, central: TlsCentral, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forged receipt in them: told, nothing is sent, no epoch is opened, until they are good."""
    rig = start(tmp_path, central, wish=GATED)
    sent(rig, central, 2)
    rig.close(5.0)
    head = central.heads[Log.BILLING]
    forger = Signer.from_private_bytes("central", b"f" * 32, KeyType.COSIGNATURE)
    note = head.checkpoint
    forged = StoredHead(
        unverified_checkpoint(note).origin, head.frontier.size, note, cosign(note, forger, 1)
    )
    answer = (200, encode_heads(Heads(0, (forged,))), "application/cbor")
    asked: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(central, "tell_heads", lambda request: (asked.append(request), answer)[1])
        requests = len(central.requests)
        rig = start(tmp_path, central, wish=GATED)
        rig.record(2)
        assert wait_until(lambda: len(asked) > 2)
        assert len(central.requests) == requests
    assert wait_until(lambda: central.size(Log.TELEMETRY) == 12)
    assert_same(rig.end(), central)
    assert central.epoch == 0
