"""The way to central, walked once: sockets of its own, each wait bounded, nothing kept.

The agent's own connection is not touched. What each failure means: `judge.py`.
"""

from __future__ import annotations

import contextlib
import email.parser
import socket
import ssl
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from time import monotonic
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from cryptography import x509

from edge_agent.link_test.judge import (
    Certificate,
    Heard,
    Now,
    judge_certificate,
    judge_connect,
    judge_proxy,
    judge_tls,
)
from edge_agent.link_test.network import Network, source_of
from edge_agent.link_test.step import (
    CONNECT,
    NAME,
    PROXY,
    ROUTE,
    Step,
    bad,
    good,
)
from edge_agent.uplink.resolver import Resolver, Unresolved

CONNECT_S: Final = 8.0
TLS_S: Final = 10.0
ANSWER_S: Final = 15.0
MAX_ANSWER: Final = 65_536
MAX_HEAD: Final = 8_192
_HTTPS: Final = 443


class Target(NamedTuple):
    """Where central is, and by what it is known. `identity`: key and certificate, for a terminator
    that asks; `connect_s`: patience with a connection that nobody takes."""

    url: str
    ca: Path
    proxy: str = ""
    identity: Path | None = None
    connect_s: float = CONNECT_S

    @property
    def place(self) -> tuple[str, int]:
        """Host and port of central."""
        return _place(self.url)

    @property
    def first(self) -> tuple[str, int]:
        """Where the first connection goes: the proxy, or central itself."""
        return _place(self.proxy) if self.proxy else self.place


class Question(NamedTuple):
    """A GET that changes nothing."""

    path: str
    headers: Mapping[str, str]


class Way:
    """One walk. `steps` in order, until one is bad; then `heard` is what central answered."""

    def __init__(self, target: Target, network: Network, now: Now, resolver: Resolver) -> None:
        self._target = target
        self._network = network
        self._now = now
        self._resolver = resolver
        self._addresses: tuple[str, ...] = ()
        self.heard: Heard | None = None

    def steps(self, question: Question) -> Iterator[Step]:
        """Route, name, connection, proxy, TLS. Afterwards `heard`, where nothing was bad."""
        for step in self._reach():
            yield step
            if step.ends_it:
                return
        began = monotonic()
        opened = self._open()
        if isinstance(opened, Step):
            yield opened
            return
        step_name = PROXY if self._target.proxy else CONNECT
        yield good(step_name, f"{step_name}.good", _since(began), where=self._where_first())
        began = monotonic()
        with opened:
            spoken = self._speak_tls(opened)
            if isinstance(spoken, Step):
                yield spoken
                return
            with spoken:
                try:
                    seen = certificate_of(spoken)
                    assert seen is not None  # it was verified
                    yield judge_certificate(seen, _since(began), self._now)
                    self.heard = _ask(spoken, self._target.place[0], question)
                except (OSError, ValueError) as error:
                    yield judge_tls(_as_os(error), _shown(self._target.place), None, self._now)

    # ---- before the connection -----------------------------------------------------------------

    def _reach(self) -> Iterator[Step]:
        """Is there a route, and has the name an address? A name that is known without a network
        (/etc/hosts) needs no name server, so it is asked for first and told second."""
        host, port = self._target.first
        began, failure = monotonic(), ""
        try:
            self._addresses = self._resolver.addresses(host, port)
        except Unresolved as error:
            failure = str(error)
        took_ms = _since(began)
        source = next(filter(None, (source_of(each, port) for each in self._addresses)), None)
        if source is None and (self._addresses or not self._network.default):
            yield bad(ROUTE, "link_no_route", where=host)
            return
        through = ", ".join(self._network.default) or "-"
        if source is not None and source.startswith(("127.", "::1")):
            through = "lo"
        yield good(ROUTE, "route.good", through=through, source=source or "-")
        if failure:
            yield bad(NAME, "link_no_name", host=host, said=failure)
            return
        if self._addresses == (host,):
            yield good(NAME, "name.address", host=host)
            return
        yield good(NAME, "name.good", took_ms, host=host, addresses=", ".join(self._addresses))

    # ---- the connection ------------------------------------------------------------------------

    def _open(self) -> socket.socket | Step:
        name = PROXY if self._target.proxy else CONNECT
        error: OSError | None = None
        for address in self._addresses:
            place = (address, self._target.first[1])
            try:
                opened = socket.create_connection(place, timeout=self._target.connect_s)
            except OSError as failed:
                error = failed
                continue
            refused = self._through_proxy(opened) if self._target.proxy else None
            if refused is not None:
                opened.close()
                return refused
            return opened
        return judge_connect(error or OSError("no address"), self._where_first(), name)

    def _through_proxy(self, opened: socket.socket) -> Step | None:
        host, port = self._target.place
        asked = f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n"
        asked += _proxy_password(self._target.proxy)
        try:
            opened.settimeout(self._target.connect_s)
            opened.sendall(asked.encode() + b"\r\n")
            head = _read_head(opened)
        except OSError as error:
            return judge_connect(error, self._where_first(), PROXY)
        return judge_proxy(head, self._where_first(), f"{host}:{port}")

    def _speak_tls(self, opened: socket.socket) -> ssl.SSLSocket | Step:
        host = self._target.place[0]
        context = ssl.create_default_context(cafile=self._target.ca)
        with contextlib.suppress(OSError):  # not ours to read: then central says what it misses
            if self._target.identity is not None:
                context.load_cert_chain(self._target.identity)
        opened.settimeout(TLS_S)
        try:
            return context.wrap_socket(opened, server_hostname=host)
        except OSError as error:
            seen = self._seen() if isinstance(error, ssl.SSLCertVerificationError) else None
            return judge_tls(error, _shown(self._target.place), seen, self._now)

    def _seen(self) -> Certificate | None:
        """What is shown there, looked at without believing it: on a second connection."""
        opened = self._open()
        if isinstance(opened, Step):
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # nothing is sent over it
        opened.settimeout(TLS_S)
        host = self._target.place[0]
        with (
            contextlib.suppress(OSError),
            opened,
            context.wrap_socket(opened, server_hostname=host) as spoken,
        ):
            return certificate_of(spoken)
        return None

    def _where_first(self) -> str:
        return _shown(self._target.first)


def certificate_of(spoken: ssl.SSLSocket) -> Certificate | None:
    """What the other end has shown. Raises OSError where it has cut the connection since."""
    der = spoken.getpeercert(binary_form=True)
    if der is None:
        return None
    try:
        found = x509.load_der_x509_certificate(der)
    except ValueError:
        return None
    try:
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = [str(each.value) for each in extension.value]
    except (x509.ExtensionNotFound, ValueError):
        names = []
    return Certificate(
        found.issuer.rfc4514_string()[:100],
        ", ".join(names[:4]) or "-",
        round(found.not_valid_before_utc.timestamp()),
        round(found.not_valid_after_utc.timestamp()),
    )


def _ask(spoken: ssl.SSLSocket, host: str, question: Question) -> Heard:
    """Raises OSError, ValueError where what comes is no HTTP."""
    headers = {"Host": host, "User-Agent": "edge-agent", "Connection": "close", **question.headers}
    lines = [f"GET {question.path} HTTP/1.1", *(f"{key}: {headers[key]}" for key in headers)]
    began = monotonic()
    spoken.settimeout(ANSWER_S)
    spoken.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
    data = _read_all(spoken, began + ANSWER_S)
    return parse_answer(data, _since(began))


def parse_answer(data: bytes, took_ms: int) -> Heard:
    """Raises ValueError where it is no HTTP answer."""
    head, _, body = data.partition(b"\r\n\r\n")
    line, _, rest = head.decode("latin-1").partition("\r\n")
    fields = line.split(" ")
    if not line.startswith("HTTP/1.") or len(fields) < 2 or not fields[1].isdigit():
        raise ValueError("no HTTP answer")
    headers = email.parser.HeaderParser().parsestr(rest)
    date_s = None
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        date_s = round(parsedate_to_datetime(headers["Date"]).timestamp())
    kind = (headers["Content-Type"] or "").split(";")[0].strip().lower()
    return Heard(int(fields[1]), kind, body, date_s, took_ms)


def _read_all(spoken: socket.socket, until: float) -> bytes:
    """To the end, or what was promised; bounded in bytes and in time."""
    data, wanted = b"", MAX_ANSWER
    while len(data) < min(wanted, MAX_ANSWER):
        spoken.settimeout(max(0.01, until - monotonic()))
        piece = spoken.recv(8_192)
        if not piece:
            break
        data += piece
        head, found, _ = data.partition(b"\r\n\r\n")
        if found:
            wanted = len(head) + 4 + _length(head)
    return data


def _length(head: bytes) -> int:
    """Of the body, by its header; all that is allowed where it does not say."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:") and line[15:].strip().isdigit():
            return int(line[15:][:12])
    return MAX_ANSWER


def _read_head(opened: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\r\n\r\n") and len(data) < MAX_HEAD:
        piece = opened.recv(1)
        if not piece:
            break
        data += piece
    return data


def _proxy_password(proxy: str) -> str:
    parts = urlsplit(proxy)
    if parts.username is None:
        return ""
    import base64

    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}\r\n"


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    default = 80 if parts.scheme == "http" else _HTTPS
    return parts.hostname or "", parts.port or default


def _shown(place: tuple[str, int]) -> str:
    return f"{place[0]}:{place[1]}"


def _since(began: float) -> int:
    return round(1000 * (monotonic() - began))


def _as_os(error: OSError | ValueError) -> OSError:
    return error if isinstance(error, OSError) else OSError(str(error))
