"""An answer over the socket and back."""

import json

import pytest

from edge_agent.bus.link import NoAnswer, PortGone
from edge_agent.bus_tools.raw_route import RawJob, Told, from_json, to_json
from protocols.modbus.answer import Damaged, ExceptionAnswer, Registers
from protocols.modbus.frames import Request

FRAMES = (b"\x01\x03", b"\x01\x83\x02")


@pytest.mark.parametrize(
    "answer",
    [
        Registers((1, 65535)),
        ExceptionAnswer(2),
        NoAnswer(0),
        NoAnswer(7),
        Damaged("d"),
        PortGone("g"),
    ],
)
def test_there_and_back(answer):
    """What a link answers arrives as it was."""
    told = Told(answer, FRAMES)
    assert from_json(json.loads(json.dumps(to_json(told)))) == told


@pytest.mark.parametrize(
    "told", [{}, {"ok": False, "error": "no"}, {"sent": "zz", "heard": ""}, {"sent": 1, "heard": 2}]
)
def test_what_is_no_answer(told):
    """Is nothing to go on with, and says why where it is told."""
    assert isinstance(from_json(told).answer, PortGone | Damaged)


def test_a_job_that_is_not_done_says_why():
    """Abandoned: as if the port were gone."""
    job = RawJob(Request(1, 3, 0, 1), lambda: FRAMES, 0)
    job.abandon("the bus has ended")
    assert job.done.is_set()
    assert job.told.answer == PortGone("the bus has ended")
