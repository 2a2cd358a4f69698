"""Everything that ends an epoch, in the recorder's thread: asked for, found at the start, or damage
that shows while the agent runs. Buses go on polling into the queue meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.epoch import next_epoch
from edge_agent.journal.journal import FILE_NAME, Journal, JournalDamaged, JournalError
from edge_agent.journal.memory import LOGS, Memory, first_memory
from edge_agent.journal.memory_rows import take
from edge_agent.journal.opening_rows import load_pending
from edge_agent.journal.schema import MigrationError
from edge_agent.journal.settling import newest_receipt_s
from edge_agent.keys.keys import KeyFileError
from edge_agent.recording.epoch_opening import Opening
from edge_agent.recording.losses import record_unclean_end
from edge_agent.recording.reopening import Reopening
from edge_agent.salvage import quarantine
from edge_agent.salvage.finds import Head, head_of
from edge_agent.salvage.history import History
from edge_agent.salvage.journal_start import aside, make_current
from edge_agent.salvage.salvage import Salvage
from protocols.evidence.leaf import Log

if TYPE_CHECKING:
    from edge_agent.bus.poller import Now
    from edge_agent.config.model import AgentConfig
    from edge_agent.journal.memory import Settled
    from edge_agent.recording.reopening import Desk

MOST_SALVAGES: Final = 8
"""Of one process: more say that the file is not what is damaged."""
_log = logging.getLogger(__name__)


@dataclass
class EpochDesk:
    """`patience` is told what fails, waits, and is False where it is to be given up."""

    desk: Desk
    journal: Journal
    config: AgentConfig
    salts: Salts
    clock: Now
    patience: Callable[[Exception], bool]

    def __post_init__(self) -> None:
        self._kept: Memory | None = None  # what the running agent remembers, while it is salvaged
        self._salvages = 0
        self._history: History | None = None
        self._receipts: dict[Log, Head] = {}  # should the file not tell them any more
        self.receipt_time_s = 0  # of the newest receipt, by central's clock; 0: none

    def begin(self) -> bool:
        """At the start: what was put aside, and what a kill left. False where given up."""
        found = self.desk.look(lambda db: (take(db, "log"), load_pending(db), newest_receipt_s(db)))
        if found is None:
            return False
        rows, pending, self.receipt_time_s = found
        if pending is not None and not self._tell_end():
            return False
        self._receipts = {Log(row[0]): head_of(row) for row in rows}
        salvage = self._salvage()
        heads = self.desk.memory.heads
        is_new = not any(heads[log].size for log in LOGS)
        if is_new and self._waiting() and not salvage.begin():
            return False
        return self._carry_on(salvage)

    def _tell_end(self) -> bool:
        """The process before was killed within an opening: bound what it had in memory, before any
        other step forgets when that was. False where given up."""
        ended = self.desk.memory.ended
        if ended is None:
            return True
        draft = Draft(self.desk.memory, self.salts)
        record_unclean_end(draft, ended, self.clock.now())
        return self.desk.store(draft)

    def open(self, opening: Opening) -> bool:
        """As asked for, unless an epoch above `opening.above` is open. False where given up."""
        if opening.above < self.desk.memory.heads[Log.BILLING].epoch:
            return True
        epoch = self._next_epoch(opening.above)
        if epoch is None:
            return False
        reopening = Reopening(self.desk, self.salts, self.clock)
        return reopening.open_in_place(opening, epoch) and self._carry_on(self._salvage())

    def guarded(self, work: Callable[[], bool]) -> bool:
        """`work`, over again on a new journal where the old one shows that it is damaged."""
        damage: JournalDamaged | None = None
        while True:
            try:
                if damage is not None:
                    with self.desk.at_long_work():
                        if not self._begin_anew(damage):
                            return False
                return work()
            except JournalDamaged as error:
                self._salvages += 1
                if self._salvages > MOST_SALVAGES:
                    raise
                damage = error

    def settled(self, batches: Sequence[Settled]) -> None:
        """These have their receipts, and that is durable."""
        for batch in batches:
            size = batch.after.size
            told = (batch.checkpoint, batch.receipt)
            self._receipts[batch.log] = Head(batch.epoch, size, size, *told)
            self.receipt_time_s = max(self.receipt_time_s, batch.receipt_time_s)

    def receipted(self, log: Log) -> int:
        """Leaves of the log's epoch that have a receipt. From any thread."""
        head = self._receipts.get(log)
        epoch = self.desk.memory.heads[log].epoch
        return head.receipted if head is not None and head.epoch == epoch else 0

    def carry_history(self) -> bool:
        """A little of the receipted history out of files that were put aside, if there is any."""
        if self._history is None or self._history.is_done:
            return True
        return self._history.step()

    def _begin_anew(self, damage: JournalDamaged) -> bool:
        """Put the journal aside, make another one, and read what can be read of the first."""
        memory = self._kept or self.desk.memory
        if memory.configuration is not None:  # else not even what was put aside is read yet
            self._kept = memory
        path = self.journal.path
        while True:
            try:
                self.journal.close()
                if path.exists():
                    aside(path, f"boot{memory.boot_no}", damage.damage)
                quarantine.tidy(path)
                make_current(path, self.config.journal.page_size)
                self.journal.begin_anew()
                break
            except JournalDamaged:
                raise  # the new one too: that is counted
            except (OSError, MigrationError, JournalError) as error:
                if not self.patience(error):
                    return False
        epoch = self._next_epoch(memory.heads[Log.BILLING].epoch)
        if epoch is None:
            return False
        blank = first_memory(memory.gateway, memory.boot_id, epoch)
        self.desk.memory = replace(blank, boot_no=memory.boot_no, stored_ms=memory.stored_ms)
        salvage = self._salvage()
        return salvage.begin() and self._carry_on(salvage)

    def _carry_on(self, salvage: Salvage) -> bool:
        reopening = Reopening(self.desk, self.salts, self.clock)
        if not reopening.carry_on(salvage.fill):
            return False
        self._kept = None
        while True:
            try:
                for directory in self._waiting():
                    quarantine.mark(directory, quarantine.READ)
                break
            except OSError as error:
                if not self.patience(error):
                    return False
        self._history = History(self.desk, self.salts, self.config.state_dir)
        return True

    def _salvage(self) -> Salvage:
        return Salvage(self.desk, self.salts, self.clock, self.config, self._kept, self._receipts)

    def _waiting(self) -> list[Path]:
        return quarantine.pending(self.config.state_dir, FILE_NAME)

    def _next_epoch(self, above: int) -> int | None:
        """None where it had to be given up: the disk takes no number."""
        while True:
            try:
                return next_epoch(self.config.state_dir, above)
            except (OSError, KeyFileError) as error:
                if not self.patience(error):
                    return None
