"""When something happened, as far as the gateway can know it."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from protocols.metering.body import Body, Fields


class ClockState(IntEnum):
    """What the kernel says of UTC at that instant (adjtimex)."""

    UNKNOWN = 0
    UNSYNCHRONISED = 1
    SYNCHRONISED = 2


class Instant(NamedTuple):
    """Boot number, ms since that boot (suspend included), UTC ms or None, state of the clock.

    Durations come from `mono_ms` of one boot; `utc_ms` may step and says only what the wall showed.
    """

    boot_no: int
    mono_ms: int
    utc_ms: int | None
    clock_state: int

    def to_body(self) -> Body:
        return (self.boot_no, self.mono_ms, self.utc_ms, int(self.clock_state))


def parse_instant(body: object) -> Instant:
    """The strict inverse of `Instant.to_body`; raises BodyError."""
    fields = Fields("instant", body, 4)
    return Instant(
        fields.integer("boot_no"),
        fields.integer("mono_ms"),
        fields.optional_integer("utc_ms"),
        int(ClockState(fields.integer("clock_state", 0, max(ClockState)))),
    )
