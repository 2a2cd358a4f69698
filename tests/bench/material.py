"""What is sent: scans of eight runs as leaves, and the interval records that step makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from protocols.evidence.leaf import Kind, Leaf, Log, Origin
from protocols.evidence.salt import salt_of
from protocols.metering.gas import Gas
from protocols.metering.instant import ClockState, Instant
from protocols.metering.quality import Quality
from protocols.metering.run import RunState, step
from protocols.metering.run_config import Role, RunConfig, Source, Total
from protocols.metering.scan import Scan
from protocols.registers.codec import decode_scan
from protocols.registers.profile import Point
from protocols.registers.register_map import RegisterMap
from simulators.series import FIELDS, PERIOD_MS, RUNS, SeriesScan, series

SeriesKind = Literal["display", "noisy"]

GATEWAY: Final = "gw-1"
SEED: Final = 1
SECRET: Final = bytes(range(32))
BOOT_NO: Final = 3
INTERVAL_MS: Final = 300_000
WARM_UP_ROUNDS: Final = INTERVAL_MS // PERIOD_MS  # sent before anything is counted
HOUR_ROUNDS: Final = 3_600_000 // PERIOD_MS

_UNITS: Final = {"pressure": "bar", "temperature": "°C", "flow_actual": "m3/h", "flow_base": "m3/h"}
_TURN: Final = 1 << 32  # the totals are u32


class Round(NamedTuple):
    """The leaves of one round of eight scans, as a commit of the journal holds them."""

    telemetry: tuple[Leaf, ...]
    billing: tuple[Leaf, ...]


def register_map() -> RegisterMap:
    """Twelve named points in one block of registers."""
    points = []
    address = 4100
    for name, kind in FIELDS:
        points.append(Point(name, 3, address, kind, unit=_UNITS.get(name, "")))
        address += points[-1].words
    return RegisterMap("bench-meter", tuple(points))


def run_config(run: int) -> RunConfig:
    """SGERG-88 with the run's own P and T, intervals of five minutes, counts of a litre."""
    serial = _serial(run)
    pressure = Source(serial, "pressure", False, 4_200_000, 900_000, 11_000_000)
    temperature = Source(serial, "temperature", False, 287_150, 233_150, 353_150)
    return RunConfig(
        run=f"R{run + 1}", meter_serial=serial,
        totals=(
            Total("vm", Role.LINE, _TURN), Total("vm_err", Role.LINE_ERROR, _TURN),
            Total("vb", Role.BASE, _TURN), Total("vb_err", Role.BASE_ERROR, _TURN),
        ),
        line_exponent=-3, base_exponent=-3, line_exponent_point="", base_exponent_point="",
        qmax_l_h=1_000_000, pressure=pressure, temperature=temperature, atmosphere_dpa=1_013_250,
        method="SGERG-88", k_e9=0,
        gas=Gas("grid", (), hs_j_m3=40_660_000, d_e9=581_000_000, x_co2_e9=6_000_000),
        base_pressure_dpa=1_013_250, base_temperature_mk=293_150,
        interval_ms=INTERVAL_MS, stale_ms=60_000, zone="Asia/Shanghai", gas_day_start_hour=8,
    )  # fmt: skip


def rounds(kind: SeriesKind, count: int) -> list[Round]:
    """``count`` rounds from the start of both logs: scans, and whatever step makes of them.

    The first round's billing also holds the configurations and the register maps, as a new gateway
    sends them once.
    """
    configs = [run_config(run) for run in range(RUNS)]
    log = _Logs(configs)
    made: list[Round] = []
    scans = list(series(kind, SEED, count))
    for start in range(0, len(scans), RUNS):
        made.append(log.round(scans[start : start + RUNS]))
    return made


def batches(made: Sequence[Round], rounds_a_batch: int) -> list[tuple[list[Leaf], list[Leaf]]]:
    """Telemetry and billing leaves of each batch of that many rounds."""
    cut = []
    for start in range(0, len(made), rounds_a_batch):
        part = made[start : start + rounds_a_batch]
        telemetry = [leaf for one in part for leaf in one.telemetry]
        cut.append((telemetry, [leaf for one in part for leaf in one.billing]))
    return cut


class _Logs:
    """Both logs of the gateway while they grow."""

    def __init__(self, configs: Sequence[RunConfig]) -> None:
        self._configs = configs
        self._states = [RunState.new() for _ in configs]
        self._map = register_map()
        self._map_hash = self._map.hash()
        self._next = dict.fromkeys(Log, 0)

    def round(self, scans: Sequence[SeriesScan]) -> Round:
        telemetry: list[Leaf] = []
        billing: list[Leaf] = []
        if not self._next[Log.TELEMETRY]:
            billing += self._first(_instant(scans[0]))
        for scan in scans:
            leaf = self._leaf(
                Kind.SCAN, _serial(scan.run), self._map_hash, _instant(scan), scan.raw
            )
            telemetry.append(leaf)
            billing += self._records(scan, leaf.seq)
        return Round(tuple(telemetry), tuple(billing))

    def _first(self, instant: Instant) -> list[Leaf]:
        leaves = []
        for config in self._configs:
            body, serial = config.to_body(), config.meter_serial
            leaves.append(self._leaf(Kind.CONFIGURATION, config.run, config.hash(), instant, body))
            leaves.append(
                self._leaf(Kind.REGISTER_MAP, serial, self._map_hash, instant, self._map.to_body())
            )
        return leaves

    def _records(self, scan: SeriesScan, seq: int) -> list[Leaf]:
        config, instant = self._configs[scan.run], _instant(scan)
        values = decode_scan(self._map, scan.raw)
        taken = step(
            config,
            self._states[scan.run],
            Scan(seq, config.meter_serial, instant, Quality.GOOD, values),
        )
        self._states[scan.run] = taken.state
        if taken.events:
            raise ValueError(f"the series is to run without events: {taken.events[0]}")
        return [
            self._leaf(Kind.INTERVAL, config.run, config.hash(), instant, record.to_body())
            for record in taken.records
        ]

    def _leaf(
        self, kind: Kind, subject: str, reference: bytes, instant: Instant, body: tuple[object, ...]
    ) -> Leaf:
        origin = Origin(GATEWAY, kind.log, 0)
        seq = self._next[kind.log]
        self._next[kind.log] += 1
        return Leaf(
            kind, GATEWAY, 0, seq, subject, reference, instant.boot_no, instant.mono_ms,
            instant.utc_ms, int(instant.clock_state), int(Quality.GOOD), body,  # type: ignore[arg-type]
            salt_of(SECRET, origin, seq),
        )  # fmt: skip


def _serial(run: int) -> str:
    return str(10_234_567 + 1_117 * run)


def _instant(scan: SeriesScan) -> Instant:
    return Instant(BOOT_NO, scan.mono_ms, scan.utc_ms, int(ClockState.SYNCHRONISED))
