"""The bus against a plain pymodbus server, over TCP and over a real pty pair."""

import pytest
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from edge_agent.config.model import BusConfig
from protocols.metering.quality import Quality
from protocols.registers.codec import decode_scan, disassemble, encode
from protocols.registers.library import load_profile
from tests.edge_agent.modbus_servers import Line, PlainServer
from tests.edge_agent.running_bus import Running, device

pytestmark = pytest.mark.timing

FLOWSIC = load_profile("sick-flowsic500")
KELLER = load_profile("keller-33x")
ROSEMOUNT = load_profile("rosemount-3095fb")


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
        sim(3 + code, [(60, [5]), (131, [code])], [(400, bytes_)])
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


@pytest.mark.parametrize("baud", [0, 9600])
def test_plain_server_over_a_real_line(baud):
    """The same through a pty pair, at once and as slowly as 9600 baud deliver it."""
    with Line(baud) as line:
        make = lambda: ModbusSerialServer(  # noqa: E731
            INSTRUMENTS, port=line.instrument, baudrate=9600, ignore_missing_devices=True
        )
        config = BusConfig("b", "rtu", port=line.agent, baud=9600, timeout_s=0.4)
        with PlainServer(make), Running(config, DEVICES) as running:
            check_all(running)
            check_all(running)
