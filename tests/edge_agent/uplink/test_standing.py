"""How the link stands, in a word."""

from __future__ import annotations

from edge_agent.uplink.failure import Failure
from edge_agent.uplink.standing import Standing


def test_from_the_start_to_a_receipt_and_on() -> None:
    """Waiting, never, good; failing until the next receipt; and what stands above all."""
    standing = Standing()
    assert standing.state(ever=False) == "waiting"
    standing.tried(1.0)
    assert standing.state(ever=False) == "never"
    assert standing.state(ever=True) == "waiting"
    standing.received(2.0, 1_780_000_000, "billing")
    assert standing.state(ever=False) == "good"
    standing.is_closed = True
    assert standing.state(ever=False) == "window"
    standing.failed(Failure("no way", "look at the link"))
    assert standing.state(ever=False) == "failing"
    standing.received(3.0, 1_780_000_300, "billing")
    standing.is_closed = False
    assert (standing.failure, standing.receipt) == (None, (3.0, 1_780_000_300))
    standing.received(4.0, 1_780_000_301, "telemetry")
    assert standing.received_s == {"billing": 3.0, "telemetry": 4.0}
    standing.stands_still = True
    assert standing.state(ever=False) == "standstill"


def test_a_closed_window_before_the_first_receipt() -> None:
    """Nothing can be asked yet: it is the window's doing."""
    standing = Standing()
    standing.is_closed = True
    assert standing.state(ever=False) == "window"
