"""Central's view: a record follows from its scans, and nothing else passes for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from protocols.metering.body import BodyError
from protocols.metering.instant import ClockState
from protocols.metering.interval import IntervalRecord
from protocols.metering.quality import Flag
from protocols.metering.run import Agrees, Differs, RunState, recompute
from tests.protocols.metering.site import MINUTE, Site, check_chain, config

CARRY = 3  # place of the opening carry in a record's body: an input, checked by the chain


@pytest.fixture(scope="module")
def site() -> Site:
    """Rollover, jump, reset, substitutes, failed polls, an idle interval, a reboot, a split gap."""
    site = Site(config(interval_ms=MINUTE)).measured().meter(999_000, vb=5)
    for n in range(12):
        site.wait(10_000).measured(400.0 + n).meter((999_000 + 501 * n) % 10**6, vb=6 + n)
    site.wait(10_000).pressure(None).meter(7000).failed().failed("P1")
    site.wait(10_000).measured().meter(900_000).wait(10_000).measured().meter(100).restart()
    for _ in range(13):
        site.wait(10_000).scan("M2", {}).measured(350.0).meter(100, vm_err=3)
    site.reboot(off_ms=5 * MINUTE).measured().meter(2345, vm_err=3, vb=99).wait(3000).measured()
    return site.meter(2400, vm_err=3, vb=99).failed().scan("M2", {}).close()


def test_scenario_is_rich(site: Site) -> None:
    """The records that are tampered with hold every kind of volume, flag and part."""
    flags = Flag(0)
    for record in site.records:
        flags |= record.flags
    assert flags == (
        Flag.GAP | Flag.ESTIMATED | Flag.SUBSTITUTE_PRESSURE | Flag.NO_FLOW | Flag.INDEX_JUMP
        | Flag.NEW_SEGMENT | Flag.POLLS_FAILED | Flag.PARTIAL
    )  # fmt: skip
    assert {record.parts for record in site.records} == {1, 6}
    check_chain(site)


def integers(body: Any, way: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Where the integers of a nested body are."""
    for at, item in enumerate(body):
        if isinstance(item, tuple):
            yield from integers(item, (*way, at))
        elif type(item) is int:
            yield (*way, at)


def changed(body: Any, way: tuple[int, ...], by: int) -> Any:
    at, *rest = way
    item = changed(body[at], tuple(rest), by) if rest else body[at] + by
    return (*body[:at], item, *body[at + 1 :])


@pytest.mark.parametrize("by", [1, -1, 1000])
def test_any_changed_integer_is_found(site: Site, by: int) -> None:
    """A record with any single integer of its result changed is refused or differs."""
    tried = 0
    for record in site.records:
        body = record.to_body()
        for way in integers(body):
            if way[0] == CARRY:
                continue
            try:
                forged = IntervalRecord.from_body(changed(body, way, by))
            except BodyError:
                continue
            tried += 1
            result = recompute(site.config, forged, site.scans)
            assert isinstance(result, Differs), way
            assert result.recorded != result.recomputed
    assert tried > 300


def test_any_changed_carry_breaks_the_chain(site: Site) -> None:
    """An opening carry is what the record before hands on; no other carry equals it."""
    carries = {record.carry for record in site.records}
    handed_on = set()
    for record in site.records:
        result = recompute(site.config, record, site.scans)
        assert isinstance(result, Agrees)
        handed_on.add(result.carry)
    assert carries - handed_on == {site.records[0].carry}
    for record in site.records[1:]:
        for way in integers(record.to_body()[CARRY]):
            body = changed(record.to_body(), (CARRY, *way), -1 if way == (2, 3) else 1)
            assert IntervalRecord.from_body(body).carry not in handed_on


@pytest.mark.parametrize("field", ["run", "config_hash"])
def test_another_run_or_configuration_differs(site: Site, field: str) -> None:
    """A record is judged only by the configuration that it names."""
    forged: dict[str, Any] = {"run": "R2", "config_hash": bytes(32)}
    record = dataclasses.replace(site.last(), **{field: forged[field]})
    result = recompute(site.config, record, site.scans)
    assert isinstance(result, Differs)
    assert result.field == field


def test_changed_or_lost_scans_differ(site: Site) -> None:
    """Leaving out any scan of the run's devices, or another value in it, is found."""
    record = site.records[0]
    inside = [s for s in site.scans if record.telemetry_first <= s.seq < record.telemetry_end]
    assert isinstance(recompute(site.config, record, inside), Agrees)
    assert isinstance(recompute(site.config, record, reversed(inside)), Agrees)
    assert isinstance(recompute(site.config, record, []), Differs)
    for scan in inside:
        if scan.serial == "M1":
            others = [other for other in inside if other is not scan]
            assert isinstance(recompute(site.config, record, others), Differs)


def test_state_survives_its_body_anywhere(site: Site) -> None:
    """After every scan the state equals what its body gives back, and goes on alike."""
    straight, killed = Site(site.config), Site(site.config)
    for scan in site.scans:
        for one in (straight, killed):
            one.boot_no, one.mono_ms, one.true_utc_ms = (
                scan.instant.boot_no, scan.instant.mono_ms, scan.instant.utc_ms or 0,
            )  # fmt: skip
            one.clock_state = ClockState(scan.instant.clock_state)
            one.scan(scan.serial, dict(scan.values), scan.quality)
        killed.restart()
    assert (killed.state, killed.records, killed.events) == (
        straight.state, straight.records, straight.events,
    )  # fmt: skip


def test_state_rebuilt_from_the_last_record(site: Site) -> None:
    """A journal that lost its state goes on from the last record's carry and the scans after it."""
    result = recompute(site.config, site.last(), site.scans)
    assert isinstance(result, Agrees)
    resumed = RunState.resume(result.carry)
    assert (resumed.now, resumed.opening, resumed.tally) == (
        site.state.now, site.state.opening, site.state.tally,
    )  # fmt: skip


def test_a_record_of_no_scans_is_found(site: Site) -> None:
    """Its body contradicts nothing, but no scan makes it."""
    first = site.records[0].telemetry_first
    empty = dataclasses.replace(site.records[0], telemetry_end=first)
    assert IntervalRecord.from_body(empty.to_body()) == empty
    assert recompute(site.config, empty, site.scans) == Differs("parts", 1, 0)
