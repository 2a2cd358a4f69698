"""What is learned of devices beside their scans into leaves and memory. Pure: all into a draft.

A drift is told when it begins and ends. A gap waits until its device's archives were read, or
cannot be. A record is in the log once: only one younger than its archive's mark is taken, and the
mark moves with its leaf.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.bus.archive_reader import Taken, after_mark
from edge_agent.journal.device_memory import MAX_GAPS, DeviceClock, PendingGap
from protocols.evidence.leaf import Kind, Log
from protocols.metering.events import GAP, OFF, ON
from protocols.metering.instant import ClockState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.config.model import DeviceConfig
    from edge_agent.journal.draft import Draft
    from edge_agent.journal.memory import RunMemory
    from protocols.evidence.statement import Statement
    from protocols.metering.events import MeterEvent
    from protocols.metering.instant import Instant

AGENT: Final = "agent"
DRIFTS: Final = "device_clock_drifts"
ARCHIVE_READ: Final = "archive_read"
RANGE_ASKED: Final = "range_asked"
ARCHIVE_FAILED: Final = "archive_failed"


class ClockRead(NamedTuple):
    """A device's clock less UTC at an instant, and what is allowed."""

    serial: str
    offset_ms: int
    limit_ms: int
    instant: Instant


class GapRead(NamedTuple):
    """The archives were read for a gap; `failure`: why they cannot be."""

    seq: int
    instant: Instant
    failure: str = ""


class Fact(NamedTuple):
    """An event that somebody tells, such as a technician's write."""

    instant: Instant
    code: str
    subject: str
    old: int | str | None
    new: int | str | None
    who: str
    detail: str


class Said(NamedTuple):
    """A statement about a serial, a run or the gateway itself (subject "")."""

    instant: Instant
    subject: str
    statement: Statement


class RangeAsked(NamedTuple):
    """Offer `number` of an operator asks the archives of a run's meter for a range, in UTC ms."""

    instant: Instant
    run: str
    serial: str
    between_ms: tuple[int, int]
    number: int


News = ClockRead | Taken | GapRead | Fact | Said | RangeAsked


def record_news(draft: Draft, news: News, instant: Instant) -> None:
    """What came of a job; `instant` is that of the tick."""
    match news:
        case ClockRead():
            _clock(draft, news)
        case Taken():
            _record(draft, news, instant)
        case GapRead():
            _gap_read(draft, news)
        case Fact():
            draft.event(*news)
            draft.urgent = True
        case RangeAsked():
            _ask_range(draft, news)
        case Said():
            draft.append(Kind.STATEMENT, news.subject, news.statement.to_body(), news.instant)


def note_gaps(
    draft: Draft, device: DeviceConfig, before: RunMemory, events: Sequence[MeterEvent],
    instant: Instant,
) -> None:  # fmt: skip
    """Remember the gaps among events that have just been appended, in the order of `events`."""
    config, start = before.config, before.state.now.reference
    if config.meter_serial != device.serial or not device.archives or start is None:
        return
    if start.utc_ms is None or instant.utc_ms is None or start.utc_ms >= instant.utc_ms:
        return
    first = draft.next_seq(Log.BILLING) - len(events)
    for seq, event in enumerate(events, first):
        if event.code == GAP and len(draft.devices.gaps) < MAX_GAPS:
            gap = PendingGap(seq, config.run, device.serial, start.utc_ms, instant.utc_ms)
            _set_gaps(draft, {**draft.devices.gaps, seq: gap})


def forget_devices(draft: Draft, serials: frozenset[str], instant: Instant) -> None:
    """Gaps of devices that are gone, or have no archives any more, wait for nothing."""
    for gap in draft.devices.gaps.values():
        if gap.serial not in serials:
            _gap_read(draft, GapRead(gap.seq, instant, "the device is configured no longer"))


def _clock(draft: Draft, read: ClockRead) -> None:
    """Judged only where UTC can be believed."""
    if read.instant.clock_state != ClockState.SYNCHRONISED:
        return
    before = draft.devices.clocks.get(read.serial)
    drifts = abs(read.offset_ms) > read.limit_ms
    if drifts != (before is not None and before.drifts):
        old, new = (OFF, ON) if drifts else (ON, OFF)
        detail = f"{read.offset_ms / 1000:+.1f} s to UTC, allowed are {read.limit_ms / 1000:g} s"
        draft.event(read.instant, DRIFTS, read.serial, old, new, AGENT, detail)
        draft.urgent = True
    clock = DeviceClock(read.offset_ms, drifts)
    draft.devices = replace(draft.devices, clocks={**draft.devices.clocks, read.serial: clock})


def _record(draft: Draft, taken: Taken, instant: Instant) -> None:
    record, devices = taken.record, draft.devices
    gap, key = devices.gaps.get(record.gap.seq), (taken.serial, record.archive)
    if gap is None or record.device_s <= after_mark(devices.marks.get(key), taken.now_s):
        return
    map_hash = taken.map.hash()
    if (taken.serial, map_hash) not in draft.maps:
        draft.append(Kind.REGISTER_MAP, taken.serial, taken.map.to_body(), instant, map_hash)
        draft.maps.add((taken.serial, map_hash))
    draft.append(Kind.ARCHIVE, taken.serial, record.to_body(), instant, map_hash)
    draft.devices = replace(
        devices,
        gaps={**devices.gaps, gap.seq: gap._replace(taken=gap.taken + 1)},
        marks={**devices.marks, key: record.device_s},
    )


def _ask_range(draft: Draft, asked: RangeAsked) -> None:
    """As a gap is: read once, and what was taken from that archive before is not taken again."""
    if len(draft.devices.gaps) >= MAX_GAPS:
        why = f"offer {asked.number}: {MAX_GAPS} gaps and ranges wait already; ask again later"
        draft.event(asked.instant, ARCHIVE_FAILED, asked.run, None, asked.number, "central", why)
        return
    start_ms, end_ms = asked.between_ms
    seq = draft.next_seq(Log.BILLING)
    detail = f"{start_ms} to {end_ms} ms UTC"
    draft.event(asked.instant, RANGE_ASKED, asked.run, None, asked.number, "central", detail)
    gap = PendingGap(seq, asked.run, asked.serial, start_ms, end_ms)
    _set_gaps(draft, {**draft.devices.gaps, seq: gap})


def _gap_read(draft: Draft, read: GapRead) -> None:
    gap = draft.devices.gaps.get(read.seq)
    if gap is None:
        return
    _set_gaps(draft, {seq: one for seq, one in draft.devices.gaps.items() if seq != read.seq})
    code = ARCHIVE_FAILED if read.failure else ARCHIVE_READ
    told = read.failure or f"{gap.taken} records of {gap.serial} lie in the gap"
    detail = f"gap of event {gap.seq}: {told}"
    draft.event(read.instant, code, gap.run, None, gap.taken, AGENT, detail)


def _set_gaps(draft: Draft, gaps: dict[int, PendingGap]) -> None:
    draft.devices = replace(draft.devices, gaps=gaps)
