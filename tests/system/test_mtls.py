"""A gateway behind a terminator that asks for certificates: its own link through a real nginx.

The programs are central's process, nginx with the shipped configuration, and the agent's parts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.certificate_renewal import Renewal
from edge_agent.enrol_command import Asked, enrol
from edge_agent.enrol_link import Way
from edge_agent.key_files import StateFiles
from edge_agent.keys import load_keys
from edge_agent.tls_identity import TLS_FILE, read_identity
from edge_agent.transport import Answer, Transport
from protocols.evidence.enrol_token import Token
from protocols.evidence.heads import PATH as HEADS
from protocols.evidence.heads import decode_heads, sign_heads_request
from tests.central.test_nginx import NGINX, Terminator

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: nginx-light")
WHO = ("--who", "Li", "--reason", "site")


@pytest.fixture
def behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Terminator]:
    made = Terminator(tmp_path, capsys)  # type: ignore[no-untyped-call]
    made.start()  # type: ignore[no-untyped-call]
    yield made
    made.close()  # type: ignore[no-untyped-call]


def enrolled(behind: Terminator, gateway: str) -> Path:
    """The command as typed, the operator's approval in its pause; the state directory."""
    state: Path = behind.directory / f"state-{gateway}"
    ca = str(behind.directory / "ca.pem")
    token = Token.from_text(behind.command("add", gateway, "--token", "--ca", ca))  # type: ignore[no-untyped-call]
    said: list[str] = []

    def approve(_: float) -> bool:
        behind.command("approve", gateway, said[-3].strip(), *WHO)  # type: ignore[no-untyped-call]
        return True

    asked = Asked(Way(behind.url), state, token, "b-1", None, 5.0)
    assert enrol(asked, said.append, approve) == 0, said
    assert f'client_certificate = "{state}/tls.pem"' in said[-1]
    return state


def status(transport: Transport, state: Path) -> int:
    """Of a request that the gateway's log key signs."""
    keys = load_keys(state)
    header = {"Gas-Request": sign_heads_request(keys.gateway, keys.signer)}
    answer = transport.get(f"{HEADS}{keys.gateway}", header)
    assert isinstance(answer, Answer), answer
    if answer.status == 200:
        assert decode_heads(answer.body, keys.gateway).newest_epoch is None
    return answer.status


def test_the_agent_gets_through_by_its_own_certificate_and_renews_it(behind: Terminator) -> None:
    """None and another gateway's are refused; a renewed one is presented at once."""
    own, other = enrolled(behind, "gw-1"), enrolled(behind, "gw-2")
    transport = Transport(behind.url, behind.directory / "ca.pem")
    assert status(transport, own) == 403
    transport.present(other / TLS_FILE)
    assert status(transport, own) == 403
    transport.present(own / TLS_FILE)
    assert status(transport, own) == 200
    before = read_identity((own / TLS_FILE).read_bytes())
    late_ms = (before.not_after_s - 86_400) * 1000
    renewal = Renewal(transport, load_keys(own), own / TLS_FILE, lambda: late_ms)
    renewal.look(time.monotonic())
    after = read_identity((own / TLS_FILE).read_bytes())
    assert after.fingerprint != before.fingerprint
    assert status(transport, own) == 200
    (own / TLS_FILE).unlink()
    StateFiles(own).write(TLS_FILE, (other / TLS_FILE).read_bytes())
    transport.present(own / TLS_FILE)
    assert status(transport, own) == 403
    transport.close()
