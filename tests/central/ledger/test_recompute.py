"""Every interval is made again from its scans."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from central.ledger import due, scans
from central.ledger import recompute as module
from central.ledger.batches import BatchReader, Interrupted
from central.ledger.follow import follow
from central.ledger.queries import alarms, intervals, summary
from central.store.ledger_tables import interval, register_map
from protocols.evidence.leaf import Kind, Log
from protocols.metering.carry import Carry, Position
from protocols.metering.gas import Gas
from protocols.metering.instant import Instant
from protocols.metering.run import replay
from protocols.metering.run_config import Role, Total
from protocols.metering.scan import Scan

BILLING, TELEMETRY = Log.BILLING, Log.TELEMETRY


def states(central, run="R1"):
    return [row.recompute for row in central.ask(intervals, "gw-1", run)]


def settled(central, gateway):
    """Everything sent and followed."""
    central.register(gateway)
    for log in (BILLING, TELEMETRY):
        central.send(gateway, log)
    central.catch_up()
    return central


def polled_by(kind, made, config=None, polls=14):
    gateway = kind().configure(config or made.config())
    for _ in range(polls):
        gateway.poll()
    return gateway.stop()


def test_an_interval_waits_for_its_scans(central, polled):
    """Pending without telemetry, and each agrees as soon as its last scan has come."""
    central.register(polled)
    central.send(polled, BILLING)
    central.catch_up()
    rows = central.ask(intervals, "gw-1", "R1")
    assert states(central) == ["pending"] * 5
    with central.store.engine.connect() as conn:
        ends = conn.scalars(
            select(interval.c.telemetry_end).where(interval.c.run == "R1").order_by(interval.c.seq)
        ).all()
    for at, end in enumerate(ends):
        central.send(polled, TELEMETRY, size=end - 1)
        central.catch_up()
        assert states(central) == ["agrees"] * at + ["pending"] * (5 - at)
        central.send(polled, TELEMETRY, size=end)
        central.catch_up()
        assert states(central) == ["agrees"] * (at + 1) + ["pending"] * (4 - at)
    assert len(rows) == 5
    assert central.ask(alarms) == []


def test_telemetry_may_come_first(central, polled):
    """Scans that were there before their interval are found."""
    central.register(polled)
    central.send(polled, TELEMETRY)
    central.catch_up()
    central.send(polled, BILLING)
    central.catch_up()
    assert states(central, "R1") == states(central, "R2") == ["agrees"] * 5


@pytest.mark.parametrize(
    "method", [{"method": "PT"}, {"method": "fixed-K"}, {
        "method": "SGERG-88",
        "gas": Gas("grid", (), hs_j_m3=40_660_000, d_e9=581_000_000, x_co2_e9=6_000_000),
    }]
)  # fmt: skip
def test_every_method_is_recomputed(central, made, method):
    """PT, fixed K and SGERG-88 agree with themselves."""
    settled(central, polled_by(made.Gateway, made, made.config(**method)))
    assert states(central) == ["agrees"] * 5


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("line_main_cm3", 1000),
        ("base_main_cm3", 1),
        ("base_error_cm3", 1),
        ("p_dpa", 1),
        ("t_mk", -1),
        ("z_e9", 1),
        ("c_e9", -1),
        ("flow_time_ms", 1),
        ("elapsed_ms", 1),
        ("polls", 1),
        ("flags", 2048),
    ],
)
def test_one_tampered_figure_differs(central, made, field, change):
    """A signed record with one false figure is an alarm with both; the others still agree."""

    class Lying(made.Gateway):
        def told(self, record):
            if record.telemetry_first != 6:
                return record
            return replace(record, **{field: getattr(record, field) + change})

    settled(central, polled_by(Lying, made))
    assert states(central) == ["agrees", "differs", "agrees", "agrees", "agrees"]
    [row] = central.ask(alarms)
    assert (row.code, row.subject) == ("recompute-differs", "R1")
    assert field in row.detail
    assert "recorded" in row.detail
    assert "recomputed" in row.detail
    assert central.ask(summary)["recompute_differs"] == 1


def test_both_figures_are_told(central, made):
    """The alarm tells what was recorded and what follows from the scans."""

    class Lying(made.Gateway):
        def told(self, record):
            return replace(record, line_main_cm3=77) if record.telemetry_first == 6 else record

    settled(central, polled_by(Lying, made))
    assert central.ask(alarms)[0].detail == "line_main_cm3: recorded 77, recomputed 150000"


def test_an_opening_that_was_not_handed_over_differs(central, made):
    """A record that agrees with its own false opening still contradicts the one before it."""

    class Lying(made.Gateway):
        def _take(self, run, done):
            state = done.state
            if done.records and done.records[0].telemetry_first == 6:
                carry = state.now._replace(main_remainder=(state.now.main_remainder + 5) % 10**9)
                done = done._replace(state=state.opened(carry))
            super()._take(run, done)

    settled(central, polled_by(Lying, made))
    assert states(central) == ["agrees", "agrees", "differs", "agrees", "agrees"]
    assert central.ask(alarms)[0].detail.startswith("carry: recorded")


def test_a_gap_over_many_intervals_agrees_part_by_part(central, made):
    """Every part of a split gap is recomputed and chained."""
    gateway = made.Gateway().configure(made.config())
    for _ in range(5):
        gateway.poll()
    gateway.poll(step_ms=60_000, counts=900)
    for _ in range(5):
        gateway.poll()
    settled(central, gateway.stop())
    assert len(states(central)) > 10
    assert set(states(central)) == {"agrees"}
    assert central.ask(alarms) == []
    assert central.ask(summary)["law_holds"]


def test_the_scans_of_a_gap_are_read_once_for_all_its_parts(central, made, monkeypatch):
    """Days of a silent meter beside living transmitters must not stop the ledger for hours."""
    gateway = made.Gateway().configure(made.config())
    for _ in range(5):
        gateway.poll()
    gateway.poll(step_ms=600_000, counts=900)
    gateway.poll().stop()
    made_again = []

    def counted(*arguments):
        made_again.append(arguments[1:3])
        return replay(*arguments)

    replay = module.replay
    monkeypatch.setattr(module, "replay", counted)
    settled(central, gateway)
    assert len(states(central)) > 100
    assert set(states(central)) == {"agrees"}
    assert len(made_again) <= len(set(made_again)) + len(states(central)) // due.AT_ONCE + 1


def test_a_meter_that_was_replaced_begins_anew(central, made):
    """A new configuration with another meter opens a new segment, and nothing is an alarm."""
    gateway = polled_by(made.Gateway, made)
    old = gateway.states["R1"]
    gateway.configure(made.config(meter_serial="meter-new"))
    gateway.states["R1"] = type(old).new(old.next_segment)
    gateway.index["R1"] = [7, 9]
    for _ in range(8):
        gateway.poll()
    settled(central, gateway.stop())
    assert set(states(central)) == {"agrees"}
    assert central.ask(alarms) == []


def test_a_changed_configuration_is_used_from_its_leaf_on(central, made):
    """Intervals before and after a change agree, each by its own configuration."""
    gateway = polled_by(made.Gateway, made)
    state = gateway.states["R1"]
    gateway.configure(made.config(method="PT"))
    gateway.states["R1"] = state
    for _ in range(8):
        gateway.poll()
    settled(central, gateway.stop())
    assert set(states(central)) == {"agrees"}
    assert central.ask(alarms) == []


def test_a_run_that_comes_back_begins_with_the_scans_that_follow(central, made):
    """With the configuration that it had, told again: what was polled meanwhile is left out."""
    gateway = polled_by(made.Gateway, made)
    away = gateway.configs.pop("R1")
    gateway.configs["R2"] = made.config("R2", meter_serial=away.meter_serial)
    gateway.configure(gateway.configs["R2"])
    gateway.poll()
    del gateway.configs["R2"]
    state = gateway.states["R1"]
    gateway.configure(away)
    carry = state.now._replace(next_seq=len(gateway.leaves[TELEMETRY]))
    gateway.states["R1"] = state.opened(carry)
    for _ in range(8):
        gateway.poll()
    settled(central, gateway.stop())
    assert set(states(central)) == {"agrees"}
    assert central.ask(alarms) == []


def test_what_came_later_in_the_log_does_not_count(central, made):
    """A register map or configuration that follows the interval cannot explain it."""
    gateway = polled_by(made.Gateway, made)
    maps = [leaf for leaf in gateway.leaves[BILLING] if leaf.kind is Kind.REGISTER_MAP]
    told = [leaf for leaf in gateway.leaves[BILLING] if leaf.kind is not Kind.REGISTER_MAP]
    gateway.leaves[BILLING] = []
    for leaf in (*told, *maps):
        gateway.add(leaf.kind, leaf.subject, leaf.reference, leaf.body)
    settled(central, gateway)
    assert set(states(central)) == {"differs"}
    with central.store.engine.connect() as conn:
        assert len(conn.execute(select(register_map)).all()) == 3
    assert "register map" in central.ask(alarms)[0].detail


def test_a_configuration_that_follows_is_none(central, made):
    """An interval before its configuration in the log is not explained by it."""
    gateway = polled_by(made.Gateway, made)
    told = gateway.leaves[BILLING]
    gateway.leaves[BILLING] = []
    for leaf in sorted(told, key=lambda leaf: leaf.kind is Kind.CONFIGURATION):
        gateway.add(leaf.kind, leaf.subject, leaf.reference, leaf.body)
    settled(central, gateway)
    assert set(states(central)) == {"differs"}
    assert {row.code for row in central.ask(alarms)} == {
        "configuration-unknown",
        "recompute-differs",
    }


@pytest.mark.parametrize("order", [(BILLING, TELEMETRY), (TELEMETRY, BILLING)])
def test_an_alarm_is_as_old_as_what_it_needed(central, made, order):
    """A difference is dated by the later of the two batches that show it, not by the ledger."""

    class Lying(made.Gateway):
        def told(self, record):
            return replace(record, polls=99) if record.telemetry_first == 6 else record

    gateway = polled_by(Lying, made)
    central.register(gateway)
    for log in order:
        central.send(gateway, log)
        central.now_ms += 10_000
    central.now_ms += 90_000
    central.catch_up()
    [row] = central.ask(alarms)
    assert row.at_ms == made.t0_ms + 12_000


def test_a_scan_that_does_not_fit_its_map_differs(central, made):
    """Telemetry that cannot be decoded makes its interval differ, and no more."""
    gateway = made.Gateway().configure(made.config())
    for _ in range(8):
        gateway.poll()
    gateway.stop()
    leaf = gateway.leaves[TELEMETRY][8]
    gateway.leaves[TELEMETRY][8] = leaf._replace(body=("nonsense",))
    settled(central, gateway)
    assert states(central) == ["agrees", "differs", "agrees"]


def test_an_algorithm_of_the_future_is_told(central, made):
    """A record by rules that are not known here cannot be confirmed."""

    class Newer(made.Gateway):
        def told(self, record):
            return replace(record, algorithm=99)

    settled(central, polled_by(Newer, made))
    assert set(states(central)) == {"differs"}
    assert "algorithm" in central.ask(alarms)[0].detail


def test_a_range_without_end_stays_pending_and_costs_nothing(central, made):
    """A record that names scans which never come waits; others go on."""

    class Greedy(made.Gateway):
        def told(self, record):
            return replace(record, telemetry_end=2**62) if record.telemetry_first == 6 else record

    settled(central, polled_by(Greedy, made))
    assert states(central).count("pending") == 1
    assert states(central)[0] == "agrees"


@pytest.mark.parametrize("bound", [(module, "MAX_LEAVES"), (scans, "MAX_SCANS")])
def test_a_range_that_is_too_long_is_told(central, polled, monkeypatch, bound):
    """More scans than a recompute may hold are an alarm, not a full memory."""
    monkeypatch.setattr(*bound, 3)
    settled(central, polled)
    assert "differs" in states(central)
    assert "more than 3" in central.ask(alarms)[0].detail


def test_a_stop_interrupts_it(central, polled):
    """Told to stop, the ledger leaves the interval pending, and goes on later."""
    central.register(polled)
    for log in (BILLING, TELEMETRY):
        central.send(polled, log)
    central.catch_up()
    with central.store.writer.begin() as conn:
        conn.execute(interval.update().values(recompute="pending", carry_after=None))
    with pytest.raises(Interrupted):
        follow(central.store, BatchReader(central.store, lambda: True))
    assert set(states(central)) == {"pending"}
    central.catch_up()
    assert set(states(central)) == {"agrees"}


def test_long_names_in_the_carry_do_not_end_the_ledger(central, made):
    """What a recompute stored is read again, as long as names may make it."""
    names = ["vm", *("€" * 250 + f"{number}" for number in range(15))]
    totals = tuple(
        Total(name, Role.LINE if name == "vm" else Role.LINE_ERROR, 10**9) for name in names
    )
    config = made.config(totals=totals)
    gateway = made.Gateway().configure(config)
    positions = tuple(Position(name, 0, 5) for name in names)
    carry = Carry(0, 0, Instant(1, 0, made.t0_ms, 2), positions)
    for count in (1, 2):
        unread = (None,) * len(made.maps["meter"].points)
        instant = Instant(1, 2000 * count, made.t0_ms + 2000 * count, 2)
        gateway.now_ms = instant.mono_ms
        seq = gateway.add(
            Kind.SCAN, config.meter_serial, made.maps["meter"].hash(), unread, quality=128
        )
        scan = Scan(seq, config.meter_serial, instant, 128, {})
        (record,), carry = replay(config, carry, seq + 1, [scan])
        gateway.add(Kind.INTERVAL, "R1", config.hash(), record.to_body())
    settled(central, gateway)
    assert states(central) == ["agrees", "agrees"]


def test_a_gateway_that_gives_much_work_holds_up_itself_alone(central, made, monkeypatch):
    """In one turn each gateway has its share, whatever stands before it in the alphabet."""
    monkeypatch.setattr(due, "SCANS_AT_ONCE", 20)
    busy, quiet = (made.Gateway(name).configure(made.config()) for name in ("gw-1", "gw-2"))
    for gateway, polls in ((busy, 60), (quiet, 5)):
        for _ in range(polls):
            gateway.poll()
        gateway.stop()
        central.register(gateway)
        for log in (BILLING, TELEMETRY):
            central.send(gateway, log)
    follow(central.store, central.reader)
    assert states(central).count("agrees") == 2  # of 9 scans each
    assert "pending" not in [row.recompute for row in central.ask(intervals, "gw-2", "R1")]
    central.catch_up()
    assert set(states(central)) == {"agrees"}


def test_scans_that_a_record_has_are_not_made_again_for_the_next(central, made, monkeypatch):
    """A record that takes the scans of the one before it is wrong whatever they make."""

    class Repeating(made.Gateway):
        def told(self, record):
            if record.telemetry_first < 9:
                return record
            carry = record.carry._replace(next_seq=record.telemetry_first - 3)
            return replace(record, carry=carry)

    ranges = []
    scans_of = module.scans_of

    def counted(sources, due, record, config):
        ranges.append((record.telemetry_first, record.telemetry_end))
        return scans_of(sources, due, record, config)

    monkeypatch.setattr(module, "scans_of", counted)
    gateway = polled_by(Repeating, made)
    settled(central, gateway)
    repeated = states(central).count("differs")
    assert repeated == len(states(central)) - 1 - (states(central)[1] == "agrees")
    assert len(ranges) == len(states(central)) - repeated
    assert "scans are in records before" in central.ask(alarms, "gw-1")[0].detail
