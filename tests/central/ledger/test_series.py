"""A run over time, decoded from batches."""

import pytest

from central.ledger import series as module
from central.ledger.queries import runs
from central.ledger.series import series
from protocols.evidence.leaf import Log

BILLING, TELEMETRY = Log.BILLING, Log.TELEMETRY
ALL = (0, 10**15)


def settled(central, gateway, cut=None):
    central.register(gateway)
    central.send(gateway, BILLING)
    central.send(gateway, TELEMETRY, cut=cut)
    central.catch_up()


def test_flow_pressure_temperature_and_volume(central, made):
    """50 counts of 0.001 m3 in 2 s are 90 m3/h; gauge becomes absolute, degF becomes degC."""
    gateway = made.Gateway().configure(made.config())
    for _ in range(8):
        gateway.poll(counts=50, p_bar=3.0, t_f=59.0)
    settled(central, gateway.stop())
    found = series(central.store, "gw-1", "R1", *ALL)
    assert found.t_ms == [made.t0_ms + 2000 * n for n in range(1, 9)]
    assert found.flow_m3_h == [None, *[pytest.approx(90.0)] * 7]
    assert found.p_kpa == [pytest.approx(401.325)] * 8
    assert found.t_c == [pytest.approx(15.0)] * 8
    [run] = central.ask(runs)
    assert sum(found.base_m3) == pytest.approx(run.base_cm3 / 1e6, abs=1e-9)
    assert found.base_t_ms[-1] == run.last_interval_end_ms


def test_thinning_keeps_the_volume(central, made):
    """However few points, flow times time is what the index moved between them."""
    gateway = made.Gateway().configure(made.config())
    for count in range(30):
        gateway.poll(counts=count)
    settled(central, gateway.stop(), cut=11)
    every = series(central.store, "gw-1", "R1", *ALL)
    thin = series(central.store, "gw-1", "R1", *ALL, 7)
    assert len(every.t_ms) == 30
    assert len(thin.t_ms) <= 7
    assert thin.t_ms[-1] == every.t_ms[-1]
    volume_m3 = sum(
        flow * (now - before) / 3.6e6
        for flow, before, now in zip(thin.flow_m3_h[1:], thin.t_ms, thin.t_ms[1:], strict=False)
    )
    counts_before_first = (thin.t_ms[0] - every.t_ms[0]) // 2000
    moved = sum(range(counts_before_first + 1, 30))
    assert volume_m3 == pytest.approx(moved / 1000)
    assert sum(thin.base_m3) == pytest.approx(sum(every.base_m3))


def test_a_span_is_open_at_its_beginning(central, polled, made):
    """Only scans and interval ends in (from, to] are given."""
    settled(central, polled, cut=6)
    found = series(central.store, "gw-1", "R2", made.t0_ms + 4000, made.t0_ms + 10_000)
    assert found.t_ms == [made.t0_ms + 6000, made.t0_ms + 8000, made.t0_ms + 10_000]
    assert found.base_t_ms == [made.t0_ms + 10_000]


def test_long_ranges_read_some_batches_only(central, polled, monkeypatch):
    """Beyond the bound every n-th batch is decoded, the newest among them."""
    monkeypatch.setattr(module, "MAX_LEAVES", 30)
    settled(central, polled, cut=6)
    found = series(central.store, "gw-1", "R1", *ALL)
    assert 4 <= len(found.t_ms) <= 6
    assert found.t_ms[-1] == polled.leaves[TELEMETRY][-1].utc_ms


def test_what_is_not_there_is_empty(central, polled):
    """Unknown gateways and runs, and spans without scans, are empty plots."""
    settled(central, polled)
    for gateway, run in (("gw-2", "R1"), ("gw-1", "R9"), ("gw-1", "")):
        assert series(central.store, gateway, run, *ALL) == ([], [], [], [], [], [])
    assert series(central.store, "gw-1", "R1", 0, 1) == ([], [], [], [], [], [])


def test_nothing_is_drawn_where_nothing_is_known(central, made):
    """Bad scans have no flow, stale or missing readings no P and T; a reset is no flow."""
    gateway = made.Gateway().configure(made.config())
    for _ in range(3):
        gateway.poll()
    gateway.poll(p_bar=float("inf"))
    gateway.index["R1"][0] = 5
    gateway.poll(step_ms=2_000)
    gateway.poll(p_bar=float("nan"), step_ms=40_000)
    bad = gateway.leaves[TELEMETRY][8]
    gateway.leaves[TELEMETRY][8] = bad._replace(quality=128, body=(None,) * len(bad.body))
    settled(central, gateway)
    found = series(central.store, "gw-1", "R1", *ALL)
    assert [flow is None for flow in found.flow_m3_h] == [True, False, True, False, True, False]
    assert [p is None for p in found.p_kpa] == [False] * 5 + [True]
    assert None not in found.t_c


def test_nonsense_in_the_log_leaves_gaps_in_the_plot(central, made):
    """A scan that no map explains, or that is no scan of numbers, is left out."""
    gateway = made.Gateway().configure(made.config())
    for _ in range(6):
        gateway.poll()
    scans = gateway.leaves[TELEMETRY]
    scans[5] = scans[5]._replace(reference=b"?" * 32)
    scans[8] = scans[8]._replace(body=("x",))
    scans[11] = scans[11]._replace(utc_ms=None)
    settled(central, gateway)
    found = series(central.store, "gw-1", "R1", *ALL)
    assert len(found.t_ms) == 3
