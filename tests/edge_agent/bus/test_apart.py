"""A line whose answers are those of the request before, always or at times: none of them counts."""

import contextlib
import random
import struct
import threading
from dataclasses import replace

import pytest

from edge_agent.bus.apart import REPEAT_S, Apart
from edge_agent.bus.device_reading import Read, drive, reach, read_points
from edge_agent.bus.joining import Failed
from edge_agent.bus.link import NoAnswer, PortGone
from edge_agent.bus.poller import DevicePoller, Line
from edge_agent.config.model import BusConfig, DeviceConfig
from protocols.metering.instant import Instant
from protocols.metering.quality import Quality
from protocols.modbus.answer import (
    Damaged,
    ExceptionAnswer,
    Registers,
    check_ascii,
    check_rtu,
    check_tcp,
)
from protocols.modbus.apart import as_asked
from protocols.modbus.ascii_frames import ascii_frame
from protocols.modbus.frames import BIT_FUNCTIONS, Request, rtu_frame, tcp_frame
from protocols.modbus.plan import plan, wider
from protocols.modbus.write import WRITE_REGISTER, Write
from protocols.registers.codec import assemble
from protocols.registers.library import load_profile, profile_ids
from simulators.fault_plan import parse_faults
from simulators.faults import FaultyExchange, distorted
from simulators.framing import ASCII, RTU
from simulators.plausible import Given, Plausible
from simulators.rtu_line import LineTiming, RtuLine
from simulators.served_device import ServedDevice
from simulators.tcp_bus import TcpBus, TcpKind
from tests.edge_agent.running_bus import Running, device

CHECKS = {
    "rtu": (rtu_frame, check_rtu),
    "ascii": (ascii_frame, check_ascii),
    # a gateway whose serial side lags: it names the request that waits
    "tcp": (
        lambda unit, pdu: tcp_frame(0, unit, pdu),
        lambda asked, frame: check_tcp(asked, 0, frame),
    ),
}
ROUNDS = 120


def word_of(function, address, tick):
    """A register's content: no two of one poll are alike, and none in two polls in a row."""
    return (address * 257 + function * 31 + tick * 4099) & 0xFFFF


class LaggingLine:
    """Registers that move with each poll; `lag(number)` says whose answer is sent: 1 the request's
    before. `refuses(request)` are answered with exception 02."""

    def __init__(self, kind, lag, refuses=lambda _: False):
        self.frame, self.check = CHECKS[kind]
        self.lag, self.refuses = lag, refuses
        self.tick = 0
        self.sent = []
        self.asked = []

    def once(self, request):
        self.asked.append(request)
        self.sent.append(self.frame(request.unit, self._pdu(request)))
        behind = self.lag(len(self.sent))
        if behind >= len(self.sent):
            return NoAnswer(0)
        return self.check(request, self.sent[-1 - behind])

    def _pdu(self, request):
        if self.refuses(request):
            return bytes((request.function | 0x80, 2))
        size = request.register_bytes // 2
        words = [
            word_of(request.function, request.address + at // size, self.tick) + at % size
            for at in range(request.count * size)
        ]
        if request.function in BIT_FUNCTIONS:
            bits = sum((word & 1) << at for at, word in enumerate(words))
            data = bits.to_bytes(request.data_bytes, "little")
        else:
            data = b"".join((word & 0xFFFF).to_bytes(2, "big") for word in words)
        return bytes((request.function, len(data))) + data


class Site:
    """One device on such a line, polled each second."""

    def __init__(self, profile, line, kind="rtu", points=()):
        plain = replace(profile, order_point=None, expected={}, base_probe=None)
        points = tuple(points) or profile.default_points
        device = DeviceConfig("d", "b", 1, plain, "sn", points, 1000, 0)
        self.line = line
        self.poller = DevicePoller(device, Line(transactions=kind == "tcp"))
        self.apart = None if kind == "tcp" else Apart()
        self.ages = []

    def now(self):
        return Instant(1, 1000 * self.line.tick, None, 0)

    def exchange(self, asked):
        if self.apart is None:
            return self.line.once(asked)
        return self.apart.ask(self.line.once, asked, float(self.line.tick))

    def poll(self):
        """GOOD only with this poll's values of these points; how many polls old they are else."""
        self.line.tick += 1
        scan = self.poller.poll(self.exchange, self)
        if scan.quality == Quality.GOOD:
            ages = {
                self._age(*pair) for pair in zip(scan.register_map.points, scan.raws, strict=True)
            }
            self.ages.append(max(ages - {None}))
        return scan

    def read(self):
        """As a job does between two polls: point by point, whose shapes are all the same."""
        device, names = self.poller.device, self.poller.device.points
        to = reach(device, names, self.exchange)
        read = to if isinstance(to, Failed) else drive(read_points(to, names), self.exchange)
        if isinstance(read, Read):
            pairs = zip(read.map.points, read.raws, strict=True)
            self.ages.append(max(self._age(*pair) for pair in pairs))
        else:
            self.poller.out_of_step()  # as the bus thread does
        return read

    def _age(self, point, raw):
        if raw is None:
            return None
        for age in range(4):
            if raw == assemble(point, self._words(point, self.line.tick - age)):
                return age
        raise AssertionError(f"{point.name} is another point's value")

    def _words(self, point, tick):
        size = point.register_bytes // 2
        words = [
            word_of(point.function, point.address + at // size, tick) + at % size & 0xFFFF
            for at in range(point.words)
        ]
        return [word & 1 for word in words] if point.function in BIT_FUNCTIONS else words


def now_and_then(seed):
    chance = random.Random(seed)
    return lambda _number: chance.random() < 0.5


LAGS = {
    "half": lambda: now_and_then(1),
    "always": lambda: lambda _number: 1,
    "from-the-middle": lambda: lambda number: number > 100,
    "off-and-on": lambda: lambda number: number // 40 % 2,
}
KELLER = load_profile("keller-33x")


@pytest.mark.parametrize("kind", CHECKS)
@pytest.mark.parametrize("lag", LAGS)
def test_two_blocks_of_one_shape(kind, lag):
    """Pressure is never taken for temperature, nor what was measured before for what is now."""
    site = Site(KELLER, LaggingLine(kind, LAGS[lag]()), kind)
    for _ in range(ROUNDS):
        site.poll()
    assert set(site.ages) <= {0}
    assert lag == "always" or site.ages


@pytest.mark.parametrize("profile_id", sorted(set(profile_ids()) - {"generic-contacts"}))
def test_every_profile(profile_id):
    """No value of another point; one of the poll before only where a device has one block alone,
    which cannot be asked for more."""
    profile = load_profile(profile_id)
    site = Site(profile, LaggingLine("rtu", now_and_then(2)))
    for _ in range(ROUNDS):
        site.poll()
    blocks = plan(profile.points_of(profile.default_points), profile)
    alone = len(blocks) == 1 and wider(blocks[0], profile) is None
    assert set(site.ages) <= ({0, 1} if alone else {0})


@pytest.mark.parametrize("polled", [True, False], ids=["polled", "read-only"])
@pytest.mark.parametrize("lag", LAGS)
def test_jobs(lag, polled):
    """What is read between two polls, or by a command without an agent, is as strict."""
    site = Site(KELLER, LaggingLine("rtu", LAGS[lag]()))
    for _ in range(ROUNDS):
        if polled:
            site.poll()
        site.read()
    assert set(site.ages) <= {0}
    assert lag == "always" or site.ages


@pytest.mark.parametrize("profile_id", profile_ids())
def test_what_is_asked_is_what_the_budget_has(profile_id):
    """In step, of two polls the costlier one is that of `as_asked`."""
    profile = load_profile(profile_id)
    line = LaggingLine("rtu", lambda _: 0)
    site = Site(profile, line)
    polls = []
    for _ in range(5):
        line.asked.clear()
        site.poll()
        polls.append([(asked.function, asked.data_bytes) for asked in line.asked])
    blocks = plan(profile.points_of(profile.default_points), profile)
    budget = [(b.function, b.data_bytes) for b in as_asked(blocks, profile, parted=True)]
    assert max(map(len, polls[1:])) == len(budget)
    assert max(sum(size for _, size in poll) for poll in polls[1:]) <= sum(s for _, s in budget) + 8


# ---- one rule at a time -------------------------------------------------------------------------


@pytest.mark.parametrize("profile_id", ["dewen-dw-f64", "rosemount-3095fb"])
def test_a_block_that_is_alone(profile_id):
    """One behind for good, a block that cannot be asked for more is one poll old, and for a minute
    at most."""
    site = Site(load_profile(profile_id), LaggingLine("rtu", lambda number: number > 10))
    for _ in range(ROUNDS):
        site.poll()
    assert 0 < site.ages.count(1) <= REPEAT_S
    assert len(site.ages) <= 10 + REPEAT_S


@pytest.mark.parametrize("profile_id", ["keller-33x", "endress-hauser-proline", "dewen-dw-f64"])
def test_it_comes_back(profile_id):
    """Within two polls after the line is in step again."""
    line = LaggingLine("rtu", lambda _number: 1)
    site = Site(load_profile(profile_id), line)
    assert Quality.GOOD not in {site.poll().quality for _ in range(ROUNDS)}
    line.lag = lambda _number: 0
    assert Quality.GOOD in {site.poll().quality for _ in range(2)}


@pytest.mark.parametrize("lacks", [{6}, {0, 6}], ids=["beside", "beside-and-probe"])
def test_an_old_device_lacks_what_is_read_beside(lacks):
    """The wider read is refused: asked once, and then something is asked between the two."""
    line = LaggingLine("rtu", lambda _: 0, refuses=lambda asked: asked.address in lacks)
    site = Site(KELLER, line)
    for _ in range(9):
        assert site.poll().raws.count(None) == 0
    assert [asked.address for asked in line.asked].count(6) == 1
    line.lag = now_and_then(3)
    for _ in range(ROUNDS):
        site.poll()
    # a refusal one behind leaves a point out for a while: then the other one is alone
    assert set(site.ages) <= ({0} if lacks == {6} else {0, 1})


def test_an_old_device_is_silent_on_what_is_read_beside():
    """It costs three polls, not each one for ever."""
    line = LaggingLine("rtu", lambda _: 0)
    site = Site(KELLER, line)
    answer = line.once
    line.once = lambda asked: NoAnswer(0) if asked.address == 6 else answer(asked)
    scans = [site.poll().quality for _ in range(40)]
    assert scans.count(Quality.BAD_NO_ANSWER) == 3
    assert set(scans[-30:]) == {Quality.GOOD}


READ = Request(1, 3, 10, 2)
OTHER, SAME = Request(1, 3, 30, 1), Request(1, 3, 20, 2)
FOREIGN = replace(SAME, unit=2)
GOT = Registers((0, 0))


class Answers:
    """Gives `next`, else GOT; remembers what was asked."""

    def __init__(self):
        self.asked = []
        self.next = []

    def __call__(self, asked):
        self.asked.append(asked)
        return self.next.pop(0) if self.next else GOT


@pytest.mark.parametrize(
    ("before", "asked", "sent"),
    [
        pytest.param([OTHER, READ], SAME, [OTHER, SAME], id="another-of-its-shape"),
        pytest.param([OTHER, READ], READ, [READ], id="the-same-again"),
        pytest.param([OTHER, READ], FOREIGN, [FOREIGN], id="another-unit"),
        pytest.param([READ], SAME, [SAME], id="nothing-else-known"),
        pytest.param([SAME, OTHER, READ], OTHER, [OTHER], id="another-shape"),
        pytest.param(
            [OTHER, Write(1, WRITE_REGISTER, 5, (1,))],
            Write(1, WRITE_REGISTER, 6, (1,)),
            [Write(1, WRITE_REGISTER, 6, (1,))],
            id="a-write-has-its-echo",
        ),
        pytest.param(
            [Request(1, 3, 701, 9, record_bytes=2), READ], SAME, [SAME], id="no-record-parts"
        ),
    ],
)  # fmt: skip
def test_what_is_asked_between(before, asked, sent):
    """A read that the unit has answered, where the last answer could pass for the next."""
    apart, line = Apart(), Answers()
    for one in before:
        apart.ask(line, one, 0.0)
    line.asked.clear()
    assert apart.ask(line, asked, 1.0) == GOT
    assert line.asked == sent


@pytest.mark.parametrize(
    "lost", [NoAnswer(0), Damaged("behind"), PortGone("gone")], ids=lambda one: type(one).__name__
)
def test_what_parts_is_lost(lost):
    """Then that is the answer, of another request than was wanted; nothing more is asked."""
    apart, line = Apart(), Answers()
    for one in (OTHER, READ):
        apart.ask(line, one, 0.0)
    line.next = [lost]
    assert apart.ask(line, SAME, 1.0) == lost
    assert line.asked[2:] == [OTHER]
    again = replace(OTHER, address=77)  # the late answer to what parted could pass for this one's
    apart.ask(line, again, 2.0)
    assert line.asked[3:] == [READ, again]
    apart.ask(line, replace(READ, address=78), 3.0)
    line.next = [lost, GOT]
    assert apart.ask(line, SAME, 4.0) == lost  # nor is it given up: others are parted as before
    apart.ask(line, replace(READ, address=79), 5.0)
    apart.ask(line, SAME, 6.0)
    assert line.asked[-2:] == [OTHER, SAME]


def test_an_exception_parts_as_well():
    """It is no answer to the request before."""
    apart, line = Apart(), Answers()
    for one in (OTHER, READ):
        apart.ask(line, one, 0.0)
    line.next = [ExceptionAnswer(2)]
    assert apart.ask(line, SAME, 1.0) == GOT


def test_the_same_again_for_a_minute():
    """Then it is parted; and what a technician asked never parts."""
    apart, line = Apart(), Answers()
    apart.ask(line, OTHER, 0.0)
    apart.ask(line, Request(1, 3, 99, 0x7D), 0.0, learn=False)
    for at in range(130):
        apart.ask(line, READ, float(at))
    assert [line.asked.count(one) for one in (READ, OTHER)] == [130, 1 + 2]


# ---- a real line --------------------------------------------------------------------------------

TOLD = {"p1_f32": Given(3.0), "tob1_f32": Given(15.0)}
RAWS = tuple(int.from_bytes(struct.pack(">f", value), "big") for value in (3.0, 15.0))


def lagging_exchange(framing):
    """A transmitter whose converter answers every second request with the answer before."""
    device = ServedDevice(KELLER, 1, Plausible(KELLER, 1, TOLD))
    plan = parse_faults("behind=0.5")

    def respond(unit, pdu):
        return device.answer(unit, pdu, distorted(plan, 0, 0))

    return FaultyExchange(framing, respond, plan, 1, lambda: 0)


@contextlib.contextmanager
def lagging_bus(kind, tmp_path):
    """The bus of such a line, as it is configured."""
    stop = threading.Event()
    timing = {"timeout_s": 0.1, "quiet_s": 0.02, "gap_s": 0.05}
    exchange = lagging_exchange(ASCII if kind == "ascii" else RTU)
    line: RtuLine | TcpBus
    if kind == "rtu-over-tcp":
        line = TcpBus("127.0.0.1", 0, exchange, stop, TcpKind(RTU))
        bus = BusConfig("b", kind, host="127.0.0.1", tcp_port=line.port, **timing)
    else:
        path = tmp_path / "line"
        framing = ASCII if kind == "ascii" else RTU
        how = LineTiming(turnaround_ns=1_000_000, framing=framing)
        line = RtuLine(path, exchange, 115_200, stop, how)
        bus = BusConfig("b", kind, port=str(path), baud=115_200, **timing)
    line.start()
    try:
        yield bus
    finally:
        stop.set()
        line.join(5)


@pytest.mark.parametrize("kind", ["rtu", "ascii", "rtu-over-tcp"])
def test_a_real_line(kind, tmp_path):
    """Pressure and temperature are what they are, or nothing; the counters say what was lost."""
    with lagging_bus(kind, tmp_path) as bus, Running(bus, [device("d", 1, KELLER)]) as running:
        counts = running.thread.counters.by_device["d"]
        seen = running.until(lambda scan: counts.length > 0 and scan.quality == Quality.GOOD, 30.0)
    assert all(scan.raws == RAWS for scan in seen if scan.quality == Quality.GOOD)
