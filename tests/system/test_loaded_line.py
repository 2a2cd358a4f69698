"""32 devices on one paced line that is loaded to 90 %, eight of them dead, on a real pty."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import pytest

from edge_agent.bus.bus import BusThread
from edge_agent.clock import Clock
from edge_agent.config.bus_time import bits_per_char, schedule_faults
from edge_agent.config.model import BusConfig, DeviceConfig
from protocols.metering.quality import Quality
from protocols.modbus.budget import Line, Load, load_of
from protocols.modbus.plan import plan
from protocols.registers.profile import Point, Profile
from simulators.strict_line import LineOptions, StrictLine

BAUD = 19200
TURNAROUND_MS = 5.0
POLL_MS = 1_660
COUNT = 32
DEAD = frozenset(range(4, COUNT + 1, 4))
SECONDS = 180.0

POINTS = tuple(Point(f"p{n}", 3, 2 * n, "f32") for n in range(15))
PROFILE = Profile("test", "none", "test", "meter", POINTS, tuple(p.name for p in POINTS))


def devices() -> list[DeviceConfig]:
    return [
        DeviceConfig(f"d{n}", "line", n, PROFILE, f"S{n}", PROFILE.default_points, POLL_MS, 0)
        for n in range(1, COUNT + 1)
    ]


@pytest.mark.long
def test_the_living_keep_their_rate(tmp_path: Path) -> None:
    """The 24 that live get 95 % of their polls, all GOOD; the dead cost the line 4 %."""
    path = tmp_path / "port"
    bus = BusConfig(
        "line", "rtu", port=str(path), baud=BAUD, timeout_s=0.25, turnaround_ms=TURNAROUND_MS
    )
    line = Line(BAUD, bits_per_char(bus), TURNAROUND_MS)
    load = load_of([Load("d", plan(POINTS, PROFILE), POLL_MS)] * COUNT, line)
    assert 0.89 < load < 0.91
    assert schedule_faults(bus, devices()) == []
    good: Counter[str] = Counter()
    tries: Counter[str] = Counter()
    qualities: set[int] = set()

    def deliver(scan: object) -> bool:
        name, quality = scan.device.name, scan.quality  # type: ignore[attr-defined]
        tries[name] += 1
        good[name] += quality == Quality.GOOD
        if int(name[1:]) not in DEAD:
            qualities.add(quality)
        return True

    stop = threading.Event()
    living = [n for n in range(1, COUNT + 1) if n not in DEAD]
    options = LineOptions(BAUD, units=living, turnaround_ms=TURNAROUND_MS)
    with StrictLine(path, options) as served:
        thread = BusThread(bus, devices(), Clock(1), deliver, stop)
        thread.start()
        stop.wait(SECONDS)
        stop.set()
        thread.join(10)
    wanted = SECONDS * 1000 / POLL_MS
    least = min(good[f"d{n}"] for n in living)
    print(f"least {least} of {wanted:.0f}, dead {sum(tries[f'd{n}'] for n in DEAD)} tries")
    assert qualities == {Quality.GOOD}
    assert least >= 0.95 * wanted
    assert served.report.violations == 0
    dead_s = sum(tries[f"d{n}"] for n in DEAD) * 2 * bus.timeout_s
    # two tries of each at the start are no steady state
    assert dead_s <= 0.04 * SECONDS + 2 * len(DEAD) * 2 * bus.timeout_s + 5.0
