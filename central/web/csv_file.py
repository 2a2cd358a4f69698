"""A run's intervals as CSV: every digit of the newest version, for a spreadsheet or a program.

The last columns say which version it is, who made it, and what the gateway recorded.

UTF-8 with a byte order mark: Excel takes a CSV without one for the local code page, and a run or
a zone may bear a Chinese name. Programs read it as utf-8-sig, or use the JSON API. RFC 4180 lines.
"""

import csv
import io
from collections.abc import Iterable

from central.ledger.rows import IntervalRow
from central.web import numbers
from central.web.instants import wall_clock_ms, zone_of
from central.web.places import Place
from central.web.render import flag_names
from protocols.metering.gas_day import GasDayError, gas_day

MAX_ROWS = 50_000
BYTE_ORDER_MARK = "\ufeff"

HEAD = (
    "gateway",
    "run",
    "seq",
    "start_utc",
    "end_utc",
    "start_local",
    "end_local",
    "zone",
    "gas_day",
    "index_start_counts",
    "index_end_counts",
    "line_main_m3",
    "line_error_m3",
    "line_reverse_m3",
    "base_main_m3",
    "base_error_m3",
    "pressure_kpa_abs",
    "temperature_c",
    "z",
    "c",
    "cf",
    "hs_mj_m3",
    "flow_time_s",
    "elapsed_s",
    "flags",
    "flag_names",
    "recompute",
    "epoch",
    "version",
    "edit_kind",
    "edited_utc",
    "edited_by",
    "edit_reason",
    "recorded_line_main_m3",
    "recorded_line_error_m3",
    "recorded_base_main_m3",
    "recorded_base_error_m3",
    "recorded_hs_mj_m3",
)


def intervals_csv(rows: Iterable[IntervalRow], place: Place) -> str:
    """The file's text, with its byte order mark."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(HEAD)
    for row in rows:
        writer.writerow(_line(row, place))
    return BYTE_ORDER_MARK + file.getvalue()


def _line(row: IntervalRow, place: Place) -> tuple[str | int, ...]:
    zone = zone_of(place.zone)
    return (
        as_text(row.gateway),
        as_text(row.run),
        row.seq,
        wall_clock_ms(row.start_utc_ms, zone_of("UTC")),
        wall_clock_ms(row.end_utc_ms, zone_of("UTC")),
        wall_clock_ms(row.start_utc_ms, zone),
        wall_clock_ms(row.end_utc_ms, zone),
        as_text(place.zone),
        _day(row, place),
        row.index_start,
        row.index_end,
        numbers.exact(row.line_main_cm3, numbers.VOLUME_DIGITS),
        numbers.exact(row.line_error_cm3, numbers.VOLUME_DIGITS),
        numbers.exact(row.line_reverse_cm3, numbers.VOLUME_DIGITS),
        numbers.exact(row.base_main_cm3, numbers.VOLUME_DIGITS),
        numbers.exact(row.base_error_cm3, numbers.VOLUME_DIGITS),
        numbers.exact(row.p_dpa, numbers.PRESSURE_DIGITS),
        numbers.exact(row.t_mk - numbers.ICE_POINT_MK, numbers.TEMPERATURE_DIGITS),
        numbers.exact(row.z_e9, numbers.FACTOR_DIGITS),
        numbers.exact(row.c_e9, numbers.FACTOR_DIGITS),
        numbers.exact(row.cf_e9, numbers.FACTOR_DIGITS),
        numbers.exact(row.hs_j_m3, numbers.HEATING_VALUE_DIGITS),
        numbers.exact(row.flow_time_ms, numbers.TIME_DIGITS),
        numbers.exact(row.elapsed_ms, numbers.TIME_DIGITS),
        row.flags,
        " ".join(flag_names(row.flags)),
        row.recompute,
        row.epoch,
        row.version,
        *_edit(row),
    )


def _edit(row: IntervalRow) -> tuple[str, ...]:
    """Who made the newest version and why, and what the gateway recorded: empty for version 1."""
    edit = row.edit
    if edit is None:
        return ("",) * 9
    recorded = edit.recorded
    return (
        edit.kind,
        wall_clock_ms(edit.at_ms, zone_of("UTC")),
        as_text(edit.who),
        as_text(f"{edit.reason} ({edit.rule})" if edit.rule else edit.reason),
        numbers.exact(recorded.line_main_cm3, numbers.VOLUME_DIGITS),
        numbers.exact(recorded.line_error_cm3, numbers.VOLUME_DIGITS),
        numbers.exact(recorded.base_main_cm3, numbers.VOLUME_DIGITS),
        numbers.exact(recorded.base_error_cm3, numbers.VOLUME_DIGITS),
        numbers.exact(recorded.hs_j_m3, numbers.HEATING_VALUE_DIGITS),
    )


def _day(row: IntervalRow, place: Place) -> str:
    start_ms = row.start_utc_ms
    if start_ms is None and row.end_utc_ms is not None:
        start_ms = row.end_utc_ms - row.elapsed_ms
    if start_ms is None:
        return ""
    try:
        return f"{gas_day(start_ms, place.zone, place.gas_day_start_hour)}"
    except GasDayError:
        return ""


def as_text(name: str) -> str:
    """A name that a spreadsheet would run as a formula gets an apostrophe before it (OWASP)."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name
