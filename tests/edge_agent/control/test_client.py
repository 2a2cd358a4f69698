"""What whoever asks is told where the agent does not answer."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from edge_agent.control.client import LOOK_S, NoAgent, SocketError, ask_agent
from edge_agent.control.protocol import Call

CALL = Call("status")


def test_a_hung_agent_is_said_to_hang(tmp_path: Path) -> None:
    """By whoever waits for its answer, and by whoever finds its queue full; both soon."""
    path = tmp_path / "read.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(0)
        began = time.monotonic()
        for _ in range(3):
            with pytest.raises(SocketError, match=r"gave no answer within 0.1 s: it hangs"):
                ask_agent(path, CALL, 0.1)
    assert time.monotonic() - began < LOOK_S


def test_nobody_there_is_no_agent(tmp_path: Path) -> None:
    """Neither a file, nor anybody behind it."""
    path = tmp_path / "read.sock"
    with pytest.raises(NoAgent):
        ask_agent(path, CALL)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    with pytest.raises(NoAgent):
        ask_agent(path, CALL)
