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
        try:
            told: Mapping[str, Any] = ask_agent(config.control.read_socket, Call("config-versions"))
        except (NoAgent, SocketError):
            told = {}
        if told.get("ok") and _has_begun(told, number):
            return True
        pause.wait(LOOK_S)
        waited_s += LOOK_S
    return False


def _has_begun(told: Mapping[str, Any], number: int) -> bool:
    trial = told["trial"]
    if trial is None or trial["number"] != number:
        return True
    return bool(trial["starts"])
