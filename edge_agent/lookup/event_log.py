"""What happened, out of the leaves of the billing log. Pure.

Events, losses, statements, steps of the clock, keys and epochs; an interval is no event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

from protocols.evidence.errors import EvidenceError
from protocols.evidence.facts import parse_loss
from protocols.evidence.leaf import Kind, Leaf
from protocols.evidence.statement import parse_statement
from protocols.metering.instant import ClockState

AGENT: Final = "agent"
LOSS: Final = "loss"
CLOCK: Final = "clock_changed"
KEY: Final = "key_changed"
EPOCH: Final = "epoch_begun"
UNKNOWN: Final = "unknown"
SLACK_MS: Final = 3_600_000
"""A clock that was set back: leaves are in order of their log, not of the times they bear."""
MOST_FIELDS: Final = 12

Side = int | str | None
Told = tuple[str, Side, Side, str, str]


class Entry(NamedTuple):
    """One thing that happened. `utc_ms` is None where no clock was set: then boot and ms tell."""

    utc_ms: int | None
    boot_no: int
    mono_ms: int
    kind: str
    code: str
    subject: str
    old: Side
    new: Side
    who: str
    detail: str
    epoch: int
    seq: int

    def to_json(self) -> dict[str, Any]:
        """Its fields by name."""
        return self._asdict()


class Wanted(NamedTuple):
    """Which entries; `code` and `subject` may have * and ?, "" is any."""

    since_ms: int | None = None
    until_ms: int | None = None
    code: str = ""
    subject: str = ""

    def fits(self, entry: Entry) -> bool:
        """One without a time fits any time."""
        at = entry.utc_ms
        if at is not None:
            if self.since_ms is not None and at < self.since_ms:
                return False
            if self.until_ms is not None and at >= self.until_ms:
                return False
        return fnmatchcase(entry.code, self.code or "*") and fnmatchcase(
            entry.subject, self.subject or "*"
        )


def entries(leaves: Iterable[Leaf], wanted: Wanted) -> Iterator[Entry]:
    """Those that fit, of leaves newest first; it ends where older ones cannot fit."""
    for leaf in leaves:
        at = leaf.utc_ms
        if wanted.since_ms is not None and at is not None and at < wanted.since_ms - SLACK_MS:
            return
        entry = entry_of(leaf)
        if entry is not None and wanted.fits(entry):
            yield entry


def entry_of(leaf: Leaf) -> Entry | None:
    """None for records that are no event: intervals, maps, whole configurations."""
    match leaf.kind:
        case Kind.EVENT:
            told = _event(leaf)
        case Kind.LOSS:
            told = _loss(leaf)
        case Kind.STATEMENT:
            told = _statement(leaf)
        case Kind.CLOCK:
            told = _clock(leaf)
        case Kind.KEY:
            told = (KEY, None, None, AGENT, "")
        case Kind.EPOCH:
            told = (EPOCH, None, leaf.epoch, AGENT, str(leaf.body[0]) if leaf.body else "")
        case _:
            return None
    code, old, new, who, detail = told
    return Entry(
        *(leaf.utc_ms, leaf.boot_no, leaf.mono_ms, leaf.kind.name.lower(), code, leaf.subject),
        *(old, new, who, detail, leaf.epoch, leaf.seq),
    )


def _event(leaf: Leaf) -> Told:
    match leaf.body:
        case (
            str(code), None | int() | str() as old, None | int() | str() as new, str(who),
            str(detail),
        ):  # fmt: skip
            return (code, old, new, who, detail)
        case _:
            return _unknown(leaf)


def _loss(leaf: Leaf) -> Told:
    try:
        loss = parse_loss(leaf.body)
    except EvidenceError:
        return _unknown(leaf)
    log = "" if loss.log is None else f"{loss.log.value} {loss.first} to {loss.end - 1}: "
    return (LOSS, None, loss.count, AGENT, f"{loss.reason.value}: {log}{loss.detail}")


def _statement(leaf: Leaf) -> Told:
    try:
        said = parse_statement(leaf.body)
    except EvidenceError:
        return _unknown(leaf)
    told = [f"{name} {'-' if value is None else value}" for name, value in said.fields]
    more = ["..."] if len(told) > MOST_FIELDS else []
    detail = ", ".join(told[:MOST_FIELDS] + more)
    return (said.code, None, None, said.who, "; ".join(filter(None, (said.why, detail))))


def _clock(leaf: Leaf) -> Told:
    match leaf.body:
        case (None | int() as before_ms, None | int() as utc_ms, None | int() as old):
            moved = ""
            if before_ms is not None and utc_ms is not None:
                moved = f"moved by {(utc_ms - before_ms) / 1000:+.3f} s"
            return (CLOCK, _state(old), _state(leaf.clock_state), AGENT, moved)
        case _:
            return _unknown(leaf)


def _state(number: int | None) -> str | None:
    try:
        return None if number is None else ClockState(number).name.lower()
    except ValueError:
        return str(number)


def _unknown(leaf: Leaf) -> Told:
    """Of another version of the program: that it is there is told."""
    return (UNKNOWN, None, None, AGENT, f"a leaf {leaf.kind.name} that this program cannot read")
