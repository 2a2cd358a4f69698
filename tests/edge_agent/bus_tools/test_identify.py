"""Each packaged profile's simulated instrument is recognised, and why is told."""

import pytest

from edge_agent.bus.link import NoAnswer
from edge_agent.bus_tools.identify import identify, read_serial
from edge_agent.language import load_table
from protocols.modbus.answer import ExceptionAnswer, Registers, check_answer
from protocols.modbus.diagnosis import Sure
from protocols.registers.library import load_profile, profile_ids
from tests.edge_agent.served import Served

PROFILES = [load_profile(name) for name in profile_ids()]
EN = load_table("edge_agent.bus_tools", "en")


def found(profile_id):
    served = Served(load_profile(profile_id))
    asked = []

    def exchange(request):
        asked.append(request)
        pdu = served.answer(request.unit, request.pdu)
        return NoAnswer(0) if pdu is None else check_answer(request, request.unit, pdu)

    return identify(1, exchange, PROFILES, served.now().utc_ms // 1000), asked


@pytest.mark.parametrize("profile_id", profile_ids())
def test_an_instrument_is_recognised(profile_id):
    """Nobody fits better; each reason has its words; reads only, none twice, not too many."""
    guesses, asked = found(profile_id)
    best = [guess.profile for guess in guesses if guess.score == guesses[0].score]
    assert profile_id in best
    for reason in guesses[0].reasons:
        assert EN[f"id.{reason.key}"].format(**dict(reason.figures))
    assert {request.function for request in asked} <= {1, 2, 3, 4}
    assert len(asked) == len(set(asked)) <= 60


def test_who_tells_much_is_certain():
    """A clock that runs, all blocks answered; with a lead over all others."""
    guesses, _ = found("flonidan-uniflo1200")
    assert guesses[0].sure is Sure.CERTAIN
    assert {reason.key for reason in guesses[0].reasons} >= {"clock", "blocks"}


@pytest.mark.parametrize("answer", [NoAnswer(0), ExceptionAnswer(2), ExceptionAnswer(1)])
def test_who_tells_nothing_is_nobody(answer):
    """No profile is guessed from refusals or silence."""
    assert identify(1, lambda _asked: answer, PROFILES, 0) == ()


def test_all_zeros_are_never_certain():
    """A device that answers nothing but zeros could be many."""

    def zeros(asked):
        bits = asked.function in (1, 2)
        return Registers((0,) * (asked.count if bits else asked.data_bytes // 2))

    guesses = identify(1, zeros, PROFILES, 0)
    assert all(guess.sure is not Sure.CERTAIN for guess in guesses)


@pytest.mark.parametrize(
    ("profile_id", "answer", "serial"),
    [
        ("sick-flowsic500", Registers((0x0147, 0x4E3D)), "21450301"),
        ("sick-flowsic500", Registers((0, 0)), ""),
        ("sick-flowsic500", ExceptionAnswer(2), ""),
        ("keller-33x", Registers((1, 2)), ""),
    ],
)
def test_a_serial_number(profile_id, answer, serial):
    """As the device tells it; none where it does not, or its profile knows no such register."""
    assert read_serial(load_profile(profile_id), 1, lambda _asked: answer) == serial
