"""Asks the agent each second, on a thread of its own, and goes on where it does not answer.

The connection stays open: one line in the agent's log of accesses, not one a second.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final, NamedTuple

from edge_agent.clock import mono_ms
from edge_agent.control.client import Conversation, NoAgent, SocketError
from edge_agent.control.protocol import Call
from edge_agent.status.model import Snapshot, SnapshotError, snapshot_of

EACH_S: Final = 1.0
ANSWER_S: Final = 5.0


class Seen(NamedTuple):
    """The newest answer and when it came; why there is no newer one, "" while there is.

    `is_gone`: nobody listens (the agent does not run); else it listens and does not answer.
    """

    snapshot: Snapshot | None
    at_ms: int
    failure: str
    is_gone: bool = False


class Watcher(threading.Thread):
    """`seen` is replaced as a whole; `stop` ends it within a second or an answer."""

    def __init__(self, path: Path, each_s: float = EACH_S) -> None:
        super().__init__(name="watcher", daemon=True)
        self.seen = Seen(None, mono_ms(), "")
        self._path = path
        self._each_s = each_s
        self._stop_event = threading.Event()

    def stop(self) -> None:
        self._stop_event.set()

    def run(self) -> None:
        while not self._stop_event.is_set():
            try:
                with Conversation(self._path, ANSWER_S) as conversation:
                    while not self._stop_event.is_set():
                        snapshot = snapshot_of(conversation.ask(Call("status")))
                        self.seen = Seen(snapshot, mono_ms(), "")
                        self._stop_event.wait(self._each_s)
            except NoAgent:
                self.seen = self.seen._replace(failure=str(self._path), is_gone=True)
            except (SocketError, SnapshotError) as error:
                self.seen = self.seen._replace(failure=str(error), is_gone=False)
            self._stop_event.wait(self._each_s)
