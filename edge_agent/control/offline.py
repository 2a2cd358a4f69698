"""Technicians' requests without an agent: the port itself, and the journal itself.

Only under the lock of the state directory, so that there is one master on the bus and one writer of
the journal at any time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from edge_agent.bus.device_reading import Procedure, Reach, drive, reach
from edge_agent.bus.joining import Failed
from edge_agent.bus.link import Answer, Link
from edge_agent.clock import Clock, mono_ms
from edge_agent.config.model import AgentConfig, DeviceConfig
from edge_agent.control.control import Control
from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.epoch import next_epoch
from edge_agent.journal.journal import FILE_NAME, CommitFailed, Journal, JournalError
from edge_agent.journal.memory import Memory
from edge_agent.journal.opening_rows import load_pending
from edge_agent.journal.settling import Retention
from edge_agent.keys.key_files import StateFiles
from edge_agent.keys.keys import load_keys
from edge_agent.recording.clock_recording import record_clock
from edge_agent.recording.device_recording import Fact, Said
from edge_agent.recording.losses import record_unclean_end
from edge_agent.recording.recording import record_lost_journal
from edge_agent.recording.statement_recording import record_told
from edge_agent.salvage import quarantine
from edge_agent.salvage.journal_start import make_current
from edge_agent.state_lock import BOOT_ID, state_lock
from protocols.modbus.answer import Asked

Result = TypeVar("Result")


class PortAsk:
    """`Ask` by opening the device's port for each question."""

    def __init__(self, config: AgentConfig) -> None:
        self._buses = {bus.name: bus for bus in config.buses}

    def __call__(
        self,
        device: DeviceConfig,
        names: Sequence[str],
        make: Callable[[Reach], Procedure[Result | Failed]],
    ) -> Result | Failed:
        link = Link(self._buses[device.bus])
        exchange: Callable[[Asked], Answer] = link.exchange
        try:
            to = reach(device, names, exchange)
            return to if isinstance(to, Failed) else drive(make(to), exchange)
        finally:
            link.close()


class JournalNote:
    """`Note` by the journal itself. Where the agent was killed, what that took is told first."""

    def __init__(self, journal: Journal, memory: Memory, salts: Salts) -> None:
        self._journal = journal
        self._memory = memory
        self._salts = salts

    @property
    def memory(self) -> Memory:
        """What the journal knows after the last note."""
        return self._memory

    def __call__(self, facts: Sequence[Fact | Said]) -> bool:
        draft = Draft(self._memory, self._salts)
        record_lost_journal(draft, facts[0].instant)
        if self._memory.ended is not None:  # now: the journal forgets when that was
            record_unclean_end(draft, self._memory.ended, facts[0].instant)
            draft.running = False
        for fact in facts:
            record_clock(draft, fact.instant)
            record_told(draft, fact, fact.instant)
        tick = draft.tick()
        try:
            self._journal.commit(tick)
        except CommitFailed:
            return False
        self._memory = tick.after
        return True


@contextlib.contextmanager
def reading(config: AgentConfig) -> Iterator[Control]:
    """Raises AlreadyRunning."""
    with state_lock(config.state_dir):
        yield Control(config, PortAsk(config), lambda _: False, Clock(0))


@contextlib.contextmanager
def acting(config: AgentConfig) -> Iterator[Control]:
    """Raises what `journal_open` raises."""
    with journal_open(config) as note:
        yield Control(config, PortAsk(config), note, Clock(note.memory.boot_no))


@contextlib.contextmanager
def journal_open(config: AgentConfig) -> Iterator[JournalNote]:
    """Raises AlreadyRunning, and what the journal and the keys raise.

    Where a new epoch is being opened nothing may come before what it repeats: JournalError.
    """
    with state_lock(config.state_dir):
        keys = load_keys(config.state_dir, StateFiles(config.state_dir))
        path = config.state_dir / FILE_NAME
        make_current(path, config.journal.page_size)
        journal = Journal(path, Retention(), config.journal.autocheckpoint_pages)
        try:
            waiting = quarantine.pending(config.state_dir, FILE_NAME)
            if waiting or journal.look(load_pending) is not None:
                raise JournalError(f"{path}: a new epoch is being opened; let edge-agent run do it")
            boot_id = BOOT_ID.read_text(encoding="ascii").strip()
            memory = journal.load(
                config.gateway, boot_id, mono_ms(), lambda: next_epoch(config.state_dir)
            )
            yield JournalNote(journal, memory, Salts(keys.gateway, keys.salt_secret))
        finally:
            journal.close()
