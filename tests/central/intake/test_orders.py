"""GET /v1/orders/<gateway>: its own orders to each gateway, and nothing to anybody else."""

import asyncio
import json

import pytest
from sqlalchemy import update

from central.intake.app import IntakeApp
from central.orders import Effective, gas_of_figures, send_gas
from central.store.log_tables import gateway as gateway_table
from protocols.evidence.leaf import Log
from protocols.evidence.note import Signer
from protocols.evidence.order import MAX_ORDERS, decode_orders, open_order, sign_request

ORDERS = Signer.from_private_bytes("central-orders", b"o" * 32)


@pytest.fixture
def ask(central):
    """Asks the route; status, headers and body."""
    app = IntakeApp(central.intake)

    def run(path, query=b"", header=None, method="GET"):
        headers = [] if header is None else [(b"gas-request", header.encode("latin-1"))]
        scope = {"type": "http", "path": path, "method": method, "headers": headers,
                 "query_string": query}  # fmt: skip
        return asyncio.run(talk(app, scope))

    yield run
    app.close()


async def talk(app, scope, body=b""):
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def send_orders(central, gateway, count):
    since = Effective(central.now_ms, "Li Wei")
    gas = gas_of_figures("grid", (40.66, 0.581, 0.006, 0.0), since)
    for _ in range(count):
        send_gas(central.store, ORDERS, gateway.name, gas, lambda: central.now_ms)


def asked(ask, gateway, after, signer=None):
    header = sign_request(gateway.name, after, signer or gateway.signer)
    return ask(f"/v1/orders/{gateway.name}", b"after=%d" % after, header)


def numbers(gateway, body):
    return [open_order(note, ORDERS.verifier, gateway.name).number for note in decode_orders(body)]


def test_a_gateway_gets_its_own_orders(ask, central, made):
    """Those after the number it names, lowest first, and none of another gateway's."""
    gateway, other = made.Gateway(), made.Gateway("gw-2")
    central.register(gateway)
    central.register(other)
    send_orders(central, gateway, 3)
    send_orders(central, other, 1)
    status, headers, body = asked(ask, gateway, 0)
    assert (status, headers[b"content-type"]) == (200, b"application/cbor")
    assert numbers(gateway, body) == [1, 2, 3]
    assert numbers(gateway, asked(ask, gateway, 2)[2]) == [3]
    assert numbers(gateway, asked(ask, gateway, 3)[2]) == []
    assert numbers(other, asked(ask, other, 0)[2]) == [1]


def test_an_answer_is_bounded(ask, central, made):
    """What is left over is asked for again, after the last number."""
    gateway = made.Gateway()
    central.register(gateway)
    send_orders(central, gateway, MAX_ORDERS + 2)
    _, _, body = asked(ask, gateway, 0)
    assert numbers(gateway, body) == list(range(1, MAX_ORDERS + 1))
    assert len(body) < 32_768
    assert numbers(gateway, asked(ask, gateway, MAX_ORDERS)[2]) == [MAX_ORDERS + 1, MAX_ORDERS + 2]


@pytest.mark.parametrize(
    ("status", "path", "query", "signs"),
    [
        (401, "/v1/orders/gw-1", b"after=0", ("gw-1", 1, "gw-1")),
        (401, "/v1/orders/gw-1", b"after=0", ("gw-1", 0, "gw-2")),
        (401, "/v1/orders/gw-1", b"after=0", ("gw-2", 0, "gw-2")),
        (401, "/v1/orders/gw-9", b"after=0", ("gw-9", 0, "gw-1")),
        (401, "/v1/orders/gw-1", b"after=0", None),
        (400, "/v1/orders/gw-1", b"", ("gw-1", 0, "gw-1")),
        (400, "/v1/orders/gw-1", b"after=00", ("gw-1", 0, "gw-1")),
        (400, "/v1/orders/gw-1", b"after=-1", ("gw-1", 0, "gw-1")),
        (400, "/v1/orders/gw-1", b"after=" + b"9" * 30, ("gw-1", 0, "gw-1")),
        (400, "/v1/orders/gw-1", b"after=0&after=1", ("gw-1", 0, "gw-1")),
        (400, "/v1/orders/", b"after=0", ("gw-1", 0, "gw-1")),
        (400, "/v1/orders/gw-1/x", b"after=0", ("gw-1", 0, "gw-1")),
        (404, "/v1/orders", b"after=0", ("gw-1", 0, "gw-1")),
    ],
)
def test_nobody_else_gets_them(ask, central, made, status, path, query, signs):
    """Another key, another number, another gateway or another spelling gets a refusal."""
    keys = {name: made.Gateway(name) for name in ("gw-1", "gw-2")}
    for gateway in keys.values():
        central.register(gateway)
    send_orders(central, keys["gw-1"], 1)
    header = None if signs is None else sign_request(signs[0], signs[1], keys[signs[2]].signer)
    answer = ask(path, query, header)
    assert answer[0] == status
    assert json.loads(answer[2])["remedy"]


def test_orders_are_only_read(ask, central, made):
    """A POST to the route, or a stopped gateway, is refused."""
    gateway = made.Gateway()
    central.register(gateway)
    send_orders(central, gateway, 1)
    assert ask("/v1/orders/gw-1", b"after=0", method="POST")[0] == 405
    with central.store.writer.begin() as conn:
        conn.execute(update(gateway_table).values(stopped_ms=1, stopped_reason="equivocation"))
    assert asked(ask, gateway, 0)[0] == 403


def test_the_answer_to_an_upload_tells_of_orders(central, made, polled):
    """Receipt and conflict name the newest order; a refusal, and a gateway without, name none."""
    central.register(polled)
    body = polled.upload(Log.BILLING, 0)
    assert central.intake.receive(body).newest_order == 0
    send_orders(central, polled, 2)
    assert central.intake.receive(body)[::3] == (409, 2)
    assert central.intake.receive(polled.upload(Log.TELEMETRY, 0))[::3] == (200, 2)
    stranger = made.Gateway()
    stranger.signer = Signer.from_private_bytes("gw-1", b"x" * 32)
    stranger.configure(made.config())
    refused = central.intake.receive(stranger.upload(Log.BILLING, 0))
    assert (refused.status, refused.newest_order) == (401, 0)


def test_the_header_is_sent_only_where_there_is_an_order(central, polled):
    """A header costs its bytes with every batch."""
    central.register(polled)
    app = IntakeApp(central.intake)
    scope = {"type": "http", "path": "/v1/upload", "method": "POST",
             "headers": [(b"content-type", b"application/cbor")]}  # fmt: skip
    body = polled.upload(Log.BILLING, 0)
    assert b"gas-orders" not in asyncio.run(talk(app, scope, body))[1]
    send_orders(central, polled, 3)
    assert asyncio.run(talk(app, scope, body))[1][b"gas-orders"] == b"3"
    app.close()
