"""From polled scans, and from starts and stops, to leaves. Pure: everything goes into a draft."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from edge_agent.journal.memory import RunMemory
from edge_agent.recording.changes import gateway_fields, other_profiles, run_fields, same_totals
from edge_agent.recording.clock_recording import record_clock
from edge_agent.recording.device_recording import note_gaps
from edge_agent.recording.gas_in_force import runs_in_force
from edge_agent.recording.losses import record_unclean_end
from edge_agent.recording.rebuild import SEGMENTS_OF_AN_EPOCH
from protocols.evidence.facts import EpochBody, EpochReason
from protocols.evidence.leaf import Kind, Log
from protocols.metering.interval import IntervalRecord
from protocols.metering.quality import SUBSTITUTED, Flag, Quality
from protocols.metering.regulator import regulator_step
from protocols.metering.regulator_state import RegulatorState
from protocols.metering.run import RunState, Step, close, step
from protocols.metering.scan import Scan
from protocols.registers.codec import decode_scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.bus.poller import PolledScan
    from edge_agent.config.model import AgentConfig, MeterChange
    from edge_agent.journal.draft import Draft
    from protocols.metering.instant import Instant
    from protocols.metering.regulator_config import RegulatorConfig
    from protocols.metering.run_config import RunConfig, Source
    from protocols.registers.register_map import RegisterMap

AGENT: Final = "agent"
FILE: Final = "configuration file"


class MapHashes:
    """Hashes of the register maps of the last scans: a map is hashed again only when it changed."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[RegisterMap, bytes]] = {}

    def of(self, serial: str, register_map: RegisterMap) -> bytes:
        held = self._held.get(serial)
        if held is None or (held[0] is not register_map and held[0] != register_map):
            held = (register_map, register_map.hash())
            self._held[serial] = held
        return held[1]


def record_scan(
    draft: Draft,
    polled: PolledScan,
    hashes: MapHashes,
    regulators: Sequence[RegulatorConfig] = (),
) -> None:
    """The scan's leaf, and what the pipelines of its runs and regulators make of it."""
    serial, instant = polled.device.serial, polled.instant
    record_clock(draft, instant)
    if polled.notice:
        draft.event(instant, "other_master", "", None, None, AGENT, polled.notice)
    map_hash = hashes.of(serial, polled.register_map)
    if (serial, map_hash) not in draft.maps:
        body = polled.register_map.to_body()
        draft.append(Kind.REGISTER_MAP, serial, body, instant, map_hash)
        draft.maps.add((serial, map_hash))
    seq = draft.append(Kind.SCAN, serial, polled.raws, instant, map_hash, polled.quality)
    runs = [memory for memory in draft.runs.values() if memory.active and _uses(memory, serial)]
    watched = [regulator for regulator in regulators if serial in regulator.serials]
    if not (runs or watched):
        return
    values = decode_scan(polled.register_map, polled.raws)
    scan = Scan(seq, serial, instant, polled.quality, values)
    for memory in runs:
        taken = step(memory.config, memory.state, scan)
        draft.set_run(memory._replace(state=taken.state))
        _record_step(draft, memory.config, taken, instant)
        note_gaps(draft, polled.device, memory, taken.events, instant)
    for regulator in watched:
        _watch(draft, regulator, scan)


def _watch(draft: Draft, regulator: RegulatorConfig, scan: Scan) -> None:
    """What the scan tells of a regulator: its state is kept, its events are told at once."""
    name = regulator.regulator
    state = draft.regulators.get(name, RegulatorState())
    taken = regulator_step(regulator, state, scan)
    draft.regulators[name] = taken.state
    for event in taken.events:
        draft.event(
            scan.instant, event.code, event.subject, event.old, event.new, AGENT, event.detail
        )
        draft.urgent = True


def record_start(draft: Draft, config: AgentConfig, instant: Instant, version: str) -> None:
    """Start, and whatever the configuration changed since the last time."""
    epoch = record_lost_journal(draft, instant)
    if draft.before.ended is not None:
        record_unclean_end(draft, draft.before.ended, instant)
    record_clock(draft, instant)
    draft.event(instant, "agent_started", "", None, version, AGENT)
    if epoch:
        detail = "the journal was begun anew; what an earlier one had not sent is gone"
        draft.event(instant, "epoch_opened", "", epoch - 1, epoch, AGENT, detail)
    draft.urgent = True
    draft.running = True
    who = _who(config)
    read_anew = other_profiles(draft.configuration, config.to_body())
    _configure_gateway(draft, config, instant, who)
    changes = {change.run: change for change in config.meter_changes}
    for run in runs_in_force(draft, config, instant, who):
        is_kept = run.meter_serial not in read_anew
        configure_run(draft, run, instant, who, changes.get(run.run), is_kept=is_kept)
    configured = {run.run for run in config.runs}
    watched = {regulator.regulator for regulator in config.regulators}
    draft.regulators = {
        name: state.restarted() for name, state in draft.regulators.items() if name in watched
    }
    for name, memory in list(draft.runs.items()):
        if name not in configured:
            remove_run(draft, memory, instant, who)


def remove_run(draft: Draft, memory: RunMemory, instant: Instant, who: str) -> None:
    """Closed and told, once. If it comes back it goes on where its index stood."""
    if not memory.active:
        return
    config = memory.config
    draft.set_run(close_run(draft, memory, instant)._replace(active=False))
    draft.event(instant, "run_removed", config.run, config.meter_serial, None, who)


def take_out(draft: Draft, memory: RunMemory, instant: Instant, who: str) -> None:
    """As `remove_run`, with its meter: if that comes back it begins anew, whatever it counted."""
    remove_run(draft, memory, instant, who)
    closed, same = draft.runs[memory.config.run], (memory.config, memory.config)
    state = _begun_anew(closed.state, same, frozenset(), draft.next_seq(Log.TELEMETRY))
    draft.set_run(closed._replace(state=state, active=False))


def record_lost_journal(draft: Draft, instant: Instant) -> int | None:
    """The EPOCH leaf of a journal that was begun anew; its epoch, None where it goes on.

    Of what was before nothing is known here, not even whether the epoch before had any leaf.
    """
    epoch = draft.new_epoch
    if epoch:
        body = EpochBody(EpochReason.JOURNAL_LOST, epoch - 1)
        draft.append(Kind.EPOCH, "", body.to_body(), instant)
    return epoch


def record_stop(draft: Draft, instant: Instant) -> None:
    """Close every run, so that what was seen is billed, and say that the silence is meant.

    A run whose meter was not polled since its interval opened waits for the next start.
    """
    record_clock(draft, instant)
    for memory in list(draft.runs.values()):
        if memory.active and memory.state.was_polled:
            draft.set_run(close_run(draft, memory, instant))
    draft.event(instant, "agent_stopped", "", None, None, AGENT)
    draft.running = False


def _who(config: AgentConfig) -> str:
    """Who changed the file, by his own word; nobody checks it."""
    by, reason = config.change
    return f"{by}: {reason}" if by and reason else by or FILE


def _configure_gateway(draft: Draft, config: AgentConfig, instant: Instant, who: str) -> None:
    body, old = config.to_body(), draft.configuration
    if body == old:
        return
    draft.append(Kind.CONFIGURATION, "", body, instant, config.hash())
    if old is not None:
        _record_changes(draft, "", gateway_fields(old), gateway_fields(body), instant, who)
    draft.configuration = body


def configure_run(
    draft: Draft,
    config: RunConfig,
    instant: Instant,
    who: str,
    change: MeterChange | None,
    *,
    is_kept: bool = True,
) -> None:
    """The old interval closes under the old configuration, the next one is the new one's.

    `is_kept`: the meter's registers are still those that they were.
    """
    memory = draft.runs.get(config.run)
    if memory is None:
        draft.append(Kind.CONFIGURATION, config.run, config.to_body(), instant, config.hash())
        segment = draft.epoch * SEGMENTS_OF_AN_EPOCH  # nothing is known of what was before
        draft.set_run(RunMemory(config, RunState.new(segment), active=True))
        return
    if memory.config == config and memory.active and is_kept:
        return
    state = close_run(draft, memory, instant).state
    draft.append(Kind.CONFIGURATION, config.run, config.to_body(), instant, config.hash())
    if not memory.active:
        draft.event(instant, "run_added", config.run, None, config.meter_serial, who)
    old, new = run_fields(memory.config), run_fields(config)
    _record_changes(draft, config.run, old, new, instant, who)
    replaced = memory.config.meter_serial
    if replaced != config.meter_serial:
        told = change if change is not None and change.old_serial == replaced else who
        _record_replacement(draft, memory, config, instant, told)
    kept = same_totals(memory.config, config)
    if not is_kept or _counted_elsewhere(draft, memory, config):
        kept = frozenset()
    state = _begun_anew(state, (memory.config, config), kept, draft.next_seq(Log.TELEMETRY))
    draft.set_run(RunMemory(config, state, active=True))


def _counted_elsewhere(draft: Draft, memory: RunMemory, config: RunConfig) -> bool:
    """Another run has had the meter since this one last saw it: what passed is that one's."""
    seen = memory.state.now.reference
    return seen is not None and any(
        other.config.meter_serial == config.meter_serial
        and other.state.now.reference is not None
        and other.state.now.reference[:2] > seen[:2]
        for run, other in draft.runs.items()
        if run != config.run
    )


def _begun_anew(
    state: RunState, change: tuple[RunConfig, RunConfig], kept: frozenset[str], next_seq: int
) -> RunState:
    """The state under the new configuration, from scan `next_seq` on.

    Scans that the old one left alone (the run was removed, a device was another run's) stay out. A
    total that is still the same goes on where it stood, any other begins anew at its next index:
    what passed unseen is not invented. A reading of another source says nothing of this one.
    """
    old, new = change
    unchanged = len(kept) == len(old.totals) == len(new.totals)
    positions = tuple(position for position in state.now.positions if position.point in kept)
    now = state.now
    carry = now._replace(
        next_seq=next_seq,
        positions=positions,
        segment=now.segment if unchanged else state.next_segment,
        flowed=now.flowed if kept else None,
        pressure=now.pressure if _read_alike(old.pressure, new.pressure) else None,
        temperature=now.temperature if _read_alike(old.temperature, new.temperature) else None,
        atmosphere=now.atmosphere if _read_alike(old.barometer, new.barometer) else None,
        gas=now.gas if _analysed_alike(old, new) else None,
    )
    return replace(RunState.resume(carry), conditions=state.conditions)


def _record_changes(
    draft: Draft,
    subject: str,
    old: dict[str, int | str],
    new: dict[str, int | str],
    instant: Instant,
    who: str,
) -> None:
    for field in sorted(old.keys() | new.keys()):
        before, after = old.get(field), new.get(field)
        if before != after:
            draft.event(instant, "configuration_changed", subject, before, after, who, field)
    draft.urgent = True


def _read_alike(old: Source | None, new: Source | None) -> bool:
    """The same point of the same transmitter; its range and substitute are judged anew anyway."""
    return old is not None and new is not None and old[:3] == new[:3]


def _analysed_alike(old: RunConfig, new: RunConfig) -> bool:
    """An analysis holds on, with its heating value."""
    return (old.gas_source, old.gas.combustion) == (new.gas_source, new.gas.combustion) and (
        (old.base_pressure_dpa, old.base_temperature_mk)
        == (new.base_pressure_dpa, new.base_temperature_mk)
    )


def _record_replacement(
    draft: Draft,
    memory: RunMemory,
    config: RunConfig,
    instant: Instant,
    change: MeterChange | str,
) -> None:
    """Another meter in the run: its serials, both indexes as the technician read them, and who.

    `change` is what the file tells of it, or else who changed the file.

    What the old meter counted after its last scan is told, not booked: nobody measured P and T.
    """
    old, new = memory.config.meter_serial, config.meter_serial
    line = memory.config.line.point
    seen = next((p.index_counts for p in memory.state.now.positions if p.point == line), None)
    kind = "meter_replaced" if not config.temporary else "temporary_meter"
    if isinstance(change, str):
        detail = f"last seen index {seen}; the file gives no end and start index (meter_change)"
        draft.event(instant, kind, config.run, old, new, change, detail)
        return
    detail = (
        f"end index {change.old_end_counts}, last seen {seen}, start index"
        f" {change.new_start_counts}, at {change.at}: {change.reason}"
    )
    draft.event(instant, kind, config.run, old, new, change.by, detail)


def close_run(draft: Draft, memory: RunMemory, instant: Instant) -> RunMemory:
    """Its open interval, if it has any scan, as a record."""
    closed = close(memory.config, memory.state)
    _record_step(draft, memory.config, closed, instant)
    return memory._replace(state=closed.state)


def _record_step(draft: Draft, config: RunConfig, taken: Step, instant: Instant) -> None:
    for record in taken.records:
        record_interval(draft, config.run, record, instant)
    for event in taken.events:
        draft.event(instant, event.code, event.subject, event.old, event.new, AGENT, event.detail)
        draft.urgent = True


def record_interval(draft: Draft, run: str, record: IntervalRecord, instant: Instant) -> None:
    """One INTERVAL leaf."""
    fields = (record.to_body(), instant, record.config_hash, _quality(record))
    draft.append(Kind.INTERVAL, run, *fields)


def _quality(record: IntervalRecord) -> int:
    """Of the interval as a whole, for whoever does not read its flags."""
    if record.flags & (Flag.ESTIMATED | Flag.GAP):
        return Quality.UNCERTAIN_ESTIMATED
    if record.flags & SUBSTITUTED:
        return Quality.UNCERTAIN_SUBSTITUTE
    return Quality.GOOD


def _uses(memory: RunMemory, serial: str) -> bool:
    return serial in memory.config.serials
