"""`edge-agent link` against a central behind TLS, with an agent and without one."""

from __future__ import annotations

import json
import os
import time
from functools import partial

import pytest

from edge_agent.cli import main
from edge_agent.config.file import load_config
from edge_agent.control.client import ask_agent
from edge_agent.control.protocol import Call
from edge_agent.keys.keys import create_keys
from edge_agent.link_test.command import judge_traffic
from protocols.evidence.leaf import Log
from tests.edge_agent.agent_thread import agent_thread
from tests.edge_agent.gateway import GATEWAY, wait_until
from tests.edge_agent.test_agent import write_config
from tests.edge_agent.tls_central import TlsCentral, make_certificates, serving


@pytest.fixture
def central(tmp_path):
    keys = create_keys(tmp_path / "state", GATEWAY, os.urandom)
    with serving(tmp_path, TlsCentral(keys.signer.verifier), days=(-1, 90)) as running:
        yield running


def steps_of(capsys):
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == 1
    return {step["name"]: step for step in told["steps"]}


def config_for(directory, url):
    """A batch interval that no test outlives: only a flush sends."""
    path = write_config(directory, url)
    path.write_text(path.read_text().replace("batch_seconds = 0.5", "batch_seconds = 3600"))
    return path


def test_with_an_agent_and_then_without(tmp_path, central, capsys, monkeypatch) -> None:
    """The agent sends what waits at once; after its end this program sends the rest itself."""
    monkeypatch.setenv("LANG", "C.UTF-8")
    path = config_for(tmp_path, central.url)
    with agent_thread(path):
        assert wait_until(lambda: central.size(Log.BILLING) > 0)
        first = central.size(Log.TELEMETRY)  # what is polled from now on waits for an hour
        control = load_config(path).control
        asked = partial(ask_agent, control.read_socket, Call("status"))
        assert wait_until(lambda: asked()["journal"]["unsent"]["telemetry"] > 0)
        assert main(["link", "--config", str(path)]) == 0
        out = capsys.readouterr().out
        assert "leaves sent, receipt verified" in out
        assert max(map(len, out.splitlines())) <= 80
        assert central.size(Log.TELEMETRY) > first
    assert main(["link", "--config", str(path), "--json"]) == 0
    steps = steps_of(capsys)
    assert steps["batch"]["note"].startswith("nothing waits to be sent")
    assert steps["central"]["note"].startswith("knows this gateway")


def test_alone_what_waits_is_sent(tmp_path, central, capsys, monkeypatch) -> None:
    """An agent that could reach nobody left its leaves behind."""
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    path = config_for(tmp_path, "https://localhost:1")
    path.write_text(path.read_text().replace("drain_seconds = 5", "drain_seconds = 0"))
    with agent_thread(path):
        pass
    assert main(["link", "--config", str(path), "--json"]) == 1
    steps = steps_of(capsys)
    assert [*steps] == ["interface", "route", "name", "connect"]
    assert steps["connect"]["code"] == "link_refused"
    path.write_text(path.read_text().replace("https://localhost:1", central.url))
    assert main(["link", "--config", str(path), "--json"]) == 0
    assert "回执已验证" in steps_of(capsys)["batch"]["note"]
    assert central.size(Log.BILLING) > 0


def test_another_ca_and_a_gateway_that_nobody_knows(tmp_path, central, capsys) -> None:
    """Each ends the way where it is, and what comes after is not tried."""
    path = config_for(tmp_path, central.url)
    central._own = create_keys(tmp_path / "other", GATEWAY, os.urandom).signer.verifier
    told = b'{"error": "not registered", "remedy": "edge-central gateway add"}'
    central.tell_heads = lambda request: (401, told, "application/json")
    assert main(["link", "--config", str(path), "--no-batch"]) == 1
    out = capsys.readouterr().out
    assert "does not know gateway gw-1" in out
    assert "not tried" in out
    (tmp_path / "new").mkdir()
    make_certificates(tmp_path / "new")
    (tmp_path / "ca.pem").write_bytes((tmp_path / "new" / "ca.pem").read_bytes())
    assert main(["link", "--config", str(path), "--json"]) == 1
    assert steps_of(capsys)["tls"]["code"] == "tls_untrusted"


def test_outside_the_windows_it_is_said_and_tried(tmp_path, central, capsys) -> None:
    """A person asks: the windows are for the agent."""
    path = config_for(tmp_path, central.url)
    ahead = int((time.time() + 8 * 3600) % 86_400 // 3600 + 2) % 24  # of the site's hour
    closed = f'batch_seconds = 3600\nconnect_windows = ["{ahead:02}:00-{ahead:02}:30"]'
    path.write_text(path.read_text().replace("batch_seconds = 3600", closed))
    assert main(["link", "--config", str(path), "--json", "--no-batch"]) == 1
    told = json.loads(capsys.readouterr().out)["steps"]
    assert told[0]["code"] == "window_closed"
    assert told[-1]["name"] == "traffic"


def test_traffic_of_a_day() -> None:
    """By the rate since the start, once that is long enough to say anything."""
    snapshot = {"up_s": 8640, "uplink": {"bytes_out": 100_000, "bytes_in": 20_000}}
    assert judge_traffic(snapshot, 300.0).facts == {"out": "1000", "back": "200", "batch": "300"}
    for unknown in (None, {}, {"up_s": 10, "uplink": snapshot["uplink"]},
                    {"up_s": 8640, "uplink": {"bytes_out": None}}):  # fmt: skip
        assert judge_traffic(unknown, 300.0).note == "traffic.unknown"


def test_a_configuration_that_cannot_be_read(tmp_path, capsys) -> None:
    """Its faults are told, nothing is tried."""
    assert main(["link", "--config", str(tmp_path / "none.toml")]) == 1
    assert "1 fault" in capsys.readouterr().err
