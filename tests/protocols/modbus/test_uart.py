"""A port that listens as the other end sends hears it; else what a UART would make of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.uart import Setup, heard

BAUDS = st.sampled_from([1200, 9600, 19200, 115200])
SETUPS = st.tuples(BAUDS, st.sampled_from("NEO"), st.sampled_from([1, 2])).map(lambda t: Setup(*t))


@given(st.binary(max_size=40), SETUPS)
def test_the_same_setup_hears_every_byte(data, setup):
    """At any rate, parity and number of stop bits; also where both ends are swapped."""
    assert heard(data, setup, setup) == data
    swapped = setup._replace(swapped=True)
    assert heard(data, swapped, swapped) == data


def test_a_parity_bit_in_the_place_of_the_stop_bit():
    """Heard as 8N1, even parity: a byte with an odd number of ones is right, others are breaks."""
    eight_e, eight_n = Setup(9600, "E"), Setup(9600)
    assert heard(b"\x01", eight_e, eight_n) == b"\x01"
    assert heard(b"\x03", eight_e, eight_n) == b"\x00"


def test_half_the_rate_hears_fewer_bytes_and_double_more():
    """Of ten bytes."""
    data = bytes(range(0x41, 0x4B))
    assert len(heard(data, Setup(19200), Setup(9600))) < 8
    assert len(heard(data, Setup(4800), Setup(9600))) > 10


@pytest.mark.parametrize("byte", [0x55, 0x01, 0x00])
def test_swapped_wires_are_no_complement(byte):
    """Rest looks like a start, so it is not just every bit turned round."""
    made = heard(bytes([byte]) * 8, Setup(9600), Setup(9600, swapped=True))
    assert made != bytes([byte]) * 8
    assert made != bytes([byte ^ 0xFF]) * 8
