"""Causes as the agent tells them; of real lines: `test_faults.py`."""

import json

import pytest

from edge_agent.doctor.causes import _to_json, _with_shapes, cause_routes, parse_causes, shape_of
from protocols.modbus.damage import Sample
from protocols.modbus.diagnosis import BusFacts, Cause, DeviceFacts, Likely, Sure
from protocols.modbus.frames import rtu_frame

NOISE = Likely(Cause.NOISE, Sure.LIKELY, "", {"damaged": 9, "long": "3.1"})


def test_there_and_back() -> None:
    """As JSON; a cause of a newer agent is passed over."""
    told = json.loads(json.dumps({"buses": {"b": [_to_json(NOISE), {"cause": "moths"}, 7]}}))
    assert parse_causes(told) == {"b": (NOISE,)}


@pytest.mark.parametrize("answer", [{}, {"buses": 3}, {"ok": False, "error": "no"}])
def test_an_answer_that_is_none(answer) -> None:
    """It is told, and the doctor says that the agent cannot be asked."""
    with pytest.raises(ValueError, match="bus_causes"):
        parse_causes(answer)


def test_samples_that_are_too_short_are_counted() -> None:
    """Only for damage: it tells answers that are cut from those that are disturbed."""
    short, whole = Sample(b"\1", b"\1\3", 9), Sample(b"\1", b"\1\3" + bytes(7), 9)
    facts = BusFacts("rtu", None, (DeviceFacts("d", 1, {}, (short, short, whole)),))
    figures = _with_shapes(NOISE, facts).figures
    assert {name: figures[name] for name in ("cut", "paused", "samples")} == {
        "cut": 2, "paused": 0, "samples": 3
    }  # fmt: skip
    echo = Likely(Cause.ECHO, Sure.CERTAIN, "", {})
    assert _with_shapes(echo, facts) is echo


def test_shapes() -> None:
    """Sound and slow, sound and more behind it, sound and another's, cut; else changed."""
    frame = rtu_frame(1, bytes((3, 4, 1, 2, 3, 4)))
    heard = {
        frame: "paused", frame + b"\1": "doubled", frame[:-1]: "cut", b"\0" + frame[1:]: "",
        rtu_frame(1, bytes((3, 2, 1, 2))): "", b"\7" + frame: "",
    }  # fmt: skip
    for data, shape in heard.items():
        assert shape_of(Sample(b"", data, len(frame)), "rtu") == shape, data


def test_it_is_for_reading() -> None:
    """No bus, no cause; on the socket that only reads."""
    route = cause_routes(())["bus_causes"]
    assert not route.acts
    assert route.answer(None, "") == {"ok": True, "buses": {}}
