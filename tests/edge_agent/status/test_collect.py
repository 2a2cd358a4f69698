"""The snapshot of an agent's parts: recorder and uplink at work on one journal."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_agent.bus.bus import BusThread
from edge_agent.control.protocol import BadRequest, Call
from edge_agent.status.collect import Sources, alarms_on, snapshot, status_routes
from edge_agent.status.latest_scans import LatestScans
from edge_agent.status.model import snapshot_of
from protocols.evidence.leaf import Log
from protocols.metering.quality import Quality
from tests.edge_agent.gateway import KEYS, config_of, wait_until
from tests.edge_agent.tls_central import Request, TlsCentral, serving
from tests.edge_agent.uplink_rig import Rig, start


@contextmanager
def site(directory: Path, central: TlsCentral) -> Iterator[tuple[Rig, Sources]]:
    """A recorder and an uplink that run, and buses that do not."""
    rig = start(directory, central)
    try:
        config = rig.recorder._config
        latest = LatestScans(config.devices, rig.recorder.deliver)
        stop = threading.Event()
        buses = [
            BusThread(bus, config.devices, rig.polls.clock, latest.deliver, stop)
            for bus in config.buses
        ]
        yield (
            rig,
            Sources(
                *(config, rig.polls.clock, rig.recorder, rig.uplink, rig.transport, buses, latest),
                journal=rig.journal.path,
                version="test",
                threads=lambda: (rig.recorder, rig.uplink, *buses),
            ),
        )
    finally:
        rig.close()


@pytest.fixture
def central(tmp_path: Path) -> Iterator[TlsCentral]:
    with serving(tmp_path, TlsCentral(KEYS.signer.verifier)) as found:
        yield found


def refuse(request: Request, _body: bytes, _central: TlsCentral) -> None:
    request.send(503, b"")


def poll(rig: Rig, sources: Sources, rounds: int) -> None:
    for scan in rig.polls.rounds(rounds):
        assert wait_until(lambda scan=scan: sources.latest.deliver(scan))
    assert wait_until(lambda: rig.recorder.waiting_scans == 0)


def test_a_site_at_work(tmp_path: Path, central: TlsCentral) -> None:
    """Metered, stored, sent: each part says so, and the whole goes through JSON."""
    with site(tmp_path, central) as (rig, sources):
        poll(rig, sources, 20)
        assert wait_until(lambda: rig.recorder.receipted(Log.TELEMETRY) > 0)
        assert wait_until(lambda: not any(snapshot(sources, 0).journal.unsent.values()))
        found = snapshot(sources, 61_000)
    assert snapshot_of(json.loads(json.dumps(found.to_json()))) == found
    assert (found.up_s, found.clock_state, found.site) == (61, "synchronised", "Boiler house 3")
    assert [(bus.name, bus.state) for bus in found.buses] == [("line-1", "good"), ("lan", "good")]
    assert {device.quality for device in found.devices} == {"GOOD"}
    assert all(device.good_age_ms is not None for device in found.devices)
    assert {value.name: value.text for value in found.devices[1].values}["p1_f32"] == "3 bar"
    assert [(run.id, run.quality) for run in found.runs] == [("R1", "good")]
    journal = found.journal
    assert journal.sizes["telemetry"] == 60
    assert (journal.waiting_scans, journal.failing, journal.dropped) == (0, "", 0)
    assert journal.last_commit_age_ms is not None
    assert journal.bytes > 0
    assert journal.limit_bytes > journal.bytes
    assert (found.uplink.state, found.uplink.failure) == ("good", "")
    assert found.uplink.bytes_out > found.uplink.bytes_in > 0
    assert found.uplink.last_receipt_age_ms is not None
    assert found.uplink.central_ahead_ms is not None
    assert found.uplink.receipt_ages_ms.keys() == {"billing", "telemetry"}
    assert {thread.name: thread.alive for thread in found.threads} == {
        "recorder": True, "uplink": True, "bus-line-1": False, "bus-lan": False,
    }  # fmt: skip


def test_what_fails_says_why(tmp_path: Path, central: TlsCentral) -> None:
    """A silent device, and a central that refuses."""
    with site(tmp_path, central) as (rig, sources):
        poll(rig, sources, 1)
        central.faults.extend([refuse] * 1000)
        rig.polls.clock.mono_ms += 10_000
        assert sources.latest.deliver(rig.polls.scan("meter-1", Quality.BAD_NO_ANSWER))
        assert wait_until(lambda: snapshot(sources, 0).uplink.state == "failing")
        found = snapshot(sources, 0)
        central.faults.clear()
        assert wait_until(lambda: snapshot(sources, 0).uplink.state == "good", 20.0)
    assert found.devices[0].quality == "BAD_NO_ANSWER"
    assert found.devices[0].good_age_ms == 10_000
    assert (found.runs[0].quality, found.runs[0].quality_cause) == ("bad", "BAD_NO_ANSWER")
    assert "503" in found.uplink.failure


def test_alarms_are_on_until_they_end(tmp_path: Path, central: TlsCentral) -> None:
    """Since when, and why; after a restart they are still on, and their time is in the log."""
    with site(tmp_path, central) as (rig, sources):
        poll(rig, sources, 1)
        for _ in range(15):
            for scan in rig.polls.round()[1:]:  # the pressure is silent
                assert sources.latest.deliver(scan)
        assert wait_until(lambda: alarms_on(rig.recorder.memory) != ())
        (alarm,) = alarms_on(rig.recorder.memory)
        assert (alarm.code, alarm.subject) == ("pressure_substituted", "R1")
        assert alarm.since_ms is not None
        assert alarm.detail
        assert wait_until(lambda: rig.recorder.waiting_scans == 0)
        again = rig.reader.memory()
        (later,) = alarms_on(again)
        assert (later.code, later.subject, later.since_ms) == (alarm.code, "R1", None)
        poll(rig, sources, 1)
        assert alarms_on(rig.recorder.memory) == ()


def test_the_route_answers_with_it(tmp_path: Path, central: TlsCentral) -> None:
    """With the values of the devices, or without."""
    with site(tmp_path, central) as (rig, sources):
        poll(rig, sources, 1)
        answer = status_routes(sources)["status"].answer
        assert snapshot_of(answer(Call("status"), "uid 0")).devices[0].values
        assert not snapshot_of(answer(Call("status", {"values": 0}), "uid 0")).devices[0].values
        with pytest.raises(BadRequest, match="values"):
            answer(Call("status", {"values": "all"}), "uid 0")
    assert not status_routes(sources)["status"].acts
    assert config_of(tmp_path).devices[0].serial == "M1"


def test_an_alarm_of_before_a_restart_keeps_its_time(tmp_path: Path, central: TlsCentral) -> None:
    """The state says that it is on, the log since when and why."""
    with site(tmp_path, central) as (rig, sources):
        poll(rig, sources, 1)
        for _ in range(15):
            for scan in rig.polls.round()[1:]:  # the pressure is silent
                assert wait_until(lambda scan=scan: sources.latest.deliver(scan))
        assert wait_until(lambda: rig.recorder.waiting_scans == 0)
        (before,) = alarms_on(rig.recorder.memory)
    with site(tmp_path, central) as (rig, sources):
        assert alarms_on(rig.recorder.memory)[0].since_ms is None
        answer = status_routes(sources)["status"].answer
        assert snapshot_of(answer(Call("status"), "uid 0")).alarms == (before,)
