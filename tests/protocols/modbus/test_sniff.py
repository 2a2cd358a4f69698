"""What a listener makes of other people's frames, however they arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.frames import answer_pdu, bits_pdu, exception_pdu, read_request, rtu_frame
from protocols.modbus.sniff import MAX_BLOCKS, Kind, Sniffer
from protocols.modbus.write import Write

ASK = rtu_frame(5, read_request(3, 100, 4))
ANSWER = rtu_frame(5, answer_pdu(3, (1, 2, 3, 4)))
REFUSAL = rtu_frame(5, exception_pdu(3, 2))
WRITE = Write(6, 16, 7, (10, 20))
WRITTEN = rtu_frame(6, WRITE.echo)


def told(frames):
    return [(one[1], *one[2:7]) for one in frames]


def listen(*pieces):
    """Each piece, and silence behind it."""
    sniffer, found = Sniffer(), []
    for at, piece in enumerate(pieces):
        found += sniffer.came(piece, float(at))
        found += sniffer.silence(at + 0.5)
    return sniffer, told(found)


def test_a_read_and_its_answer():
    """The answer gets the address of its request, and how long it took."""
    sniffer, found = listen(ASK, ANSWER)
    assert found == [
        (Kind.REQUEST, 5, 3, 100, 4, ()),
        (Kind.ANSWER, 5, 3, 100, 4, (1, 2, 3, 4)),
    ]
    seen = sniffer.units[5]
    assert (seen.requests, seen.answers, seen.unanswered, seen.slowest_s) == (1, 1, 0, 1.0)
    assert seen.blocks == {(3, 100, 4): 1}
    assert sniffer.junk_bytes == 0


@given(st.lists(st.integers(1, 60), max_size=20))
def test_lumps_change_nothing(sizes):
    """An adapter delivers half a frame or three of them: the same frames."""
    stream = (ASK + ANSWER) * 3 + ASK + REFUSAL + rtu_frame(6, WRITE.pdu) + WRITTEN
    sniffer, found, at = Sniffer(), [], 0
    for size in [*sizes, len(stream)]:
        found += sniffer.came(stream[at : at + size], 1.0)
        at += size
    kinds = [Kind.REQUEST, Kind.ANSWER] * 3
    kinds += [Kind.REQUEST, Kind.EXCEPTION, Kind.REQUEST, Kind.ANSWER]
    assert [one.kind for one in found] == kinds
    assert sniffer.junk_bytes == 0
    assert sniffer.units[5].exceptions == 1


@pytest.mark.parametrize(
    ("ask", "answer", "words"),
    [
        (rtu_frame(1, read_request(1, 0, 24)), rtu_frame(1, bits_pdu(1, (1, 0) * 12)), (1, 0) * 12),
        (rtu_frame(1, read_request(2, 0, 3)), rtu_frame(1, bits_pdu(2, (1, 1, 0))), (1, 1, 0)),
        (rtu_frame(1, Write(1, 6, 9, (77,)).pdu), rtu_frame(1, Write(1, 6, 9, (77,)).echo), ()),
        (rtu_frame(1, Write(1, 5, 9, (1,)).pdu), rtu_frame(1, Write(1, 5, 9, (1,)).echo), ()),
    ],
)
def test_eight_bytes_that_could_be_either(ask, answer, words):
    """After its request it is the answer; an answer of three bytes is as long as a request."""
    _, found = listen(ask, answer)
    assert [one[0] for one in found] == [Kind.REQUEST, Kind.ANSWER]
    assert found[1][5] == words


def test_what_nobody_answered():
    """The next request tells."""
    sniffer, _ = listen(ASK, ASK, ASK, ANSWER)
    assert sniffer.units[5].unanswered == 2


def test_noise_before_and_between():
    """Is passed over, byte by byte, and counted; the frames are found."""
    sniffer, found = listen(b"\xff" + ASK, b"\x00\x17" + ANSWER + b"\x55")
    assert [one[0] for one in found] == [Kind.REQUEST, Kind.ANSWER]
    assert sniffer.junk_bytes == 4


def test_a_function_that_is_not_known_is_a_frame():
    """By its CRC alone."""
    _, found = listen(
        rtu_frame(5, b"\x2b\x0e\x01\x00"), rtu_frame(5, b"\x2b\x0e\x01\x01\x00\x00\x01")
    )
    assert [(one[0], one[2]) for one in found] == [(Kind.REQUEST, 43), (Kind.ANSWER, 43)]


@given(st.binary(max_size=600))
def test_any_bytes_are_accounted_for(data):
    """As frames or as junk; nothing is kept for ever, nothing fails."""
    sniffer = Sniffer()
    found = [*sniffer.came(data, 0.0), *sniffer.silence(1.0)]
    assert sum(len(one.frame) for one in found) + sniffer.junk_bytes == len(data)


def test_the_account_is_bounded():
    """A master that asks everything does not fill the memory."""
    sniffer = Sniffer()
    for address in range(2 * MAX_BLOCKS):
        list(sniffer.came(rtu_frame(5, read_request(3, address, 1)), 0.0))
    assert len(sniffer.units[5].blocks) == MAX_BLOCKS
    assert sniffer.units[5].requests == 2 * MAX_BLOCKS


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        ("07", "07 6D"),
        ("0B", "0B FFFF 0108"),
        ("0C", "0C 08 0000 0108 0121 2000"),
        ("11", "11 04 414D37FF"),
        ("18 04DE", "18 0006 0002 01B8 1284"),
        ("2B 0E 01 00", "2B 0E 01 01 00 00 01 00 04 41434D45"),
    ],
)
def test_who_begins_to_listen_at_an_answer_is_right_from_then_on(ask, answer):
    """Examples of the specification: question and answer do not change places."""
    ask, answer = (rtu_frame(5, bytes.fromhex(text)) for text in (ask, answer))
    _, found = listen(answer, ask, answer, ask, answer)
    kinds = [one[0] for one in found]
    assert kinds == [Kind.ANSWER, Kind.REQUEST, Kind.ANSWER, Kind.REQUEST, Kind.ANSWER]


def test_another_tunnel_of_function_43_is_paired_as_before():
    """CANopen (43/13) may have a request of any length."""
    frame = rtu_frame(5, bytes.fromhex("2B 0D 01 02 03 04 05 06"))
    _, found = listen(frame, frame)
    assert [one[0] for one in found] == [Kind.REQUEST, Kind.ANSWER]
