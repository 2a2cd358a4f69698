"""One kept-alive TLS connection to central, with nothing left unbounded.

The CA is the configured one and no other; proxy variables are ignored unless a proxy is configured,
and redirects are not followed. A call has a total deadline: a timer shuts the socket down under it,
because the timeouts of a socket start anew with every byte and a dripping answer would outlive them
all. A name is resolved within a bound of its own (`resolver.py`).
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final, NamedTuple

from urllib3 import HTTPSConnectionPool
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import HTTPError

from edge_agent.clock import wall_ms
from edge_agent.uplink.http_library import requests
from edge_agent.uplink.link_failure import TOO_SLOW, link_failure
from edge_agent.uplink.link_failure import LinkFailure as LinkFailure
from edge_agent.uplink.resolver import Resolver
from protocols.evidence.offer import OFFERS_HEADER
from protocols.evidence.order import ORDERS_HEADER
from protocols.evidence.upload import UNSENT_HEADER

MAX_ANSWER_BYTES: Final = 65_536
CONNECT_TIMEOUT_S: Final = 10.0
REQUEST_BYTES: Final = 450  # headers of request and answer, TLS, measured by make bench
CONNECTION_BYTES: Final = 2_000
_OUT_OF_REQUEST: Final = 250  # bytes of these that go out
_OUT_OF_CONNECTION: Final = 600
SLOWEST_BYTES_PER_S: Final = 1_000  # a link slower than this is a link that is down
MAX_RETRY_AFTER_S: Final = 3_600  # whatever central says: an hour later it may think otherwise
_ORDER_NUMBER: Final = re.compile(r"[1-9][0-9]{0,15}\Z", re.ASCII)
_RETRY_AFTER: Final = re.compile(r"[0-9]{1,9}\Z", re.ASCII)
_PIECE_BYTES: Final = 8_192
NO_HEADERS: Final[Mapping[str, str]] = {}


class Answer(NamedTuple):
    """What central said, whatever the status.

    `newest_order`, `newest_offer`: as its headers told, else 0. `retry_after_s`: what it asks to
    wait, bounded; only a number of seconds is read, because a date needs a right clock.
    """

    status: int
    content_type: str
    body: bytes
    newest_order: int = 0
    retry_after_s: int = 0
    newest_offer: int = 0


class Transport:
    """Asks one address of one central. For one thread; `abort` may be called from another."""

    def __init__(
        self,
        url: str,
        ca: Path | None,
        deadline_s: float = 30.0,
        proxy: str = "",
        resolver: Resolver | None = None,
    ) -> None:
        self._url = url
        self._deadline_s = deadline_s
        self._proxy = proxy
        self.bytes_out = 0  # as far as it is known here: TLS and headers by what was measured
        self.bytes_in = 0
        self._socket: socket.socket | None = None
        self._expired = threading.Event()
        self._session = _Session()
        self._session.trust_env = False
        self._session.verify = str(ca) if ca else False  # False: only to fetch what is pinned
        self._session.headers.clear()  # a header costs its bytes with every batch
        self._session.headers["User-Agent"] = "edge-agent"
        if proxy:
            self._session.proxies = {"https": proxy}
        self._session.mount("https://", _Adapter(self._hold, resolver or Resolver()))

    @property
    def bytes_used(self) -> int:
        """Both ways."""
        return self.bytes_out + self.bytes_in

    def present(self, identity: Path | None) -> None:
        """Show this key and certificate (PEM) to whom asks, or none; called again, a newer one."""
        self._session.close()  # a kept connection goes on with what it showed
        self._session.cert = None if identity is None else str(identity)

    def post(
        self,
        path: str,
        body: bytes,
        unsent: str | None = None,
        more: Mapping[str, str] = NO_HEADERS,
    ) -> Answer | LinkFailure:
        """POST deterministic CBOR. `unsent` goes into the header of that name."""
        headers = {"Content-Type": "application/cbor", **more}
        if unsent is not None:
            headers[UNSENT_HEADER] = unsent
        return self._ask("POST", path, body, headers)

    def get(self, path: str, headers: Mapping[str, str]) -> Answer | LinkFailure:
        """GET."""
        return self._ask("GET", path, b"", headers)

    def _ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer | LinkFailure:
        """Ends within the deadline, which grows with the body."""
        deadline_s = self._deadline_s + len(body) / SLOWEST_BYTES_PER_S
        self._expired = expired = threading.Event()

        def expire() -> None:
            expired.set()
            self.abort()

        timer = threading.Timer(deadline_s, expire)
        timer.daemon = True
        timer.start()
        self.bytes_out += _OUT_OF_REQUEST + len(body)
        self.bytes_in += REQUEST_BYTES - _OUT_OF_REQUEST
        try:
            return self._answer(method, path, body, headers, deadline_s)
        except (requests.RequestException, HTTPError, HTTPException, OSError) as error:
            if expired.is_set():
                return LinkFailure(
                    f"no complete answer from {self._url} within {deadline_s:.0f} s",
                    TOO_SLOW,
                )
            return link_failure(self._url, error, wall_ms(), _without_password(self._proxy))
        finally:
            timer.cancel()

    def abort(self) -> None:
        """End a call that is under way, from any thread.

        Shut the connection down, not only close it.
        """
        held = self._socket
        if held is not None:
            with contextlib.suppress(OSError):
                # not SSLSocket's own shutdown: that one drops the TLS object under the other thread
                socket.socket.shutdown(held, socket.SHUT_RDWR)

    def close(self) -> None:
        self._session.close()

    def _answer(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], deadline_s: float
    ) -> Answer | LinkFailure:
        with self._session.request(
            method,
            self._url + path,
            data=body or None,
            headers=headers,
            timeout=(min(CONNECT_TIMEOUT_S, deadline_s), deadline_s),
            allow_redirects=False,
            stream=True,
        ) as response:
            content = bytearray()
            while piece := response.raw.read(_PIECE_BYTES, decode_content=False):
                content += piece
                self.bytes_in += len(piece)
                if len(content) > MAX_ANSWER_BYTES:
                    return LinkFailure(
                        f"{self._url} answered more than {MAX_ANSWER_BYTES} bytes",
                        "check that central.url leads to central",
                    )
            kind = response.headers.get("Content-Type", "")
            newest = _ORDER_NUMBER.match(response.headers.get(ORDERS_HEADER, ""))
            offered = _ORDER_NUMBER.match(response.headers.get(OFFERS_HEADER, ""))
            later = _RETRY_AFTER.match(response.headers.get("Retry-After", ""))
            return Answer(
                response.status_code,
                kind.split(";")[0].strip().lower(),
                bytes(content),
                int(newest[0]) if newest else 0,
                min(int(later[0]), MAX_RETRY_AFTER_S) if later else 0,
                int(offered[0]) if offered else 0,
            )

    def _hold(self, held: socket.socket) -> None:
        # told twice: of the connection, and of its TLS
        self.bytes_out += _OUT_OF_CONNECTION // 2
        self.bytes_in += (CONNECTION_BYTES - _OUT_OF_CONNECTION) // 2
        self._socket = held
        if self._expired.is_set():  # while it was connecting: there was nothing to shut down yet
            held.close()  # TLS on a socket that is shut would be one without TLS, and never closed
            raise TimeoutError("the deadline passed while it was connecting")


class _Session(requests.Session):
    """Knows no redirects.

    Even where they are not followed, requests works out where they lead: it reads the whole body,
    inflated, and fails with errors of its own where the address is none.
    """

    def get_redirect_target(self, _response: requests.Response) -> None:
        return None


class _Adapter(requests.adapters.HTTPAdapter):
    """Resolves within a bound, and tells who wants to know each new socket as soon as it is there.

    So the handshakes of TLS and of a proxy end with the call's deadline too.
    """

    def __init__(self, hold: Callable[[socket.socket], None], resolver: Resolver) -> None:
        class Connection(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                name = self.host
                failure: Exception | None = None
                for address in resolver.addresses(name, self.port):
                    self.host = address
                    try:
                        made = super()._new_conn()
                    except HTTPError as error:
                        failure = error
                        continue
                    finally:
                        self.host = name
                    hold(made)
                    return made
                raise failure or OSError(f"{name} has no address")

            def connect(self) -> None:
                super().connect()
                hold(self.sock)

        class Pool(HTTPSConnectionPool):
            ConnectionCls = Connection

        self._pool_class = Pool
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": self._pool_class}

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = {"https": self._pool_class}
        return manager


def _without_password(proxy: str) -> str:
    """It is for the log."""
    scheme, separator, rest = proxy.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
