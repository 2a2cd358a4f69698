"""An edited interval: a new version that points to its original, never a change of it.

API MPMS 21.1 and EN 12405-1 let a figure be corrected afterwards, if the original stays and it is
told who changed what, when and why. The record of the gateway is version 1; each edit is the next.

What is edited are the run's own figures (`Amounts`). The indexes of the device are what it showed:
first law, chain and recompute stay with the original, and so does its closing carry. Hence an edit
never changes its neighbours. A recalculation begins with the remainders of the original's opening
carry and drops those that it ends with; the record after it still begins with the original's. So
the base volumes of edited intervals add up to what one conversion of the whole would have given to
less than 1 cm3 an interval, of either sign.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

import cbor2

from protocols.metering.body import INT64_MAX, INT64_MIN, Body, Fields
from protocols.metering.interval import ALGORITHM, IntervalRecord, TotalRecord
from protocols.metering.quality import ALL_FLAGS
from protocols.metering.run import Replay, replay
from protocols.metering.run_config import RunConfig
from protocols.metering.scan import Scan

FIRST_VERSION: Final = 2  # the gateway's own record is version 1
MAX_VERSION: Final = 1000
WHO_CHARACTERS: Final = 64
REASON_CHARACTERS: Final = 500
NO_EDIT: Final = bytes(32)  # what the first edit of a chain follows
VOLUME_CM3: Final = (0, 10**16)
UTC_MS: Final = (946_684_800_000, 253_402_300_799_999)  # 2000 to 9999


class EditKind(StrEnum):
    """How the new figures came about."""

    RECALCULATED = "recalculated"  # by the pipeline's own code under a corrected configuration
    ESTIMATED = "estimated"  # by a documented rule, which the record names
    ENTERED = "entered"  # by a person


class Original(NamedTuple):
    """Which interval leaf of a gateway's billing log; its hash is RFC 6962's over its bytes."""

    gateway: str
    epoch: int
    seq: int
    leaf_hash: bytes


class Amounts(NamedTuple):
    """The figures of an interval that an edit may change, in the units of `IntervalRecord`."""

    line_main_cm3: int
    line_error_cm3: int
    line_reverse_cm3: int
    base_main_cm3: int
    base_error_cm3: int
    p_dpa: int
    t_mk: int
    z_e9: int
    c_e9: int
    cf_e9: int
    hs_j_m3: int
    flow_time_ms: int
    flags: int

    @classmethod
    def of(cls, record: IntervalRecord) -> Amounts:
        """Those of a record as the gateway made it."""
        return cls(*(getattr(record, name) for name in cls._fields))

    @property
    def line_cm3(self) -> int:
        return self.line_main_cm3 + self.line_error_cm3

    @property
    def base_cm3(self) -> int:
        return self.base_main_cm3 + self.base_error_cm3

    @property
    def energy_uj(self) -> int:
        """Base volume times heating value: exact, because 1 cm3 x 1 J/m3 is a microjoule."""
        return self.base_cm3 * self.hs_j_m3


class Change(NamedTuple):
    """One figure of `Amounts`, as the version before had it and as this one has it."""

    field: str
    old: int
    new: int


class NotRecalculated(NamedTuple):
    """Why a corrected configuration gives no figures for an interval."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class EditedRecord:
    """One version of an interval: whole new figures, and who made them, when, why and with what.

    `config_hash`: the configuration they were worked out under (of an entered one: that of the
    version before). `software`: hash of the metrological modules. `rule`: of an estimate only.
    """

    run: str
    original: Original
    version: int
    kind: str
    amounts: Amounts
    changes: tuple[Change, ...]
    config_hash: bytes
    software: bytes
    rule: str
    reason: str
    who: str
    at_ms: int

    def to_body(self) -> Body:
        return (
            self.run, tuple(self.original), self.version, str(self.kind),
            tuple(self.amounts), tuple(tuple(change) for change in self.changes),
            self.config_hash, self.software, self.rule, self.reason, self.who, self.at_ms,
        )  # fmt: skip

    def hash(self, previous: bytes) -> bytes:
        """SHA-256 over the hash of the edit before it in the store and this one's canonical CBOR.

        So an edit that is changed, moved or taken away breaks the chain.
        """
        body = cbor2.dumps(self.to_body(), canonical=True)
        return hashlib.sha256(previous + body).digest()

    @classmethod
    def from_body(cls, body: object) -> EditedRecord:
        """The strict inverse of `to_body`; raises BodyError. Whether it makes sense: `faults`."""
        fields = Fields("edit", body, 12)
        return cls(
            run=fields.text("run"),
            original=_original(fields.item()),
            version=fields.integer("version", FIRST_VERSION, MAX_VERSION),
            kind=fields.text("kind"),
            amounts=_amounts(fields.item()),
            changes=tuple(_change(item) for item in fields.items("changes", len(Amounts._fields))),
            config_hash=fields.data("config_hash", 32),
            software=fields.data("software", 32),
            rule=fields.text("rule", REASON_CHARACTERS),
            reason=fields.text("reason", REASON_CHARACTERS),
            who=fields.text("who", WHO_CHARACTERS),
            at_ms=fields.integer("at_ms"),
        )


def changes_between(before: Amounts, after: Amounts) -> tuple[Change, ...]:
    """Every figure that is not the same, in the order of `Amounts`."""
    named = zip(Amounts._fields, before, after, strict=True)
    return tuple(Change(field, old, new) for field, old, new in named if old != new)


def faults(record: EditedRecord, before: Amounts) -> list[str]:
    """Every fault of an edit of the version whose figures are `before`; empty: it can be booked."""
    found = _text_faults(record) + _amount_faults(record.amounts)
    if not FIRST_VERSION <= record.version <= MAX_VERSION:
        found.append(f"version is {record.version}; {FIRST_VERSION} to {MAX_VERSION}")
    if not UTC_MS[0] <= record.at_ms <= UTC_MS[1]:
        found.append(f"at_ms is {record.at_ms}; give UTC ms since 1970")
    if record.kind not in list(EditKind):
        found.append(f"kind {record.kind!r} is none of {', '.join(EditKind)}")
    elif (record.kind == EditKind.ESTIMATED) != bool(record.rule):
        found.append("rule: an estimate names its rule, and nothing else has one")
    changed = changes_between(before, record.amounts)
    if not changed:
        found.append("changes: the figures are those of the version before; nothing to book")
    elif record.changes != changed:
        found.append("changes: they do not lead from the version before to the new figures")
    return found


def _text_faults(record: EditedRecord) -> list[str]:
    found = []
    for field, text, longest in (
        ("who", record.who, WHO_CHARACTERS),
        ("reason", record.reason, REASON_CHARACTERS),
    ):
        if not text.strip():
            found.append(f"{field} is missing; an edit says who made it and why")
        elif len(text) > longest:
            found.append(f"{field} has {len(text)} characters; at most {longest}")
    if len(record.rule) > REASON_CHARACTERS:
        found.append(f"rule has {len(record.rule)} characters; at most {REASON_CHARACTERS}")
    for field, text in (("who", record.who), ("reason", record.reason), ("rule", record.rule)):
        if not text.isprintable():
            found.append(f"{field} holds a control character; write it as one line of text")
    return found


def _amount_faults(amounts: Amounts) -> list[str]:
    found = []
    for field, value in zip(Amounts._fields, amounts, strict=True):
        low, high = VOLUME_CM3 if field.endswith("_cm3") else (0, INT64_MAX)
        if field == "flags":
            high = int(ALL_FLAGS)
        if not low <= value <= high:
            found.append(f"{field} is {value}; it must lie in {low}..{high}")
    return found


def recalculate(
    config: RunConfig, record: IntervalRecord, scans: Iterable[Scan]
) -> Amounts | NotRecalculated:
    """The figures of a record under another configuration, by the code that made it.

    The configuration must have no faults; it may differ in gas, method, substitutes, atmosphere,
    curve or base conditions.
    """
    return recalculated(config, record, replay(config, record.carry, record.telemetry_end, scans))


def recalculated(
    config: RunConfig, record: IntervalRecord, again: Replay
) -> Amounts | NotRecalculated:
    """The record's figures in what its scans make under another configuration.

    None where the same scans would have ended the interval elsewhere, or moved an index by another
    count: that would be another interval. The parts of a gap share one replay.
    """
    for field, recorded, known in (
        ("algorithm", record.algorithm, ALGORITHM),
        ("run", record.run, config.run),
        ("parts", record.parts, len(again.records)),
    ):
        if recorded != known:
            return NotRecalculated(f"{field}: the original has {recorded}, here it is {known}")
    made = again.records[record.part]
    for field in ("start", "end", "elapsed_ms", "polls", "polls_failed"):
        if getattr(made, field) != getattr(record, field):
            return NotRecalculated(f"{field}: the interval would be another one")
    if [_moved(total) for total in made.totals] != [_moved(total) for total in record.totals]:
        return NotRecalculated("totals: an index would have moved otherwise")
    return Amounts.of(made)


def _moved(total: TotalRecord) -> TotalRecord:
    """A total without the counter that its increments were booked into, which an edit may move."""
    return total._replace(main=total.main + total.error, error=0)


def _original(body: object) -> Original:
    fields = Fields("edit.original", body, 4)
    gateway, epoch = fields.text("gateway", 63), fields.integer("epoch")
    return Original(gateway, epoch, fields.integer("seq"), fields.data("leaf_hash", 32))


def _amounts(body: object) -> Amounts:
    fields = Fields("edit.amounts", body, len(Amounts._fields))
    return Amounts(*(fields.integer(name) for name in Amounts._fields))


def _change(body: object) -> Change:
    fields = Fields("edit.change", body, 3)
    field = fields.text("field")
    if field not in Amounts._fields:
        raise fields.fault("field", f"{field!r} is no figure of an interval")
    old, new = fields.integer("old", INT64_MIN), fields.integer("new", INT64_MIN)
    return Change(field, old, new)
