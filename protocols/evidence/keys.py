"""Which key a gateway's checkpoint needs: a function of its log, epoch and size alone.

Each log has spans, one a key: a span begins after a place (epoch, size) and ends where the next
begins, or at ``until``, beyond which the key is revoked. Places compare as pairs: an epoch is
beyond all sizes of the one before it. What was signed before a change stays provable, and a retired
or revoked key signs nothing that is beyond its end. Text form (export, publication):

    gas-log-keys/v1
    <log> <epoch> <after> <- | epoch/size> <verifier key>     one a span, billing before telemetry
"""

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.key_change import KeyChange, log_key, verify_change
from protocols.evidence.leaf import MAX_EPOCH, Log, Origin, parse_decimal
from protocols.evidence.merkle import MAX_SIZE
from protocols.evidence.note import Verifier

MAX_SPANS: Final = 1024  # of one log
MAX_TEXT_BYTES: Final = 2 * MAX_SPANS * 320
_TITLE: Final = "gas-log-keys/v1"


class KeySpan(NamedTuple):
    """``vkey`` signs what is beyond (epoch, after), up to the next span and to ``until``."""

    epoch: int
    after: int
    vkey: str
    until: tuple[int, int] | None = None

    @property
    def begin(self) -> tuple[int, int]:
        return self.epoch, self.after


@dataclass(frozen=True, slots=True)
class KeySchedule:
    """The keys that a gateway ever had. Checked when made: Malformed for one that cannot be."""

    billing: tuple[KeySpan, ...]
    telemetry: tuple[KeySpan, ...]

    def __post_init__(self) -> None:
        _check(self.billing, "billing")
        _check(self.telemetry, "telemetry")
        if len({log_key(vkey).name for vkey in self.vkeys()}) != 1:
            raise Malformed("key schedule: keys of more than one gateway")

    @classmethod
    def of(cls, vkey: str) -> "KeySchedule":
        """Return the schedule of a gateway that has had one key only."""
        span = KeySpan(0, 0, vkey)
        return cls((span,), (span,))

    @property
    def gateway(self) -> str:
        return log_key(self.billing[0].vkey).name

    @property
    def newest(self) -> str:
        """The key that signs, or signed last."""
        return self.billing[-1].vkey

    def vkeys(self) -> tuple[str, ...]:
        """Every key, in the order in which they came."""
        return tuple(dict.fromkeys(span.vkey for span in (*self.billing, *self.telemetry)))

    def spans(self, log: Log) -> tuple[KeySpan, ...]:
        return self.billing if log is Log.BILLING else self.telemetry

    def key_for(self, origin: Origin, size: int) -> Verifier:
        """Return the key that a checkpoint of this log at this size needs; raise BadSignature."""
        if origin.gateway != self.gateway:
            raise BadSignature(f"{origin}: these are the keys of {self.gateway}")
        place = (origin.epoch, size)
        held = [span for span in self.spans(origin.log) if span.begin < place]
        if not held:
            raise BadSignature(f"{origin}: no key of {self.gateway} is valid at size {size}")
        until = held[-1].until
        if until is not None and place > until:
            raise BadSignature(
                f"{origin} at size {size}: the key is revoked beyond epoch {until[0]}, size "
                f"{until[1]}; the gateway needs to be enrolled again"
            )
        return log_key(held[-1].vkey)

    def is_revoked(self) -> bool:
        """Say whether no key is valid for what comes next."""
        return self.billing[-1].until is not None

    def rotated(self, change: KeyChange, epoch: int, seq: int) -> "KeySchedule":
        """Return the schedule after the KEY leaf at ``seq``; raise Malformed or BadSignature.

        Both signatures are checked, and that the old key is the one in force. That nothing beyond
        the boundary was signed by the old key yet is the caller's knowledge.
        """
        verify_change(change, epoch, seq)
        ends = {Log.BILLING: seq + 1, Log.TELEMETRY: change.telemetry_size}
        for log, size in ends.items():
            last = self.spans(log)[-1]
            if last.vkey != change.old_vkey:
                raise BadSignature(f"key change at {epoch}/{seq}: its old key is not in force")
            if last.until is not None:
                raise BadSignature(f"key change at {epoch}/{seq}: its old key is revoked")
            if (epoch, size) < last.begin:
                raise Malformed(f"key change at {epoch}/{seq}: before the change before it")
        if change.new_vkey in self.vkeys():
            raise BadSignature(f"key change at {epoch}/{seq}: its new key was in use before")
        return self._added(change.new_vkey, epoch, ends)

    def revoked(self, ends: Mapping[Log, tuple[int, int]]) -> "KeySchedule":
        """Return the schedule in which nothing beyond ``ends`` (epoch, size) is valid.

        A log that is not named, as one of which nothing is held, ends at (0, 0). An end is never
        moved back up: what was revoked stays so.
        """
        billing, telemetry = (
            tuple(
                span._replace(until=end if span.until is None else min(end, span.until))
                for span in self.spans(log)
            )
            for log, end in ((log, ends.get(log, (0, 0))) for log in Log)
        )
        return KeySchedule(billing, telemetry)

    def renewed(self, vkey: str, epoch: int) -> "KeySchedule":
        """Return the schedule of a gateway that was enrolled again: a new key from ``epoch`` on.

        Unless revoked at less, the old key keeps what it signed in the epochs before. Raises
        Malformed for an epoch that was begun, or a key that was in use.
        """
        if vkey in self.vkeys():
            raise Malformed(f"the key of {self.gateway} was in use before; make a new one")
        if epoch <= max(self.billing[-1].epoch, self.telemetry[-1].epoch):
            raise Malformed(f"{self.gateway}: epoch {epoch} was begun; renew from a new one on")
        return self._added(vkey, epoch, dict.fromkeys(Log, 0))

    def to_text(self) -> str:
        """Return the text form."""
        lines = [
            f"{log.value} {span.epoch} {span.after} {_until_text(span.until)} {span.vkey}"
            for log in Log
            for span in self.spans(log)
        ]
        return "\n".join((_TITLE, *lines, ""))

    @classmethod
    def from_text(cls, text: str) -> "KeySchedule":
        """Read the text form strictly; raise Malformed."""
        if len(text) > MAX_TEXT_BYTES:
            raise Malformed(f"key schedule: more than {MAX_TEXT_BYTES} characters")
        title, *lines = text.split("\n")
        if title != _TITLE:
            raise Malformed(f"key schedule: does not begin with {_TITLE}")
        spans: dict[str, list[KeySpan]] = {log.value: [] for log in Log}
        for line in lines[:-1]:
            parts = line.split(" ")
            if len(parts) != 5 or parts[0] not in spans:
                raise Malformed(f"key schedule: not a span: {line[:80]!r}")
            spans[parts[0]].append(_read_span(parts))
        schedule = cls(*(tuple(spans[log.value]) for log in Log))
        if schedule.to_text() != text:
            raise Malformed("key schedule: not its one spelling")
        return schedule

    def _added(self, vkey: str, epoch: int, ends: Mapping[Log, int]) -> "KeySchedule":
        return KeySchedule(*((*self.spans(log), KeySpan(epoch, ends[log], vkey)) for log in Log))


def _until_text(until: tuple[int, int] | None) -> str:
    return "-" if until is None else f"{until[0]}/{until[1]}"


def key_fingerprint(vkey: str) -> str:
    """What two people compare of a key: 128 bits of SHA-256 of its text, four digits at a time."""
    digits = hashlib.sha256(vkey.encode("ascii")).hexdigest()[:32]
    return "-".join(digits[at : at + 4] for at in range(0, 32, 4))


def _read_span(parts: list[str]) -> KeySpan:
    """Read the fields of a line."""
    until = None
    if parts[3] != "-":
        end_epoch, _, end_size = parts[3].partition("/")
        until = (
            parse_decimal(end_epoch, "key span: end"),
            parse_decimal(end_size, "key span: end"),
        )
    epoch, after = (parse_decimal(part, "key span: begin") for part in parts[1:3])
    return KeySpan(epoch, after, parts[4], until)


def _check(spans: tuple[KeySpan, ...], log: str) -> None:
    """Raise Malformed unless the spans of one log follow each other."""
    if not 1 <= len(spans) <= MAX_SPANS:
        raise Malformed(f"key schedule: {len(spans)} keys of {log}, not 1..{MAX_SPANS}")
    for place in (*(span.begin for span in spans), *(span.until for span in spans)):
        if place and not (0 <= place[0] <= MAX_EPOCH and 0 <= place[1] <= MAX_SIZE):
            raise Malformed(f"key schedule: place {place} of {log} out of range")
    for before, span in itertools.pairwise(spans):
        if span.begin < before.begin or span.vkey == before.vkey:
            raise Malformed(f"key schedule: keys of {log} out of order")
