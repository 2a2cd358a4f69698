"""A connection has to ask something, or it loses its place."""

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from central import first_request
from central.first_request import PromptProtocol

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def app(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def talk(begin, then):
    """What comes back to `then`, sent when the deadline of the first request has passed."""
    config = uvicorn.Config(app, http=PromptProtocol, lifespan="off", log_config=None)
    config.load()
    loop, passed = asyncio.get_running_loop(), asyncio.Event()

    class Watched(PromptProtocol):
        def _give_up(self):
            super()._give_up()
            passed.set()

    server = await loop.create_server(
        lambda: Watched(config=config, server_state=ServerState(), app_state={}), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        writer.write(begin)
        if begin == REQUEST:
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
        await asyncio.wait_for(passed.wait(), 5)
        writer.write(then)
        return await asyncio.wait_for(reader.readline(), 5)
    except ConnectionError:
        return b""
    finally:
        writer.close()
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("begin", [b"", b"GET / HTTP/1.1\r\nHost:"])
def test_who_asks_nothing_loses_the_place(begin, monkeypatch):
    """Silence and a head that never ends are one."""
    monkeypatch.setattr(first_request, "FIRST_REQUEST_S", 0.1)
    assert asyncio.run(talk(begin, b"")) == b""


def test_who_has_asked_is_kept(monkeypatch):
    """The deadline is that of the first request; a kept connection has its own."""
    monkeypatch.setattr(first_request, "FIRST_REQUEST_S", 0.1)
    assert asyncio.run(talk(REQUEST, REQUEST)).startswith(b"HTTP/1.1 204")
