"""The only clock of the agent: CLOCK_BOOTTIME for durations, UTC where it can be believed."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from protocols.metering.instant import ClockState, Instant

EARLIEST_UTC_MS: Final = 1_735_689_600_000  # 2025-01-01; a clock before that was never set
# adjtimex(2): a leap second is being inserted, UTC shows two seconds alike; not synchronised
_TIME_OOP, _TIME_ERROR = 3, 5
LATEST_UTC_MS: Final = 4_102_444_800_000  # 2100-01-01; a clock beyond that is broken
_READINGS: Final = 4
_APART_MS: Final = 5
_STA_UNSYNC: Final = 0x0040
_STA_NANO: Final = 0x2000
_TAI: Final = 20  # its place, in longs
_STATUS_OFFSET: Final = 5 * ctypes.sizeof(ctypes.c_long)  # struct timex: modes (padded) and 4 longs
_TIMEX_BYTES: Final = 512  # the structure has 208 on 64-bit Linux; the rest is room

_libc = ctypes.CDLL(None, use_errno=True)


class Discipline(NamedTuple):
    """How the kernel steers UTC, as adjtimex(2) tells: what is still to be corrected, the frequency
    that is corrected all along, and the errors that whoever steers it claims.
    """

    state: ClockState
    status: int
    offset_us: float
    frequency_ppm: float
    max_error_us: int
    estimated_error_us: int
    tai_s: int


def clock_state() -> ClockState:
    """Tell from adjtimex(2), without a daemon and without root, whether somebody steers UTC."""
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)  # modes = 0: read only
    state = _libc.adjtimex(buffer)
    return judge(state, ctypes.c_int.from_buffer(buffer, _STATUS_OFFSET).value)


def discipline() -> Discipline:
    """The same with its figures."""
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
    state = _libc.adjtimex(buffer)
    longs = (ctypes.c_long * (_TAI + 1)).from_buffer(buffer)
    status = ctypes.c_int.from_buffer(buffer, _STATUS_OFFSET).value
    offset_us = longs[1] / 1000 if status & _STA_NANO else float(longs[1])
    tai_s = ctypes.c_int.from_buffer(buffer, _TAI * ctypes.sizeof(ctypes.c_long)).value
    frequency_ppm = longs[2] / 65536
    return Discipline(
        judge(state, status), status, offset_us, frequency_ppm, longs[3], longs[4], tai_s
    )


def judge(state: int, status: int) -> ClockState:
    """What adjtimex(2) returned, and its status bits.

    While a leap second is inserted UTC is not believed: it says of two seconds the same. The day
    before, on which it is announced (STA_INS, STA_DEL), and the one after are as any other.
    """
    if state < 0:
        return ClockState.UNKNOWN
    if state in (_TIME_OOP, _TIME_ERROR) or status & _STA_UNSYNC:
        return ClockState.UNSYNCHRONISED
    return ClockState.SYNCHRONISED


def both_ms(mono: Callable[[], int], wall: Callable[[], int]) -> tuple[int, int]:
    """The two clocks of one moment: read again where the thread was put aside in between."""
    before = mono()
    for _ in range(_READINGS):
        utc, after = wall(), mono()
        if after - before <= _APART_MS:
            break
        before = after
    return after, utc


class Clock:
    """Reads the instant of now; thread-safe, keeps nothing but the boot number."""

    def __init__(self, boot_no: int) -> None:
        self.boot_no = boot_no

    def now(self) -> Instant:
        """Boot number, ms since boot (suspend included), UTC ms or None, clock state."""
        since_boot_ms, utc_ms = both_ms(mono_ms, wall_ms)
        believable = EARLIEST_UTC_MS <= utc_ms <= LATEST_UTC_MS
        return Instant(self.boot_no, since_boot_ms, utc_ms if believable else None, clock_state())


def mono_ms() -> int:
    """CLOCK_BOOTTIME in ms: goes on during suspend, never steps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def wall_ms() -> int:
    """UTC ms as the wall clock shows it, whether it can be believed or not."""
    return time.time_ns() // 1_000_000


def set_wall(utc_s: int) -> None:
    """Set UTC, to whole seconds. Raises PermissionError without CAP_SYS_TIME."""
    time.clock_settime_ns(time.CLOCK_REALTIME, utc_s * 1_000_000_000)
