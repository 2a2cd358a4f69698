"""All that the pipeline remembers of one run between two scans."""

from __future__ import annotations

from dataclasses import dataclass, replace

from protocols.metering.body import Body, BodyError, Fields
from protocols.metering.carry import Carry, parse_carry
from protocols.metering.deviation import NOTHING_COMPARED, Compared, parse_compared
from protocols.metering.tally import Tally, begin, parse_tally

MAX_CONDITIONS = 16


@dataclass(frozen=True, slots=True)
class RunState:
    """`now`: what the next scan needs; `opening` and `tally`: the open interval, None before one.

    `conditions`: names of the alarms that are on, sorted, so that each is told once. `compared`:
    the device's base volume and ours since the last verdict on them.
    """

    now: Carry
    opening: Carry | None = None
    tally: Tally | None = None
    conditions: tuple[str, ...] = ()
    compared: Compared = NOTHING_COMPARED

    @classmethod
    def new(cls, segment: int = 0) -> RunState:
        """The state of a run that never saw a scan; `segment` numbers its totals' first one."""
        return cls(Carry(next_seq=0, segment=segment))

    @classmethod
    def resume(cls, carry: Carry) -> RunState:
        """The state right after the record that handed this carry on."""
        if carry.reference is None:
            return cls(carry)
        return cls(carry, carry, begin(carry))

    def opened(self, carry: Carry) -> RunState:
        """The same run with a new interval that opens with this carry."""
        return replace(self, now=carry, opening=carry, tally=begin(carry))

    def counted(self, *, failed: bool) -> RunState:
        """One more poll of the meter, if an interval is open."""
        tally = self.tally
        if tally is None:
            return self
        tally = tally._replace(polls=tally.polls + 1, polls_failed=tally.polls_failed + failed)
        return replace(self, tally=tally)

    @property
    def was_polled(self) -> bool:
        """Whether the open interval has a poll of the meter, good or failed."""
        return self.tally is not None and self.tally.polls > 0

    @property
    def next_segment(self) -> int:
        """A segment number that no total has had: for those that begin anew.

        Totals that are gone, or not seen yet, are remembered in the carry's own number.
        """
        used = (position.segment for position in self.now.positions)
        return max((self.now.segment - 1, *used)) + 1

    def to_body(self) -> Body:
        return (
            self.now.to_body(),
            None if self.opening is None else self.opening.to_body(),
            None if self.tally is None else self.tally.to_body(),
            self.conditions,
            self.compared.to_body(),
        )

    @classmethod
    def from_body(cls, body: object) -> RunState:
        """The strict inverse of `to_body`; raises BodyError."""
        fields = Fields("run state", body, 5)
        now, opening, tally = parse_carry(fields.item()), fields.item(), fields.item()
        if (opening is None, tally is None) != (now.reference is None,) * 2:
            raise BodyError("run state: opening, tally and reference belong together")
        names = fields.items("conditions", MAX_CONDITIONS)
        if not all(type(name) is str for name in names):
            raise BodyError("run state.conditions: a name is no text")
        return cls(
            now,
            None if opening is None else parse_carry(opening),
            None if tally is None else parse_tally(tally),
            tuple(str(name) for name in names),
            parse_compared(fields.item()),
        )
