"""A bus is lent by a running agent, for a while, with its reason in the log; the law holds."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial

from edge_agent.bus.bus import BusThread
from edge_agent.bus_tools.lending import lending_routes
from edge_agent.clock import Clock
from edge_agent.config.model import BusConfig
from edge_agent.control.client import NoAgent, SocketError, ask_agent
from edge_agent.control.protocol import Call
from edge_agent.journal.journal import FILE_NAME
from edge_agent.keys.keys import create_keys
from edge_agent.recording.device_recording import Fact, News, Said
from protocols.evidence.leaf import Kind
from protocols.metering.quality import Quality
from protocols.registers.codec import decode_scan
from protocols.registers.register_map import RegisterMap
from simulators.serve import Place, ServeOptions, open_device
from tests.edge_agent.gateway import GATEWAY, TOML, wait_until, write_ca
from tests.edge_agent.ledger_law import Found, passed_counts, read_journal
from tests.edge_agent.test_agent import agent

TIMEOUT_S = 40.0


def write_config(directory: Path, pty: Path) -> Path:
    """One converter on a serial line, polled each 0.2 s, intervals of a second."""
    head, _, _ = TOML.partition("[[bus]]")
    rest = f"""
[[bus]]
name = "line"
type = "rtu"
port = "{pty}"
baud = 115200
timeout_s = 0.3
[[device]]
name = "meter"
bus = "line"
unit = 1
profile = "flonidan-uniflo1200"
serial = "M1"
poll_seconds = 0.2
read_archives = false
[[run]]
id = "R1"
meter = "meter"
qmax_m3_h = 100000.0
index_digits = 12
totals = {{ line = "vm" }}
line_resolution_m3 = "0.0001"
base_resolution_m3 = "0.0001"
interval_seconds = 1
stale_seconds = 2
conversion = {{ method = "T", k = 1.0 }}
base = {{ temperature_c = 20.0, pressure_kpa = 101.325 }}
pressure = {{ fixed_kpa_abs = 105.0 }}
temperature = {{ device = "meter", point = "temperature", substitute_c = 15.0, low_c = -40.0, high_c = 80.0 }}
"""  # noqa: E501  # TOML tables in one line
    write_ca(directory)
    head = head.replace("batch_seconds = 300", "batch_seconds = 300\ndrain_seconds = 0")
    path = directory / "gateway.toml"
    path.write_text(head + rest, encoding="utf-8")
    create_keys(directory / "state", GATEWAY, os.urandom)
    return path


@contextmanager
def metering(directory: Path) -> Iterator[tuple[Path, Path]]:
    """A running agent on a served meter: the configuration, the port."""
    stop, pty = threading.Event(), directory / "line-pty"
    path = write_config(directory, pty)
    place = Place(pty=pty, baud=115_200)
    bus = open_device(ServeOptions("flonidan-uniflo1200"), place, stop)
    bus.start()
    try:
        yield path, pty
    finally:
        stop.set()
        bus.join(5)


def run_tool(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", *arguments, "--config", str(path)],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip


def status(path: Path) -> dict:
    return ask_agent(path.parent / "state/control/read.sock", Call("status"))


def bus_state(path: Path) -> str:
    """Empty where no agent listens yet."""
    try:
        return str(status(path)["buses"][0]["state"])
    except (NoAgent, SocketError):
        return ""


def good_polls(path: Path) -> int:
    return int(status(path)["devices"][0]["counts"]["good"])


def first_and_last(found: Found) -> tuple[int, int]:
    """The meter's index in the first and the last good scan."""
    maps = {
        leaf.reference: RegisterMap.from_body(leaf.body) for leaf in found.of(Kind.REGISTER_MAP)
    }
    scans = [leaf for leaf in found.of(Kind.SCAN) if leaf.quality == Quality.GOOD]
    values = [decode_scan(maps[leaf.reference], leaf.body)["vm"].number for leaf in scans]
    return int(values[0]), int(values[-1])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    with metering(tmp_path) as (path, pty), agent(path) as child:
        assert wait_until(lambda: bus_state(path) == "good" and good_polls(path) > 3, TIMEOUT_S)
        yield path, pty
        child.terminate()
        child.communicate(timeout=TIMEOUT_S)
        assert child.returncode == 0


TAKE = ("bus", "take", "line", "--who", "Li Wei", "--reason", "new cable", "--for")


def test_a_bus_is_lent_and_given_back_and_nothing_is_lost(tmp_path: Path) -> None:
    """The port is free meanwhile; the gap is BAD_PORT with its reason; every count is booked."""
    with metering(tmp_path) as (path, pty), agent(path) as child:
        assert wait_until(lambda: bus_state(path) == "good" and good_polls(path) > 3, TIMEOUT_S)
        took = run_tool(path, *TAKE, "5m")
        assert (took.returncode, took.stderr) == (0, "")
        assert "bus line is lent for 300 s" in took.stdout
        assert bus_state(path) == "lent"
        bus = status(path)["buses"][0]
        assert bus["lent_to"].startswith("Li Wei (own word; uid")
        with serial.Serial(str(pty), exclusive=True):
            before = good_polls(path)
            refused = run_tool(path, "read", "--device", "meter")
            assert "is lent to Li Wei" in refused.stderr
            again = run_tool(path, *TAKE, "1m", "--json")
            assert (again.returncode, json.loads(again.stdout)["ok"]) == (1, False)
            assert good_polls(path) == before
        assert run_tool(path, "bus", "release", "line").returncode == 0
        assert wait_until(lambda: good_polls(path) > before + 8, TIMEOUT_S)
        child.terminate()
        child.communicate(timeout=TIMEOUT_S)
    found = read_journal(tmp_path / "state" / FILE_NAME)
    told = [leaf for leaf in found.of(Kind.EVENT) if leaf.body[0] == "bus_lent"]
    assert [leaf.body[1:3] for leaf in told] == [("off", "on"), ("on", "off")]
    assert "bus line: new cable; until" in str(told[0].body)
    assert "given back by uid" in str(told[1].body)
    lost = [leaf for leaf in found.of(Kind.SCAN) if leaf.quality == Quality.BAD_PORT]
    assert lost
    first, last = first_and_last(found)
    assert passed_counts(found) == last - first > 0


WRONG = [
    ({"seconds": 0}, "seconds: must be"),
    ({"seconds": 3601}, "seconds: must be"),
    ({"bus": "lan"}, "no bus 'lan'; there are: line"),
    ({"reason": ""}, "reason: must be"),
    ({"who": "x" * 201}, "who: must be"),
]


def test_a_loan_ends_by_itself(site: tuple[Path, Path]) -> None:
    """Nobody has to give it back; what is no request lends nothing."""
    path, _ = site
    for fields, why in WRONG:
        call = {"bus": "line", "seconds": 5, "who": "Li", "reason": "r", **fields}
        answer = ask_agent(path.parent / "state/control/act.sock", Call("take", call))
        assert why in str(answer["error"])
        assert bus_state(path) == "good"
    took = run_tool(path, *TAKE, "1s", "--json")
    told = json.loads(took.stdout)
    assert (told["schema"], told["ok"], told["seconds"]) == (1, True, 1)
    before = good_polls(path)
    assert wait_until(lambda: good_polls(path) > before + 2, TIMEOUT_S)
    late = run_tool(path, "bus", "release", "line")
    assert (late.returncode, "is not lent" in late.stderr) == (1, True)


@pytest.mark.long
def test_a_tool_that_is_killed_has_the_bus_no_longer(site: tuple[Path, Path]) -> None:
    """Nor one whose terminal is gone; and what is lent to another meanwhile stays his."""
    path, _ = site
    for number in (signal.SIGKILL, signal.SIGHUP):
        command = [sys.executable, "-m", "edge_agent.cli", "bus", "scan", "--bus", "line"]
        with subprocess.Popen(
            [*command, "--units", "100-200", "--config", str(path)], stdout=subprocess.DEVNULL
        ) as tool:
            assert wait_until(lambda: bus_state(path) == "lent", TIMEOUT_S)
            tool.send_signal(number)
            tool.wait()
            assert wait_until(lambda: bus_state(path) == "good", 5.0)
    act = path.parent / "state/control/act.sock"
    taken = {"bus": "line", "seconds": 60, "who": "Li", "reason": "r"}
    assert ask_agent(act, Call("take", taken))["ok"]
    answer = ask_agent(act, Call("release", {"bus": "line", "pid": os.getpid()}))
    assert (answer["ok"], "is lent to Li" in str(answer["error"])) == (False, True)
    assert bus_state(path) == "lent"
    assert ask_agent(act, Call("release", {"bus": "line"}))["ok"]


def test_of_many_at_once_one_gets_it() -> None:
    """The others hear whose it is, and the log has one loan: an end of theirs would hide it."""
    said: list[str] = []
    both = threading.Barrier(2)

    def note(facts: Sequence[Fact | Said], _timeout_s: float) -> bool:
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.3)  # where two may be here, both are
        said.extend(fact.new for fact in facts if isinstance(fact, Fact))
        return True

    def tell(news: News) -> bool:
        return note([news], 0.0) if isinstance(news, Fact) else True

    line = BusThread(
        BusConfig("line", "rtu", port="/nonexistent"), [], Clock(1), lambda _: True,
        stop := threading.Event(),
    )  # fmt: skip
    route = lending_routes([line], note, tell, Clock(1))["take"]
    call = Call("take", {"bus": "line", "seconds": 60, "who": "Li", "reason": "r"})
    answers: list[Mapping[str, object]] = []
    asking = [
        threading.Thread(target=lambda: answers.append(route.answer(call, "uid 1")))
        for _ in range(3)
    ]
    line.start()
    try:
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join(20)
        assert said == ["on"]
        assert sorted(bool(answer["ok"]) for answer in answers) == [False, False, True]
        assert line.loans.current is not None
    finally:
        stop.set()
        line.jobs.wake()
        line.join(5)


def test_what_a_slow_journal_stores_later_says_that_nothing_was_lent() -> None:
    """Who asked was told no; the event waits there, and would say for ever that it is lent."""
    line = BusThread(
        BusConfig("line", "tcp", host="127.0.0.1", tcp_port=1), (), Clock(1), lambda _: True,
        threading.Event(), lambda: 0.5,
    )  # fmt: skip
    waiting: list[Fact] = []

    def note(facts: Sequence[Fact | Said], _timeout_s: float) -> bool:
        waiting.extend(fact for fact in facts if isinstance(fact, Fact))
        return False

    route = lending_routes([line], note, lambda _: True, Clock(1))["take"]
    call = Call("take", {"bus": "line", "seconds": 60, "who": "Li", "reason": "r"})
    assert not route.answer(call, "uid 1")["ok"]
    assert [(fact.old, fact.new) for fact in waiting] == [("off", "on"), ("on", "off")]
    assert line.loans.current is None


def test_without_an_agent_the_port_is_free(tmp_path: Path) -> None:
    """Nothing to take, nothing to give back: good."""
    path = write_config(tmp_path, tmp_path / "none")
    took = run_tool(path, *TAKE, "5m")
    assert (took.returncode, "no agent runs" in took.stdout) == (0, True)
    assert json.loads(run_tool(path, "bus", "release", "line", "--json").stdout)["agent"] is False
    assert run_tool(path, "bus", "release", "other").returncode == 2
