"""Who answers on a real line, at which rate; what is not there costs its time and no more."""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from edge_agent.bus.link import Link
from edge_agent.bus_tools.scan import (
    PortUnusable,
    Present,
    Scanned,
    Wanted,
    hasty,
    ordered_units,
    scan,
    setups_of,
)
from edge_agent.config.model import BusConfig
from protocols.modbus.diagnosis import Cause
from protocols.modbus.frames import exception_pdu
from tests.edge_agent.bus_tools.lines import line
from tests.edge_agent.modbus_servers import RawAscii, RawRtu, RawTcp

pytestmark = pytest.mark.timing


@contextmanager
def opened(bus):
    link = Link(bus)
    try:
        yield link
    finally:
        link.close()


def scanned_of(wanted):
    scanned = Scanned()
    steps = list(scan(wanted, opened, scanned))
    return scanned, steps


def port(path, **more):
    return hasty(BusConfig("scan", "rtu", port=str(path), **more), 0.05)


def test_units_rate_and_parity_are_found(tmp_path):
    """At the first setup where anybody answers, all units are asked; the others at no other."""
    units = {3: "keller-33x", 9: "sick-flowsic500", 40: "keller-33x"}
    with line(tmp_path / "line", units, baud=19200, picky=True) as path:
        setups = setups_of(port(path), (9600, 19200, 115200), ("N",))
        scanned, steps = scanned_of(Wanted(setups, (*range(1, 17), 39, 40, 41)))
    assert (scanned.setup.baud, scanned.setup.parity) == (19200, "N")
    assert sorted(one.unit for one in scanned.present) == [3, 9, 40]
    assert {step.setup.baud for step in steps} == {9600, 19200}
    assert {step.unit for step in steps if step.setup.baud == 9600} == set(range(1, 17))
    assert scanned.likely(scanned.setup) == ()
    assert 0 <= steps[0].done_s <= steps[-1].done_s <= steps[-1].total_s


def test_a_dead_line_is_told(tmp_path):
    """Nothing heard: what it may be."""
    with line(tmp_path / "line", {}) as path:
        scanned, _ = scanned_of(Wanted(setups_of(port(path), (9600,), ("N",)), (1, 2, 3)))
    assert scanned.setup is None
    assert scanned.asked == 3
    assert [one.cause for one in scanned.likely(port(path))] == [Cause.LINE_DEAD]


def test_a_late_answer_gives_its_unit_away(tmp_path):
    """It comes while the next unit is asked."""
    with RawRtu() as server:
        server.replies = {unit: (lambda _made, _asked: []) for unit in (1, 3, 4)}
        server.replies[2] = lambda made, asked: [0.13, made.exact(asked)]
        bus = replace(port(server.port, baud=115200), timeout_s=0.1)
        scanned, _ = scanned_of(Wanted((bus,), (1, 2, 3, 4)))
    assert scanned.present == [Present(2, "late")]


def test_refusals_and_busy_are_answers(tmp_path):
    """An exception comes from somebody; that of a gateway from nobody."""
    codes = {1: 2, 2: 6, 3: 11, 4: 10}
    with RawTcp() as server:
        for unit, code in codes.items():
            server.replies[unit] = lambda made, asked, code=code: [
                made.frame(asked.unit, exception_pdu(asked.function, code))
            ]
        scanned, _ = scanned_of(Wanted((server.config,), tuple(codes)))
    assert scanned.present == [Present(1, "exception", 2), Present(2, "busy", 6)]


def test_a_device_that_does_not_look_at_the_unit():
    """Over TCP: found out after six, not told 247 times."""
    with RawTcp() as server:
        scanned, _ = scanned_of(Wanted((server.config,), tuple(range(1, 248))))
        assert server.count == 8
    assert scanned.any_unit


def test_an_ascii_line():
    """The same questions in the other frames."""
    with RawAscii() as server:
        server.replies = {unit: (lambda _made, _asked: []) for unit in (1, 3)}
        bus = hasty(server.config, 0.1)
        scanned, _ = scanned_of(Wanted((bus,), (1, 2, 3)))
    assert scanned.present == [Present(2, "registers")]


def test_an_echo_is_told():
    """The adapter hears itself: no instrument, and why."""
    with RawRtu() as server:
        for unit in (1, 2, 3):
            server.replies[unit] = lambda made, asked: [made.frame(asked.unit, asked.pdu)]
        bus = port(server.port, baud=115200)
        scanned, _ = scanned_of(Wanted((bus,), (1, 2, 3)))
    assert scanned.present == []
    assert scanned.likely(bus)[0].cause is Cause.ECHO


def test_a_port_that_is_not_there(tmp_path):
    """Is told at once, with the remedy."""
    with pytest.raises(PortUnusable, match="does not exist"):
        scanned_of(Wanted((port(tmp_path / "none"),), (1,)))


def test_the_order_of_what_is_tried():
    """Usual rates at each parity, then the rest; the configuration's units first."""
    setups = setups_of(BusConfig("b", "rtu", port="p"), (1200, 9600, 19200), ("N", "E"))
    assert [(one.baud, one.parity) for one in setups] == [
        (9600, "N"), (19200, "N"), (9600, "E"), (19200, "E"), (1200, "N"), (1200, "E"),
    ]  # fmt: skip
    assert ordered_units(range(1, 6), [40, 4]) == (4, 1, 2, 3, 5)
    tcp = BusConfig("b", "tcp", host="h")
    assert setups_of(tcp, (9600, 19200), ("N",)) == (tcp,)
