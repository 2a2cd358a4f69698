"""Commands and writes: what is refused, which limits hold, what a status means."""

import math
from dataclasses import replace

import pytest

from protocols.registers.command import (
    Command,
    Status,
    Step,
    Write,
    command_faults,
    is_within,
    outcome,
    write_faults,
)
from protocols.registers.library import load_profile


def command(**change):
    good = Command("tare", "action", (Step(16, 999, (4, 0)),), status=Status(3, 1000, (0,)))
    return replace(good, **change)


def test_alicat_mailbox():
    """A mailbox command is written by one request, then read back until it is done or failed."""
    tare = next(one for one in load_profile("alicat-m-mc-p-pc").commands if one.name == "tare")
    assert tare.steps == (Step(16, 999, (4,), (0, 2)),)
    assert [outcome(tare.status, value) for value in (0, 32769, 4)] == ["", "bad command", None]


def test_scanner_snapshot():
    """A snapshot says that it belongs to one master."""
    first = load_profile("cameron-scanner-2000").commands[0]
    assert (first.kind, first.one_master, first.steps) == (
        "snapshot",
        True,
        (Step(16, 70, (20000,)),),
    )


@pytest.mark.parametrize(
    ("write", "number", "expected"),
    [
        (Write(16, "0", "4.2"), 4.2, False),  # the float is a little more than 4.2
        (Write(16, "0", "4.2"), 4.19, True),
        (Write(16, "-1", "1"), -1, True),
        (Write(16, "-1", "1"), 1.0000001, False),
        (Write(16, "0", "9"), math.nan, False),
        (Write(16, "0", "9"), math.inf, False),
        (Write(16, "0", ""), 1, False),  # nobody gave a limit
        (Write(16), 1, False),
    ],
)
def test_limits(write, number, expected):
    """Only a number within two limits may be written."""
    assert is_within(write, number) is expected


@pytest.mark.parametrize(
    ("write", "fault"),
    [
        (Write(3, "0", "1"), "write.function 3"),
        (Write(6, "0", "1", "x"), "write.kind 'x'"),
        (Write(6, "a", "1"), "write: low and high"),
        (Write(6, "2", "1"), "write: low 2 is above"),
    ],
)
def test_write_faults(write, fault):
    """Each impossible field of a write is named."""
    assert write_faults(write)[0].startswith(fault)
    assert write_faults(Write(6, "0", "1")) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"name": "A"}, "name 'A'"),
        ({"kind": "x"}, "kind 'x'"),
        ({"steps": ()}, "steps: must be 1..8"),
        ({"timeout_ms": 0}, "timeout_ms"),
        ({"timeout_ms": 60_001}, "timeout_ms"),
        ({"steps": (Step(3, 0, (1,)),)}, "steps: function 3"),
        ({"steps": (Step(6, 0, (1, 2)),)}, "steps: function 6 cannot write 2"),
        ({"steps": (Step(6, 0, ()),)}, "steps: function 6 cannot write 0"),
        ({"steps": (Step(16, 0, (65536,)),)}, "steps: words"),
        ({"steps": (Step(16, 65536, (1,)),)}, "steps: address"),
        ({"steps": (Step(16, 0, (1,), (2, 1)),)}, "steps: argument"),
        ({"steps": (Step(16, 0, (1,), (2,)),)}, "steps: argument"),
        ({"steps": (Step(16, 0, (), text=33),)}, "steps: function 16 cannot write 17"),
        ({"steps": (Step(16, 0, (1,), text=-1),)}, "steps: text"),
        ({"status": Status(6, 0, (0,))}, "status: function"),
        ({"status": Status(3, 0, ())}, "status: good"),
        ({"status": Status(3, 0, (1,), ((1, "bad"),))}, "status: good"),
    ],
)
def test_command_faults(change, fault):
    """Each impossible field of a command is named."""
    assert command_faults(command()) == []
    assert any(found.startswith(fault) for found in command_faults(command(**change)))
