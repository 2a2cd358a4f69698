"""Waiting for an agent that begins anew, at a real socket."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.config.model import AgentConfig, ControlConfig
from edge_agent.control.protocol import Call, Route
from edge_agent.control.server import ControlServer
from edge_agent.remote.waiting import until_begun
from tests.edge_agent.gateway import config_of

TOLD: dict[str, object] = {"ok": True, "trial": None}


def on_trial(number: int, starts: int) -> dict[str, object]:
    return {"ok": True, "trial": {"number": number, "starts": starts}}


@pytest.fixture
def config(tmp_path: Path) -> AgentConfig:
    return replace(config_of(tmp_path), control=ControlConfig(tmp_path / "c"))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (on_trial(2, 0), False),
        (on_trial(2, 1), True),
        (on_trial(3, 0), True),
        (TOLD, True),
        ({"ok": False, "error": "?"}, False),
    ],
)
def test_what_an_agent_says(config: AgentConfig, told: dict[str, object], expected: bool) -> None:
    """It runs the version once a start of it is counted, or its trial is over."""
    assert config.control is not None
    stop = threading.Event()

    def answer(_call: Call, _peer: str) -> dict[str, object]:
        return told

    routes = {"config-versions": Route(answer)}
    server = ControlServer(
        config.control.read_socket, "", lambda _r, _p: {}, stop, acts=False, routes=routes
    )
    server.start()
    try:
        assert until_begun(config, 2, 1.0) is expected
    finally:
        stop.set()
        server.join(5)


@pytest.mark.parametrize("is_new", [True, False])
def test_what_has_no_trial_runs_once_the_agent_shows_it(config: AgentConfig, is_new: bool) -> None:
    """By the hash of its configuration."""
    assert config.control is not None
    stop = threading.Event()
    shown = {"config_hash": config.hash().hex() if is_new else "00"}
    routes = {
        "config-versions": Route(lambda _call, _peer: TOLD),
        "status": Route(lambda _call, _peer: shown),
    }
    server = ControlServer(
        config.control.read_socket, "", lambda _r, _p: {}, stop, acts=False, routes=routes
    )
    server.start()
    try:
        assert until_begun(config, 2, 0.5) is is_new
    finally:
        stop.set()
        server.join(5)


def test_no_agent_is_not_waited_for_for_ever(config: AgentConfig) -> None:
    """Nor one without sockets."""
    assert not until_begun(config, 2, 0.5)
    assert not until_begun(replace(config, control=None), 2)
