"""Writes to served devices: what may be written, by which request, and that it comes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.bus.device_reading import Reach, drive, reach
from edge_agent.bus.device_write import (
    Allowed,
    Changed,
    Refused,
    clock_refusal,
    login_refusal,
    may_write,
    rule_of,
    set_clock,
    write_point,
)
from edge_agent.bus.joining import Failed
from edge_agent.config.model import DeviceConfig
from protocols.metering.instant import ClockState, Instant
from protocols.modbus.answer import Registers
from protocols.modbus.write import Write as Writing
from protocols.registers.command import Write as Rule
from protocols.registers.library import load_profile, profile_ids
from protocols.registers.profile import Profile
from simulators.plausible import Given
from tests.edge_agent.served import HOUR_MS, NOON_MS, UNIT, Served


class Noon:
    """The gateway's clock stands at noon."""

    def now(self) -> Instant:
        return Instant(1, 1_000, NOON_MS, ClockState.SYNCHRONISED)


def device_of(profile: Profile, **limits: tuple[str, str]) -> DeviceConfig:
    return DeviceConfig(
        "d", "b", UNIT, profile, "S1", profile.default_points, 60_000, 1, write_limits=limits
    )


UNIFLO = load_profile("flonidan-uniflo1200")


def reached(device: DeviceConfig, served: Served) -> Reach:
    to = reach(device, device.points, served.exchange)
    assert isinstance(to, Reach)
    return to


def written(
    device: DeviceConfig, served: Served, name: str, value: str
) -> Changed | Refused | Failed:
    allowed = may_write(device, name, value)
    if isinstance(allowed, Refused):
        return allowed
    return drive(write_point(reached(device, served), allowed), served.exchange)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("nonsense", "1", "no point 'nonsense'"),
        ("pressure", "1", "lets nobody write pressure"),
        ("press_low_limit", "abc", "is no number"),
        ("press_low_limit", "nan", "outside 0.6 to 80"),
        ("press_low_limit", "Infinity", "outside 0.6 to 80"),
        ("press_low_limit", "0.5", "outside 0.6 to 80 bar(a)"),
        ("press_low_limit", "80.01", "outside 0.6 to 80 bar(a)"),
        ("press_high_limit", "5.5", "outside 1 to 5 bar(a)"),
        ("press_high_limit", "0.8", "outside 1 to 5 bar(a)"),
    ],
)
def test_what_may_not_be_written_is_not_asked(name: str, value: str, reason: str) -> None:
    """By the profile's limits, and the site's where they are narrower."""
    device = device_of(UNIFLO, press_high_limit=("1", "5"))
    served = Served(UNIFLO)
    refused = written(device, served, name, value)
    assert isinstance(refused, Refused)
    assert reason in refused.reason
    assert served.asked == 0


def test_limits_are_the_profiles_within_the_sites() -> None:
    """The narrower of each; where the profile has none, the site must give them."""
    wider = rule_of(device_of(UNIFLO, press_low_limit=("0", "100")), "press_low_limit")
    assert isinstance(wider, Rule)
    assert (wider.low, wider.high) == ("0.6", "80")
    open_ = replace(UNIFLO, writes={"press_low_limit": Rule(16)})
    refused = rule_of(device_of(open_), "press_low_limit")
    assert isinstance(refused, Refused)
    assert "write_limits" in refused.reason
    given_ = rule_of(device_of(open_, press_low_limit=("1", "2")), "press_low_limit")
    assert isinstance(given_, Rule)


def test_a_set_point_is_written_and_read_back() -> None:
    """Old and new as the device shows them, in its order of bytes."""
    served = Served(UNIFLO, {"press_low_limit": Given(1.5)})
    changed = written(device_of(UNIFLO), served, "press_low_limit", "2.25")
    assert changed == Changed("1.5 bar(a)", "2.25 bar(a)")
    assert written(device_of(UNIFLO), served, "press_low_limit", "3") == (
        "2.25 bar(a)", "3 bar(a)",
    )  # fmt: skip


def test_bits_beside_the_written_ones_stay() -> None:
    """A byte of a register is written by reading the other one before."""
    served = Served(UNIFLO)
    device = device_of(UNIFLO)
    point = UNIFLO.point("display_off_after")
    sent: list[Writing] = []

    def exchange(asked):  # type: ignore[no-untyped-def]
        if isinstance(asked, Writing):
            sent.append(asked)
        elif asked.address == point.address:
            return Registers((0xAB00 | (sent[-1].values[0] & 0xFF if sent else 7),))
        return served.exchange(asked)

    allowed = may_write(device, "display_off_after", "60")
    assert isinstance(allowed, Allowed)
    done = drive(write_point(reached(device, served), allowed), exchange)
    assert isinstance(done, Changed)
    assert sent[0].values == (0xAB3C,)


def test_a_value_that_does_not_come_back_is_a_failure() -> None:
    """Taken by echo only: the device kept its old value."""
    served = Served(UNIFLO, {"press_low_limit": Given(1.5)})

    def exchange(asked):  # type: ignore[no-untyped-def]
        if isinstance(asked, Writing):
            answer = served.exchange(asked)
            served.device._written.clear()
            return answer
        return served.exchange(asked)

    allowed = may_write(device_of(UNIFLO), "press_low_limit", "2")
    assert isinstance(allowed, Allowed)
    done = drive(write_point(reached(device_of(UNIFLO), served), allowed), exchange)
    assert isinstance(done, Failed)
    assert done.detail == "press_low_limit was 1.5 bar(a); written, but it reads 1.5 bar(a)"


def test_an_exception_is_a_failure_with_its_code() -> None:
    """The device knows better than the profile."""
    narrower = {**UNIFLO.writes, "press_low_limit": Rule(16, "0.6", "1")}
    served = Served(replace(UNIFLO, writes=narrower))
    done = written(device_of(UNIFLO), served, "press_low_limit", "2")
    assert isinstance(done, Failed)
    assert "refuses the write by exception 03" in done.detail


@pytest.mark.parametrize("profile_id", ["flonidan-uniflo1200", "rockwell-1758-flo"])
def test_a_clock_is_set(profile_id: str) -> None:
    """By one write of six bytes, or six of one register."""
    profile = load_profile(profile_id)
    device, served = device_of(profile), Served(profile)
    served.offset_ms = 7 * HOUR_MS + 1_000
    assert clock_refusal(device) is None
    done = drive(set_clock(reached(device, served), "Asia/Shanghai", Noon()), served.exchange)
    assert done == Changed("2026-08-01 19:00:01", "2026-08-01 20:00:00")
    assert datetime.fromisoformat("2026-08-01 20:00:00").hour == 20


def test_a_clock_that_may_not_be_written_is_refused() -> None:
    """The profile names it, but lets nobody write it; or names none."""
    refused = clock_refusal(device_of(load_profile("sick-flowsic500")))
    assert isinstance(refused, Refused)
    assert isinstance(clock_refusal(device_of(load_profile("keller-33x"))), Refused)


def test_a_login_goes_before_the_write() -> None:
    """Padded with blanks, to where the profile says; an exception to it ends the write."""
    served, device = Served(UNIFLO), device_of(UNIFLO)
    sent: list[Writing] = []

    def exchange(asked):  # type: ignore[no-untyped-def]
        if isinstance(asked, Writing):
            sent.append(asked)
        return served.exchange(asked)

    allowed = may_write(device, "press_low_limit", "2")
    assert isinstance(allowed, Allowed)
    done = drive(write_point(reached(device, served), allowed, "secret"), exchange)
    assert isinstance(done, Changed)
    assert (sent[0].function, sent[0].address) == (16, 3840)
    assert b"".join(word.to_bytes(2, "big") for word in sent[0].values) == b"secret  "
    commands = tuple(one for one in UNIFLO.commands if one.kind != "login")
    without = Served(replace(UNIFLO, commands=commands))
    done = drive(write_point(reached(device, served), allowed, "secret"), without.exchange)
    assert isinstance(done, Failed)
    assert "refuses the login" in done.detail


@pytest.mark.parametrize(
    ("profile_id", "password", "reason"),
    [
        ("flonidan-uniflo1200", "", None),
        ("flonidan-uniflo1200", "12345678", None),
        ("flonidan-uniflo1200", "123456789", "at most 8"),
        ("keller-33x", "", None),
        ("keller-33x", "zq9", "names no login"),
    ],
)
def test_a_password_must_fit_the_devices_login(
    profile_id: str, password: str, reason: str | None
) -> None:
    """Before anything is sent."""
    refused = login_refusal(device_of(load_profile(profile_id)), password)
    assert (refused is None) == (reason is None)
    if refused is not None and reason is not None:
        assert reason in refused.reason
        assert password not in refused.reason


_WRITABLE = [
    (profile_id, name)
    for profile_id in profile_ids()
    for name, rule in load_profile(profile_id).writes.items()
    if rule.kind != "clock" and rule.low and rule.high
]


@given(st.data())
@settings(max_examples=120)
def test_any_writable_point_of_any_profile_within_its_limits(data: st.DataObject) -> None:
    """It comes back as written, or was refused before anything was sent; never anything else."""
    profile_id, name = data.draw(st.sampled_from(_WRITABLE))
    profile = load_profile(profile_id)
    rule = profile.writes[name]
    value = data.draw(st.decimals(Decimal(rule.low), Decimal(rule.high), places=2))
    served = Served(profile)
    device = device_of(profile)
    if device.profile.base_probe is not None or profile.banks > 1:
        device = replace(device, points=(profile.default_points[0],))
    done = written(device, served, name, f"{value}")
    assert isinstance(done, Changed | Refused), done
