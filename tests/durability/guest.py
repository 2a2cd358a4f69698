"""In the virtual machine: the real Recorder and Journal on its disk, as fast as commits return.

First it judges what the last life left, then it records, and tells each acknowledged commit on its
standard output: `held BILLING TELEMETRY ROOTS`, then `acknowledged BILLING TELEMETRY ROOTS` lines
(sizes, roots of the two logs in hex). In its last life it stops by itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from edge_agent.journal.draft import Salts
from edge_agent.journal.journal import FILE_NAME, Journal
from edge_agent.journal.settling import Retention
from edge_agent.recorder.recorder import Recorder
from protocols.evidence.leaf import Log, encode_leaf, leaf_hash
from protocols.evidence.merkle import EMPTY, Frontier
from tests.edge_agent.gateway import KEYS, UTC_MS, VERSION, Polls, config_of
from tests.edge_agent.ledger_law import passed_counts, read_journal
from tests.edge_agent.test_kill import receipted

SETTLE_EACH = 7
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
APART_MS = 240_000  # the beginnings of two lives


def _tell(word: str, frontiers: Mapping[Log, Frontier]) -> None:
    sizes = [str(frontiers[log].size) for log in Log]
    roots = [frontiers[log].root().hex() for log in Log]
    print(word, *sizes, *roots, flush=True)


def judge(path: Path, at: list[int]) -> None:
    """What the power cut left, from its rows alone; its roots at the sizes acknowledged before."""
    found = read_journal(path)
    told = {}
    for log, size in zip(Log, at, strict=True):
        hashes = [leaf_hash(encode_leaf(leaf)) for leaf in found.leaves[log]]
        told[log] = EMPTY.extend(hashes[:size])
    _tell("held", told)
    booked = [record.totals[0] for record in found.intervals()]
    if booked:
        assert passed_counts(found) == booked[-1].end - booked[0].start, "the law"


def record(directory: Path, is_last: bool) -> None:
    """Until the power goes, or until all is settled."""
    config = config_of(directory)
    path = config.state_dir / FILE_NAME
    with closing(Journal(path, Retention(), 200)) as journal:
        boot_id = BOOT_ID.read_text(encoding="ascii").strip()
        memory = journal.load(config.gateway, boot_id, 0)
        polls = Polls(config)
        polls.clock.boot_no = memory.boot_no
        polls.clock.offset_ms = UTC_MS + memory.boot_no * APART_MS
        polls.index += 5_000 * memory.boot_no
        salts = Salts(KEYS.gateway, KEYS.salt_secret)
        recorder = Recorder(journal, memory, config, salts, polls.clock, VERSION)
        assert recorder.begin()
        ticks = 0
        while not is_last or ticks < SETTLE_EACH:
            ticks += 1
            for scan in polls.round():
                assert recorder.deliver(scan)
            if ticks % SETTLE_EACH == 0:
                for log in Log:
                    recorder.settle(receipted(path, log), timeout_s=0.0)
            assert recorder.turn()
            heads = recorder.memory.heads
            _tell("acknowledged", {log: heads[log].frontier for log in Log})


def main() -> None:
    directory = Path(sys.argv[1])
    sizes = [int(part) for part in os.environ["SIZES"].split(",")]
    judge(directory / "state" / FILE_NAME, sizes)
    record(directory, is_last=os.environ["LIFE"] == "last")
    judge(directory / "state" / FILE_NAME, sizes)
    print("done", flush=True)


if __name__ == "__main__":
    main()
