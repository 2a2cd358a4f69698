"""CLOCK leaves: how UTC stands to the time since boot, whenever that changes. Pure.

CLOCK_BOOTTIME and UTC are slewed by the same hand, so their difference changes only when UTC is set
or stepped, or a leap second is inserted; and with each boot. A leaf tells each change, so that
whoever reads the log can give every earlier leaf of the boot its UTC, and knows when not to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_agent.journal.memory import ClockRelation
from protocols.evidence.leaf import Kind

if TYPE_CHECKING:
    from edge_agent.journal.draft import Draft
    from protocols.metering.instant import Instant

CLOCK_STEP_MS: Final = 500  # less is how far apart the two clocks are read; a leap second is more


def record_clock(draft: Draft, instant: Instant) -> None:
    """A CLOCK leaf where UTC was set, lost, stepped or steered anew since the last, once a boot.

    Body: (UTC ms that the old relation gives for this moment, UTC ms now, old clock state).
    """
    offset_ms = None if instant.utc_ms is None else instant.utc_ms - instant.mono_ms
    last = draft.clock
    before_ms: int | None = None
    if last is not None and last.boot_no == instant.boot_no:
        if last.offset_ms is not None:
            before_ms = last.offset_ms + instant.mono_ms
        if last.state == instant.clock_state and _is_close(last.offset_ms, offset_ms):
            return
    state = int(last.state) if last else None
    draft.append(Kind.CLOCK, "", (before_ms, instant.utc_ms, state), instant)
    draft.clock = ClockRelation(instant.boot_no, offset_ms, int(instant.clock_state))


def _is_close(old_ms: int | None, new_ms: int | None) -> bool:
    if old_ms is None or new_ms is None:
        return old_ms is new_ms
    return abs(old_ms - new_ms) <= CLOCK_STEP_MS
