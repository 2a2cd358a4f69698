"""`edge-agent plan`: figures by hand, and a table that fits a terminal."""

from dataclasses import replace

import pytest

from edge_agent.cli import main
from edge_agent.commands.plan_command import Cost, cost_of, plan_lines
from edge_agent.config.bus_time import loads_of
from edge_agent.config.model import BusConfig
from edge_agent.language import load_words
from edge_agent.terminal import columns
from protocols.modbus.plan import Block
from tests.edge_agent.gateway import TOML, config_of, write_ca

ENGLISH, CHINESE = (load_words("edge_agent.commands", chinese=one) for one in (False, True))
TOTALS = Block(3, 4100, 12, ())


@pytest.mark.parametrize(
    ("bus", "byte_count", "line_ms"),
    [
        # 8 + 5 + 24 characters; with two silences 44 x 1.041667 ms, and 25 ms of turnaround
        (BusConfig("b", "rtu"), 37, 70.833),
        # colon, 7 and 28 bytes in two digits each, CR LF: 17 + 59 characters
        (BusConfig("b", "ascii"), 76, 111.458),
        (BusConfig("b", "rtu-over-tcp"), 37, None),
        (BusConfig("b", "rtu-over-tcp", line_baud=9600), 37, 70.833),
        # 12 + 9 + 24 bytes
        (BusConfig("b", "tcp"), 45, None),
    ],
)
def test_cost_by_hand(bus, byte_count, line_ms):
    """Bytes of request and answer, and the time that they hold a serial line."""
    cost = cost_of([TOTALS], bus)
    assert cost == Cost(1, byte_count, line_ms and pytest.approx(line_ms, abs=0.001))


def test_the_table(tmp_path):
    """Each device has its row, each line its sum, and nothing is wider than 80 columns."""
    config = config_of(tmp_path)
    slow = replace(
        config.devices[0],
        name="a-name-of-thirty-two-characters-",
        slow_points=("conversion_factor",),
        slow_ms=60_000,
    )
    lines = list(plan_lines(replace(config, devices=(slow, *config.devices[1:])), ENGLISH))
    assert all(len(line) <= 80 for line in lines)
    chinese = [columns(line) for line in plan_lines(config, CHINESE)]
    assert max(chinese) <= 80
    assert set(chinese[1:3]) == {72}  # head and row end alike, though a Han takes two columns
    assert lines[1].split() == ["device", "requests", "bytes", "ms", "each", "s", "share"]
    assert lines[2].split() == ["a-name-of-thirty-two-...", "2", "54", "121", "2", "6.0", "%"]
    assert lines[3].split()[-3:] == ["60", "0.1", "%"]
    assert lines[5].split()[:5] == ["the", "line", "11.3", "%", "used,"]
    assert lines[9].split() == ["t-1", "1", "33", "-", "2", "-"]


def test_slow_points_are_counted_once():
    """A point that both need is read with the fast ones."""
    from protocols.registers.library import load_profile
    from tests.edge_agent.running_bus import device

    meter = device("m", 1, load_profile("sick-flowsic500"), ["vm"])
    meter = replace(meter, slow_points=("vb", "conversion_factor"), slow_ms=60_000)
    fast, slow = loads_of(meter, BusConfig("line-1", "rtu", port="/dev/null"))
    assert (fast.poll_ms, slow.poll_ms) == (100, 60_000)
    assert [point.name for block in slow.blocks for point in block.points] == [
        "vb",
        "conversion_factor",
    ]


def test_the_command(tmp_path, capsys):
    """The command prints the table; a faulty configuration is told instead."""
    write_ca(tmp_path)
    path = tmp_path / "gateway.toml"
    path.write_text(TOML)
    assert main(["plan", "--config", str(path)]) == 0
    assert "bus line-1: rtu, 9600 baud 8N1" in capsys.readouterr().out
    path.write_text(TOML.replace("poll_seconds = 2", "poll_seconds = 0.1"))
    assert main(["plan", "--config", str(path)]) == 1
    assert "of the line at 9600 baud" in capsys.readouterr().err
