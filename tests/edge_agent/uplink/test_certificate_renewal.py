"""The client certificate: presented over real TLS, and renewed by the log key before it ends."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.keys.key_files import StateFiles
from edge_agent.keys.keys import Keys, create_keys
from edge_agent.uplink.certificate_renewal import LOOK_S, Renewal
from edge_agent.uplink.tls_identity import (
    TLS_FILE,
    certificate_request,
    identity_file,
    new_key,
    read_identity,
)
from edge_agent.uplink.transport import Transport
from protocols.evidence.enrol import Denied
from tests.edge_agent.enrolling import Central, approve, certificate, enrolling

DAY_MS = 86_400_000


class Site:
    def __init__(self, central: Central, directory: Path, age_days: float) -> None:
        self.central = central
        self.path = directory / "state" / TLS_FILE
        self.keys: Keys = create_keys(directory / "state", "gw-1", lambda count: bytes(count))
        key = new_key()
        csr = certificate_request(key, "gw-1")
        self.first = identity_file(key, certificate(csr, 90.0, age_days))
        StateFiles(self.path.parent).write(TLS_FILE, self.first)
        self.transport = Transport(central.url, central.directory / "ca.pem")
        self.transport.present(self.path)
        self.now_ms: int | None = round(datetime.datetime.now(datetime.UTC).timestamp() * 1000)
        self.renewal = Renewal(self.transport, self.keys, self.path, lambda: self.now_ms)

    def is_renewed(self) -> bool:
        return self.path.read_bytes() != self.first


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    with enrolling(tmp_path / "central") as found:
        found.decide = approve
        yield found


def test_it_is_left_alone_while_it_is_young(central: Central, tmp_path: Path) -> None:
    """Two thirds of its life, and no request is made."""
    site = Site(central, tmp_path, age_days=50.0)
    site.renewal.look(0.0)
    assert not site.is_renewed()
    assert central.asked == []


@pytest.mark.parametrize("age_days", [61.0, 100.0])
def test_it_is_renewed_in_its_last_third_and_later(
    central: Central, tmp_path: Path, age_days: float
) -> None:
    """With a new TLS key; asked without a token, by the log key in force."""
    site = Site(central, tmp_path, age_days)
    site.renewal.look(0.0)
    assert site.is_renewed()
    [request] = central.requests
    assert request.secret == b""
    assert request.log_vkey == site.keys.signer.vkey
    found = read_identity(site.path.read_bytes())
    assert site.now_ms is not None
    assert not found.is_due(site.now_ms // 1000)
    assert site.path.stat().st_mode & 0o777 == 0o600
    assert site.first.split(b"\n")[1] not in site.path.read_bytes()


def test_it_is_looked_at_once_an_hour(central: Central, tmp_path: Path) -> None:
    """A central that says no is asked again later, and the old one stays."""
    central.decide = lambda _: Denied("not in force", "enrol it")
    site = Site(central, tmp_path, age_days=80.0)
    for at in (0.0, 10.0, LOOK_S - 1):
        site.renewal.look(at)
    assert len(central.requests) == 1
    assert not site.is_renewed()
    central.decide = approve
    site.renewal.look(LOOK_S)
    assert site.is_renewed()


def test_a_clock_that_was_never_set_asks_for_nothing(central: Central, tmp_path: Path) -> None:
    """It would renew each hour, or never."""
    site = Site(central, tmp_path, age_days=80.0)
    site.now_ms = None
    site.renewal.look(0.0)
    assert central.asked == []


def test_a_file_that_is_gone_or_damaged_is_told(
    central: Central, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, with the remedy; the uplink goes on."""
    site = Site(central, tmp_path, age_days=80.0)
    site.path.write_bytes(b"?")
    for at in range(3):
        site.renewal.look(at * LOOK_S)
    assert caplog.text.count("enroll again") == 1
    site.path.unlink()
    site.renewal.look(9 * LOOK_S)
    assert "is gone; enroll this gateway again" in caplog.text
