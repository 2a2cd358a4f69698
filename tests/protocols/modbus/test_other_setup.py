"""How the other end sends, told by what our port hears of its answers."""

import pytest

from protocols.modbus.damage import Sample
from protocols.modbus.frames import answer_pdu, exception_pdu, read_request, rtu_frame
from protocols.modbus.other_setup import is_rest, other_setup
from protocols.modbus.uart import Setup, heard

OURS = Setup(9600, "N")
ASK = rtu_frame(5, read_request(3, 100, 10))
ANSWER = rtu_frame(5, answer_pdu(3, tuple(range(1000, 1010))))


@pytest.mark.parametrize(
    "theirs",
    [Setup(19200), Setup(4800), Setup(2400, "E"), Setup(9600, "E"), Setup(9600, swapped=True)],
    ids=["faster", "slower", "slower, even", "even", "swapped"],
)
def test_another_setup_is_told_by_its_bytes(theirs):
    """Sent so, the answer's head is heard as these bytes."""
    data = heard(ANSWER, theirs, OURS)
    found = other_setup([Sample(ASK, data, len(ANSWER))], OURS)
    assert found is not None
    assert (found.baud, found.swapped) == (theirs.baud, theirs.swapped)


@pytest.mark.parametrize(
    "data", [ANSWER, ANSWER[:-2], rtu_frame(5, exception_pdu(3, 2)), b"", b"\x05", ANSWER[1:]]
)
def test_who_speaks_as_we_do_is_no_other_setup(data):
    """A right, cut, or refused answer tells nothing of another rate."""
    assert other_setup([Sample(ASK, data, len(ANSWER))], OURS) is None


def test_breaks_and_the_level_of_rest_tell_nothing():
    """They are no bytes of an answer."""
    assert [is_rest(data) for data in (b"\0\0", b"\xff", b"", b"\0\xff", b"\x05")] == [
        True, True, True, False, False,
    ]  # fmt: skip
