"""A run's gas days as CSV: every digit, for a spreadsheet or a program; form as `csv_file.py`."""

import csv
import io

from central.ledger.gas_days import Calendar, GasDays
from central.web import numbers
from central.web.csv_file import BYTE_ORDER_MARK, as_text
from central.web.day_page import index_m3
from central.web.instants import wall_clock_ms, zone_of
from protocols.metering.energy import shown_kwh, shown_mj
from protocols.metering.period import PeriodRecord
from protocols.metering.period_fields import flag_names

HEAD = (
    "gateway",
    "run",
    "gas_day",
    "start_utc",
    "end_utc",
    "zone",
    "complete",
    "intervals",
    "edited",
    "index_start_m3",
    "index_end_m3",
    "line_main_m3",
    "line_error_m3",
    "line_reverse_m3",
    "base_main_m3",
    "base_error_m3",
    "energy_main_kwh",
    "energy_main_mj",
    "energy_error_kwh",
    "energy_error_mj",
    "base_without_heating_value_m3",
    "hs_mj_m3",
    "pressure_kpa_abs",
    "temperature_c",
    "z",
    "c",
    "cf",
    "flow_time_s",
    "missing_s",
    "estimated_s",
    "substituted_s",
    "polls",
    "polls_failed",
    "flags",
    "flag_names",
    "methods",
    "config_hashes",
)


def gas_days_csv(gateway: str, run: str, calendar: Calendar, days: GasDays) -> str:
    """The file's text, with its byte order mark."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(HEAD)
    found = days.found
    for day, record, edited in zip(days.days, found.records, found.edited, strict=True):
        names = (as_text(gateway), as_text(run), f"{day}", *_times(record, calendar))
        counts = (int(record.complete), record.sums.intervals, edited)
        index = index_m3(record, found.configs)
        methods = " ".join(as_text(name) for name in record.methods(found.configs))
        hashes = " ".join(name.hex() for name in record.config_hashes)
        writer.writerow((*names, *counts, *index, *_figures(record), methods, hashes))
    return BYTE_ORDER_MARK + file.getvalue()


def _times(record: PeriodRecord, calendar: Calendar) -> tuple[str, str, str]:
    period, utc = record.period, zone_of("UTC")
    start, end = (wall_clock_ms(ms, utc) for ms in (period.start_ms, period.end_ms))
    return start, end, as_text(calendar.zone)


def _figures(record: PeriodRecord) -> tuple[str | int, ...]:
    sums = record.sums
    volumes = (
        sums.line_main_cm3, sums.line_error_cm3, sums.line_reverse_cm3, sums.base_main_cm3,
        sums.base_error_cm3,
    )  # fmt: skip
    main_j, error_j = record.energy_main_j, record.energy_error_j
    heats = (numbers.exact(hs, numbers.HEATING_VALUE_DIGITS) for hs in record.heating_values)
    times = (sums.flow_time_ms, record.missing_ms, sums.estimated_ms, sums.substituted_ms)
    return (
        *(numbers.exact(cm3, numbers.VOLUME_DIGITS) for cm3 in volumes),
        *(shown_kwh(main_j), shown_mj(main_j), shown_kwh(error_j), shown_mj(error_j)),
        numbers.exact(sums.unvalued_cm3, numbers.VOLUME_DIGITS),
        " ".join(heats),
        *_means(record),
        *(numbers.exact(ms, numbers.TIME_DIGITS) for ms in times),
        *(sums.polls, sums.polls_failed, record.flags, " ".join(flag_names(record.flags))),
    )


def _means(record: PeriodRecord) -> tuple[str, ...]:
    means = record.means
    if means is None:
        return ("",) * 5
    return (
        numbers.exact(means.p_dpa, numbers.PRESSURE_DIGITS),
        numbers.exact(means.t_mk - numbers.ICE_POINT_MK, numbers.TEMPERATURE_DIGITS),
        *(numbers.exact(e9, numbers.FACTOR_DIGITS) for e9 in means[2:]),
    )
