"""Rows of a run's intervals or of a device's scans, and one figure of them over time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from protocols.metering.body import BodyError
from protocols.metering.interval import IntervalRecord
from protocols.metering.quality import Flag, is_good

if TYPE_CHECKING:
    from protocols.evidence.leaf import Leaf
    from protocols.metering.run_config import RunConfig

SLACK_MS: Final = 6 * 3_600_000
"""A leaf is recorded behind what it tells of; how far, a gap decides."""
_ICE_POINT_MK: Final = 273_150
UNITS: Final = {
    "line_flow": "m3/h",
    "base_flow": "m3/h",
    "pressure": "kPa",
    "temperature": "°C",
    "z": "",
    "c": "",
    "index": "m3",
}


class Row(NamedTuple):
    """One interval: UTC ms, index in m3, volumes in m3, kPa absolute, degC; marks as words."""

    start_ms: int
    end_ms: int
    index_m3: float | None
    line_m3: float
    base_m3: float
    pressure_kpa: float
    temperature_c: float
    z: float
    c: float
    marks: tuple[str, ...]

    def value(self, of: str) -> float | None:
        """The figure of that name; a flow is the interval's mean."""
        hours = (self.end_ms - self.start_ms) / 3_600_000
        match of:
            case "line_flow" | "base_flow":
                volume = self.line_m3 if of == "line_flow" else self.base_m3
                return volume / hours if hours > 0 else None
            case "pressure":
                return self.pressure_kpa
            case "temperature":
                return self.temperature_c
            case "z":
                return self.z
            case "c":
                return self.c
            case _:
                return self.index_m3


class Value(NamedTuple):
    """One value of a scan."""

    utc_ms: int
    number: float


class Range(NamedTuple):
    """UTC ms; the end is outside."""

    since_ms: int
    until_ms: int


def rows(
    leaves: Iterable[Leaf], run: str, within: Range, config: RunConfig | None
) -> Iterator[Row]:
    """The intervals of a run, of leaves newest first. Those without a time are in no range.

    A record that this program cannot read is left out.
    """
    for leaf in leaves:
        at = leaf.utc_ms
        if at is not None and at < within.since_ms - SLACK_MS:
            return
        if leaf.kind.name != "INTERVAL" or leaf.subject != run:
            continue
        try:
            record = IntervalRecord.from_body(leaf.body)
        except BodyError:
            continue
        row = row_of(record, config)
        if row is not None and within.since_ms < row.end_ms and row.start_ms < within.until_ms:
            yield row


def row_of(record: IntervalRecord, config: RunConfig | None) -> Row | None:
    """None where no clock tells its time. `config`: of the run now, for its index."""
    start_ms, end_ms = record.start.utc_ms, record.end.utc_ms
    if start_ms is None or end_ms is None:
        return None
    return Row(
        start_ms,
        end_ms,
        _index(record, config),
        (record.line_main_cm3 + record.line_error_cm3) / 1e6,
        (record.base_main_cm3 + record.base_error_cm3) / 1e6,
        record.p_dpa / 1e4,
        (record.t_mk - _ICE_POINT_MK) / 1e3,
        record.z_e9 / 1e9,
        record.c_e9 / 1e9,
        tuple(str(flag.name).lower() for flag in Flag if record.flags & flag),
    )


def _index(record: IntervalRecord, config: RunConfig | None) -> float | None:
    """None of a record that was made under another configuration: its register may differ."""
    if config is None:
        return None
    line = [total for total in record.totals if total.point == config.line.point]
    return float(line[-1].end * 10.0**config.line_exponent) if line else None


def scan_times(leaves: Iterable[Leaf], serial: str, within: Range) -> Iterator[Leaf]:
    """The good scans of a device in the range, of leaves newest first."""
    for leaf in leaves:
        at = leaf.utc_ms
        if at is None:
            continue
        if at < within.since_ms - SLACK_MS:
            return
        is_in = within.since_ms <= at < within.until_ms
        if is_in and leaf.subject == serial and is_good(leaf.quality):
            yield leaf
