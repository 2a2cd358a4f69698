"""One run over time, decoded from the stored batches when somebody looks.

Bounded: of a long range only every n-th batch is read, and of its scans every n-th is a point. Flow
is the index's difference between neighbouring points, so that thinning never invents a volume.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, select

from central.ledger.batches import BatchReader
from central.ledger.configurations import map_of, parsed_config
from central.ledger.newest import newest_intervals
from central.ledger.rows import Series
from central.ledger.telemetry import scan_of
from central.store.database import Store
from central.store.ledger_tables import configuration
from central.store.log_tables import batch
from protocols.evidence.leaf import Kind, Leaf, Log, Origin
from protocols.metering.quality import is_good
from protocols.metering.run_config import RunConfig, Source
from protocols.metering.scan import Scan
from protocols.metering.units import to_kelvin, to_pascal
from protocols.registers.register_map import RegisterMap

MAX_LEAVES: Final = 50_000
"""Leaves decoded for one plot: about a second's work."""
MAX_POINTS: Final = 10_000
MAX_INTERVALS: Final = 100_000
ZERO_C_IN_K: Final = 273.15
_EMPTY: Final = Series([], [], [], [], [], [])


class _Sample(NamedTuple):
    """One scan of the meter, with what its transmitters last told."""

    utc_ms: int
    boot_no: int
    mono_ms: int
    index_counts: int | None
    p_kpa: float | None
    t_c: float | None


class _Last(NamedTuple):
    """A transmitter's latest value, and when it came."""

    value: float
    utc_ms: int


def series(
    store: Store,
    gateway: str,
    run: str,
    from_ms: int,
    to_ms: int,
    max_points: int = 2000,
) -> Series:
    """One run's plot over (from_ms, to_ms], thinned to `max_points`; empty for an unknown run."""
    max_points = min(max(max_points, 2), MAX_POINTS)
    with store.engine.connect() as conn:
        config = _latest_config(conn, gateway, run)
        if config is None:
            return _EMPTY
        starts = _batches(conn, gateway, from_ms, to_ms)
        base_t_ms, base_m3 = _base(conn, gateway, run, (from_ms, to_ms), max_points)
        samples = [
            sample
            for sample in _samples(config, _scans(store, conn, gateway, config, starts))
            if from_ms < sample.utc_ms <= to_ms
        ]
    # From the end, so that the newest scan is always there.
    points = samples[::-1][:: max(-(-len(samples) // max_points), 1)][::-1]
    return Series(
        [point.utc_ms for point in points],
        _flow(config, points),
        [point.p_kpa for point in points],
        [point.t_c for point in points],
        base_t_ms,
        base_m3,
    )


def _latest_config(conn: Connection, gateway: str, run: str) -> RunConfig | None:
    leaf = conn.scalars(
        select(configuration.c.leaf)
        .where(configuration.c.gateway == gateway, configuration.c.run == run)
        .order_by(configuration.c.epoch.desc(), configuration.c.seq.desc())
        .limit(1)
    ).one_or_none()
    return None if leaf is None or not run else parsed_config(leaf)


def _batches(conn: Connection, gateway: str, from_ms: int, to_ms: int) -> list[tuple[Origin, int]]:
    """Where the batches of that time begin, so many that MAX_LEAVES are not exceeded by much."""
    rows = conn.execute(
        select(batch.c.epoch, batch.c.first, batch.c.size)
        .where(
            batch.c.gateway == gateway,
            batch.c.log == Log.TELEMETRY.value,
            batch.c.utc_max_ms > from_ms,
            batch.c.utc_min_ms <= to_ms,
        )
        .order_by(batch.c.epoch, batch.c.first)
    ).all()
    leaves = sum(row.size - row.first for row in rows)
    stride = max(-(-leaves // MAX_LEAVES), 1)
    # From the end, so that the newest batch is always there.
    chosen = rows[::-1][::stride][::-1]
    return [(Origin(gateway, Log.TELEMETRY, row.epoch), row.first) for row in chosen]


def _scans(
    store: Store,
    conn: Connection,
    gateway: str,
    config: RunConfig,
    starts: Sequence[tuple[Origin, int]],
) -> Iterator[Scan]:
    """The scans of the run's devices that can be decoded and have a time."""
    reader = BatchReader(store)
    serials = {config.meter_serial, config.pressure.serial, config.temperature.serial}
    maps: dict[bytes, RegisterMap | None] = {}
    for origin, first in starts:
        for leaf in reader.batch(origin, first).leaves:
            if leaf.subject in serials and leaf.utc_ms is not None:
                if leaf.reference not in maps:
                    maps[leaf.reference] = map_of(conn, gateway, leaf.reference)
                scan = _scan(leaf, maps[leaf.reference])
                if scan is not None:
                    yield scan


def _scan(leaf: Leaf, register_map: RegisterMap | None) -> Scan | None:
    if leaf.kind is not Kind.SCAN or register_map is None:
        return None
    try:
        return scan_of(leaf, register_map)
    except ValueError:
        return None  # the recompute of its interval raises the alarm; a plot leaves it out


def _samples(config: RunConfig, scans: Iterator[Scan]) -> Iterator[_Sample]:
    """A sample at each scan of the meter."""
    pressure: _Last | None = None
    temperature: _Last | None = None
    for scan in scans:
        utc_ms = scan.instant.utc_ms
        assert utc_ms is not None
        if is_good(scan.quality):
            pressure = _reading(scan, config.pressure, config.atmosphere_dpa, utc_ms) or pressure
            temperature = _reading(scan, config.temperature, None, utc_ms) or temperature
        if scan.serial == config.meter_serial:
            index, _ = scan.values.get(config.line.point, (None, ""))
            yield _Sample(
                utc_ms,
                scan.instant.boot_no,
                scan.instant.mono_ms,
                index if isinstance(index, int) and is_good(scan.quality) else None,
                _fresh(pressure, utc_ms, config.stale_ms),
                _fresh(temperature, utc_ms, config.stale_ms),
            )


def _reading(scan: Scan, source: Source, atmosphere_dpa: int | None, utc_ms: int) -> _Last | None:
    """Pressure in kPa absolute (with an atmosphere given), or temperature in degC."""
    number, unit = scan.values.get(source.point, (None, ""))
    if scan.serial != source.serial or number is None:
        return None
    try:
        if atmosphere_dpa is None:
            return _Last(to_kelvin(number, unit) - ZERO_C_IN_K, utc_ms)
        gauge_kpa = atmosphere_dpa / 10_000 if source.gauge else 0.0
        return _Last(to_pascal(number, unit) / 1000 + gauge_kpa, utc_ms)
    except ValueError:
        return None


def _fresh(last: _Last | None, utc_ms: int, stale_ms: int) -> float | None:
    if last is None or abs(utc_ms - last.utc_ms) > stale_ms:
        return None
    return last.value


def _flow(config: RunConfig, points: Sequence[_Sample]) -> list[float | None]:
    """m3/h at each point since the last index before it; None where that would mislead."""
    flows: list[float | None] = []
    before: _Sample | None = None
    for point in points:
        flow = None
        if before is not None and point.index_counts is not None:
            flow = _flow_between(config, before, point)
        if point.index_counts is not None:
            before = point
        flows.append(flow)
    return flows


def _flow_between(config: RunConfig, before: _Sample, now: _Sample) -> float | None:
    if before.boot_no == now.boot_no:
        elapsed_ms = now.mono_ms - before.mono_ms
    else:
        elapsed_ms = now.utc_ms - before.utc_ms
    if elapsed_ms <= 0 or before.index_counts is None or now.index_counts is None:
        return None
    counts = (now.index_counts - before.index_counts) % config.line.modulus
    flow_m3_h = counts * config.count_cm3 / 1e6 / (elapsed_ms / 3.6e6)
    # Twice Qmax is a reset or a jump of the index, not flow; one count is always plausible.
    return flow_m3_h if counts <= 1 or flow_m3_h <= 2 * config.qmax_l_h / 1000 else None


def _base(
    conn: Connection, gateway: str, run: str, span_ms: tuple[int, int], max_points: int
) -> tuple[list[int], list[float]]:
    """Base volume per interval at its end; neighbouring intervals added where there are many."""
    newest = newest_intervals()
    rows = conn.execute(
        select(newest.c.end_utc_ms, newest.c.base_main_cm3 + newest.c.base_error_cm3)
        .where(
            newest.c.gateway == gateway,
            newest.c.run == run,
            newest.c.end_utc_ms > span_ms[0],
            newest.c.end_utc_ms <= span_ms[1],
        )
        .order_by(newest.c.end_utc_ms.desc())
        .limit(MAX_INTERVALS)
    ).all()[::-1]
    step = max(-(-len(rows) // max_points), 1)
    groups = [rows[at : at + step] for at in range(0, len(rows), step)]
    return [group[-1][0] for group in groups], [sum(v for _, v in group) / 1e6 for group in groups]
