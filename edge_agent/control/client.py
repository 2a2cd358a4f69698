"""The command line's side of a control socket."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Final

from edge_agent.control.protocol import MAX_ANSWER, Request, encode_request

ANSWER_S: Final = 60.0
LOOK_S: Final = 10.0
"""For what the agent answers out of its memory: a hung one must not take a person's minutes."""


class NoAgent(Exception):  # noqa: N818 - what was found is the name
    """Nobody listens there: the agent does not run, or has no such socket."""


class SocketError(Exception):
    """The agent could not be asked; says why and the remedy."""


class Conversation:
    """A connection that stays: several questions, one after another. Use as a context."""

    def __init__(self, path: Path, answer_s: float = ANSWER_S) -> None:
        """Raises NoAgent or SocketError."""
        self._path = path
        self._answer_s = answer_s
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connection.settimeout(answer_s)
        try:
            self._connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError) as error:
            self.close()
            raise NoAgent(str(path)) from error
        except OSError as error:
            self.close()
            raise SocketError(f"{path}: {self._why(error)}") from error

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def ask(self, request: Request) -> dict[str, object]:
        """The answer. Raises SocketError; the connection is then of no use any more."""
        path = self._path
        try:
            self._connection.sendall(encode_request(request))
            data = b""
            while not data.endswith(b"\n"):
                chunk = self._connection.recv(65_536)
                if not chunk or len(data) > MAX_ANSWER:
                    raise SocketError(f"{path}: the agent closed without an answer; see its log")
                data += chunk
        except OSError as error:
            raise SocketError(f"{path}: {self._why(error)}") from error
        answer = json.loads(data)
        if not isinstance(answer, dict):
            raise SocketError(f"{path}: no answer that this program knows")
        return answer

    def _why(self, error: OSError) -> str:
        if isinstance(error, PermissionError):
            from edge_agent.permission import why_closed  # only after a failure: a command is quick

            closed = why_closed(self._path, os.W_OK) or "ask for its group (see [control])"
            return f"{error.strerror or error}; {closed}"
        if isinstance(error, TimeoutError | BlockingIOError):  # or so many wait there already
            return (
                f"the agent is there and gave no answer within {self._answer_s:g} s: it hangs, or "
                "this machine has too much to do; see edge-agent log, then systemctl restart "
                "edge-agent"
            )
        return f"{error.strerror or error}; see the agent's log"


def ask_agent(path: Path, request: Request, answer_s: float = ANSWER_S) -> dict[str, object]:
    """The answer of the running agent. Raises NoAgent or SocketError."""
    with Conversation(path, answer_s) as conversation:
        return conversation.ask(request)
