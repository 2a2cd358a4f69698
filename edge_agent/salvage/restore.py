"""What a damaged journal remembered, as far as it can be believed; the rest is made again.

A row counts where its digest fits and SQLite finds it in its place. A run's state counts where no
scan of the run lies behind it; else it is made again from the log (`rebuild.py`), and where that
cannot be the run begins a new segment, and it is said what is known.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.journal.memory import Memory, RunMemory
from edge_agent.journal.memory_store import stored_config, stored_memory, stored_run
from edge_agent.journal.state_rows import join
from edge_agent.recording.rebuild import Rebuilt, is_current, new_segment, rebuilt, stepped
from protocols.evidence.errors import EvidenceError
from protocols.metering.body import BodyError
from protocols.metering.interval import IntervalRecord
from protocols.metering.run import RunState
from protocols.metering.run_config_faults import parse_run_config

if TYPE_CHECKING:
    from edge_agent.salvage.damaged_file import DamagedFile
    from edge_agent.salvage.finds import Finds
    from protocols.metering.run_config import RunConfig
    from protocols.metering.scan import Scan

Scans = Callable[[int, int, frozenset[str]], "Sequence[Scan] | None"]
"""Those of an epoch from a seq on, of these serials; None where they are too many."""
_ALONE: Final = ("register_map", "regulator_state", "device_clock", "archive_mark", "gas_order")
_log = logging.getLogger(__name__)


class Unknown(NamedTuple):
    """A run whose state could not be made again."""

    run: str
    segment: int
    index_counts: int | None  # the last one that is known
    detail: str


@dataclass(frozen=True, slots=True)
class Restored:
    """`records`: intervals by run that the scans tell of and no leaf does."""

    memory: Memory
    records: Mapping[str, tuple[IntervalRecord, ...]]
    unknown: tuple[Unknown, ...]


class Restoring(NamedTuple):
    """`epochs`: the one in whose numbers the states are, and the new one. `configs`: the runs of
    the configuration file, where the journal does not tell them. `stale`: rows may be older than
    the leaves.
    """

    file: DamagedFile
    finds: Finds
    scans: Scans
    epochs: tuple[int, int]
    configs: Mapping[str, RunConfig]
    stale: bool

    def restored(self, blank: Memory) -> Restored:
        """Laid over `blank`, which knows gateway, boot and heads."""
        memory = self._remembered(blank)
        runs: dict[str, RunMemory] = {}
        records: dict[str, tuple[IntervalRecord, ...]] = {}
        unknown: list[Unknown] = []
        for run in sorted(self._names()):
            found = self._run(run, memory.runs.get(run))
            if isinstance(found, Unknown):
                unknown.append(found)
                continue
            runs[run], records[run] = found
        for lost in unknown:
            last, config = self._last(lost.run), self._config(lost.run)
            if config is not None:
                runs[lost.run] = RunMemory(config, new_segment(self.epochs[1], last), active=True)
        return Restored(replace(memory, runs=runs), records, tuple(unknown))

    def _names(self) -> set[str]:
        stored = {row[0] for row in self.file.rows("run")}
        return stored | self.finds.intervals.keys() | self.finds.configured.keys()

    def _remembered(self, blank: Memory) -> Memory:
        """Without the runs, what each table tells; a table that is damaged tells what is whole."""
        gateways = self.file.rows("gateway") or sorted(
            self.file.versions("gateway"), key=lambda row: (row[3], row[7])
        )
        if not gateways:
            return replace(blank, runs=self._stored_runs())
        tables = {table: self.file.rows(table) for table in _ALONE}
        if self.stale or not self.file.is_intact("archive_mark"):
            tables["archive_gap"] = []  # a record that was taken already must not be taken again
        else:
            tables["archive_gap"] = self.file.rows("archive_gap")
        row = gateways[-1]
        if not self.file.is_intact("gas_order"):
            row = (*row[:7], 0, *row[8:])  # all of them are asked for again
        try:
            told = stored_memory(lambda table: tables.get(table, []), row, blank.heads)
        except (EvidenceError, ValueError) as error:
            _log.error(
                "what the damaged journal remembered cannot be read: %s", error
            )  # no bug: no trace
            return replace(blank, runs=self._stored_runs())
        return replace(
            told,
            gateway=blank.gateway,
            boot_id=blank.boot_id,
            boot_no=blank.boot_no,
            runs=self._stored_runs(),
            maps=frozenset(),
        )

    def _stored_runs(self) -> dict[str, RunMemory]:
        """Those whose configuration and state are both whole."""
        openings: dict[str, bytes] = dict(self.file.rows("run_opening"))
        states = join(openings, dict(self.file.rows("run_state")))
        runs: dict[str, RunMemory] = {}
        for run, config, active in self.file.rows("run"):
            if run in states:
                try:
                    runs[run] = stored_run(run, config, states[run], active)
                except (EvidenceError, ValueError) as error:
                    _log.warning("run %s cannot be read: %s", run, error)
        return runs

    def _run(
        self, run: str, stored: RunMemory | None
    ) -> tuple[RunMemory, tuple[IntervalRecord, ...]] | Unknown:
        if stored is not None and not stored.active:
            return stored, ()
        if stored is not None:
            serials = frozenset(stored.config.serials)
            behind = self.scans(self.epochs[0], stored.state.now.next_seq, serials)
            if behind is not None and is_current(stored.state, behind, stored.config):
                return stored, ()
        return self._rebuilt(run)

    def _rebuilt(self, run: str) -> tuple[RunMemory, tuple[IntervalRecord, ...]] | Unknown:
        last = self._last(run)
        config = self._config(run) if last is None else self._config_of(last.config_hash)
        if config is None:
            return self._unknown(run, last, "its configuration is lost")
        if last is None:
            return self._unknown(run, last, "no interval of it can be read")
        place = self.finds.intervals[run][0]
        if self.finds.configured.get(run, place) > place:
            return self._unknown(run, last, "it was configured anew after its last interval")
        scans = self.scans(place.epoch, last.carry.next_seq, frozenset(config.serials))
        found = None if scans is None else rebuilt(config, last, scans)
        if found is None:
            return self._unknown(run, last, "the scans of its last interval cannot be read")
        if place.epoch != self.epochs[0]:
            found = self._into_numbers(config, found)
            if found is None:
                return self._unknown(run, last, "the scans behind its last interval are too many")
        return RunMemory(config, found.state, active=True), found.records

    def _into_numbers(self, config: RunConfig, found: Rebuilt) -> Rebuilt | None:
        """The last interval is of an epoch before: the scans of the last one follow it."""
        scans = self.scans(self.epochs[0], 0, frozenset(config.serials))
        if scans is None:
            return None
        carry = found.state.now._replace(next_seq=scans[0].seq if scans else 0)
        behind = stepped(config, RunState.resume(carry), scans)
        return Rebuilt(behind.state, (*found.records, *behind.records))

    def _last(self, run: str) -> IntervalRecord | None:
        if run not in self.finds.intervals:
            return None
        try:
            return IntervalRecord.from_body(self.finds.intervals[run][1].body)
        except BodyError:
            return None

    def _config(self, run: str) -> RunConfig | None:
        """The newest that is known."""
        for name, body, _active in self.file.rows("run"):
            if name == run:
                found = _parsed(run, body)
                if found is not None:
                    return found
        newest = [leaf for leaf in self.finds.configs.values() if leaf.subject == run]
        if newest:
            return parse_run_config(max(newest, key=lambda leaf: (leaf.epoch, leaf.seq)).body)
        return self.configs.get(run)

    def _config_of(self, hashed: bytes) -> RunConfig | None:
        leaf = self.finds.configs.get(hashed)
        if leaf is not None:
            return parse_run_config(leaf.body)
        stored = (_parsed(run, body) for run, body, _ in self.file.rows("run"))
        known = (*(one for one in stored if one is not None), *self.configs.values())
        return next((config for config in known if config.hash() == hashed), None)

    def _unknown(self, run: str, last: IntervalRecord | None, why: str) -> Unknown:
        state = new_segment(self.epochs[1], last)
        index = last.totals[0].end if last is not None and last.totals else None
        moment = "" if last is None else f" at boot {last.end.boot_no}, {last.end.mono_ms} ms"
        detail = (
            f"its state is lost and cannot be made again: {why}; last known index {index}{moment}; "
            "what passed until the next scan is not booked"
        )
        return Unknown(run, state.now.segment, index, detail)


def _parsed(run: str, body: bytes) -> RunConfig | None:
    try:
        return stored_config(run, body)
    except (EvidenceError, ValueError):
        return None
