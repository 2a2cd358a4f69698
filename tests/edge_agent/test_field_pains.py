"""Each pain of the bus that somebody reported of another gateway, as a test that names it.

Elsewhere: a dead device stalls the bus (`test_schedule.py`), a device that answers one register at
a time (`test_plan.py`), a history by function 20 only (`test_file_record.py`).
"""

import os
import socket
import struct
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.bus.link import Link, NoAnswer
from edge_agent.bus.poller import DevicePoller, Line
from edge_agent.config.model import BusConfig
from protocols.metering.instant import Instant
from protocols.metering.quality import Quality
from protocols.modbus.answer import ExceptionAnswer, Registers
from protocols.modbus.frames import Request, answer_pdu, exception_pdu, rtu_frame
from protocols.modbus.plan import plan
from protocols.modbus.receive import SerialReceiver, Timing
from protocols.registers.codec import decode_scan
from protocols.registers.library import load_profile
from protocols.registers.profile import Point
from tests.edge_agent.gateway import config_of
from tests.edge_agent.modbus_servers import CLOSE, RawRtu, RawTcp
from tests.edge_agent.recording.test_recording import Book, codes, line_sums
from tests.edge_agent.running_bus import Running, bad, device, good

FLOWSIC = load_profile("sick-flowsic500")
KELLER = load_profile("keller-33x")
ASKED = Request(5, 3, 100, 4)


@pytest.fixture(params=[RawTcp, RawRtu])
def server(request):
    with request.param() as made:
        yield made


def test_one_illegal_address_costs_one_value(server):
    """One illegal address loses one value, not all of a device's.

    telegraf #14671; fledge #1109; VOLTTRON #956.
    """

    def reply(server, request):
        if request.address <= 4104 < request.address + request.count:
            return [server.frame(1, exception_pdu(request.function, 2))]
        return [server.exact(request)]

    server.replies[1] = reply
    with Running(server.config, [device("meter", 1, FLOWSIC)]) as running:
        scan = running.until(good("meter"))[-1]
        names = [point.name for point in scan.register_map.points]
        missing = [name for name, raw in zip(names, scan.raws, strict=True) if raw is None]
        assert missing == ["vm_err"]


def test_a_failed_read_keeps_the_connection():
    """A read that fails does not reset the connection that others use (neuron #1602)."""
    with RawTcp() as server:
        server.replies[1] = lambda server, request: []
        link = Link(server.config)
        assert link.exchange(replace(ASKED, unit=1)) == NoAnswer(0)
        assert isinstance(link.exchange(ASKED), Registers)
        server.replies[1] = lambda server, request: [server.frame(1, exception_pdu(3, 4))]
        assert link.exchange(replace(ASKED, unit=1)) == ExceptionAnswer(4)
        assert isinstance(link.exchange(ASKED), Registers)
        assert server.connections == 1
        link.close()


def test_the_same_unit_on_two_buses():
    """A silent unit 1 on one bus takes nothing from unit 1 on another (neuron's source)."""
    with RawTcp() as dead, RawTcp() as live:
        dead.replies[1] = lambda server, request: []
        one = device("dead", 1, KELLER, ["p1_f32"], poll_ms=50, bus="dead")
        two = device("live", 1, KELLER, ["p1_f32"], poll_ms=50, bus="live")
        with (
            Running(replace(dead.config, name="dead"), [one, two]) as first,
            Running(replace(live.config, name="live"), [one, two]) as second,
        ):
            first.until(lambda scan: first.thread._schedule.failures(0) > 2)
            seen = [second.until(good("live"))[-1] for _ in range(5)]
            assert {scan.quality for scan in seen} == {Quality.GOOD}
            assert second.thread._schedule.failures(0) == 0


def test_not_one_frame_a_register():
    """Eight points of a meter take two requests, not eight (thingsboard-gateway #1821)."""
    points = FLOWSIC.points_of(FLOWSIC.default_points)
    assert (len(points), len(plan(points, FLOWSIC))) == (8, 2)


def test_line_noise_is_recovered_from():
    """After any noise on the line the next exchange is sound (pymodbus #356)."""
    with RawRtu() as server:
        link = Link(server.config)
        for number, noise in enumerate((b"\xff", b"\x05\x03", bytes(range(255)), b"\x05\x83" * 9)):
            os.write(server.master, noise)
            assert link.exchange(ASKED) == Registers((2 * number + 1,) * 4)
            server.replies[5] = lambda server, request, noise=noise: [noise + server.exact(request)]
            assert not isinstance(link.exchange(ASKED), Registers)
            server.replies.clear()
        link.close()


def test_a_pause_between_requests():
    """A device that needs a pause between requests gets it (telegraf #9253)."""
    with RawRtu() as server:
        answered = [0.0]

        def reply(server, request):
            too_soon = time.monotonic() - answered[0] < 0.02
            answered[0] = time.monotonic()
            return [] if too_soon else [server.exact(request)]

        server.replies[5] = reply
        link = Link(replace(server.config, pause_s=0.03))
        assert all(isinstance(link.exchange(ASKED), Registers) for _ in range(10))
        link.close()


def test_word_order_is_each_points_own():
    """A float with swapped words beside integers without: each in its own order.

    Ignored for floats: device-modbus-go #151; applied to the whole block: HA core #44553.
    """
    points = (
        Point("count", 3, 0, "u32"),
        Point("swapped", 3, 2, "f32", "CDAB"),
        Point("plain", 3, 4, "f32"),
        Point("little", 3, 6, "f32", "DCBA"),
    )
    profile = replace(KELLER, points=points, default_points=tuple(p.name for p in points))
    pattern = struct.pack(">f", 100.25)
    high, low = struct.unpack(">2H", pattern)
    little = struct.unpack(">2H", pattern[::-1])
    words = (1, 2, low, high, high, low, *little)
    poller = DevicePoller(device("d", 1, profile), Line(transactions=True))
    scan = poller.poll(lambda request: Registers(words), Now())
    numbers = [v.number for v in decode_scan(scan.register_map, scan.raws).values()]
    assert numbers == [0x10002, 100.25, 100.25, 100.25]


def test_busy_is_not_zero(server):
    """A busy device gives no value, never 0, and is asked again before its period is over.

    HA core #51103.
    """
    answers = iter([True, True, False])

    def reply(server, request):
        busy = next(answers, False)
        refusal = server.frame(1, exception_pdu(request.function, 6))
        return [refusal] if busy else [server.exact(request)]

    server.replies[1] = reply
    config = replace(server.config, name="b")
    with Running(config, [device("d", 1, KELLER, ["p1_f32"], poll_ms=2000)]) as running:
        scan = running.scans.get(timeout=5)
        assert scan.quality == Quality.GOOD
        assert scan.raws == (server.count << 16 | server.count,)
        assert server.count >= 3


def test_an_impossible_jump_of_a_counter_is_no_volume(tmp_path):
    """A counter that leaps, or shows 0 for once, books nothing: it is told, and waits for somebody.

    It reaches statistics elsewhere (beside HA core #51103).
    """
    book = Book(config_of(tmp_path))
    book.start()
    book.rounds(3)
    for wrong in (900_000_000, 0):
        book.polls.index, right = wrong, book.polls.index
        book.rounds(1)
        book.polls.index = right
        book.rounds(3)
    book.stop()
    # two increments of ten in each stretch that was sound; none of those over a leap
    assert line_sums(book) == (60, 0)
    told = [code for code in codes(book.leaves) if code == "index_jump"]
    assert len(told) == 2


@pytest.mark.parametrize("name", ["adapter", "*-A10KXYZ-*"])
def test_an_adapter_that_comes_back_under_another_name(tmp_path, name):
    """The stable name is followed: a renumbered ttyUSB is found again (device-modbus-go #636)."""
    link_name = tmp_path / ("usb-A10KXYZ-port0" if "*" in name else name)
    config = BusConfig("line", "rtu", port=str(tmp_path / name), baud=115200, timeout_s=0.1)
    with Running(config, [device("d", 1, KELLER, ["p1_f32"])]) as running:
        with RawRtu() as first, RawRtu() as second:
            link_name.symlink_to(first.port)
            running.until(good("d"))
            # the first adapter lives on as another's port: only the name tells
            first.replies[1] = lambda server, request: []
            link_name.unlink()
            running.until(lambda scan: scan.quality != Quality.GOOD)
            link_name.symlink_to(second.port)
            running.until(good("d"))
            assert second.count > 0
        running.until(bad("d", Quality.BAD_PORT))


def test_two_adapters_that_fit_are_refused(tmp_path):
    """A pattern that fits two adapters opens neither, and says which."""
    for number in (1, 2):
        (tmp_path / f"usb-{number}").touch()
    answer = Link(BusConfig("b", "rtu", port=str(tmp_path / "usb-*"))).exchange(ASKED)
    assert "2 ports fit" in answer.reason
    assert "usb-1 and" in answer.reason


def test_an_idle_connection_is_given_up():
    """A device that serves one client is free between polls (telegraf #8225)."""
    with RawTcp() as server:
        config = replace(server.config, idle_close_s=0.0)
        with Running(config, [device("d", 1, KELLER, ["p1_f32"], poll_ms=400)]) as running:
            running.until(good("d"))
            # it serves one connection at a time: another client is served only after our close
            with socket.create_connection(("127.0.0.1", config.tcp_port), 2) as other:
                other.sendall(bytes.fromhex("0001 0000 0006 09 03 0000 0001"))
                other.settimeout(5)
                assert other.recv(64)[6] == 9
            running.until(good("d"))


def test_registers_of_four_bytes_are_read():
    """Enron registers carry four bytes each; the byte count is theirs (modpoll #3)."""
    for make in (RawTcp, RawRtu):
        with make() as server:
            words = struct.unpack(">4H", struct.pack(">2f", 513.0534, 68.0))
            server.replies[1] = lambda server, request, words=words: [
                server.frame(1, answer_pdu(3, words))
            ]
            link = Link(server.config)
            asked = Request(1, 3, 7001, 2, register_bytes=4)
            assert link.exchange(asked) == Registers(words)
            link.close()


def test_another_master_is_said_once(caplog):
    """Requests that we did not send are noticed, said once, and recorded with a scan."""
    with RawRtu() as server:
        stranger = rtu_frame(9, Request(9, 3, 40, 2).pdu)
        server.replies[1] = lambda server, request: [server.exact(request), 0.03, stranger]
        with Running(server.config, [device("d", 1, KELLER, ["p1_f32"])]) as running:
            scan = running.until(lambda scan: bool(scan.notice))[-1]
            assert scan.notice == "bus line: a read of unit 9, function 3, address 40"
            told = running.during(0.5)
            assert not any(scan.notice for scan in told)
    lines = [r.message for r in caplog.records if "another master" in r.message]
    assert len(lines) == 1


def test_a_gateway_that_closes_at_each_failure(server):
    """A connection that is closed in the middle of a poll is opened anew for the next one."""
    if isinstance(server, RawRtu):
        server.replies[5] = lambda server, request: [server.exact(request)[:3]]
    else:
        server.replies[5] = lambda server, request: [server.exact(request)[:3], CLOSE]
    link = Link(server.config)
    assert not isinstance(link.exchange(ASKED), Registers)
    server.replies.clear()
    assert isinstance(link.exchange(ASKED), Registers)
    link.close()


# ---- late answers, by a clock that the test moves ------------------------------------------------


class Now:
    """A clock of its own."""

    def __init__(self):
        self.s = 0.0

    def now(self):
        return Instant(1, int(self.s * 1000), None, 0)


class LateLine:
    """A line whose device answers each request after some delay, with the request's number.

    What arrives while nobody listens is drained before the next request, as the link does.
    """

    TIMING = Timing(0.001, 0.0035, timeout_s=0.3, gap_s=0.05, quiet_s=0.3)

    def __init__(self, delays, spoil=lambda frame, count: frame):
        self.clock = Now()
        self.count = 0
        self._delays = delays
        self._spoil = spoil
        self._coming = []

    def exchange(self, asked):
        self.count += 1
        sent = self.clock.s + 0.008
        delay = self._delays[self.count % len(self._delays)]
        words = (self.count & 0xFFFF,) * asked.count
        frame = rtu_frame(asked.unit, answer_pdu(asked.function, words))
        frame = self._spoil(frame, self.count)
        self._coming = [(at, data) for at, data in self._coming if at >= sent]
        if delay is not None:
            self._coming.append((sent + delay, frame))
        receiver = SerialReceiver("rtu", asked, self.TIMING, sent)
        while receiver.result is None:
            due = [event for event in self._coming if event[0] <= receiver.until_s]
            if due:
                event = min(due)
                self._coming.remove(event)
                self.clock.s = max(self.clock.s, event[0])
                receiver.came(event[1], event[0])
            else:
                self.clock.s = receiver.until_s
                receiver.silence(receiver.until_s)
        return receiver.result


@settings(max_examples=200)
@given(
    st.lists(st.one_of(st.none(), st.floats(0.005, 0.599)), min_size=1, max_size=9),
    st.sampled_from([(), ("p1_f32",), ("p1_f32", "tob1_f32")]),
)
def test_a_late_answer_is_never_the_next_ones(delays, points):
    """Whatever the delays up to the quiet time, a GOOD value is that of its own request.

    Taken as the answer to the next request elsewhere: pymodbus PR #2636.
    """
    line = LateLine(delays)
    poller = DevicePoller(device("d", 1, KELLER, points), Line(transactions=False))
    for _ in range(12):
        before = line.count
        scan = poller.poll(line.exchange, line.clock)
        if scan.quality == Quality.GOOD:
            asked_now = range(before + 1, line.count + 1)
            assert all(raw & 0xFFFF in asked_now for raw in scan.raws)
        line.clock.s += 0.05


def flip(bits):
    def spoil(frame):
        number = int.from_bytes(frame, "big")
        for bit in bits:
            number ^= 1 << bit % (8 * len(frame))
        return number.to_bytes(len(frame), "big")

    return spoil


SPOILS = st.one_of(
    st.just(lambda frame: frame),
    st.sets(st.integers(0, 103), min_size=1, max_size=2).map(flip),
    st.integers(1, 12).map(lambda end: lambda frame: frame[:end]),
    st.integers(1, 12).map(lambda start: lambda frame: frame[start:]),
    st.binary(min_size=1, max_size=9).map(lambda junk: lambda frame: frame + junk),
    st.binary(min_size=1, max_size=9).map(lambda junk: lambda frame: junk + frame),
    st.just(lambda frame: frame + frame),
    st.just(lambda frame: rtu_frame(2, frame[1:-2])),
    st.just(lambda frame: rtu_frame(1, bytes((4,)) + frame[2:-2])),
    st.just(lambda frame: rtu_frame(1, bytes((0x83, 6)))),
    st.just(lambda frame: rtu_frame(1, bytes((0x83, 2)))),
)


@settings(max_examples=200)
@given(
    st.lists(SPOILS, min_size=1, max_size=6),
    st.lists(st.one_of(st.none(), st.floats(0.005, 0.599)), min_size=1, max_size=4),
)
def test_no_disturbance_of_a_line_is_a_good_value(spoils, delays):
    """Wrong bits, cut, lengthened, foreign, doubled, late: a GOOD value is that of its request."""
    line = LateLine(delays, lambda frame, count: spoils[count % len(spoils)](frame))
    points = ("p1_f32", "p2_f32")
    poller = DevicePoller(device("d", 1, KELLER, points), Line(transactions=False))
    for _ in range(12):
        before = line.count
        scan = poller.poll(line.exchange, line.clock)
        if scan.quality == Quality.GOOD:
            asked_now = range(before + 1, line.count + 1)
            values = [raw for raw in scan.raws if raw is not None]
            assert all(raw & 0xFFFF in asked_now and raw >> 16 in asked_now for raw in values)
        line.clock.s += 0.05
