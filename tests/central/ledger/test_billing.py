"""Billing leaves into rows."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from central.ledger import billing as module
from central.ledger.batches import Batch
from central.ledger.billing import apply_billing
from central.ledger.queries import alarms, events, intervals, law, regulators, runs, summary
from central.store.ledger_tables import alarm, configuration, interval, register_map
from protocols.evidence.leaf import Kind, Log

BILLING, TELEMETRY = Log.BILLING, Log.TELEMETRY


def followed(central, gateway):
    central.register(gateway)
    central.send(gateway, BILLING)
    central.catch_up()
    return central


def codes(central):
    return [(row.code, row.subject) for row in central.ask(alarms)]


def test_configurations_and_maps_are_kept_by_hash(central, polled, made):
    """The run shows its latest configuration; a map that comes twice is kept once."""
    changed = made.config("R1", method="PT", qmax_l_h=400_000)
    polled.configure(changed)
    followed(central, polled)
    [first, second] = central.ask(runs)
    assert (first.run, first.method, first.qmax_l_h) == ("R1", "PT", 400_000)
    assert (second.run, second.method, second.site) == ("R2", "fixed-K", "Boiler house 3")
    with central.store.engine.connect() as conn:
        assert conn.scalar(select(func.count()).select_from(register_map)) == 3
        assert conn.scalar(select(func.count()).select_from(configuration)) == 5
    assert [row.regulator for row in central.ask(regulators)] == ["PR-R1"]
    assert central.ask(alarms) == []


def test_events_are_kept_as_they_were_told(central, made):
    """Old and new keep their type, whether number, text or nothing; clock leaves are events too."""
    gateway = made.Gateway().configure(made.config())
    gateway.add(Kind.EVENT, "R1", bytes(32), ("index_jump", 2**64 - 1, "x", "Wang 王", "d"))
    gateway.add(Kind.EVENT, "R1", bytes(32), ("gap", None, -3, "", ""))
    gateway.add(Kind.CLOCK, "", bytes(32), (1, b"\xff", None, ("a",)))
    followed(central, gateway)
    clock, gap, jump = central.ask(events)
    assert jump[3:9] == ("index_jump", "R1", 2**64 - 1, "x", "Wang 王", "d")
    assert (gap.code, gap.old, gap.new) == ("gap", None, -3)
    assert clock.code == "clock"
    assert json.loads(clock.detail) == [1, "ff", None, ["a"]]
    assert central.ask(events, "gw-2") == []
    assert len(central.ask(events, "gw-1", 2)) == 2


def test_a_dropped_interval_breaks_the_chain(central, made):
    """A record that never came is an alarm for the range of scans and for each total."""

    class Forgetful(made.Gateway):
        def told(self, record):
            return None if record.telemetry_first == 6 else record

    gateway = Forgetful().configure(made.config())
    for _ in range(14):
        gateway.poll()
    gateway.stop()
    followed(central, gateway)
    assert sorted(codes(central)) == [("chain", "R1"), ("chain", "R1/vb"), ("chain", "R1/vm")]
    assert not central.ask(summary)["law_holds"]
    assert {row.gaps for row in central.ask(law)} == {1}


def test_an_index_that_moved_unbooked_breaks_the_law(central, made):
    """A record that books less than its indexes moved is an alarm, and the law does not hold."""

    class Skimming(made.Gateway):
        def told(self, record):
            if record.telemetry_first < 6:
                return record
            vm, vb = record.totals
            return replace(record, totals=(vm._replace(main=vm.main - 1), vb))

    gateway = Skimming().configure(made.config())
    for _ in range(8):
        gateway.poll()
    followed(central, gateway.stop())
    assert set(codes(central)) == {("chain", "R1/vm")}
    assert "booked" in central.ask(alarms)[0].detail
    assert {(row.point, row.holds) for row in central.ask(law)} == {("vm", False), ("vb", True)}


def test_a_total_of_64_bits_is_told_and_the_ledger_goes_on(central, made):
    """What a total moved is worked out of two of its figures: it must fit the store as they do."""
    most = 2**63 - 1

    class Absurd(made.Gateway):
        def told(self, record):
            figures = {"quarantined": most, "end": 2, "reverse": 0}
            return replace(record, totals=tuple(t._replace(**figures) for t in record.totals))

    absurd, good = Absurd("gw-1"), made.Gateway("gw-2")
    for gateway in (absurd, good):
        central.register(gateway)
        gateway.configure(made.config("R1"))
        for _ in range(5):
            gateway.poll()
        gateway.stop()
        for log in Log:
            central.send(gateway, log)
    central.catch_up()
    assert "counts" in central.ask(alarms, "gw-1")[0].detail
    assert central.ask(alarms, "gw-2") == []
    assert [row.recompute for row in central.ask(intervals, "gw-2", "R1")] == ["agrees"] * 2


def test_an_interval_without_its_configuration_is_kept_and_told(central, made):
    """The record is stored, the run appears, and an alarm says what is missing."""
    gateway = made.Gateway().configure(made.config())
    gateway.leaves[BILLING].clear()
    for _ in range(5):
        gateway.poll()
    gateway.stop()
    followed(central, gateway)
    assert set(codes(central)) == {("configuration-unknown", "R1")}
    [run] = central.ask(runs)
    assert (run.run, run.meter_serial, run.intervals) == ("R1", "", 2)
    assert len(central.ask(intervals, "gw-1", "R1")) == 2


@pytest.mark.parametrize(
    ("kind", "subject", "body"),
    [
        (Kind.INTERVAL, "R1", ()),
        (Kind.CONFIGURATION, "R1", ("R1",)),
        (Kind.CONFIGURATION, "", ("gateway", "n", "z", 24, 0, (), ())),
        (Kind.CONFIGURATION, "", ("gateway", "n", "z", 8, 0, (), (("a", "b", "c", 1),) * 2)),
        (Kind.CONFIGURATION, "", ("other", "n", "z", 8, 0, (), ())),
        (Kind.REGISTER_MAP, "m", (0, "keller-33x", ())),
        (Kind.EVENT, "R1", ("code", b"bytes", None, "", "")),
        (Kind.EVENT, "R1", ("code", None, None, "", "d" * 2000)),
    ],
)
def test_a_malformed_body_is_an_alarm_and_no_more(central, made, kind, subject, body):
    """The ledger tells it and goes on with the next leaf."""
    gateway = made.Gateway().configure(made.config())
    gateway.add(kind, subject, b"\5" * 32, body)
    gateway.add(Kind.EVENT, "R1", bytes(32), ("after", None, None, "", ""))
    followed(central, gateway)
    assert codes(central) == [("malformed", subject)]
    assert [row.code for row in central.ask(events)] == ["after"]


def test_a_leaf_must_name_what_its_body_holds(central, made):
    """Subject and reference that contradict the body make it malformed."""
    gateway = made.Gateway()
    config, keller = made.config(), made.maps["p"]
    gateway.add(Kind.CONFIGURATION, "R2", config.hash(), config.to_body())
    gateway.add(Kind.CONFIGURATION, "R1", bytes(32), config.to_body())
    gateway.add(Kind.REGISTER_MAP, "p", bytes(32), keller.to_body())
    followed(central, gateway)
    assert len(codes(central)) == 3
    assert central.ask(runs) == []


def test_nonsense_without_end_cannot_fill_the_disk(central, made, monkeypatch):
    """Alarms of malformed bodies stop at a bound, and the last one says so; others still come."""
    monkeypatch.setattr(module, "MAX_MALFORMED", 5)
    gateway = made.Gateway()
    for _ in range(20):
        gateway.add(Kind.EVENT, "R1", bytes(32), ())
    central.register(gateway)
    central.send(gateway, BILLING, cut=3)
    central.catch_up()
    told = central.ask(alarms)
    assert len(told) == 5
    assert "not listed" in told[0].detail
    assert "not listed" not in told[1].detail


ITEMS = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**64 - 1),
    st.integers(-2, 200),
    st.text(max_size=5),
    st.binary(max_size=3),
    st.sampled_from([b"", bytes(32), 2**63, 2**63 - 1, 2**53, "vm", "line", ()]),
)
BODIES = st.recursive(ITEMS, lambda inner: st.lists(inner, max_size=4).map(tuple), max_leaves=12)


@st.composite
def damaged(draw, body):
    """The body with one item, at any depth, replaced, doubled or gone."""
    if not body:
        return (draw(BODIES),)
    at = draw(st.integers(0, len(body) - 1))
    item = body[at]
    if isinstance(item, tuple) and item and draw(st.booleans()):
        return (*body[:at], draw(damaged(item)), *body[at + 1 :])
    new = draw(st.sampled_from([(), (item, item), (draw(BODIES),)]))
    return (*body[:at], *new, *body[at + 1 :])


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_stops_the_ledger_or_the_pages(central, polled, data):
    """Whatever an authentic gateway puts into a body, every leaf is taken and every page reads."""
    leaves = polled.leaves[BILLING]
    at = data.draw(st.integers(0, len(leaves) - 1))
    leaf = leaves[at]
    body = data.draw(st.one_of(damaged(leaf.body), st.lists(BODIES, max_size=8).map(tuple)))
    told = [*leaves[:at], leaf._replace(body=body), *leaves[at + 1 :]]
    with central.store.writer.connect() as conn:
        apply_billing(conn, polled.origin(BILLING), Batch(0, len(told), 5, told), central.reader)
        for query in (runs, regulators, events, alarms, law, summary):
            query(conn)
        intervals(conn, "gw-1", "R1")
        taken = conn.scalar(select(func.count()).select_from(interval))
        listed = conn.scalar(select(func.count()).select_from(alarm))
    assert taken in (9, 10)
    assert body == leaf.body or taken == 10 or listed
