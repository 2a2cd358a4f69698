"""From counters, bytes and setup to the likely cause: a table, and what a UART would hear."""

import pytest

from protocols.modbus.damage import Sample
from protocols.modbus.diagnosis import (
    BusFacts,
    Cause,
    DeviceFacts,
    Likely,
    Sure,
    diagnose_bus,
)
from protocols.modbus.frames import answer_pdu, read_request, rtu_frame
from protocols.modbus.uart import Setup, heard

OURS = Setup(9600, "N")
ASK = rtu_frame(5, read_request(3, 100, 10))
ANSWER = rtu_frame(5, answer_pdu(3, tuple(range(1000, 1010))))
SIZED = {"asked_by_size": (0, 0, 0, 500, 0, 0, 0, 500, 0)}


def dev(name, samples=(), unit=5, **counts):
    counts.setdefault("requests", 100)
    return DeviceFacts(name, unit, counts, [Sample(ASK, data, len(ANSWER)) for data in samples])


def line(*devices, **more):
    return BusFacts("rtu", OURS, devices, **more)


BEHIND, COILS = rtu_frame(5, bytes((3, 2, 1, 2))), rtu_frame(5, bytes((1, 1, 7)))
LIVE = dev("live", good=100)
TABLE = [
    ("sound", line(LIVE), None),
    ("too few to tell", line(dev("a", requests=2, no_answer=2)), None),
    ("all silent", line(dev("a", no_answer=100), dev("b", no_answer=100)),
     (Cause.LINE_DEAD, Sure.LIKELY, "")),
    ("the only one silent", line(dev("a", no_answer=100)), (Cause.LINE_DEAD, Sure.POSSIBLE, "")),
    ("one silent", line(LIVE, dev("b", no_answer=100)), (Cause.UNIT_DEAD, Sure.CERTAIN, "b")),
    ("silent now, good before",
     line(LIVE, dev("b", no_answer=9, good=991, requests=1000)._replace(silent_run=9)),
     (Cause.UNIT_DEAD, Sure.CERTAIN, "b")),
    ("silent now, busy before",
     line(LIVE, dev("b", no_answer=9, busy=91)._replace(silent_run=9)),
     (Cause.UNIT_DEAD, Sure.CERTAIN, "b")),
    ("all silent now, good before",
     line(*(dev(name, no_answer=9, good=91)._replace(silent_run=9) for name in "ab")),
     (Cause.LINE_DEAD, Sure.LIKELY, "")),
    ("one late answer among a thousand", line(dev("b", no_answer=1, late=1, requests=1000)), None),
    ("one echo among a thousand", line(dev("b", damaged=1, echo=1, requests=1000)), None),
    ("echo", line(dev("a", [ASK + ANSWER], damaged=100, echo=100)),
     (Cause.ECHO, Sure.CERTAIN, "")),
    ("another master", line(dev("a", good=100), other_master="a read of unit 1"),
     (Cause.TWO_MASTERS, Sure.CERTAIN, "")),
    ("another master in a bad answer",
     line(dev("a", [rtu_frame(9, read_request(4, 0, 2))], damaged=5, foreign=5, good=95)),
     (Cause.TWO_MASTERS, Sure.CERTAIN, "")),
    ("noise on all", line(dev("a", damaged=6, crc=6, good=94), dev("b", damaged=5, crc=5)),
     (Cause.NOISE, Sure.LIKELY, "")),
    ("all one behind", line(*(dev(name, [BEHIND] * 4, damaged=50, length=50) for name in "ab")),
     (Cause.BEHIND, Sure.LIKELY, "")),
    ("one behind, of another function", line(dev("a", [COILS] * 4, damaged=50, foreign=50)),
     (Cause.BEHIND, Sure.LIKELY, "")),
    ("one of two is one behind",
     line(LIVE, dev("b", [BEHIND] * 3 + [ANSWER[:5]], damaged=50, length=50)),
     (Cause.BEHIND, Sure.LIKELY, "b")),
    ("a converter one behind",
     line(*(dev(name, [rtu_frame(11 - unit, bytes((3, 2, 1, 2)))] * 4, unit, damaged=50, foreign=50)
            for name, unit in (("a", 5), ("b", 6)))),
     (Cause.BEHIND, Sure.LIKELY, "")),
    ("bytes without end", line(dev("a", [bytes(range(256)) * 2] * 4, damaged=50, crc=50)),
     (Cause.BABBLE, Sure.LIKELY, "")),
    ("long answers suffer",
     line(dev("a", damaged=60, crc=60, requests=1000), **SIZED,
          lost_by_size=(0, 0, 0, 2, 0, 0, 0, 58, 0)),
     (Cause.TERMINATION, Sure.LIKELY, "")),
    ("long and short suffer alike",
     line(dev("a", damaged=60, crc=60, requests=1000), **SIZED,
          lost_by_size=(0, 0, 0, 30, 0, 0, 0, 30, 0)),
     (Cause.NOISE, Sure.LIKELY, "")),
    ("one unit's answers are destroyed", line(LIVE, dev("b", damaged=80, crc=50, length=30)),
     (Cause.SHARED_UNIT, Sure.LIKELY, "b")),
    ("another unit's answers", line(LIVE, dev("b", damaged=9, foreign=9, good=91)),
     (Cause.SHARED_UNIT, Sure.POSSIBLE, "b")),
    ("late", line(LIVE, dev("b", no_answer=40, late=30, good=60)),
     (Cause.LATE, Sure.CERTAIN, "b")),
    ("always late", line(dev("b", no_answer=100, late=100)), (Cause.LATE, Sure.CERTAIN, "b")),
    ("now and then silent", line(LIVE, dev("b", no_answer=8, good=92)),
     (Cause.UNSTEADY, Sure.POSSIBLE, "b")),
    ("busy", line(LIVE, dev("b", busy=40, good=60)), (Cause.BUSY, Sure.CERTAIN, "b")),
    ("refuses", line(LIVE, dev("b", exception=100)), (Cause.REFUSES, Sure.CERTAIN, "b")),
    ("nothing but breaks", line(dev("a", [bytes(9)], damaged=100, length=100)),
     (Cause.SWAPPED, Sure.LIKELY, "")),
    ("nothing but rest", line(dev("a", [b"\xff" * 4], damaged=100, length=100)),
     (Cause.SWAPPED, Sure.LIKELY, "")),
    ("a TCP gateway without its line", BusFacts("tcp", None, [dev("a", no_answer=9, requests=9)]),
     (Cause.LINE_DEAD, Sure.POSSIBLE, "")),
    ("damage behind TCP", BusFacts("tcp", None, [dev("a", damaged=9, length=9)]),
     (Cause.NOISE, Sure.POSSIBLE, "")),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "first"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE])
def test_the_first_cause(facts, first):
    """The surest and widest stands first; a sound bus has none."""
    found = diagnose_bus(facts)
    assert (tuple(found[0][:3]) if found else None) == first


@pytest.mark.parametrize(
    ("theirs", "cause"),
    [
        (Setup(19200), Cause.WRONG_RATE),
        (Setup(4800), Cause.WRONG_RATE),
        (Setup(115200), None),  # too fast: not two bytes of the head are heard
        (Setup(2400, "E"), Cause.WRONG_RATE),
        (Setup(9600, "E"), Cause.WRONG_PARITY),
        (Setup(9600, "O"), Cause.WRONG_PARITY),
        (Setup(9600, swapped=True), Cause.SWAPPED),
    ],
)
def test_what_our_port_hears_of_another_setup(theirs, cause):
    """An instrument that answers all the same is found out by the bytes of its answer's head."""
    data = heard(ANSWER, theirs, OURS)
    facts = line(dev("a", [data], damaged=100, length=100))
    causes = [likely.cause for likely in diagnose_bus(facts)]
    assert causes[0] is cause if cause else not {Cause.WRONG_PARITY, Cause.SWAPPED} & set(causes)


def test_a_wrong_rate_is_named():
    """By its figures, which the technician sets."""
    data = heard(ANSWER, Setup(19200), OURS)
    (found,) = diagnose_bus(line(dev("a", [data], damaged=9, length=9, requests=9)))
    assert (found.figures["baud"], found.figures["our_baud"]) == (19200, 9600)


def test_all_of_a_faulty_line():
    """Bus first, then devices; one of each."""
    found = diagnose_bus(
        line(LIVE, dev("b", no_answer=100), dev("c", busy=50), other_master="a read of unit 1")
    )
    assert [(one.cause, one.device) for one in found] == [
        (Cause.TWO_MASTERS, ""), (Cause.UNIT_DEAD, "b"), (Cause.BUSY, "c"),
    ]  # fmt: skip
    assert isinstance(found[0], Likely)
