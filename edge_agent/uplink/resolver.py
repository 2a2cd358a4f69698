"""Names into addresses within a bound: getaddrinfo has no deadline, and a dead network blocks it.

The look-up has a thread of its own, one at a time. What was last found is used where nothing is
found now: who answers at a wrong address has not central's certificate.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any, Final

MAX_ADDRESSES: Final = 4
RESOLVE_TIMEOUT_S: Final = 8.0
Lookup = Callable[[str, int], list[tuple[Any, ...]]]


class Unresolved(OSError):  # noqa: N818  # what happened is the name
    """The name has no address, or there was no answer in time."""


def _getaddrinfo(host: str, port: int) -> list[tuple[Any, ...]]:
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


class _Query(threading.Thread):
    """One look-up; lives on where nobody waits for it any more."""

    def __init__(self, lookup: Lookup, host: str, port: int) -> None:
        super().__init__(name="resolver", daemon=True)
        self.key = (host, port)
        self.found: tuple[str, ...] = ()
        self.problem = ""
        self._lookup = lookup
        self.done = threading.Event()

    def run(self) -> None:
        try:
            answers = self._lookup(*self.key)
            self.found = tuple(dict.fromkeys(str(answer[4][0]) for answer in answers))
        except (OSError, UnicodeError) as error:  # UnicodeError: a label that is too long
            self.problem = getattr(error, "strerror", None) or str(error)
        finally:
            self.done.set()


class Resolver:
    """For one thread."""

    def __init__(self, timeout_s: float = RESOLVE_TIMEOUT_S, lookup: Lookup = _getaddrinfo) -> None:
        self._timeout_s = timeout_s
        self._lookup = lookup
        self._query: _Query | None = None
        self._last: dict[tuple[str, int], tuple[str, ...]] = {}

    def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """At least one address, at most MAX_ADDRESSES. Raises Unresolved."""
        key = (host, port)
        query = self._query
        if query is None or query.key != key or query.done.is_set():
            if query is not None and not query.done.is_set():
                return self._known(key, "another name is still being looked up")
            query = self._query = _Query(self._lookup, host, port)
            query.start()
        if not query.done.wait(self._timeout_s):
            return self._known(key, f"no answer within {self._timeout_s:g} s")
        self._query = None
        if not query.found:
            return self._known(key, query.problem or "it has no address")
        self._last = {key: query.found[:MAX_ADDRESSES]}
        return self._last[key]

    def _known(self, key: tuple[str, int], problem: str) -> tuple[str, ...]:
        known = self._last.get(key)
        if known is None:
            raise Unresolved(f"the name {key[0]} could not be resolved: {problem}")
        return known
