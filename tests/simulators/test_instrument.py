"""Strict instruments: whole values only, exceptions for the rest, the float order of the device."""

import struct

import pytest

from protocols.modbus.frames import Request
from protocols.registers.library import load_profile
from protocols.registers.profile import Order, ProfileError
from simulators.instrument import Instrument
from simulators.moment import Moment

_NOW = Moment(0, 0, 0, {}, {})


def _meter() -> Instrument:
    readings = {
        "vm": lambda _: 0x12345678,
        "resolution_vm": lambda _: -3,
        "flow_actual": lambda _: 2.5,
    }
    return Instrument("meter", load_profile("sick-flowsic500"), 1, "1", readings)


def _ask(instrument: Instrument, function: int, address: int, count: int) -> bytes:
    return instrument.answer(Request(1, function, address, count), _NOW).pdu


@pytest.mark.parametrize(
    ("address", "count", "answer"),
    [
        (4100, 1, "03 02 fffd"),
        (4102, 2, "03 04 12345678"),
        (4100, 4, "03 08 fffd 0000 12345678"),
        (7002, 2, "03 04 40200000"),
    ],
)
def test_whole_values_are_answered(address: int, count: int, answer: str) -> None:
    """A block of whole values gives exactly their registers; points without a reading show 0."""
    assert _ask(_meter(), 3, address, count) == bytes.fromhex(answer)


@pytest.mark.parametrize(
    ("function", "address", "count", "code"),
    [
        (3, 4103, 1, 2),  # the second register of vm
        (3, 4102, 1, 2),  # the first register of vm alone
        (3, 4101, 2, 2),  # ends within vm
        (3, 4103, 3, 2),  # begins within vm
        (3, 4110, 4, 2),  # beyond vb_total
        (3, 4099, 2, 2),
        (3, 9, 1, 2),
        (3, 65535, 1, 2),
        (4, 4100, 1, 1),  # the family has no function 4
        (3, 4100, 0, 3),
        (3, 4100, 126, 3),
    ],
)
def test_everything_else_is_refused(function: int, address: int, count: int, code: int) -> None:
    """A cut value or a stray address is 02, an unknown function 01, an impossible count 03."""
    assert _ask(_meter(), function, address, count) == bytes((function | 0x80, code))


@pytest.mark.parametrize(
    ("order", "code", "registers"),
    [
        ("ABCD", 0, "42c88000"),
        ("CDAB", 1, "800042c8"),
        ("DCBA", 2, "0080c842"),
        ("BADC", 3, "c8420080"),
    ],
)
def test_float_order_is_the_devices_setting(order: Order, code: int, registers: str) -> None:
    """The manual's frames for 100.25 in each format, and the register that tells the format."""
    profile = load_profile("rosemount-3095fb")
    device = Instrument("pt", profile, 1, "9", {"diff_pressure": lambda _: 100.25}, order)
    assert _ask(device, 4, 400, 2) == b"\x04\x04" + bytes.fromhex(registers)
    assert _ask(device, 3, 131, 1) == b"\x03\x02" + struct.pack(">H", code)


def test_no_value_is_sent_as_the_instrument_says_it() -> None:
    """A broken channel of a Keller is NaN as a float and the limit of INT32 as an integer."""
    readings = {"p1_f32": lambda _: None, "p1_i32": lambda _: None}
    keller = Instrument("p", load_profile("keller-33x"), 1, "3", readings)
    assert _ask(keller, 3, 2, 2) == bytes.fromhex("0304 7fc00000")
    assert _ask(keller, 3, 18, 2) == bytes.fromhex("0304 80000000")


def test_the_answer_names_its_points() -> None:
    """The plant notes an index as served only when the answer held it."""
    assert _meter().answer(Request(1, 3, 4100, 4), _NOW).points == (
        "resolution_vm", "resolution_vb", "vm",
    )  # fmt: skip
    assert _meter().answer(Request(1, 3, 4101, 2), _NOW).points == ()


def test_a_wrong_instrument_is_refused_when_it_is_built() -> None:
    """A unit nobody may have, and a reading that the profile does not place."""
    with pytest.raises(ValueError, match="unit 248"):
        Instrument("x", load_profile("keller-33x"), 248, "1", {})
    with pytest.raises(ProfileError, match="no point 'vm'"):
        Instrument("x", load_profile("keller-33x"), 1, "1", {"vm": lambda _: 1})
