"""The agent's clock on this machine."""

from __future__ import annotations

import time

import pytest

from edge_agent.clock import EARLIEST_UTC_MS, Clock, clock_state, mono_ms
from protocols.metering.instant import ClockState


def test_now_is_boot_time_and_utc() -> None:
    """Milliseconds of both clocks, and the boot's number."""
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
    instant = Clock(7).now()
    assert instant.boot_no == 7
    assert before <= instant.mono_ms <= mono_ms()
    assert instant.utc_ms is not None
    assert abs(instant.utc_ms - time.time_ns() // 1_000_000) < 1_000


def test_a_clock_that_was_never_set_is_no_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 2025 it shows 1970 or the day of the image."""
    monkeypatch.setattr(time, "time_ns", lambda: (EARLIEST_UTC_MS - 1) * 1_000_000)
    assert Clock(0).now().utc_ms is None
    monkeypatch.setattr(time, "time_ns", lambda: EARLIEST_UTC_MS * 1_000_000)
    assert Clock(0).now().utc_ms == EARLIEST_UTC_MS


def test_the_kernel_tells_its_state() -> None:
    """Without root; a container shares its host's."""
    assert clock_state() in (ClockState.SYNCHRONISED, ClockState.UNSYNCHRONISED)
