"""An export checked from its files: every upload, then every billing leaf against the scans.

Telemetry comes first, so that an interval finds its scans; billing in the order of its epochs. Each
upload is read twice at most, and only a few are in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from edge_agent.verify.export_files import (
    EXPORT_FILE,
    checkpoints_name,
    daily_names,
    explained_names,
    read_part,
    read_upload,
    uploads_name,
)
from edge_agent.verify.folder import Unreadable, read_files
from edge_agent.verify.leaf_index import Batch, LeafIndex
from protocols.audit.account import Account
from protocols.audit.proof_folder import KEYS_FILE, in_file
from protocols.evidence.errors import EvidenceError, Malformed
from protocols.evidence.export_text import Export, Part, open_export
from protocols.evidence.fleet import check_fleet_proof
from protocols.evidence.leaf import Leaf, Log, Origin
from protocols.evidence.log_audit import Checked, check_upload
from protocols.evidence.merkle import Frontier, Hole
from protocols.evidence.note import Checkpoint
from protocols.evidence.proof import decode_proof
from protocols.evidence.proven_leaf import check_leaf
from protocols.evidence.published import PublishedKeys, check_stored, open_keys
from protocols.evidence.upload import decode_upload

MAX_FLAWS: Final = 200
MAX_HOLES: Final = 4096

Progress = Callable[[int, int], None]
"""How many uploads of how many are done."""


class Flaw(NamedTuple):
    """What contradicts the rest: file, seq of the leaf (None where there is none), and what."""

    file: str
    seq: int | None
    what: str


class DailyState(NamedTuple):
    """A state of a log that a daily checkpoint holds, and the file that says so."""

    day: str
    checkpoint: Checkpoint
    file: str

    @property
    def place(self) -> tuple[Origin, int]:
        return self.checkpoint.origin, self.checkpoint.size


@dataclass(slots=True)
class ExportReport:
    """What was found; ``holes`` are leaves of which only hashes are held."""

    keys: PublishedKeys
    export: Export
    account: Account
    uploads: int = 0
    leaves: int = 0
    holes: list[tuple[Origin, Hole]] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)
    more_flaws: int = 0
    daily: list[DailyState] = field(default_factory=list)
    roots: dict[tuple[Origin, int], bytes] = field(default_factory=dict)

    def flaw(self, file: str, seq: int | None, what: str) -> None:
        """Note a flaw; of very many only their number."""
        if len(self.flaws) < MAX_FLAWS:
            self.flaws.append(Flaw(file, seq, what))
        else:
            self.more_flaws += 1

    @property
    def expected(self) -> int:
        """How many uploads the export says to hold."""
        return sum(part.uploads for part in self.export.parts)

    def gaps(self) -> Iterator[tuple[Origin, int, int]]:
        """Leaves that lie between two parts of one log."""
        parts = sorted(self.export.parts, key=_order)
        for before, part in pairwise(parts):
            if before.origin == part.origin and before.size < part.frontier.size:
                yield part.origin, before.size, part.frontier.size


def audit_export(place: Path, progress: Progress) -> ExportReport:
    """Verify an export. Raises EvidenceError where keys or contents cannot be believed at all, and
    Unreadable where a file cannot be read."""
    files = read_files(place, {KEYS_FILE, EXPORT_FILE})
    for name in (KEYS_FILE, EXPORT_FILE):
        if name not in files:
            raise Unreadable(f"{place / name}: not there; the export is not whole: make it again")
    with in_file(KEYS_FILE):
        keys = open_keys(files[KEYS_FILE])
    with in_file(EXPORT_FILE):
        export = open_export(files[EXPORT_FILE], keys.publisher.verifier)
    if export.gateway != keys.logs.gateway:
        raise Malformed(f"export of {export.gateway} with the keys of {keys.logs.gateway}")
    index = LeafIndex(lambda part, offset: read_upload(place, part, offset))
    report = ExportReport(keys, export, Account(keys.logs, index.scans, index.billing_hash))
    _explain(place, report)
    _daily(place, report)
    for part in sorted(export.parts, key=_order):
        _part(place, part, report, index, progress)
    for state in report.daily:
        if report.roots.get(state.place) != state.checkpoint.root:
            what = f"the daily checkpoint of {state.day} holds another state of the log"
            report.flaw(state.file, state.checkpoint.size, what)
    for run, fault in report.account.law_faults():
        report.flaw(EXPORT_FILE, None, f"first law, run {run}: {fault}")
    return report


def _order(part: Part) -> tuple[bool, int, int]:
    """Telemetry first; then by epoch and place."""
    return part.origin.log is Log.BILLING, part.origin.epoch, part.frontier.size


def _explain(place: Path, report: ExportReport) -> None:
    """Take the configurations and register maps of before the range, each with its own proof."""
    for number in range(report.export.explained):
        names = explained_names(number)
        try:
            leaf, proof = _pair(place, names)
            report.account.explain(check_leaf(leaf, proof, report.keys).leaf)
        except (EvidenceError, ValueError) as error:
            report.flaw(names[0], None, f"{error}")


def _daily(place: Path, report: ExportReport) -> None:
    """Take the states that daily checkpoints hold; they are compared once the logs were read."""
    for number in range(report.export.daily):
        names = daily_names(number)
        try:
            leaf, proof = _pair(place, names)
            head = check_fleet_proof(leaf, decode_proof(proof), report.keys.publisher)
            state = check_stored(leaf, report.keys).checkpoint
            report.daily.append(DailyState(head.day, state, names[0]))
        except EvidenceError as error:
            report.flaw(names[0], None, f"{error}")


def _pair(place: Path, names: tuple[str, str]) -> tuple[bytes, bytes]:
    """Both files of a proof; Malformed where one is missing."""
    files = read_files(place, set(names))
    for name in names:
        if name not in files:
            raise Malformed(f"{name}: not there")
    return files[names[0]], files[names[1]]


def _part(
    place: Path, part: Part, report: ExportReport, index: LeafIndex, progress: Progress
) -> None:
    """Verify a part upload by upload; after a flaw the rest of it cannot be told."""
    frontier = part.frontier
    uploads = 0
    wanted = {state.place for state in report.daily}
    file = uploads_name(part.name)
    try:
        for stored in read_part(place, part.name):
            checked = _checked(part, frontier, stored.data, stored.note, report)
            batch = Batch(frontier.size, checked.frontier.size, part.name, stored.offset)
            frontier = checked.frontier
            uploads += 1
            report.uploads += 1
            index.add(part.origin.log, part.origin.epoch, batch)
            if (part.origin, frontier.size) in wanted:
                report.roots[part.origin, frontier.size] = checked.stored.checkpoint.root
            _take(checked, part.origin, report, index, file)
            progress(report.uploads, report.expected)
    except EvidenceError as error:
        report.flaw(file, frontier.size, f"upload {uploads}: {error}")
        return
    if (frontier.size, uploads) != (part.size, part.uploads):
        what = f"ends at leaf {frontier.size} after {uploads} uploads"
        report.flaw(file, frontier.size, f"{what}, not at {part.size} after {part.uploads}")


def _checked(
    part: Part, frontier: Frontier, data: bytes, note: bytes, report: ExportReport
) -> Checked:
    """One upload; its checkpoint in the text file must be the one that it carries."""
    head, found, receipt = note[:-1].rpartition(b"\n")
    if not found:
        raise Malformed(f"{checkpoints_name(part.name)}: not a checkpoint with its receipt")
    checked = check_upload(part.origin, frontier, data, receipt + b"\n", report.keys)
    if decode_upload(data).checkpoint != head + b"\n":
        raise Malformed(f"{checkpoints_name(part.name)}: not the upload's own checkpoint")
    return checked


def _take(
    checked: Checked, origin: Origin, report: ExportReport, index: LeafIndex, file: str
) -> None:
    report.leaves += len(checked.leaves)
    for hole in checked.holes:
        if len(report.holes) < MAX_HOLES:
            report.holes.append((origin, hole))
    for leaf in checked.leaves:
        if origin.log is Log.TELEMETRY:
            index.repeats(leaf)
        else:
            _book(leaf, report, file)


def _book(leaf: Leaf, report: ExportReport, file: str) -> None:
    for what in report.account.take(leaf):
        report.flaw(file, leaf.seq, what)
