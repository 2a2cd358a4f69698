"""`edge-agent bus stats` of a running bus with faults: figures, causes, JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_agent.bus_tools.borrow import CannotUse
from edge_agent.bus_tools.evidence import BUS_STATS, facts_of, stats_routes
from edge_agent.bus_tools.stats_command import bus_lines, difference, parse_likely, slowest_of
from edge_agent.cli import main
from edge_agent.clock import Clock
from edge_agent.control.protocol import BadRequest, Call
from edge_agent.terminal import columns
from protocols.modbus.diagnosis import Cause, Sure
from protocols.modbus.frames import exception_pdu
from protocols.registers.library import load_profile
from tests.edge_agent.bus_tools.test_lending import (
    TIMEOUT_S,
    agent,
    bus_state,
    good_polls,
    metering,
    wait_until,
)
from tests.edge_agent.modbus_servers import RawRtu
from tests.edge_agent.running_bus import Running, device

KELLER = load_profile("keller-33x")


def test_counters_become_causes() -> None:
    """A silent device among live ones, and a busy one, on a real line."""
    with RawRtu() as server:
        server.replies[2] = lambda made, asked: [made.frame(2, exception_pdu(asked.function, 6))]
        server.replies[3] = lambda _made, _asked: []
        devices = [device(f"p{unit}", unit, KELLER, ["p1_f32"]) for unit in (1, 2, 3)]
        with Running(server.config, devices) as running:
            bus = running.thread
            running.until(lambda _: bus.counters.by_device["p3"].requests >= 3, 20.0)
            answer = stats_routes([bus], Clock(7))[BUS_STATS].answer(Call(BUS_STATS), "uid 0")
            facts = facts_of(bus)
            with pytest.raises(BadRequest, match="no bus 'x'; there are: line"):
                stats_routes([bus], Clock(7))[BUS_STATS].answer(Call("", {"bus": "x"}), "")
    told = json.loads(json.dumps(answer))
    likely = parse_likely(told["buses"][0]["likely"])
    assert {(one.device, one.cause) for one in likely} >= {
        ("p3", Cause.UNIT_DEAD), ("p2", Cause.BUSY),
    }  # fmt: skip
    assert [one.name for one in facts.devices] == ["p1", "p2", "p3"]
    lines = bus_lines(told["buses"][0], 10_000)
    assert max(map(columns, lines)) <= 80
    assert any("no answer" in line for line in lines)
    assert slowest_of(told["buses"][0]["devices"])[0] == "p3"  # type: ignore[index]


def test_only_what_happens_from_now_on() -> None:
    """Two answers less each other: an old trouble is over, a new one is named by its cause."""
    with RawRtu() as server:
        silent = lambda _made, _asked: []  # noqa: E731
        server.replies[2] = silent
        devices = [device(f"p{unit}", unit, KELLER, ["p1_f32"]) for unit in (1, 2)]
        with Running(server.config, devices) as running:
            counts = running.thread.counters.by_device
            route = stats_routes([running.thread], Clock(7))[BUS_STATS]
            running.until(lambda _: counts["p2"].requests >= 4, 20.0)
            before = json.loads(json.dumps(route.answer(Call(BUS_STATS), "")))
            server.replies = {1: silent}
            asked = counts["p1"].no_answer
            running.until(lambda _: counts["p2"].good and counts["p1"].no_answer > asked + 3, 60.0)
            after = json.loads(json.dumps(route.answer(Call(BUS_STATS), "")))
    told = difference(before, after)
    (bus,) = told["buses"]  # type: ignore[misc]
    found = {(one.device, one.cause) for one in parse_likely(bus["likely"])}
    assert ("p1", Cause.UNSTEADY) in found or ("p1", Cause.UNIT_DEAD) in found
    assert not [one for one in found if one[0] == "p2"]
    assert bus["devices"][0]["polls"] > 0
    with pytest.raises(CannotUse, match="started again"):
        difference(after, before)


def test_what_this_version_does_not_know_is_passed_over() -> None:
    """The agent may be of the next version."""
    known = {"cause": "echo", "sure": "certain", "device": "", "figures": {}}
    assert [(one.cause, one.sure) for one in parse_likely([{**known, "cause": "moon"}, known])] == [
        (Cause.ECHO, Sure.CERTAIN)
    ]
    assert slowest_of([{"polls": 0}]) is None


def test_of_a_running_agent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing wrong is status 0; one object with stable keys; without an agent status 2."""
    with metering(tmp_path) as (path, _), agent(path) as child:
        assert wait_until(lambda: bus_state(path) == "good" and good_polls(path) > 2, TIMEOUT_S)
        assert main(["bus", "stats", "line", "--config", str(path)]) == 0
        told = capsys.readouterr().out
        assert main(["bus", "stats", "--json", "--config", str(path)]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert main(["bus", "stats", "--seconds", "1", "--config", str(path)]) == 0
        assert "1 meter" in capsys.readouterr().out
        assert main(["bus", "stats", "other", "--config", str(path)]) == 2
        child.terminate()
        child.communicate(timeout=TIMEOUT_S)
        assert main(["bus", "stats", "--config", str(path)]) == 2
    assert "1 meter" in told
    assert set(answer) == {"schema", "ok", "up_ms", "buses"}
    assert set(answer["buses"][0]) == {
        "name", "type", "port", "baud", "parity", "gone", "lent_to", "counts", "poll_ms", "missed",
        "unasked_bytes", "other_master", "asked_by_size", "lost_by_size", "devices", "likely",
    }  # fmt: skip
    assert "no agent runs" in capsys.readouterr().err
