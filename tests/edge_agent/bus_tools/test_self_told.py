"""What a device says of itself, by functions 43/14 and 17, on a real line and over TCP."""

import pytest

from edge_agent.bus_tools.raw_port import raw_port
from edge_agent.bus_tools.self_told import IDENTIFY, ask_self, parse_identity, parse_report
from protocols.modbus.frames import exception_pdu, rtu_frame, tcp_frame
from tests.edge_agent.modbus_servers import RawRtu, RawTcp

TOLD = IDENTIFY[:2] + bytes((1, 1, 0, 0, 2)) + b"\x00\x04ACME" + b"\x01\x05FC-7 "
REPORTED = b"\x11\x08\x05\xffMETER1"


@pytest.mark.parametrize(
    ("pdu", "text"),
    [
        (TOLD, "ACME FC-7"),
        (TOLD[:-3], "ACME FC"),
        (TOLD[:9], ""),
        (exception_pdu(43, 1), ""),
        (b"", ""),
        (IDENTIFY[:2] + bytes(5), ""),
    ],
)
def test_identification(pdu, text):
    """Each object's text; what a lying length leaves of the last one, too."""
    assert parse_identity(pdu) == text


@pytest.mark.parametrize(
    ("pdu", "text"),
    [(REPORTED, "METER1"), (REPORTED[:-1], ""), (b"\x11\x02\x05\xff", ""), (b"", "")],
)
def test_report(pdu, text):
    """What of it can be read; an answer of another length is none."""
    assert parse_report(pdu) == text


def test_on_a_line():
    """43/14 first; 17 where that is refused; nothing more of who is silent."""
    with RawRtu() as server, raw_port(server.config) as port:
        answers = [rtu_frame(5, TOLD)]
        server.on_other = lambda: answers.pop(0)
        assert ask_self(server.config, port, 5) == "ACME FC-7"
        answers += [rtu_frame(5, exception_pdu(43, 1)), rtu_frame(5, REPORTED)]
        assert ask_self(server.config, port, 5) == "METER1"
        answers += [rtu_frame(6, TOLD), rtu_frame(5, REPORTED)]
        assert ask_self(server.config, port, 5) == ""
        assert len(answers) == 1


def test_over_tcp():
    """The same in its own frames."""
    with RawTcp() as server, raw_port(server.config) as port:
        server.on_other = lambda: tcp_frame(1, 5, TOLD)
        assert ask_self(server.config, port, 5) == "ACME FC-7"
