"""The plant: integrates flow to volume, and answers read requests with what its indexes show.

Time is an argument. The state moves on a fixed grid of measurement cycles, so that what flows does
not depend on who looks, and all volumes are exact integers of 1e-9 m3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from protocols.metering.conversion import Factor, Prepared, convert_prepared, prepared
from protocols.metering.gas_day import gas_day
from simulators.books import BASE_TOTAL, FORMAT, LINE_TOTAL, RunBook, Served, TotalBook
from simulators.moment import Moment, RunMoment, StationMoment
from simulators.physics import droop, line_volume_mm3
from simulators.regulator_physics import Contact, at_rest, station_step

if TYPE_CHECKING:
    from protocols.metering.conversion import BaseConditions
    from protocols.modbus.frames import Request
    from simulators.instrument import Instrument
    from simulators.site import RunSpec, Site, StationSpec

CYCLE_MS: Final = 50
_CYCLE_NS: Final = CYCLE_MS * 1_000_000
_MINUTE_MS: Final = 60_000  # a gas day begins on a whole minute in every zone
_E9: Final = 1_000_000_000


class Start(NamedTuple):
    """The instant at which the plant began to run."""

    mono_ms: int
    utc_ms: int


class MeterRun:
    """One meter run as it flows: fine volumes, and the factor of the latest cycle."""

    def __init__(self, spec: RunSpec, base: BaseConditions) -> None:
        self.spec = spec
        self._ready = prepared(spec.method, base)
        self._remainder = 0  # of the base volume, in 1e-9 mm3
        self.book = RunBook(
            spec.meter_serial,
            {LINE_TOTAL: TotalBook(spec.line), BASE_TOTAL: TotalBook(spec.base)},
        )

    def flow(self, middle_s: float, day: str) -> None:
        """One cycle, by the midpoint rule."""
        state = self.spec.physics.state(middle_s)
        line_mm3 = line_volume_mm3(state.flow_m3_h, _CYCLE_NS)
        factor_e9 = round(
            self._factor(state.pressure_pa, state.temperature_k).conversion_factor * _E9
        )
        base_mm3, self._remainder = divmod(line_mm3 * factor_e9 + self._remainder, _E9)
        self.book.flow(day, line_mm3, base_mm3)

    def moment(self, elapsed_s: float) -> RunMoment:
        """What the instruments of this run see now."""
        state = self.spec.physics.state(elapsed_s)
        factor = self._factor(state.pressure_pa, state.temperature_k)
        return RunMoment(
            state, factor.z_line, factor.conversion_factor, self.book.line_mm3, self.book.base_mm3
        )

    def _factor(self, pressure_pa: float, temperature_k: float) -> Factor:
        factor: object = self._ready
        if isinstance(self._ready, Prepared):
            factor = convert_prepared(self._ready, pressure_pa, temperature_k)
        if not isinstance(factor, Factor):
            raise ValueError(  # noqa: TRY004 - the site's figures are wrong, not a type
                f"{self.spec.run}: the plant's own conversion fails: {factor}; mend its physics"
            )
        return factor


class Plant:
    """All meter runs and regulators, their instruments, and the books. Not thread-safe."""

    def __init__(self, site: Site, start: Start) -> None:
        self.site = site
        self.start = start
        self.tick = 0
        self._runs = {spec.run: MeterRun(spec, site.base) for spec in site.runs}
        self._by_serial = {spec.meter_serial: spec.run for spec in site.runs}
        self._stations = {spec.name: at_rest(spec.station) for spec in site.stations}
        self._day = (-1, "")

    def advance_to(self, mono_ms: int) -> Moment:
        """Let the gas flow up to the last whole cycle at or before `mono_ms`."""
        while self.start.mono_ms + (self.tick + 1) * CYCLE_MS <= mono_ms:
            self.tick += 1
            middle_s = (self.tick - 0.5) * CYCLE_MS / 1000.0
            day = self._gas_day(self.start.utc_ms + self.tick * CYCLE_MS)
            for run in self._runs.values():
                run.flow(middle_s, day)
            for spec in self.site.stations:
                drawn_m3_h = self._runs[spec.run].spec.physics.state(middle_s).flow_m3_h
                inputs = spec.script.inputs(middle_s, drawn_m3_h)
                state = self._stations[spec.name]
                state = station_step(spec.station, state, inputs, CYCLE_MS / 1000.0)
                self._stations[spec.name] = state
        return self.moment()

    def moment(self) -> Moment:
        """The plant as it is, without moving it."""
        elapsed_ms = self.tick * CYCLE_MS
        elapsed_s = elapsed_ms / 1000.0
        loads = [spec.physics.load.level(elapsed_s) for spec in self.site.runs]
        load = sum(loads) / len(loads)
        stations = {spec.name: self._station(spec, elapsed_s) for spec in self.site.stations}
        return Moment(
            self.tick,
            self.start.mono_ms + elapsed_ms,
            self.start.utc_ms + elapsed_ms,
            {name: run.moment(elapsed_s) for name, run in self._runs.items()},
            {
                spec.regulator: stations[spec.regulator].outlet_pa_gauge
                if spec.regulator in stations
                else droop(spec.no_load_pa_gauge, spec.droop_pa, load)
                for spec in self.site.regulators
            },
            stations,
        )

    def answer(self, instrument: Instrument, request: Request, moment: Moment) -> bytes:
        """The instrument's answer; a meter's total that it holds is noted as served."""
        answer = instrument.answer(request, moment)
        run = self._by_serial.get(instrument.serial)
        if run is not None:
            self._note(run, answer.points, moment)
        return answer.pdu

    def _note(self, run: str, points: tuple[str, ...], moment: Moment) -> None:
        flowed = moment.runs[run]
        for name, volume_mm3 in ((LINE_TOTAL, flowed.line_mm3), (BASE_TOTAL, flowed.base_mm3)):
            if name in points:
                total = self._runs[run].book.totals[name]
                total.serve(
                    Served(
                        moment.utc_ms, moment.mono_ms, total.index.unwrapped(volume_mm3),
                        flowed.line_mm3, flowed.base_mm3,
                    )
                )  # fmt: skip

    def books(self) -> dict[str, Any]:
        """The books up to the current tick, as JSON values."""
        moment = self.moment()
        return {
            "format": FORMAT,
            "site": self.site.name,
            "started_utc_ms": self.start.utc_ms,
            "utc_ms": moment.utc_ms,
            "mono_ms": moment.mono_ms,
            "runs": {name: run.book.to_json() for name, run in self._runs.items()},
        }

    def _station(self, spec: StationSpec, elapsed_s: float) -> StationMoment:
        state = self._stations[spec.name]
        return StationMoment(
            state.outlet_pa, state.inlet_pa, state.shut,
            spec.script.is_open(Contact.BYPASS, elapsed_s),
            spec.script.is_open(Contact.DOOR, elapsed_s),
        )  # fmt: skip

    def _gas_day(self, utc_ms: int) -> str:
        minute = utc_ms // _MINUTE_MS
        if minute != self._day[0]:
            day = gas_day(utc_ms, self.site.zone, self.site.gas_day_start_hour)
            self._day = (minute, day.isoformat())
        return self._day[1]
