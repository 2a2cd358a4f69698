"""Why there was no answer from central, in words that a technician can act on."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Iterator
from typing import Final, NamedTuple

from edge_agent.uplink.http_library import requests
from edge_agent.uplink.resolver import Unresolved

MAX_TOLD_CHARS: Final = 300
TOO_SLOW: Final = "look at the link's speed and at central's load"
_MAX_WRAPPERS: Final = 8
# <openssl/x509_vfy.h>: the certificate is not yet, or no longer, valid
_NOT_YET_VALID, _EXPIRED = 9, 10


class LinkFailure(NamedTuple):
    """No answer: what happened, and what a technician can do about it."""

    problem: str
    remedy: str


def link_failure(url: str, error: BaseException, utc_ms: int, proxy: str = "") -> LinkFailure:
    """Of what requests raised. `utc_ms`: what this gateway's clock shows; `proxy`: its address."""
    root = _innermost(error)
    told = str(root)[:MAX_TOLD_CHARS]
    if isinstance(root, Unresolved):
        return LinkFailure(
            told, "check the network, its DNS, and the name in central.url and central.proxy"
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return LinkFailure(
            f"the proxy {proxy} gives no way to {url}: {told}",
            "check central.proxy, and that the proxy allows CONNECT to central",
        )
    if isinstance(error, requests.exceptions.SSLError):
        return LinkFailure(f"TLS with {url} failed: {told}", _tls_remedy(root, utc_ms))
    if isinstance(error, requests.ConnectTimeout):
        return LinkFailure(f"{url} did not take the connection", "check the link and central.url")
    if isinstance(error, requests.Timeout) or isinstance(root, TimeoutError):
        return LinkFailure(f"no complete answer from {url}: {told}", TOO_SLOW)
    if isinstance(error, requests.ConnectionError):
        return LinkFailure(f"connection to {url} failed: {told}", "check the link and central")
    return LinkFailure(f"no answer from {url}: {told}", "check the link and central")


def _tls_remedy(root: BaseException, utc_ms: int) -> str:
    """A wrong date, a wrong certificate, or somebody who is not central at all."""
    if not isinstance(root, ssl.SSLCertVerificationError):
        return (
            "check the link, and that central.url leads to central: a captive portal or a firewall "
            "may answer in its place"
        )
    if root.verify_code in (_NOT_YET_VALID, _EXPIRED):
        shown = datetime.datetime.fromtimestamp(utc_ms / 1000, datetime.UTC)
        return (
            f"this gateway's clock shows {shown:%Y-%m-%d %H:%M} UTC: if that is wrong, set it "
            "(NTP, edge-agent clock-floor); if it is right, renew central's certificate"
        )
    return (
        "check central.ca and central's certificate with its names; a captive portal or a firewall "
        "that answers in central's place looks the same"
    )


def _innermost(error: BaseException) -> BaseException:
    """What the system said, without what requests and urllib3 wrapped round it."""
    for _ in range(_MAX_WRAPPERS):
        inner = next(_inside(error), None)
        if inner is None:
            break
        error = inner
    return error


def _inside(error: BaseException) -> Iterator[BaseException]:
    for each in (getattr(error, "reason", None), error.__cause__, *error.args):
        if isinstance(each, BaseException):
            yield each
