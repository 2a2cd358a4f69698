"""A recorder moved by hand whose epochs are opened, and a central that takes what it sends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from edge_agent.config.model import AgentConfig
from edge_agent.journal.draft import Salts
from edge_agent.journal.memory import Settled
from edge_agent.journal.reader import JournalReader
from edge_agent.recorder.recorder import Recorder
from edge_agent.recording.epoch_opening import Opening
from edge_agent.salvage.journal_start import open_journal
from protocols.evidence.facts import EpochReason
from protocols.evidence.leaf import Kind, Leaf, Log, Origin, encode_leaf, leaf_hash
from protocols.evidence.upload import (
    EMPTY_HEAD,
    Accepted,
    Head,
    accept,
    countersign,
    encode_upload,
    seal,
)
from protocols.metering.interval import IntervalRecord
from tests.edge_agent.gateway import BOOT_ID, KEYS, RECEIPTS, VERSION, Polls

LOGS = (Log.BILLING, Log.TELEMETRY)
TIME_S = 1_780_000_000


class Damaged(Exception):  # noqa: N818  # what was found is the name
    """Rows that are not what was recorded."""


@dataclass
class Central:
    """Takes uploads by `accept`, as central does; all leaves that it ever took, in order."""

    heads: dict[Origin, Head] = field(default_factory=dict)
    leaves: list[Leaf] = field(default_factory=list)

    def take(self, reader: JournalReader, log: Log, most: int = 4096) -> Settled | None:
        """The next batch of a log, with its receipt; None where nothing is left."""
        cut = reader.cut(log, None, most, 1 << 22)
        assert cut is not None
        if cut.damaged and cut.end == cut.before.size:
            raise Damaged(cut.damaged)
        if cut.end == cut.before.size:
            return None
        origin, holes = cut.state.origin, cut.holes
        sealed = seal(origin, cut.before, cut.leaves, KEYS.salt_secret, KEYS.signer, holes)
        head = self.heads.get(origin, EMPTY_HEAD)
        found = accept(head, sealed.upload, KEYS.signer.verifier, None)
        assert isinstance(found, Accepted), found
        checkpoint = sealed.upload.checkpoint
        receipt = countersign(checkpoint, RECEIPTS, TIME_S)
        self.heads[origin] = Head(found.frontier, checkpoint, receipt)
        self.leaves += found.leaves
        upload = encode_upload(sealed.upload)
        return Settled(
            *(log, origin.epoch, cut.before, sealed.frontier, upload),
            *(checkpoint, receipt, TIME_S),
        )

    def first_told(self) -> list[Leaf]:
        """Every leaf once: a repeated one only where what it repeats never came."""
        seen: set[tuple[Log, int, int, bytes]] = set()
        told = []
        for leaf in self.leaves:
            place = identity(leaf)
            if place not in seen:
                told.append(leaf)
            seen.add(place)
        return told

    def of(self, kind: Kind) -> list[Leaf]:
        return [leaf for leaf in self.first_told() if leaf.kind is kind]

    def intervals(self, run: str = "R1") -> list[IntervalRecord]:
        return [
            IntervalRecord.from_body(leaf.body)
            for leaf in self.of(Kind.INTERVAL)
            if leaf.subject == run
        ]


def identity(leaf: Leaf) -> tuple[Log, int, int, bytes]:
    """Where it was recorded first, and its hash there."""
    if leaf.was is not None:
        return (leaf.kind.log, *leaf.was)
    return (leaf.kind.log, leaf.epoch, leaf.seq, leaf_hash(encode_leaf(leaf)))


def content(leaf: Leaf) -> tuple[object, ...]:
    """What it says, wherever it stands."""
    return tuple(leaf._replace(epoch=0, seq=0, salt=b"", was=None))


class Rig:
    """A recorder on a journal, moved by hand: a turn is a tick."""

    def __init__(self, config: AgentConfig, polls: Polls | None = None) -> None:
        self.config = config
        self.polls = polls or Polls(config)
        self.open()

    def open(self) -> None:
        """As a process that starts."""
        self.journal, memory = open_journal(self.config, BOOT_ID, self.polls.clock.mono_ms)
        self.polls.clock.boot_no = memory.boot_no
        salts = Salts(KEYS.gateway, KEYS.salt_secret)
        self.recorder = Recorder(
            self.journal, memory, self.config, salts, self.polls.clock, VERSION
        )

    def meet(self, central: Central) -> None:
        """What the uplink does at a start: where central holds more than we do, a new epoch."""
        heads = self.recorder.memory.heads
        newest = max((origin.epoch for origin in central.heads), default=0)
        ours = heads[Log.BILLING].epoch
        more = any(
            held.frontier.size > heads[origin.log].size
            for origin, held in central.heads.items()
            if origin.epoch == ours
        )
        if newest > ours or more:
            self.recorder.open_epoch(Opening(EpochReason.SET_BACK, above=max(newest, ours)), 0.0)
            assert self.recorder.turn()

    def rounds(self, count: int) -> None:
        for _ in range(count):
            for scan in self.polls.round():
                assert self.recorder.deliver(scan)
            assert self.recorder.turn()

    def send(self, central: Central, logs: Sequence[Log] = LOGS, most: int = 4096) -> None:
        """Until nothing is left; the rows become their batches."""
        reader = JournalReader(self.journal.path, KEYS.gateway)
        for log in logs:
            for _ in range(1000):
                try:
                    settled = central.take(reader, log, most)
                except Damaged as found:
                    self.recorder.damaged(log, found.args[0], timeout_s=0.0)
                    assert self.recorder.turn()
                    continue
                if settled is None:
                    break
                self.recorder.settle(settled, timeout_s=0.0)
                assert self.recorder.turn()
        reader.close()

    def all_leaves(self, log: Log) -> list[Leaf]:
        """Of the rows: those without a receipt."""
        reader = JournalReader(self.journal.path, KEYS.gateway)
        cut = reader.cut(log, None, 1 << 20, 1 << 30)
        reader.close()
        assert cut is not None
        return cut.leaves


def conserved(records: Sequence[IntervalRecord], point: str = "vm") -> dict[int, tuple[int, int]]:
    """By segment: what is booked of a total, and its end less its start."""
    found: dict[int, tuple[int, int]] = {}
    starts: dict[int, int] = {}
    for record in records:
        for total in record.totals:
            if total.point == point:
                booked, _ = found.get(total.segment, (0, 0))
                start = starts.setdefault(total.segment, total.start)
                found[total.segment] = (booked + total.booked, total.end - start)
    return found
