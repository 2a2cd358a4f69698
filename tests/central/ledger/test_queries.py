"""What pages, the API and the demo read."""

from dataclasses import replace
from itertools import pairwise

import pytest

from central.ledger.queries import (
    alarms,
    gateways,
    intervals,
    law,
    regulators,
    runs,
    summary,
)
from protocols.evidence.leaf import Kind, Log
from tests.protocols.metering.regulators import regulator

BILLING, TELEMETRY = Log.BILLING, Log.TELEMETRY


def settled(central, *of_gateways):
    for gateway in of_gateways:
        central.register(gateway)
        for log in (BILLING, TELEMETRY):
            central.send(gateway, log)
    central.catch_up()


def polled_by(gateway, *configs, polls=8):
    gateway.configure(*configs)
    for _ in range(polls):
        gateway.poll()
    return gateway.stop()


def test_an_empty_store_reads(central):
    """With nothing there every query answers with nothing."""
    for query in (gateways, runs, regulators, alarms, law):
        assert central.ask(query) == []
    told = central.ask(summary)
    assert told["law_holds"] is True
    assert (told["runs"], told["leaves"], told["upload_bytes"], told["values"]) == (0, 0, 0, 0)


def test_a_gateway_that_never_came_is_listed(central, made):
    """A registered gateway without uploads has never been seen."""
    central.register(made.Gateway("gw-9"))
    [row] = central.ask(gateways)
    assert (row.gateway, row.last_seen_ms, row.billing_size, row.stopped_reason) == (
        "gw-9", None, 0, None,
    )  # fmt: skip


def test_gateways_show_what_central_has_of_them(central, made):
    """Sizes of both logs, when they were last heard of, and the clock of the last leaf."""
    one = polled_by(made.Gateway("gw-1"), made.config())
    two = polled_by(made.Gateway("gw-2"), made.config())
    settled(central, one, two)
    first, second = central.ask(gateways)
    assert first.billing_size == len(one.leaves[BILLING])
    assert first.telemetry_size == len(one.leaves[TELEMETRY])
    assert first.last_leaf_utc_ms == made.t0_ms + one.now_ms
    assert first.clock_state == 2
    assert second.last_seen_ms == central.now_ms > first.last_seen_ms


def test_run_sums_are_its_intervals(central, polled):
    """A run's volumes are those of its intervals, and the indexes' movement."""
    settled(central, polled)
    for row in central.ask(runs):
        of_run = central.ask(intervals, "gw-1", row.run)
        assert row.intervals == len(of_run) == 5
        assert row.line_cm3 == sum(one.line_main_cm3 + one.line_error_cm3 for one in of_run)
        assert row.base_cm3 == sum(one.base_main_cm3 + one.base_error_cm3 for one in of_run)
        assert row.line_cm3 == (of_run[-1].index_end - of_run[0].index_start) * 1000
        assert row.last_interval_end_ms == of_run[-1].end_utc_ms
    told = central.ask(summary)
    assert told["line_cm3"] == {f"gw-1/{row.run}": row.line_cm3 for row in central.ask(runs)}
    assert (told["intervals"], told["recomputed"], told["receipts"]) == (10, 10, 2)
    assert told["leaves"] == told["ledger_leaves"] == sum(map(len, polled.leaves.values()))


def test_intervals_by_time_and_number(central, polled):
    """From is exclusive, to inclusive; of too many the latest come, oldest first."""
    settled(central, polled)
    every = central.ask(intervals, "gw-1", "R1")
    ends = [row.end_utc_ms for row in every]
    assert ends == sorted(ends)
    assert central.ask(intervals, "gw-1", "R1", ends[0], ends[2]) == every[1:3]
    assert central.ask(intervals, "gw-1", "R1", None, None, 2) == every[-2:]
    assert central.ask(intervals, "gw-1", "R3") == central.ask(intervals, "gw-2", "R1") == []
    for before, after in pairwise(every):
        assert before.index_end == after.index_start


def test_intervals_without_utc_are_listed_without_a_time(central, made):
    """Where the clock was never set an interval has no place in time, but is there."""

    class Clockless(made.Gateway):
        def told(self, record):
            end = record.end._replace(utc_ms=None)
            return replace(record, end=end)

    gateway = Clockless()
    gateway.clock = (None, 0)
    settled(central, polled_by(gateway, made.config()))
    assert len(central.ask(intervals, "gw-1", "R1")) == 3
    assert central.ask(intervals, "gw-1", "R1", 0) == []
    [row] = central.ask(runs)
    assert row.last_interval_end_ms is None


def test_the_law_over_a_rollover(central, made):
    """An index that passes its modulus moved by what it moved."""
    gateway = made.Gateway().configure(made.config())
    gateway.index["R1"] = [10**9 - 120, 10**9 - 77]
    for _ in range(8):
        gateway.poll()
    settled(central, gateway.stop())
    rows = {row.point: row for row in central.ask(law)}
    assert rows["vm"].index_end < rows["vm"].index_start
    assert rows["vm"].moved_counts == rows["vm"].main_counts == 7 * 50
    assert all(row.holds for row in rows.values())


def test_the_law_over_segments(central, made):
    """A reset opens a new segment with its own start; each holds by itself."""
    gateway = made.Gateway().configure(made.config())
    for _ in range(5):
        gateway.poll()
    gateway.index["R1"][0] = 11
    for _ in range(5):
        gateway.poll()
    settled(central, gateway.stop())
    old, new = [row for row in central.ask(law) if row.point == "vm"]
    assert (old.segment, new.segment) == (0, 1)
    assert (new.index_start, new.moved_counts) == (61, 4 * 50)
    assert old.moved_counts == 4 * 50
    assert old.holds
    assert new.holds
    assert central.ask(alarms) == []


def test_a_quarantined_jump_is_in_the_law(central, made):
    """What was not believed is booked as quarantined, and nothing is missing."""
    gateway = made.Gateway().configure(made.config())
    for _ in range(5):
        gateway.poll()
    gateway.index["R1"][0] += 10_000_000
    for _ in range(5):
        gateway.poll()
    settled(central, gateway.stop())
    [row] = [row for row in central.ask(law) if row.point == "vm"]
    assert row.quarantined_counts == 10_000_050
    assert row.moved_counts == row.main_counts + row.quarantined_counts
    assert row.holds


def test_absurd_volumes_take_no_page_away(central, made):
    """Sums beyond 64 bits are exact; one gateway's nonsense does not hide the others."""

    class Absurd(made.Gateway):
        def told(self, record):
            return replace(record, line_main_cm3=2**63 - 1, base_main_cm3=2**63 - 1)

    settled(
        central,
        polled_by(Absurd(), made.config()),
        polled_by(made.Gateway("gw-2"), made.config()),
    )
    absurd, honest = central.ask(runs)
    assert absurd.line_cm3 == absurd.intervals * (2**63 - 1)
    assert absurd.recompute_differs == absurd.intervals
    assert honest.line_cm3 == 7 * 50 * 1000
    assert central.ask(summary)["line_cm3"]["gw-1/R1"] == absurd.line_cm3


@pytest.mark.parametrize(
    ("p_bar", "expected"), [(3.0, 3_000_000), (0.5, 500_000), (float("nan"), None)]
)
def test_a_regulators_outlet_pressure(central, made, p_bar, expected):
    """Gauge pressure at the last scan; what the transmitter cannot tell is nothing."""
    gateway = made.Gateway().configure(made.config())
    gateway.poll()
    gateway.poll(p_bar=p_bar)
    settled(central, gateway)
    [row] = central.ask(regulators)
    assert (row.regulator, row.serial, row.p_dpa_gauge) == ("PR-R1", "p-R1", expected)
    assert (row.quality, row.utc_ms) == (0, made.t0_ms + gateway.now_ms)


def test_an_absolute_transmitter_loses_the_atmosphere(central, made):
    """An absolute outlet pressure is shown as gauge; a transmitter never scanned as bad."""
    gateway = made.Gateway().configure(made.config())
    site = ("gateway", "S", "Asia/Shanghai", 8, 1_013_250, "", (), ())
    regulator_rows = (
        regulator("A", "p-R1", "p1_f32", gauge=False).to_body(),
        regulator("B", "nowhere", "p1_f32").to_body(),
    )
    gateway.add(Kind.CONFIGURATION, "", b"\2" * 32, (*site, regulator_rows))
    gateway.poll()
    settled(central, gateway)
    absolute, missing = central.ask(regulators)
    assert absolute.p_dpa_gauge == 3_000_000 - 1_013_250
    assert (absolute.set_dpa_gauge, absolute.low_dpa_gauge) == (200_000, 140_000)
    assert (missing.p_dpa_gauge, missing.quality, missing.utc_ms) == (None, 128, None)


def test_alarms_come_newest_first_with_forks(central, made, polled):
    """The ledger's alarms and the intake's are one list, which may be asked by gateway."""
    central.register(polled)
    central.send(polled, TELEMETRY)
    other = made.Gateway("gw-2")
    other.add(Kind.EVENT, "R1", bytes(32), ())
    settled(central, other)
    central.now_ms += 5000
    forked = made.Gateway().configure(made.config("R1"), made.config("R2"))
    for _ in range(14):
        forked.poll(counts=1)
    central.intake.receive(forked.upload(TELEMETRY, 0))
    fork, malformed = central.ask(alarms)
    assert (fork.gateway, fork.code, fork.subject, fork.seq) == (
        "gw-1", "equivocation", "telemetry", 84,
    )  # fmt: skip
    assert (malformed.gateway, malformed.code) == ("gw-2", "malformed")
    assert central.ask(alarms, "gw-2") == [malformed]
    assert central.ask(alarms, None, 1) == [fork]
    counts = {row.gateway: (row.alarms, bool(row.stopped_reason)) for row in central.ask(gateways)}
    assert counts == {"gw-1": (1, True), "gw-2": (1, False)}
