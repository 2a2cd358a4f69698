"""What LOSS and EPOCH leaves say: facts of the log about itself (KEY: `key_change.py`).

Each body has one form: `to_body`, and its strict inverse, which raises Malformed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

from protocols.evidence.cbor import Body, Item
from protocols.evidence.errors import Malformed
from protocols.evidence.leaf import MAX_EPOCH, MAX_SEQ, Log
from protocols.evidence.note import MAX_NOTE_BYTES

MAX_DETAIL_CHARS: Final = 500
MAX_CITATIONS: Final = 8
_MAX_MONO_MS: Final = (1 << 53) - 1
_MAX_BOOT_NO: Final = (1 << 31) - 1
_MAX_COUNT: Final = (1 << 53) - 1
_Reason = TypeVar("_Reason", bound=StrEnum)


class LossReason(StrEnum):
    """Why something is not in the log, or no longer held."""

    EVICTED = "evicted"
    """Unsent leaves that had to go for want of space; their hashes travel as a hole."""
    DAMAGED = "damaged"
    """Rows that the disk no longer gives back as they were recorded."""
    DROPPED = "dropped"
    """Polls that were never recorded, because nothing could be written; counted."""
    UNCLEAN_END = "unclean_end"
    """The process ended without saying so; what it had in memory lies between the two moments."""


class Moment(NamedTuple):
    """A monotonic time of one boot."""

    boot_no: int
    mono_ms: int


@dataclass(frozen=True, slots=True)
class Loss:
    """A range of leaves, or polls that never were leaves; `count` is None where it is not known.

    `log` is None, and `first` = `end` = 0, where no leaf is meant.
    """

    reason: LossReason
    log: Log | None
    epoch: int
    first: int
    end: int
    count: int | None
    since: Moment | None = None
    until: Moment | None = None
    detail: str = ""

    def to_body(self) -> Body:
        return (
            self.reason.value, None if self.log is None else self.log.value,
            self.epoch, self.first, self.end, self.count,
            None if self.since is None else tuple(self.since),
            None if self.until is None else tuple(self.until),
            self.detail,
        )  # fmt: skip


class EpochReason(StrEnum):
    """Why a log could not go on in the epoch before."""

    SALVAGED = "salvaged"
    JOURNAL_LOST = "journal_lost"
    SET_BACK = "set_back"
    FORKED = "forked"
    REPLACED = "replaced"
    REKEYED = "rekeyed"


STALE: Final = frozenset({EpochReason.SET_BACK, EpochReason.FORKED})
"""The gateway's state was older than what central holds, as an old image of its disk is: it counts
once more from where it stood. What it made before the epoch began is evidence, and booked nowhere;
the totals begin anew behind it."""


class Citation(NamedTuple):
    """The last checkpoint that is known to have a receipt, with that receipt; whose, it says."""

    log: Log
    size: int
    checkpoint: bytes
    receipt: bytes


class EpochBody(NamedTuple):
    """The first leaf of an epoch: what it follows, and why it was opened."""

    reason: EpochReason
    old_epoch: int | None
    citations: tuple[Citation, ...] = ()
    detail: str = ""

    def to_body(self) -> Body:
        cited = tuple((each.log.value, *each[1:]) for each in self.citations)
        return (self.reason.value, self.old_epoch, cited, self.detail)


def parse_loss(body: Body) -> Loss:
    """The strict inverse of `Loss.to_body`; raises Malformed."""
    match body:
        case (str(reason), log, epoch, first, end, count, since, until, str(detail)):
            loss = Loss(
                _member(LossReason, reason, "loss: reason"),
                None if log is None else _log(log, "loss: log"),
                _integer(epoch, MAX_EPOCH, "loss: epoch"),
                _integer(first, MAX_SEQ, "loss: first"),
                _integer(end, MAX_SEQ + 1, "loss: end"),
                None if count is None else _integer(count, _MAX_COUNT, "loss: count"),
                _moment(since, "loss: since"),
                _moment(until, "loss: until"),
                _detail(detail, "loss"),
            )
        case _:
            raise Malformed("loss: not the nine fields of its body")
    if (loss.log is None) != (loss.end == 0) or loss.first > loss.end:
        raise Malformed(f"loss: leaves {loss.first} to {loss.end} of log {loss.log}")
    if loss.log is not None and loss.first == loss.end:
        raise Malformed("loss: a range without leaves")
    return loss


def parse_epoch(body: Body) -> EpochBody:
    """The strict inverse of `EpochBody.to_body`; raises Malformed."""
    match body:
        case (str(reason), old_epoch, tuple(citations), str(detail)):
            if len(citations) > MAX_CITATIONS:
                raise Malformed(f"epoch: {len(citations)} citations, at most {MAX_CITATIONS}")
            return EpochBody(
                _member(EpochReason, reason, "epoch: reason"),
                None if old_epoch is None else _integer(old_epoch, MAX_EPOCH, "epoch: old epoch"),
                tuple(_citation(each) for each in citations),
                _detail(detail, "epoch"),
            )
        case _:
            raise Malformed("epoch: not the four fields of its body")


def _citation(item: Item) -> Citation:
    match item:
        case (log, size, bytes(checkpoint), bytes(receipt)) if (
            max(len(checkpoint), len(receipt)) <= MAX_NOTE_BYTES
        ):
            return Citation(
                _log(log, "citation: log"),
                _integer(size, MAX_SEQ + 1, "citation: size"),
                checkpoint,
                receipt,
            )
        case _:
            raise Malformed("citation: not [log, size, checkpoint, receipt]")


def _member(kind: type[_Reason], text: str, what: str) -> _Reason:
    try:
        return kind(text)
    except ValueError:
        raise Malformed(f"{what}: unknown: {text[:40]!r}") from None


def _log(item: Item, what: str) -> Log:
    if item not in (Log.BILLING.value, Log.TELEMETRY.value):
        raise Malformed(f"{what}: unknown: {item!r:.40}")
    return Log(item)


def _integer(item: Item, high: int, what: str) -> int:
    if not isinstance(item, int) or not 0 <= item <= high:
        raise Malformed(f"{what}: {item!r:.40} is not an integer in 0..{high}")
    return item


def _moment(item: Item, what: str) -> Moment | None:
    match item:
        case None:
            return None
        case (boot_no, mono_ms):
            return Moment(
                _integer(boot_no, _MAX_BOOT_NO, what), _integer(mono_ms, _MAX_MONO_MS, what)
            )
        case _:
            raise Malformed(f"{what}: not null or [boot number, ms]")


def _detail(text: str, what: str) -> str:
    if len(text) > MAX_DETAIL_CHARS:
        raise Malformed(f"{what}: detail has more than {MAX_DETAIL_CHARS} characters")
    return text
