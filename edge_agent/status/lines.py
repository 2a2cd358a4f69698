"""The lines of `edge-agent status`: what does not work first, what works in one line each. Pure.

A line is a light and a text; a run, a device or an alarm that needs somebody has its own, all that
is good shares one by its kind. Only the runs have a line each even so: they are what is metered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.status.words_of_time import Local, clock_time, size, span

if TYPE_CHECKING:
    from edge_agent.language import Words
    from edge_agent.status.model import Alarm, Device, Run, Snapshot

GOOD: Final = "good"
WARNING: Final = "warning"
BAD: Final = "bad"
ORDER: Final = (BAD, WARNING, GOOD)
SLOW_COMMIT_MS: Final = 60_000
FEW_DAYS: Final = 14.0
MANY: Final = 4096  # leaves: more than one batch waits
_PORT: Final = "BAD_PORT"
_SILENT: Final = "BAD_NO_ANSWER"
ASKING_MS: Final = 15_000
APART_MS: Final = 10_000  # a receipt tells central's clock to a second, and took its way
_OF_RUN: Final = frozenset({"configuration_mismatch", "index_missing", "index_held"})


class Line(NamedTuple):
    """A light and its text. `run`: the run whose figures it shows, as cells of the table."""

    light: str
    text: str
    run: Run | None = None


def lines_of(snapshot: Snapshot, words: Words, local: Local) -> list[Line]:
    """All of them, the worst first, each kind in its order."""
    found = [
        *_threads(snapshot, words),
        *_runs(snapshot, words),
        *_buses(snapshot, words),
        *_devices(snapshot, words),
        *_alarms(snapshot, words, local),
        *_regulators(snapshot, words),
        _journal(snapshot, words),
        _uplink(snapshot, words),
        _clock(snapshot, words),
    ]
    return sorted(found, key=lambda line: ORDER.index(line.light))


def code(name: str, words: Words) -> str:
    """A quality, a condition or another code in words; as it is where there are none."""
    return words.get(f"code.{name}", name.replace("_", " ").lower())


def _threads(snapshot: Snapshot, words: Words) -> Iterator[Line]:
    for thread in snapshot.threads:
        if not thread.alive:
            yield Line(BAD, words("thread.dead", name=thread.name))


def _runs(snapshot: Snapshot, words: Words) -> Iterator[Line]:
    names = {device.serial: device.name for device in snapshot.devices}
    for run in snapshot.runs:
        if run.quality == BAD:
            cause = code(run.quality_cause, words)
            meter = names.get(run.meter, run.meter)
            told = [words("run.bad", run=run.id, meter=meter, cause=cause)]
            if run.line_text:
                told.append(words("run.last", index=run.line_text))
            yield Line(BAD, words("join").join(told))
        else:
            yield Line(GOOD if run.quality == GOOD else WARNING, run.id, run)


def _buses(snapshot: Snapshot, words: Words) -> Iterator[Line]:
    good = []
    for bus in snapshot.buses:
        if bus.state == GOOD and not bus.other_master:
            good.append(bus.name)
            continue
        light = WARNING if bus.state in (GOOD, "lent") else BAD
        state = "other_master" if bus.state == GOOD else bus.state
        detail = bus.lent_to if bus.state == "lent" else bus.other_master or bus.detail
        told = words(f"bus.{state}", name=bus.name, detail=detail)
        yield Line(light, told)
    if good:
        yield Line(GOOD, words("bus.all", count=len(good), names=", ".join(good)))


def _devices(snapshot: Snapshot, words: Words) -> Iterator[Line]:
    """Those of a bus whose port is gone are told by the bus.

    A bus where nobody answers is one line: its cable is at fault before all its devices are.
    """
    gone = {bus.name for bus in snapshot.buses if bus.state in ("gone", "lent", "stuck")}
    dumb = {bus.name: _dumb(snapshot, bus.name) for bus in snapshot.buses}
    for name, devices in dumb.items():
        if devices:
            yield _dumb_line(name, devices, words)
    good = 0
    for device in snapshot.devices:
        if dumb.get(device.bus):
            continue
        if device.quality == "GOOD":
            good += 1
            if device.refused:
                told = ", ".join(device.refused)
                yield Line(WARNING, words("device.refuses", name=device.name, points=told))
        elif not (device.quality in ("", _PORT) and device.bus in gone):
            yield _device(device, words)
    count = len(snapshot.devices)
    if good:
        text = "device.all" if good == count else "device.some"
        yield Line(GOOD, words(text, good=good, count=count))


def _dumb_line(bus: str, devices: Sequence[Device], words: Words) -> Line:
    """Since the one that answered last."""
    known = [device.good_age_ms for device in devices if device.good_age_ms is not None]
    since = words("device.never")
    if known:
        since = words("device.since", span=span(min(known), words))
    told = ", ".join(device.name for device in devices)
    return Line(BAD, words("bus.dumb", bus=bus, count=len(devices), since=since, names=told))


def _dumb(snapshot: Snapshot, bus: str) -> list[Device]:
    """All devices of a bus, if there are some and not one answers."""
    devices = [device for device in snapshot.devices if device.bus == bus]
    silent = all(
        device.quality == _SILENT
        and (device.good_age_ms is None or device.good_age_ms > 2 * device.poll_ms)
        for device in devices
    )
    return devices if silent and len(devices) > 1 else []


def _device(device: Device, words: Words) -> Line:
    if not device.quality:
        return Line(WARNING, words("device.unread", name=device.name))
    cause = code(device.quality, words)
    where = words("device.where", bus=device.bus, unit=device.unit)
    age_ms = device.good_age_ms
    if age_ms is None:
        since = words("device.never")
    else:
        since = words("device.since", span=span(age_ms, words))
    light = WARNING if age_ms is not None and age_ms <= 2 * device.poll_ms else BAD
    text = words("device.bad", name=device.name, where=where, cause=cause, since=since)
    # a silent one's detail says no more than that
    detail = "" if device.quality == _SILENT else words.said(device.detail)
    return Line(light, words("join").join(filter(None, (text, detail))))


def _alarms(snapshot: Snapshot, words: Words, local: Local) -> Iterator[Line]:
    """One line a code, whomever it concerns: a transmitter may serve all runs."""
    bad = {run.id for run in snapshot.runs if run.quality == BAD}
    by_code: dict[str, list[Alarm]] = {}
    for alarm in snapshot.alarms:
        if not (alarm.code in _OF_RUN and alarm.subject in bad):  # its run's line says it
            by_code.setdefault(alarm.code, []).append(alarm)
    for name, alarms in by_code.items():
        first = alarms[0]
        since = ""
        if first.since_ms is not None:
            at = clock_time(first.since_ms, snapshot.utc_ms, local)
            since = f" {words('alarm.since', at=at)}"
        detail = f": {words.said(first.detail)}" if first.detail else ""
        subjects = ", ".join(alarm.subject for alarm in alarms if alarm.subject)
        who = f"{subjects}: " if subjects else ""
        yield Line(WARNING, f"{who}{code(name, words)}{since}{detail}")


def _regulators(snapshot: Snapshot, words: Words) -> Iterator[Line]:
    """What is wrong with one its alarms say; where none of them does, it is said here."""
    good = []
    for one in snapshot.regulators:
        outlet = "-" if one.outlet_kpa is None else f"{one.outlet_kpa:.1f}"
        if one.quality == GOOD:
            good.append(f"{one.id} {outlet} kPa")
        elif not any(alarm.subject.split(" ")[0] == one.id for alarm in snapshot.alarms):
            yield Line(WARNING, words("regulator.unread", id=one.id))
    if good:
        yield Line(GOOD, words("regulator.all", told=", ".join(good)))


def _journal(snapshot: Snapshot, words: Words) -> Line:
    part = snapshot.journal
    free = size(part.free_bytes)
    if part.failing:
        waits = words("journal.waits", count=part.waiting_scans)
        return Line(BAD, f"{words('journal.failing', waits=waits)}: {part.failing}")
    if part.last_commit_age_ms is not None and part.last_commit_age_ms > SLOW_COMMIT_MS:
        return Line(WARNING, words("journal.slow", span=span(part.last_commit_age_ms, words)))
    if part.days_left is not None and part.days_left < FEW_DAYS:
        return Line(WARNING, words("journal.filling", days=f"{part.days_left:.1f}", free=free))
    told = [words("journal.good", size=size(part.bytes), free=free)]
    if part.dropped:
        told.append(words("journal.dropped", count=part.dropped))
    return Line(WARNING if part.dropped else GOOD, words("join").join(told))


def _uplink(snapshot: Snapshot, words: Words) -> Line:
    part = snapshot.uplink
    waits = words("uplink.waits", **snapshot.journal.unsent)
    if part.last_receipt_age_ms is None:
        last = words("uplink.no_receipt")
    else:
        last = words("uplink.last", span=span(part.last_receipt_age_ms, words))
    light = {"failing": BAD, "standstill": BAD, "never": WARNING, "waiting": WARNING}
    state, tried_ms = words(f"uplink.{part.state}"), part.last_try_age_ms
    if part.state == GOOD and tried_ms is not None and ASKING_MS < tried_ms < _age(snapshot):
        state, light = words("uplink.asking", span=span(tried_ms, words)), {GOOD: WARNING}
    told = (state, words.said(part.failure), last, waits)
    return Line(light.get(part.state, GOOD), words("join").join(filter(None, told)))


def _age(snapshot: Snapshot) -> int:
    """Since the last receipt; for ever where there is none."""
    age_ms = snapshot.uplink.last_receipt_age_ms
    return 1 << 62 if age_ms is None else age_ms


def _clock(snapshot: Snapshot, words: Words) -> Line:
    if snapshot.utc_ms is None:
        return Line(BAD, words("clock.none"))
    good = snapshot.clock_state == "synchronised"
    told = [words("clock.good" if good else "clock.unsynchronised")]
    ahead_ms = snapshot.uplink.central_ahead_ms
    if ahead_ms is not None:
        sign = "+" if ahead_ms <= 0 else "-"
        told.append(words("clock.central", apart=f"{sign}{span(abs(ahead_ms), words)}"))
        good = good and abs(ahead_ms) <= APART_MS
    return Line(GOOD if good else WARNING, words("join").join(told))
