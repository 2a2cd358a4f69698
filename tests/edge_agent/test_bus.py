"""The bus thread: plain pymodbus servers and a hostile one, over TCP and over real ptys."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from edge_agent.bus import BusThread
from edge_agent.clock import Clock
from edge_agent.config import BusConfig, DeviceConfig
from protocols.metering.quality import Quality
from protocols.modbus.frames import answer_pdu, exception_pdu
from protocols.registers.codec import decode_scan, disassemble, encode
from protocols.registers.library import load_profile
from tests.edge_agent.modbus_servers import CLOSE, Line, PlainServer, RawRtu, RawTcp

FLOWSIC = load_profile("sick-flowsic500")
KELLER = load_profile("keller-33x")
ROSEMOUNT = load_profile("rosemount-3095fb")


def device(name, unit, profile, points=(), poll_ms=100, priority=0, bus="b"):
    points = tuple(points) or profile.default_points
    return DeviceConfig(name, bus, unit, profile, f"sn-{name}", points, poll_ms, priority)


class Running:
    """A bus thread, and its scans as they come."""

    def __init__(self, config, devices, accept: Callable[[], bool] = lambda: True):
        self.scans = queue.Queue()
        self.stop = threading.Event()
        self._accept = accept
        devices = [
            replace(device, bus=config.name) if device.bus == "b" else device for device in devices
        ]
        self.thread = BusThread(config, devices, Clock(boot_no=7), self._deliver, self.stop)

    def _deliver(self, scan):
        self.scans.put(scan)
        return self._accept()

    def until(self, wanted, limit_s=10.0):
        """All scans up to and with the first that is wanted."""
        seen, deadline = [], time.monotonic() + limit_s
        while not seen or not wanted(seen[-1]):
            left = deadline - time.monotonic()
            try:
                seen.append(self.scans.get(timeout=max(0.0, left)))
            except queue.Empty:
                told = [(scan.device.name, scan.quality) for scan in seen[-9:]]
                raise AssertionError(f"not within {limit_s} s; saw {told}") from None
        return seen

    def during(self, seconds):
        """All scans of a stretch of time."""
        seen, deadline = [], time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                seen.append(self.scans.get(timeout=left))
            except queue.Empty:
                break
        return seen

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(5)
        assert not self.thread.is_alive()


def good(name):
    return lambda scan: scan.device.name == name and scan.quality == Quality.GOOD


def bad(name, quality):
    return lambda scan: scan.device.name == name and scan.quality == quality


# ---- a plain pymodbus server -------------------------------------------------------------------


def sim(unit, holding=(), inputs=()):
    """A SimDevice with registers as given: (address, [words])."""
    bits = [SimData(0, values=[False], datatype=DataType.BITS)]
    blocks = [
        [SimData(address, values=list(words), datatype=DataType.REGISTERS) for address, words in at]
        or [SimData(0, values=[0], datatype=DataType.REGISTERS)]
        for at in (holding, inputs)
    ]
    return SimDevice(unit, simdata=(bits, bits, blocks[0], blocks[1]))


def words(profile, values, order=None):
    """Registers of consecutive points with these values."""
    out = []
    for name, number in values.items():
        point = profile.point(name)
        if order:
            point = type(point)(point.name, point.function, point.address, point.type, order)
        out.extend(disassemble(point, encode(point, number)))
    return out


TOTALS = {
    "resolution_vm": -3,
    "resolution_vb": -3,
    "vm": 123_456_789,
    "vm_err": 7,
    "vb": 4_000_000_000,
    "vb_err": 0,
    "vb_total": 4_000_000_007,
}
INSTRUMENTS = [
    sim(1, [(4100, words(FLOWSIC, TOTALS)), (7002, words(FLOWSIC, {"flow_actual": 12.5}))]),
    sim(2, [(2, words(KELLER, {"p1_f32": 3.25, "p2_f32": None, "t_f32": 20.0, "tob1_f32": 21.5}))]),
    *(
        sim(3 + code, [(131, [code])], [(400, bytes_)])
        for code, bytes_ in enumerate(
            # the manual's printed bytes of 100.25 (00809-0100-4738)
            [(0x42C8, 0x8000), (0x8000, 0x42C8), (0x0080, 0xC842), (0xC842, 0x0080)]
        )
    ),
]
DEVICES = [
    device("meter", 1, FLOWSIC, priority=1, poll_ms=300),
    device("p", 2, KELLER, ["p1_f32", "p2_f32", "tob1_f32"], poll_ms=300),
    *(device(f"dp{n}", 3 + n, ROSEMOUNT, ["diff_pressure"], poll_ms=300) for n in range(4)),
]
EXPECTED = {
    "meter": {**TOTALS, "flow_actual": 12.5},
    "p": {"p1_f32": 3.25, "p2_f32": None, "tob1_f32": 21.5},
    **{f"dp{n}": {"diff_pressure": 100.25} for n in range(4)},
}


def check_all(running, limit_s=10.0):
    """Each device's next good scan decodes to what its instrument holds."""
    missing = dict(EXPECTED)
    orders = {}
    while missing:
        scan = running.until(lambda scan: scan.device.name in missing, limit_s)[-1]
        assert scan.quality == Quality.GOOD
        values = decode_scan(scan.register_map, scan.raws)
        assert {name: value.number for name, value in values.items()} == missing.pop(
            scan.device.name
        )
        orders[scan.device.name] = scan.register_map.points[0].order
        assert scan.instant.boot_no == 7
    assert [orders[f"dp{n}"] for n in range(4)] == ["ABCD", "CDAB", "DCBA", "BADC"]


def test_plain_server_over_tcp():
    """The manual's bytes and all types come through the bus from an independent server."""
    make = lambda: ModbusTcpServer(INSTRUMENTS, address=("127.0.0.1", 0))  # noqa: E731
    with PlainServer(make) as server:
        config = BusConfig("b", "tcp", host="127.0.0.1", tcp_port=server.port, timeout_s=1.0)
        with Running(config, DEVICES) as running:
            check_all(running)


@pytest.mark.parametrize(("baud", "parity", "stop_bits"), [(0, "N", 1), (9600, "N", 1)])
def test_plain_server_over_a_real_line(baud, parity, stop_bits):
    """The same through a pty pair, at once and as slowly as 9600 baud deliver it."""
    with Line(baud) as line:
        make = lambda: ModbusSerialServer(  # noqa: E731
            INSTRUMENTS, port=line.instrument, baudrate=9600, ignore_missing_devices=True
        )
        config = BusConfig(
            "b", "rtu", port=line.agent, baud=9600, parity=parity, stop_bits=stop_bits,
            timeout_s=0.4,
        )  # fmt: skip
        with PlainServer(make), Running(config, DEVICES) as running:
            check_all(running)
            check_all(running)


# ---- a hostile raw server ----------------------------------------------------------------------


@pytest.fixture(params=[RawTcp, RawRtu])
def server(request):
    with request.param() as made:
        yield made


LIE = 0xBAD


def hostile(server, request):
    """A different fault each time, then two honest answers; each fault would be a lie."""
    registers = (LIE,) * request.count
    function = request.function
    lie = server.frame(request.unit, answer_pdu(function, registers))
    faults = [
        [],
        [0.12, lie],
        [lie + b"\0"],
        [lie[:-1]],
        [server.frame(request.unit, answer_pdu(function, (LIE, *registers)))],
        [server.frame(request.unit, bytes((function, 3, 0xB, 0xAD, 0)))],
        [server.frame(request.unit + 1, answer_pdu(function, registers))],
        [server.frame(request.unit, answer_pdu(7 - function, registers))],
        [lie[:2] + bytes((lie[2] ^ 1,)) + lie[3:]],
        [server.frame(request.unit, exception_pdu(function, 6))],
        [server.frame(request.unit, exception_pdu(function, 4))],
        [CLOSE],
    ]
    told, honest = divmod(server.told, 3)
    server.told += 1
    return [server.exact(request)] if honest else faults[told % len(faults)]


def test_a_hostile_device_harms_nobody(server):
    """No fault becomes a GOOD value, the neighbour keeps its rate, and the device comes back."""
    devices = [
        device("good", 2, KELLER, ["p1_f32"], poll_ms=150),
        device("hostile", 1, FLOWSIC, ["vm"], poll_ms=150),
    ]
    server.replies[1] = hostile
    with Running(server.config, devices) as running:
        seen = running.until(lambda _: server.told >= 36, limit_s=20.0)
        values = [scan.raws[0] for scan in seen if good("hostile")(scan)]
        assert values
        assert LIE << 16 | LIE not in values
        assert {scan.quality for scan in seen if scan.device.name == "hostile"} >= {
            Quality.BAD_NO_ANSWER, Quality.BAD_ANSWER, Quality.BAD_EXCEPTION,
        }  # fmt: skip
        neighbours = [scan for scan in seen if scan.device.name == "good"]
        assert {scan.quality for scan in neighbours} == {Quality.GOOD}
        steps = [b.instant.mono_ms - a.instant.mono_ms for a, b in pairwise(neighbours)]
        assert 140 < sum(steps) / len(steps) < 160
        assert running.thread.missed <= 1
        server.replies.clear()
        running.until(good("hostile"))


def test_an_answer_that_lags_by_one_request_is_never_good():
    """A device that answers each request with the answer to the one before never becomes GOOD.

    Unit, function, length and CRC are right: only the probe of another length finds it out.
    """
    with RawRtu() as server:
        held = {}

        def lagging(server, request):
            late, held[1] = held.get(1), server.exact(request)
            return [late] if late else []

        server.replies[1] = lagging
        devices = [device("d", 1, KELLER, ["p1_f32"], poll_ms=50)]
        with Running(server.config, devices) as running:
            seen = running.during(1.2)
            assert len(seen) > 4
            assert {scan.quality for scan in seen} <= {Quality.BAD_NO_ANSWER, Quality.BAD_ANSWER}
            server.replies.clear()
            scan = running.until(good("d"))[-1]
            assert scan.raws == (server.count << 16 | server.count,)


def test_busy_device_keeps_its_rate(server):
    """Exception 06 is BAD_EXCEPTION without backoff, and never the value 0."""
    server.replies[1] = lambda server, request: [
        server.frame(1, exception_pdu(request.function, 6))
    ]
    with Running(server.config, [device("d", 1, KELLER, ["p1_f32"], poll_ms=50)]) as running:
        seen = running.during(0.6)
        assert {(scan.quality, scan.raws) for scan in seen} == {(Quality.BAD_EXCEPTION, (None,))}
        assert 10 <= len(seen) <= 13


def test_a_bad_register_is_isolated_on_the_bus(server):
    """Exception 02 for a block costs only the register that is bad."""

    def reply(server, request):
        if request.address <= 4108 < request.address + request.count:
            return [server.frame(1, exception_pdu(request.function, 2))]
        return [server.exact(request)]

    server.replies[1] = reply
    with Running(server.config, [device("d", 1, FLOWSIC)]) as running:
        for _ in range(3):
            scan = running.until(good("d"))[-1]
            names = [point.name for point in scan.register_map.points]
            assert names[scan.raws.index(None)] == "vb_err"
            assert scan.raws.count(None) == 1


# ---- schedule, port, queue ---------------------------------------------------------------------


def test_fixed_rate_without_drift():
    """Each device is polled on its own grid, and the grid does not move."""
    with RawTcp() as server:
        check_rates(server)


def check_rates(server):
    devices = [
        device("fast", 1, KELLER, ["p1_f32"], poll_ms=50),
        device("slow", 2, KELLER, ["p1_f32"], poll_ms=200),
    ]
    server.replies[1] = lambda server, request: [0.005, server.exact(request)]
    with Running(server.config, devices) as running:
        start = running.thread.last_turn_mono_ms
        seen = running.during(2.0)
        for name, period, count in (("fast", 50, 40), ("slow", 200, 10)):
            times = [scan.instant.mono_ms - start for scan in seen if scan.device.name == name]
            assert count - 1 <= len(times) <= count + 1
            # late by answer and scheduling, but the last no more than the first
            assert all(0 <= at - number * period < 45 for number, at in enumerate(times))


def test_transmitters_before_meters(server):
    """Of the devices that are due together, the lower priority number is polled first."""
    devices = [
        device("meter", 1, FLOWSIC, ["vm"], priority=1),
        device("p", 2, KELLER, ["p1_f32"], priority=0),
    ]
    with Running(server.config, devices) as running:
        names = [running.scans.get(timeout=5).device.name for _ in range(6)]
    assert names == ["p", "meter"] * 3


def test_other_buses_devices_are_left_alone(server):
    """A thread polls only the devices of its own bus."""
    other = device("other", 1, KELLER, bus="elsewhere")
    thread = BusThread(server.config, [other], Clock(1), lambda _: True, threading.Event())
    assert thread._slots == []


def test_port_missing_then_there_then_gone(tmp_path, caplog):
    """BAD_PORT comes at the poll rate, is logged once with the remedy, and ends when it can."""
    caplog.set_level(logging.INFO)
    path = tmp_path / "line-1"
    config = BusConfig("line", "rtu", port=str(path), baud=115200, timeout_s=0.1)
    with Running(config, [device("d", 1, KELLER, ["p1_f32"])]) as running:
        seen = running.during(0.65)
        assert {(scan.quality, scan.raws) for scan in seen} == {(Quality.BAD_PORT, (None,))}
        assert 5 <= len(seen) <= 8
        with RawRtu() as server:
            path.symlink_to(server.port)
            running.until(good("d"))
        running.until(bad("d", Quality.BAD_PORT))
        path.unlink()
        with RawRtu() as server:
            path.symlink_to(server.port)
            running.until(good("d"))
    told = [record.message for record in caplog.records if "does not exist" in record.message]
    assert f"bus line: port {path} does not exist: plug the adapter in, or correct port" in told
    assert len(told) <= 3
    assert any("port is back" in record.message for record in caplog.records)


def test_backoff_of_a_silent_device(server, caplog):
    """A silent device costs ever less of the bus, is logged once, and comes back by itself."""
    server.replies[1] = lambda server, request: []
    config = replace(server.config, name="b", timeout_s=0.05)
    devices = [
        device("dead", 1, KELLER, ["p1_f32"], poll_ms=50),
        device("live", 2, KELLER, ["p1_f32"], poll_ms=50),
    ]
    with Running(config, devices) as running:
        seen = running.during(1.2)
        assert 5 < len([scan for scan in seen if scan.device.name == "dead"]) <= 8
        server.replies.clear()
        running.until(good("dead"), limit_s=8.0)
    lines = [record.message for record in caplog.records if record.message.startswith("dead (")]
    assert lines == ["dead (bus b, unit 1): no answer: check power, wiring and unit number"]


def test_full_queue_is_counted(server):
    """A scan that the queue refuses is counted; the poll is not tried again."""
    devices = [device("d", 1, KELLER, ["p1_f32"], poll_ms=50)]
    with Running(server.config, devices, accept=lambda: False) as running:
        for number in range(1, 4):
            scan = running.until(good("d"))[-1]
            assert scan.raws[0] & 0xFFFF == server.count
            assert running.thread.dropped in (number - 1, number)


def test_heartbeat_moves_without_devices():
    """The heartbeat moves each second although there is nothing to poll."""
    config = BusConfig("b", "tcp", host="127.0.0.1", tcp_port=9)
    with Running(config, []) as running:
        first = running.thread.last_turn_mono_ms
        running.during(1.2)
        assert running.thread.last_turn_mono_ms > first


def test_close_port_from_the_main_thread(server):
    """The main thread may close the port under the bus thread; polling goes on."""
    with Running(server.config, [device("d", 1, KELLER, ["p1_f32"], poll_ms=50)]) as running:
        running.until(good("d"))
        running.thread.close_port()
        running.during(0.3)
        running.until(good("d"))
