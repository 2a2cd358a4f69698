"""Files of captured frames: read, replayed, decoded; their faults by line."""

from pathlib import Path

import pytest

from protocols.modbus.frames import answer_pdu, read_request, rtu_frame
from simulators.frames_check import check_block
from simulators.frames_file import Captured, FramesError, parse_frames, replay
from simulators.framing import ASCII, RTU, TCP, Burst, Wrapped

_FILE = Path(__file__).parents[1] / "golden" / "captured_frames.txt"
_ASK = rtu_frame(1, read_request(4, 400, 2))
_ANSWER = bytes.fromhex("01 04 04 42 C8 80 00 0F C2")
_TEXT = f"""
# a comment
source: a manual
profile: rosemount-3095fb
request: {_ASK.hex(" ")}
answer: {_ANSWER.hex(" ")}
value: diff_pressure = 100.25

request: {_ASK.hex(" ")}

request: {_ASK.hex()}
answer: FF FF
"""


def test_a_file_is_read_block_by_block() -> None:
    """Keys in any order, comments and blank lines anywhere; each block knows its line."""
    first, second, third = parse_frames(_TEXT)
    assert first == Captured(3, "a manual", "rosemount-3095fb", "", _ASK, _ANSWER,
                             values=(("diff_pressure", "100.25"),))  # fmt: skip
    assert second == Captured(9, request=_ASK)
    assert (third.line, third.answer) == (11, b"\xff\xff")
    assert parse_frames("") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "line 1: must be one of source"),
        ("\ncolour: red", "line 2: must be one of"),
        ("answer: 0G", "line 1: answer must be bytes"),
        ("request: 01 03 00 00 00 01 00 00", "line 1: the request is no RTU frame: CRC"),
        ("source: a\nsource: b", "line 2: a second source"),
        ("value: p 5", "line 1: must be value"),
    ],
)
def test_a_fault_names_its_line(text: str, said: str) -> None:
    """So that it can be mended."""
    with pytest.raises(FramesError, match=said):
        parse_frames(text)


def test_a_request_gets_its_answers_in_turn() -> None:
    """Answer, silence, bytes that are no frame, and from the beginning; others get silence."""
    exchange = replay(parse_frames(_TEXT), RTU)
    expected = [(Burst(0, _ANSWER),), (), (Burst(0, b"\xff\xff"),), (Burst(0, _ANSWER),)]
    assert [exchange(_ASK) for _ in range(4)] == expected
    assert exchange(rtu_frame(2, read_request(4, 400, 2))) == ()


@pytest.mark.parametrize("framing", [ASCII, TCP], ids=lambda framing: framing.name)
def test_other_framings_carry_the_same_pdu(framing):  # type: ignore[no-untyped-def]
    """The transaction is the request's."""
    exchange = replay(parse_frames(_TEXT), framing)
    asked = Wrapped(77 if framing is TCP else 0, 1, read_request(4, 400, 2))
    pdu = answer_pdu(4, [0x42C8, 0x8000])
    assert exchange(framing.join(asked)) == (Burst(0, framing.join(asked._replace(pdu=pdu))),)


def test_every_captured_frame_decodes_to_what_was_printed() -> None:
    """The golden file, whole."""
    checked = [check_block(block) for block in parse_frames(_FILE.read_text(encoding="utf-8"))]
    assert len(checked) >= 10
    assert [one.block.source for one in checked if not one.is_good] == []
    assert all(one.shown for one in checked)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"profile": "nobody"}, "no profile 'nobody'"),
        ({"profile": ""}, "no profile ''"),
        ({"answer": b""}, "no request and answer"),
        ({"answer": rtu_frame(1, bytes.fromhex("84 02"))}, "exception 02"),
        ({"answer": _ANSWER[:-1] + b"\x00"}, "not the answer: CRC"),
        ({"archive": "hourly"}, "has no archive 'hourly'"),
        ({"values": (("nothing", "1"),)}, "nothing: not in these frames"),
        ({"data": b"\x00\x00", "values": ()}, "nobody knows where it begins"),
    ],
)
def test_what_cannot_be_decoded_says_why(change: dict[str, object], fault: str) -> None:
    """A block is judged by itself and never ends the rest."""
    block = parse_frames(_TEXT)[0]._replace(**change)  # type: ignore[arg-type]
    checked = check_block(block)
    assert not checked.is_good
    assert fault in checked.fault


@pytest.mark.parametrize(
    ("printed", "agrees"),
    [("100.25", True), ("100.3", True), ("100", True), ("100.24", False), ("100.250", True),
     ("101", False), ("none", False), ("much", False), ("NaN", False)],
)  # fmt: skip
def test_a_value_agrees_to_the_digits_that_were_printed(printed: str, *, agrees: bool) -> None:
    """Half of the last digit either way."""
    block = parse_frames(_TEXT)[0]._replace(values=(("diff_pressure", printed),))
    assert check_block(block).shown[0].agrees is agrees


def test_a_profile_may_be_given_and_all_values_are_shown() -> None:
    """Without printed values everything that lies in the answer is shown."""
    block = parse_frames(_TEXT)[0]._replace(profile="", values=())
    checked = check_block(block, "rosemount-3095fb")
    assert checked.is_good
    assert [shown.decoded for shown in checked.shown] == ["100.25 inH2O"]
