"""What failures mean."""

import errno
import ssl

import pytest

from edge_agent.link_test.judge import (
    Certificate,
    Heard,
    Now,
    duration,
    judge_certificate,
    judge_clock,
    judge_connect,
    judge_pace,
    judge_proxy,
    judge_status,
    judge_tls,
)
from edge_agent.screen import BAD, GOOD, WARNING
from protocols.metering.instant import ClockState

DAY = 86_400
T = 1_800_000_000
SYNC, FREE = ClockState.SYNCHRONISED, ClockState.UNSYNCHRONISED
SEEN = Certificate("CN=test CA", "central", T - 10 * DAY, T + 90 * DAY)


def dates_wrong(code):
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, "told"
    return error


@pytest.mark.parametrize(
    ("code", "now", "expected"),
    [
        (10, Now(T + 100 * DAY, SYNC), "tls_expired"),
        (10, Now(T + 100 * DAY, FREE), "tls_clock"),
        (9, Now(T - 11 * DAY, SYNC), "tls_clock"),
        (10, Now(T + 100 * DAY, SYNC, T + 101 * DAY), "tls_clock"),
        (62, Now(T, SYNC), "tls_name"),
        (18, Now(T, SYNC), "tls_untrusted"),
    ],
)
def test_a_certificate_that_is_not_believed(code, now, expected) -> None:
    """A clock that is behind what has passed, or that nobody steers, is the suspect."""
    assert judge_tls(dates_wrong(code), "central:443", SEEN, now).code == expected


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionRefusedError(), "link_refused"),
        (TimeoutError(), "link_no_answer"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "link_no_route"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "link_broken"),
    ],
)
def test_no_connection(error, code) -> None:
    """By what the system said."""
    assert judge_connect(error, "central:443").code == code


@pytest.mark.parametrize(
    ("status", "kind", "code", "light"),
    [
        (302, "", "central_redirect", BAD),
        (200, "text/html", "central_page", BAD),
        (401, "application/json", "not_enrolled", BAD),
        (403, "application/json", "not_allowed", BAD),
        (404, "text/plain", "central_other", BAD),
        (409, "application/cbor", "central_refuses", BAD),
        (429, "application/json", "central_busy", WARNING),
        (503, "application/json", "central_fails", BAD),
    ],
)
def test_what_a_status_means(status, kind, code, light) -> None:
    """With central's own words, where it gives them."""
    body = b'{"error": "told\\u001b[2J", "remedy": "do"}'
    step = judge_status(Heard(status, kind, body, None, 1), "gw-1")
    assert step is not None
    assert (step.code, step.light) == (code, light)
    assert step.facts["said"] == "told[2J"


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"error": 1}', b"[" * 100_000])
def test_central_that_says_nothing(body) -> None:
    """Any body is bounded and harmless."""
    step = judge_status(Heard(500, "", body, None, 1), "gw-1")
    assert step is not None
    assert step.facts["said"] == "-"


@pytest.mark.parametrize(
    ("apart_s", "state", "code", "light"),
    [
        (9, FREE, "", GOOD),
        (-60, FREE, "clock_behind", WARNING),
        (600, FREE, "clock_ahead", BAD),
        (-600, SYNC, "central_clock_behind", BAD),
    ],
)
def test_our_clock_against_central(apart_s, state, code, light) -> None:
    """Seconds are told, minutes are bad; whose clock is suspect depends on who steers ours."""
    step = judge_clock(Heard(200, "", b"", T, 1), Now(T + apart_s, state))
    assert (step.code, step.light) == (code, light)


def test_pace_and_dates() -> None:
    """A slow answer and a certificate near its end are looked at."""
    assert judge_pace(Heard(200, "", b"", None, 1999), "central.good").light == GOOD
    assert judge_pace(Heard(200, "", b"", None, 2000), "central.good").code == "link_slow"
    assert judge_certificate(SEEN, 1, Now(T, SYNC)).light == GOOD
    assert judge_certificate(SEEN, 1, Now(T + 80 * DAY, SYNC)).code == "tls_ends_soon"


def test_a_proxy() -> None:
    """Only 200 lets us through; what else it says is quoted."""
    assert judge_proxy(b"HTTP/1.0 200 OK\r\n\r\n", "p:1", "c:2") is None
    for head in (b"", b"HTTP/1.1 403 Forbidden\r\n", b"\xff\xfe"):
        step = judge_proxy(head, "p:1", "c:2")
        assert step is not None
        assert step.code == "proxy_refuses"


def test_durations() -> None:
    """In the unit that says it."""
    shown = [duration(s) for s in (0, 119, 120, 7200, 172_800)]
    assert shown == ["0 s", "119 s", "2 min", "2 h", "2 d"]
