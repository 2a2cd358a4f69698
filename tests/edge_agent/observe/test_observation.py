"""The main thread's part, on the parts of a running agent."""

from __future__ import annotations

import gc
import logging
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.config.model import ObserveConfig
from edge_agent.observe.journald import Folded
from edge_agent.observe.observation import AGAIN_MS, COUNTS_MS, RESERVE_MS, Observation
from edge_agent.status.collect import Sources
from protocols.evidence.leaf import Kind
from tests.edge_agent.gateway import KEYS
from tests.edge_agent.ledger_law import read_journal
from tests.edge_agent.status.test_collect import site
from tests.edge_agent.tls_central import TlsCentral, serving
from tests.edge_agent.uplink_rig import Rig


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[tuple[Rig, Sources]]:
    central = TlsCentral(KEYS.signer.verifier)
    with serving(tmp_path, central), site(tmp_path, central) as found:
        yield found


class Due(Folded):
    """Counts how often it was asked."""

    asked = 0

    def tell_due(self) -> None:
        self.asked += 1


def test_a_tick_tells_health_and_lets_counts_out(parts: tuple[Rig, Sources]) -> None:
    """Health at the first tick, as a leaf; counts once a minute."""
    rig, sources = parts
    observation = Observation(sources, threading.Event())
    handler = Due(logging.NullHandler())
    logging.getLogger().addHandler(handler)
    try:
        for now_ms in range(COUNTS_MS, 4 * COUNTS_MS, 500):
            observation.tick(now_ms)
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    assert handler.asked == 3
    rig.record(1)
    rig.close()
    found = read_journal(rig.journal.path).leaves
    said = [leaf for leaves in found.values() for leaf in leaves if leaf.kind is Kind.STATEMENT]
    assert [leaf.body[0] for leaf in said] == ["health"]


def test_the_reserve_is_dropped_now_and_then(parts: tuple[Rig, Sources]) -> None:
    """One full collection each ten seconds, however often the main thread comes by."""
    observation = Observation(parts[1], threading.Event())
    full = []

    def count(phase: str, info: dict[str, int]) -> None:
        if phase == "start" and info["generation"] == 2:
            full.append(info)

    gc.disable()  # those of its own
    gc.callbacks.append(count)
    try:
        for now_ms in range(RESERVE_MS, 7 * RESERVE_MS, 500):
            observation.tick(now_ms)
    finally:
        gc.callbacks.remove(count)
        gc.enable()
    assert len(full) == 6


def with_metrics(sources: Sources, port: int) -> Sources:
    observe = ObserveConfig("127.0.0.1", port)
    return replace(sources, config=replace(sources.config, observe=observe))


def test_metrics_are_served_where_they_are_wanted(
    parts: tuple[Rig, Sources], caplog: pytest.LogCaptureFixture
) -> None:
    """A scrape of the agent's own state."""
    caplog.set_level(logging.INFO)
    stop = threading.Event()
    observation = Observation(with_metrics(parts[1], 0), stop)
    observation.tick(1)
    observation.tick(2)
    found = re.findall(r"metrics at http://127\.0\.0\.1:(\d+)/metrics", caplog.text)
    assert len(found) == 1
    try:
        with socket.create_connection(("127.0.0.1", int(found[0])), timeout=10) as connection:
            connection.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    finally:
        stop.set()
    assert b'gas_edge_device_good{bus="line-1",device="meter-1"} 0.0' in answer


def test_a_port_that_is_taken_stops_nothing(
    parts: tuple[Rig, Sources], caplog: pytest.LogCaptureFixture
) -> None:
    """The agent meters without metrics, and says what to look at; it is tried again: a slow client
    of the agent before a reload may hold it for some seconds.
    """
    caplog.set_level(logging.INFO)
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as other:
        observation = Observation(with_metrics(parts[1], other.getsockname()[1]), stop)
        for now_ms in (1, 2, AGAIN_MS + 1):
            observation.tick(now_ms)
    assert caplog.text.count("check [observe] metrics") == 1
    observation.tick(2 * AGAIN_MS + 1)
    stop.set()
    assert "metrics at http://" in caplog.text
