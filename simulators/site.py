"""The demo's plant as data: three meter runs, one regulator, two serial lines and a TCP bus."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from protocols.metering.composition import COMPONENTS, Composition
from protocols.metering.conversion import (
    BaseConditions,
    Detail,
    FixedK,
    Method,
    Sgerg88,
    SgergGas,
)
from protocols.registers.library import load_profile
from protocols.registers.profile import Order
from simulators.instrument import Instrument, Reading
from simulators.physics import LoadCurve, RunPhysics
from simulators.readings import (
    Index,
    Noise,
    flowsic500,
    keller_at_inlet,
    keller_at_outlet,
    keller_on_run,
    rosemount_3095fb,
    station_contacts,
)
from simulators.regulator_physics import Regulator, Script, Station

MODULUS: Final = 10**9  # nine digits on the meter
EXPONENT: Final = -3  # a count is 0.001 m3
TCP_BUS: Final = "lan"
LINES: Final = ("line-1", "line-2")
BAUD: Final = 9600

GRID_GAS: Final = SgergGas(hs_mj_m3=40.66, relative_density=0.581, x_co2=0.006, x_h2=0.0)
# Gas 3 of ISO 12213-2 Annex C, rich in ethane
PIPELINE_SHARES: Final[Mapping[str, float]] = {
    "methane": 0.859, "ethane": 0.085, "propane": 0.023, "n_butane": 0.0035, "isobutane": 0.0035,
    "n_pentane": 0.0005, "isopentane": 0.0005, "nitrogen": 0.01, "carbon_dioxide": 0.015,
}  # fmt: skip
PIPELINE_GAS: Final = Composition(tuple(PIPELINE_SHARES.get(name, 0.0) for name in COMPONENTS))
BASE: Final = BaseConditions(pressure_pa=101_325.0, temperature_k=293.15)


PR1: Final = Station(
    "PR1",
    (
        Regulator(20_000.0, 1_800.0, 1_000.0, 26_000.0, 1_000.0),
        Regulator(16_500.0, 1_500.0, 1_000.0, 28_000.0, 1_000.0),
    ),
    inlet_pa=300_000.0,
    inlet_droop_pa=20_000.0,
)


class Tap(NamedTuple):
    """Which instrument shows a quantity, at which point, and whether above the atmosphere."""

    instrument: str
    point: str
    gauge: bool = False


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One meter run: physics, true conversion, the meter's two indexes, where P and T are read."""

    run: str
    meter: str
    meter_serial: str
    pressure: Tap
    temperature: Tap
    physics: RunPhysics
    method: Method
    gas: str  # of the site's gases: what flows, and whose heating value energy is counted by
    line: Index
    base: Index


@dataclass(frozen=True, slots=True)
class RegulatorSpec:
    """A regulator: outlet pressure at no load in Pa gauge, its droop at full load of all runs."""

    regulator: str
    outlet: Tap
    no_load_pa_gauge: float
    droop_pa: float


@dataclass(frozen=True, slots=True)
class StationSpec:
    """A regulator station with its own physics, through which the line flow of one run goes.

    A RegulatorSpec of the same name shows the station's outlet instead of its own droop. `contacts`
    are (name, kind as the agent calls it, point, normal state) of one input module.
    """

    name: str
    station: Station
    script: Script
    run: str
    inlet: Tap
    module: str
    contacts: tuple[tuple[str, str, str, int], ...]


_CONTACTS: Final = (
    ("main", "slam_shut", "input_1", 0),
    ("standby", "slam_shut", "input_2", 0),
    ("bypass", "bypass_open", "input_3", 0),
    ("door", "door_open", "input_4", 1),
)


class Place(NamedTuple):
    """Where an instrument answers."""

    bus: str
    instrument: Instrument


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that the plant is made of."""

    name: str
    zone: str
    gas_day_start_hour: int
    atmosphere_pa: float
    base: BaseConditions
    gases: Mapping[str, SgergGas | Composition]
    runs: tuple[RunSpec, ...]
    regulators: tuple[RegulatorSpec, ...]
    places: tuple[Place, ...]
    stations: tuple[StationSpec, ...] = ()

    def on_bus(self, bus: str) -> Mapping[int, Instrument]:
        """The instruments of one bus by unit id."""
        return {
            place.instrument.unit: place.instrument for place in self.places if place.bus == bus
        }


class Meter(NamedTuple):
    """How one run of the demo differs from the others."""

    run: str
    serial: str
    flow_m3_h: tuple[float, float]
    pressure_pa: tuple[float, float]  # absolute, at no load, and the droop at full load
    temperature_k: float
    method: Method
    gas: str
    start_counts: tuple[int, int]  # line, base
    taps: tuple[Tap, Tap]  # pressure, temperature


# R2's indexes stand so close below their rollover that both roll over within half a minute.
_METERS: Final = (
    Meter("R1", "21450301", (420.0, 880.0), (505e3, 7.5e3), 287.0, Sgerg88(GRID_GAS),
          "grid", (123_456_789, 610_222_333),
          (Tap("p-1", "p1_f32", gauge=True), Tap("t-1", "process_temperature"))),
    Meter("R2", "21450302", (450.0, 900.0), (1_640e3, 22e3), 289.0, Detail(PIPELINE_GAS),
          "pipeline", (MODULUS - 2_200, MODULUS - 36_000),
          (Tap("pt-2", "static_pressure"), Tap("pt-2", "process_temperature"))),
    Meter("R3", "21450303", (400.0, 700.0), (303e3, 4.5e3), 285.0, FixedK(k=0.98),
          "grid", (7_000_123, 20_000_456),
          (Tap("p-3", "p1_f32", gauge=True), Tap("meter-3", "temperature"))),
)  # fmt: skip


def with_station(site: Site, seed: int = 1, span_s: float = 900.0) -> Site:
    """The same site with PR1 as a dual run behind R2: slam-shuts, contacts, an inlet pressure.

    In each `span_s` everything that can happen to a regulator happens once.
    """
    noise = Noise(seed, "330045")
    script = Script.seeded(seed, "PR1", span_s)
    inlet = Tap("p-inlet", "p1_f32", gauge=True)
    spec = StationSpec("PR1", PR1, script, "R2", inlet, "contacts", _CONTACTS)
    places = (
        _place((TCP_BUS, 3), "p-inlet", "keller-33x", "330045", keller_at_inlet("PR1", noise)),
        _place((TCP_BUS, 4), "contacts", "generic-contacts", "770001", station_contacts("PR1")),
    )
    return replace(site, places=(*site.places, *places), stations=(spec,))


def demo_site(seed: int = 1, day_s: float = 900.0, start_h: float = 5.0) -> Site:
    """The plant of the demo; `day_s` seconds of wall time are one day of the load curve."""
    atmosphere_pa = 95_500.0  # some 500 m above the sea
    runs = tuple(_run(meter, seed, day_s, start_h) for meter in _METERS)
    by_id = {run.run: run for run in runs}

    def meter(bus: str, unit: int, run: str) -> Place:
        spec = by_id[run]
        noise = Noise(seed, spec.meter_serial)
        return _place(
            (bus, unit), spec.meter, "sick-flowsic500", spec.meter_serial,
            flowsic500(run, spec.line, spec.base, noise),
        )  # fmt: skip

    def keller(bus: str, unit: int, name: str, serial: str, run: str) -> Place:
        readings = keller_on_run(run, atmosphere_pa, Noise(seed, serial))
        return _place((bus, unit), name, "keller-33x", serial, readings)

    def rosemount(bus: str, unit: int, name: str, serial: str, run: str) -> Place:
        readings = rosemount_3095fb(run, Noise(seed, serial))
        return _place((bus, unit), name, "rosemount-3095fb", serial, readings, "CDAB")

    outlet = keller_at_outlet("PR1", Noise(seed, "330044"))
    return Site(
        name="Boiler house 3",
        zone="Asia/Shanghai",
        gas_day_start_hour=8,
        atmosphere_pa=atmosphere_pa,
        base=BASE,
        gases={"grid": GRID_GAS, "pipeline": PIPELINE_GAS},
        runs=runs,
        regulators=(
            RegulatorSpec("PR1", Tap("p-outlet", "p1_f32", gauge=True), 20_000.0, 1_800.0),
        ),
        places=(
            meter("line-1", 1, "R1"),
            keller("line-1", 2, "p-1", "330041", "R1"),
            rosemount("line-1", 3, "t-1", "95310", "R1"),
            meter(TCP_BUS, 1, "R2"),
            _place((TCP_BUS, 2), "p-outlet", "keller-33x", "330044", outlet),
            rosemount("line-2", 1, "pt-2", "95320", "R2"),
            meter("line-2", 2, "R3"),
            keller("line-2", 3, "p-3", "330043", "R3"),
        ),
    )


def _run(meter: Meter, seed: int, day_s: float, start_h: float) -> RunSpec:
    physics = RunPhysics(
        load=LoadCurve.seeded(seed, meter.run, day_s, start_h),
        flow_low_m3_h=meter.flow_m3_h[0],
        flow_high_m3_h=meter.flow_m3_h[1],
        pressure_pa=meter.pressure_pa[0],
        droop_pa=meter.pressure_pa[1],
        temperature_k=meter.temperature_k,
        swing_k=1.5,
        cooling_k=0.8,
    )
    line = Index(meter.start_counts[0], EXPONENT, MODULUS)
    base = Index(meter.start_counts[1], EXPONENT, MODULUS)
    return RunSpec(
        meter.run, f"meter-{meter.run[1:]}", meter.serial, *meter.taps, physics, meter.method,
        meter.gas, line, base,
    )  # fmt: skip


def _place(
    at: tuple[str, int],
    name: str,
    profile: str,
    serial: str,
    readings: Mapping[str, Reading],
    order: Order | None = None,
) -> Place:
    instrument = Instrument(name, load_profile(profile), at[1], serial, readings, order)
    return Place(at[0], instrument)
