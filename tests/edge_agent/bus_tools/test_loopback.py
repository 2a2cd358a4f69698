"""`edge-agent bus loopback` over real ptys: joined, damaged, one way, echoing."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_agent.bus_tools.loopback import PATTERN, compare
from edge_agent.bus_tools.loopback_command import verdict_of
from edge_agent.cli import main
from protocols.modbus.foreign import foreign_request

NO_CONFIG = ("--config", "/nonexistent/gateway.toml")
Wire = Callable[[int, bytes], list[tuple[int, bytes]]]


@contextmanager
def ports(wire: Wire) -> Iterator[tuple[str, str]]:
    """Two ports; `wire` says what of bytes from port n goes into which port."""
    pairs = [pty.openpty() for _ in range(2)]
    masters = [master for master, _ in pairs]
    for _, slave in pairs:
        tty.setraw(slave)
    stop = threading.Event()

    def carry() -> None:
        while not stop.is_set():
            for fd in select.select(masters, [], [], 0.02)[0]:
                for to, data in wire(masters.index(fd), os.read(fd, 256)):
                    os.write(masters[to], data)

    thread = threading.Thread(target=carry, daemon=True)
    thread.start()
    try:
        yield os.ttyname(pairs[0][1]), os.ttyname(pairs[1][1])
    finally:
        stop.set()
        thread.join(5)
        for pair in pairs:
            for fd in pair:
                os.close(fd)


WIRES: list[tuple[str, Wire, int]] = [
    ("loop.good", lambda n, data: [(1 - n, data)], 0),
    ("loop.dead", lambda _n, _data: [], 1),
    ("loop.one_way", lambda n, data: [(1, data)] if n == 0 else [], 1),
    ("loop.damaged", lambda n, data: [(1 - n, data.replace(b"\x55", b"\x00"))], 1),
    ("loop.echo", lambda n, data: [(n, data), (1 - n, data)], 1),
]


@pytest.mark.parametrize(("verdict", "wire", "status"), WIRES, ids=[row[0] for row in WIRES])
def test_two_ports(
    verdict: str, wire: Wire, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """What both directions together say."""
    with ports(wire) as (one, other):
        given = ["bus", "loopback", "--port", one, "--with", other, "--baud", "115200", "--json"]
        assert main([*given, *NO_CONFIG]) == status
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == verdict
    assert set(told) == {"schema", "ok", "verdict", "told", "ways"}
    assert set(told["ways"][0]) == {
        "name", "sent", "heard", "lost", "wrong", "extra", "echo", "good",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wire", "told", "status"),
    [
        (lambda n, data: [(n, data)], "the adapter echoes", 0),
        (lambda _n, _data: [], "Nothing came back: no echo", 1),
        (lambda n, data: [(n, data[:-1])], "Bytes are damaged", 1),
    ],
)
def test_one_port(wire: Wire, told: str, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A loop plug or an echo; nothing; something else."""
    with ports(wire) as (one, _):
        assert main(["bus", "loopback", "--port", one, "--baud", "115200", *NO_CONFIG]) == status
    assert told in capsys.readouterr().out


@pytest.mark.parametrize("other", [False, True], ids=["one-port", "two-ports"])
def test_somebody_talks(other: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """More comes than was sent, without end: it ends all the same, and says why."""
    masters = [pty.openpty() for _ in range(2)]
    stop = threading.Event()

    def babble() -> None:
        for master, slave in masters:
            tty.setraw(slave)
            os.set_blocking(master, False)
        while not stop.is_set():
            for master, _ in masters:
                with contextlib.suppress(BlockingIOError):
                    os.write(master, bytes(range(256)))

    thread = threading.Thread(target=babble, daemon=True)
    thread.start()
    names = [os.ttyname(slave) for _, slave in masters]
    given = ["--port", names[0], *(["--with", names[1]] if other else [])]
    try:
        assert main(["bus", "loopback", *given, "--baud", "115200", *NO_CONFIG]) == 1
    finally:
        stop.set()
        thread.join(5)
        for pair in masters:
            for fd in pair:
                os.close(fd)
    assert "somebody else talks on this line" in " ".join(capsys.readouterr().out.split())


def test_the_pattern_is_no_request() -> None:
    """No instrument that still hangs on the line takes it for one."""
    assert foreign_request(PATTERN) == ""
    assert set(PATTERN) == set(range(256))


def test_counting() -> None:
    """Lost, wrong and extra bytes by place."""
    assert compare("a", b"abcd", b"abXd").wrong == 1
    assert (compare("a", b"abcd", b"ab").lost, compare("a", b"ab", b"abcd").extra) == (2, 2)
    assert verdict_of([compare("a", b"ab", b"ab")]) == "loop.back"


def test_a_port_that_is_none(tmp_path: Path) -> None:
    """Status 2, with the remedy."""
    assert main(["bus", "loopback", "--port", str(tmp_path / "none"), *NO_CONFIG]) == 2
