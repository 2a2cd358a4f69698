"""What a device is asked before its values count: step, base of its addresses, order, settings."""

from dataclasses import replace

import pytest

from edge_agent.bus.joining import Failed, Joined, join, step_probe
from edge_agent.bus.link import NoAnswer
from protocols.metering.quality import Quality
from protocols.modbus.answer import ExceptionAnswer, Registers
from protocols.modbus.plan import plan
from protocols.registers.library import load_profile
from protocols.registers.profile import BaseProbe, Outcome

KELLER = load_profile("keller-33x")
ROSEMOUNT = load_profile("rosemount-3095fb")
PROBE = BaseProbe(3, 5000, (Outcome(7, None, 0), Outcome(None, 2, -1)))
BASED = replace(ROSEMOUNT, base_probe=PROBE)


def blocks(profile):
    return plan(profile.points_of(profile.default_points), profile)


class Device:
    """Answers by function and address; keeps what it was asked."""

    def __init__(self, registers):
        self.registers = registers
        self.asked = []

    def ask(self, block, shift):
        self.asked.append((block.function, block.address + shift, block.count))
        at = [(block.function, block.address + shift + n) for n in range(block.count)]
        if any(key not in self.registers for key in at):
            return ExceptionAnswer(2)
        return Registers(tuple(self.registers[key] for key in at))


def test_order_and_settings():
    """The 3095FB is asked for its float format, which is the probe too, and for its unit."""
    device = Device({(3, 131): 1, (3, 60): 5})
    probe = step_probe(ROSEMOUNT, blocks(ROSEMOUNT))
    assert join(ROSEMOUNT, probe, device.ask, 0) == Joined("CDAB", 0)
    assert device.asked == [(3, 131, 1), (3, 60, 1)]


@pytest.mark.parametrize(("registers", "shift"), [({(3, 5000): 7}, 0), ({}, -1)])
def test_where_it_begins_to_count(registers, shift):
    """A register that one base has and the other has not tells by what all addresses move."""
    registers |= {(3, 131 + shift): 0, (3, 60 + shift): 5}
    device = Device(registers)
    assert join(BASED, None, device.ask, 0) == Joined("ABCD", shift)
    assert device.asked == [(3, 5000, 1), (3, 131 + shift, 1), (3, 60 + shift, 1)]


@pytest.mark.parametrize(
    ("answer", "quality"),
    [
        (Registers((8,)), Quality.BAD_CONFIGURATION),
        (ExceptionAnswer(4), Quality.BAD_CONFIGURATION),
        (ExceptionAnswer(6), Quality.BAD_EXCEPTION),
        (NoAnswer(0), Quality.BAD_NO_ANSWER),
    ],
)
def test_a_base_that_is_not_told(answer, quality):
    """An answer that fits neither base is no guess; silence and busy are what they are."""
    failed = join(BASED, None, lambda block, shift: answer, 0)
    assert isinstance(failed, Failed)
    assert failed.quality is quality
    assert failed.busy is (answer == ExceptionAnswer(6))


def test_a_late_answer_cannot_tell_the_base():
    """The first request on a serial line has another shape than blocks and base probe."""
    probe = step_probe(BASED, blocks(BASED))
    assert probe is not None
    shapes = {(block.function, block.count) for block in blocks(BASED)} | {(3, 1)}
    assert (probe.function, probe.count) not in shapes


def test_a_device_without_anything_to_ask():
    """Over TCP a device without settings is joined without a request."""
    assert join(KELLER, None, lambda block, shift: NoAnswer(0), 0) == Joined(None, 0)


@pytest.mark.parametrize(
    ("code", "quality"),
    [(6, Quality.BAD_EXCEPTION), (10, Quality.BAD_NO_ANSWER), (11, Quality.BAD_NO_ANSWER)],
)
def test_a_probe_that_the_device_did_not_answer(code, quality):
    """Busy, and a gateway's word that nobody is there, say nothing of being in step."""
    probe = step_probe(KELLER, blocks(KELLER))
    failed = join(KELLER, probe, lambda block, shift: ExceptionAnswer(code), 0)
    assert isinstance(failed, Failed)
    assert failed.quality is quality
    assert join(KELLER, probe, lambda block, shift: ExceptionAnswer(2), 0) == Joined(None, 0)
