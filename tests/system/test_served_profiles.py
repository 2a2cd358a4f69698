"""Every packaged profile, served by the simulator and read by the agent's own command."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_agent.cli import main
from protocols.registers import library
from protocols.registers.library import profile_ids
from simulators.rtu_line import RtuLine
from simulators.serve import Bus, Place, ServeOptions, open_device

pytestmark = pytest.mark.timing

_PROFILES = Path(library.__file__).parent / "profiles"
_BAUD = 115_200

Serve = Callable[[str, Place], Bus]


@pytest.fixture
def serve() -> Iterator[Serve]:
    stop = threading.Event()
    running: list[Bus] = []

    def start(profile: str, place: Place) -> Bus:
        bus = open_device(ServeOptions(profile, unit=3), place, stop)
        bus.start()
        running.append(bus)
        return bus

    yield start
    stop.set()
    for bus in running:
        bus.join(10.0)
        assert not bus.is_alive()


def _check(profile_id: str, link: str) -> int:
    return main(["profile", "check", str(_PROFILES / f"{profile_id}.toml"), "--connect", link])


@pytest.mark.parametrize("profile_id", profile_ids())
def test_the_agent_reads_every_point_over_tcp(serve: Serve, profile_id: str) -> None:
    """The checker connects, reads all of the map and finds every point answered."""
    bus = serve(profile_id, Place())
    assert not isinstance(bus, RtuLine)
    assert _check(profile_id, f"tcp:127.0.0.1:{bus.port}/3") == 0


@pytest.mark.parametrize("profile_id", profile_ids())
def test_the_agent_reads_every_point_on_a_paced_line(
    tmp_path: Path, serve: Serve, profile_id: str
) -> None:
    """The same as RTU frames with their gaps, at 115200 baud."""
    serve(profile_id, Place(pty=tmp_path / "p", baud=_BAUD))
    assert _check(profile_id, f"rtu:{tmp_path}/p:{_BAUD}:N/3") == 0


def test_the_agent_reads_rtu_frames_over_tcp(serve: Serve) -> None:
    """What a serial server passes on, as it is."""
    bus = serve("sick-flowsic500", Place(framing="rtu"))
    assert not isinstance(bus, RtuLine)
    assert _check("sick-flowsic500", f"rtu-over-tcp:127.0.0.1:{bus.port}/3") == 0


def test_the_agent_reads_an_ascii_line(tmp_path: Path, serve: Serve) -> None:
    """Enron registers of four bytes as ASCII frames on a paced line."""
    serve("cameron-mc3-exp", Place(pty=tmp_path / "p", baud=_BAUD, framing="ascii"))
    assert _check("cameron-mc3-exp", f"ascii:{tmp_path}/p:{_BAUD}:N/3") == 0
