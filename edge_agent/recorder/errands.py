"""What the agent wants of devices beside their polls, and when: clocks each hour, archives of gaps.

Called from the main thread now and then; what is due becomes a job on the device's bus, one at a
time for each device and purpose. What is found goes to the recorder, which alone remembers: so a
gap that is not done when the agent ends is begun again where its marks stand.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from edge_agent.bus.archive_places import archive_points
from edge_agent.bus.archive_reader import Taken, Wanted, read_gap
from edge_agent.bus.device_job import DeviceJob
from edge_agent.bus.device_reading import Shown, read_clock
from edge_agent.bus.device_time import offset_ms, zone_name
from edge_agent.bus.jobs import Jobs
from edge_agent.bus.joining import Failed
from edge_agent.bus.poller import Now
from edge_agent.config.model import AgentConfig, DeviceConfig
from edge_agent.journal.device_memory import DeviceMemory, PendingGap
from edge_agent.recording.device_recording import ClockRead, GapRead, News
from protocols.metering.quality import Quality

CLOCK_RETRY_MS: Final = 300_000
GAP_RETRY_MS: Final = 60_000
MAX_GAP_RETRY_MS: Final = 3_600_000
PATIENT_TRIES: Final = 30
"""About a day: a gap that cannot be read for so long holds up no younger one any more."""
JOB_MS: Final = 3_600_000
"""A ring of a year at 1200 baud may take its time; it disturbs nobody."""
_LOST: Final = (Quality.BAD_NO_ANSWER, Quality.BAD_ANSWER, Quality.BAD_PORT)
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Due:
    """When a thing is done next; not while it is being done."""

    due_ms: int
    busy: bool = False
    failures: int = 0


class Errands:
    """`tick` is for one thread; results come from the bus threads."""

    def __init__(
        self,
        config: AgentConfig,
        jobs: Mapping[str, Jobs],
        clock: Now,
        tell: Callable[[News], bool],
    ) -> None:
        self._config = config
        self._jobs = jobs
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self._outbox: deque[News] = deque()  # what the recorder had no room for
        self._clocks = {
            device.serial: _Due(0)
            for device in config.devices
            if device.profile.clock is not None and device.clock_ms
        }
        self._gaps: dict[int, _Due] = {}
        self._devices = {device.serial: device for device in config.devices}

    def tick(self, memory: DeviceMemory, now_ms: int) -> None:
        """Hand over what is due."""
        self._flush()
        for serial, due in self._clocks.items():
            if self._is_due(due, now_ms):
                self._begin(due, self._clock_job(self._devices[serial], due, now_ms))
        with self._lock:
            for seq in self._gaps.keys() - memory.gaps.keys():
                del self._gaps[seq]
            for seq in memory.gaps.keys() - self._gaps.keys():
                self._gaps[seq] = _Due(now_ms)
        reading = set()
        for seq, gap in memory.gaps.items():  # the oldest of a device first
            due, device = self._gaps[seq], self._devices.get(gap.serial)
            if device is None or gap.serial in reading:
                continue
            is_due = self._is_due(due, now_ms)
            if due.busy or is_due or due.failures < PATIENT_TRIES:
                reading.add(gap.serial)  # a younger one would move the mark over its records
            if is_due:
                marks = {
                    name: mark for (of, name), mark in memory.marks.items() if of == gap.serial
                }
                self._begin(due, self._gap_job(device, gap, marks, due, now_ms))

    def _is_due(self, due: _Due, now_ms: int) -> bool:
        with self._lock:
            return not due.busy and now_ms >= due.due_ms

    def _begin(self, due: _Due, job: DeviceJob[int] | DeviceJob[Shown]) -> None:
        with self._lock:
            due.busy = True
        if not self._jobs[job.bus].put(job):
            with self._lock:
                due.busy = False

    # ---- clocks ---------------------------------------------------------------------------------

    def _clock_job(self, device: DeviceConfig, due: _Due, now_ms: int) -> DeviceJob[Shown]:
        assert device.profile.clock is not None

        def done(found: Shown | Failed) -> None:
            if isinstance(found, Failed):
                if not due.failures:
                    _log.warning(
                        "%s: its clock cannot be read: %s", device.name, found.detail,
                        extra={"device": device.name},
                    )  # fmt: skip
                self._again(due, self._backoff_ms(due, CLOCK_RETRY_MS, device.clock_ms))
                return
            due.failures = 0
            self._again(due, device.clock_ms)
            utc_ms = found.instant.utc_ms
            if utc_ms is not None:
                zone = zone_name(device, self._config.site.zone)
                offset = offset_ms(found.moment, zone, utc_ms)
                self._send(ClockRead(device.serial, offset, device.clock_limit_ms, found.instant))

        names = device.profile.clock.points
        return DeviceJob(
            device, names, lambda to: read_clock(to, self._clock), done, now_ms + JOB_MS
        )

    # ---- archives -------------------------------------------------------------------------------

    def _gap_job(
        self,
        device: DeviceConfig,
        gap: PendingGap,
        marks: Mapping[str, int],
        due: _Due,
        now_ms: int,
    ) -> DeviceJob[int]:
        wanted = Wanted(gap, zone_name(device, self._config.site.zone), marks)
        found: deque[Taken] = deque()

        def hand_on() -> bool:
            while found and self._tell(found[0]):
                found.popleft()
            return not found

        def done(read: int | Failed) -> None:
            if isinstance(read, Failed) and (read.busy or read.quality in _LOST):
                wait_ms = self._backoff_ms(due, GAP_RETRY_MS, MAX_GAP_RETRY_MS)
                _log.warning(
                    "%s: %s; the archive is asked again in %d s",
                    device.name, read.detail, wait_ms // 1000,
                )  # fmt: skip
                self._again(due, wait_ms)
            else:
                failure = read.detail if isinstance(read, Failed) else ""
                for taken in found:
                    self._send(taken)
                self._send(GapRead(gap.seq, self._clock.now(), failure))
                # busy it stays: it leaves the journal's memory with the event

        chosen = [one for one in device.profile.archives if one.name in device.archives]
        clock = device.profile.clock
        names = (*archive_points(chosen), *(clock.points if clock else ()))
        return DeviceJob(
            device,
            names or device.points,
            lambda to: read_gap(to, wanted, self._clock, found.append),
            done,
            now_ms + JOB_MS,
            hand_on,
        )

    # ---- results --------------------------------------------------------------------------------

    def _backoff_ms(self, due: _Due, first_ms: int, most_ms: int) -> int:
        """A device that stays silent costs its bus less and less."""
        wait_ms = min(first_ms << min(due.failures, 6), most_ms)
        due.failures += 1
        return wait_ms

    def _again(self, due: _Due, wait_ms: int) -> None:
        with self._lock:
            due.busy = False
            due.due_ms = self._clock.now().mono_ms + wait_ms

    def _send(self, news: News) -> None:
        """In order; what finds the queue full waits here, bounded by the jobs there can be."""
        with self._lock:
            self._outbox.append(news)
        self._flush()

    def _flush(self) -> None:
        with self._lock:
            while self._outbox and self._tell(self._outbox[0]):
                self._outbox.popleft()
