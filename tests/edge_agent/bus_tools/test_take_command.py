"""`edge-agent bus take` and `bus release` against a real socket and bus thread: words, status."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.bus.bus import BusThread
from edge_agent.bus_tools.lending import lending_routes
from edge_agent.cli import main
from edge_agent.clock import Clock
from edge_agent.config.model import BusConfig
from edge_agent.control.protocol import refusal
from edge_agent.control.server import ControlServer
from edge_agent.terminal import columns
from tests.edge_agent.gateway import TOML, write_ca

WHO = ("--who", "Li Wei", "--reason", "new cable")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The configuration of an agent that has one bus, line-1, and does nothing but lend it."""
    directory = tmp_path_factory.mktemp("lending")
    write_ca(directory)
    path = directory / "gateway.toml"
    path.write_text(TOML)
    stop, clock = threading.Event(), Clock(1)
    bus = BusThread(BusConfig("line-1", "rtu", port="/none"), [], clock, lambda _: True, stop)
    routes = lending_routes([bus], lambda _facts, _s: True, lambda _news: True, clock)
    server = ControlServer(
        directory / "state/control/act.sock", "", lambda _request, _peer: refusal("not here"), stop,
        acts=True, routes=routes,
    )  # fmt: skip
    bus.start()
    server.start()
    yield path
    stop.set()
    bus.jobs.wake()
    bus.join(5)
    server.join(5)


def test_taken_and_given_back(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Until when, and how it is given back; twice is a finding, with whose it is."""
    config = ("--config", str(path))
    assert main(["bus", "take", "line-1", "--for", "10m", *WHO, *config]) == 0
    told = capsys.readouterr().out
    assert "bus line-1 is lent for 600 s, until " in told
    assert "edge-agent bus release line-1" in told
    assert main(["bus", "take", "line-1", "--for", "10m", *WHO, *config]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "is lent to Li Wei (own word; uid" in said.err
    assert max(map(columns, (told + said.err).splitlines())) <= 80
    assert main(["bus", "release", "line-1", *config]) == 0
    assert "bus line-1 is the agent's again" in capsys.readouterr().out


def test_for_programs(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One object each, with whether an agent was there."""
    config = ("--json", "--config", str(path))
    assert main(["bus", "take", "line-1", "--for", "5s", *WHO, *config]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {**told, "until_utc_ms": 0} == {
        "schema": 1, "ok": True, "agent": True, "bus": "line-1", "seconds": 5, "until_utc_ms": 0,
    }  # fmt: skip
    assert main(["bus", "release", "line-1", *config]) == 0
    assert json.loads(capsys.readouterr().out)["who"].startswith("Li Wei (own word")


def test_in_chinese(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, in the technician's language."""
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert main(["bus", "take", "line-1", "--for", "5s", *WHO, "--config", str(path)]) == 0
    assert "line-1" in (told := capsys.readouterr().out)
    assert "is lent" not in told
    assert main(["bus", "release", "line-1", "--config", str(path)]) == 0


@pytest.mark.parametrize("act", ["take", "release"])
def test_a_bus_that_is_not_there(path: Path, act: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is asked of the agent; those that there are are named."""
    more = ("--for", "5s", *WHO) if act == "take" else ()
    assert main(["bus", act, "line-7", *more, "--config", str(path)]) == 2
    assert "no bus 'line-7'; there are: line-1" in capsys.readouterr().err
