"""What an answer of central means for the uplink: a table over the statuses."""

from __future__ import annotations

import pytest

from edge_agent.journal.reader import ReadFailed
from edge_agent.uplink.failure import Failure, failed, refused
from edge_agent.uplink.transport import Answer
from protocols.evidence.errors import BadSignature, Fork, Malformed, NotHeld

TOLD = b'{"error": "why", "remedy": "what to do"}'


@pytest.mark.parametrize(
    ("status", "link", "doubt"),
    [
        (400, False, False),
        (401, False, False),
        (403, False, True),  # stopped at central
        (404, False, False),
        (410, False, True),  # a newer epoch
        (413, False, False),
        (422, False, False),
        (429, True, False),  # of the gateway, not of a log
        (500, False, False),
        (502, True, False),
        (503, True, False),
        (504, True, False),
    ],
)
def test_a_status(status: int, link: bool, doubt: bool) -> None:
    """Whether it holds for both logs, and whether central's heads are asked what it means."""
    found = refused(Answer(status, "application/json", TOLD, retry_after_s=7))
    assert found == Failure(f"central answered {status}: why", "what to do", link, doubt, 7)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    """And is named as one."""
    assert "redirect" in refused(Answer(status, "text/html", b"")).problem


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"error": 1}', b"\xff", b"[" * 100_000])
def test_a_reason_that_cannot_be_read(body: bytes) -> None:
    """Bounded, and never an error of its own."""
    found = refused(Answer(500, "text/html", body))
    assert "no reason given" in found.problem
    long = refused(Answer(500, "", b'{"error": "' + b"x" * 9000 + b'", "remedy": ""}'))
    assert len(long.problem) < 400


@pytest.mark.parametrize(
    ("error", "doubt"),
    [
        (ReadFailed("disk"), False),
        (BadSignature("key"), False),
        (Malformed("bytes"), False),
        (Fork("tree"), True),
        (NotHeld("size"), True),
    ],
)
def test_evidence_that_does_not_fit(error: Exception, doubt: bool) -> None:
    """Another tree and an unknown size are questions; a forged receipt is none."""
    found = failed(error)  # type: ignore[arg-type]
    assert found.doubt is doubt
    assert found.problem == str(error)
    assert found.remedy


def test_what_is_told_steers_no_terminal_and_fits_a_leaf() -> None:
    """A proxy or another central may say anything: it goes into the log, screens and events."""
    body = b'{"error": "a\\u001b[2Jb\\nERROR edge_agent: c\\ud800", "remedy": "\\u202ed\\u009b"}'
    found = refused(Answer(400, "application/json", body))
    assert found.problem == "central answered 400: a [2Jb ERROR edge_agent: c "
    assert found.remedy == " d "
