"""A file system of a few megabytes, to be filled; and central's judgement of what a journal holds.

It needs leave to mount; where there is none, the tests that use it are skipped.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.journal import Journal
from edge_agent.journal.memory import Memory, Settled
from edge_agent.journal.reader import JournalReader
from protocols.evidence.facts import Loss, parse_loss
from protocols.evidence.leaf import Kind, Leaf, Log
from protocols.evidence.merkle import Hole
from protocols.evidence.upload import Accepted, Head, accept, encode_upload, seal
from tests.edge_agent.gateway import GATEWAY, KEYS

SALTS = Salts(KEYS.gateway, KEYS.salt_secret)


@contextmanager
def tiny_disk(directory: Path, kilobytes: int) -> Iterator[Path]:
    """A mounted tmpfs; skips the test where it cannot be."""
    directory.mkdir(exist_ok=True)
    options = f"size={kilobytes}k"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def fill(directory: Path, leave_bytes: int = 0) -> Path:
    """Another program's file that takes what is free, but for so many bytes."""
    path = directory / "of-another-program"
    found = os.statvfs(directory)
    with path.open("ab") as file:
        os.posix_fallocate(
            file.fileno(), file.tell(), found.f_bavail * found.f_frsize - leave_bytes
        )
    return path


class Sent(NamedTuple):
    """What central holds when the whole log was sent."""

    leaves: list[Leaf]
    holes: list[Hole]

    def losses(self) -> list[Loss]:
        return [parse_loss(leaf.body) for leaf in self.leaves if leaf.kind is Kind.LOSS]


def send_all(journal: Journal, memory: Memory, log: Log, most: int = 4096) -> Sent:
    """All unreceipted leaves and holes, batch by batch, each accepted by central's rules."""
    reader = JournalReader(journal.path, GATEWAY)
    sent, head = Sent([], []), Head(reader.state(log).receipted, b"", b"")
    while True:
        cut = reader.cut(log, None, most, 1 << 24)
        assert cut is not None
        if cut.end == cut.before.size:
            break
        origin = cut.state.origin
        parts = (origin, cut.before, cut.leaves, KEYS.salt_secret, KEYS.signer, cut.holes)
        sealed = seal(*parts)
        accepted = accept(head, sealed.upload, KEYS.signer.verifier, None)
        assert isinstance(accepted, Accepted), accepted
        head = Head(accepted.frontier, sealed.upload.checkpoint, b"")
        sent.leaves.extend(accepted.leaves)
        sent.holes.extend(accepted.holes)
        upload, note = encode_upload(sealed.upload), sealed.upload.checkpoint
        settled = Settled(
            log, origin.epoch, cut.before, sealed.frontier, upload, note, b"receipt", 1_780_000_000
        )
        journal.commit(Draft(memory, SALTS).tick(), (settled,))
    reader.close()
    assert head.frontier == memory.heads[log].frontier
    assert journal.connection.execute(
        "SELECT count(*) FROM hole WHERE log = ?", (log,)
    ).fetchone() == (0,)
    return sent
