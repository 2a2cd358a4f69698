"""What a device is asked before its values count: at the start and after each loss. No I/O here.

- In step: an answer on a line without transactions does not say which request it belongs to. So the
  first request is one whose answer has another length or function than every block's; an answer
  that lags behind cannot pass that, and then the blocks.
- From which number it counts its registers, where two manuals differ by one (`base_probe`).
- In which order it sends its floats, where that is a setting.
- The settings that its units depend on: a wrong unit is a wrong bill.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from edge_agent.bus.link import Answer, NoAnswer, PortGone
from protocols.metering.quality import Quality
from protocols.modbus.answer import Damaged, ExceptionAnswer, Registers
from protocols.modbus.plan import Block, plan
from protocols.modbus.probe import order_block, probe_block
from protocols.modbus.write import Written
from protocols.registers.codec import assemble
from protocols.registers.profile import Order, Profile

BUSY: Final = 6
_GATEWAY: Final = (10, 11)  # path unavailable, target failed to respond: it cost a timeout there
Ask = Callable[[Block, int], Answer]
"""A block and what is added to its addresses -> its answer."""


class Joined(NamedTuple):
    """How this one device is to be read."""

    order: Order | None
    shift: int


class Failed(NamedTuple):
    """Why a poll has no values."""

    quality: Quality
    detail: str
    busy: bool = False


def depends_on_settings(profile: Profile) -> bool:
    """Whether what its registers mean is set in the device, and may be changed while it runs."""
    return bool(profile.order_point or profile.base_probe or profile.expected)


def step_probe(profile: Profile, blocks: Sequence[Block]) -> Block | None:
    """What tells whether a device is in step, on a line without transactions."""
    base = _base_block(profile)
    return probe_block(profile, [*blocks, *([base] if base else [])])


def join(profile: Profile, probe: Block | None, ask: Ask, shift: int) -> Joined | Failed:
    """All that has to be known before the blocks; `shift` is what was known last."""
    base, order = _base_block(profile), order_block(profile)
    answer: Answer | None = None
    if probe:
        answer = ask(probe, shift)
        if not isinstance(answer, Registers | ExceptionAnswer) or is_no_reply(answer):
            return failure(answer)
    if base:
        found = _find_shift(profile, ask(base, 0))
        if isinstance(found, Failed):
            return found
        if found != shift:
            shift, answer = found, None
    told: Order | None = None
    if order:
        if probe != order or answer is None:
            answer = ask(order, shift)
        read = _read_order(profile, answer)
        if isinstance(read, Failed):
            return read
        told = read
    failed = _check_settings(profile, ask, shift)
    return failed or Joined(told, shift)


def _base_block(profile: Profile) -> Block | None:
    probe = profile.base_probe
    return Block(probe.function, probe.address, 1, ()) if probe else None


def _find_shift(profile: Profile, answer: Answer) -> int | Failed:
    assert profile.base_probe is not None
    match answer:
        case Registers(words):
            shift, said = profile.base_probe.shift(words[0], None), str(words[0])
        case ExceptionAnswer(code) if not is_no_reply(answer):
            shift, said = profile.base_probe.shift(None, code), f"exception {code:02d}"
        case _:
            return failure(answer)
    if shift is None:
        return Failed(
            Quality.BAD_CONFIGURATION,
            f"register {profile.base_probe.address} answers {said}, which tells nothing of where"
            f" profile {profile.id} begins to count: check that the profile fits the device",
        )
    return shift


def _read_order(profile: Profile, answer: Answer) -> Order | Failed:
    if not isinstance(answer, Registers):
        return failure(answer)
    code = answer.words[0]
    order = profile.orders.get(code)
    if order is None:
        known = ", ".join(map(str, profile.orders))
        return Failed(
            Quality.BAD_CONFIGURATION,
            f"{profile.order_point} reads {code}, known are {known}:"
            " set the device's float format to one of these",
        )
    return order


def _check_settings(profile: Profile, ask: Ask, shift: int) -> Failed | None:
    for name, expected in profile.expected.items():
        point = profile.point(name)
        block = plan([point], profile)[0]
        answer = ask(block, shift)
        if not isinstance(answer, Registers):
            return failure(answer)
        found = assemble(point, block.words_of(point, answer.words))
        if found != expected:
            return Failed(
                Quality.BAD_CONFIGURATION,
                f"{name} reads {found}, profile {profile.id} needs {expected}:"
                " set the device so, or give it a profile with its own units",
            )
    return None


def is_no_reply(answer: Answer) -> bool:
    """Whether an exception says that the device itself has not answered: busy, or not there."""
    return isinstance(answer, ExceptionAnswer) and answer.code in (BUSY, *_GATEWAY)


def is_reply(answer: Answer) -> bool:
    """Whether the device itself has answered, be it with a refusal."""
    if isinstance(answer, ExceptionAnswer):
        return not is_no_reply(answer)
    return isinstance(answer, Registers)


def failure(answer: Answer) -> Failed:
    """What an answer without values means, in words."""
    match answer:
        case NoAnswer(0):
            return Failed(Quality.BAD_NO_ANSWER, "no answer: check power, wiring and unit number")
        case NoAnswer(late_bytes):
            detail = f"{late_bytes} bytes came after the deadline: raise the bus's timeout_s"
            return Failed(Quality.BAD_NO_ANSWER, detail)
        case Damaged(reason):
            return Failed(Quality.BAD_ANSWER, f"{reason}: check wiring, and for two of one unit")
        case ExceptionAnswer(code) if code in _GATEWAY:
            detail = f"the gateway before it says {code:02d}: check power, wiring and unit number"
            return Failed(Quality.BAD_NO_ANSWER, detail)
        case ExceptionAnswer(code):
            meaning = " (busy)" if code == BUSY else ""
            detail = f"answers exception {code:02d}{meaning}"
            return Failed(Quality.BAD_EXCEPTION, detail, busy=code == BUSY)
        case PortGone(reason):
            return Failed(Quality.BAD_PORT, reason)
        case Registers() | Written():
            return Failed(Quality.BAD_ANSWER, "an answer where none was expected")
