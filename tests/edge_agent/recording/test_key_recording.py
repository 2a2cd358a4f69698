"""A rotation by the recorder on a real journal: one KEY leaf, whatever ends in between.

Central is played by protocols' own roles: it takes a batch by the key that its schedule names.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.journal.draft import Salts
from edge_agent.journal.journal import FILE_NAME, Journal, Retention
from edge_agent.journal.memory import Settled
from edge_agent.journal.reader import JournalReader
from edge_agent.journal.schema import migrate
from edge_agent.keys.key_files import StateFiles
from edge_agent.keys.keys import create_keys, load_keys
from edge_agent.keys.rotation import State
from edge_agent.recorder.recorder import Recorder
from edge_agent.recording.epoch_opening import Opening
from edge_agent.recording.key_recording import ASKED, REFUSED, KeyDesk, Wish
from protocols.evidence.facts import EpochReason
from protocols.evidence.key_change import KeyChange, verify_change
from protocols.evidence.keys import KeySchedule
from protocols.evidence.leaf import Kind, Leaf, Log, Origin
from protocols.evidence.upload import (
    EMPTY_HEAD,
    Accepted,
    Head,
    Refused,
    accept,
    countersign,
    encode_upload,
    seal,
)
from tests.edge_agent.gateway import BOOT_ID, RECEIPTS, VERSION, Polls, config_of

WISH = Wish("Li Wei (own word; uid 0)", "yearly")
OLD, SALT = b"o" * 32, b"s" * 32
NEW = iter(bytes([value]) * 32 for value in range(1, 200))
TIME_S = 1_780_000_000


class FullDisk(StateFiles):
    """Takes `left` steps, then no more until it is set again; -1: all."""

    left = -1

    def before(self, step: str) -> None:
        if self.left == 0:
            raise OSError(28, f"No space left on device: {step}")
        self.left -= 1


class Central:
    """Takes batches by the key schedule, and rotates by a KEY leaf that ends one."""

    def __init__(self, vkey: str) -> None:
        self.schedule = KeySchedule.of(vkey)
        self.heads: dict[Origin, Head] = {}
        self.leaves: list[Leaf] = []
        self.refused = 0

    def take(self, site: Site, log: Log) -> bool:
        """One batch; False where there is nothing to send, or it was refused."""
        state = site.reader.state(log)
        first, epoch = state.receipted.size, state.origin.epoch
        if site.keys.must_wait(log, epoch, first):
            return False
        boundary = site.keys.boundary(log, epoch)
        most = 4096 if boundary is None or first >= boundary else boundary - first
        cut = site.reader.cut(log, None, most, 1 << 22)
        if cut is None or cut.end == cut.before.size:
            return False
        size = cut.end
        signer = site.keys.signer_for(log, epoch, size)
        sealed = seal(state.origin, cut.before, cut.leaves, SALT, signer, cut.holes)
        found = accept(
            self.heads.get(state.origin, EMPTY_HEAD),
            sealed.upload,
            self.schedule.key_for(state.origin, size),
            None,
        )
        if isinstance(found, Refused) and found.code == "signature":
            self.refused += 1
            assert site.keys.refused()
            return True
        assert isinstance(found, Accepted), found
        receipt = countersign(sealed.upload.checkpoint, RECEIPTS, TIME_S)
        self.heads[state.origin] = Head(found.frontier, sealed.upload.checkpoint, receipt)
        self.leaves += found.leaves
        self._rotate(found.leaves)
        site.settle(
            Settled(log, epoch, cut.before, sealed.frontier, encode_upload(sealed.upload),
                    sealed.upload.checkpoint, receipt, TIME_S)
        )  # fmt: skip
        return True

    def _rotate(self, leaves: list[Leaf]) -> None:
        for leaf in leaves:
            if leaf.kind is Kind.KEY and leaf.was is None:
                assert leaf is leaves[-1], "a KEY leaf in the middle of a batch"
                change = KeyChange.from_body(leaf.body)
                self.schedule = self.schedule.rotated(change, leaf.epoch, leaf.seq)

    def events(self, code: str) -> list[Leaf]:
        return [leaf for leaf in self.leaves if leaf.kind is Kind.EVENT and leaf.body[0] == code]


class Site:
    """A gateway whose recorder is moved by hand; `start` is a process."""

    def __init__(self, directory: Path, begin: bool = True) -> None:
        self.config = config_of(directory)
        self.polls = Polls(self.config)
        self.config.state_dir.mkdir()
        secrets = iter((SALT, OLD))
        self.old = create_keys(self.config.state_dir, "gw-1", lambda _: next(secrets)).signer.vkey
        migrate(self.config.state_dir / FILE_NAME)
        self.files = FullDisk(self.config.state_dir)
        self.start(begin)

    def start(self, begin: bool = True) -> None:
        self.keys = load_keys(self.config.state_dir, self.files)
        self.journal = Journal(self.config.state_dir / FILE_NAME, Retention())
        memory = self.journal.load("gw-1", BOOT_ID, self.polls.clock.mono_ms)
        salts = Salts("gw-1", SALT)
        self.recorder = Recorder(
            self.journal, memory, self.config, salts, self.polls.clock, VERSION
        )
        self.recorder.key_desk = KeyDesk(self.keys, lambda _: next(NEW))
        self.reader = JournalReader(self.journal.path, "gw-1")
        if begin:
            assert self.recorder.begin()

    def die(self) -> None:
        self.reader.close()
        self.journal.close()

    def restart(self) -> None:
        self.die()
        self.start()

    def round(self) -> None:
        for scan in self.polls.round():
            assert self.recorder.deliver(scan)
        assert self.recorder.turn()

    def wish(self) -> None:
        assert self.recorder.rotate(WISH)
        assert self.recorder.turn()

    def settle(self, settled: Settled) -> None:
        assert not self.recorder.settle(settled, 0.0)  # nobody turns meanwhile
        assert self.recorder.turn()

    def send(self, central: Central) -> None:
        """Everything, billing first, as the uplink does."""
        for _ in range(100):
            if not any(central.take(self, log) for log in (Log.BILLING, Log.TELEMETRY)):
                return
        raise AssertionError("it never ends")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.die()


@pytest.fixture
def central(site: Site) -> Central:
    return Central(site.old)


def rotated(site: Site, central: Central) -> bool:
    """Ended: the new key alone, and central of the same mind."""
    assert site.keys.rotation is None
    assert site.keys.schedule == central.schedule
    assert load_keys(site.config.state_dir).signer.vkey == central.schedule.newest
    return site.keys.signer.vkey != site.old


def test_a_rotation_goes_through_log_and_central_to_its_end(site: Site, central: Central) -> None:
    """The event says who, the KEY leaf is signed by both, and what follows is the new key's."""
    site.round()
    site.wish()
    site.round()
    site.send(central)
    site.round()
    assert rotated(site, central)
    [key_leaf] = [leaf for leaf in central.leaves if leaf.kind is Kind.KEY]
    verify_change(KeyChange.from_body(key_leaf.body), key_leaf.epoch, key_leaf.seq)
    [asked] = central.events(ASKED)
    assert asked.body[3:] == WISH
    assert asked.seq == key_leaf.seq - 1
    assert asked.body[2] == site.keys.signer.vkey.split("+")[1]
    site.round()
    site.send(central)
    assert not central.refused


def test_telemetry_of_after_the_change_waits_for_billing(site: Site, central: Central) -> None:
    """Central would not know its key."""
    site.round()
    site.wish()
    site.round()
    while central.take(site, Log.TELEMETRY):
        pass
    held = central.heads[Origin("gw-1", Log.TELEMETRY, 0)].frontier.size
    assert held == site.keys.boundary(Log.TELEMETRY, 0) == 3
    site.send(central)
    assert not central.refused


@pytest.mark.parametrize("rounds_between", [0, 2])
def test_the_process_may_end_between_any_two_ticks(
    site: Site, central: Central, rounds_between: int
) -> None:
    """It goes on where it was; the log has one KEY leaf."""
    site.wish()
    for _ in range(20):
        site.restart()
        for _ in range(rounds_between):
            site.round()
        if not any(central.take(site, log) for log in (Log.BILLING, Log.TELEMETRY)):
            break
    site.round()
    site.round()
    site.send(central)
    assert rotated(site, central)
    assert len([leaf for leaf in central.leaves if leaf.kind is Kind.KEY]) == 1
    assert not central.refused


def test_a_kill_between_the_files_and_the_commit_makes_no_gap(site: Site, central: Central) -> None:
    """The leaf was signed but never stored: another one takes its place, and the rotation comes."""
    site.round()
    site.recorder.rotate(WISH)
    site.journal.connection.execute("PRAGMA query_only = ON")  # the disk takes nothing
    site.recorder.end()
    assert not site.recorder.turn()
    assert site.keys.rotation is not None
    assert site.keys.rotation.state is State.ATTEMPTED
    site.restart()
    site.round()
    site.send(central)
    site.round()
    assert rotated(site, central)
    assert not central.refused


@pytest.mark.parametrize("steps", range(18))
def test_a_full_disk_at_any_step_delays_the_rotation_only(
    site: Site, central: Central, steps: int
) -> None:
    """Polling goes on; once there is space the rotation goes on too, without a restart."""
    site.files.left = steps
    site.wish()
    for _ in range(3):
        site.round()
        site.send(central)
    site.files.left = -1
    if site.keys.rotation is None and site.keys.signer.vkey == site.old:
        site.send(central)
        assert central.events(REFUSED)
        site.wish()
    for _ in range(4):
        site.round()
        site.send(central)
    assert rotated(site, central)
    assert not site.files.exists("log.key.old")
    assert not central.refused


def test_a_new_epoch_before_the_receipt_rotates_again_in_it(site: Site, central: Central) -> None:
    """The KEY leaf of before comes as history; central takes the old key, then the new one."""
    site.round()
    site.wish()
    opening = Opening(EpochReason.SET_BACK, above=0)
    assert not site.recorder.open_epoch(opening, 0.0)
    assert site.recorder.turn()
    site.send(central)
    for _ in range(3):
        site.round()
        site.send(central)
    assert rotated(site, central)
    key_leaves = [leaf for leaf in central.leaves if leaf.kind is Kind.KEY]
    assert [leaf.was is None for leaf in key_leaves] == [False, True]
    assert not central.refused


def test_a_new_epoch_after_a_lost_answer_finds_the_key_that_central_wants(
    site: Site, central: Central
) -> None:
    """Central holds the KEY leaf, the journal does not know: the refused key is not tried on."""
    site.round()
    site.send(central)
    site.wish()
    settle, site.settle = site.settle, lambda _: None  # type: ignore[method-assign]  # lost
    assert central.take(site, Log.BILLING)
    site.settle = settle  # type: ignore[method-assign]
    assert not site.recorder.open_epoch(Opening(EpochReason.SET_BACK, above=0), 0.0)
    assert site.recorder.turn()
    for _ in range(3):
        site.round()
        site.send(central)
    assert central.refused == 1
    assert rotated(site, central)


def test_a_second_wish_meanwhile_is_refused_in_the_log(site: Site, central: Central) -> None:
    """With who asked."""
    site.wish()
    site.wish()
    site.send(central)
    [refused] = central.events(REFUSED)
    assert refused.body[3] == WISH.who
    assert "under way" in str(refused.body[4])


def test_room_that_is_made_for_the_key_leaf_comes_before_it(site: Site, central: Central) -> None:
    """The disk is full in the very tick: a LOSS leaf takes its place, and it is signed anew."""
    for _ in range(300):
        site.round()
    pages = site.journal.connection.execute("PRAGMA page_count").fetchone()[0]
    site.journal.connection.execute(f"PRAGMA max_page_count = {pages}")
    for scan in site.polls.rounds(16):
        assert site.recorder.deliver(scan)
    site.wish()
    losses = site.journal.connection.execute("SELECT count(*) FROM hole").fetchone()[0]
    assert losses == 1
    for _ in range(3):
        site.round()
        site.send(central)
    assert len(central.events(ASKED)) == 1
    assert central.events(REFUSED) == []
    assert rotated(site, central)
