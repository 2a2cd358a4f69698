"""The bus thread against a hostile server over TCP and a pty: faults, schedule, port, queue."""

import logging
import threading
from dataclasses import replace
from itertools import pairwise

import pytest

from edge_agent.bus.bus import BusThread
from edge_agent.clock import Clock
from edge_agent.config.model import BusConfig
from protocols.metering.quality import Quality
from protocols.modbus.frames import answer_pdu, exception_pdu
from protocols.registers.library import load_profile
from tests.edge_agent.modbus_servers import CLOSE, RawRtu, RawTcp
from tests.edge_agent.running_bus import Running, bad, device, good

pytestmark = pytest.mark.timing

FLOWSIC = load_profile("sick-flowsic500")
KELLER = load_profile("keller-33x")


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
            assert len(seen) > 2
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
    assert thread.pollers == ()


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


def test_a_missing_port_is_not_hammered(tmp_path):
    """While the port is gone it is tried after a second, then after two; the scans go on."""
    config = BusConfig("line", "rtu", port=str(tmp_path / "none"), timeout_s=0.1)
    running = Running(config, [device("d", 1, KELLER, ["p1_f32"], poll_ms=50)])
    tried = []
    exchange = running.thread._link.exchange
    running.thread._link.exchange = lambda request, **how: (
        tried.append(request) or exchange(request, **how)
    )
    with running:
        assert len(running.during(1.5)) >= 25
    assert len(tried) == 2


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
        assert 3 <= len([scan for scan in seen if scan.device.name == "dead"]) <= 6
        server.replies.clear()
        running.until(good("dead"), limit_s=8.0)
    lines = [record.message for record in caplog.records if record.message.startswith("dead (")]
    assert lines == ["dead (bus b, unit 1): no answer: check power, wiring and unit number"]


def test_full_queue_is_counted(server):
    """A scan that the queue refuses is counted; the poll is not tried again."""
    devices = [device("d", 1, KELLER, ["p1_f32"], poll_ms=500)]
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
