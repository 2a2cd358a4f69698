"""What a commissioning leaves behind: the signed statements and the sheet for the files. Pure.

One statement of the gateway (subject ""), and one of each run: what is installed, how it converts,
and where every total stood. Figures are decimal texts with their unit in the field's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from edge_agent.commission.figures import number, plain
from edge_agent.commission.seen import Readings
from edge_agent.config.model import AgentConfig, DeviceConfig
from edge_agent.language import Words
from edge_agent.terminal import WIDTH, columns, labelled, wrapped
from protocols.evidence.statement import Value
from protocols.metering.run_config import RunConfig, Source

CODE: Final = "commissioned"
MAX_DEVICES: Final = 200
_ZERO_CELSIUS_MK: Final = 273_150
_NOT_A_NAME: Final = re.compile(r"[^a-z0-9_]")
Fields = tuple[tuple[str, Value], ...]


class Done(NamedTuple):
    """A commissioning that is over. `displays`: by (run, "line" or "base"), what a person read."""

    config: AgentConfig
    file_sha256: str
    program: str
    who: str
    remark: str
    readings: Mapping[str, Readings]
    displays: Mapping[tuple[str, str], str]


def gateway_fields(done: Done) -> Fields:
    """Of the whole site."""
    config = done.config
    fields: list[tuple[str, Value]] = [
        ("customer", config.site.customer or None),
        ("site", config.site.name),
        ("zone", config.site.zone),
        ("gas_day_start_hour", config.site.gas_day_start_hour),
        ("atmospheric_pressure_kpa", _kpa(config.site.atmosphere_dpa)),
        ("runs", len(config.runs)),
        ("devices", len(config.devices)),
        ("configuration_sha256", config.hash().hex()),
        ("file_sha256", done.file_sha256),
        ("program", done.program),
        ("software", config.software),
    ]
    for place, device in enumerate(config.devices[:MAX_DEVICES], 1):
        where = f"{device.bus} unit {device.unit}"
        told = f"{device.name}: serial {device.serial}, {device.profile.id}, {where}"
        fields.append((f"device_{place}", told))
    return tuple(fields)


def run_fields(done: Done, run: RunConfig) -> Fields:
    """Of one meter run."""
    serials = {device.serial: device for device in done.config.devices}
    fields: list[tuple[str, Value]] = [("customer", done.config.site.customer or None)]
    for role, serial in _instruments(run):
        device = serials.get(serial)
        fields.append((f"{role}_serial", serial or None))
        fields.append((f"{role}_profile", device.profile.id if device else None))
    fields += [
        ("qmin_m3_h", _litres(run.qmin_l_h)),
        ("qmax_m3_h", _litres(run.qmax_l_h)),
        ("conversion", run.method),
        ("k", plain(Decimal(run.k_e9).scaleb(-9)) if run.k_e9 else None),
        ("gas", run.gas.name or None),
        ("base_temperature_c", _celsius(run.base_temperature_mk)),
        ("base_pressure_kpa", _kpa(run.base_pressure_dpa)),
        ("pressure_is_gauge", None if run.pressure.is_fixed else int(run.pressure.gauge)),
        ("pressure_range_kpa_abs", _range(run.pressure, _kpa)),
        ("temperature_range_c", _range(run.temperature, _celsius)),
        ("pressure_substitute_kpa_abs", _kpa(run.pressure.substitute)),
        ("temperature_substitute_c", _celsius(run.temperature.substitute)),
        ("configuration_sha256", run.hash().hex()),
    ]
    for point, read_m3 in _starts(done, run):
        fields.append((f"start_{_NOT_A_NAME.sub('_', point)}_m3", read_m3))
    for quantity in ("line", "base"):
        fields.append((f"display_{quantity}_m3", done.displays.get((run.run, quantity))))
    return tuple(fields)


def contract_lines(
    config: AgentConfig, gases: Mapping[str, Mapping[str, str]], words: Words
) -> Iterator[str]:
    """What plates and contract say, for who signs it to see; `gases`: their figures."""
    for name, value in _site_rows(config):
        yield from labelled(words(f"sheet.{name}"), value)
    nothing_read = Done(config, "", "", "", "", {}, {})
    for run in config.runs:
        yield words("sheet.run", run=run.run)
        names = (name for name, _ in run_fields(nothing_read, run))
        instruments = frozenset(name for name in names if name.endswith(("_serial", "_profile")))
        yield from _run_lines(nothing_read, run, words, instruments)
    for gas, figures in gases.items():
        shown = ", ".join(f"{name} {value}" for name, value in figures.items())
        yield from labelled(f"{words('sheet.gas')} {gas}", shown)


def sheet(done: Done, when: str, english: Words, chinese: Words) -> str:
    """The summary for the files, in both languages, with room to sign by hand."""
    parts = [_sheet(done, when, words) for words in (english, chinese)]
    return "\n\n\n".join("\n".join(lines) for lines in parts) + "\n"


def _sheet(done: Done, when: str, words: Words) -> list[str]:
    config = done.config
    lines = [words("sheet.title", gateway=config.gateway), "=" * WIDTH]
    rows = [
        *_site_rows(config), ("when", when), ("who", done.who),
        ("remark", done.remark or "-"), ("program", done.program),
        ("software", config.software[:16]), ("hash", config.hash().hex()),
    ]  # fmt: skip
    for name, value in rows:
        lines += labelled(words(f"sheet.{name}"), value)
    lines += ["", words("sheet.instruments"), "-" * WIDTH]
    for device in config.devices:
        lines += wrapped(_device_line(device, words), 2, 4)
    for run in config.runs:
        lines += ["", words("sheet.run", run=run.run), "-" * WIDTH, *_run_lines(done, run, words)]
    lines += ["", ""]
    for name in ("signed_fitter", "signed_customer"):
        label = words(f"sheet.{name}")
        lines += [f"{label} ".ljust(WIDTH - (columns(label) - len(label)), "_"), ""]
    return lines


def _site_rows(config: AgentConfig) -> list[tuple[str, str]]:
    site = config.site
    return [
        ("customer", site.customer or "-"), ("site", site.name),
        ("zone", f"{site.zone}, {site.gas_day_start_hour:02d}:00"),
        ("atmosphere", f"{_kpa(site.atmosphere_dpa)} kPa"),
    ]  # fmt: skip


def _run_lines(
    done: Done, run: RunConfig, words: Words, without: frozenset[str] = frozenset()
) -> Iterator[str]:
    for name, value in run_fields(done, run):
        if value is None or name in ("customer", "configuration_sha256") or name in without:
            continue
        label = words.get(f"sheet.{name}", "")
        if name.startswith("start_"):
            label = words("sheet.start", total=name.removeprefix("start_").removesuffix("_m3"))
        yield from labelled(label or name, _shown(name, value, words))


def _shown(name: str, value: Value, words: Words) -> str:
    if name == "pressure_is_gauge":
        return words("gauge" if value else "absolute")
    for ending, unit in (("_m3_h", "m3/h"), ("_m3", "m3"), ("_kpa", "kPa"), ("_c", "°C"),
                         ("_kpa_abs", "kPa"), ("temperature_range_c", "°C")):  # fmt: skip
        if name.endswith(ending):
            return f"{value} {unit}"
    return f"{value}"


def _device_line(device: DeviceConfig, words: Words) -> str:
    return words(
        "sheet.device", name=device.name, vendor=device.profile.vendor, model=device.profile.model,
        serial=device.serial, bus=device.bus, unit=device.unit,
    )  # fmt: skip


def _instruments(run: RunConfig) -> Iterator[tuple[str, str]]:
    yield "meter", run.meter_serial
    yield "pressure", run.pressure.serial
    yield "temperature", run.temperature.serial


def _starts(done: Done, run: RunConfig) -> Iterator[tuple[str, str | None]]:
    """Every total as it was read at the end; None where it could not be."""
    names = {device.serial: device.name for device in done.config.devices}
    readings = done.readings.get(names.get(run.meter_serial, ""))
    for total in run.totals:
        value = None if readings is None else readings.values.get(total.point)
        counts = number((value.number or "") if value is not None else "")
        exponent = run.line_exponent if total.role.of_line else run.base_exponent
        yield total.point, None if counts is None else f"{counts.scaleb(exponent):f}"


def _range(source: Source, shown: object) -> str | None:
    if source.is_fixed:
        return None
    assert callable(shown)
    return f"{shown(source.low)} - {shown(source.high)}"


def _kpa(dpa: int) -> str:
    return plain(Decimal(dpa).scaleb(-4))


def _celsius(mk: int) -> str:
    return plain(Decimal(mk - _ZERO_CELSIUS_MK).scaleb(-3))


def _litres(l_h: int) -> str:
    return plain(Decimal(l_h).scaleb(-3))
