"""Frames with their check, words in every order."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.bus_tools.reading import Check, check_of, in_orders, shown_number
from protocols.modbus.ascii_frames import ascii_frame
from protocols.modbus.frames import answer_pdu, rtu_frame, tcp_frame

PDU = answer_pdu(3, (1, 2))


def test_the_check_of_each_framing():
    """CRC low byte first, LRC as two digits; TCP has none; a damaged frame shows both."""
    frame = rtu_frame(5, PDU)
    check = check_of(frame, "rtu")
    assert check.is_right
    assert check.heard == frame[-2:].hex(" ").upper()
    wrong = check_of(frame[:-1] + b"\0", "rtu")
    assert not wrong.is_right
    assert wrong.computed == check.heard
    assert check_of(ascii_frame(5, PDU), "ascii").is_right
    assert not check_of(b":0503XX\r\n", "ascii").is_right
    assert check_of(tcp_frame(1, 5, PDU), "tcp") is None
    assert check_of(b"", "rtu") is None
    assert isinstance(check, Check)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_is_found_in_each_order(number):
    """Sent in that order, it stands in that order's line."""
    data = struct.pack(">f", number)
    a, b, c, d = data
    sent = {"ABCD": (a, b, c, d), "CDAB": (c, d, a, b), "BADC": (b, a, d, c), "DCBA": (d, c, b, a)}
    for order, octets in sent.items():
        words = struct.unpack(">2H", bytes(octets))
        found = {one.order: dict(one.forms) for one in in_orders(words)}
        assert found[order]["f32"] == number


def test_forms_by_length():
    """One word, two, four; no others."""
    assert [dict(one.forms) for one in in_orders((0xFFFE,))] == [
        {"u16": 65534, "i16": -2}, {"u16": 0xFEFF, "i16": -257},
    ]  # fmt: skip
    assert [one.order for one in in_orders((1, 2))] == ["ABCD", "CDAB", "DCBA", "BADC"]
    assert dict(in_orders((0, 0, 0, 7))[0].forms)["u64"] == 7
    assert in_orders((1, 2, 3)) == in_orders(()) == ()


@pytest.mark.parametrize(
    ("number", "shown"), [(None, "NaN"), (1.5, "1.5"), (7, "7"), (1 / 3, "0.333333333")]
)
def test_numbers(number, shown):
    """Nine digits."""
    assert shown_number(number) == shown
