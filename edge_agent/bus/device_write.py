"""Writing one point or the clock of a device: what may be written, the requests, the read-back.

The profile says which points may be written, by which function and within which limits; the site
may narrow the limits, or give those that the profile has not. Nothing else is ever written.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final, NamedTuple

from edge_agent.bus.device_reading import Procedure, Reach, Read, read_clock, read_points
from edge_agent.bus.device_time import offset_ms, shown_at
from edge_agent.bus.joining import Failed, failure
from edge_agent.bus.poller import Now
from edge_agent.config.model import DeviceConfig
from protocols.metering.quality import Quality
from protocols.modbus.answer import ExceptionAnswer, Registers
from protocols.modbus.frames import Request
from protocols.modbus.write import WRITE_COIL, WRITE_COILS, WRITE_REGISTER
from protocols.modbus.write import Write as Writing
from protocols.modbus.write import Written as Echoed
from protocols.registers.clock import encode_clock
from protocols.registers.codec import assemble, decode, disassemble, encode, meaning
from protocols.registers.command import Command, Step, Write, is_within
from protocols.registers.point import Point
from protocols.registers.point_codec import factor_value

READ_BACKS: Final = 3
"""A device may need a moment to take a value over."""
CLOCK_CLOSE_MS: Final = 3_000
_COILS: Final = (WRITE_COIL, WRITE_COILS)


class Refused(NamedTuple):
    """Why it may not be written; nothing was sent."""

    reason: str


class Allowed(NamedTuple):
    """A point, the rule it is written by (the site's limits in it), and the number."""

    point: Point
    rule: Write
    number: Decimal


class Changed(NamedTuple):
    """What the device showed before and shows now, in its own unit."""

    old: str
    new: str


def may_write(device: DeviceConfig, name: str, text: str) -> Allowed | Refused:
    """Judge a write before anything is sent."""
    profile = device.profile
    point = next((one for one in profile.points if one.name == name), None)
    if point is None:
        return Refused(f"{profile.id} has no point {name[:40]!r}")
    rule = rule_of(device, name)
    if isinstance(rule, Refused):
        return rule
    if (point.type == "bit") != (rule.function in _COILS) or point.type.startswith("text"):
        return Refused(
            f"{name} is of type {point.type}, which function {rule.function} cannot write"
        )
    if rule.function == WRITE_REGISTER and point.registers != 1:
        return Refused(f"{name} has {point.registers} registers, function 6 writes one")
    try:
        number = Decimal(text)
    except InvalidOperation:
        return Refused(f"{text[:40]!r} is no number")
    if not is_within(rule, number):
        return Refused(f"{text[:40]} is outside {rule.low} to {rule.high} {point.unit}".rstrip())
    if point.values and not any(code == number for code, _ in point.values):
        codes = ", ".join(f"{code} {said}" for code, said in point.values)
        return Refused(f"{name} knows {codes[:200]}")
    return Allowed(point, rule, number)


def rule_of(device: DeviceConfig, name: str) -> Write | Refused:
    """The profile's rule within the site's limits."""
    rule = device.profile.writes.get(name)
    if rule is None:
        return Refused(f"{device.profile.id} lets nobody write {name}")
    low, high = device.write_limits.get(name, ("", ""))
    narrowed = replace(
        rule,
        low=max((limit for limit in (rule.low, low) if limit), key=Decimal, default=""),
        high=min((limit for limit in (rule.high, high) if limit), key=Decimal, default=""),
    )
    if not (narrowed.low and narrowed.high):
        return Refused(f"nobody gave limits for {name}: set write_limits of the device")
    return narrowed


def shown(read: Read, name: str) -> str:
    """A point's value with unit and meaning."""
    point = next(one for one in read.map.points if one.name == name)
    raw, value = read.raw(name), read.values[name]
    said = "" if raw is None else meaning(point, raw)
    number = "no value" if value.number is None else f"{value.number:.9g}"
    return f"{number} {value.unit}".rstrip() + (f" ({said})" if said else "")


def login_refusal(device: DeviceConfig, password: str) -> Refused | None:
    """Whether this device can be given the password at all; none is always possible."""
    login = _login_of(device)
    if not password:
        return None
    if login is None:
        return Refused(f"{device.profile.id} names no login: leave the password out")
    step = login[1]
    if len(password) > step.text or not password.isascii():
        return Refused(
            f"a password of {device.profile.id} has at most {step.text} ASCII characters"
        )
    return None


def write_point(
    to: Reach, allowed: Allowed, password: str = ""
) -> Procedure[Changed | Refused | Failed]:
    """Read, write, read back. What was written and does not come back is a failure, and said."""
    failed = yield from _log_in(to, password)
    if failed is not None:
        return failed
    name = allowed.point.name
    before = yield from read_points(to, (name,))
    if isinstance(before, Failed):
        return before
    point = next(one for one in before.map.points if one.name == name)
    raw = _raw(point, allowed, before)
    if isinstance(raw, Refused):
        return raw
    failed = yield from _write(to, point, allowed.rule, raw)
    if failed is not None:
        return failed
    for _ in range(READ_BACKS):
        after = yield from read_points(to, (name,))
        if isinstance(after, Read) and after.raw(name) == raw:
            return Changed(shown(before, name), shown(after, name))
    told = after.detail if isinstance(after, Failed) else f"it reads {shown(after, name)}"
    detail = f"{name} was {shown(before, name)}; written, but {told}"
    return Failed(Quality.BAD_VALUE, detail)


def clock_refusal(device: DeviceConfig) -> Refused | None:
    """Whether the clock of this device may be set at all."""
    clock = device.profile.clock
    if clock is None:
        return Refused(f"{device.profile.id} names no clock")
    for name in clock.points:
        rule = rule_of(device, name)
        if isinstance(rule, Refused):
            return rule
    return None


def set_clock(
    to: Reach, zone: str, clock: Now, password: str = ""
) -> Procedure[Changed | Refused | Failed]:
    """To the gateway's UTC, which must be synchronised; each point by its own write."""
    own = to.device.profile.clock
    assert own is not None
    failed = yield from _log_in(to, password)
    if failed is not None:
        return failed
    before = yield from read_clock(to, clock)
    if isinstance(before, Failed) and before.quality != Quality.BAD_VALUE:
        return before
    old = before.detail if isinstance(before, Failed) else before.moment.isoformat(" ")
    read = yield from read_points(to, own.points)
    if isinstance(read, Failed):
        return read
    utc_ms = clock.now().utc_ms
    if utc_ms is None:
        return Refused("the gateway has no UTC")
    numbers = encode_clock(own, shown_at(utc_ms, zone, 0))
    for name in own.points:
        allowed = may_write(to.device, name, str(numbers[name]))
        if isinstance(allowed, Refused):
            return allowed
        point = next(one for one in read.map.points if one.name == name)
        raw = _raw(point, allowed, read)
        if isinstance(raw, Refused):
            return raw
        failed = yield from _write(to, point, allowed.rule, raw)
        if failed is not None:
            return failed
    after = yield from read_clock(to, clock)
    if isinstance(after, Failed):
        return after
    new, drift_ms = after.moment.isoformat(" "), 0
    if after.instant.utc_ms is not None:
        drift_ms = offset_ms(after.moment, zone, after.instant.utc_ms)
    if abs(drift_ms) > CLOCK_CLOSE_MS:
        detail = f"clock was {old}; written, but it shows {new}, {drift_ms / 1000:+.1f} s off"
        return Failed(Quality.BAD_VALUE, detail)
    return Changed(old, new)


def _login_of(device: DeviceConfig) -> tuple[Command, Step] | None:
    """The profile's login, and the step of it that takes a password."""
    return next(
        (
            (command, step)
            for command in device.profile.commands
            if command.kind == "login"
            for step in command.steps
            if step.text
        ),
        None,
    )


def _log_in(to: Reach, password: str) -> Procedure[Failed | None]:
    """The password, padded with blanks. Whether it was right the next write shows."""
    login = _login_of(to.device)
    if not password or login is None:
        return None
    command, step = login
    data = password.encode("ascii").ljust(step.text, b" ").ljust(step.text + step.text % 2, b"\x00")
    words = tuple(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    address = step.address + to.how.shift
    answer = yield Writing(
        to.device.unit + command.bank, step.function, address, (*step.words, *words)
    )
    if isinstance(answer, Echoed):
        return None
    if isinstance(answer, ExceptionAnswer):
        return Failed(Quality.BAD_EXCEPTION, f"refuses the login by exception {answer.code:02d}")
    return failure(answer)


def _raw(point: Point, allowed: Allowed, read: Read) -> int | Refused:
    """What the device will hold, checked once more: it may have been rounded."""
    factor: Fraction | None = None
    if point.factor_point:
        factor = factor_value(point.factor, read.values[point.factor_point].number)
        if factor is None:
            return Refused(f"{point.factor_point} gives no factor for {point.name}")
    number = allowed.number
    whole = int(number) if number == int(number) else float(number)
    try:
        raw = encode(point, whole, factor)
    except ValueError as error:
        return Refused(str(error))
    held = decode(point, raw, read.values).number
    if held is None or not is_within(allowed.rule, held):
        return Refused(f"the device would hold {held}, outside {allowed.rule.low} to "
                       f"{allowed.rule.high}")  # fmt: skip
    return raw


def _write(to: Reach, point: Point, rule: Write, raw: int) -> Procedure[Failed | None]:
    """One write and its exact echo."""
    unit = to.device.unit + point.bank
    if point.type == "bit":
        values: tuple[int, ...] = (raw,)
    else:
        words = disassemble(point, raw)
        if point.bits:
            merged = yield from _merged(unit, point, raw)
            if isinstance(merged, Failed):
                return merged
            words = merged
        values = words
        if point.register_bytes == 4:
            values = tuple(words[at] << 16 | words[at + 1] for at in range(0, len(words), 2))
    answer = yield Writing(unit, rule.function, point.address, values, point.register_bytes)
    match answer:
        case Echoed():
            return None
        case ExceptionAnswer(code):
            return Failed(Quality.BAD_EXCEPTION, f"refuses the write by exception {code:02d}")
        case _:
            told = failure(answer)
            return told._replace(detail=f"whether it took the write is not known: {told.detail}")


def _merged(unit: int, point: Point, raw: int) -> Procedure[tuple[int, ...] | Failed]:
    """The register with these bits in it; the others stay as they are."""
    whole = replace(point, bits=(), values=(), flags=(), sentinels=())
    answer = yield Request(
        unit, point.function, point.address, point.registers, point.register_bytes
    )
    if not isinstance(answer, Registers):
        return failure(answer)
    low, high = point.bits
    mask = ((1 << (high - low + 1)) - 1) << low
    return disassemble(whole, assemble(whole, answer.words) & ~mask | raw << low)
