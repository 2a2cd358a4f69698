"""The last scans of each device, kept as they pass from its bus to the recorder.

Nothing is decoded here: it costs a poll a few assignments, and whoever asks pays for what he sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from protocols.metering.quality import Quality

if TYPE_CHECKING:
    from edge_agent.bus.polled import PolledScan
    from edge_agent.config.model import DeviceConfig

FLOW_MS: Final = 60_000
"""A flow is the mean of one to two of these: one count of a coarse index is no flow."""


class Seen:
    """Of one device. `good`: the last good scan; `before`: a good one from which flows count."""

    __slots__ = ("before", "good", "last", "middle")

    def __init__(self) -> None:
        self.last: PolledScan | None = None
        self.good: PolledScan | None = None
        self.before: PolledScan | None = None
        self.middle: PolledScan | None = None

    def take(self, scan: PolledScan) -> None:
        """One more."""
        self.last = scan
        if scan.quality != Quality.GOOD:
            return
        middle = self.middle
        if middle is None or self.before is None:
            self.before = self.middle = scan
        elif scan.instant.mono_ms - middle.instant.mono_ms >= FLOW_MS:
            self.before, self.middle = middle, scan
        self.good = scan


class LatestScans:
    """Of all devices. `deliver` is what the buses call; each device has one bus, and one thread."""

    def __init__(
        self, devices: Iterable[DeviceConfig], deliver: Callable[[PolledScan], bool]
    ) -> None:
        self._seen = {device.serial: Seen() for device in devices}
        self._deliver = deliver

    def deliver(self, scan: PolledScan) -> bool:
        """Keep it and hand it on; what the recorder says of it."""
        self._seen[scan.device.serial].take(scan)
        return self._deliver(scan)

    def of(self, serial: str) -> Seen:
        """What was seen of a device; of one that is not configured, nothing."""
        return self._seen.get(serial) or Seen()
