"""A whole agent in a thread of the test, as `edge-agent run` would run it."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from edge_agent.config.file import load_config
from edge_agent.config_store.start import Started, begin
from edge_agent.control.client import NoAgent, ask_agent
from edge_agent.control.protocol import Call
from edge_agent.lifecycle import run_agent
from tests.edge_agent.gateway import wait_until

START_S = 60.0  # a journal is made by a child process, on a machine that others use too


@contextlib.contextmanager
def agent_thread(path: Path) -> Iterator[threading.Event]:
    """Once it answers; ended in order by the event that is given, or at the end."""
    stop = threading.Event()
    started = begin(path, os.environ)
    assert isinstance(started, Started), started
    thread = threading.Thread(
        target=run_agent, args=(started, stop, threading.Event()), name="agent", daemon=True
    )
    thread.start()
    control = load_config(path).control

    def answers() -> bool:
        try:
            return bool(ask_agent(control.read_socket, Call("receipted"))["ok"])
        except NoAgent:
            return not thread.is_alive()

    try:
        assert wait_until(answers, START_S)
        assert thread.is_alive()
        yield stop
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()
