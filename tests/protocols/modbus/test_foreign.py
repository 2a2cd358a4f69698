"""Another master's requests are recognised in bytes that nobody asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.ascii_frames import ascii_frame
from protocols.modbus.foreign import foreign_request, sender_of
from protocols.modbus.frames import answer_pdu, read_request, rtu_frame
from protocols.modbus.write import Write

READ = rtu_frame(7, read_request(3, 4100, 12))
WRITE = rtu_frame(7, Write(7, 6, 1, (3,)).pdu)


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        (READ, "a read of unit 7, function 3, address 4100"),
        (b"\x00" + READ + rtu_frame(7, answer_pdu(3, (0,) * 12)), "a read of unit 7"),
        (WRITE, "a write to unit 7"),
        (b"", ""),
        (READ[:-1], ""),
        (rtu_frame(7, answer_pdu(3, (0,) * 12)), ""),
        (bytes(range(200)), ""),
    ],
)
def test_requests(heard, said):
    """A read or a write by somebody else is named; answers and noise are not."""
    assert foreign_request(heard).startswith(said)
    assert bool(foreign_request(heard)) is bool(said)


def test_our_own_echo_is_no_other_master():
    """An adapter that gives back what we sent does not make a second master."""
    assert foreign_request(READ, sent=READ) == ""
    assert foreign_request(READ + WRITE, sent=READ) == "a write to unit 7"


@given(st.binary(max_size=300))
def test_any_bytes_are_looked_at(heard):
    """Nothing that is heard raises."""
    assert isinstance(foreign_request(heard), str)


@pytest.mark.parametrize(
    ("heard", "framing", "units"),
    [
        (READ, "rtu", {7, 3}),
        (b"\xff" + READ, "rtu", {255, 7}),
        (b"", "rtu", set()),
        (ascii_frame(0x1F, b"\3"), "ascii", {0x1F}),
        (b":zz", "ascii", set()),
        (b":1", "ascii", set()),
    ],
)
def test_who_may_have_sent_it(heard, framing, units):
    """The unit stands first, behind a byte of noise at most."""
    assert sender_of(heard, framing) == units
