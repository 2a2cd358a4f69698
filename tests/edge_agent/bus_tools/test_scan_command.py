"""`edge-agent bus scan` as a person runs it: the lines, the JSON, Ctrl-C, an agent that lends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import tomllib
from contextlib import suppress
from pathlib import Path

import pexpect
import pytest

from edge_agent.bus_tools.borrow import CannotUse
from edge_agent.bus_tools.scan_command import Ordered, target
from edge_agent.cli import main
from edge_agent.terminal import columns
from protocols.modbus.frames import FrameError
from tests.edge_agent.bus_tools.lines import line
from tests.edge_agent.bus_tools.test_lending import (
    TIMEOUT_S,
    agent,
    bus_state,
    good_polls,
    metering,
    run_tool,
    wait_until,
)
from tests.edge_agent.modbus_servers import RawRtuOverTcp

UNITS = {2: "keller-33x", 5: "sick-flowsic500"}
NO_CONFIG = ("--config", "/nonexistent/gateway.toml")


def arguments(path: Path, *more: str) -> list[str]:
    given = ["bus", "scan", "--port", str(path), "--baud", "9600", "--parity", "N", "--timeout",
             "0.2", "--units", "1-6", *NO_CONFIG]  # fmt: skip
    return [*given, *more]


@pytest.mark.parametrize("language", ["en_US.UTF-8", "zh_CN.UTF-8"])
def test_instruments_are_told_with_what_to_write(
    tmp_path: Path, language: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """In 80 columns; the lines are TOML; status 0."""
    monkeypatch.setenv("LC_ALL", language)
    with line(tmp_path / "line", UNITS) as path:
        assert main(arguments(path)) == 0
    told = capsys.readouterr().out
    assert max(columns(one) for one in told.splitlines() if str(path) not in one) <= 80
    table = tomllib.loads(told[told.index("[[bus]]") :])
    assert table["bus"] == [
        {"name": "line-1", "type": "rtu", "port": str(path), "baud": 9600, "parity": "N"}
    ]
    assert [one["profile"] for one in table["device"]] == ["keller-33x", "sick-flowsic500"]


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One object with stable keys."""
    with line(tmp_path / "line", UNITS) as path:
        assert main(arguments(path, "--json")) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {
        "schema", "ok", "stopped", "port", "setup", "asked", "any_unit", "instruments", "likely",
        "toml",
    }  # fmt: skip
    assert [one["unit"] for one in told["instruments"]] == [2, 5]
    assert set(told["instruments"][0]) == {
        "unit", "answers", "exception", "serial", "known_as", "says", "guesses",
    }  # fmt: skip
    guess = told["instruments"][1]["guesses"][0]
    assert set(guess) == {"profile", "sure", "score", "reasons"}
    assert guess["profile"] == "sick-flowsic500"


def test_nobody_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With what is likely wrong, why, and what to do; a port that is none is status 2."""
    with line(tmp_path / "line", {}) as path:
        assert main(arguments(path)) == 1
    told = capsys.readouterr().out
    assert "Nobody answered" in told
    assert "The line is dead - possible" in told
    assert "A and B" in told
    assert main(arguments(tmp_path / "none")) == 2


def test_ctrl_c_ends_it_in_order(tmp_path: Path) -> None:
    """In a terminal of 80x24: a bar with an estimate, then what was found until then."""
    with line(tmp_path / "line", {1: "keller-33x"}) as path:
        command = [*arguments(path), "--units", "1-247", "--timeout", "0.2"]
        child = pexpect.spawn(
            sys.executable, ["-m", "edge_agent.cli", *command], dimensions=(24, 80),
            encoding="utf-8", timeout=TIMEOUT_S,
        )  # fmt: skip
        child.expect("unit [0-9]+, 9600 8N1; 1 found")
        child.sendintr()
        child.expect("Stopped. Found until then:")
        child.expect("unit 1")
        child.expect(pexpect.EOF)
        child.close()
    assert child.exitstatus == 1


def test_a_running_agent_lends_its_bus(tmp_path: Path) -> None:
    """And has it back afterwards, also where the scan is ended by SIGTERM."""
    with metering(tmp_path) as (path, _), agent(path) as child:
        assert wait_until(lambda: bus_state(path) == "good" and good_polls(path) > 2, TIMEOUT_S)
        done = run_tool(path, "bus", "scan", "--bus", "line", "--units", "1-5", "--json")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)["instruments"]
        assert [one["unit"] for one in found] == [1]  # its four banks are one instrument
        assert found[0]["guesses"][0]["profile"] == "flonidan-uniflo1200"
        assert wait_until(lambda: bus_state(path) == "good", TIMEOUT_S)
        long = run_tool(path, "bus", "scan", "--timeout", "10", "--baud", "all")
        assert (long.returncode, "lent for an hour at most" in long.stderr) == (2, True)
        assert wait_until(lambda: bus_state(path) == "good", TIMEOUT_S)
        command = [sys.executable, "-m", "edge_agent.cli", "bus", "scan", "--config", str(path)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as tool:
            assert wait_until(lambda: bus_state(path) == "lent", TIMEOUT_S)
            tool.send_signal(signal.SIGTERM)
            assert tool.wait(TIMEOUT_S) == 1
        assert wait_until(lambda: bus_state(path) == "good", TIMEOUT_S)
        child.kill()


class ClosesOnOthers(RawRtuOverTcp):
    """It closes the connection on a function that it does not know, as some do."""

    def _serve(self, connection: socket.socket) -> None:
        with suppress(FrameError):
            super()._serve(connection)


def test_a_serial_server(capsys: pytest.CaptureFixture[str]) -> None:
    """RTU frames over TCP; a device that does not like to be asked who it is stays in the list."""
    with ClosesOnOthers() as server:
        where = f"127.0.0.1:{server.config.tcp_port}"
        given = ["bus", "scan", "--tcp", where, "--rtu", "--units", "7", *NO_CONFIG]
        assert main(given) == 0
    told = capsys.readouterr().out
    assert 'type = "rtu-over-tcp"' in told


@pytest.mark.parametrize("tcp", ["host", "host:", ":502", "host:0", "host:65536", "host:x"])
def test_what_is_no_peer(tcp: str) -> None:
    """Is told with what it must be."""
    with pytest.raises(CannotUse, match="must be HOST:PORT"):
        target(None, Ordered(tcp=tcp))


@pytest.mark.parametrize(
    "given",
    [
        ["--units", "0-256"], ["--units", "5-1"], ["--units", "x"], ["--baud", "9601"],
        ["--parity", "X"], ["--timeout", "0"], ["--timeout", "nan"],
    ],
)  # fmt: skip
def test_what_cannot_be_asked(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """argparse tells it, with what may be given."""
    with pytest.raises(SystemExit, match="2"):
        main(["bus", "scan", "--port", "p", *given])
    assert given[0] in capsys.readouterr().err
