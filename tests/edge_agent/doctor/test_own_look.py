"""Without an agent the buses are looked at all the same."""

from __future__ import annotations

import contextlib
import threading

import pytest

from edge_agent.config.file import load_config
from edge_agent.doctor.own_look import look_alone
from edge_agent.state_lock import AlreadyRunning, state_lock
from protocols.modbus.diagnosis import Cause
from tests.edge_agent.doctor.site_rig import HEAD, Scene, Unit, closed_port, serve, toml_of
from tests.edge_agent.tls_central import make_certificates

SCENES = (
    Scene("good"),
    Scene("dead", (Unit(1, served=False), Unit(2, served=False))),
    Scene("refused", kind="tcp", host=closed_port),
)


@pytest.fixture
def config(tmp_path):
    make_certificates(tmp_path)
    stop = threading.Event()
    with contextlib.ExitStack() as stack:
        texts = [toml_of(scene, serve(scene, tmp_path, stop, stack)) for scene in SCENES]
        stack.callback(stop.set)
        path = tmp_path / "gateway.toml"
        path.write_text(HEAD % ("https://localhost:1", "") + "".join(texts))
        (tmp_path / "state").mkdir()
        yield load_config(path)


def test_buses_without_an_agent(config) -> None:
    """The same counters and the same causes; what is not known says nothing."""
    snapshot, causes = look_alone(config)
    by_name = {bus.name: bus for bus in snapshot.buses}
    assert [by_name[name].state for name in ("good", "dead", "refused")] == ["good", "good", "gone"]
    assert {device.quality for device in snapshot.devices if device.bus == "good"} == {"GOOD"}
    assert [one.cause for one in causes["dead"]] == [Cause.LINE_DEAD]
    assert causes["good"] == ()
    assert snapshot.uplink.state == "never"
    assert not (config.state_dir / "journal.db").exists()


def test_a_running_agent_is_not_disturbed(config) -> None:
    """Who holds the state has the ports."""
    with state_lock(config.state_dir), pytest.raises(AlreadyRunning):
        look_alone(config)
