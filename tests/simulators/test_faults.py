"""Faults: the language, the schedule, each kind by example; the same seed makes the same."""

import contextlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.frames import (
    FrameError,
    answer_pdu,
    exception_pdu,
    read_request,
    rtu_frame,
    split_rtu,
)
from simulators.fault_plan import (
    Chance,
    Change,
    Every,
    FaultPlan,
    FaultSpecError,
    Hole,
    Step,
    parse_faults,
)
from simulators.faults import FaultyExchange, distorted, is_so
from simulators.framing import ASCII, RTU, TCP, Burst, Framing, Wrapped

_ANSWER = rtu_frame(1, answer_pdu(3, [7, 8, 9]))


def _respond(unit: int, pdu: bytes) -> bytes | None:
    first = int.from_bytes(pdu[1:3], "big")
    return answer_pdu(pdu[0] & 0x7F, [first, 8, 9]) if unit == 1 else None


class Line:
    """A faulty exchange with a clock that is moved by hand."""

    def __init__(self, spec: str, seed: int = 1, framing: Framing = RTU) -> None:
        self.now_ms = 0
        self._framing = framing
        plan = parse_faults(spec)
        self._exchange = FaultyExchange(framing, _respond, plan, seed, lambda: self.now_ms)

    def ask(self, address: int = 7, unit: int = 1) -> Sequence[Burst]:
        return self.hear(self._framing.join(Wrapped(0, unit, read_request(3, address, 3))))

    def hear(self, frame: bytes) -> Sequence[Burst]:
        return self._exchange(frame)


@pytest.mark.parametrize(
    ("spec", "plan"),
    [
        ("", FaultPlan()),
        ("late=0.01:300ms", FaultPlan(late=Chance(0.01, 300))),
        ("bit=0.001,busy=20s/5s", FaultPlan(bit=0.001, busy=Every(20_000, 5_000))),
        ("silence=1m/10s,vanish=60s/5s", FaultPlan(silence=Every(60_000, 10_000),
                                                  vanish=Every(60_000, 5_000))),
        ("delay=20ms-80ms", FaultPlan(delay=(20, 80))),
        ("delay=20ms", FaultPlan(delay=(20, 20))),
        ("hole=5", FaultPlan(hole=(Hole(5, 5, 2),))),
        ("hole=4105-4106+9:3", FaultPlan(hole=(Hole(4105, 4106, 3), Hole(9, 9, 3)))),
        ("exception=0.5:4", FaultPlan(exception=Chance(0.5, 4))),
        ("jump=60s:-1000", FaultPlan(jump=Step(60_000, -1000))),
        ("order=CDAB@60s", FaultPlan(order=Change("CDAB", 60_000))),
        ("drift=-50ppm", FaultPlan(drift=-50)),
        ("gap=0.1:30ms,head=0.1:2,lost=1,noise=0,twice=0.5,cut=0.5,behind=0.5,frozen=10s/10s",
         FaultPlan(gap=Chance(0.1, 30), head=Chance(0.1, 2), lost=1.0, twice=0.5, cut=0.5,
                   behind=0.5, frozen=Every(10_000, 10_000))),
    ],
)  # fmt: skip
def test_a_specification_is_read(spec: str, plan: FaultPlan) -> None:
    """Each word of the language, alone and together."""
    assert parse_faults(spec) == plan


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("nonsense=1", "'nonsense' is no fault; known: silence, busy"),
        ("late", "late=CHANCE:DURATION"),
        ("late=0.1", "late=CHANCE:DURATION"),
        ("late=2:300ms", "late="),
        ("bit=nan", "bit=CHANCE"),
        ("busy=5s/20s", "busy=PERIOD/SPAN"),
        ("busy=5/2", "busy="),
        ("delay=80ms-20ms", "delay="),
        ("hole=9-5", "hole=ADDRESS"),
        ("hole=70000", "hole="),
        ("exception=0.1:0", "exception="),
        ("order=XYZ@1s", "order=ORDER@INSTANT"),
        ("drift=50", "drift=NUMBERppm"),
        ("jump=0s:5", "jump="),
    ],
)
def test_a_wrong_specification_is_refused_with_the_form(spec: str, said: str) -> None:
    """The fault names the word, and how it is written."""
    with pytest.raises(FaultSpecError, match=said):
        parse_faults(spec)


@given(st.text(max_size=40))
def test_any_text_is_a_plan_or_a_fault_of_the_specification(text: str) -> None:
    """Nothing else is ever raised."""
    with contextlib.suppress(FaultSpecError):
        assert isinstance(parse_faults(text), FaultPlan)


def test_without_faults_the_answer_is_the_answer() -> None:
    """An empty plan changes nothing; an unknown unit stays silent, a damaged request is refused."""
    line = Line("")
    assert line.ask() == [Burst(0, _ANSWER)]
    assert line.ask(unit=2) == ()
    with pytest.raises(FrameError):
        FaultyExchange(RTU, _respond, FaultPlan(), 1, lambda: 0)(b"\x01\x03")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("lost=1", []),
        ("delay=50ms", [Burst(50, _ANSWER)]),
        ("late=1:300ms", [Burst(300, _ANSWER)]),
        ("late=1:300ms,delay=50ms", [Burst(350, _ANSWER)]),
        ("twice=1", [Burst(0, _ANSWER), Burst(0, _ANSWER)]),
        ("foreign=1", [Burst(0, rtu_frame(2, answer_pdu(3, [7, 8, 9])))]),
        ("head=1:2", [Burst(0, _ANSWER[2:])]),
        ("exception=1:4", [Burst(0, rtu_frame(1, exception_pdu(3, 4)))]),
        ("hole=9", [Burst(0, rtu_frame(1, exception_pdu(3, 2)))]),
        ("hole=1-7:1", [Burst(0, rtu_frame(1, exception_pdu(3, 1)))]),
        ("hole=10", [Burst(0, _ANSWER)]),
        ("hole=6", [Burst(0, _ANSWER)]),
    ],
)
def test_each_fault_by_itself(spec: str, expected: list[Burst]) -> None:
    """What goes over the line where the fault is certain."""
    assert list(Line(spec).ask()) == expected


def test_noise_comes_before_the_answer_and_a_cut_leaves_its_beginning() -> None:
    """One to eight bytes of anything; at least one byte and not all."""
    for seed in range(50):
        [noisy] = Line("noise=1", seed).ask()
        assert noisy.data.endswith(_ANSWER)
        assert 1 <= len(noisy.data) - len(_ANSWER) <= 8
        [cut] = Line("cut=1", seed).ask()
        assert _ANSWER.startswith(cut.data)
        assert 1 <= len(cut.data) < len(_ANSWER)


def test_a_gap_tears_the_answer_in_two() -> None:
    """Both parts make the whole, the second so much later."""
    first, second = Line("gap=1:30ms").ask()
    assert first.data + second.data == _ANSWER
    assert (first.after_ms, second.after_ms) == (0, 30)


def test_an_answer_behind_is_the_one_to_the_request_before() -> None:
    """A device that lags by one sends right frames with the wrong registers."""
    line = Line("behind=1")
    assert line.ask(7) == [Burst(0, _ANSWER)]  # nothing lies before the first
    assert line.ask(20) == [Burst(0, _ANSWER)]
    assert line.ask(30) == [Burst(0, rtu_frame(1, answer_pdu(3, [20, 8, 9])))]


def test_bits_are_wrong_as_often_as_was_said() -> None:
    """A thousand answers of 88 bits with one wrong in a hundred have some 880 wrong."""
    line = Line("bit=0.01")
    wrong = 0
    for _ in range(1000):
        [burst] = line.ask()
        wrong += (int.from_bytes(burst.data, "big") ^ int.from_bytes(_ANSWER, "big")).bit_count()
    assert 750 < wrong < 1010


@pytest.mark.parametrize("word", ["lost=0.1", "twice=0.1", "foreign=0.1", "late=0.1:5ms"])
def test_chances_come_as_often_as_was_said(word: str) -> None:
    """One in ten, of a thousand."""
    line, plain = Line(word), [Burst(0, _ANSWER)]
    assert 60 < sum(list(line.ask()) != plain for _ in range(1000)) < 145


def test_faults_that_come_and_go() -> None:
    """The last five seconds of each twenty: busy, and then well again; silence likewise."""
    busy, silent = Line("busy=20s/5s"), Line("silence=20s/5s")
    for now_ms, bad in ((0, False), (14_999, False), (15_000, True), (19_999, True),
                        (20_000, False), (35_000, True)):  # fmt: skip
        busy.now_ms = silent.now_ms = now_ms
        expected = rtu_frame(1, exception_pdu(3, 6)) if bad else _ANSWER
        assert busy.ask() == [Burst(0, expected)]
        assert (silent.ask() == ()) is bad
        assert is_so(Every(20_000, 5_000), now_ms) is bad


def test_totals_freeze_jump_and_the_clock_drifts() -> None:
    """What the device believes of the time, by its faults."""
    plan = parse_faults("frozen=60s/10s,jump=30s:1000,drift=100ppm,order=CDAB@50s")
    assert distorted(plan, 20_000, 5_000_000)._asdict() == {
        "elapsed_ms": 20_000, "totals_ms": 20_000, "utc_ms": 5_000_002, "jump": 0, "order": None,
    }  # fmt: skip
    now = distorted(plan, 57_000, 5_000_000)
    assert (now.totals_ms, now.jump, now.order) == (50_000, 1000, "CDAB")
    assert distorted(plan, 61_000, 0).totals_ms == 61_000
    assert distorted(FaultPlan(), 61_000, 9) == (61_000, 61_000, 9, 0, None)


_ALL = "late=0.2:30ms,bit=0.002,noise=0.1,twice=0.1,cut=0.1,behind=0.1,foreign=0.1,lost=0.1"


@pytest.mark.parametrize("framing", [RTU, ASCII, TCP], ids=lambda framing: framing.name)
def test_the_same_seed_makes_the_same_faults(framing: Framing) -> None:
    """Two lines of one seed agree for a hundred requests; another seed does not."""
    lines = [Line(_ALL, seed, framing) for seed in (5, 5, 6)]
    heard = [[list(line.ask(n)) for n in range(100)] for line in lines]
    assert heard[0] == heard[1]
    assert heard[0] != heard[2]


def test_one_more_fault_does_not_move_the_others() -> None:
    """Which answers are foreign does not depend on which are doubled."""
    alone, more = Line("foreign=0.3"), Line("foreign=0.3,twice=0.5,delay=1ms")
    for _ in range(100):
        first, second = alone.ask()[0], more.ask()[0]
        assert split_rtu(first.data)[0] == split_rtu(second.data)[0]


@given(st.binary(max_size=30), st.integers(0, 1000), st.integers(0, 10**7))
def test_any_bytes_are_a_frame_with_bursts_or_no_frame(data: bytes, seed: int, now_ms: int) -> None:
    """Under all faults at once: every burst has bytes, and nothing but a FrameError is raised."""
    line = Line(f"{_ALL},gap=0.5:30ms,head=0.5:2,exception=0.1:4,busy=20s/5s,hole=0-9", seed)
    line.now_ms = now_ms
    with contextlib.suppress(FrameError):
        assert all(burst.data for burst in line.hear(data))
    assert all(burst.data for burst in line.hear(rtu_frame(1, data or b"\x03")))
