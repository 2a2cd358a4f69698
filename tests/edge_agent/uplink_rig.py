"""A recorder and an uplink at work on one journal, against a central on a real socket."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from edge_agent.journal.draft import Salts
from edge_agent.journal.journal import Journal
from edge_agent.journal.reader import JournalReader
from edge_agent.keys.keys import Keys
from edge_agent.recorder.gate_side import recorder_side
from edge_agent.recorder.recorder import Recorder
from edge_agent.uplink.gate import Gate
from edge_agent.uplink.heads_check import HeadsCheck
from edge_agent.uplink.link_use import LinkUse
from edge_agent.uplink.receipt_file import ReceiptBox
from edge_agent.uplink.transport import Transport
from edge_agent.uplink.uplink import Uplink
from protocols.evidence.leaf import Log
from protocols.evidence.note import Verifier
from tests.edge_agent.gateway import (
    BOOT_ID,
    KEYS,
    RECEIPTS,
    VERSION,
    Polls,
    config_of,
    new_journal,
    wait_until,
)
from tests.edge_agent.ledger_law import Found, read_journal
from tests.edge_agent.tls_central import TlsCentral


@dataclass
class Rig:
    """A recorder and an uplink at work on one journal."""

    directory: Path
    journal: Journal
    recorder: Recorder
    uplink: Uplink
    transport: Transport
    polls: Polls
    reader: JournalReader  # a second one: the uplink's belongs to its thread

    def record(self, rounds: int) -> None:
        """Rounds of polls, and wait until they are durable."""
        for scan in self.polls.rounds(rounds):
            assert wait_until(lambda scan=scan: self.recorder.deliver(scan))
        assert wait_until(lambda: self.recorder._inbox.waiting() == 0)

    def receipted(self, log: Log) -> int:
        return self.reader.state(log).receipted.size

    def end(self) -> Found:
        """Drained and closed; what the journal then holds."""
        self.close(8.0)
        return read_journal(self.journal.path)

    def close(self, drain_s: float = 0.1) -> None:
        """All threads ended, sent or not."""
        self.uplink.drain(drain_s)
        self.recorder.end()
        self.recorder.join(5.0)
        self.transport.close()
        self.reader.close()
        self.journal.close()


@dataclass
class Wish:
    """What a test wants otherwise. `gated`: central's heads are asked first; `offset`: of the
    meter's index, so that another machine records something else; `heals`: damaged rows are told
    to the recorder."""

    batch_s: float = 0.1
    deadline_s: float = 0.8
    gated: bool = False
    keys: Keys = KEYS
    use: LinkUse | None = None
    offset: int = 0
    heals: bool = False
    receipts: Verifier = RECEIPTS.verifier


def start(
    directory: Path,
    central: TlsCentral,
    batch_s: float = 0.1,
    deadline_s: float = 0.8,
    wish: Wish | None = None,
) -> Rig:
    """Both threads run. The state directory is made, or found as a rig before left it."""
    wish = wish or Wish(batch_s, deadline_s)
    config = config_of(directory)
    journal = new_journal(config)
    polls = Polls(config)
    polls.index += wish.offset
    memory = journal.load(config.gateway, BOOT_ID, 0)
    polls.clock.boot_no = memory.boot_no
    keys = wish.keys
    recorder = Recorder(
        journal, memory, config, Salts(keys.gateway, keys.salt_secret), polls.clock, VERSION
    )
    transport = Transport(central.url, directory / "ca.pem", wish.deadline_s)
    reader = JournalReader(journal.path, config.gateway)
    gate = None
    side = recorder_side(recorder, polls.clock)
    if wish.gated:
        check = HeadsCheck(reader, transport, keys, wish.receipts)
        gate = Gate(check, side, config.state_dir, keys.signer.vkey)
    uplink = Uplink(
        *(reader, transport, keys, wish.receipts, recorder.settle),
        *(wish.batch_s, monotonic, lambda: 0.0, None, gate, wish.use),
    )
    if wish.heals:
        uplink.exchange.damaged = side.damaged
    uplink.box = ReceiptBox(config.state_dir, uplink.exchange, reader, keys, wish.receipts)
    recorder.on_commit = uplink.notify
    recorder.start()
    uplink.start()
    second = JournalReader(journal.path, config.gateway)
    return Rig(directory, journal, recorder, uplink, transport, polls, second)


def assert_same(found: Found, central: TlsCentral) -> None:
    """Central holds each leaf once, in order; the journal its receipts and no row of them."""
    for log in Log:
        assert central.leaves[log] == found.leaves[log]
        assert found.receipted[log] == found.sizes[log] == len(found.leaves[log]) > 0
