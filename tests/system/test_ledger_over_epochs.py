"""The real recorder's gaps and epochs in the real ledger: its journal, the intake, the rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from central.intake.service import Intake
from central.ledger.batches import BatchReader
from central.ledger.follow import follow
from central.ledger.queries import alarms, intervals, law, runs
from central.ledger.rows import LawRow
from central.receipt_keys import ReceiptKeys
from central.registry import add_gateway
from central.store.database import create_store
from edge_agent.config.model import AgentConfig
from edge_agent.journal.memory import Settled
from edge_agent.journal.reader import JournalReader
from edge_agent.recording.epoch_opening import Opening
from protocols.evidence.facts import EpochReason
from protocols.evidence.leaf import Log
from protocols.evidence.note import unverified_checkpoint
from protocols.evidence.upload import encode_upload, seal
from tests.edge_agent.gateway import KEYS, RECEIPTS, UTC_MS, config_of, new_journal
from tests.edge_agent.opened import Central as Taker
from tests.edge_agent.opened import Damaged, Rig

COUNT_CM3 = 1_000


class Central(Taker):
    """Hands uploads to the real intake; `deaf`: the gateway hears no answer."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.store = create_store(directory / "store")
        self.deaf = False
        self._now_ms = UTC_MS + 86_400_000
        add_gateway(self.store, KEYS.gateway, KEYS.signer.vkey, self._clock)
        self._intake = Intake(
            self.store, lambda: ReceiptKeys.of(RECEIPTS), self._clock, lambda: None
        )

    def take(self, reader: JournalReader, log: Log, most: int = 4096) -> Settled | None:
        cut = reader.cut(log, None, most, 1 << 22)
        assert cut is not None
        if cut.damaged and cut.end == cut.before.size:
            raise Damaged(cut.damaged)
        if cut.end == cut.before.size:
            return None
        origin, holes = cut.state.origin, cut.holes
        sealed = seal(origin, cut.before, cut.leaves, KEYS.salt_secret, KEYS.signer, holes)
        upload = encode_upload(sealed.upload)
        answer = self._intake.receive(upload)
        assert answer.status == 200, answer
        if self.deaf:
            return None
        checkpoint = sealed.upload.checkpoint
        time_s = unverified_checkpoint(checkpoint).size  # any: the recorder only keeps it
        return Settled(
            *(log, origin.epoch, cut.before, sealed.frontier, upload),
            *(checkpoint, answer.body, time_s),
        )

    def follow(self) -> None:
        reader = BatchReader(self.store)
        while follow(self.store, reader):
            pass

    def states(self) -> list[str]:
        with self.store.engine.connect() as conn:
            return [row.recompute for row in intervals(conn, KEYS.gateway, "R1")]

    def line(self) -> list[LawRow]:
        with self.store.engine.connect() as conn:
            return [row for row in law(conn) if row.role == "line"]

    def booked(self) -> int:
        """Counts of the line total, by the run's sums."""
        with self.store.engine.connect() as conn:
            [run] = runs(conn)
        return run.line_cm3 // COUNT_CM3

    def codes(self) -> set[str]:
        with self.store.engine.connect() as conn:
            return {row.code for row in alarms(conn)}

    def _clock(self) -> int:
        self._now_ms += 1_000
        return self._now_ms


@pytest.fixture
def config(tmp_path: Path) -> AgentConfig:
    config = config_of(tmp_path)
    new_journal(config).close()
    return config


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    central = Central(tmp_path)
    yield central
    central.store.close()


def started(config: AgentConfig) -> Rig:
    rig = Rig(config)
    assert rig.recorder.begin()
    return rig


def opened(rig: Rig, reason: EpochReason) -> None:
    rig.recorder.open_epoch(Opening(reason, above=0), timeout_s=0.0)
    assert rig.recorder.turn()


def ended(rig: Rig, central: Central, most: int = 4096) -> None:
    rig.recorder.finish(0.0)
    assert rig.recorder.turn()
    rig.send(central, most=most)
    central.follow()


@pytest.mark.parametrize(
    ("deaf", "most"), [(False, 3), (True, 4096)], ids=["receipted", "receipt lost"]
)
def test_runs_go_on_over_an_epoch(
    config: AgentConfig, central: Central, deaf: bool, most: int
) -> None:
    """One stretch, each interval made again from its scans, every count booked once."""
    rig = started(config)
    first = rig.polls.index
    rig.rounds(7)
    rig.send(central)
    rig.rounds(6)
    central.deaf = deaf
    rig.send(central)
    central.deaf = False
    rig.rounds(4)
    opened(rig, EpochReason.SALVAGED)
    rig.rounds(9)
    ended(rig, central, most)
    assert set(central.states()) == {"agrees"}
    [line] = central.line()
    assert line.holds
    assert line.index_end == rig.polls.index
    assert central.booked() == line.moved_counts == rig.polls.index - line.index_start
    assert line.index_start - first <= rig.polls.index - first
    assert central.codes() == {"epoch"}


def test_two_epochs_before_anything_is_sent(config: AgentConfig, central: Central) -> None:
    """What central gets of the first one comes in the third, and is whole."""
    rig = started(config)
    rig.rounds(6)
    for reason in (EpochReason.SALVAGED, EpochReason.REKEYED):
        rig.recorder.open_epoch(
            Opening(reason, above=rig.recorder.memory.heads[Log.BILLING].epoch), timeout_s=0.0
        )
        assert rig.recorder.turn()
        rig.rounds(6)
    ended(rig, central, 5)
    assert set(central.states()) == {"agrees"}
    [line] = central.line()
    assert line.holds
    assert central.booked() == line.moved_counts


def test_a_row_that_is_damaged_leaves_a_hole(config: AgentConfig, central: Central) -> None:
    """Its hash travels: the interval of the scan is lost, all others are made again."""
    rig = started(config)
    rig.rounds(20)
    rig.journal.connection.execute("UPDATE telemetry SET leaf = x'00' WHERE seq = 20")
    ended(rig, central, 7)
    rig.send(central)  # the LOSS leaf, which the sending of telemetry brought about
    central.follow()
    assert central.states().count("lost") == 1
    assert set(central.states()) == {"agrees", "lost"}
    assert central.line()[0].holds
    assert central.codes() == {"data-lost"}


def test_scans_that_do_not_survive_an_epoch(config: AgentConfig, central: Central) -> None:
    """Nothing waits for them for ever."""
    rig = started(config)
    rig.rounds(12)
    rig.send(central, logs=(Log.BILLING,))
    rig.journal.connection.execute("UPDATE telemetry SET leaf = x'00' WHERE seq BETWEEN 8 AND 14")
    opened(rig, EpochReason.SALVAGED)
    rig.rounds(12)
    ended(rig, central)
    assert "pending" not in central.states()
    assert "differs" not in central.states()
    assert "lost" in central.states()
    assert central.states()[-1] == "agrees"
    assert central.line()[0].holds


def test_a_journal_that_is_gone(config: AgentConfig, central: Central) -> None:
    """The run begins anew: what the index moved unseen is a figure, and booked nowhere."""
    rig = started(config)
    rig.rounds(12)
    rig.send(central)
    central.follow()
    seen = central.line()[-1].index_end
    rig.journal.close()
    for path in config.state_dir.glob("journal*"):
        path.unlink()
    rig.open()
    assert rig.recorder.begin()
    rig.rounds(12)
    ended(rig, central)
    old, new = central.line()
    assert (old.index_end, old.holds, new.holds) == (seen, True, True)
    assert new.index_start - old.index_end == new.unseen_counts > 0
    assert central.booked() == old.moved_counts + new.moved_counts
    assert {"epoch", "epoch-seam"} <= central.codes()
    assert set(central.states()) == {"agrees"}


@pytest.mark.parametrize("reason", [EpochReason.SET_BACK, EpochReason.FORKED])
def test_an_old_image_of_the_disk_is_billed_once(
    config: AgentConfig, central: Central, reason: EpochReason
) -> None:
    """Its state counts again from where it stood: that is evidence, and in no sum.

    What nobody counted between the two segments is a figure at the seam.
    """
    rig = set_back(config, central)
    opened(rig, reason)
    rig.rounds(9)
    ended(rig, central)
    billed_once(rig, central)


@pytest.mark.parametrize("reason", [EpochReason.SET_BACK, EpochReason.FORKED])
def test_an_old_image_whose_journal_is_then_damaged_is_billed_once(
    config: AgentConfig, central: Central, reason: EpochReason
) -> None:
    """Nothing of the epoch that found it out was sent: its leaf comes again, and still says so."""
    rig = set_back(config, central)
    opened(rig, reason)
    rig.rounds(5)
    epoch = rig.recorder.memory.heads[Log.BILLING].epoch
    rig.recorder.open_epoch(Opening(EpochReason.SALVAGED, above=epoch), timeout_s=0.0)
    assert rig.recorder.turn()
    rig.rounds(9)
    ended(rig, central, 5)
    billed_once(rig, central)


def set_back(config: AgentConfig, central: Central) -> Rig:
    """A gateway that runs on an image older than what central holds, and has polled on it."""
    rig = started(config)
    rig.rounds(6)
    rig.send(central)
    image = {path: path.read_bytes() for path in config.state_dir.glob("journal*")}
    rig.rounds(12)
    rig.send(central)
    rig.journal.close()
    for path in config.state_dir.glob("journal*"):
        path.unlink()
    for path, data in image.items():
        path.write_bytes(data)
    rig.open()
    assert rig.recorder.begin()
    rig.rounds(8)  # before central is reached: booked by the old state
    return rig


def billed_once(rig: Rig, central: Central) -> None:
    old, new = central.line()
    assert (old.holds, new.holds) == (True, True)
    assert new.index_end == rig.polls.index
    assert new.index_start - old.index_end == new.unseen_counts > 0
    assert central.booked() == old.moved_counts + new.moved_counts
    assert central.booked() + new.unseen_counts == rig.polls.index - old.index_start
    assert {"epoch", "epoch-seam", "old-image"} <= central.codes()
    assert set(central.states()) == {"agrees"}
