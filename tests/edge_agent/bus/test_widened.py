"""A block asked for more than its points need: when, what is cut from it, and when no longer."""

from dataclasses import replace

import pytest

from edge_agent.bus.link import NoAnswer, PortGone
from edge_agent.bus.widened import MAX_LOST, Widened
from protocols.modbus.answer import Damaged, ExceptionAnswer, Registers
from protocols.modbus.plan import Block, plan
from protocols.registers.library import load_profile

KELLER = load_profile("keller-33x")
TWO = plan(KELLER.points_of(["p1_f32", "tob1_f32"]), KELLER)
P1, TOB1 = TWO
WIDE = Block(3, 6, 4, TOB1.points)


def test_only_behind_one_of_its_shape():
    """Nothing costs more where the answers differ anyway; the points are the block's."""
    widened = Widened(KELLER, ())
    assert widened.instead(P1, None) is P1
    assert widened.instead(TOB1, WIDE) is TOB1
    assert widened.instead(TOB1, P1) == WIDE
    assert widened.instead(TOB1, TOB1) == WIDE


def test_not_over_what_was_refused():
    """A register that the device refused is read by no request."""
    beside = KELLER.points_of(["t_f32", "tob2_f32"])
    assert Widened(KELLER, beside[:1]).instead(TOB1, P1).address == 8
    assert Widened(KELLER, beside).instead(TOB1, P1) is TOB1


@pytest.mark.parametrize(
    ("block", "asked", "words", "cut"),
    [
        pytest.param(TOB1, WIDE, (1, 2, 3, 4), (3, 4), id="registers-before"),
        pytest.param(TOB1, replace(WIDE, address=8), (1, 2, 3, 4), (1, 2), id="registers-behind"),
        pytest.param(
            Block(3, 7001, 1, (), 0, 4), Block(3, 7000, 3, (), 0, 4), (1, 2, 3, 4, 5, 6), (3, 4),
            id="registers-of-four-bytes",
        ),
        pytest.param(Block(2, 4, 2, ()), Block(2, 1, 9, ()), tuple(range(9)), (3, 4), id="bits"),
    ],
)  # fmt: skip
def test_what_is_cut(block, asked, words, cut):
    """The words of the block, wherever it lies in what was asked."""
    assert Widened(KELLER, ()).cut(block, asked, Registers(words)) == Registers(cut)


def test_a_refusal():
    """The block is asked as it is, now and from then on."""
    widened = Widened(KELLER, ())
    assert widened.instead(TOB1, P1) == WIDE
    assert widened.cut(TOB1, WIDE, ExceptionAnswer(2)) is None
    assert widened.instead(TOB1, P1) is TOB1


@pytest.mark.parametrize(
    "answer",
    [Damaged("behind"), PortGone("gone"), ExceptionAnswer(6), ExceptionAnswer(11)],
    ids=["damaged", "port-gone", "busy", "gateway"],
)
def test_what_says_nothing_of_the_map(answer):
    """It is the answer, however often."""
    widened = Widened(KELLER, ())
    widened.instead(TOB1, P1)
    for _ in range(2 * MAX_LOST):
        assert widened.cut(TOB1, WIDE, answer) == answer
    assert widened.instead(TOB1, P1) == WIDE


def test_silence():
    """Three in a row are the device's way to refuse; an answer between them is none."""
    widened, silence = Widened(KELLER, ()), NoAnswer(0)
    widened.instead(TOB1, P1)
    for answer in (silence, silence, Registers((1, 2, 3, 4)), silence, silence):
        widened.cut(TOB1, WIDE, answer)
        assert widened.instead(TOB1, P1) == WIDE
    assert widened.cut(TOB1, WIDE, silence) == silence
    assert widened.instead(TOB1, P1) is TOB1
