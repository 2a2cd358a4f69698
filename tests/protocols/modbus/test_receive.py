"""Arrival by a clock that the test sets: in pieces, late, twice, damaged, foreign, never."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.answer import Damaged, ExceptionAnswer, Registers
from protocols.modbus.ascii_frames import ascii_frame
from protocols.modbus.frames import Request, answer_pdu, exception_pdu, rtu_frame, tcp_frame
from protocols.modbus.receive import (
    MAX_LATE_FRAMES,
    NoAnswer,
    SerialReceiver,
    TcpReceiver,
    Timing,
)

CHAR_S = 10 / 9600
TIMING = Timing(CHAR_S, 3.5 * CHAR_S, timeout_s=0.5, gap_s=0.05, quiet_s=0.5)
CELLULAR = Timing(0.0, 0.0, timeout_s=3.0, gap_s=0.4, quiet_s=2.0)
ASKED = Request(5, 3, 100, 4)
WORDS = (0x0102, 0x0304, 0x0506, 0x0708)
PDU = answer_pdu(3, WORDS)
FRAME = rtu_frame(5, PDU)
FRAMINGS = {"rtu": rtu_frame, "ascii": ascii_frame}


def hear(receiver, events):
    """Play (instant, bytes) to the receiver; the result and the instant of it."""
    now = 0.0
    for at, data in sorted(events, key=lambda event: event[0]):
        while receiver.result is None and receiver.until_s < at:
            now = receiver.until_s
            receiver.silence(now)
        if receiver.result is not None:
            return receiver.result, now
        now = at
        receiver.came(data, at)
    while receiver.result is None:
        now = receiver.until_s
        receiver.silence(now)
    return receiver.result, now


def heard(events, timing=TIMING, framing="rtu", asked=ASKED):
    return hear(SerialReceiver(framing, asked, timing, sent_s=0.0), events)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_whole_answer(framing):
    """An answer in one piece counts once 3.5 characters of silence have passed."""
    result, at = heard([(0.1, FRAMINGS[framing](5, PDU))], framing=framing)
    assert result == Registers(WORDS)
    assert at == pytest.approx(0.1 + 3.5 * CHAR_S)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_exceptions_are_shorter(framing):
    """A refusal ends by its own length."""
    frame = FRAMINGS[framing](5, exception_pdu(3, 6))
    result, at = heard([(0.1, frame[:4]), (0.11, frame[4:])], framing=framing)
    assert result == ExceptionAnswer(6)
    assert at < 0.2


def test_requests_of_both_framings():
    """The same request is binary on RTU and text on ASCII."""
    asked = Request(0x11, 3, 0x6B, 3)
    assert rtu_frame(asked.unit, asked.pdu).hex() == "1103006b00037687"
    assert ascii_frame(asked.unit, asked.pdu) == b":1103006B00037E\r\n"


def test_a_gap_within_the_frame():
    """Gaps of 30 ms, as cellular modems leave them, do not end a frame; longer ones do.

    A 3.5-character silence alone cannot frame there (devices/README.md, item 9).
    """
    pieces = [(0.1, FRAME[:4]), (0.13, FRAME[4:9]), (0.16, FRAME[9:])]
    assert heard(pieces)[0] == Registers(WORDS)
    split = [(0.1, FRAME[:4]), (0.1 + 0.05 + 10 * CHAR_S, FRAME[4:])]
    assert heard(split)[0] == Damaged("4 bytes of 13 came")
    patient = TIMING._replace(gap_s=0.4)
    assert heard(split, patient)[0] == Registers(WORDS)


def test_all_gaps_together_are_bounded():
    """An answer that drips for ever is damaged: all its gaps together may take one timeout."""
    dripping = [(0.1 + 0.3 * n, FRAME[n : n + 1]) for n in range(len(FRAME))]
    result, at = heard(dripping, TIMING._replace(gap_s=0.4))
    assert isinstance(result, Damaged)
    assert at < 0.1 + 0.5 + 0.5 + 0.5 + 0.1


@pytest.mark.parametrize("lost", [1, 2, 3, 12])
def test_lost_first_bytes(lost):
    """A modem that swallows the first bytes gives no value, whatever the rest is."""
    assert heard([(0.1, FRAME[lost:])])[0] == Damaged(f"{13 - lost} bytes of 13 came")


def test_silence():
    """A device that says nothing holds the line for timeout and quiet time, and no longer."""
    assert heard([]) == (NoAnswer(0), 1.0)
    assert heard([(0.7, FRAME)]) == (NoAnswer(13), 1.0)


def test_junk_behind():
    """A byte within the silence after an answer makes all of it damaged."""
    assert heard([(0.1, FRAME), (0.102, b"\0")])[0] == Damaged("1 bytes behind the answer")
    assert heard([(0.1, FRAME + FRAME)])[0] == Damaged("13 bytes behind the answer")


def test_a_babbling_line_is_given_up():
    """A line that never falls silent costs bounded time."""
    result, at = heard([(0.002 * n, b"\x55") for n in range(5000)])
    assert isinstance(result, Damaged)
    assert at <= 1.5 + 0.01


@given(st.lists(st.integers(1, 12), max_size=5), st.lists(st.floats(0, 0.05), min_size=6))
def test_arrival_in_pieces_changes_nothing(cuts, gaps):
    """However an answer is cut, with gaps within the limit it is the same answer."""
    places = [0, *sorted(set(cuts)), len(FRAME)]
    events, at = [], 0.2
    for start, end, gap in zip(places, places[1:], gaps, strict=False):
        events.append((at, FRAME[start:end]))
        at += gap
    assert heard(events)[0] == Registers(WORDS)


@st.composite
def disturbed(draw):
    """An answer with something wrong: each alone would be a lie if it were believed."""
    frame = bytearray(FRAME)
    kind = draw(st.sampled_from(["bits", "insert", "delete", "cut", "foreign", "twice"]))
    if kind == "bits":
        for bit in draw(st.sets(st.integers(0, 8 * len(FRAME) - 1), min_size=1, max_size=2)):
            frame[bit // 8] ^= 1 << bit % 8
    elif kind == "insert":
        at = draw(st.integers(0, len(FRAME)))
        frame[at:at] = draw(st.binary(min_size=1, max_size=6))
    elif kind == "delete":
        at = draw(st.integers(0, len(FRAME) - 1))
        del frame[at : at + draw(st.integers(1, 4))]
    elif kind == "cut":
        del frame[draw(st.integers(0, len(FRAME) - 1)) :]
    elif kind == "foreign":
        unit, count = draw(st.sampled_from([(6, 4), (5, 3), (5, 5), (4, 1)]))
        frame = bytearray(rtu_frame(unit, answer_pdu(3, (9,) * count)))
    else:
        frame += FRAME
    return bytes(frame)


@given(disturbed(), st.floats(0.0, 1.0), st.integers(1, 8), st.floats(0, 0.03))
def test_no_disturbance_is_a_value(frame, delay, piece, gap):
    """One or two bits, insertion, deletion, truncation, foreign or doubled: never a wrong value.

    Only the answer itself counts, where what disturbs comes after the silence that ended it. And
    after a loss nothing that came within the quiet time is left for the next request.
    """
    pieces = [frame[at : at + piece] for at in range(0, len(frame), piece)]
    events = [(delay + n * gap, data) for n, data in enumerate(pieces)]
    result, at = heard(events)
    if frame.startswith(FRAME) and isinstance(result, Registers):
        assert result == Registers(WORDS)
    else:
        assert isinstance(result, Damaged | NoAnswer)
        assert all(when <= at for when, _ in events if when <= 1.0)


@given(
    st.sampled_from(["rtu", "ascii"]),
    st.lists(st.tuples(st.floats(0, 3), st.binary(min_size=1, max_size=40)), max_size=12),
)
def test_anything_ends_in_bounded_time(framing, events):
    """Whatever comes and whenever, there is a result within three timeouts, quiet time and wire."""
    result, at = heard(events, framing=framing)
    assert isinstance(result, Damaged | NoAnswer | ExceptionAnswer)
    assert at <= 3 * 0.5 + 0.5 + 40 * CHAR_S


def test_over_a_serial_server():
    """Where the rate is not known the frame still ends by its length."""
    events = [(1.0, FRAME[:6]), (1.39, FRAME[6:])]
    assert heard(events, CELLULAR)[0] == Registers(WORDS)


# ---- TCP ---------------------------------------------------------------------------------------


def over_tcp(events, asked=ASKED, transaction=9):
    receiver = TcpReceiver(asked, transaction, 0.5, 0.0)
    for data in events:
        if receiver.result is None:
            receiver.came(data)
    if receiver.result is None:
        receiver.silence()
    return receiver.result, receiver.broken


GOOD = tcp_frame(9, 5, PDU)


def test_tcp_answer():
    """The answer of the transaction counts, also byte by byte, also behind late ones."""
    late = tcp_frame(8, 5, answer_pdu(3, (1, 1, 1, 1)))
    for events in ([GOOD], [bytes((byte,)) for byte in GOOD], [late + GOOD], [late, GOOD]):
        assert over_tcp(events) == (Registers(WORDS), False)


@pytest.mark.parametrize(
    ("events", "broken"),
    [
        ([tcp_frame(9, 6, PDU)], False),
        ([tcp_frame(9, 5, answer_pdu(4, WORDS))], False),
        ([tcp_frame(9, 5, answer_pdu(3, WORDS[:3]))], False),
        ([GOOD[:2] + b"\0\1" + GOOD[4:]], True),
        ([GOOD[:4] + b"\xff" + GOOD[5:]], True),
        ([GOOD + b"\0"], True),
        ([GOOD[:-1]], True),
        ([tcp_frame(8, 5, PDU)] * MAX_LATE_FRAMES, True),
    ],
)
def test_tcp_refuses(events, broken):
    """Another unit, function, length or protocol is damaged; a stream out of step is closed."""
    result, closed = over_tcp(events)
    assert isinstance(result, Damaged)
    assert closed is broken


def test_tcp_silence():
    """Silence, or answers to earlier requests only, are no answer; the connection is kept."""
    assert over_tcp([]) == (NoAnswer(0), False)
    assert over_tcp([tcp_frame(8, 5, PDU)]) == (NoAnswer(0), False)


@given(st.integers(0, 8 * 9 - 1), st.integers(0, 65535))
def test_tcp_header_bits(bit, transaction):
    """No wrong bit of header, unit, function or byte count leaves a value."""
    asked = replace(ASKED, unit=5)
    frame = bytearray(tcp_frame(transaction, 5, PDU))
    frame[bit // 8] ^= 1 << bit % 8
    result, _ = over_tcp([bytes(frame)], asked, transaction)
    assert not isinstance(result, Registers)
