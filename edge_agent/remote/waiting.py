"""Waiting for the running agent to begin anew with the configuration that was just put in force."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from edge_agent.control.client import NoAgent, SocketError, ask_agent
from edge_agent.control.protocol import Call

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig

BEGUN_S: Final = 30.0
LOOK_S: Final = 0.5


def until_begun(config: AgentConfig, number: int, within_s: float = BEGUN_S) -> bool:
    """True once an agent answers that runs version `number`, or has judged it.

    In between its sockets are gone, or close without an answer: whoever asks then would take it for
    dead.
    """
    if config.control is None:
        return False
    pause, waited_s = threading.Event(), 0.0
    while waited_s < within_s:
        told = _asked(config, "config-versions")
        if told.get("ok") and _has_begun(config, told["trial"], number):
            return True
        pause.wait(LOOK_S)
        waited_s += LOOK_S
    return False


def _has_begun(config: AgentConfig, trial: Mapping[str, Any] | None, number: int) -> bool:
    if trial is None:  # it has none, or its trial is over: what runs is not in the versions
        runs = _asked(config, "status").get("config_hash", "")
        return runs in ("", config.hash().hex())
    return trial["number"] != number or bool(trial["starts"])


def _asked(config: AgentConfig, what: str) -> Mapping[str, Any]:
    assert config.control is not None
    try:
        return ask_agent(config.control.read_socket, Call(what))
    except (NoAgent, SocketError):
        return {}
