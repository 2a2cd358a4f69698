"""Every method, source and trouble of a run, made again at central; and converters that lie."""

from dataclasses import replace
from itertools import cycle, pairwise

import pytest
from sqlalchemy import select

from central.ledger.queries import alarms, intervals, law
from central.store.ledger_tables import interval_total
from protocols.evidence.leaf import Kind, Log
from protocols.metering.analysis import superior_of
from protocols.metering.composition import Composition, to_e9
from protocols.metering.flow import CurvePoint
from protocols.metering.gas import Gas, GasSource
from protocols.metering.method import METHODS
from protocols.metering.quality import Flag
from protocols.metering.run import step
from protocols.metering.run_config import Role, Source, Total
from protocols.metering.run_config_faults import faults
from protocols.registers.library import load_profile
from protocols.registers.register_map import RegisterMap
from tests.central import conftest

SHOWN = ("methane", "nitrogen", "carbon_dioxide", "ethane", "propane")
PARTS = (0.965, 0.012, 0.006, 0.013, 0.004)
LEAN, RICH = (96.5, 1.2, 0.6, 1.3, 0.4), (85.9, 2.6, 1.5, 7.7, 2.3)
GAS = Gas("grid", to_e9(Composition((*PARTS, *[0.0] * 16))))
FIXED = Source("", "", False, 4_000_000, 4_000_000, 4_000_001)
TOTALS = (Total("vm", Role.LINE, 10**9), Total("vb", Role.BASE, 10**9))


@pytest.fixture
def rich(made, monkeypatch):
    """A gateway whose run has a barometer and a chromatograph, too."""
    gc = RegisterMap.of(load_profile("flonidan-uniflo1200"), list(SHOWN))
    monkeypatch.setitem(made.maps, "gc", gc)

    class Rich(made.Gateway):
        air_bar, shares = 0.98, LEAN

        def configure(self, *configs):
            super().configure(*configs)
            for config in configs:
                for kind, serial in (("p", f"b-{config.run}"), ("gc", f"gc-{config.run}")):
                    body = made.maps[kind].to_body()
                    self.add(Kind.REGISTER_MAP, serial, made.maps[kind].hash(), body)
            return self

        def poll(self, counts=50, p_bar=3.0, t_f=59.0, step_ms=2_000):
            """All five devices, as `Gateway.poll` does with three."""
            self.now_ms += step_ms
            for run, config in self.configs.items():
                line, base = self.index[run]
                line, base = (line + counts) % 10**9, (base + abs(4 * counts)) % 10**9
                self.index[run] = [line, base]
                self._scan(run, f"gc-{run}", "gc", self.shares)
                self._scan(run, f"b-{run}", "p", (self.air_bar, 15.0))
                if config.pressure.serial:
                    self._scan(run, config.pressure.serial, "p", (p_bar, 15.0))
                self._scan(run, config.temperature.serial, "t", (t_f,))
                self._scan(run, config.meter_serial, "meter", (-3, -3, line, base))
            return self

    return Rich


def config_of(made, method, **changes):
    own = {"method": method, "gas": GAS, "totals": TOTALS}
    if method == "T":
        own |= {"pressure": FIXED, "k_e9": 980_000_000}
    else:
        own["barometer"] = Source("b-R1", "p1_f32", False, 1_013_250, 850_000, 1_100_000)
    config = made.config(**own | changes)
    assert faults(config) == []
    return config


def analysed(made, method, **changes):
    source = GasSource("gc-R1", tuple((name, name) for name in SHOWN), 600_000)
    return config_of(made, method, gas_source=source, **changes)


def settled(central, gateway):
    central.register(gateway)
    for log in (Log.BILLING, Log.TELEMETRY):
        central.send(gateway, log)
    central.catch_up()
    return [row.recompute for row in central.ask(intervals, "gw-1", "R1")]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_agrees_to_the_last_digit(central, made, rich, method):
    """P, T, atmosphere and gas that move, a curve, a gap, a step back: all is made again."""
    curve = (CurvePoint(50_000, 3_100), CurvePoint(1_000_000, -2_700))
    config = analysed(made, method, qmin_l_h=40_000, error_curve=curve)
    gateway = rich().configure(config)
    for n in range(24):
        gateway.air_bar = 0.97 + n / 1000
        gateway.shares = LEAN if n < 11 else RICH
        gateway.poll(
            counts=-3 if n == 9 else 40 + 17 * n, p_bar=2.5 + n / 13, t_f=50.0 + n / 3,
            step_ms=45_000 if n == 15 else 2_000,
        )  # fmt: skip
    states = settled(central, gateway.stop())
    assert len(states) > 12
    assert set(states) == {"agrees"}
    assert central.ask(alarms) == []
    assert {row.holds for row in central.ask(law)} == {True}
    flags = Flag(0)
    for row in central.ask(intervals, "gw-1", "R1"):
        flags |= Flag(row.flags)
    assert flags & Flag.GAP
    assert flags & Flag.REVERSE_FLOW


FIGURES = ("c_e9", "base_main_cm3", "p_dpa", "z_e9", "cf_e9", "hs_j_m3", "line_reverse_cm3")


@pytest.mark.parametrize(("method", "field"), list(zip(METHODS, cycle(FIGURES))))
def test_a_figure_that_is_off_by_one_is_an_alarm(central, made, rich, method, field):
    """Whichever method: nothing is tolerated, and both figures are told."""

    class Lying(rich):
        records = 0

        def told(self, record):
            self.records += 1
            if self.records != 2:
                return record
            return replace(record, **{field: getattr(record, field) + 1})

    gateway = Lying().configure(config_of(made, method))
    for _ in range(9):
        gateway.poll()
    assert settled(central, gateway.stop()).count("differs") == 1
    [row] = central.ask(alarms)
    assert (row.code, row.subject) == ("recompute-differs", "R1")
    assert row.detail.startswith(f"{field}: recorded ")
    assert "recomputed" in row.detail


@pytest.mark.parametrize(
    "changes",
    [
        {"k_e9": 979_999_999},
        {"atmosphere_dpa": 1_013_260},
        {"base_temperature_mk": 293_151},
        {"base_pressure_dpa": 1_013_249},
    ],
)
def test_a_converter_by_other_parameters_is_an_alarm(central, made, monkeypatch, changes):
    """K off by 1e-9, the atmosphere by 1 Pa, the base by 1 mK: each interval differs in C or P."""
    config = made.config()

    def tampered(told, state, scan):
        done = step(replace(told, **changes), state, scan)
        records = tuple(replace(record, config_hash=told.hash()) for record in done.records)
        return done._replace(records=records)

    monkeypatch.setattr(conftest, "step", tampered)
    gateway = made.Gateway().configure(config)
    for _ in range(8):
        gateway.poll()
    states = settled(central, gateway)
    assert set(states) == {"differs"}
    for row in central.ask(alarms):
        assert row.code == "recompute-differs"
        assert row.detail.split(":")[0] in ("base_main_cm3", "p_dpa", "c_e9", "z_e9")


@pytest.mark.parametrize(("point", "factor"), [("p1_f32", 1.00001), ("process_temperature", 0.999)])
def test_a_converter_that_bends_its_readings_is_an_alarm(central, made, monkeypatch, point, factor):
    """The registers of the scan say what the transmitter showed."""

    def tampered(config, state, scan):
        number, unit = scan.values.get(point, (None, ""))
        if number is not None:
            scan = scan._replace(values={**scan.values, point: (number * factor, unit)})
        return step(config, state, scan)

    monkeypatch.setattr(conftest, "step", tampered)
    gateway = made.Gateway().configure(made.config())
    for _ in range(8):
        gateway.poll()
    assert set(settled(central, gateway)) == {"differs"}


def test_a_converter_that_lies_the_same_way_twice_breaks_the_chain(central, made):
    """A record whose opening agrees with the lie contradicts the record before it."""

    class Lying(made.Gateway):
        def _take(self, run, done):
            state = done.state
            if done.records and done.records[0].telemetry_first == 6:
                counters = state.now.counters._replace(base_main=0)
                opening = state.now._replace(counters=counters)
                done = done._replace(state=state.opened(opening))
            super()._take(run, done)

    gateway = Lying().configure(made.config())
    for _ in range(14):
        gateway.poll()
    states = settled(central, gateway.stop())
    assert states.count("differs") == 1
    assert central.ask(alarms)[0].detail.startswith("carry: ")


def test_flow_back_at_central(central, made, rich):
    """A total may move back over an interval: its way is negative, its law has the reverse term."""
    gateway = rich().configure(config_of(made, "PT"))
    gateway.index["R1"] = [40, 5_000]
    for counts in (0, -30, -20, -10, 5, 25, 0, 0, 0):
        gateway.poll(counts=counts)
    states = settled(central, gateway.stop())
    assert set(states) == {"agrees"}
    assert central.ask(alarms) == []
    [row] = [row for row in central.ask(law) if row.point == "vm"]
    assert (row.index_start, row.index_end, row.holds, row.gaps) == (40, 10, True, 0)
    assert (row.moved_counts, row.main_counts, row.reverse_counts) == (-30, 30, 60)
    with central.store.engine.connect() as conn:
        moved = conn.scalars(
            select(interval_total.c.moved_counts).where(interval_total.c.point == "vm")
        ).all()
    assert min(moved) < 0
    assert sum(moved) == -30
    reverse = [row.line_reverse_cm3 for row in central.ask(intervals, "gw-1", "R1")]
    assert sum(reverse) == 60_000


@pytest.mark.parametrize("by", [1, -1])
def test_reverse_flow_that_was_not_booked_breaks_the_law(central, made, rich, by):
    """Taking it off the main counter, or hiding it, is an alarm of the chain."""

    class Netting(rich):
        def told(self, record):
            vm, vb = record.totals
            if not vm.reverse:
                return record
            return replace(record, totals=(vm._replace(reverse=vm.reverse + by), vb))

    gateway = Netting().configure(config_of(made, "PT"))
    for counts in (10, 20, -5, 20, 20, 20):
        gateway.poll(counts=counts)
    states = settled(central, gateway.stop())
    assert "differs" in states
    assert ("chain", "R1/vm") in {(row.code, row.subject) for row in central.ask(alarms)}


def test_a_gas_that_changes_is_made_again(central, made, rich):
    """Each record with the gas that its carry and its scans tell; the heating value with it."""
    config = analysed(made, "SGERG-88")
    gas = replace(config, gas=GAS._replace(combustion="25"))
    config = replace(config, gas=gas.gas._replace(superior_j_m3=superior_of(gas, GAS.composition)))
    gateway = rich().configure(config)
    for n in range(20):
        gateway.shares = (LEAN, RICH)[n // 5 % 2]
        gateway.poll()
    states = settled(central, gateway.stop())
    assert set(states) == {"agrees"}
    rows = sorted(central.ask(intervals, "gw-1", "R1"), key=lambda row: row.seq)
    heating = [row.hs_j_m3 for row in rows]
    assert len(set(heating)) == 2
    assert sum(a != b for a, b in pairwise(heating)) == 3
    assert central.ask(alarms) == []
