"""`edge-agent import`: receipts into the journal, by the running agent or, without one, alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.clock import mono_ms
from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.journal import FILE_NAME, CommitFailed, Journal
from edge_agent.journal.settling import Retention
from edge_agent.keys.key_files import sync_directory
from edge_agent.keys.receipt_keys import stored_receipt_keys
from edge_agent.regular_file import open_regular
from edge_agent.state_lock import BOOT_ID
from edge_agent.uplink.batch_exchange import Exchange
from edge_agent.uplink.receipt_file import SPOOL, Good, Judge, Old, ReceiptBox, judged, pieces_of
from edge_agent.uplink.transport import Transport
from protocols.evidence.parcel import NotTaken

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig
    from edge_agent.journal.memory import Settled
    from edge_agent.journal.reader import JournalReader
    from edge_agent.keys.keys import Keys
    from protocols.evidence.leaf import Log

MOST_TOLD: Final = 20  # refusals that are listed one by one


class Sorted(NamedTuple):
    """What a file holds: how far each log's receipts lead, how many were old, what was refused."""

    sizes: dict[Log, int]
    good: int
    old: int
    refused: tuple[NotTaken, ...]
    refused_count: int


def sort_receipts(path: Path, judge: Judge) -> Sorted:
    """Verify all of the file. Raises OSError, ReadFailed, EvidenceError."""
    sizes: dict[Log, int] = {}
    good = old = count = 0
    refused: list[NotTaken] = []
    with open_regular(path) as file:
        for found in judged(pieces_of(file), judge):
            if isinstance(found, Good):
                good += 1
                sizes[found.log] = max(sizes.get(found.log, 0), found.size)
            elif isinstance(found, Old):
                old += 1
            else:
                count += 1
                if len(refused) < MOST_TOLD:
                    refused.append(found)
    return Sorted(sizes, good, old, tuple(refused), count)


def hand_over(path: Path, state_dir: Path) -> None:
    """To the running agent. Raises FileExistsError where it has another file still, OSError."""
    spool, aside = state_dir / SPOOL, state_dir / f".{SPOOL}.{os.getpid()}"
    if spool.exists():
        raise FileExistsError(f"{spool} is there: another import is under way")
    try:
        with open_regular(path) as source, aside.open("xb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
        if os.geteuid() == 0:  # the agent has to be able to read it
            owner = state_dir.stat()
            os.chown(aside, owner.st_uid, owner.st_gid)
        aside.rename(spool)
    finally:
        aside.unlink(missing_ok=True)
    sync_directory(state_dir)


def missing(reader: JournalReader, sizes: dict[Log, int]) -> int:
    """Leaves whose receipts are not settled yet. Raises ReadFailed."""
    return sum(max(0, size - reader.state(log).receipted.size) for log, size in sizes.items())


@contextmanager
def settling(config: AgentConfig, keys: Keys) -> Iterator[Callable[[Settled, float], bool]]:
    """The journal itself, for whoever holds the state's lock. Raises JournalError."""
    journal = Journal(
        config.state_dir / FILE_NAME, Retention(config.journal.retention_days,
        config.journal.retention_megabytes), config.journal.autocheckpoint_pages,
    )  # fmt: skip
    try:
        boot_id = BOOT_ID.read_text(encoding="ascii").strip()
        memory = journal.load(config.gateway, boot_id, mono_ms())
        salts = Salts(keys.gateway, keys.salt_secret)

        def settle(settled: Settled, _timeout_s: float) -> bool:
            try:
                journal.commit(Draft(memory, salts).tick(), (settled,))
            except CommitFailed:
                return False
            return True

        yield settle
    finally:
        journal.close()


def settle_file(config: AgentConfig, keys: Keys, reader: JournalReader, path: Path) -> str:
    """Without an agent, under the state's lock; why it ended early, or "".

    Raises JournalError, OSError, ReadFailed, EvidenceError.
    """
    receipts = stored_receipt_keys(config.central.receipt_key, config.state_dir)
    transport = Transport(config.central.url, config.central.ca)  # it is not used
    with settling(config, keys) as settle, open_regular(path) as file:
        exchange = Exchange(reader, transport, keys, receipts, settle)
        box = ReceiptBox(config.state_dir, exchange, reader, keys, receipts)
        for found in judged(pieces_of(file), Judge(reader, keys, receipts)):
            failure = box.settle(found)
            if failure is not None:
                return f"{failure.problem}; {failure.remedy}"
    return ""
