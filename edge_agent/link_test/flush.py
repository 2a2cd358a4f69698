"""The running agent's part of a link test: what waits is sent now, and how far receipts go.

| request | socket |
|---|---|
| `{"do": "flush"}`: what is in the logs now is due; answers how long they are | act |
| `{"do": "receipted"}`: how far central's receipts go, each verified | read |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from edge_agent.control.protocol import Call, Route

if TYPE_CHECKING:
    from edge_agent.journal.memory import Memory
    from edge_agent.uplink.uplink import Uplink
    from protocols.evidence.leaf import Log


def flush_routes(uplink: Uplink, sizes: Callable[[], Mapping[Log, int]]) -> dict[str, Route]:
    """For the agent's table."""

    def flush(_call: Call, _peer: str) -> Mapping[str, object]:
        told = _by_name(sizes())  # before: what comes later need not go with it
        uplink.flush()
        return {"ok": True, "sizes": told}

    def receipted(_call: Call, _peer: str) -> Mapping[str, object]:
        return {"ok": True, "receipted": _by_name(uplink.receipted)}

    return {"flush": Route(flush, acts=True), "receipted": Route(receipted)}


def sizes_of(memory: Memory) -> dict[Log, int]:
    """How long the logs are by the last commit."""
    return {log: head.size for log, head in memory.heads.items()}


def _by_name(sizes: Mapping[Log, int]) -> dict[str, int]:
    return {log.value: size for log, size in sizes.items()}
