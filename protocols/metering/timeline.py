"""How much time passed between two meter scans, and which interval boundaries lie between."""

from __future__ import annotations

from typing import NamedTuple

from protocols.metering.instant import ClockState, Instant
from protocols.metering.interval import MAX_PARTS

# After a reboot without a trustworthy UTC, an increment that seems too large waits this long at
# most. The time since boot, which bounds the gap from below, explains genuine gas much earlier.
HOLD_LIMIT_MS = 86_400_000


class Elapsed(NamedTuple):
    """Time between two scans in ms; not `certain`: at least the time since boot, maybe more."""

    ms: int
    certain: bool


class Mark(NamedTuple):
    """A boundary inside a gap, and how far into the gap it lies: `share` of `whole`."""

    instant: Instant
    share: int
    whole: int


def elapsed_between(earlier: Instant, later: Instant) -> Elapsed:
    """Monotonic time within a boot, else UTC: certain only where a clock is synchronised.

    A box without a battery clock starts with the time at which it was stopped, so that UTC
    understates the gap until it is synchronised; judging by it would quarantine genuine gas.
    """
    if same_boot(earlier, later):
        return Elapsed(later.mono_ms - earlier.mono_ms, certain=True)
    if earlier.utc_ms is None or later.utc_ms is None or later.utc_ms < earlier.utc_ms:
        return since_boot(later)
    synchronised = earlier.clock_state == later.clock_state == ClockState.SYNCHRONISED
    return Elapsed(max(later.utc_ms - earlier.utc_ms, later.mono_ms), synchronised)


def since_boot(later: Instant) -> Elapsed:
    """What is known without any UTC: at least the time since this boot."""
    return Elapsed(later.mono_ms, certain=False)


def same_boot(earlier: Instant, later: Instant) -> bool:
    """Monotonic times of the two can be compared."""
    return earlier.boot_no == later.boot_no and earlier.mono_ms <= later.mono_ms


def is_over(start: Instant, now: Instant, interval_ms: int) -> bool:
    """The interval that began at `start` ends with a scan at `now`."""
    if start.utc_ms is not None and now.utc_ms is not None:
        return start.utc_ms // interval_ms != now.utc_ms // interval_ms
    return not same_boot(start, now) or now.mono_ms - start.mono_ms >= interval_ms


def marks_between(
    start: Instant, reference: Instant, now: Instant, elapsed: Elapsed, limits: tuple[int, int]
) -> tuple[Mark, ...]:
    """The boundaries at which a gap from `reference` to `now` is split; `limits`: interval, stale.

    `start` is where the open interval began. UTC is believed as long as it tells the same length
    as the monotonic clock (a step of the clock is no gap), else monotonic time is used within one
    boot. The last boundary that passed is where the ordinary rule ends an interval: with the scan.
    """
    interval_ms, stale_ms = limits
    if reference.utc_ms is not None and now.utc_ms is not None:
        whole = now.utc_ms - reference.utc_ms
        if whole > 0 and abs(whole - elapsed.ms) <= stale_ms:
            first = (reference.utc_ms // interval_ms + 1) * interval_ms
            return _marks(reference, elapsed.ms, whole, range(first, now.utc_ms + 1, interval_ms),
                          reference.utc_ms)  # fmt: skip
    if not (same_boot(start, reference) and same_boot(reference, now)):
        return ()
    passed = (reference.mono_ms - start.mono_ms) // interval_ms
    first = start.mono_ms + (passed + 1) * interval_ms
    unknown_utc = reference._replace(utc_ms=None)
    return _marks(unknown_utc, elapsed.ms, elapsed.ms, range(first, now.mono_ms + 1, interval_ms),
                  reference.mono_ms)  # fmt: skip


def _marks(
    reference: Instant, elapsed_ms: int, whole: int, boundaries: range, origin: int
) -> tuple[Mark, ...]:
    """All boundaries but the last, whose interval the scan itself ends; at most MAX_PARTS - 1."""
    marks = []
    for boundary in boundaries[:-1][-(MAX_PARTS - 1) :]:
        share = boundary - origin
        mono_ms = reference.mono_ms + elapsed_ms * share // whole
        utc_ms = None if reference.utc_ms is None else boundary
        marks.append(Mark(reference._replace(mono_ms=mono_ms, utc_ms=utc_ms), share, whole))
    return tuple(marks)
