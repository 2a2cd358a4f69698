"""uvicorn's HTTP protocol with a deadline for a connection's first request.

uvicorn times only what comes after an answer: a connection that never asks anything would keep its
place for ever, and the places are bounded.
"""

import asyncio
from typing import Final

from uvicorn.protocols.http.h11_impl import H11Protocol

FIRST_REQUEST_S: Final = 30.0


class PromptProtocol(H11Protocol):
    """Closes a connection that sent no whole request head within FIRST_REQUEST_S."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # TCP has no other transport
        super().connection_made(transport)
        self._deadline = self.loop.call_later(FIRST_REQUEST_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        if self.cycle is None:
            self.transport.abort()
