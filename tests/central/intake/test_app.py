"""The ASGI route, called as a server would."""

import asyncio
import json
import shutil
import threading

import pytest

from central.intake import app as module
from central.intake.app import IntakeApp
from protocols.evidence.leaf import Log
from protocols.evidence.upload import MAX_UPLOAD_BYTES


def scope(path="/v1/upload", method="POST", length=None, kind=b"application/cbor"):
    headers = [(b"content-type", kind)]
    if length is not None:
        headers.append((b"content-length", length))
    return {"type": "http", "path": path, "method": method, "headers": headers}


def body_of(*parts, more=False):
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    if messages and not more:
        messages[-1]["more_body"] = False
    return messages


@pytest.fixture
def call(central):
    """Calls the route; status, headers and body, or None where it did not answer."""
    app = IntakeApp(central.intake)

    def run(messages, **of_scope):
        return asyncio.run(talk(app, messages, scope(**of_scope)))

    yield run
    app.close()


async def talk(app, messages, of_scope):
    waiting = list(messages)
    sent = []

    async def receive():
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def send(message):
        sent.append(message)

    await app(of_scope, receive, send)
    if not sent:
        return None
    start, body = sent
    headers = dict(start["headers"])
    assert int(headers[b"content-length"]) == len(body["body"])
    return start["status"], headers[b"content-type"], body["body"]


def test_an_upload_in_pieces_is_one_upload(call, central, polled):
    """However the body arrives, the answer is the receipt."""
    central.register(polled)
    body = polled.upload(Log.BILLING, 0)
    status, kind, _ = call(body_of(body[:7], b"", body[7:300], body[300:]))
    assert (status, kind) == (200, b"text/plain; charset=utf-8")
    assert call(body_of(body))[:2] == (409, b"application/cbor")


@pytest.mark.parametrize(
    ("status", "of_scope"),
    [
        (404, {"path": "/"}),
        (404, {"path": "/v1/upload/"}),
        (405, {"method": "GET"}),
        (415, {"kind": b"application/json"}),
        (413, {"length": str(MAX_UPLOAD_BYTES + 1).encode()}),
        (413, {"length": b"9" * 5000}),
        (413, {"length": b"-1"}),
    ],
)
def test_wrong_requests_are_refused_before_their_body(call, status, of_scope):
    """What the head of the request tells is enough: no byte of the body is waited for."""
    answer = call([], **of_scope)
    assert answer[:2] == (status, b"application/json")
    assert json.loads(answer[2])["remedy"]


def test_a_body_without_length_is_bounded(call):
    """A body that grows beyond the limit is refused there, and not read on."""
    piece = bytes(1 << 20)
    assert call(body_of(*[piece] * 5, more=True))[0] == 413


def test_a_peer_that_goes_away_gets_no_answer(call, central):
    """A cut connection stores nothing and answers nobody."""
    assert call([*body_of(b"half", more=True), {"type": "http.disconnect"}]) is None


def test_a_body_that_never_ends_meets_a_deadline(call, monkeypatch):
    """A peer that stops sending is told so."""
    monkeypatch.setattr(module, "BODY_DEADLINE_S", 0.02)
    assert call(body_of(b"half", more=True))[0] == 408


def test_bodies_in_memory_are_bounded(central, monkeypatch):
    """While as many bytes as may be are held, an upload is told to come again."""
    monkeypatch.setattr(module, "MAX_HELD_BYTES", 12)
    monkeypatch.setattr(module, "BODY_DEADLINE_S", 0.2)
    app = IntakeApp(central.intake)

    async def three():
        half = body_of(b"12345", more=True)
        waiting = [asyncio.create_task(talk(app, half, scope())) for _ in range(2)]
        await asyncio.wait(waiting, timeout=0.01)
        answer = await talk(app, body_of(b"123"), scope())
        return answer, await asyncio.gather(*waiting)

    answer, others = asyncio.run(three())
    assert answer[0] == 429
    assert [other[0] for other in others] == [408, 408]
    assert asyncio.run(talk(app, body_of(b"123456789012"), scope()))[0] == 400
    app.close()


def test_whole_bodies_that_wait_are_bounded(central, monkeypatch):
    """While as many uploads as may be are judged, one more is told to come again."""
    monkeypatch.setattr(module, "MAX_BODIES", 2)
    app = IntakeApp(central.intake)
    judged = threading.Event()
    receive = central.intake.receive

    def slowly(*arguments):
        judged.wait(5)
        return receive(*arguments)

    monkeypatch.setattr(central.intake, "receive", slowly)

    async def three():
        waiting = [asyncio.create_task(talk(app, body_of(b"x"), scope())) for _ in range(2)]
        await asyncio.wait(waiting, timeout=0.05)
        answer = await talk(app, body_of(b"x"), scope())
        judged.set()
        return answer, await asyncio.gather(*waiting)

    answer, others = asyncio.run(three())
    assert answer[0] == 429
    assert [other[0] for other in others] == [400, 400]
    assert asyncio.run(talk(app, body_of(b"x"), scope()))[0] == 400
    app.close()


def test_peers_that_send_nothing_keep_nobody_out(central, polled, monkeypatch):
    """A hundred uploads that never come, of whoever, and a gateway gets its receipt."""
    monkeypatch.setattr(module, "BODY_DEADLINE_S", 2.0)
    central.register(polled)
    app = IntakeApp(central.intake)

    async def crowd():
        waiting = [asyncio.create_task(talk(app, [], scope())) for _ in range(100)]
        await asyncio.wait(waiting, timeout=0.05)
        answer = await talk(app, body_of(polled.upload(Log.BILLING, 0)), scope())
        for one in waiting:
            one.cancel()
        return answer

    assert asyncio.run(crowd())[0] == 200
    app.close()


def test_a_store_that_fails_is_500_and_nothing_is_lost(call, central, polled):
    """With its database gone, central tells the gateway to come again."""
    central.register(polled)
    central.store.close()
    shutil.rmtree(central.store.directory)
    status, kind, body = call(body_of(polled.upload(Log.BILLING, 0)))
    assert (status, kind) == (500, b"application/json")
    assert "again" in json.loads(body)["remedy"]


def test_only_http_is_spoken(central):
    """A websocket or lifespan message is a fault of how central was started."""
    app = IntakeApp(central.intake)
    with pytest.raises(RuntimeError, match="websocket"):
        asyncio.run(app({"type": "websocket"}, None, None))
    app.close()
