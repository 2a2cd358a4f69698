"""The agent's link and poller against a served device whose line has every fault, by seed.

Whatever comes, a GOOD value is the device's own. ASCII has no bit errors here: its sum finds single
ones only. A device that answers the request before (`behind`) with an answer of the same shape
cannot be found out by anybody, and is left out.
"""

import threading
from collections import Counter
from pathlib import Path

import pytest

from edge_agent.bus.link import Link
from edge_agent.bus.poller import DevicePoller, Line
from edge_agent.config.model import BusConfig, DeviceConfig
from protocols.metering.instant import Instant
from protocols.metering.quality import Quality
from protocols.registers.codec import decode_scan
from protocols.registers.library import load_profile
from simulators.serve import Bus, Place, ServeOptions, open_device
from simulators.tcp_bus import TcpBus

pytestmark = pytest.mark.timing

_FLOWSIC = load_profile("sick-flowsic500")
_TRUTH = {name: number for number, name in enumerate(_FLOWSIC.default_points, 1)}
_FAULTS = (
    "lost=0.02,late=0.02:150ms,twice=0.02,cut=0.02,foreign=0.02,noise=0.02,head=0.02:2,"
    "gap=0.05:20ms,delay=0ms-3ms,exception=0.01:4"
)
_BITS = ",bit=0.0004"
_KINDS = [
    ("rtu", _FAULTS + _BITS),
    ("ascii", _FAULTS),
    ("rtu-over-tcp", _FAULTS + _BITS),
    # TCP has no checksum, and what it does not carry (noise, lost bytes) its network does not lose
    ("tcp", "lost=0.03,late=0.03:150ms,foreign=0.03,delay=0ms-3ms,exception=0.02:4"),
]


class _Ticks:
    def now(self) -> Instant:
        return Instant(1, 0, None, 0)


def _served(
    kind: str, how: tuple[str, int, float], directory: Path, stop: threading.Event
) -> tuple[Bus, BusConfig]:
    faults, seed, timeout_s = how
    values = directory / "values.toml"
    values.write_text("".join(f"{name} = {number}\n" for name, number in _TRUTH.items()))
    options = ServeOptions("sick-flowsic500", 3, values, faults, seed)
    port = directory / "port"
    if kind in ("rtu", "ascii"):
        bus = open_device(options, Place(pty=port, baud=115_200, framing=kind), stop)
        config = BusConfig("line", kind, str(port), 115_200, timeout_s=timeout_s)  # type: ignore[arg-type]
    else:
        framing = "tcp" if kind == "tcp" else "rtu"
        bus = open_device(options, Place(framing=framing), stop)
        assert isinstance(bus, TcpBus)
        config = BusConfig("lan", kind, host="127.0.0.1", tcp_port=bus.port, timeout_s=timeout_s)  # type: ignore[arg-type]
    bus.start()
    return bus, config


def _polled(kind: str, faults: str, seed: int, polls: int, directory: Path) -> Counter[int]:
    """How many scans had which quality; each GOOD value is compared with the truth."""
    stop = threading.Event()
    timeout_s = 0.1 if faults else 1.0  # a sound line has all the time of a busy machine
    bus, config = _served(kind, (faults, seed, timeout_s), directory, stop)
    device = DeviceConfig("meter", config.name, 3, _FLOWSIC, "1", _FLOWSIC.default_points, 1000, 0)
    link = Link(config)
    poller = DevicePoller(device, Line(transactions=kind == "tcp"))
    qualities: Counter[int] = Counter()
    try:
        for _ in range(polls):
            scan = poller.poll(link.exchange, _Ticks())
            qualities[scan.quality] += 1
            if scan.quality == Quality.GOOD:
                for name, value in decode_scan(scan.register_map, scan.raws).items():
                    assert value.number in (None, _TRUTH[name]), (name, value)
    finally:
        link.close()
        stop.set()
        bus.join(10.0)
    assert not bus.is_alive()
    return qualities


@pytest.mark.parametrize(("kind", "faults"), _KINDS, ids=[kind for kind, _ in _KINDS])
def test_a_good_value_is_the_devices_own(tmp_path: Path, kind: str, faults: str) -> None:
    """Forty polls under all faults: some fail, some are good, none is wrong."""
    qualities = _polled(kind, faults, 1, 40, tmp_path)
    assert qualities[Quality.GOOD] >= 10
    assert qualities.total() - qualities[Quality.GOOD] >= 3


@pytest.mark.parametrize(("kind", "faults"), _KINDS, ids=[kind for kind, _ in _KINDS])
def test_without_faults_every_poll_is_good(tmp_path: Path, kind: str, faults: str) -> None:
    """The same line, sound."""
    assert faults
    assert _polled(kind, "", 1, 10, tmp_path) == {Quality.GOOD: 10}


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 4))
@pytest.mark.parametrize(("kind", "faults"), _KINDS, ids=[kind for kind, _ in _KINDS])
def test_a_good_value_is_the_devices_own_for_long(
    tmp_path: Path, kind: str, faults: str, seed: int
) -> None:
    """Four hundred polls, two seeds."""
    assert _polled(kind, faults, seed, 400, tmp_path)[Quality.GOOD] >= 100
