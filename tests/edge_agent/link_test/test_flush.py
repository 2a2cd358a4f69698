"""What the agent answers on a link test; over its sockets: `test_command.py`."""

from edge_agent.control.protocol import Call
from edge_agent.link_test.flush import flush_routes, sizes_of
from edge_agent.uplink.lane import Lane
from protocols.evidence.leaf import Log
from tests.edge_agent.gateway import wait_until
from tests.edge_agent.tls_central import serving
from tests.edge_agent.uplink_rig import start


def test_what_waits_is_sent_at_once(tmp_path) -> None:
    """Long before its batch is due; how far receipts go is told, and acting needs its socket."""
    with serving(tmp_path) as central:
        rig = start(tmp_path, central, batch_s=3600.0)
        assert wait_until(lambda: central.size(Log.BILLING) > 0)
        rig.record(4)
        routes = flush_routes(rig.uplink, lambda: sizes_of(rig.recorder.memory))
        told = routes["flush"].answer(Call("flush"), "uid 0")
        assert told["sizes"]["telemetry"] == 12
        assert wait_until(
            lambda: routes["receipted"].answer(Call("receipted"), "")["receipted"] == told["sizes"]
        )
        rig.end()
    assert [routes[name].acts for name in ("flush", "receipted")] == [True, False]


def test_a_lane_is_expedited() -> None:
    """Due now, whatever it waited for, up to what is in the log now."""
    lane = Lane(batch_s=300.0, due_at=1000.0, goal=5, retry_at=90.0)
    lane.expedite(7.0)
    assert lane.is_due(7.0)
    assert lane.goal is None
