"""Ports and peers as they are here."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest

from edge_agent.config.model import BusConfig
from edge_agent.doctor.host import Peer
from edge_agent.doctor.ports_look import is_same, is_terminal, look_at_peer, look_at_port, may_open
from tests.edge_agent.doctor.site_rig import closed_port, hangs_up, listener, says_nothing

NOBODY = 65_534


def bus(port: str = "", tcp_port: int = 0, host: str = "127.0.0.1") -> BusConfig:
    return BusConfig("b", "rtu" if port else "tcp", port=port, host=host, tcp_port=tcp_port)


@pytest.fixture
def pty(tmp_path):
    """A serial port by another name; this test itself holds it open, which is no other program."""
    master, slave = os.openpty()
    path = tmp_path / "port"
    path.symlink_to(os.ttyname(slave))
    yield path
    os.close(master)
    os.close(slave)


def test_a_port_that_may_be_used(pty) -> None:
    """By root, and by nobody else until it is said."""
    seen = look_at_port(bus(str(pty)), 0)
    assert (seen.exists, seen.is_port, seen.may_open, seen.holders) == (True, True, True, ())


def test_no_permission(pty) -> None:
    """The rights of the agent's user count: it is told which user, and which group it needs."""
    os.chmod(pty, 0o620)
    seen = look_at_port(bus(str(pty)), NOBODY)
    assert not seen.may_open
    assert seen.user == "nobody"
    assert seen.group
    os.chmod(pty, 0o666)
    assert look_at_port(bus(str(pty)), NOBODY).may_open


def test_what_the_agent_says_of_it(pty) -> None:
    """A process of that user, with the agent's own open: the same."""
    os.chmod(pty, 0o600)
    code = (
        "import sys; from edge_agent.bus.port import open_serial; from edge_agent.config.model"
        " import BusConfig; print(open_serial(BusConfig('b', 'rtu', port=sys.argv[1])))"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, str(pty.resolve())],
            capture_output=True, text=True, user=NOBODY, group=NOBODY, extra_groups=[], check=False,
        )  # fmt: skip
    except PermissionError:
        pytest.skip("another user cannot be taken here")
    if done.returncode:
        pytest.skip("that user may not read this program")
    assert "may not be opened" in done.stdout


def test_owner_group_and_others() -> None:
    """As the kernel asks them, the first that fits alone."""
    stat = os.stat_result((0o660, 0, 0, 0, os.geteuid(), os.getegid(), 0, 0, 0, 0))
    assert may_open(stat, os.geteuid())
    assert not may_open(stat, NOBODY)
    assert may_open(os.stat_result((0o606, 0, 0, 0, 1, 1, 0, 0, 0, 0)), NOBODY)


def test_who_holds_it(pty) -> None:
    """Another process, by its name and number."""
    code = "import sys; f = open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(pty)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"open\n"
        (holder,) = look_at_port(bus(str(pty)), 0).holders
        assert f"pid {child.pid}" in holder
        child.kill()


def test_one_device_by_two_names() -> None:
    """A pseudo terminal of the same number in another container is another one."""

    def node(major: int, device: int, mode: int = 0o020620) -> SimpleNamespace:
        return SimpleNamespace(st_mode=mode, st_rdev=os.makedev(major, 3), st_dev=device)

    assert is_same(node(188, 1), node(188, 2))
    assert is_same(node(136, 1), node(136, 1))
    assert not is_same(node(136, 1), node(136, 2))
    assert not is_same(node(188, 1), node(188, 1, 0o100644))


def test_names_that_are_no_port(tmp_path) -> None:
    """Nothing of that name; a pattern that fits nothing; a device that is no terminal; a file."""
    assert not look_at_port(bus(str(tmp_path / "none")), 0).exists
    assert look_at_port(bus(str(tmp_path / "none*")), 0).path == ""
    assert not look_at_port(bus("/dev/null"), 0).is_port
    (tmp_path / "file").touch()
    assert not look_at_port(bus(str(tmp_path / "file")), 0).is_port


def test_terminals_by_the_kernels_list() -> None:
    """A range of minors, one alone; a kernel that tells nothing is believed to have one."""
    drivers = "usbserial /dev/ttyUSB 188 0-511 serial\n/dev/tty /dev/tty 5 0 system:/dev/tty\n"
    assert is_terminal(os.makedev(188, 3), drivers)
    assert is_terminal(os.makedev(5, 0), drivers)
    assert not is_terminal(os.makedev(5, 1), drivers)
    assert not is_terminal(os.makedev(1, 3), drivers)
    assert is_terminal(os.makedev(1, 3), "")


def test_peers() -> None:
    """One connection each, closed again."""
    with contextlib.ExitStack() as stack:
        cases = {
            listener(says_nothing)(stack): Peer.TAKES,
            listener(hangs_up)(stack): Peer.CLOSES,
            closed_port(stack): Peer.REFUSES,
        }
        for port, expected in cases.items():
            assert look_at_peer(bus(tcp_port=port)) is expected
        deaf = stack.enter_context(socket.socket())
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(2):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(deaf.getsockname())
        assert look_at_peer(bus(tcp_port=deaf.getsockname()[1]), 0.2) is Peer.SILENT
    assert look_at_peer(bus(tcp_port=1, host="x" * 70)) is Peer.NO_NAME
    assert look_at_peer(bus(tcp_port=1, host="255.255.255.255")) is Peer.NO_ROUTE
