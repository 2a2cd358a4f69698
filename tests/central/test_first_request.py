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


async def talk(begin, then, pause_s):
    """What comes back to two pieces with a pause between them; None where it was still open."""
    config = uvicorn.Config(app, http=PromptProtocol, lifespan="off", log_config=None)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: PromptProtocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        writer.write(begin)
        await asyncio.sleep(pause_s)
        writer.write(then)
        return await asyncio.wait_for(reader.readline(), 2)
    except (TimeoutError, ConnectionError):
        return None if state.connections else b""
    finally:
        writer.close()
        server.close()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("begin", [b"", b"GET / HTTP/1.1\r\nHost:"])
def test_who_asks_nothing_loses_the_place(begin, monkeypatch):
    """Silence and a head that never ends are one."""
    monkeypatch.setattr(first_request, "FIRST_REQUEST_S", 0.1)
    assert asyncio.run(talk(begin, b"", 0.3)) == b""


def test_who_has_asked_is_kept(monkeypatch):
    """The deadline is that of the first request; a kept connection has its own."""
    monkeypatch.setattr(first_request, "FIRST_REQUEST_S", 0.1)
    assert asyncio.run(talk(REQUEST, REQUEST, 0.3)).startswith(b"HTTP/1.1 204")
