"""`edge-agent enroll` over real TLS: what it tells whom, what it leaves, and how it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.enrol.command import Asked, enrol, machine_serial
from edge_agent.journal.epoch import next_epoch
from edge_agent.keys.key_files import StateFiles
from edge_agent.keys.keys import create_keys, load_keys
from edge_agent.state_lock import state_lock
from edge_agent.uplink.enrol_link import Way
from edge_agent.uplink.tls_identity import TLS_FILE, read_identity
from protocols.evidence.enrol import (
    Approved,
    Denied,
    Pending,
    Replaced,
    Request,
    decode_answer,
    fingerprint,
)
from protocols.evidence.leaf import Log
from protocols.evidence.receipt_keys import sign_succession
from tests.edge_agent.enrolling import NEWER, ORDERS, RECEIPTS, Central, approve, enrolling
from tests.edge_agent.recording.test_replacement import cited


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    with enrolling(tmp_path / "central") as found:
        yield found


class Fitter:
    """Runs the command, and keeps what it said."""

    def __init__(self, central: Central, directory: Path) -> None:
        self.central = central
        self.state = directory / "state"
        self.said: list[str] = []
        self.waited: list[float] = []

    def run(self, wait_s: float = 0.0, **other: object) -> int:
        asked = Asked(Way(self.central.url), self.state, self.central.token, "b-1", None, wait_s)
        self.said.clear()
        return enrol(asked._replace(**other), self.said.append, self.pause)  # type: ignore[arg-type]

    def pause(self, seconds: float) -> bool:
        self.waited.append(seconds)
        return False

    @property
    def text(self) -> str:
        return " ".join(self.said)


@pytest.fixture
def fitter(central: Central, tmp_path: Path) -> Fitter:
    return Fitter(central, tmp_path)


def test_it_is_shown_a_fingerprint_and_ends_until_somebody_approves(
    fitter: Fitter, central: Central
) -> None:
    """The same figures as central shows; called again with the same keys, it is enrolled."""
    assert fitter.run() == 1
    assert fingerprint(central.requests[0]) in fitter.text
    assert not (fitter.state / "log.key").exists()
    central.decide = approve
    assert fitter.run() == 0
    assert fingerprint(central.requests[1]) == fingerprint(central.requests[0])
    keys = load_keys(fitter.state)
    assert keys.signer.vkey == central.requests[0].log_vkey
    for line in (
        'id = "gw-1"',
        f'ca = "{fitter.state}/ca.pem"',
        f'receipt_key = "{RECEIPTS.vkey}"',
        f'order_key = "{ORDERS.vkey}"',
        f'client_certificate = "{fitter.state}/tls.pem"',
    ):
        assert line in fitter.text
    assert (fitter.state / "ca.pem").read_bytes() == (central.directory / "ca.pem").read_bytes()
    read_identity((fitter.state / TLS_FILE).read_bytes())
    left = {path.name for path in fitter.state.iterdir()}
    assert left == {
        "agent.lock", "ca.pem", "enrolled", "log.key", "log.keys", "salt.secret", "tls.pem"
    }  # fmt: skip
    for path in fitter.state.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


def test_it_waits_for_the_approval_and_shows_what_for(fitter: Fitter, central: Central) -> None:
    """The secret is sent once; how it stands is asked by the log key."""
    stand = iter([0, 0, 1])

    def decide(request: Request) -> Approved | Pending:
        return approve(request) if next(stand, 1) else Pending("aaaa")  # type: ignore[return-value]

    central.decide = decide
    assert fitter.run(wait_s=12.0) == 0
    assert fitter.waited == [5.0, 5.0]
    assert central.asked.count("POST /v1/enroll") == 1
    assert central.asked.count("GET /v1/enroll/gw-1") == 2
    assert "edge-central gateway approve gw-1 FINGERPRINT" in fitter.text


def test_after_its_time_it_ends_unapproved(fitter: Fitter) -> None:
    """With what to do next."""
    assert fitter.run(wait_s=7.0) == 1
    assert fitter.waited == [5.0, 2.0]
    assert "same command again" in fitter.text


def test_a_used_token_shows_the_lines_again(fitter: Fitter, central: Central) -> None:
    """Nothing is asked of central any more."""
    central.decide = approve
    assert fitter.run() == 0
    lines = fitter.said[-1]
    asked = len(central.asked)
    assert fitter.run() == 0
    assert fitter.said[-1] == lines
    assert len(central.asked) == asked


def test_a_refusal_is_told_and_leaves_the_keys_for_another_token(
    fitter: Fitter, central: Central
) -> None:
    """Who refused, why, and what to do."""
    central.decide = lambda _: Denied("the token was used", "make a new token")
    assert fitter.run() == 1
    assert "Central refuses: the token was used; make a new token" in fitter.text
    assert not (fitter.state / "log.key").exists()


@pytest.mark.parametrize(
    ("portal", "told"),
    [
        ((200, b"<html>Welcome to the hotel</html>", "text/html"), "answered text/html, not with"),
        ((302, b"", "text/html"), "answered 302"),
        ((404, b"", "text/plain"), "answered 404"),
        ((200, b"", ""), "answered something"),
    ],
)
def test_a_captive_portal_is_named_and_told_nothing(
    fitter: Fitter, central: Central, portal: tuple[int, bytes, str], told: str
) -> None:
    """The secret and the keys stay here."""
    central.portal = portal
    assert fitter.run() == 2
    assert told in fitter.text
    assert "captive portal" in fitter.text
    assert central.asked == ["GET /v1/ca"]


def test_another_ca_than_the_pinned_one_is_named_and_told_nothing(
    fitter: Fitter, central: Central, tmp_path: Path
) -> None:
    """Another central, or somebody in between: whoever it is, the token is not for him."""
    token = central.token._replace(ca_sha256=b"x" * 32)
    assert fitter.run(token=token) == 2
    assert "another CA than the token pins" in fitter.text
    assert central.asked == ["GET /v1/ca"]
    assert not fitter.state.exists()


def test_a_stranger_with_the_right_ca_file_is_not_central(
    fitter: Fitter, central: Central, tmp_path: Path
) -> None:
    """Whoever repeats central's CA still has no certificate of it: the secret is not sent."""
    with enrolling(tmp_path / "stranger") as stranger:
        true_ca = (central.directory / "ca.pem").read_bytes()
        (stranger.directory / "ca.pem").write_bytes(true_ca)
        assert fitter.run(way=Way(stranger.url)) == 2
        assert "TLS with" in fitter.text
        assert stranger.asked == ["GET /v1/ca"]
        assert stranger.secrets == []


def test_a_receipt_key_that_the_token_does_not_lead_to_is_refused(
    fitter: Fitter, central: Central
) -> None:
    """Before any key takes over; where it follows from the pinned one it is taken."""
    central.decide = lambda request: approve(request)._replace(receipt_vkey=NEWER.vkey)  # type: ignore[union-attr]
    assert fitter.run() == 2
    assert "not the one that the token pins" in fitter.text
    assert not (fitter.state / "log.key").exists()
    central.successions = sign_succession(1, RECEIPTS, NEWER, 5)
    assert fitter.run() == 0
    assert f'receipt_key = "{NEWER.vkey}"' in fitter.text


def test_a_gateway_in_service_is_enrolled_again_with_a_new_key(
    fitter: Fitter, central: Central
) -> None:
    """The new key signs from the epoch that central named; the old one is gone from the disk."""
    secrets = iter((b"s" * 32, b"o" * 32))
    old = create_keys(fitter.state, "gw-1", lambda _: next(secrets))
    next_epoch(fitter.state)
    central.decide = lambda request: approve(request)._replace(epoch=3)  # type: ignore[union-attr]
    assert fitter.run() == 0
    keys = load_keys(fitter.state, StateFiles(fitter.state))
    assert keys.first_epoch == 3
    assert keys.signer.vkey != old.signer.vkey
    assert keys.schedule.vkeys() == (old.signer.vkey, keys.signer.vkey)
    assert keys.signer_for(Log.BILLING, 3, 1).vkey == keys.signer.vkey
    assert keys.salt_secret == old.salt_secret
    assert next_epoch(fitter.state) == 3
    assert "A new epoch, 3 or above, begins" in fitter.text
    assert b"b29vb29v" not in b"".join(path.read_bytes() for path in fitter.state.iterdir())


def test_a_running_agent_is_not_robbed_of_its_key(fitter: Fitter, central: Central) -> None:
    """The approved keys wait until it is stopped."""
    create_keys(fitter.state, "gw-1", lambda count: bytes(count))
    before = (fitter.state / "log.key").read_bytes()
    central.decide = lambda request: approve(request)._replace(epoch=1)  # type: ignore[union-attr]
    with state_lock(fitter.state):
        assert fitter.run() == 2
    assert "another edge-agent uses" in fitter.text
    assert (fitter.state / "log.key").read_bytes() == before
    assert fitter.run() == 0
    assert (fitter.state / "log.key").read_bytes() != before


def test_another_gateways_state_directory_is_refused(fitter: Fitter) -> None:
    """Two gateways never share one."""
    create_keys(fitter.state, "gw-2", lambda count: bytes(count))
    assert fitter.run() == 2
    assert "is gw-2's, the token is for gw-1" in fitter.text.replace("\n", " ")


def test_what_central_holds_of_the_replaced_gateway_is_kept(
    fitter: Fitter, central: Central
) -> None:
    """For the first leaf of the new gateway's log."""
    replaced = Replaced("gw-0", (cited(Log.BILLING, 70),))
    central.decide = lambda request: approve(request)._replace(replaced=replaced)  # type: ignore[union-attr]
    assert fitter.run(replaces="gw-0") == 0
    assert central.requests[0].replaces == "gw-0"
    kept = decode_answer((fitter.state / "replaces").read_bytes())
    assert isinstance(kept, Approved)
    assert kept.replaced == replaced


def test_a_central_that_is_not_there_is_told(fitter: Fitter) -> None:
    """With status 2, and nothing made."""
    assert fitter.run(way=Way("https://localhost:1")) == 2
    assert "connection to https://localhost:1 failed" in fitter.text


def test_every_line_but_those_to_be_copied_fits_the_screen(
    fitter: Fitter, central: Central
) -> None:
    """80 columns."""
    fitter.run(wait_s=5.0)
    assert all(len(line) <= 80 for line in fitter.said)
    central.portal = (200, b"<html>", "text/html")
    fitter.run()
    assert all(len(line) <= 80 for line in fitter.said)


def test_the_machine_tells_its_serial(tmp_path: Path) -> None:
    """The first file that holds one; none is None."""
    board, system = tmp_path / "board", tmp_path / "system"
    system.write_bytes(b"0123abcd\n")
    assert machine_serial((board, system)) == "0123abcd"
    board.write_bytes(b"10000000deadbeef\0")
    assert machine_serial((board, system)) == "10000000deadbeef"
    board.write_bytes(b"two words")
    system.write_bytes(b"x" * 65)
    assert machine_serial((board, system)) is None
