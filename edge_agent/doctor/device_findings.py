"""Devices that answer and still are not right, and the meter runs made of them. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from edge_agent.doctor.finding import Area, Finding, red, yellow
from edge_agent.doctor.host import Host
from edge_agent.link_test.judge import duration
from edge_agent.status.model import Alarm, Device, Run, Snapshot, Value
from protocols.metering import events
from protocols.metering.units import UnitError, to_kelvin, to_pascal

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig
    from protocols.metering.run_config import RunConfig, Source

GOOD: Final = "GOOD"
DRIFTS: Final = "device_clock_drifts"
RECENT_S: Final = 86_400
MOST_REFUSED: Final = 6
WINDOW_S: Final = 60
"""Over so long at least the snapshot's flow is a mean, once the agent runs for that."""
START_S: Final = 4
LEAST_COUNTS: Final = 10
PLATE_DIGITS: Final = 5
LEAST_VALUE: Final = 1e-9
STANDARD_DPA: Final = 1_013_250
_SOURCES: Final = {
    events.PRESSURE_SUBSTITUTED: "pressure",
    events.TEMPERATURE_SUBSTITUTED: "temperature",
}
_CONDITIONS: Final = (
    events.FLOW_ABOVE_QMAX, events.REVERSE_FLOW, events.CONVERSION_DEVIATES,
    events.CONVERSION_OUT_OF_RANGE, events.GAS_SUBSTITUTED, events.ATMOSPHERE_SUBSTITUTED,
    events.INDEX_HELD,
)  # fmt: skip
CONDITIONS: Final = (
    *_CONDITIONS, *_SOURCES, events.CONFIGURATION_MISMATCH, events.INDEX_MISSING
)  # fmt: skip
_ONCE: Final = {events.INDEX_JUMP: "index_jump", events.NEW_SEGMENT: "new_segment"}


def device_findings(snapshot: Snapshot, config: AgentConfig, host: Host) -> Iterator[Finding]:
    """Of devices, then of runs. A run whose device is at fault already has its cause."""
    by_serial = {device.serial: device for device in snapshot.devices}
    for device in snapshot.devices:
        yield from _of_device(device, host)
    for alarm in snapshot.alarms:
        if alarm.code == DRIFTS and alarm.subject in by_serial:
            device = by_serial[alarm.subject]
            offset_ms = device.clock_offset_ms
            apart = "-" if offset_ms is None else duration(abs(offset_ms) // 1000)
            yield yellow("device_clock", Area.DEVICE, device.name, apart=apart)
    runs = {run.run: run for run in config.runs}
    for run in snapshot.runs:
        if run.id in runs:
            yield from _of_run(run, runs[run.id], snapshot, by_serial)
    for event in host.events:
        if event.code in _ONCE and event.age_s < RECENT_S:
            age = duration(event.age_s)
            code = _ONCE[event.code]
            yield yellow(code, Area.DEVICE, event.subject, age=age, said=event.detail or "-")


def _of_device(device: Device, host: Host) -> Iterator[Finding]:
    if device.quality == "BAD_CONFIGURATION":
        yield red("device_settings", Area.DEVICE, device.name, said=device.detail)
    elif device.quality == "BAD_EXCEPTION" and not device.counts.get("busy", 0):
        yield red("refuses", Area.DEVICE, device.name, **_refusal(device))
    elif device.refused:
        names = ", ".join(device.refused[:MOST_REFUSED])
        more = "" if len(device.refused) <= MOST_REFUSED else " ..."
        profile = device.profile
        yield yellow("holes", Area.DEVICE, device.name, points=names + more, profile=profile)
    said = host.serials.get(device.name)
    if said is not None and not same_serial(said, device.serial):
        yield red("wrong_device", Area.DEVICE, device.name, said=said, serial=device.serial)


def same_serial(said: str, written: str) -> bool:
    """A plate shows zeros, dashes and a type before the number that a register has."""
    first, second = (
        "".join(char for char in text.upper() if char.isalnum()).lstrip("0")
        for text in (said, written)
    )
    return first == second or (len(first) >= PLATE_DIGITS and second.endswith(first))


def _refusal(device: Device) -> dict[str, object]:
    return {
        "bus": device.bus,
        "unit": device.unit,
        "exception": device.detail or device.last_failure,
        "requests": device.counts.get("requests", 0),
        "profile": device.profile,
    }


def _of_run(
    run: Run, config: RunConfig, snapshot: Snapshot, by_serial: dict[str, Device]
) -> Iterator[Finding]:
    on = {alarm.code: alarm for alarm in snapshot.alarms if alarm.subject == run.id}
    meter = by_serial.get(config.meter_serial)
    if meter is not None and meter.quality == GOOD:
        if events.CONFIGURATION_MISMATCH in on:
            said = on[events.CONFIGURATION_MISMATCH].detail or _resolution(config, meter)
            yield red("resolution_mismatch", Area.DEVICE, meter.name, run=run.id, said=said)
        elif events.INDEX_MISSING in on:
            point = config.line.point
            yield red("index_missing", Area.DEVICE, meter.name, run=run.id, point=point)
        else:
            yield from _frozen(run, config, meter, snapshot.up_s)
    for code, kind in _SOURCES.items():
        source = config.pressure if kind == "pressure" else config.temperature
        yield from _source(run, on.get(code), (source, kind), by_serial)
    for code in _CONDITIONS:
        if code in on:
            yield yellow(f"run_{code}", Area.DEVICE, run.id, said=on[code].detail or "-")


def _resolution(config: RunConfig, meter: Device) -> str:
    """After a restart the journal knows that it is on, not why: by the values now."""
    pairs = (
        (config.line_exponent_point, config.line_exponent),
        (config.base_exponent_point, config.base_exponent),
    )
    shown = {value.name: value.text for value in meter.values}
    found = [
        f"{point} shows {shown[point]}, configured is {configured}"
        for point, configured in pairs
        if point in shown and shown[point].split()[0] != str(configured)
    ]
    return "; ".join(found) or "-"


def _frozen(run: Run, config: RunConfig, meter: Device, up_s: int) -> Iterator[Finding]:
    """The instrument itself says that gas flows, and its index stands still: for so long that it
    would have counted some times."""
    if run.line_flow_m3_h is None or run.line_flow_m3_h > 0:
        return
    seconds = min(WINDOW_S, up_s - START_S)
    least_m3_h = LEAST_COUNTS * config.count_cm3 / 1e6 * 3600 / seconds if seconds > 0 else 1e12
    for value in meter.values:
        if value.unit == "m3/h" and value.number is not None and value.number > least_m3_h:
            facts = {"point": value.name, "flow": value.text, "index": config.line.point}
            yield red("index_frozen", Area.DEVICE, meter.name, run=run.id, **facts)
            return


# ---- pressure and temperature -------------------------------------------------------------------


def _source(
    run: Run, alarm: Alarm | None, of: tuple[Source, str], by_serial: dict[str, Device]
) -> Iterator[Finding]:
    """Of a run's pressure or temperature; `alarm`: its substitute is used."""
    source, kind = of
    device = by_serial.get(source.serial)
    if device is None or device.quality != GOOD:
        return  # it does not answer, and that is the finding
    value = next((one for one in device.values if one.name == source.point), None)
    said = alarm.detail if alarm is not None and alarm.detail else "-"
    shown = "-" if value is None else value.text
    facts = {"point": source.point, "shown": shown, "said": said, "run": run.id}
    if value is not None and _fits_swapped(value, source, kind):
        yield red("word_order", Area.DEVICE, device.name, **facts)
    elif alarm is not None:
        yield red(f"{kind}_bad", Area.DEVICE, device.name, **facts)


def _fits_swapped(value: Value, source: Source, kind: str) -> bool:
    """Whether it is out of range as it is, and within with its words (or bytes) the other way."""
    if value.number is None or _fits(value.number, value.unit, source, kind):
        return False
    return any(_fits(other, value.unit, source, kind) for other in swapped(value.number))


def swapped(number: float) -> tuple[float, ...]:
    """A float32 with its words, its bytes, or both in the other order; without what is none."""
    try:
        a, b, c, d = struct.pack(">f", number)
    except (OverflowError, struct.error):
        return ()
    orders = (bytes((c, d, a, b)), bytes((b, a, d, c)), bytes((d, c, b, a)))
    found = [float(struct.unpack(">f", order)[0]) for order in orders]
    return tuple(one for one in found if one == one and abs(one) < 1e30)


def _fits(number: float, unit: str, source: Source, kind: str) -> bool:
    """Within the transmitter's range, in its own unit; exact zero and what is next to it is none.

    A float with its words in the wrong order is next to nothing, or beyond everything.
    """
    if abs(number) < LEAST_VALUE:
        return False
    try:
        if kind == "pressure":
            atmosphere = STANDARD_DPA if source.gauge else 0
            found = 10 * to_pascal(number, unit) + atmosphere
        else:
            found = 1000 * to_kelvin(number, unit)
    except UnitError:
        return False
    return source.low <= found <= source.high
