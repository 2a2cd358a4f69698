"""The pipeline by example: one fact a test."""

from itertools import pairwise

import pytest

from protocols.metering.instant import ClockState
from protocols.metering.quality import Flag, Quality
from protocols.metering.run import Agrees, RunState, close, recompute, step
from tests.protocols.metering.site import (
    MINUTE,
    START_UTC_MS,
    Site,
    check_chain,
    config,
    sums,
)


def flowing(site: Site, until: int, step_ms: int = 10_000, counts: int = 500) -> Site:
    """P, T and meter every `step_ms`, `counts` each time, until the index `until`."""
    index = site.state.now.positions[0].index_counts if site.state.now.positions else None
    index = site.measured().meter(0).state.now.positions[0].index_counts if index is None else index
    while index < until:
        index += counts
        site.wait(step_ms).measured().meter(index % 10**6)
    return site


def test_interval_is_one_record_of_what_the_index_moved() -> None:
    """Five minutes of flow give one record with the index at both ends and its volume in main."""
    site = flowing(Site(), 15_000)
    [record] = site.records
    assert (record.start.utc_ms, record.end.utc_ms) == (START_UTC_MS, START_UTC_MS + 5 * MINUTE)
    vm = record.totals[0]
    assert (vm.start, vm.end, vm.main, vm.error, vm.quarantined) == (0, 15_000, 15_000, 0, 0)
    assert (record.line_main_cm3, record.line_error_cm3) == (15_000_000, 0)
    assert (record.elapsed_ms, record.flow_time_ms, record.polls) == (300_000, 300_000, 30)
    assert (record.p_dpa, record.t_mk, record.flags) == (5_013_250, 288_150, 0)
    assert record.base_main_cm3 == 15_000_000 * record.c_e9 // 10**9
    assert 5.0 < record.c_e9 / 1e9 < 5.2
    check_chain(site)


def test_nothing_is_recorded_before_the_first_index() -> None:
    """Scans before the first good meter scan open no interval; a close then records nothing."""
    site = Site().measured().failed().close()
    assert site.records == []
    assert site.state.tally is None


def test_other_devices_change_nothing() -> None:
    """A scan of a device that is not of this run leaves the state as it was."""
    site = Site().measured().meter(5)
    before = site.state
    assert site.scan("M2", {"vm": (7, "Cnt")}).state == before


def test_interval_ends_with_the_first_good_scan_at_or_after_its_boundary() -> None:
    """A failed poll at the boundary does not end the interval; the next good one does."""
    site = Site().measured().meter(0)
    site.wait(5 * MINUTE - 10).measured().meter(100)
    assert site.records == []
    site.wait(10).failed()
    assert site.records == []
    site.wait(1000).meter(200)
    assert site.last().totals[0].end == 200
    assert site.last().polls_failed == 1
    assert site.last().flags & Flag.POLLS_FAILED
    check_chain(site)


def test_interval_without_utc_ends_by_monotonic_time() -> None:
    """With no UTC an interval lasts interval_ms of monotonic time, and is flagged."""
    site = flowing(Site().clock(ClockState.UNKNOWN), 15_000)
    assert [(r.elapsed_ms, r.start.utc_ms, r.end.utc_ms) for r in site.records] == [
        (300_000, None, None)
    ]
    assert site.last().flags == Flag.CLOCK_UNSYNCHRONISED
    check_chain(site)


def test_rollover_is_an_increment() -> None:
    """An index that wraps to 0 goes on counting."""
    site = Site().measured().meter(999_900).wait(10_000).measured().meter(100).close()
    assert sums(site.records) == (200, 0, 0)
    assert site.last().totals[0][:4] == ("vm", 0, 999_900, 100)
    assert site.codes() == []


def test_jump_is_quarantined() -> None:
    """An index that goes forward faster than 1.2 Qmax is quarantined, with both indexes told."""
    site = Site().measured().meter(0).wait(3600).measured().meter(1202).close()
    assert sums(site.records) == (0, 0, 1202)
    assert site.last().line_main_cm3 == site.last().line_error_cm3 == 0
    assert site.codes() == [("index_jump", 0, 1202)]
    assert site.last().flags & Flag.INDEX_JUMP
    check_chain(site)


@pytest.mark.parametrize(
    ("counts", "codes"),
    [(1001, []), (1002, ["flow_above_qmax"]), (1201, ["flow_above_qmax"])],
)
def test_flow_above_qmax_is_counted_and_told(counts: int, codes: list[str]) -> None:
    """Between Qmax and 1.2 Qmax, plus one count, gas counts and the record and an event say so."""
    site = Site().measured().meter(0).wait(3600).measured().meter(counts).close()
    assert sums(site.records) == (counts, 0, 0)
    assert [event.code for event in site.events] == codes
    assert bool(site.last().flags & Flag.OVER_QMAX) is bool(codes)


def test_backward_index_opens_a_segment() -> None:
    """A reset opens a new segment at the new index; nothing is invented for what nobody saw."""
    site = Site().measured().meter(5000).wait(10_000).measured().meter(7).wait(10_000).measured()
    site.meter(17).close()
    vm = [total for total in site.last().totals if total.point == "vm"]
    assert [total[1:] for total in vm] == [
        (0, 5000, 5000, 0, 0, 0, 0), (1, 7, 17, 10, 0, 0, 0),
    ]  # fmt: skip
    assert site.codes() == [("new_segment", 5000, 7)]
    assert site.last().flags & Flag.NEW_SEGMENT
    assert site.state.next_segment == 2
    check_chain(site)


def test_resetting_index_cannot_grow_a_record() -> None:
    """An index that resets at every poll closes intervals early instead of filling one."""
    site = Site().measured().meter(500_000)
    for n in range(200):
        site.wait(1000).measured().meter(499_000 - 1000 * n)
    assert len(site.records) == 3
    assert max(len(record.totals) for record in site.records) <= 64 + 4
    check_chain(site)


def test_unread_conditions_stay() -> None:
    """A scan that is not evaluated to the end neither ends nor repeats the alarms that were on."""
    site = Site().meter(0).wait(1000).meter(10).wait(1000).meter(10, exponent=0).wait(1000)
    site.meter(20).wait(1000).measured().meter(30)
    substituted = ["pressure_substituted", "temperature_substituted"]
    assert [code for code, _old, new in site.codes() if new == "on"] == [
        *substituted, "configuration_mismatch",
    ]  # fmt: skip
    assert [code for code, _old, new in site.codes() if new == "off"] == [
        "configuration_mismatch", *substituted,
    ]  # fmt: skip


def test_other_totals_are_judged_by_half_a_turn() -> None:
    """Device base and error totals move by up to half their register; beyond, a segment begins."""
    site = Site().measured().meter(0, vb=100).wait(10_000).measured().meter(0, vb=500_100)
    site.wait(10_000).measured().meter(0, vb=0).close()
    assert sums(site.records, "vb") == (500_000 + 499_900, 0, 0)
    site.wait(10_000).measured().meter(0, vb=500_001).close()
    assert [total.segment for total in site.last().totals if total.point == "vb"] == [0, 1]
    check_chain(site)


def test_device_error_volume_goes_to_error() -> None:
    """What the meter counts into its own error totals is error volume of the run."""
    site = Site().measured().meter(0).wait(10_000).measured().meter(3, vm_err=2, vb_err=9).close()
    assert sums(site.records, "vm_err") == (0, 2, 0)
    assert sums(site.records, "vb_err") == (0, 9, 0)
    assert (site.last().line_main_cm3, site.last().line_error_cm3) == (3000, 2000)
    assert site.last().base_error_cm3 > 10_000


def test_missing_value_of_another_total_waits() -> None:
    """A total without a value keeps its index until it has one; the line goes on."""
    site = Site().measured().meter(0, vb=None).wait(10_000).measured().meter(10, vb=70)
    site.wait(10_000).measured().meter(20, vb=None).wait(10_000).measured().meter(30, vb=75).close()
    assert sums(site.records) == (30, 0, 0)
    assert next(t[1:] for t in site.last().totals if t.point == "vb") == (0, 70, 75, 5, 0, 0, 0)


@pytest.mark.parametrize(
    ("value", "code"),
    [(None, "index_missing"), (10**6, "configuration_mismatch"), (-1, "configuration_mismatch"),
     (1.5, "configuration_mismatch")],
)  # fmt: skip
def test_unusable_line_index_is_a_failed_poll(value: int | None, code: str) -> None:
    """A line index that is none, or that no register can show, moves nothing and is told once."""
    site = Site().measured().meter(0)
    site.wait(1000).meter(value).wait(1000).meter(value).wait(1000).measured().meter(5).close()
    assert sums(site.records) == (5, 0, 0)
    assert site.last().polls_failed == 2
    assert site.codes() == [(code, "off", "on"), (code, "on", "off")]


def test_wrong_exponent_is_a_failed_poll() -> None:
    """While the register tells another resolution than the configuration, nothing is counted."""
    site = Site().measured().meter(0).wait(1000).meter(5, exponent=-2).wait(1000).measured()
    assert site.state.now.positions[0].index_counts == 0
    site.meter(6).close()
    assert sums(site.records) == (6, 0, 0)
    assert site.codes() == [
        ("configuration_mismatch", "off", "on"),
        ("configuration_mismatch", "on", "off"),
    ]


def test_close_records_once() -> None:
    """A close records what came since the interval opened; a second one adds nothing."""
    site = Site().measured().meter(0).wait(1000).meter(10).failed().close()
    assert site.last().flags & Flag.PARTIAL
    assert (site.last().polls, site.last().polls_failed) == (2, 1)
    assert len(site.close().records) == 1
    site.wait(1000).failed().close()
    assert (site.last().start, site.last().polls_failed) == (site.last().end, 1)
    check_chain(site)


def test_configuration_change_is_not_retroactive() -> None:
    """Volume after a change is converted by the new configuration, and none is lost between."""
    site = Site(config(method="PT")).measured().meter(0).wait(1000).measured().meter(100).close()
    old, new = site.config, config(method="fixed-K", k_e9=800_000_000)
    check_chain(site)
    site.config = new
    site.wait(1000).measured().meter(200).close()
    first, second = site.records
    assert (first.config_hash, second.config_hash) == (old.hash(), new.hash())
    assert second.c_e9 == pytest.approx(first.c_e9 / 0.8, rel=1e-8)
    assert sums(site.records) == (200, 0, 0)
    assert second.carry.next_seq == first.telemetry_end


def test_replaced_totals_begin_anew() -> None:
    """Without positions every total begins a new segment at its next index."""
    site = Site().measured().meter(500, vb=9).wait(1000).measured().meter(600, vb=10).close()
    carry = site.state.now._replace(positions=(), segment=site.state.next_segment)
    site.state = RunState.resume(carry)
    site.wait(8 * MINUTE).measured().meter(7).wait(1000).measured().meter(9).close()
    assert [t[1:4] for r in site.records for t in r.totals if t.point == "vm"] == [
        (0, 500, 600), (1, 7, 7), (1, 7, 9),
    ]  # fmt: skip
    assert sums(site.records) == (102, 0, 0)
    assert all(before.end == after.start for before, after in pairwise(site.records))
    assert all(isinstance(recompute(site.config, r, site.scans), Agrees) for r in site.records)


def test_uncertain_quality_does_not_bill() -> None:
    """A meter scan of any quality but GOOD is a failed poll."""
    site = Site().measured().meter(0)
    site.scan("M1", {"vm": (5, ""), "resolution_vm": (-3, "")}, Quality.UNCERTAIN_SUBSTITUTE)
    assert site.state.now.positions[0].index_counts == 0


def test_unusable_configuration_is_a_crash() -> None:
    """A configuration with faults never converts: the pipeline refuses it with the reason."""
    site = Site(config(method="NX-19"))
    site.meter(0)
    with pytest.raises(ValueError, match="NX-19"):
        site.wait(1000).meter(5)
    assert close(site.config, RunState.new()).records == ()
    assert step(site.config, RunState.new(), site.scans[0]).records == ()
