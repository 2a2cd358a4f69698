"""Scans and register maps out of survivors and receipted batches, to make a run's state again."""

from __future__ import annotations

import logging
import sqlite3  # noqa: TID251  # rows of the journal, on its own connection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge_agent.salvage.finds import Finds, SealedAt
from protocols.evidence.errors import EvidenceError
from protocols.evidence.leaf import Kind, Leaf, Log, decode_leaf
from protocols.evidence.upload import decode_upload, open_leaves
from protocols.metering.instant import ClockState, Instant
from protocols.metering.scan import Scan
from protocols.registers.codec import decode_scan
from protocols.registers.register_map import RegisterMap

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig
    from edge_agent.journal.sqlite_pages import Record
    from edge_agent.recording.reopening import Desk
    from edge_agent.salvage.damaged_file import DamagedFile

MOST_SCANS: Final = 50_000  # of one run
MOST_SEALED: Final = 64  # newest receipted batches of a log that are looked into
MOST_SEARCHED: Final = 4096  # of them for a register map that is not known yet
_SELECT_SCANS: Final = (
    "SELECT leaf FROM survivor WHERE log = 'telemetry' AND epoch = ? AND seq >= ? ORDER BY seq"
)
_log = logging.getLogger(__name__)


@dataclass
class ScanSource:
    """Scans by place, out of survivors and receipted batches."""

    desk: Desk
    file: DamagedFile
    finds: Finds
    maps: dict[bytes, RegisterMap]
    older: list[SealedAt] | None = None  # billing batches that were not looked into for maps

    def __call__(self, epoch: int, first: int, serials: frozenset[str]) -> list[Scan] | None:
        """Those of an epoch from a seq on, of these serials; None where they are too many."""

        def read(connection: sqlite3.Connection) -> list[Scan]:
            rows = connection.execute(_SELECT_SCANS, (epoch, first))
            found: list[Scan] = []
            for (data,) in rows:
                self._add(decode_leaf(data), first, serials, found)
                if len(found) > MOST_SCANS:
                    break
            return found

        found = self.desk.look(read)
        if found is None:
            return None
        for sealed in self.finds.newest_sealed(Log.TELEMETRY, MOST_SEALED):
            if sealed.epoch == epoch and sealed.size > first:
                for leaf in leaves_of(self.file, sealed):
                    self._add(leaf, first, serials, found)
        if len(found) > MOST_SCANS:
            return None
        return sorted({scan.seq: scan for scan in found}.values(), key=lambda scan: scan.seq)

    def _older_map(self, hashed: bytes) -> RegisterMap | None:
        """A map is recorded once in an epoch, perhaps weeks ago: newest batches first."""
        if self.older is None:
            self.older = self.finds.newest_sealed(Log.BILLING, MOST_SEARCHED)[:-MOST_SEALED]
        while self.older and hashed not in self.maps:
            for leaf in leaves_of(self.file, self.older.pop()):
                if leaf.kind is Kind.REGISTER_MAP:
                    _take_map(self.maps, leaf)
        return self.maps.get(hashed)

    def _add(self, leaf: Leaf, first: int, serials: frozenset[str], found: list[Scan]) -> None:
        place = leaf.was.seq if leaf.was is not None else leaf.seq
        if leaf.kind is not Kind.SCAN or leaf.subject not in serials or place < first:
            return
        map_ = self.maps.get(leaf.reference) or self._older_map(leaf.reference)
        if map_ is None:
            return
        moment = (leaf.boot_no, leaf.mono_ms, leaf.utc_ms, ClockState(leaf.clock_state))
        values = decode_scan(map_, leaf.body)  # type: ignore[arg-type]  # a whole leaf of ours
        found.append(Scan(place, leaf.subject, Instant(*moment), leaf.quality, values))


def maps_of(config: AgentConfig, finds: Finds) -> dict[bytes, RegisterMap]:
    """Register maps by hash: those of the configuration, and those that are in the log."""
    made = (RegisterMap.of(one.profile, one.points) for one in config.devices)
    maps = {each.hash(): each for each in made}
    for leaf in finds.maps.values():
        _take_map(maps, leaf)
    return maps


def _take_map(maps: dict[bytes, RegisterMap], leaf: Leaf) -> None:
    if leaf.reference not in maps:
        try:
            maps[leaf.reference] = RegisterMap.from_body(leaf.body)
        except ValueError as error:
            _log.warning("a register map of %s cannot be read: %s", leaf.subject, error)


def batch_at(file: DamagedFile, sealed: SealedAt) -> Record | None:
    """The batch's row, if it is still there."""
    key = (sealed.log.value, sealed.epoch, sealed.first, sealed.size)
    found = (r for r in file.pages.records(sealed.page) if len(r) == 9 and r[:4] == key)
    return next(found, None)


def leaves_of(file: DamagedFile, sealed: SealedAt) -> list[Leaf]:
    """The leaves of a receipted batch; none where it cannot be read."""
    record = batch_at(file, sealed)
    data = None if record is None else record[8]
    if not isinstance(data, bytes):
        return []
    try:
        return open_leaves(decode_upload(data), sealed.size)
    except EvidenceError:
        return []
