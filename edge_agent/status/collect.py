"""The snapshot out of the parts of a running agent, and the route that answers with it.

It runs in a client's thread while all others go on: it looks only at immutable objects, plain
numbers and texts, each of which its owner replaces as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Thread
from typing import TYPE_CHECKING, Final

from edge_agent.bus.bus import lent_to
from edge_agent.clock import mono_ms
from edge_agent.control.protocol import Call, Route
from edge_agent.journal.memory import LOGS
from edge_agent.status.alarm_times import AlarmTimes
from edge_agent.status.figures import regulator_part, run_part, values_of
from edge_agent.status.model import (
    Alarm,
    Bus,
    Device,
    JournalPart,
    Regulator,
    Run,
    Snapshot,
    ThreadPart,
    UplinkPart,
    Value,
)
from protocols.metering.instant import ClockState
from protocols.metering.quality import Quality
from protocols.metering.regulator_state import RegulatorState

if TYPE_CHECKING:
    from pathlib import Path

    from edge_agent.bus.bus import BusThread
    from edge_agent.bus.poller import DevicePoller, Now
    from edge_agent.config.model import AgentConfig
    from edge_agent.journal.memory import Memory
    from edge_agent.recorder.recorder import Recorder
    from edge_agent.status.latest_scans import LatestScans
    from edge_agent.uplink.transport import Transport
    from edge_agent.uplink.uplink import Uplink
    from protocols.metering.instant import Instant

STATUS: Final = "status"
STUCK_MS: Final = 30_000
"""A bus that beats no more for so long: the main thread closes its port."""
MAX_VALUES: Final = 6_000  # of all devices: more would not fit into one answer
MAX_DETAIL: Final = 500


@dataclass(frozen=True)
class Sources:
    """Of the agent. `threads`: those that must live."""

    config: AgentConfig
    clock: Now
    recorder: Recorder
    uplink: Uplink
    transport: Transport
    buses: Sequence[BusThread]
    latest: LatestScans
    journal: Path
    version: str
    threads: Callable[[], Sequence[Thread]]


def status_routes(sources: Sources) -> dict[str, Route]:
    """What the read socket answers."""
    started_ms = mono_ms()
    times = AlarmTimes(sources.journal, sources.config.gateway)

    def answer(call: Call, _peer: str) -> Mapping[str, object]:
        with_values = call.integer("values", 0, 1, 1) == 1
        found = snapshot(sources, mono_ms() - started_ms, with_values=with_values)
        return replace(found, alarms=times.told(found.alarms)).to_json()

    return {STATUS: Route(answer)}


def snapshot(sources: Sources, up_ms: int, *, with_values: bool = True) -> Snapshot:
    """What the agent is doing now; `up_ms` since its start."""
    config, memory, now = sources.config, sources.recorder.memory, sources.clock.now()
    return Snapshot(
        gateway=config.gateway,
        version=sources.version,
        boot_no=now.boot_no,
        utc_ms=now.utc_ms,
        clock_state=ClockState(now.clock_state).name.lower(),
        up_s=up_ms // 1000,
        config_hash=config.hash().hex(),
        site=config.site.name,
        zone=config.site.zone,
        buses=tuple(_bus(bus, now.mono_ms) for bus in sources.buses),
        devices=_devices(sources, memory, now.mono_ms, with_values=with_values),
        runs=_runs(sources, memory, now.mono_ms),
        regulators=_regulators(sources, memory, now),
        journal=_journal(sources, memory, now.mono_ms),
        uplink=_uplink(sources, memory, now),
        alarms=alarms_on(memory),
        threads=tuple(_thread(thread, now.mono_ms) for thread in sources.threads()),
    )


def _bus(bus: BusThread, now_ms: int) -> Bus:
    turn_age_ms = max(0, now_ms - bus.last_turn_mono_ms)
    gone, other, loan = bus.gone_reason, bus.other_master, bus.loans.current
    state = "lent" if loan else "stuck" if turn_age_ms > STUCK_MS else "gone" if gone else "good"
    if loan:
        gone = loan.reason
    config = bus.bus
    return Bus(
        name=config.name,
        type=config.kind,
        port=config.port or f"{config.host}:{config.tcp_port}",
        baud=config.baud if config.is_serial else config.line_baud,
        state=state,
        detail=(gone or other)[:MAX_DETAIL],
        turn_age_ms=turn_age_ms,
        unasked_bytes=bus.unasked_bytes,
        missed=bus.missed,
        dropped=bus.dropped,
        other_master=other[:MAX_DETAIL],
        lent_to=loan.who if loan else "",
        lent_until_ms=loan.until_utc_ms if loan else None,
        counts=bus.counters.total(),
    )


def _devices(
    sources: Sources, memory: Memory, now_ms: int, *, with_values: bool
) -> tuple[Device, ...]:
    pollers = {
        poller.device.serial: (bus, poller) for bus in sources.buses for poller in bus.pollers
    }
    left = MAX_VALUES if with_values else 0
    found = []
    for device in sources.config.devices:
        bus, poller = pollers[device.serial]
        seen = sources.latest.of(device.serial)
        values: tuple[Value, ...] = ()
        if seen.good is not None and left > 0:
            values = values_of(seen.good)[:left]
            left -= len(values)
        found.append(_device(sources, bus, poller, memory, now_ms, values))
    return tuple(found)


def _device(
    sources: Sources,
    bus: BusThread,
    poller: DevicePoller,
    memory: Memory,
    now_ms: int,
    values: tuple[Value, ...],
) -> Device:
    device = poller.device
    seen = sources.latest.of(device.serial)
    last, good = seen.last, seen.good
    quality = "" if last is None else Quality(last.quality).name
    detail = ""
    if last is not None and last.quality != Quality.GOOD:
        loan = bus.loans.current
        gone = lent_to(loan) if loan else bus.gone_reason
        detail = gone if last.quality == Quality.BAD_PORT else poller.failure
    clock = memory.devices.clocks.get(device.serial)
    counts = bus.counters.by_device[device.name]
    return Device(
        name=device.name,
        serial=device.serial,
        bus=device.bus,
        unit=device.unit,
        profile=device.profile.id,
        poll_ms=device.poll_ms,
        quality=quality,
        good_age_ms=None if good is None else max(0, now_ms - good.instant.mono_ms),
        detail=detail[:MAX_DETAIL],
        counts=counts.to_json(),
        last_failure=counts.last_failure[:MAX_DETAIL],
        refused=poller.refused,
        clock_offset_ms=None if clock is None else clock.offset_ms,
        values=values,
    )


def _runs(sources: Sources, memory: Memory, now_ms: int) -> tuple[Run, ...]:
    held = (memory.runs.get(config.run) for config in sources.config.runs)
    return tuple(
        run_part(run, sources.latest.of(run.config.meter_serial), now_ms)
        for run in held
        if run is not None
    )


def _regulators(sources: Sources, memory: Memory, now: Instant) -> tuple[Regulator, ...]:
    nothing = RegulatorState()
    return tuple(
        regulator_part(config, memory.regulators.get(config.regulator, nothing), now)
        for config in sources.config.regulators
    )


def _journal(sources: Sources, memory: Memory, now_ms: int) -> JournalPart:
    recorder = sources.recorder
    space, committed_ms, heads = recorder.room.space, recorder.committed_ms, memory.heads
    return JournalPart(
        path=str(sources.journal),
        bytes=_told(space.file_bytes),
        free_bytes=_told(space.disk_free),
        limit_bytes=space.limit_bytes,
        days_left=recorder.room.days_left,
        unsent={log.value: max(0, heads[log].size - recorder.receipted(log)) for log in LOGS},
        sizes={log.value: heads[log].size for log in LOGS},
        epoch=heads[LOGS[0]].epoch,
        waiting_scans=recorder.waiting_scans,
        queue_scans=sources.config.journal.queue_scans,
        dropped=sum(bus.dropped for bus in sources.buses),
        failing=recorder.failing[:MAX_DETAIL],
        last_commit_age_ms=None if committed_ms is None else max(0, now_ms - committed_ms),
    )


def _told(look: Callable[[], int]) -> int:
    """A disk that does not tell, or a file that is just being put aside: 0."""
    try:
        return look()
    except OSError:
        return 0


def _uplink(sources: Sources, memory: Memory, now: Instant) -> UplinkPart:
    standing, now_s = sources.uplink.standing, sources.uplink.now_s()
    receipt, tried_s, failure = standing.receipt, standing.tried_s, standing.failure
    told = "" if failure is None else f"{failure.problem}; {failure.remedy}"
    stored_s = sources.recorder.receipt_time_s
    age_ms = ahead_ms = None
    if receipt is not None:
        age_ms = round(1000 * (now_s - receipt.at_s))
        ahead_ms = None if now.utc_ms is None else 1000 * receipt.time_s - (now.utc_ms - age_ms)
    elif stored_s and now.utc_ms is not None:  # before the start: by central's clock, and ours
        age_ms = max(0, now.utc_ms - 1000 * stored_s)
    return UplinkPart(
        url=sources.config.central.url,
        state=standing.state(ever=stored_s > 0),
        failure=told[:MAX_DETAIL],
        last_receipt_age_ms=age_ms,
        last_try_age_ms=None if tried_s is None else round(1000 * (now_s - tried_s)),
        bytes_out=sources.transport.bytes_out,
        bytes_in=sources.transport.bytes_in,
        order_number=memory.order_number,
        central_ahead_ms=ahead_ms,
        receipt_ages_ms={
            log: max(0, round(1000 * (now_s - at_s)))
            for log, at_s in tuple(standing.received_s.items())
        },
    )


def alarms_on(memory: Memory) -> tuple[Alarm, ...]:
    """The conditions that are on, oldest first: those told since the start, and those that the
    journal's states remember from before it (of which the time is in the log only).
    """
    found: dict[tuple[str, str], Alarm] = {}
    for run, held in memory.runs.items():
        if held.active:
            for code in held.state.conditions:
                found[code, run] = Alarm(code, run, None, "")
    for name, state in memory.regulators.items():
        for condition in state.conditions:
            code, _blank, which = condition.partition(" ")
            subject = f"{name} {which}".rstrip()
            found[code, subject] = Alarm(code, subject, None, "")
    for serial, clock in memory.devices.clocks.items():
        if clock.drifts:
            found["device_clock_drifts", serial] = Alarm("device_clock_drifts", serial, None, "")
    for (code, subject), told in memory.alarms.items():
        found[code, subject] = Alarm(code, subject, told.since.utc_ms, told.detail[:MAX_DETAIL])
    return tuple(sorted(found.values(), key=lambda alarm: (alarm.since_ms or 0, alarm.code)))


def _thread(thread: Thread, now_ms: int) -> ThreadPart:
    turn_ms: int | None = getattr(thread, "last_turn_mono_ms", None)
    age_ms = None if turn_ms is None else max(0, now_ms - turn_ms)
    return ThreadPart(thread.name, thread.is_alive(), age_ms)
