"""What went wrong on the way to central, from what the system said. Pure.

The order of the questions is that of the likely causes: a date that is wrong here comes before a
certificate that is wrong there, and somebody else in central's place before either.
"""

from __future__ import annotations

import errno
import json
import ssl
from datetime import UTC, datetime
from typing import Final, NamedTuple

from edge_agent.link_test.step import (
    CENTRAL,
    CLOCK,
    CONNECT,
    PROXY,
    TLS,
    Step,
    bad,
    doubtful,
    good,
)
from protocols.metering.instant import ClockState

SLOW_MS: Final = 2_000
"""A small question and its answer: a batch of an hour is a hundred times as long."""
APART_S: Final = 10
FAR_APART_S: Final = 300
SOON_S: Final = 14 * 86_400
"""Or the last third of its life: a short one is renewed often."""
MAX_TOLD: Final = 160
# <openssl/x509_vfy.h>
_DATES: Final = (9, 10)  # not yet, no longer valid
_NAMES: Final = (62, 64)  # host name, IP address
_GONE: Final = (errno.EHOSTUNREACH, errno.ENETUNREACH)


class Certificate(NamedTuple):
    """What whoever answers shows; instants in s since 1970. `names`: those it is for."""

    issuer: str
    names: str
    not_before_s: int
    not_after_s: int


class Now(NamedTuple):
    """What this machine's clock shows; `floor_s`: UTC that has passed for sure, 0 if unknown."""

    utc_s: int
    state: ClockState
    floor_s: int = 0


class Heard(NamedTuple):
    """An HTTP answer. `date_s`: by its Date header, None without one."""

    status: int
    kind: str
    body: bytes
    date_s: int | None
    took_ms: int


def judge_connect(error: OSError, where: str, step: str = CONNECT) -> Step:
    """No TCP connection to `where`: of central, or of the proxy before it."""
    kind = "proxy" if step == PROXY else "link"
    if isinstance(error, ConnectionRefusedError):
        return bad(step, f"{kind}_refused", where=where)
    if isinstance(error, TimeoutError):
        return bad(step, f"{kind}_no_answer", where=where)
    if error.errno in _GONE:
        return bad(step, "link_no_route", where=where)
    return bad(step, f"{kind}_broken", where=where, said=said(error))


def judge_proxy(head: bytes, where: str, target: str) -> Step | None:
    """What a proxy answered to CONNECT; None where it lets us through."""
    line = head.split(b"\r\n", 1)[0].decode("ascii", errors="replace")[:MAX_TOLD]
    fields = line.split(" ")
    if line.startswith("HTTP/1.") and len(fields) > 1 and fields[1] == "200":
        return None
    code = "proxy_password" if fields[1:2] == ["407"] else "proxy_refuses"
    return bad(PROXY, code, where=where, target=target, said=line or "-")


def judge_tls(error: OSError, where: str, seen: Certificate | None, now: Now) -> Step:
    """A handshake that failed. `seen`: the certificate as shown, where one was."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _DATES and seen is not None:
            return _judge_dates(where, seen, now)
        if error.verify_code in _NAMES:
            names = seen.names if seen else "-"
            return bad(TLS, "tls_name", where=where, names=names)
        issuer = seen.issuer if seen else "-"
        return bad(TLS, "tls_untrusted", where=where, issuer=issuer, said=error.verify_message)
    if isinstance(error, TimeoutError):
        return bad(TLS, "tls_silent", where=where)
    reason = getattr(error, "reason", "") or ""
    if isinstance(error, ssl.SSLError) and ("WRONG_VERSION" in reason or "HTTP" in reason):
        return bad(TLS, "tls_not_spoken", where=where)
    return bad(TLS, "tls_broken", where=where, said=said(error))


def _judge_dates(where: str, seen: Certificate, now: Now) -> Step:
    """Whose date is wrong: a clock behind what has passed, or that nobody steers, is suspect."""
    facts = {
        "where": where,
        "shown": day(now.utc_s),
        "from_": day(seen.not_before_s),
        "to": day(seen.not_after_s),
    }
    is_behind = now.utc_s < max(now.floor_s, seen.not_before_s)
    if is_behind or (now.utc_s > seen.not_after_s and now.state is not ClockState.SYNCHRONISED):
        return bad(TLS, "tls_clock", **facts)
    return bad(TLS, "tls_expired", **facts)


def judge_certificate(seen: Certificate, took_ms: int, now: Now) -> Step:
    """One that was believed: for how long yet."""
    left_s = seen.not_after_s - now.utc_s
    facts = {"to": day(seen.not_after_s), "days": str(left_s // 86_400), "issuer": seen.issuer}
    whole_s = seen.not_after_s - seen.not_before_s
    if left_s < min(SOON_S, whole_s // 3):
        return doubtful(TLS, "tls_ends_soon", **facts)._replace(took_ms=took_ms)
    return good(TLS, "tls.good", took_ms, **facts)


def judge_status(heard: Heard, gateway: str) -> Step | None:
    """What the status says; None where it is central's own 200."""
    if heard.status == 200 and "html" not in heard.kind:
        return None
    told, remedy = _reason(heard.body)
    facts = {"status": str(heard.status), "said": told, "remedy": remedy, "gateway": gateway}
    if 300 <= heard.status < 400:
        return bad(CENTRAL, "central_redirect", **facts)
    if "html" in heard.kind:
        return bad(CENTRAL, "central_page", **facts)
    codes = {401: "not_enrolled", 403: "not_allowed", 404: "central_other", 429: "central_busy"}
    code = codes.get(heard.status, "central_fails" if heard.status >= 500 else "central_refuses")
    if heard.status == 429:
        return doubtful(CENTRAL, code, **facts)
    return bad(CENTRAL, code, **facts)


def judge_pace(heard: Heard, note: str, **facts: str) -> Step:
    """A good answer, and how long it took."""
    if heard.took_ms >= SLOW_MS:
        slow = doubtful(CENTRAL, "link_slow", took=f"{heard.took_ms / 1000:.1f}")
        return slow._replace(took_ms=heard.took_ms)
    return good(CENTRAL, note, heard.took_ms, **facts)


def judge_clock(heard: Heard, now: Now) -> Step:
    """Central's clock against ours; its Date header has whole seconds."""
    if heard.date_s is None:
        return good(CLOCK, "clock.untold")
    apart_s = now.utc_s - heard.date_s
    if abs(apart_s) <= APART_S:
        return good(CLOCK, "clock.good", apart=str(abs(apart_s)))
    way = "ahead" if apart_s > 0 else "behind"
    facts = {
        "apart": duration(abs(apart_s)),
        "shown": minute(now.utc_s),
        "central": minute(heard.date_s),
    }
    code = f"clock_{way}" if now.state is not ClockState.SYNCHRONISED else f"central_clock_{way}"
    make = bad if abs(apart_s) > FAR_APART_S else doubtful
    return make(CLOCK, code, **facts)


def said(error: BaseException) -> str:
    """What the system said, bounded."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:MAX_TOLD]


def day(utc_s: int) -> str:
    return _shown(utc_s, "%Y-%m-%d")


def minute(utc_s: int) -> str:
    return _shown(utc_s, "%Y-%m-%d %H:%M UTC")


def duration(seconds: int) -> str:
    """In the largest unit that says it."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _shown(utc_s: int, form: str) -> str:
    try:
        return datetime.fromtimestamp(utc_s, UTC).strftime(form)
    except (OverflowError, ValueError, OSError):  # no calendar has it
        return f"{utc_s} s"


def _reason(body: bytes) -> tuple[str, str]:
    """What central says of itself where it can, bounded and printable."""
    try:
        told = json.loads(body)
        texts = str(told["error"]), str(told["remedy"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return "-", "-"
    first, second = ("".join(c for c in text if c.isprintable())[:MAX_TOLD] for text in texts)
    return first or "-", second or "-"
