"""The only clock of the agent: CLOCK_BOOTTIME for durations, UTC where it can be believed."""

from __future__ import annotations

import ctypes
import time
from typing import Final

from protocols.metering.instant import ClockState, Instant

EARLIEST_UTC_MS: Final = 1_735_689_600_000  # 2025-01-01; a clock before that was never set
_TIME_ERROR: Final = 5  # adjtimex(2): not synchronised
_STA_UNSYNC: Final = 0x0040
_STATUS_OFFSET: Final = 5 * ctypes.sizeof(ctypes.c_long)  # struct timex: modes (padded) and 4 longs
_TIMEX_BYTES: Final = 512  # the structure has 208 on 64-bit Linux; the rest is room

_libc = ctypes.CDLL(None, use_errno=True)


def clock_state() -> ClockState:
    """Tell from adjtimex(2), without a daemon and without root, whether somebody steers UTC."""
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)  # modes = 0: read only
    state = _libc.adjtimex(buffer)
    if state < 0:
        return ClockState.UNKNOWN
    status = ctypes.c_int.from_buffer(buffer, _STATUS_OFFSET).value
    if state == _TIME_ERROR or status & _STA_UNSYNC:
        return ClockState.UNSYNCHRONISED
    return ClockState.SYNCHRONISED


class Clock:
    """Reads the instant of now; thread-safe, keeps nothing but the boot number."""

    def __init__(self, boot_no: int) -> None:
        self.boot_no = boot_no

    def now(self) -> Instant:
        """Boot number, ms since boot (suspend included), UTC ms or None, clock state."""
        utc_ms = wall_ms()
        return Instant(
            self.boot_no,
            mono_ms(),
            utc_ms if utc_ms >= EARLIEST_UTC_MS else None,
            clock_state(),
        )


def mono_ms() -> int:
    """CLOCK_BOOTTIME in ms: goes on during suspend, never steps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def wall_ms() -> int:
    """UTC ms as the wall clock shows it, whether it can be believed or not."""
    return time.time_ns() // 1_000_000
