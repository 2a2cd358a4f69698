"""What a TLS terminator says of a client's certificate, and who may say it."""

import asyncio

import pytest

from central.intake.alarms import intake_alarms
from central.intake.app import IntakeApp
from protocols.evidence.leaf import Log

HEADER = "Gas-Client-Identity"


@pytest.fixture
def post(central):
    """POST through the terminator: the status."""
    app = IntakeApp(central.intake, None, HEADER)

    def run(body, identity=None, client=("127.0.0.1", 5)):
        headers = [(b"content-type", b"application/cbor")]
        if identity is not None:
            headers.append((HEADER.lower().encode(), identity.encode()))
        scope = {"type": "http", "path": "/v1/upload", "method": "POST", "headers": headers,
                 "client": client}  # fmt: skip
        sent = []

        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message):
            sent.append(message)

        asyncio.run(app(scope, receive, send))
        return sent[0]["status"]

    yield run
    app.close()


def test_the_certificate_must_be_the_gateways(post, central, polled, made):
    """Its own goes; another gateway's, or none, is refused and alarmed, nothing is stored."""
    central.register(polled)
    central.register(made.Gateway("gw-2"))
    body = polled.upload(Log.BILLING, 0)
    for identity in (None, "", "gw-2", "gw-10", "GW-1", "gw-1, gw-1"):
        assert post(body, identity) == 403
    assert central.sent(polled, Log.BILLING) == 0
    assert {one.code for one in central.ask(intake_alarms)} == {"wrong-origin"}
    assert post(body, "gw-1") == 200


@pytest.mark.parametrize("client", [("10.0.0.7", 5), ("::ffff:10.0.0.7", 5), None])
def test_only_the_terminator_on_this_machine_is_believed(post, central, polled, client):
    """Whoever comes another way could write any name into the header."""
    central.register(polled)
    assert post(polled.upload(Log.BILLING, 0), "gw-1", client) == 403


def test_without_a_terminator_the_header_means_nothing(central, polled):
    """It is read only where the configuration names it."""
    central.register(polled)
    assert central.intake.receive(polled.upload(Log.BILLING, 0), None, None).status == 200
