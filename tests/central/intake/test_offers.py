"""Offers handed out, bundles taken: to and from their own gateway only."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from central.intake.app import IntakeApp
from central.intake.offers import MAX_BUNDLES
from central.offers import add_offer, withdraw_offer
from central.store.log_tables import bundle
from central.store.log_tables import gateway as gateway_table
from protocols.evidence.leaf import Log
from protocols.evidence.note import Signer
from protocols.evidence.offer import (
    CONFIGURATION,
    MAX_BUNDLE_BYTES,
    READ_NOW,
    SUPPORT_BUNDLE,
    Offer,
    decode_offers,
    open_offer,
    sign_bundle,
    sign_offer,
    sign_request,
)

OPERATOR = Signer.from_private_bytes("operator", b"p" * 32)
LATER = 4_000_000_000_000


@pytest.fixture
def ask(central):
    """Asks the intake; status, headers and body."""
    app = IntakeApp(central.intake)

    def run(method, path, query, header, body=b""):
        headers = [(b"gas-request", header.encode("latin-1"))]
        if method == "POST":
            headers += [(b"content-type", b"application/cbor")]
            headers += [(b"content-length", str(len(body)).encode())]
        scope = {"type": "http", "path": path, "method": method, "headers": headers,
                 "query_string": query}  # fmt: skip
        return asyncio.run(talk(app, scope, body))

    yield run
    app.close()


async def talk(app, scope, body):
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def offered(central, gateway, number, kind=SUPPORT_BUNDLE, item=()):
    offer = Offer(gateway.name, number, kind, LATER, "Li Wei", "a look", item)
    add_offer(central.store, sign_offer(offer, OPERATOR), lambda: central.now_ms)


def asked(ask, gateway, after, signer=None):
    header = sign_request(gateway.name, after, signer or gateway.signer)
    return ask("GET", f"/v1/offers/{gateway.name}", b"after=%d" % after, header)


def numbers(gateway, answer):
    status, _, body = answer
    assert status == 200
    return [open_offer(one, OPERATOR.verifier, gateway.name).number for one in decode_offers(body)]


def test_a_gateway_gets_its_own_offers(ask, central, made):
    """Those after the number it names, lowest first; none of another's, none withdrawn."""
    gateway, other = made.Gateway(), made.Gateway("gw-2")
    central.register(gateway)
    central.register(other)
    for number in (5, 7, 9):
        offered(central, gateway, number, READ_NOW, ("meter-1",))
    offered(central, other, 6)
    assert numbers(gateway, asked(ask, gateway, 0)) == [5, 7, 9]
    assert numbers(gateway, asked(ask, gateway, 5)) == [7, 9]
    withdraw_offer(central.store, gateway.name, 7, lambda: central.now_ms)
    assert numbers(gateway, asked(ask, gateway, 5)) == [9]


def test_strangers_get_nothing(ask, central, made):
    """Another gateway's key, a gateway that is stopped, a query that is none."""
    gateway, other = made.Gateway(), made.Gateway("gw-2")
    central.register(gateway)
    offered(central, gateway, 5)
    assert asked(ask, gateway, 0, other.signer)[0] == 401
    assert asked(ask, other, 0)[0] == 401
    header = sign_request(gateway.name, 0, gateway.signer)
    assert ask("GET", f"/v1/offers/{gateway.name}", b"after=x", header)[0] == 400
    with central.store.writer.begin() as conn:
        conn.execute(update(gateway_table).values(stopped_reason="a clone"))
    assert asked(ask, gateway, 0)[0] == 403


def test_the_newest_offers_number_is_told_with_a_receipt(central, made):
    """So that a gateway asks only when there is something."""
    gateway = made.Gateway()
    central.register(gateway)
    gateway.configure(made.config())
    answer = central.intake.receive(gateway.upload(Log.BILLING, 0))
    assert (answer.status, answer.newest_offer) == (200, 0)
    offered(central, gateway, 5)
    assert central.intake.receive(gateway.upload(Log.BILLING, 0)).newest_offer == 5


def sent(ask, gateway, number, body, signer=None):
    header = sign_bundle(gateway.name, number, body, signer or gateway.signer)
    return ask("POST", f"/v1/bundle/{gateway.name}", b"offer=%d" % number, header, body)


def test_a_bundle_is_kept_once(ask, central, made):
    """Of the gateway that was asked for it, by its own signature."""
    gateway, other = made.Gateway(), made.Gateway("gw-2")
    central.register(gateway)
    offered(central, gateway, 5)
    offered(central, gateway, 6, CONFIGURATION, (b"b" * 32, b"[x]"))
    assert sent(ask, gateway, 5, b"bundle", other.signer)[0] == 401
    assert sent(ask, gateway, 6, b"bundle")[0] == 404
    assert sent(ask, gateway, 77, b"bundle")[0] == 404
    assert sent(ask, gateway, 5, b"x" * (MAX_BUNDLE_BYTES + 1))[0] == 413
    assert sent(ask, gateway, 5, b"bundle")[0] == 200
    assert sent(ask, gateway, 5, b"another")[0] == 200
    with central.store.engine.connect() as conn:
        assert conn.scalars(select(bundle.c.data)).all() == [b"bundle"]


def test_bundles_are_bounded(ask, central, made):
    """The oldest go."""
    gateway = made.Gateway()
    central.register(gateway)
    for number in range(1, MAX_BUNDLES + 3):
        offered(central, gateway, number)
        assert sent(ask, gateway, number, b"bundle %d" % number)[0] == 200
    with central.store.engine.connect() as conn:
        numbers = conn.scalars(select(bundle.c.number).order_by(bundle.c.number)).all()
    assert numbers == list(range(3, MAX_BUNDLES + 3))


def test_a_strangers_bundle_holds_up_no_upload(ask, central, made):
    """Who it is from is looked at before anything is locked: an upload writes meanwhile."""
    gateway = made.Gateway()
    central.register(gateway)
    offered(central, gateway, 7)
    stranger = Signer.from_private_bytes(gateway.origin(Log.BILLING).gateway, b"x" * 32)
    with central.store.writer.begin() as writing:
        writing.execute(update(gateway_table).values(stopped_reason=None))
        with ThreadPoolExecutor(1) as threads:
            asking = threads.submit(sent, ask, gateway, 7, b"zip", stranger)
            assert asking.result(timeout=5)[0] == 401
