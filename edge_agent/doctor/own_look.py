"""Without an agent: the buses are polled here for some seconds, under the state's lock.

So bus, port and devices are judged by the same counters; nothing of it is recorded.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Final

from edge_agent.bus.bus import BusThread
from edge_agent.clock import Clock, clock_state, mono_ms
from edge_agent.doctor.causes import Causes, causes_of
from edge_agent.journal.journal import FILE_NAME
from edge_agent.journal.memory import LOGS, Memory
from edge_agent.journal.reader import JournalReader, ReadFailed
from edge_agent.state_lock import state_lock
from edge_agent.status.collect import alarms_on
from edge_agent.status.figures import values_of
from edge_agent.status.latest_scans import LatestScans
from edge_agent.status.model import Bus, Device, JournalPart, Snapshot, UplinkPart
from protocols.metering.quality import Quality

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig

LEAST_S: Final = 3.0
MOST_S: Final = 12.0
"""A silent device is asked some times within it, however slow its poll."""
ENOUGH: Final = 4
"""Requests of each device after which nothing more is learned."""
END_S: Final = 5.0
LOOK_S: Final = 0.1


def look_alone(config: AgentConfig, most_s: float = MOST_S) -> tuple[Snapshot, Causes]:
    """What the buses say, and what the journal remembers. Raises AlreadyRunning, OSError."""
    with state_lock(config.state_dir):
        stop = threading.Event()
        latest = LatestScans(config.devices, lambda _scan: True)
        clock = Clock(0)
        buses = [
            BusThread(bus, config.devices_of(bus.name), clock, latest.deliver, stop)
            for bus in config.buses
        ]
        for bus in buses:
            bus.start()
        began = monotonic()
        while monotonic() < began + most_s and not stop.wait(LOOK_S):
            if monotonic() > began + min(LEAST_S, most_s) and all(map(_is_enough, buses)):
                break
        stop.set()
        for bus in buses:
            bus.jobs.wake()
        for bus in buses:
            bus.join(END_S)
        return _snapshot(config, buses, latest), causes_of(buses)


def _is_enough(bus: BusThread) -> bool:
    """Each device answered, or was asked often enough; a port that is gone says all at once."""
    if bus.gone_reason:
        return True
    counts = bus.counters.by_device.values()
    return all(one.requests >= ENOUGH for one in counts)


def _snapshot(config: AgentConfig, buses: Sequence[BusThread], latest: LatestScans) -> Snapshot:
    now = Clock(0).now()
    memory, journal = _of_journal(config)
    return Snapshot(
        gateway=config.gateway,
        version="",
        boot_no=0 if memory is None else memory.boot_no,
        utc_ms=now.utc_ms,
        clock_state=clock_state().name.lower(),
        up_s=0,
        config_hash=config.hash().hex(),
        site=config.site.name,
        zone=config.site.zone,
        buses=tuple(_bus(bus) for bus in buses),
        devices=tuple(_device(bus, number, latest) for bus in buses for number in _count(bus)),
        runs=(),
        regulators=(),
        journal=journal,
        uplink=UplinkPart(config.central.url, "never", "", None, None, 0, 0, 0),
        alarms=() if memory is None else alarms_on(memory),
        threads=(),
    )


def _count(bus: BusThread) -> range:
    return range(len(bus.pollers))


def _bus(bus: BusThread) -> Bus:
    config = bus.bus
    return Bus(
        name=config.name,
        type=config.kind,
        port=config.port or f"{config.host}:{config.tcp_port}",
        baud=config.baud if config.is_serial else config.line_baud,
        state="gone" if bus.gone_reason else "good",
        detail=bus.gone_reason or bus.other_master,
        turn_age_ms=0,
        unasked_bytes=bus.unasked_bytes,
        missed=0,  # of so short a look nothing can be said of lateness
        dropped=0,
        other_master=bus.other_master,
        counts=bus.counters.total(),
    )


def _device(bus: BusThread, number: int, latest: LatestScans) -> Device:
    poller = bus.pollers[number]
    device, counts = poller.device, bus.counters.by_device[poller.device.name]
    seen = latest.of(device.serial)
    last, good = seen.last, seen.good
    return Device(
        name=device.name,
        serial=device.serial,
        bus=device.bus,
        unit=device.unit,
        profile=device.profile.id,
        poll_ms=device.poll_ms,
        quality="" if last is None else Quality(last.quality).name,
        good_age_ms=None if good is None else max(0, mono_ms() - good.instant.mono_ms),
        detail="" if last is None or last.quality == Quality.GOOD else poller.failure,
        counts=counts.to_json(),
        last_failure=counts.last_failure,
        refused=poller.refused,
        clock_offset_ms=None,
        values=() if good is None else values_of(good),
    )


def _of_journal(config: AgentConfig) -> tuple[Memory | None, JournalPart]:
    """As the last agent left it."""
    path = config.state_dir / FILE_NAME
    part = JournalPart(
        path=str(path),
        bytes=0,
        free_bytes=0,
        limit_bytes=0,
        days_left=None,
        unsent={},
        sizes={},
        epoch=0,
        waiting_scans=0,
        queue_scans=config.journal.queue_scans,
        dropped=0,
        failing="",
        last_commit_age_ms=None,
    )
    if not path.exists():
        return None, part
    try:
        reader = JournalReader(path, config.gateway)
        try:
            memory = reader.memory()
            states = {log: reader.state(log) for log in LOGS}
        finally:
            reader.close()
    except ReadFailed as error:
        return None, replace(part, failing=str(error))
    sizes = {log.value: state.frontier.size for log, state in states.items()}
    unsent = {
        log.value: state.frontier.size - state.receipted.size for log, state in states.items()
    }
    return memory, replace(part, bytes=path.stat().st_size, sizes=sizes, unsent=unsent)
