"""A socket that answers `status` as a running agent does, and the gateway.toml that leads to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_agent.control.protocol import Request, Route, refusal
from edge_agent.control.server import ControlServer
from edge_agent.status.model import Snapshot


def write_place(directory: Path) -> Path:
    """As much of gateway.toml as `status` reads."""
    path = directory / "gateway.toml"
    path.write_text(
        '[gateway]\nid = "gw-1"\nstate_dir = "state"\n[site]\nzone = "Asia/Shanghai"\n',
        encoding="utf-8",
    )
    return path


@contextmanager
def answering(directory: Path, found: Snapshot | str) -> Iterator[Path]:
    """With a snapshot, or a refusal; the path of the configuration."""
    path = write_place(directory)

    def nothing_else(_request: Request, _peer: str) -> dict[str, object]:
        return refusal("not here")

    def answer(*_: object) -> dict[str, object]:
        return refusal(found) if isinstance(found, str) else found.to_json()

    stop = threading.Event()
    server = ControlServer(
        directory / "state" / "control" / "read.sock", "", nothing_else, stop, acts=False,
        routes={"status": Route(answer)},
    )  # fmt: skip
    server.start()
    try:
        yield path
    finally:
        stop.set()
        server.join(5.0)
