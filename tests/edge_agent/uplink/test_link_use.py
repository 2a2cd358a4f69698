"""The rate and the windows of the link, and the uplink that keeps to them on a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from edge_agent.config.connection_windows import ConnectionWindows, Window
from edge_agent.uplink.link_use import LinkUse
from edge_agent.uplink.token_bucket import TokenBucket
from protocols.evidence.leaf import Kind, Log
from tests.edge_agent.gateway import wait_until
from tests.edge_agent.tls_central import Request, TlsCentral, serving
from tests.edge_agent.uplink_rig import Wish, assert_same, start

NIGHT = ConnectionWindows("UTC", (Window(0, 3600),))  # from midnight to one
DAY_MS = 86_400_000


@pytest.fixture
def central(tmp_path: Path) -> Iterator[TlsCentral]:
    with serving(tmp_path) as running:
        yield running


class Wall:
    """A wall clock that the test sets, in hours since midnight."""

    def __init__(self, hour: float) -> None:
        self.hour = hour

    def utc_ms(self) -> int:
        return 20_000 * DAY_MS + round(self.hour * 3_600_000)


def test_urgent_events_may_open_a_closed_link() -> None:
    """Unless the site wants it otherwise."""
    wall = Wall(12)
    use = LinkUse(windows=NIGHT, utc_ms=wall.utc_ms)
    assert use.closed_s(urgent=False) > 0
    assert use.closed_s(urgent=True) == 0.0
    strict = LinkUse(windows=NIGHT, urgent_connects=False, utc_ms=wall.utc_ms)
    assert strict.closed_s(urgent=True) > 0
    wall.hour = 0.5
    assert strict.closed_s(urgent=False) == 0.0


def test_what_was_used_is_charged_once() -> None:
    """The transport counts up; the bucket gets the difference."""
    use = LinkUse(TokenBucket(100.0, 0.0, burst=100.0))
    use.charge(0.0, 150)
    use.charge(0.0, 150)
    assert use.wait_s(0.0, first=False) == 0.5
    assert use.wait_s(0.0, first=True) == 0.0


@pytest.mark.timing
def test_a_closed_window_holds_back_all_but_events(tmp_path: Path, central: TlsCentral) -> None:
    """Scans wait for the window; an event of a run goes at once, and billing with it."""
    wall = Wall(12)
    use = LinkUse(windows=NIGHT, utc_ms=wall.utc_ms)
    rig = start(tmp_path, central, wish=Wish(use=use))
    rig.uplink._lanes[Log.BILLING].sent_at -= 60.0
    rig.record(1)
    rig.polls.index += 100_000_000
    rig.record(1)
    assert wait_until(
        lambda: (
            "index_jump"
            in [leaf.body[0] for leaf in central.leaves[Log.BILLING] if leaf.kind is Kind.EVENT]
        )
    )
    assert central.size(Log.TELEMETRY) == 0
    wall.hour = 24.5
    rig.uplink._wake.set()
    assert wait_until(lambda: central.size(Log.TELEMETRY) == 6)
    assert_same(rig.end(), central)


def test_a_stop_in_a_closed_window_does_not_wait(tmp_path: Path, central: TlsCentral) -> None:
    """What waits is sent in the next window, by the next process."""
    use = LinkUse(windows=NIGHT, urgent_connects=False, utc_ms=Wall(12).utc_ms)
    rig = start(tmp_path, central, wish=Wish(use=use))
    rig.record(2)
    begun = monotonic()
    rig.close(8.0)
    assert monotonic() - begun < 4.0
    assert central.requests == []
    rig = start(tmp_path, central)
    assert_same(rig.end(), central)


def test_a_slow_rate_holds_back_telemetry_first(tmp_path: Path, central: TlsCentral) -> None:
    """Billing has its own reserve: it arrives while scans wait for the rate."""
    use = LinkUse(TokenBucket(1.0, monotonic(), burst=20_000.0))
    rig = start(tmp_path, central, wish=Wish(batch_s=0.05, use=use))
    assert wait_until(lambda: central.size(Log.BILLING) > 0)
    use._bucket.charge(monotonic(), 30_000)  # a large batch of scans
    sent = central.size(Log.BILLING)
    rig.record(4)  # closes an interval
    assert wait_until(lambda: central.size(Log.BILLING) > sent)
    assert central.size(Log.TELEMETRY) == 0
    assert_same(rig.end(), central)  # a stop does not keep to the rate


def test_central_asks_to_wait(
    tmp_path: Path, central: TlsCentral, caplog: pytest.LogCaptureFixture
) -> None:
    """429 with Retry-After holds for both logs, as long as it says."""

    def busy(request: Request, _body: bytes, _central: TlsCentral) -> None:
        body = b'{"error": "too much", "remedy": "wait"}'
        request.send(429, body, "application/json", Retry_After="1")

    rig = start(tmp_path, central)
    rig.record(1)
    assert wait_until(lambda: central.size(Log.TELEMETRY) == 3)
    central.faults.append(busy)
    rig.record(4)
    assert wait_until(lambda: not central.faults)
    begun, size = monotonic(), central.size(Log.TELEMETRY)
    assert wait_until(lambda: central.size(Log.TELEMETRY) > size)
    assert monotonic() - begun > 0.9
    assert "next try in 1.2 s" in caplog.text
    assert_same(rig.end(), central)


def test_a_web_page_is_no_receipt(
    tmp_path: Path, central: TlsCentral, caplog: pytest.LogCaptureFixture
) -> None:
    """200 and HTML, as a portal behind a trusted name may answer: named as what it is."""

    def page(request: Request, _body: bytes, _central: TlsCentral) -> None:
        request.send(200, b"<html>log in</html>", "text/html; charset=utf-8")

    central.faults.append(page)
    rig = start(tmp_path, central)
    rig.record(2)
    assert wait_until(lambda: central.size(Log.TELEMETRY) == 6)
    assert_same(rig.end(), central)
    assert "web page, not with a receipt" in caplog.text
