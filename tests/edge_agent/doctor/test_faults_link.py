"""Faults of the way to central, each a real server, socket or network in that state: fault ->
finding. What the running uplink alone can know is asked of a real agent.
"""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_agent.doctor.diagnose import diagnose
from edge_agent.doctor.finding import Area
from edge_agent.doctor.host import AgentState, ClockFacts, Host
from edge_agent.doctor.look import look_at_link
from edge_agent.keys.keys import create_keys
from edge_agent.link_test.judge import Now
from edge_agent.uplink.standstill import stand_still
from protocols.metering.instant import ClockState
from tests.edge_agent.doctor.site_rig import Scene, closed_port, site
from tests.edge_agent.gateway import GATEWAY, KEYS, config_of, table, wait_until
from tests.edge_agent.tls_central import TlsCentral, make_certificates, serving
from tests.edge_agent.wild_servers import listening, portal, refusing_proxy, silent

DAY_S = 86_400
SYNC, FREE = ClockState.SYNCHRONISED, ClockState.UNSYNCHRONISED


@dataclasses.dataclass
class Place:
    """A gateway's folder, and what its [central] says."""

    directory: Path
    central: dict = dataclasses.field(default_factory=dict)
    state: ClockState = SYNC
    ahead_s: int = 0
    floor_s: int = 0

    def __post_init__(self) -> None:
        if not (self.directory / "state").exists():
            create_keys(self.directory / "state", GATEWAY, lambda size: bytes(range(size)))

    def findings(self):
        told = table()
        told["central"] |= self.central
        told["central"].setdefault("ca", "ca.pem")
        config = config_of(self.directory, told)
        now = Now(int(time.time()) + self.ahead_s, self.state, self.floor_s)
        link = look_at_link(config, now)
        clock = ClockFacts(now.utc_s, now.state, now.floor_s, has_rtc=True)
        return diagnose(None, config, Host(AgentState.RUNS, link=link, clock=clock))


def central_that(answer: Callable[[str], tuple[int, bytes, str]]):
    """A central that answers so to the question for its heads."""

    def fault(place: Place, stack: contextlib.ExitStack) -> None:
        central = TlsCentral()
        central.tell_heads = answer
        running = stack.enter_context(serving(place.directory, central, days=(-1, 90)))
        place.central["url"] = running.url

    return fault


def told(status: int, reason: str, kind: str = "application/json"):
    body = f'{{"error": "{reason}", "remedy": "ask"}}'.encode()
    return lambda _request: (status, body, kind)


def no_name(place: Place, _stack) -> None:
    make_certificates(place.directory)
    place.central["url"] = "https://central.invalid:8443"


def refused(place: Place, stack) -> None:
    make_certificates(place.directory)
    place.central["url"] = f"https://localhost:{closed_port(stack)}"


def firewall(place: Place, stack) -> None:
    """Nothing comes back: a connection that is neither taken nor refused."""
    make_certificates(place.directory)
    listener = stack.enter_context(socket.socket())
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    for _ in range(2):
        filler = stack.enter_context(socket.socket())
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
    place.central["url"] = f"https://127.0.0.1:{listener.getsockname()[1]}"


def untrusted(place: Place, stack) -> None:
    other = place.directory / "other"
    other.mkdir()
    running = stack.enter_context(serving(other, TlsCentral(), days=(-1, 90)))
    make_certificates(place.directory)
    place.central["url"] = running.url


def expired(place: Place, stack) -> None:
    running = stack.enter_context(serving(place.directory, TlsCentral(), days=(-9, -2)))
    place.central["url"] = running.url


def clock_behind(place: Place, stack) -> None:
    """Central's certificate is of today, this clock of months ago."""
    running = stack.enter_context(serving(place.directory, TlsCentral(), days=(30, 90)))
    place.central["url"] = running.url
    place.state = FREE


def other_name(place: Place, stack) -> None:
    running = stack.enter_context(serving(place.directory, TlsCentral(), days=(-1, 90)))
    port = running.url.rpartition(":")[2]
    place.central["url"] = f"https://127.1:{port}"  # the same address by another name


def plain_portal(place: Place, stack) -> None:
    make_certificates(place.directory)
    wild = stack.enter_context(listening(portal))
    place.central["url"] = f"https://localhost:{wild.port}"


def says_nothing(place: Place, stack) -> None:
    make_certificates(place.directory)
    wild = stack.enter_context(listening(silent))
    place.central["url"] = f"https://localhost:{wild.port}"


def no_proxy(place: Place, stack) -> None:
    make_certificates(place.directory)
    place.central["proxy"] = f"http://127.0.0.1:{closed_port(stack)}"


def proxy_with_password(place: Place, stack) -> None:
    make_certificates(place.directory)
    wild = stack.enter_context(listening(refusing_proxy))
    place.central["proxy"] = f"http://127.0.0.1:{wild.port}"


def closed_window(place: Place, _stack) -> None:
    make_certificates(place.directory)
    local = time.time() + 8 * 3600  # Asia/Shanghai
    ahead = int(local % DAY_S // 3600 + 2) % 24
    place.central["connect_windows"] = [f"{ahead:02}:00-{ahead:02}:30"]


FAULTS = [
    (no_name, "link_no_name"),
    (refused, "link_refused"),
    (untrusted, "tls_untrusted"),
    (expired, "tls_expired"),
    (clock_behind, "tls_clock"),
    (other_name, "tls_name"),
    (plain_portal, "tls_not_spoken"),
    (no_proxy, "proxy_refused"),
    (proxy_with_password, "proxy_password"),
    (closed_window, "window_closed"),
    (central_that(lambda _: (200, b"<html>log in</html>", "text/html")), "central_page"),
    (central_that(lambda _: (302, b"", "text/html")), "central_redirect"),
    (central_that(told(401, "not registered")), "not_enrolled"),
    (central_that(told(403, "stopped")), "not_allowed"),
    (central_that(told(404, "no such page")), "central_other"),
    (central_that(told(429, "too much")), "central_busy"),
    (central_that(told(500, "disk full")), "central_fails"),
]  # fmt: skip
SLOW_FAULTS = [(firewall, "link_no_answer"), (says_nothing, "tls_silent")]


def check(directory: Path, fault, code: str) -> None:
    with contextlib.ExitStack() as stack:
        place = Place(directory)
        fault(place, stack)
        found = place.findings()
    assert [one.code for one in found] == [code], found
    assert found[0].area in (Area.LINK, Area.CLOCK)


@pytest.mark.parametrize(("fault", "code"), FAULTS, ids=[code for _, code in FAULTS])
def test_a_fault_of_the_link_is_named(tmp_path: Path, fault, code: str) -> None:
    """By its one cause."""
    check(tmp_path, fault, code)


@pytest.mark.long
@pytest.mark.parametrize(("fault", "code"), SLOW_FAULTS, ids=[code for _, code in SLOW_FAULTS])
def test_a_fault_that_takes_its_time_is_named(tmp_path: Path, fault, code: str) -> None:
    """What neither answers nor refuses is waited for, within bounds."""
    check(tmp_path, fault, code)


def test_a_slow_link_is_told_beside_what_else_is_wrong(tmp_path: Path) -> None:
    """A good answer after two seconds is a finding by itself."""
    with contextlib.ExitStack() as stack:
        place = Place(tmp_path)
        central = TlsCentral()
        good = central.tell_heads

        def late(request: str):
            threading.Event().wait(2.1)
            return good(request)

        central.tell_heads = late
        running = stack.enter_context(serving(tmp_path, central, days=(-1, 90)))
        place.central["url"] = running.url
        found = place.findings()
    assert [one.code for one in found] == ["link_slow"]


def test_a_good_link_has_no_finding(tmp_path: Path) -> None:
    """Nor where the log key may not be read."""
    with serving(tmp_path, TlsCentral(), days=(-1, 90)) as central:
        assert Place(tmp_path, {"url": central.url}).findings() == ()


def test_no_route(tmp_path: Path) -> None:
    """In a network namespace of nothing, and in one without a way out; no name server is blamed."""
    make_certificates(tmp_path)
    code = (
        "import sys; from pathlib import Path; from tests.edge_agent.doctor.test_faults_link import"
        " Place; print([one.code for one in Place(Path(sys.argv[1]),"
        " {'url': sys.argv[2]}).findings()])"
    )
    own_net = (
        "ip link add d0 type veth peer name d1 && ip addr add 198.51.100.7/24 dev d0"
        " && ip link set d0 up"
    )
    cases = {
        ("https://192.0.2.1:8443", "true"): "link_no_interface",
        ("https://central.invalid", "true"): "link_no_interface",
        ("https://192.0.2.1:8443", own_net): "link_no_route",
    }
    for (url, network), expected in cases.items():
        shell = f'{network} && exec "$@"'
        python = [sys.executable, "-c", code, str(tmp_path), url]
        command = ["unshare", "--net", "sh", "-c", shell, "sh", *python]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if any(word in done.stderr for word in ("not permitted", "not found", "Unknown device")):
            pytest.skip("a network namespace cannot be made here")
        assert done.stdout.strip() == f"['{expected}']", done.stderr


# ---- what only a running uplink knows -----------------------------------------------------------


@contextlib.contextmanager
def running(directory: Path, lines: str = "") -> Iterator:
    with site(directory, [Scene("healthy")], 0.0, lines) as found:
        assert wait_until(lambda: found.central.requests)
        yield found


def test_uploads_that_are_refused_are_told_in_the_uplinks_words(tmp_path: Path) -> None:
    """The way is good, and central answers the question; what it refuses is the uploads."""
    with running(tmp_path) as found:
        for _ in range(200):
            found.central.faults.append(
                lambda request, _body, _central: request.send(
                    507, b'{"error": "no room", "remedy": "tell the operator"}', "application/json"
                )
            )

        def is_failing() -> bool:
            found.examine()
            return found.looked.snapshot.uplink.state == "failing"

        assert wait_until(is_failing, 20)
        assert [one.code for one in found.findings] == ["uplink_failing"]
        assert "no room" in found.findings[0].facts["said"]
        found.central.faults.clear()


def test_a_clone_stops_the_uplink(tmp_path: Path) -> None:
    """The file that says so is enough: it holds over restarts, and the link is not blamed."""
    with running(tmp_path) as found:
        stand_still(
            tmp_path / "state", KEYS.signer.vkey, "set_back: central holds what is not ours"
        )
        found.examine()
    assert [one.code for one in found.findings] == ["clone_suspected"]
    assert "not ours" in found.findings[0].facts["said"]


def test_every_red_finding_of_the_link_is_alone() -> None:
    """A table of the codes here: none is expected twice."""
    codes = [code for _, code in (*FAULTS, *SLOW_FAULTS)]
    assert len(codes) == len(set(codes))
