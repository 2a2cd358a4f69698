"""The pages of the live view: a snapshot and its trends into lines. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge_agent.live.cells import BOLD, DIM, PLAIN, Line, Part, left, right
from edge_agent.screen import BAD, GOOD, STYLES, WARNING
from edge_agent.status.words_of_time import clock_time, size, span
from edge_agent.terminal import columns
from protocols.metering.events import PRESSURE_SUBSTITUTED, TEMPERATURE_SUBSTITUTED

if TYPE_CHECKING:
    from edge_agent.language import Words
    from edge_agent.live.trend import Trends
    from edge_agent.status.model import Bus, Device, Run, Snapshot
    from edge_agent.status.words_of_time import Local

PAGES: Final = ("overview", "values", "buses", "alarms", "queue")
_MARKS: Final = {GOOD: "● ", WARNING: "▲ ", BAD: "✖ "}
_ASCII_MARKS: Final = {GOOD: "[ok]  ", WARNING: "[ ! ] ", BAD: "[BAD] "}
_INDEX, _FLOW, _P, _T, _C = 14, 10, 10, 7, 8
_TREND: Final = 12
_NAME: Final = 6
_RATE: Final = 10
_MORE_ALARMS: Final = 4  # of them on the overview
_MORE_DEVICES: Final = 3


@dataclass(frozen=True)
class Look:
    """Words (its own and those of `status`), the site's time, and what the terminal can show."""

    words: Words
    codes: Words
    local: Local
    width: int
    ascii_only: bool = False

    def code(self, name: str) -> str:
        """A condition or a quality in words."""
        return self.codes.get(f"code.{name}", name.replace("_", " ").lower())

    def mark(self, light: str) -> Part:
        """The traffic light at a line's begin."""
        marks = _ASCII_MARKS if self.ascii_only else _MARKS
        return Part(marks[light], STYLES[light])

    @property
    def mark_width(self) -> int:
        return columns(_ASCII_MARKS[GOOD] if self.ascii_only else _MARKS[GOOD])

    def left(self, text: str, width: int) -> str:
        return left(text, width, ascii_only=self.ascii_only)

    def right(self, text: str, width: int) -> str:
        return right(text, width, ascii_only=self.ascii_only)

    def head(self, text: str) -> Line:
        return (Part(self.left(text, self.width), BOLD),)

    def lit(self, light: str, text: str) -> Line:
        """A light and one sentence."""
        style = PLAIN if light == GOOD else STYLES[light]
        return (self.mark(light), Part(self.left(text, self.width - self.mark_width), style))


Page = Callable[["Snapshot", "Trends", Look], Iterator[Line]]


def page_lines(page: str, snapshot: Snapshot, trends: Trends, look: Look) -> list[Line]:
    """All lines of a page, which may be more than the screen has."""
    return list(_PAGES[page](snapshot, trends, look))


def _overview(snapshot: Snapshot, trends: Trends, look: Look) -> Iterator[Line]:
    yield from _runs(snapshot, trends, look)
    yield from _bus_lines(snapshot, trends, look)
    yield from _device_lines(snapshot, look)
    yield from _queue_lines(snapshot, look)
    alarms = list(_alarm_lines(snapshot, look))
    yield from alarms[:_MORE_ALARMS]
    if len(alarms) > _MORE_ALARMS:
        yield (Part(look.words("alarms.more", count=len(alarms) - _MORE_ALARMS), DIM),)


# ---- runs ---------------------------------------------------------------------------------------


def _runs(snapshot: Snapshot, trends: Trends, look: Look) -> Iterator[Line]:
    fixed = look.mark_width + _INDEX + _FLOW + _FLOW + _P + _T + _C + 1
    names = max([_NAME, *(columns(run.id) for run in snapshot.runs)])
    name = min(names, max(_NAME, look.width - fixed - _TREND))
    trend = max(1, look.width - fixed - name)
    words = look.words
    head = " " * look.mark_width + look.left(words("run"), name)
    head += look.right(words("index"), _INDEX) + look.right(words("line"), _FLOW)
    head += " " + look.left(words("trend"), trend) + look.right(words("base"), _FLOW)
    head += look.right(words("p"), _P) + look.right(words("t"), _T) + look.right("C", _C)
    yield look.head(head)
    for run in snapshot.runs:
        yield _run(run, trends, look, name, trend)


def _run(run: Run, trends: Trends, look: Look, name: int, trend: int) -> Line:
    light = run.quality if run.quality in STYLES else WARNING
    start = (look.mark(light), Part(look.left(run.id, name)))
    if light == BAD:
        text = f" {look.code(run.quality_cause)}"
        if run.line_text:
            text += look.words("sep") + look.words("last", index=run.line_text)
        return (*start, Part(look.left(text, look.width - look.mark_width - name), STYLES[BAD]))
    drawn = trends.of("run", run.id).drawn(trend, ascii_only=look.ascii_only)
    pressure, temperature = (
        look.right(_figure(value, 1) + ("*" if code in run.substituted else ""), width)
        for value, code, width in (
            (run.pressure_kpa, PRESSURE_SUBSTITUTED, _P),
            (run.temperature_c, TEMPERATURE_SUBSTITUTED, _T),
        )
    )
    figures = look.right(run.line_text, _INDEX) + look.right(_figure(run.line_flow_m3_h, 2), _FLOW)
    after = look.right(_figure(run.base_flow_m3_h, 1), _FLOW) + pressure + temperature
    after += look.right(_figure(run.c, 4), _C)
    style = STYLES[WARNING] if light == WARNING else PLAIN
    return (
        *start,
        Part(figures, style),
        Part(" " + look.left(drawn, trend), DIM),
        Part(after, style),
    )


# ---- buses and devices --------------------------------------------------------------------------


def _bus_lines(snapshot: Snapshot, trends: Trends, look: Look) -> Iterator[Line]:
    words = look.words
    name = 16
    trend = max(1, look.width - look.mark_width - name - 2 * _RATE - 3)
    head = " " * look.mark_width + look.left(words("bus"), name)
    head += look.right(words("good_s"), _RATE) + look.right(words("failed_s"), _RATE)
    yield look.head(head + "   " + words("bus_trend"))
    for bus in snapshot.buses:
        light, told = _bus_light(bus, look)
        rate = trends.rate(bus.name)
        rates = ("-", "-") if rate is None else (f"{rate.good:.1f}", f"{rate.failed:.1f}")
        drawn = trends.of("bus", bus.name).drawn(min(trend, 24), ascii_only=look.ascii_only)
        fails = rate is not None and rate.failed > 0
        yield (
            look.mark(WARNING if light == GOOD and fails else light),
            Part(look.left(bus.name, name)),
            Part(look.right(rates[0], _RATE)),
            Part(look.right(rates[1], _RATE), STYLES[WARNING] if fails else PLAIN),
            Part("   " + look.left(told or drawn, trend), STYLES[light] if told else DIM),
        )


def _bus_light(bus: Bus, look: Look) -> tuple[str, str]:
    if bus.state in ("gone", "stuck"):
        return BAD, f"{look.words('state.' + bus.state)} {look.words.said(bus.detail)}".rstrip()
    if bus.state == "lent":
        return WARNING, look.words("state.lent", who=bus.lent_to)
    if bus.other_master:
        return WARNING, look.words("state.other_master")
    return GOOD, ""


def _buses(snapshot: Snapshot, trends: Trends, look: Look) -> Iterator[Line]:
    yield from _bus_lines(snapshot, trends, look)
    name, age = 20, 9
    words = look.words
    rest = max(1, look.width - look.mark_width - name - 2 * _RATE - age - 2)
    head = " " * look.mark_width + look.left(words("device"), name)
    head += look.right(words("good_s"), _RATE) + look.right(words("failed_s"), _RATE)
    yield look.head(head + look.right(words("age"), age) + "  " + words("what"))
    for device in snapshot.devices:
        light = _device_light(device)
        rate = trends.rate(f"/{device.name}")
        rates = ("-", "-") if rate is None else (f"{rate.good:.1f}", f"{rate.failed:.1f}")
        style = PLAIN if light == GOOD else STYLES[light]
        told = _device_told(device, look)
        fits = columns(told) <= rest
        yield (
            look.mark(light),
            Part(look.left(f"{device.name} {device.bus}/{device.unit}", name)),
            Part(look.right(rates[0], _RATE) + look.right(rates[1], _RATE)),
            Part(look.right(_age(device, look), age)),
            Part("  " + look.left(told if fits else "", rest), style),
        )
        if not fits:
            indent = " " * (look.mark_width + 2)
            yield (Part(look.left(indent + told, look.width), style),)


def _device_lines(snapshot: Snapshot, look: Look) -> Iterator[Line]:
    """A line for each that does not answer, as far as there is room; one for all others."""
    bad = [device for device in snapshot.devices if _device_light(device) != GOOD]
    for device in bad[:_MORE_DEVICES]:
        where = f"{device.name} ({device.bus}/{device.unit})"
        yield look.lit(_device_light(device), f"{where}: {_device_told(device, look)}")
    count, good = len(snapshot.devices), len(snapshot.devices) - len(bad)
    if good:
        yield look.lit(GOOD, look.words("devices", good=good, count=count))


def _device_light(device: Device) -> str:
    if device.quality == "GOOD":
        return WARNING if device.refused else GOOD
    return BAD if device.quality else WARNING


def _device_told(device: Device, look: Look) -> str:
    if not device.quality:
        return look.words("unread")
    if device.quality != "GOOD":
        quality, detail = look.code(device.quality), device.detail or device.last_failure
        told = look.words.said(detail)
        return told if told.startswith(quality) else f"{quality}: {told}".rstrip(": ")
    if device.refused:
        return look.words("refuses", points=", ".join(device.refused))
    return ""


def _age(device: Device, look: Look) -> str:
    return "-" if device.good_age_ms is None else span(device.good_age_ms, look.codes)


def _values(snapshot: Snapshot, trends: Trends, look: Look) -> Iterator[Line]:
    name = 32
    text = 24
    trend = max(1, look.width - name - text - 4)
    for device in snapshot.devices:
        light = _device_light(device)
        where = f"{device.name}  {device.profile}  {device.bus}/{device.unit}"
        told = _device_told(device, look) or look.words("read", age=_age(device, look))
        yield look.lit(light, f"{where}  {told}")
        for value in device.values:
            drawn = trends.of("value", device.name, value.name)
            yield (
                Part("  " + look.left(value.name, name)),
                Part(look.right(value.text, text), BOLD),
                Part("  " + drawn.drawn(min(trend, 32), ascii_only=look.ascii_only), DIM),
            )
    for regulator in snapshot.regulators:
        light = regulator.quality if regulator.quality in STYLES else WARNING
        outlet = f"{_figure(regulator.outlet_kpa, 2)} kPa"
        told = look.words("regulator", id=regulator.id, outlet=outlet, set=regulator.set_kpa)
        yield look.lit(light, told)


# ---- alarms and the queue -----------------------------------------------------------------------


def _alarms(snapshot: Snapshot, _trends: Trends, look: Look) -> Iterator[Line]:
    yield from _alarm_lines(snapshot, look)


def _alarm_lines(snapshot: Snapshot, look: Look) -> Iterator[Line]:
    if not snapshot.alarms:
        yield look.lit(GOOD, look.words("alarms.none"))
    for alarm in snapshot.alarms:
        since = "-"
        if alarm.since_ms is not None:
            since = clock_time(alarm.since_ms, snapshot.utc_ms, look.local)
        text = f"{since}  {alarm.subject}  {look.code(alarm.code)}"
        detail = look.words.said(alarm.detail)
        yield look.lit(WARNING, f"{text}: {detail}" if detail else text)


def _queue(snapshot: Snapshot, _trends: Trends, look: Look) -> Iterator[Line]:
    yield from _queue_lines(snapshot, look)
    journal, uplink, words = snapshot.journal, snapshot.uplink, look.words
    rows = [
        (words("q.url"), uplink.url),
        (words("q.path"), journal.path),
        (words("q.epoch"), f"{journal.epoch}"),
        *((words("q.size", log=log), f"{count:,}") for log, count in journal.sizes.items()),
        *((words("q.unsent", log=log), f"{count:,}") for log, count in journal.unsent.items()),
        (words("q.memory"), f"{journal.waiting_scans} / {journal.queue_scans}"),
        (words("q.dropped"), f"{journal.dropped}"),
        (words("q.bytes"), f"{size(uplink.bytes_out)} / {size(uplink.bytes_in)}"),
        (words("q.order"), f"{uplink.order_number}"),
    ]
    for label, value in rows:
        yield (Part("  " + look.left(label, 34)), Part(look.left(value, look.width - 36)))


def _queue_lines(snapshot: Snapshot, look: Look) -> Iterator[Line]:
    """One line of the disk, one of the link."""
    journal, uplink, words = snapshot.journal, snapshot.uplink, look.words
    room = words("journal", size=size(journal.bytes), free=size(journal.free_bytes))
    if journal.failing:
        yield look.lit(BAD, words("journal.failing", why=journal.failing))
    elif journal.days_left is not None and journal.days_left < 14:
        yield look.lit(WARNING, room + words("journal.days", days=f"{journal.days_left:.0f}"))
    else:
        yield look.lit(GOOD, room)
    waits = words("waits", **{log: journal.unsent.get(log, 0) for log in ("billing", "telemetry")})
    age = "-"
    if uplink.last_receipt_age_ms is not None:
        age = span(uplink.last_receipt_age_ms, look.codes)
    text = words("sep").join((words(f"uplink.{uplink.state}"), waits, words("receipt", age=age)))
    light = {"good": GOOD, "window": GOOD, "waiting": WARNING}.get(uplink.state, BAD)
    yield look.lit(light, text)
    if light == BAD and uplink.failure:
        yield (
            Part(
                look.left(" " * look.mark_width + look.words.said(uplink.failure), look.width),
                STYLES[BAD],
            ),
        )


def _figure(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


_PAGES: Final[dict[str, Page]] = {
    "overview": _overview,
    "values": _values,
    "buses": _buses,
    "alarms": _alarms,
    "queue": _queue,
}
