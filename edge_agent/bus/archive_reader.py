"""Reads those records of a device's archives that lie in a gap of its scans. No I/O here.

The device's clock is read first: the gap's ends are instants of the gateway, the records have times
of the device. Which records are looked at: `protocols/registers/archive_walk.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeVar

from edge_agent.bus.archive_places import Shape, look_at, shape_of
from edge_agent.bus.device_reading import Procedure, Reach, read_clock
from edge_agent.bus.device_time import device_s, offset_ms, utc_ms_of
from edge_agent.bus.joining import Failed
from edge_agent.bus.poller import Now
from edge_agent.journal.device_memory import PendingGap
from protocols.metering.instant import ClockState
from protocols.metering.quality import Quality
from protocols.registers.archive import Archive
from protocols.registers.archive_record import (
    ArchiveRecord,
    Gap,
    moment_of,
)
from protocols.registers.archive_walk import walk
from protocols.registers.register_map import RegisterMap

_T = TypeVar("_T")
MARK_AHEAD_S: Final = 3_600
"""A mark so far ahead of the device's clock is one of before the clock was set back."""


class Taken(NamedTuple):
    """A record that lies in the gap, and the map that decodes it; `now_s`: the device's clock."""

    serial: str
    map: RegisterMap
    record: ArchiveRecord
    now_s: int


class Wanted(NamedTuple):
    """The gap, the zone of the device's clock, and by archive how far it was taken before."""

    gap: PendingGap
    zone: str
    marks: Mapping[str, int]


class _Time(NamedTuple):
    """What was found of the device's clock: its offset, whether it was measured, its time now."""

    offset_ms: int
    measured: bool
    synchronised: bool
    now_s: int


def after_mark(mark: int | None, now_s: int) -> int:
    """Only younger records are taken; 0: all, as where the device's clock was set back."""
    return 0 if mark is None or mark > now_s + MARK_AHEAD_S else mark


def archives_of(to: Reach) -> tuple[Archive, ...]:
    """Those that the configuration names."""
    wanted = to.device.archives
    return tuple(one for one in to.device.profile.archives if one.name in wanted)


def read_gap(
    to: Reach, wanted: Wanted, clock: Now, keep: Callable[[Taken], None]
) -> Procedure[int | Failed]:
    """Give every record that lies in the gap to `keep`, oldest first; how many there were."""
    time = yield from _time(to, wanted.zone, clock)
    if isinstance(time, Failed):
        return time
    count = 0
    for archive in archives_of(to):
        shape = yield from shape_of(to, archive)
        if isinstance(shape, Failed):
            return _about(archive, shape)
        if shape is None:
            continue
        found = yield from _read_archive(to, shape, wanted, time, keep)
        if isinstance(found, Failed):
            return _about(archive, found)
        count += found
    return count


def _time(to: Reach, zone: str, clock: Now) -> Procedure[_Time | Failed]:
    if to.device.profile.clock is None:
        now = clock.now()
        if now.utc_ms is None:
            return _no_utc()
        return _Time(0, False, True, device_s(now.utc_ms, zone, 0))
    shown = yield from read_clock(to, clock)
    if isinstance(shown, Failed):
        return shown
    if shown.instant.utc_ms is None:
        return _no_utc()
    offset = offset_ms(shown.moment, zone, shown.instant.utc_ms)
    synchronised = shown.instant.clock_state == ClockState.SYNCHRONISED
    return _Time(offset, True, synchronised, device_s(shown.instant.utc_ms, zone, offset))


def _no_utc() -> Failed:
    return Failed(Quality.BAD_NO_ANSWER, "the gateway has no UTC yet to find the gap by")


def _read_archive(
    to: Reach, shape: Shape, wanted: Wanted, time: _Time, keep: Callable[[Taken], None]
) -> Procedure[int | Failed]:
    assert shape.numbering is not None
    gap, zone = wanted.gap, wanted.zone
    after_s = device_s(gap.start_utc_ms, zone, time.offset_ms)
    until_s = device_s(gap.end_utc_ms, zone, time.offset_ms)
    after_s = max(after_s, after_mark(wanted.marks.get(shape.archive.name), time.now_s))
    count, youngest_s = 0, after_s

    def take(number: int, at_s: int, words: tuple[int, ...]) -> None:
        nonlocal count, youngest_s
        if not youngest_s < at_s <= until_s:
            return
        count, youngest_s = count + 1, at_s
        known = time.measured and time.synchronised
        assert shape.archive.clock is not None
        keep(
            Taken(
                to.device.serial,
                shape.map,
                ArchiveRecord(
                    archive=shape.archive.name,
                    number=number,
                    device_s=at_s,
                    utc_ms=utc_ms_of(moment_of(at_s), zone, time.offset_ms)
                    if time.synchronised
                    else None,
                    offset_ms=time.offset_ms if known else None,
                    period_s=shape.archive.period_s,
                    clock=shape.archive.clock,
                    gap=Gap(gap.seq, gap.run, gap.start_utc_ms, gap.end_utc_ms),
                    words=words,
                ),
                time.now_s,
            )
        )

    failed = yield from look_at(to, shape, walk(shape.numbering, after_s, until_s), take)
    return count if failed is None else failed


def _about(archive: Archive, failed: Failed) -> Failed:
    return failed._replace(detail=f"archive {archive.name}: {failed.detail}")
