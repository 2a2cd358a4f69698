"""What became of a bus's requests: by kind, by device, with samples, on real lines."""

import pytest

from edge_agent.bus.counters import MAX_SAMPLES, NAMES, BusCounters, Counts
from edge_agent.bus.link import NoAnswer
from edge_agent.config.model import BusConfig
from protocols.modbus.answer import Damaged, ExceptionAnswer, Registers
from protocols.modbus.damage import MAX_SAMPLE_BYTES, Sample
from protocols.modbus.frames import Request, answer_pdu, exception_pdu, rtu_frame
from protocols.modbus.write import Write, Written
from protocols.registers.library import load_profile
from tests.edge_agent.modbus_servers import RawRtu
from tests.edge_agent.running_bus import Running, device

KELLER = load_profile("keller-33x")
ASKED = Request(2, 3, 0, 2)
SENT = rtu_frame(2, ASKED.pdu)
RIGHT = rtu_frame(2, answer_pdu(3, (1, 2)))
LINE = BusConfig("line", "rtu", port="none")


@pytest.mark.parametrize(
    ("answer", "heard", "names"),
    [
        (NoAnswer(0), b"", {"no_answer"}),
        (NoAnswer(9), RIGHT, {"no_answer", "late"}),
        (Damaged("d"), RIGHT[:-1], {"damaged", "length"}),
        (Damaged("d"), RIGHT[:-1] + b"\0", {"damaged", "crc"}),
        (Damaged("d"), rtu_frame(3, RIGHT[1:-2]), {"damaged", "foreign"}),
        (Damaged("d"), SENT + RIGHT, {"damaged", "echo"}),
        (Damaged("closed"), b"", {"damaged", "length"}),
        (ExceptionAnswer(2), rtu_frame(2, exception_pdu(3, 2)), {"exception"}),
        (ExceptionAnswer(6), rtu_frame(2, exception_pdu(3, 6)), {"busy"}),
        (ExceptionAnswer(11), rtu_frame(2, exception_pdu(3, 11)), {"no_answer"}),
    ],
)
def test_each_failure_has_its_counters(answer, heard, names):
    """Beside the request itself; nothing else moves, and nothing is good."""
    counters = BusCounters.of(LINE, [device("p", 2, KELLER)])
    counters.count(ASKED, answer, (SENT, heard), 7)
    counts = counters.by_device["p"]
    moved = {name for name, value in counts.to_json().items() if value}
    assert moved == {"requests"} | names
    assert counts.last_failure_mono_ms == 7
    assert counts.last_failure
    assert counts.samples == ((Sample(SENT, heard, 9),) if heard else ())
    assert counters.total() == counts.to_json()


def test_good_answers_cost_no_sample():
    """Values and acknowledged writes count as good, nothing is kept of them."""
    counters = BusCounters.of(LINE, [device("p", 2, KELLER)])
    counters.count(ASKED, Registers((1, 2)), (SENT, RIGHT), 1)
    counters.count(Write(2, 6, 0, (1,)), Written(), (SENT, RIGHT), 2)
    assert counters.by_device["p"].good == 2
    assert counters.by_device["p"].samples == ()
    assert counters.by_device["p"].last_failure == ""


def test_samples_are_bounded():
    """The newest eight, of 300 bytes each."""
    counts = Counts()
    for number in range(20):
        counts.fail(Damaged("d"), Sample(SENT, bytes([number]) * 900, 9), "rtu", number)
    assert len(counts.samples) == MAX_SAMPLES
    assert {len(sample.heard) for sample in counts.samples} == {MAX_SAMPLE_BYTES}
    assert counts.samples[-1].heard[0] == 19


def test_a_unit_of_nobody_counts_for_the_bus():
    """What a job asks of an unknown unit is in the total, and damage is counted by length."""
    counters = BusCounters.of(LINE, [device("p", 2, KELLER)])
    counters.count(Request(9, 3, 0, 60), Damaged("d"), (SENT, b"x"), 1)
    counters.count(ASKED, Registers((1, 2)), (SENT, RIGHT), 1)
    assert counters.total()["requests"] == 2
    assert counters.others.damaged == 1
    assert (sum(counters.asked_by_size), sum(counters.lost_by_size)) == (2, 1)
    assert counters.lost_by_size[(122).bit_length()] == 1
    assert tuple(counters.total()) == NAMES


def test_a_running_bus_counts_what_it_meets():
    """Over a real line: one device answers, one is refused, one is silent."""
    with RawRtu() as server:
        server.replies[2] = lambda made, asked: [made.frame(2, exception_pdu(asked.function, 4))]
        server.replies[3] = lambda _made, _asked: []
        devices = [device(f"p{unit}", unit, KELLER, ["p1_f32"]) for unit in (1, 2, 3)]
        with Running(server.config, devices) as running:
            counters = running.thread.counters
            running.until(lambda _: counters.by_device["p3"].requests >= 2)
            running.until(lambda _: counters.by_device["p1"].requests >= 3)
    one, two, three = (counters.by_device[f"p{unit}"] for unit in (1, 2, 3))
    assert one.good == one.requests
    assert two.exception == two.requests > 0
    assert three.no_answer == three.requests
    assert "no answer" in three.last_failure
    assert three.slowest_ms >= 100
    assert one.polls > 0


def test_silence_in_a_row():
    """Ends with anything that is heard; what was good before does not hide it."""
    counters = BusCounters.of(LINE, [device("p", 2, KELLER)])
    counts = counters.by_device["p"]

    def after(*answers):
        for answer in answers:
            counters.count(ASKED, answer, (SENT, b""), 0)
        return counts.silent_run

    good, silent = Registers((1, 2)), NoAnswer(0)
    assert after(silent) == 1
    assert after(silent, silent) == 3
    assert after(good) == 0
    assert after(silent) == 1
    assert after(good, good, silent, silent, ExceptionAnswer(11)) == 3
    assert after(ExceptionAnswer(2)) == 0
    assert after(silent, NoAnswer(4)) == 0
    assert after(silent, Damaged("d")) == 0
    assert after(silent) == 1


def test_a_new_fault_is_seen_after_a_month_and_an_old_one_goes():
    """Of late is what happened in the last two to four minutes, with its samples."""
    counters = BusCounters.of(LINE, [device("p", 2, KELLER)])
    counts = counters.by_device["p"]

    def polled(answer, heard, from_s, to_s):
        for second in range(from_s, to_s, 2):
            counters.count(ASKED, answer, (SENT, heard), second * 1000)

    polled(Registers((1, 2)), RIGHT, 0, 6_000)
    assert 60 <= counts.of_late()["requests"] <= 121
    polled(Damaged("d"), RIGHT[:-1], 6_000, 6_060)
    late = counts.of_late()
    assert late["damaged"] == late["length"] == 30
    assert late["requests"] <= 121
    asked, lost = counters.by_size_of_late()
    assert (sum(asked), sum(lost)) == (late["requests"], 30)
    assert counts.samples
    polled(Registers((1, 2)), RIGHT, 6_060, 6_400)
    assert counts.of_late()["damaged"] == 0
    assert counts.samples == ()
    assert counts.damaged == 30


def test_a_device_that_is_asked_seldom_has_its_last_requests():
    """A minute apart: those of two minutes would be too few to tell anything by."""
    counters = BusCounters.of(LINE, [device("p", 2, KELLER)])
    for minute in range(100):
        counters.count(ASKED, NoAnswer(0), (SENT, b""), minute * 60_000)
        assert counters.by_device["p"].of_late()["no_answer"] >= min(minute + 1, 10)
    assert counters.by_device["p"].of_late()["requests"] <= 21
