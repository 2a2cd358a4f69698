"""Reads everything that can be read out of journals that were put aside, into a new epoch.

    EPOCH leaf -> survivors, page by page -> LOSS leaves, what was remembered -> appended again

Every step is a transaction; a kill repeats the reading, and doubles nothing. A leaf counts only if
its hash fits: what was damaged is told as lost, never delivered.
"""

from __future__ import annotations

import logging
import sqlite3  # noqa: TID251  # rows of the journal, on its own connection
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.journal import FILE_NAME
from edge_agent.journal.memory import LOGS, Gone, LogHead, Memory
from edge_agent.journal.opening_rows import Pending, Stage, store_pending
from edge_agent.recording.epoch_opening import Opening, close_runs, record_epoch
from edge_agent.recording.losses import record_damaged, record_unclean_end
from edge_agent.recording.recording import AGENT, record_interval
from edge_agent.salvage import quarantine
from edge_agent.salvage.damaged_file import DamagedFile
from edge_agent.salvage.finds import Finds, Head, head_of, is_whole_batch, merged
from edge_agent.salvage.restore import Restored, Restoring
from edge_agent.salvage.scan_source import MOST_SEALED, ScanSource, batch_at, leaves_of, maps_of
from protocols.evidence.facts import Citation, EpochReason
from protocols.evidence.leaf import Leaf, Log
from protocols.evidence.merkle import EMPTY, Frontier
from protocols.metering.instant import Instant

if TYPE_CHECKING:
    from edge_agent.bus.poller import Now
    from edge_agent.config.model import AgentConfig
    from edge_agent.recording.reopening import Desk

SALVAGED: Final = "journal_salvaged"
STATE_LOST: Final = "run_state_lost"
MOST_ROWS: Final = 512  # of one transaction
Survivor = tuple[str, int, int, bytes, bytes]  # as its row; a leaf takes ten times as much
MOST_LOSSES: Final = 64  # LOSS leaves of one log; what is scattered more finely is told together
MOST_DETAIL: Final = 400  # characters
_INSERT: Final = (
    "INSERT OR IGNORE INTO survivor (log, epoch, seq, hash, leaf) VALUES (?, ?, ?, ?, ?)"
)
_log = logging.getLogger(__name__)


def heads_of(file: DamagedFile) -> dict[Log, Head]:
    """As the journal said last, whether SQLite finds the row or only a page holds it: behind damage
    in the write-ahead log SQLite sees an older state. None where no whole row is left.
    """
    rows = sorted(
        (*file.rows("log"), *file.versions("log")), key=lambda row: (row[1], row[2], row[5])
    )
    return {Log(row[0]): head_of(row) for row in rows}


def sealed_heads(file: DamagedFile, gateway: str) -> dict[Log, Head]:
    """Where the receipts of each log ended, by its newest whole batch; the log ended there or
    behind it."""
    finds = Finds(gateway)
    for page in range(1, file.pages.last + 1):
        for record in file.pages.records(page):
            finds.note_batch(record, page)
    heads: dict[Log, Head] = {}
    for log in LOGS:
        for sealed in reversed(finds.newest_sealed(log, MOST_SEALED)):
            row = batch_at(file, sealed)
            if row is None or not is_whole_batch(row):
                continue
            checkpoint, receipt, size = row[6], row[7], sealed.size
            if isinstance(checkpoint, bytes) and isinstance(receipt, bytes):
                heads[log] = Head(sealed.epoch, size, size, checkpoint, receipt)
                break
    return heads


def is_stale(file: DamagedFile) -> bool:
    """Whether SQLite sees an older state than the pages hold."""
    seen = {Log(row[0]): (row[1], row[2], row[5]) for row in file.rows("log")}
    last = {log: (h.epoch, h.size, h.receipted) for log, h in heads_of(file).items()}
    return seen != last


def newest_of(file: DamagedFile, gateway: str) -> tuple[int, int]:
    """The newest epoch and boot that it tells of, (-1, -1) where it tells nothing."""
    epochs = [head.epoch for head in heads_of(file).values()]
    boots = [row[3] for row in file.rows("gateway") or file.versions("gateway")]
    if not (epochs and boots):
        finds = Finds(gateway)
        for record in file.records():
            found = finds.leaf(record)
            if found is not None:
                epochs.append(found.leaf.epoch)
                boots.append(found.leaf.boot_no)
    return max(epochs, default=-1), max(boots, default=-1)


def stored_until(file: DamagedFile) -> tuple[int, int] | None:
    """Boot, and ms up to which its process had stored what it polled; None where no row tells."""
    boots = [row[3] for row in file.rows("gateway") or file.versions("gateway")]
    moments = [row[4] for row in file.rows("log") or file.versions("log") if row[0] == "telemetry"]
    return (max(boots), max(moments)) if boots and moments else None


@dataclass
class Salvage:
    """At the recorder's desk. `kept`: what the running agent remembers, where it does."""

    desk: Desk
    salts: Salts
    clock: Now
    config: AgentConfig
    kept: Memory | None = None
    receipts: Mapping[Log, Head] = field(default_factory=dict)  # as the running agent knows them

    def begin(self) -> bool:
        """The first leaf of the new epoch, which cites the last receipts that can be read."""
        directory = self._directories()[-1]
        reason = quarantine.reason_of(directory)
        with closing(DamagedFile(directory / FILE_NAME)) as file:
            heads = heads_of(file)
            heads = self._with_receipts(file, heads)
        epochs = [head.epoch for head in heads.values()]
        if self.kept is not None:
            epochs.append(self.kept.heads[Log.BILLING].epoch)
        old_epoch = max(epochs, default=None)
        cited = tuple(
            Citation(log, head.receipted, head.checkpoint, head.receipt)
            for log, head in heads.items()
            if head.checkpoint and head.receipt
        )
        draft = Draft(self.desk.memory, self.salts)
        detail = f"{directory.name}: {reason}"[:MOST_DETAIL]
        opening = Opening(EpochReason.SALVAGED, cited, detail=detail)
        record_epoch(draft, opening, old_epoch, self.clock.now())
        draft.running = True
        _log.error("the journal is damaged and put aside: %s", detail)
        pending = Pending(old_epoch, Stage.FILL)
        return self.desk.store(draft, partial(store_pending, pending=pending))

    def fill(self, pending: Pending) -> bool:
        """Survivors, losses and what was remembered. False where it had to be given up."""
        finds = Finds(self.config.gateway)
        directories = self._directories()
        lost: list[tuple[Log, int, int, int, int]] = []
        for directory in directories:
            with closing(DamagedFile(directory / FILE_NAME)) as file:
                heads = heads_of(file)
                known = self._known(file, heads)
                if not self._read(file, known, finds):
                    return False
                sure = heads if self.kept is None else known
                finds.known |= {log: head.size for log, head in sure.items()}
                lost += _lost(file, known, finds)
        with closing(DamagedFile(directories[-1] / FILE_NAME)) as file:
            found = self._restored(file, finds, pending.old_epoch or 0)
            return self._conclude(pending, finds, lost, found)

    def _directories(self) -> list[Path]:
        return quarantine.pending(self.config.state_dir, FILE_NAME)

    def _with_receipts(self, file: DamagedFile, heads: Mapping[Log, Head]) -> dict[Log, Head]:
        """What of a log's row is lost is told by the running agent, or by the newest batch."""
        found = {**({} if self.kept is None else self.receipts), **heads}
        if len(found) < len(LOGS):
            found = {**sealed_heads(file, self.config.gateway), **found}
        return found

    def _known(self, file: DamagedFile, heads: Mapping[Log, Head]) -> Mapping[Log, Head]:
        """The running agent knows how far the logs were, whatever the file says."""
        told = self._with_receipts(file, heads)
        if self.kept is None:
            return told
        known = {}
        for log, head in self.kept.heads.items():
            of = told.get(log)
            receipted = of.receipted if of is not None and of.epoch == head.epoch else 0
            known[log] = Head(head.epoch, head.size, receipted)
        return known

    def _read(self, file: DamagedFile, heads: Mapping[Log, Head], finds: Finds) -> bool:
        """Every whole leaf without a receipt becomes a survivor."""
        reopened = bool(file.rows("opening"))
        rows: list[Survivor] = []
        for page in range(1, file.pages.last + 1):
            for record in file.pages.records(page):
                found = finds.leaf(record)
                if found is None:
                    finds.note_batch(record, page)
                elif _is_receipted(found.leaf, heads, reopened=reopened):
                    finds.tells(found.leaf)
                else:
                    finds.take(found)
                    log = found.leaf.kind.log.value
                    rows.append((log, *found.place, found.hash, found.data))
            if len(rows) >= MOST_ROWS or page == file.pages.last:
                if self.desk.is_ending or not self._keep(rows):
                    return False
                rows = []
        return True

    def _keep(self, rows: Sequence[Survivor]) -> bool:
        def also(connection: sqlite3.Connection) -> None:
            connection.executemany(_INSERT, rows)

        return self.desk.store(Draft(self.desk.memory, self.salts), also)

    def _restored(self, file: DamagedFile, finds: Finds, old_epoch: int) -> Restored:
        memory = self.desk.memory
        if self.kept is not None:
            kept = replace(self.kept, heads=memory.heads, maps=frozenset())
            return Restored(kept, {}, ())
        openings = file.rows("opening")
        numbers = openings[0][1] if openings and openings[0][1] is not None else old_epoch
        configs = {run.run: run for run in self.config.runs}
        epoch = memory.heads[Log.BILLING].epoch
        for sealed in finds.newest_sealed(Log.BILLING, MOST_SEALED):
            for leaf in leaves_of(file, sealed):
                finds.tells(leaf)
        scans = ScanSource(self.desk, file, finds, maps_of(self.config, finds))
        restoring = Restoring(file, finds, scans, (numbers, epoch), configs, is_stale(file))
        return restoring.restored(memory)

    def _conclude(
        self,
        pending: Pending,
        finds: Finds,
        lost: Sequence[tuple[Log, int, int, int, int]],
        found: Restored,
    ) -> bool:
        """What is lost, what was remembered; the runs' intervals are closed behind the old log."""
        directory = self._directories()[-1].name
        draft, now = Draft(self.desk.memory, self.salts), self.clock.now()
        if self.kept is None and (found.memory.running or found.memory.configuration is None):
            # here, not at the start behind it: a kill between them must not lose it
            record_unclean_end(draft, self._ended(finds), now)
        draft.adopt(found.memory)
        draft.running = True
        for log, epoch, first, end, count in lost:
            record_damaged(draft, Gone(log, epoch, first, end), now, count)
        for run, segment, index, detail in found.unknown:
            draft.event(now, STATE_LOST, run, index, segment, AGENT, detail)
        count = sum(each[4] for each in lost)
        detail = (
            f"{finds.count} leaves without a receipt were read out of {directory}; "
            f"{count} that should be there cannot be read"
        )
        if not all(log in finds.known for log in LOGS):
            detail += "; how far the logs were is not known"
        draft.event(now, SALVAGED, "", None, finds.count, AGENT, detail)
        draft.urgent = True
        behind = self._closed(finds, found, pending.old_epoch or 0, now)
        draft.runs = dict(behind.runs)
        after = replace(pending, stage=Stage.REPEAT)

        def also(connection: sqlite3.Connection) -> None:
            connection.executemany(
                _INSERT,
                [
                    (leaf.log.value, pending.old_epoch or 0, leaf.seq, leaf.hash, leaf.data)
                    for leaf in behind.leaves
                ],
            )
            store_pending(connection, after)

        _log.error("the journal is salvaged: %s", detail)
        return self.desk.store(draft, also)

    def _ended(self, finds: Finds) -> tuple[int, int]:
        """Since when polls may have been in memory: of several files, since the first one's end."""
        moments = []
        for directory in self._directories():
            with closing(DamagedFile(directory / FILE_NAME)) as file:
                moments.append(stored_until(file))
        known = [moment for moment in moments if moment is not None]
        return min(known) if len(known) == len(moments) else min([*known, finds.newest])

    def _closed(self, finds: Finds, found: Restored, old_epoch: int, now: Instant) -> Draft:
        """The runs closed at the end of the old epoch, with the intervals that only scans tell."""
        own = finds.own.get((Log.BILLING, old_epoch))
        end = max(own.end if own else 0, finds.known.get(Log.BILLING, 0))
        heads = {
            Log.BILLING: LogHead(old_epoch, Frontier(end, ())),
            Log.TELEMETRY: LogHead(old_epoch, EMPTY),
        }
        behind = Draft(replace(found.memory, heads=heads), self.salts)
        for run, records in found.records.items():
            for record in records:
                record_interval(behind, run, record, now)
        close_runs(behind, now)
        return behind


def _is_receipted(leaf: Leaf, heads: Mapping[Log, Head], *, reopened: bool) -> bool:
    """Of the last epoch by its size; of an earlier one, unless its leaves still waited."""
    head = heads.get(leaf.kind.log)
    if head is None:
        return False
    if leaf.epoch < head.epoch:
        return not reopened
    return leaf.epoch == head.epoch and leaf.seq < head.receipted


def _lost(
    file: DamagedFile, heads: Mapping[Log, Head], finds: Finds
) -> Iterator[tuple[Log, int, int, int, int]]:
    """Ranges that should be there and are not: (log, epoch, first, end, how many)."""
    for (log, epoch), own in finds.own.items():
        head = heads.get(log)
        known = head is not None and head.epoch == epoch
        first, end = own.first, own.end
        if known and head is not None:
            first, end = head.receipted, max(head.size, own.end)
        for at, until in _holes(file, log, epoch):
            own.add(at, until)
        for lost in merged(own.missing(first, end), MOST_LOSSES):
            yield (log, epoch, *lost)
    for log, head in heads.items():
        if (log, head.epoch) not in finds.own and head.size > head.receipted:
            yield log, head.epoch, head.receipted, head.size, head.size - head.receipted


def _holes(file: DamagedFile, log: Log, epoch: int) -> list[tuple[int, int]]:
    """Ranges whose loss was told when it happened."""
    rows = file.select('SELECT log, epoch, first, "end" FROM hole')
    return [(row[2], row[3]) for row in rows if row[:2] == (log.value, epoch)]
