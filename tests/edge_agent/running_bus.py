"""A bus thread that a test runs, and its scans as they come."""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from edge_agent.bus.bus import BusThread
from edge_agent.clock import Clock
from edge_agent.config.model import DeviceConfig
from protocols.metering.quality import Quality


def device(name, unit, profile, points=(), poll_ms=100, priority=0, bus="b"):
    points = tuple(points) or profile.default_points
    return DeviceConfig(name, bus, unit, profile, f"sn-{name}", points, poll_ms, priority)


class Running:
    """A bus thread, and its scans as they come."""

    def __init__(self, config, devices, accept: Callable[[], bool] = lambda: True):
        self.scans = queue.Queue()
        self.stop = threading.Event()
        self._accept = accept
        devices = [
            replace(device, bus=config.name) if device.bus == "b" else device for device in devices
        ]
        self.thread = BusThread(config, devices, Clock(boot_no=7), self._deliver, self.stop)

    def _deliver(self, scan):
        self.scans.put(scan)
        return self._accept()

    def until(self, wanted, limit_s=10.0):
        """All scans up to and with the first that is wanted."""
        seen, deadline = [], time.monotonic() + limit_s
        while not seen or not wanted(seen[-1]):
            left = deadline - time.monotonic()
            try:
                seen.append(self.scans.get(timeout=max(0.0, left)))
            except queue.Empty:
                told = [(scan.device.name, scan.quality) for scan in seen[-9:]]
                raise AssertionError(f"not within {limit_s} s; saw {told}") from None
        return seen

    def during(self, seconds):
        """All scans of a stretch of time."""
        seen, deadline = [], time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                seen.append(self.scans.get(timeout=left))
            except queue.Empty:
                break
        return seen

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(5)
        assert not self.thread.is_alive()


def good(name):
    return lambda scan: scan.device.name == name and scan.quality == Quality.GOOD


def bad(name, quality):
    return lambda scan: scan.device.name == name and scan.quality == quality
