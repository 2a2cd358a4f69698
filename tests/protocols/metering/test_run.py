"""The pipeline by example: one fact a test."""

from itertools import pairwise

import pytest

from protocols.metering.instant import ClockState
from protocols.metering.quality import Flag, Quality
from protocols.metering.run import Agrees, RunState, close, recompute, step
from tests.protocols.metering.site import (
    HOUR,
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
    assert [total[1:] for total in vm] == [(0, 5000, 5000, 0, 0, 0), (1, 7, 17, 10, 0, 0)]
    assert site.codes() == [("new_segment", 5000, 7)]
    assert site.last().flags & Flag.NEW_SEGMENT
    assert site.state.next_segment == 2
    check_chain(site)


def test_resetting_index_cannot_grow_a_record() -> None:
    """An index that resets at every poll closes intervals early instead of filling one."""
    site = Site().measured().meter(1000)
    for n in range(200):
        site.wait(1000).measured().meter(999 - n)
    assert len(site.records) == 3
    assert max(len(record.totals) for record in site.records) <= 64 + 4
    check_chain(site)


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
    assert next(t[1:] for t in site.last().totals if t.point == "vb") == (0, 70, 75, 5, 0, 0)


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


@pytest.mark.parametrize("reading", [float("nan"), float("inf"), None, 5000.0, -100.0, "unit"])
def test_unusable_pressure_is_substituted(reading: float | str | None) -> None:
    """A pressure without number, range or known unit: substitute, and the error counter."""
    site = Site().measured().meter(0).wait(1000)
    if reading == "unit":
        site.pressure(400.0, "inHg")
    else:
        site.pressure(reading)  # type: ignore[arg-type]
    site.meter(10).close()
    record = site.last()
    assert (record.line_main_cm3, record.line_error_cm3, record.p_dpa) == (0, 10_000, 4_000_000)
    assert record.flags & Flag.SUBSTITUTE_PRESSURE
    assert not record.flags & Flag.SUBSTITUTE_TEMPERATURE
    check_chain(site)


def test_stale_readings_are_substituted_and_told_once_each_way() -> None:
    """A reading counts for stale_ms, failed polls or not; then its substitute, until one comes."""
    site = Site().measured().meter(0).wait(MINUTE).failed("P1").meter(10)
    assert site.events == []
    site.wait(1000).meter(20).wait(1000).meter(30).wait(1000).measured().meter(40).close()
    assert sums(site.records) == (20, 20, 0)
    assert site.codes() == [
        ("pressure_substituted", "off", "on"),
        ("temperature_substituted", "off", "on"),
        ("pressure_substituted", "on", "off"),
        ("temperature_substituted", "on", "off"),
    ]
    check_chain(site)


def test_reading_of_another_boot_is_stale() -> None:
    """After a reboot the readings of before are not used."""
    site = Site().measured().meter(0).reboot(off_ms=1000, boot_ms=1000).meter(10).close()
    assert site.last().flags & Flag.SUBSTITUTE_PRESSURE


def test_out_of_method_range_is_substituted() -> None:
    """P and T that the transmitters can show but SGERG-88 refuses: substitutes, Z is flagged."""
    site = Site(config(temperature=config().temperature._replace(low=200_000)))
    site.measured(celsius=-30.0).meter(0).wait(1000).measured(celsius=-30.0).meter(10).close()
    record = site.last()
    assert record.flags & Flag.Z_OUT_OF_RANGE
    assert (record.line_main_cm3, record.line_error_cm3, record.t_mk) == (0, 10_000, 288_150)
    assert site.codes() == [("conversion_out_of_range", "off", "on")]
    assert "-23" not in site.events[0].detail
    assert "250.15" in site.events[0].detail


def test_averages_count_only_time_with_flow() -> None:
    """Half an hour at 400 kPa with flow, another at 600 kPa without: 400 kPa (API MPMS 21.1)."""
    atmospheric = config(
        pressure=config().pressure._replace(gauge=False), interval_ms=HOUR, method="PT"
    )
    site = Site(atmospheric, utc_ms=START_UTC_MS // HOUR * HOUR)
    site.measured(400.0).meter(0)
    for n in range(1, 61):
        site.wait(30_000).measured(400.0).meter(n * 8333)
    for _ in range(60):
        site.wait(30_000).measured(600.0).meter(60 * 8333)
    [record] = site.records
    assert (record.p_dpa, record.flow_time_ms, record.elapsed_ms) == (4_000_000, HOUR // 2, HOUR)
    expected = 60 * 8333 * 1000 * (4_000_000 / 1_013_250) * (293.15 / 288.15)
    assert record.base_main_cm3 == pytest.approx(expected, rel=1e-8)


def test_no_flow_shows_the_last_scan() -> None:
    """Without flow the record shows P, T, Z and C of its last scan and says NO_FLOW."""
    site = Site().measured(300.0).meter(0).wait(1000).measured(350.0).meter(0).close()
    assert site.last().p_dpa == 3_500_000 + 1_013_250
    assert site.last().flags == Flag.NO_FLOW | Flag.PARTIAL


def test_gap_is_split_by_time_into_the_error_counter() -> None:
    """An increment over three boundaries gives one flagged record each, and the counts add up."""
    site = Site().measured().meter(0).wait(2 * MINUTE // 2).measured().meter(1000)
    site.wait(14 * MINUTE + 7).measured().meter(15_001, vb=77)
    assert [(r.part, r.parts) for r in site.records] == [(0, 3), (1, 3), (2, 3)]
    ends = [r.end.utc_ms for r in site.records]
    assert ends == [START_UTC_MS + ms for ms in (5 * MINUTE, 10 * MINUTE, 15 * MINUTE + 7)]
    assert [r.totals[0].main for r in site.records] == [1000, 0, 0]
    whole = 14 * MINUTE + 7
    shares = [14_001 * (end - START_UTC_MS - MINUTE) // whole for end in ends]
    assert [r.totals[0].error for r in site.records] == [
        shares[0], shares[1] - shares[0], shares[2] - shares[1],
    ]  # fmt: skip
    assert sums(site.records, "vb") == (0, 77, 0)
    assert sum(r.elapsed_ms for r in site.records) == 15 * MINUTE + 7
    assert all(r.flags & Flag.GAP and r.flags & Flag.ESTIMATED for r in site.records)
    assert sum(r.line_error_cm3 for r in site.records) == 14_001_000
    assert site.codes() == [("gap", 1000, 15_001)]
    check_chain(site)


def test_gap_inside_an_interval_is_not_split() -> None:
    """A gap that passes no boundary goes to the error counter of its one interval."""
    site = Site().measured().meter(0).wait(MINUTE + 1).measured().meter(100).close()
    assert sums(site.records) == (0, 100, 0)
    assert site.last().parts == 1
    assert site.last().flags & Flag.GAP


def test_very_long_gap_is_bounded() -> None:
    """Beyond 4096 intervals the first record takes the rest."""
    slow = config(interval_ms=1000, stale_ms=1000, qmax_l_h=100_000)
    site = Site(slow).measured().meter(0).wait(5_000_000).measured().meter(100_000)
    assert len(site.records) == 4096
    assert site.records[0].elapsed_ms == 5_000_000 - 4095 * 1000
    assert sums(site.records) == (0, 100_000, 0)
    assert site.records[2000].totals[0].error == 20


def test_step_of_the_clock_is_no_gap() -> None:
    """UTC that jumps by a year ends the interval, and invents neither time nor records."""
    site = Site().measured().meter(0).clock(ClockState.SYNCHRONISED, 365 * 24 * HOUR)
    site.wait(10_000).measured().meter(10)
    assert [(r.elapsed_ms, r.parts) for r in site.records] == [(10_000, 1)]
    site.clock(ClockState.SYNCHRONISED)
    site.wait(20 * MINUTE).measured().meter(20)
    assert [(r.elapsed_ms, r.parts) for r in site.records[1:]] == [(5 * MINUTE, 4)] * 4
    check_chain(site)


def test_reboot_with_a_good_clock_is_a_gap() -> None:
    """With UTC synchronised on both sides, the off time is known and split over."""
    site = Site().measured().meter(0).reboot(off_ms=20 * MINUTE).measured().meter(20_000)
    assert len(site.records) == 4
    assert sums(site.records) == (0, 20_000, 0)
    assert [r.end.boot_no for r in site.records] == [1, 1, 1, 2]
    check_chain(site)


def test_reboot_without_a_clock_holds_the_increment() -> None:
    """An increment too large for the time since boot waits for UTC, and is then booked."""
    site = Site().measured().meter(0).reboot(off_ms=30 * MINUTE)
    site.clock(ClockState.UNKNOWN).measured().meter(200_000).wait(10_000).measured().meter(200_100)
    assert site.records == []
    assert site.codes() == [("index_held", "off", "on")]
    site.clock(ClockState.SYNCHRONISED).wait(10_000).measured().meter(200_200).close()
    assert sums(site.records) == (0, 200_200, 0)
    assert ("index_held", "on", "off") in site.codes()
    check_chain(site)


def test_held_increment_is_believed_when_the_time_since_boot_explains_it() -> None:
    """Without UTC, genuine gas is booked as soon as 1.2 Qmax since boot could give it."""
    site = Site().measured().meter(0).reboot(off_ms=HOUR)
    site.clock(ClockState.UNKNOWN)
    index = 10_000
    for _ in range(200):
        index += 20
        site.measured().meter(index).wait(10_000)
    site.close()
    assert sums(site.records)[2] == 0
    assert sum(sums(site.records)) == index
    check_chain(site)


def test_holding_ends() -> None:
    """A day after the boot an increment that nothing explains is judged without a clock."""
    site = Site(config(qmax_l_h=1000)).measured().meter(0).reboot(off_ms=HOUR)
    site.clock(ClockState.UNKNOWN)
    site.meter(900_000)
    assert site.state.now.positions[0].index_counts == 0
    site.wait(24 * HOUR).meter(900_000).close()
    assert sums(site.records) == (0, 0, 900_000)
    check_chain(site)


def test_ambiguous_rollovers_are_quarantined() -> None:
    """When more than a whole turn may have passed, the counts that are certain are quarantined."""
    site = Site().measured().meter(500).wait(51 * MINUTE).measured().meter(100).close()
    assert sums(site.records) == (0, 0, 999_600)
    check_chain(site)


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


def test_remainders_are_carried() -> None:
    """Base volume over many intervals is the integer part of line volume times C, to the cm3."""
    own = config(
        method="fixed-K", k_e9=987_654_321, interval_ms=1000, stale_ms=HOUR,
        pressure=config().pressure._replace(substitute=1_234_567),
    )  # fmt: skip
    for good in (True, False):
        site = Site(own).measured(123.4567 if good else None).meter(0)  # type: ignore[arg-type]
        for n in range(1, 300):
            site.wait(1000).meter(n * 7)
        main, error, _quarantined = sums(site.records)
        assert (main if good else error) == 299 * 7
        [c_e9] = {record.c_e9 for record in site.records}
        base = [r.base_main_cm3 if good else r.base_error_cm3 for r in site.records]
        assert sum(base) == 299 * 7 * 1000 * c_e9 // 10**9
        check_chain(site)


@pytest.mark.parametrize("celsius", [None, float("nan"), -41.0, 81.0])
def test_unusable_temperature_is_substituted(celsius: float | None) -> None:
    """A temperature without number or outside the transmitter's range: the substitute."""
    site = Site().measured().meter(0).wait(1000).temperature(celsius).meter(10).close()
    assert site.last().flags & Flag.SUBSTITUTE_TEMPERATURE
    assert (site.last().t_mk, sums(site.records)) == (288_150, (0, 10, 0))


def test_unknown_unit_of_temperature_is_substituted() -> None:
    """A unit that no temperature has is no reading."""
    site = Site().measured().meter(0).wait(1000).scan("T1", {"t": (15.0, "bar")}).meter(1).close()
    assert site.last().flags & Flag.SUBSTITUTE_TEMPERATURE


def test_uncertain_quality_does_not_bill() -> None:
    """A meter scan of any quality but GOOD is a failed poll."""
    site = Site().measured().meter(0)
    site.scan("M1", {"vm": (5, ""), "resolution_vm": (-3, "")}, Quality.UNCERTAIN_SUBSTITUTE)
    assert site.state.now.positions[0].index_counts == 0


def test_meter_that_is_its_own_transmitter() -> None:
    """P and T may come with the meter's own scan, and belong to that very increment."""
    own = config(
        pressure=config().pressure._replace(serial="M1"),
        temperature=config().temperature._replace(serial="M1"),
    )
    state = RunState.new()
    site = Site(own)
    for vm in (0, 10):
        values = {"vm": (vm, ""), "resolution_vm": (-3, ""), "p": (4.0, "bar"), "t": (59.0, "°F")}
        site.wait(1000).scan("M1", values)
    assert state == RunState.new()
    site.close()
    assert (site.last().p_dpa, site.last().t_mk) == (5_013_250, 288_150)
    assert sums(site.records) == (10, 0, 0)


def test_unusable_configuration_is_a_crash() -> None:
    """A configuration with faults never converts: the pipeline refuses it with the reason."""
    site = Site(config(method="NX-19"))
    site.meter(0)
    with pytest.raises(ValueError, match="NX-19"):
        site.wait(1000).meter(5)
    assert close(site.config, RunState.new()).records == ()
    assert step(site.config, RunState.new(), site.scans[0]).records == ()
