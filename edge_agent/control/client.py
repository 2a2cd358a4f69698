"""The command line's side of a control socket."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Final

from edge_agent.control.protocol import MAX_ANSWER, Request, encode_request

ANSWER_S: Final = 60.0


class NoAgent(Exception):  # noqa: N818 - what was found is the name
    """Nobody listens there: the agent does not run, or has no such socket."""


class SocketError(Exception):
    """The agent could not be asked; says why and the remedy."""


def ask_agent(path: Path, request: Request) -> dict[str, object]:
    """The answer of the running agent. Raises NoAgent or SocketError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_S)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NoAgent(str(path)) from error
        except OSError as error:
            raise SocketError(
                f"{path}: {error.strerror or error}; you need the socket's group (see [control])"
            ) from error
        try:
            connection.sendall(encode_request(request))
            data = b""
            while not data.endswith(b"\n"):
                chunk = connection.recv(65_536)
                if not chunk or len(data) > MAX_ANSWER:
                    raise SocketError(f"{path}: the agent closed without an answer; see its log")
                data += chunk
        except OSError as error:
            raise SocketError(f"{path}: {error}; see the agent's log") from error
    answer = json.loads(data)
    if not isinstance(answer, dict):
        raise SocketError(f"{path}: no answer that this program knows")
    return answer
