"""The report of a gas day for people: tables of 80 columns, one line an hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.report.report import Report, mean_k_e9
from edge_agent.report.text import WIDTH, celsius, fixed, hours, local, wrapped
from protocols.metering.energy import shown_kwh, shown_mj
from protocols.metering.gas_day import zone_of
from protocols.metering.period_fields import line_indexes, quarantined_cm3

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from edge_agent.report.read import Told
    from protocols.metering.period import PeriodRecord
    from protocols.metering.run_config import RunConfig

NOTHING: Final = "-"


class Column(NamedTuple):
    """Two lines of head, and what a record shows below them."""

    name: str
    unit: str
    cell: Callable[[PeriodRecord], str]


def as_table(report: Report) -> str:
    """The lines of a report."""
    blocks = (
        _head(report),
        *_tables(report),
        _counters(report.day_record),
        _notes(report),
        _events(report),
    )
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _head(report: Report) -> list[str]:
    record, zone = report.day_record, zone_of(report.zone)
    period = record.period
    start, end = (local(ms, zone) for ms in (period.start_ms, period.end_ms))
    title = f"Gas day {report.day}, run {report.run}"
    state = "" if record.complete else "INCOMPLETE"
    length_h = (period.end_ms - period.start_ms) / 3_600_000
    place = ", ".join(part for part in (report.site, f"gateway {report.gateway}") if part)
    lines = [
        f"{title:<{WIDTH - len(state) - 1}} {state}".rstrip(),
        *wrapped(place),
        *wrapped(f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}, {report.zone}, {length_h:g} h"),
    ]
    if not record.complete:
        reached = local(report.reached_ms, zone)
        lines += wrapped(f"Recorded to {reached:%Y-%m-%d %H:%M:%S}; the day is not over.")
    known = [line for one in report.known(record) for line in _configuration(one, record)]
    lines += dict.fromkeys(known)  # a change shows what it changed
    unknown = [name for name in record.config_hashes if name not in report.configs]
    for name in unknown:
        lines += wrapped(f"Configuration {name.hex()[:16]} is no longer in the journal.")
    if report.software:
        lines += wrapped(f"Software {report.software[:16]}")
    return lines


def _configuration(config: RunConfig, record: PeriodRecord) -> list[str]:
    """One configuration in force: what the volume was measured and converted by."""
    meter = f"Meter {config.meter_serial}{' (temporary)' if config.temporary else ''}"
    sources = []
    for name, source, value in (
        ("P", config.pressure, f"{fixed(config.pressure.substitute, 4, 3)} kPa"),
        ("T", config.temperature, celsius(config.temperature.substitute, 2) + " °C"),
    ):
        sources.append(f"{name} fixed {value}" if source.is_fixed else f"{name} {source.serial}")
    gas = config.gas.name
    if config.gas_source:
        gas = f"chromatograph {config.gas_source.serial}"
    conversion = [f"Conversion {config.method}"] + ([f"gas {gas}"] if gas else [])
    if config.k_e9:
        conversion.append(f"K {fixed(config.k_e9, 9, 5)}")
    base = (
        f"base {celsius(config.base_temperature_mk, 2)} °C, "
        f"{fixed(config.base_pressure_dpa, 4, 3)} kPa"
    )
    heats = ", ".join(fixed(hs, 6, 4) for hs in record.heating_values[:4])
    more = " ..." if len(record.heating_values) > 4 else ""
    degrees = config.gas.combustion.replace("60F", "60 °F")
    burnt = f", burnt at {degrees}{'' if 'F' in degrees else ' °C'}" if degrees else ""
    heat = f"Hs {heats}{more} MJ/m3{burnt}" if heats else "no heating value, no energy"
    return [
        *wrapped(", ".join([meter, *sources])),
        *wrapped("; ".join([", ".join(conversion), base])),
        *wrapped(heat),
        *wrapped(f"Configuration {config.hash().hex()[:16]}"),
    ]


def _columns(report: Report) -> list[list[Column]]:
    """Line and base by the names of EN 12405-1's displays; then energy, and how they came about."""

    def index(side: int) -> Callable[[PeriodRecord], str]:
        def cell(record: PeriodRecord) -> str:
            found, known = line_indexes(record, report.configs), report.known(record)
            if found is None:
                return NOTHING
            exponent = known[-side].line_exponent  # of the first meter, or the last
            return fixed(found[side] * 10 ** max(exponent, 0), *[max(-exponent, 0)] * 2)

        return cell

    def volume(*names: str) -> Callable[[PeriodRecord], str]:
        return lambda record: _of(
            record, fixed(sum(getattr(record.sums, name) for name in names), 6, 5)
        )

    def k(record: PeriodRecord) -> str:
        known = report.known(record)
        k_e9 = mean_k_e9(record, known[-1]) if known else None
        return NOTHING if k_e9 is None else fixed(k_e9, 9, 5)

    energy = [
        Column("Energy", "kWh", lambda r: _of(r, shown_kwh(r.energy_main_j))),
        Column("Energy", "MJ", lambda r: _of(r, shown_mj(r.energy_main_j))),
    ]
    volumes = [
        Column("Index", "start", index(0)),
        Column("Index", "end", index(1)),
        Column("Vm", "m3", volume("line_main_cm3")),
        Column("Vm err", "m3", volume("line_error_cm3")),
        Column("Vb", "m3", volume("base_main_cm3")),
        Column("Vb err", "m3", volume("base_error_cm3")),
    ]
    conditions = [
        Column("P", "kPa abs", lambda r: _mean(r, "p_dpa", lambda v: fixed(v, 4, 3))),
        Column("T", "°C", lambda r: _mean(r, "t_mk", lambda v: celsius(v, 3))),
        Column("Z", "", lambda r: _mean(r, "z_e9", lambda v: fixed(v, 9, 5))),
        Column("C", "", lambda r: _mean(r, "c_e9", lambda v: fixed(v, 9, 5))),
        Column("K", "", k),
        Column("Flow", "h", lambda r: _of(r, hours(r.sums.flow_time_ms))),
        Column("Down", "h", lambda r: hours(r.missing_ms + r.sums.estimated_ms)),
    ]
    valued = bool(report.day_record.heating_values)
    return [volumes, [*energy, *conditions] if valued else conditions]


def _tables(report: Report) -> Iterator[list[str]]:
    """Each kind of columns in as few tables as 80 columns allow; all have the hours and the day."""
    shown = [hour for hour in report.hours if hour.period.start_ms < report.reached_ms]
    first = ["", "Hour", *_labels(shown, zone_of(report.zone)), "Day"]
    for columns in _columns(report):
        table, width = [first], max(map(len, first))
        for column in columns:
            cells = [column.cell(record) for record in (*shown, report.day_record)]
            block = [column.name, column.unit, *cells]
            more = max(map(len, block)) + 1
            if width + more > WIDTH:
                yield _rows(table)
                table, width = [first], max(map(len, first))
            table.append(block)
            width += more
        yield _rows(table)


def _rows(table: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in table]
    lines = [
        " ".join(
            f"{cell:<{width}}" if place == 0 else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in zip(*table, strict=True)
    ]
    rule = "-" * (sum(widths) + len(widths) - 1)
    return [*lines[:2], rule, *lines[2:-1], rule, lines[-1]]


def _labels(records: Sequence[PeriodRecord], zone: ZoneInfo) -> list[str]:
    """Local time at which each begins; the hour that a clock shows twice is A, then B."""
    plain = [f"{local(hour.period.start_ms, zone):%H:%M}" for hour in records]
    twice = {label for label, count in Counter(plain).items() if count > 1}
    seen: set[str] = set()
    labels = []
    for label in plain:
        labels.append(f"{label}{'B' if label in seen else 'A'}" if label in twice else label)
        seen.add(label)
    return labels


def _counters(record: PeriodRecord) -> list[str]:
    """The run's own counters at the day's ends (EN 12405-1: Vm, Vb, in alarm, unhaltable)."""
    if record.opening is None or record.closing is None:
        return []
    names = (
        ("Vm", "line_main"), ("Vm err", "line_error"), ("Vm unhaltable", "line_unhaltable"),
        ("Vm reverse", "line_reverse"), ("Vb", "base_main"), ("Vb err", "base_error"),
        ("Vb unhaltable", "base_unhaltable"),
    )  # fmt: skip
    lines = [f"{'Counters, m3':<15}{'start':>20}{'end':>20}{'difference':>20}"]
    for label, name in names:
        start, end = getattr(record.opening, name), getattr(record.closing, name)
        if name == "line_reverse" and not end:
            continue
        figures = "".join(f"{fixed(value, 6, 5):>20}" for value in (start, end, end - start))
        lines.append(f"{label:<15}{figures}")
    return lines


def _notes(report: Report) -> list[str]:
    record, sums = report.day_record, report.day_record.sums
    polls = f"Polls {sums.polls}, of which failed {sums.polls_failed}"
    notes = [f"{polls}; intervals {sums.intervals}."]
    if record.missing_ms + sums.estimated_ms:
        notes.append(
            f"Down {hours(record.missing_ms + sums.estimated_ms)} h: nothing recorded "
            f"{hours(record.missing_ms)} h, volume shared out by time "
            f"{hours(sums.estimated_ms)} h."
        )
    if sums.substituted_ms:
        notes.append(f"With a substitute value {hours(sums.substituted_ms)} h.")
    if sums.energy_error_uj:
        error_j = record.energy_error_j
        error = f"{shown_kwh(error_j)} kWh, {shown_mj(error_j)} MJ"
        notes.append(f"The energy above is that of Vb; that of Vb err is {error}.")
    if sums.unvalued_cm3 and record.heating_values:
        notes.append(
            f"Without a heating value: {fixed(sums.unvalued_cm3, 6, 5)} m3 of base volume."
        )
    if sums.line_reverse_cm3:
        notes.append(f"Reverse flow {fixed(sums.line_reverse_cm3, 6, 5)} m3, in no volume above.")
    if waits := quarantined_cm3(record, report.configs):
        notes.append(f"Index jumps of {fixed(waits, 6, 5)} m3 wait for a decision, in no volume.")
    if record.means is not None and record.means.cf_e9 != 10**9:
        notes.append(f"The meter's correction Cf {fixed(record.means.cf_e9, 9, 6)} is in Vb.")
    if report.untimed[0]:
        notes.append(
            f"{report.untimed[0]} intervals with {fixed(report.untimed[1], 6, 5)} m3 have no time, "
            "for want of a clock; they are in no day."
        )
    return [line for note in notes for line in wrapped(note)]


def _events(report: Report) -> list[str]:
    if not report.events:
        return ["No alarm and no event."]
    zone = zone_of(report.zone)
    lines = ["Alarms and events"]
    for event in report.events:
        lines += wrapped(f"{local(event.utc_ms, zone):%m-%d %H:%M:%S} {_told(event)}")
    return lines


def _told(event: Told) -> str:
    subject = f" {event.subject}" if event.subject else ""
    change = ""
    if event.old is not None or event.new is not None:
        old, new = (NOTHING if side is None else f"{side}" for side in (event.old, event.new))
        change = f": {old} -> {new}"
    detail = f" ({event.detail})" if event.detail else ""
    return f"{event.code.replace('_', ' ')}{subject}{change}{detail}; by {event.who}"


def _of(record: PeriodRecord, text: str) -> str:
    return text if record.sums.intervals else NOTHING


def _mean(record: PeriodRecord, name: str, shown: Callable[[int], str]) -> str:
    return NOTHING if record.means is None else shown(getattr(record.means, name))
