"""One request, exactly one answer: a hostile server over TCP and over a real pty."""

import fcntl
import os
import select
import socket
import termios
import threading
import time
from dataclasses import replace

import pytest

from edge_agent.bus.link import Link, NoAnswer, PortGone
from edge_agent.config.model import BusConfig
from protocols.modbus.answer import Damaged, ExceptionAnswer, Registers
from protocols.modbus.frames import Request, answer_pdu, exception_pdu, rtu_frame
from protocols.modbus.write import Write, Written
from tests.edge_agent.modbus_servers import CLOSE, RawAscii, RawRtu, RawRtuOverTcp, RawTcp

pytestmark = pytest.mark.timing

ASKED = Request(unit=5, function=3, address=100, count=4)


@pytest.fixture(params=[RawTcp, RawRtu, RawRtuOverTcp, RawAscii])
def server(request):
    with request.param() as made:
        yield made


@pytest.fixture
def link(server):
    made = Link(server.config)
    yield made
    made.close()


def held(server, request):
    """Keep this answer; it comes with the next request's."""
    server.held = server.exact(request)
    return []


def other(unit=5, function=3, words=(1, 2, 3, 4)):
    return lambda server, request: [server.frame(unit, answer_pdu(function, words))]


def pdu(data):
    return lambda server, request: [server.frame(5, bytes.fromhex(data))]


def edited(edit):
    return lambda server, request: [edit(server.exact(request))]


HOSTILE = {
    "silence": lambda server, request: [],
    "late": lambda server, request: [0.15, server.exact(request)],
    "late and in pieces": lambda server, request: [
        0.15,
        server.exact(request)[:5],
        0.02,
        server.exact(request)[5:],
    ],
    "held back": held,
    "junk behind": edited(lambda frame: frame + b"\x00\xff"),
    "a frame behind": edited(lambda frame: frame + frame),
    "junk before": edited(lambda frame: b"\x13" + frame),
    "truncated": edited(lambda frame: frame[:-3]),
    "one byte": edited(lambda frame: frame[:1]),
    "register too few": other(words=(1, 2, 3)),
    "one register": other(words=(1,)),
    "register too many": other(words=(1, 2, 3, 4, 5)),
    "odd byte count": pdu("03 07 0001 0002 0003 04"),
    "false byte count": pdu("03 06 0001 0002 0003 0004"),
    "foreign unit": other(unit=6),
    "foreign function": other(function=4),
    "damaged bit": edited(lambda frame: bytes((frame[0], frame[1], frame[2] ^ 4)) + frame[3:]),
    "noise": lambda server, request: [bytes(range(7, 200))],
    "malformed exception": pdu("83"),
    "foreign exception": pdu("84 02"),
    "closed": lambda server, request: [server.exact(request)[:4], CLOSE],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_but_the_answer_is_a_value(server, link, name):
    """A hostile answer is never registers, takes bounded time, and the next exchange is sound."""
    assert link.exchange(ASKED) == Registers((1,) * 4)
    server.replies[5] = HOSTILE[name]
    started = time.monotonic()
    answer = link.exchange(ASKED)
    assert isinstance(answer, NoAnswer | Damaged), answer
    assert time.monotonic() - started < 3 * 0.1 + 0.3
    server.replies.clear()
    assert link.exchange(ASKED) == Registers((3,) * 4)


def test_the_port_stays_open(server, link):
    """Requests in a row go through one opened port, also past silence and damage."""
    assert isinstance(link.exchange(ASKED), Registers)
    port = link._port
    for reply in ("silence", "foreign unit"):
        server.replies[5] = HOSTILE[reply]
        link.exchange(ASKED)
        server.replies.clear()
        assert isinstance(link.exchange(ASKED), Registers)
    assert link._port is port


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6, 11])
def test_exceptions_are_told(server, link, code):
    """An exception answer gives its code, and the link goes on."""
    server.replies[5] = lambda server, request: [server.frame(5, exception_pdu(3, code))]
    assert link.exchange(ASKED) == ExceptionAnswer(code)
    server.replies.clear()
    assert link.exchange(ASKED) == Registers((2,) * 4)


def test_arrival_in_pieces_changes_nothing(server, link):
    """An answer that comes byte by byte is the same answer."""
    server.replies[5] = lambda server, request: [
        step for byte in server.exact(request) for step in (bytes((byte,)), 0.002)
    ]
    for number in range(1, 4):
        assert link.exchange(ASKED) == Registers((number,) * 4)


def test_what_comes_between_requests_is_dropped(server, link):
    """Bytes that arrive while nothing is asked are no answer to the next request."""
    sent = threading.Event()

    def reply(server, request):
        stale = server.exact(request)

        def later():
            server.stop.wait(0.05)
            if isinstance(server, RawRtu):
                os.write(server.master, stale)
            sent.set()

        threading.Thread(target=later).start()
        return [stale]

    server.replies[5] = reply
    assert link.exchange(ASKED) == Registers((1,) * 4)
    assert sent.wait(2)
    server.replies.clear()
    assert link.exchange(ASKED) == Registers((2,) * 4)


def test_a_held_answer_is_not_the_next_ones():
    """Over TCP the answer to an earlier request, come late, is skipped: its transaction tells."""
    with RawTcp() as server:
        link = Link(server.config)
        server.replies[5] = held
        assert link.exchange(ASKED) == NoAnswer(0)
        server.replies[5] = lambda server, request: [server.held + server.exact(request)]
        assert link.exchange(ASKED) == Registers((2,) * 4)
        assert server.connections == 1
        link.close()


def test_junk_within_the_silence_after_an_answer():
    """A frame ends with 3.5 characters of silence (29 ms at 1200 baud): a byte in it is damage."""
    with RawRtu(baud=1200) as server:
        link = Link(server.config)
        server.replies[5] = lambda server, request: [server.exact(request), 0.005, b"\0"]
        assert isinstance(link.exchange(ASKED), Damaged)
        server.replies.clear()
        assert link.exchange(ASKED) == Registers((2,) * 4)
        link.close()


def test_late_bytes_are_reported():
    """On a serial line the bytes that came after the deadline are counted, for the advice."""
    with RawRtu() as server:
        link = Link(server.config)
        server.replies[5] = HOSTILE["late"]
        assert link.exchange(ASKED) == NoAnswer(13)
        link.close()


def test_a_line_that_never_falls_silent():
    """A babbling line costs bounded time, and is Damaged."""
    with RawRtu() as server:
        link = Link(server.config)
        server.replies[5] = lambda server, request: [b"\x55", 0.002] * 400
        started = time.monotonic()
        assert isinstance(link.exchange(ASKED), Damaged)
        assert time.monotonic() - started < 0.6
        link.close()


def test_only_foreign_transactions():
    """A flood of answers to other transactions ends in Damaged and a new connection."""
    with RawTcp() as server:
        link = Link(server.config)

        def flood(server, request):
            server.transaction += 1
            return [server.exact(request) * 20]

        server.replies[5] = flood
        assert isinstance(link.exchange(ASKED), Damaged)
        server.replies.clear()
        assert isinstance(link.exchange(ASKED), Registers)
        assert server.connections == 2
        link.close()


def test_idle_connection_closed_by_the_peer():
    """A TCP peer that closes between polls costs no poll: the link connects anew."""
    with RawTcp() as server:
        link = Link(server.config)
        server.replies[5] = lambda server, request: [server.exact(request), CLOSE]
        for number in range(1, 4):
            assert link.exchange(ASKED) == Registers((number,) * 4)
            # between polls, not during the next one: that would rightly be a lost answer
            assert select.select([link._port.fd], [], [], 5.0)[0], "the peer has not closed"
        assert server.connections == 3
        link.close()


def test_missing_port(tmp_path):
    """A port that is not there is named, with the remedy; when it comes, it is opened."""
    path = tmp_path / "line-1"
    link = Link(BusConfig("b", "rtu", port=str(path), timeout_s=0.1))
    answer = link.exchange(ASKED)
    assert isinstance(answer, PortGone)
    assert f"port {path} does not exist: plug the adapter in" in answer.reason
    with RawRtu() as server:
        path.symlink_to(server.port)
        assert link.exchange(ASKED) == Registers((1,) * 4)
        link.close()


def test_no_serial_port(tmp_path):
    """A file that is no serial port is refused with a reason."""
    path = tmp_path / "file"
    path.write_text("")
    answer = Link(BusConfig("b", "rtu", port=str(path))).exchange(ASKED)
    assert isinstance(answer, PortGone)
    assert "it is no serial port" in answer.reason


def test_port_is_opened_exclusively():
    """Two programs cannot talk on one line: the second is refused, until the first closes."""
    with RawRtu() as server:
        first, second = Link(server.config), Link(server.config)
        assert isinstance(first.exchange(ASKED), Registers)
        answer = second.exchange(ASKED)
        assert isinstance(answer, PortGone)
        assert "another program holds it" in answer.reason
        fd = os.open(server.port, os.O_RDWR | os.O_NOCTTY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(fd)
        first.close()
        assert isinstance(second.exchange(ASKED), Registers)
        second.close()


def test_port_that_vanishes_while_in_use():
    """An adapter that is pulled out is PortGone, not a value, and not a crash."""
    with RawRtu() as server:
        link = Link(server.config)
        assert isinstance(link.exchange(ASKED), Registers)
    for _ in range(2):
        assert isinstance(link.exchange(ASKED), PortGone)
    link.close()


def _stty(fd, place, flags, speed=None):
    """As `stty` by a person, or a program that looks for modems, does on an open port."""
    attributes = termios.tcgetattr(fd)
    attributes[place] |= flags
    if speed is not None:
        attributes[4] = attributes[5] = speed
    termios.tcsetattr(fd, termios.TCSANOW, attributes)


@pytest.mark.parametrize(
    ("place", "flags", "speed"),
    [(3, termios.ICANON, None), (0, termios.ICRNL | termios.ISTRIP, None), (0, 0, termios.B300)],
    ids=["lines", "bytes-changed", "rate"],
)
def test_settings_that_another_program_changes(caplog, place, flags, speed):
    """They cost one answer, not all of them for ever: the port is opened anew, and that is said."""
    with RawRtu() as server:
        link = Link(server.config)
        assert isinstance(link.exchange(ASKED), Registers)
        _stty(server.slave, place, flags, speed)
        server.replies[5] = HOSTILE["silence"]  # a pty passes on what a wire would not
        assert not isinstance(link.exchange(ASKED), Registers)
        server.replies.clear()
        assert link.exchange(ASKED) == Registers((3,) * 4)
        found = termios.tcgetattr(server.slave)
        assert not found[place] & flags
        assert found[4] == termios.B115200
        link.close()
    told = [record.message for record in caplog.records if "settings" in record.message]
    assert len(told) == 1
    assert server.port in told[0]


def test_unreachable_peer():
    """A TCP peer that does not listen is named, with the remedy; it is found when it listens."""
    with RawTcp() as server:
        config = server.config
    link = Link(config)
    answer = link.exchange(ASKED)
    assert isinstance(answer, PortGone)
    assert f"127.0.0.1:{config.tcp_port} does not accept a connection: check" in answer.reason


def test_abandon_frees_a_waiting_thread(server):
    """Another thread may free a stuck exchange; the next one opens the port anew and works."""
    link = Link(server.config)
    assert isinstance(link.exchange(ASKED), Registers)
    server.replies[5] = HOSTILE["silence"]
    timer = threading.Timer(0.03, link.abandon)
    timer.start()
    assert not isinstance(link.exchange(ASKED), Registers)
    timer.join()
    server.replies.clear()
    assert link.exchange(ASKED) == Registers((3,) * 4)
    link.close()


def test_a_write_and_its_echo():
    """A technician's write is done when its exact echo came, and known not to be otherwise."""
    for make in (RawTcp, RawRtu):
        with make() as server:
            link = Link(server.config)
            write = Write(5, 6, 100, (7,))
            assert isinstance(link.exchange(ASKED), Registers)
            echoes = [write.echo, write.echo[:-1] + b"\x08", write.echo[:-1]]
            server.on_other = lambda server=server, echoes=echoes: server.frame(5, echoes.pop(0))
            assert link.exchange(write) == Written()
            assert isinstance(link.exchange(write), Damaged)
            assert isinstance(link.exchange(write), Damaged)
            link.close()


def test_a_slow_serial_server():
    """Gaps of 30 ms within an answer, as a cellular modem leaves them, do not end it."""
    with RawRtuOverTcp() as server:
        link = Link(server.config)

        def slow(server, request):
            frame = server.exact(request)
            return [frame[:3], 0.03, frame[3:6], 0.03, frame[6:]]

        server.replies[5] = slow
        for number in range(1, 4):
            assert link.exchange(ASKED) == Registers((number,) * 4)
        server.replies[5] = lambda server, request: [server.exact(request)[2:]]
        assert link.exchange(ASKED) == Damaged("11 bytes of 13 came")
        link.close()


def test_an_echoing_adapter_is_named():
    """An adapter that gives our own request back is named as what it is."""
    with RawRtu() as server:
        link = Link(server.config)
        sent = rtu_frame(ASKED.unit, ASKED.pdu)
        server.replies[5] = lambda server, request: [sent + server.exact(request)]
        answer = link.exchange(ASKED)
        assert isinstance(answer, Damaged)
        assert "switch off the adapter's echo" in answer.reason
        assert link.other_master == ""
        link.close()


def test_a_name_server_that_never_answers(monkeypatch):
    """A name that is not resolved in time is PortGone; the answer that comes late serves later."""
    with RawTcp() as server:
        asked, go_on = threading.Event(), threading.Event()

        resolve = socket.getaddrinfo

        def slow(host, *rest, **more):
            if host != "meter.example":
                return resolve(host, *rest, **more)
            asked.set()
            go_on.wait(10)
            return [(2, 1, 6, "", ("127.0.0.1", 0))]

        monkeypatch.setattr("edge_agent.bus.port.socket.getaddrinfo", slow)
        monkeypatch.setattr("edge_agent.bus.port.DNS_S", 0.05)
        link = Link(replace(server.config, host="meter.example"))
        gone = link.exchange(ASKED)
        assert isinstance(gone, PortGone)
        assert "no address for meter.example" in gone.reason
        assert asked.is_set()
        go_on.set()
        monkeypatch.setattr("edge_agent.bus.port.DNS_S", 5.0)
        assert isinstance(link.exchange(ASKED), Registers)
        link.close()


def test_idle_connections_are_released():
    """A connection that was not used for a while is closed, and opened again when needed."""
    with RawTcp() as server:
        link = Link(replace(server.config, idle_close_s=0.0))
        for number in range(1, 3):
            assert link.exchange(ASKED) == Registers((number,) * 4)
            link.release_idle()
        assert server.connections == 2
        link.close()
        keeping = Link(replace(server.config, idle_close_s=3600.0))
        for _ in range(2):
            assert isinstance(keeping.exchange(ASKED), Registers)
            keeping.release_idle()
        assert server.connections == 3
        keeping.close()


def test_a_connection_that_died_unnoticed():
    """After some requests without any answer the connection is opened anew, not for one device."""
    with RawTcp() as server:
        link = Link(server.config)
        server.replies[5] = HOSTILE["silence"]
        for _ in range(10):
            assert link.exchange(ASKED) == NoAnswer(0)
            assert isinstance(link.exchange(Request(6, 3, 100, 4)), Registers)
        assert server.connections == 1
        for _ in range(5):
            assert link.exchange(ASKED) == NoAnswer(0)
        assert server.connections == 2
        link.close()


def test_whose_bytes_nobody_asked_for():
    """What comes between requests is counted, and its unit is known, to be probed anew."""
    with RawRtu() as server:
        link = Link(server.config)
        assert isinstance(link.exchange(ASKED), Registers)
        frame = server.frame(9, answer_pdu(3, (1, 2)))
        os.write(server.master, frame)
        assert select.select([link._port.fd], [], [], 5.0)[0]
        assert isinstance(link.exchange(ASKED), Registers)
        assert (link.unasked, link.strangers) == (len(frame), {9, 3})
        link.close()
