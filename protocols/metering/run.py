"""The pipeline of one meter run: scans in, interval records and events out; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from protocols.metering.body import Body
from protocols.metering.carry import Carry
from protocols.metering.interval import IntervalRecord
from protocols.metering.quality import Flag
from protocols.metering.run_config import RunConfig
from protocols.metering.scan import Scan


@dataclass(frozen=True, slots=True)
class RunState:
    """All that the pipeline remembers of one run between two scans."""

    now: Carry

    @classmethod
    def new(cls, segment: int = 0) -> RunState:
        """The state of a run that never saw a scan; `segment` numbers its totals' first one."""
        return cls(Carry(next_seq=0, segment=segment))

    def to_body(self) -> Body:
        raise NotImplementedError

    @classmethod
    def from_body(cls, body: object) -> RunState:
        """The strict inverse of `to_body`; raises BodyError."""
        raise NotImplementedError


class MeterEvent(NamedTuple):
    """A fact of the run; conditions go from "off" to "on" and back, indexes are in counts."""

    code: str
    subject: str
    old: int | str | None
    new: int | str | None
    detail: str


class Step(NamedTuple):
    """The state after a scan, and what became known by it."""

    state: RunState
    records: tuple[IntervalRecord, ...]
    events: tuple[MeterEvent, ...]


class Agrees(NamedTuple):
    """The record follows from its scans; `carry` must be the opening carry of the next record."""

    carry: Carry


class Differs(NamedTuple):
    """The first field that does not follow from the scans."""

    field: str
    recorded: object
    recomputed: object


def step(config: RunConfig, state: RunState, scan: Scan) -> Step:
    """One scan of any device, in order of `seq`; those of other runs change nothing."""
    raise NotImplementedError


def close(config: RunConfig, state: RunState, flag: Flag = Flag.PARTIAL) -> Step:
    """Close the open interval at the last accepted meter scan, before a stop or a new config."""
    raise NotImplementedError


def recompute(config: RunConfig, record: IntervalRecord, scans: Iterable[Scan]) -> Agrees | Differs:
    """Make the record again from `record.carry` and its scans, and compare every field."""
    raise NotImplementedError
