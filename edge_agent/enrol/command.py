"""`edge-agent enroll`: from a token to keys that central knows, and the lines for gateway.toml."""

from __future__ import annotations

import hashlib
import os
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from edge_agent.console import COULD_NOT, FINDINGS, GOOD
from edge_agent.enrol.enrolment import CA_FILE, Candidate, install, prepare
from edge_agent.keys.key_files import KeyFileError, StateFiles
from edge_agent.keys.keyring import ENROL_KEY
from edge_agent.state_lock import AlreadyRunning, state_lock
from edge_agent.uplink.enrol_link import Way, ask, fetch_ca, poll, receipt_key_changes
from edge_agent.uplink.failure import Failure
from edge_agent.uplink.tls_identity import TLS_FILE
from edge_agent.uplink.transport import Transport
from protocols.evidence.enrol import Answer, Approved, Denied, Pending, take_receipt_key
from protocols.evidence.enrol_token import Token
from protocols.evidence.errors import EvidenceError
from protocols.evidence.note import Verifier

ENROLLED: Final = "enrolled"
POLL_S: Final = 5.0
WIDTH: Final = 80
SERIAL_FILES: Final = (
    Path("/sys/firmware/devicetree/base/serial-number"),
    Path("/etc/machine-id"),
)
_MAX_SERIAL: Final = 64
Say = Callable[[str], None]
T = TypeVar("T")


class Asked(NamedTuple):
    """What the command line says. `wait_s`: for the operator's approval."""

    way: Way
    state_dir: Path
    token: Token
    serial: str
    replaces: str | None
    wait_s: float


class _Failed(Exception):  # noqa: N818  # what happened is the name
    """Something could not be done; says what and the remedy."""


def machine_serial(files: tuple[Path, ...] = SERIAL_FILES) -> str | None:
    """What this machine calls itself: the board's serial number, else the system's id."""
    for path in files:
        try:
            text = path.read_bytes()[: _MAX_SERIAL + 1].rstrip(b"\0\n").decode("ascii")
        except (OSError, UnicodeDecodeError):
            continue
        if text and len(text) <= _MAX_SERIAL and text.isprintable() and " " not in text:
            return text
    return None


def enrol(asked: Asked, say: Say, pause: Callable[[float], bool] | None = None) -> int:
    """The exit status: 0 enrolled, 1 not approved yet or refused, 2 it could not be done.

    `pause` waits so many seconds; tests answer for the operator meanwhile.
    """
    try:
        return _enrol(asked, say, pause or threading.Event().wait)
    except (KeyFileError, AlreadyRunning, EvidenceError, _Failed) as error:
        why = f"{error}"
    except OSError as error:
        where = error.filename or asked.state_dir
        why = f"{where}: {error.strerror or error}; check the directory, and the room on its disk"
    for line in wrapped(f"edge-agent: {why}"):
        say(line)
    return COULD_NOT


def _enrol(asked: Asked, say: Say, pause: Callable[[float], bool]) -> int:
    files = StateFiles(asked.state_dir)
    lines = _lines_of(files, asked.token)
    if lines is not None:
        say("Enrolled already with this token. The lines for gateway.toml:")
        say(lines)
        return GOOD
    ca_pem = _or_failed(fetch_ca(asked.way, asked.token))
    say("Central's CA is the one that the token pins.")
    candidate = prepare(asked.state_dir, asked.token, asked.serial, asked.replaces, os.urandom)
    files.write(f"{CA_FILE}.new", ca_pem)
    transport = asked.way.by(asked.state_dir / f"{CA_FILE}.new")
    try:
        answer = _answer(asked, candidate, transport, say, pause)
        match answer:
            case Approved():
                return _welcome(asked, candidate, answer, transport, say)
            case Denied():
                for line in wrapped(f"Central refuses: {answer.reason}; {answer.remedy}"):
                    say(line)
            case Pending():
                say("Not approved yet. Run the same command again afterwards.")
        return FINDINGS
    finally:
        transport.close()
        files.remove(f"{CA_FILE}.new")


def _answer(
    asked: Asked,
    candidate: Candidate,
    transport: Transport,
    say: Say,
    pause: Callable[[float], bool],
) -> Answer:
    """The request, and how it stands until it is decided or the time is over."""
    first = ask(transport, candidate.data)
    if isinstance(first, Failure):
        raise _Failed(f"{first.problem}; {first.remedy}")
    answer = first
    left_s = asked.wait_s
    told = False
    while isinstance(answer, Pending) and left_s > 0:
        if not told:
            told = True
            say("Waiting for an operator's approval of this fingerprint:")
            say(f"    {answer.fingerprint}")
            for line in wrapped(
                f"At central: edge-central gateway approve {asked.token.gateway} FINGERPRINT "
                "--store DIR --who NAME --reason TEXT. "
                f"Waiting {asked.wait_s:.0f} s; Ctrl-C ends it, and nothing is lost."
            ):
                say(line)
        pause(min(POLL_S, left_s))
        left_s -= POLL_S
        again = poll(transport, asked.token.gateway, candidate.signer)
        if isinstance(again, Failure) and not again.link:
            raise _Failed(f"{again.problem}; {again.remedy}")
        if not isinstance(again, Failure):
            answer = again
    if isinstance(answer, Pending) and not told:
        say(f"Fingerprint to be approved: {answer.fingerprint}")
    return answer


def _welcome(
    asked: Asked, candidate: Candidate, answer: Approved, transport: Transport, say: Say
) -> int:
    """Take over the keys, then say what belongs into gateway.toml."""

    def successions() -> tuple[bytes, ...]:
        return _or_failed(receipt_key_changes(transport))

    receipts = take_receipt_key(asked.token, answer, successions)
    _check_order_key(answer.order_vkey)
    files = StateFiles(asked.state_dir)
    text = toml_lines(asked, answer, receipts.vkey)
    with state_lock(asked.state_dir):
        ca_pem = files.read(f"{CA_FILE}.new") or b""
        install(files, candidate, answer, ca_pem, os.urandom)
        files.write(ENROLLED, f"{_mark(asked.token)}\n{text}".encode())
    say(f"Approved: {asked.token.gateway} is enrolled. Log key:")
    say(f"    {candidate.signer.vkey}")
    if answer.epoch:
        for line in wrapped(
            f"A new epoch, {answer.epoch} or above, begins with the next start. What has no "
            "receipt yet is sent again in it, signed by the new key."
        ):
            say(line)
    say("The lines for gateway.toml:")
    say(text)
    return GOOD


def toml_lines(asked: Asked, answer: Approved, receipt_key: str) -> str:
    """What an installer copies; a key cannot be broken into two lines."""
    directory = asked.state_dir.absolute()
    lines = [
        "[gateway]",
        f'id = "{asked.token.gateway}"',
        f'state_dir = "{directory}"',
        "",
        "[central]",
        f'url = "{asked.way.url}"',
        f'ca = "{directory / CA_FILE}"',
        f'receipt_key = "{receipt_key}"',
    ]
    if answer.order_vkey:
        lines.append(f'order_key = "{answer.order_vkey}"')
    if asked.way.proxy:
        lines.append(f'proxy = "{asked.way.proxy}"')
    if answer.certificate:
        lines.append("# only for a terminator that asks for client certificates:")
        lines.append(f'client_certificate = "{directory / TLS_FILE}"')
    return "\n".join(lines)


def enrolled_lines(state_dir: Path) -> str | None:
    """The lines for gateway.toml that the last enrolment printed. None: there was none."""
    files = StateFiles(state_dir)
    data = None if files.exists(ENROL_KEY) else files.read(ENROLLED)
    _, _, lines = (data or b"").decode("utf-8", "replace").partition("\n")
    return lines or None


def wrapped(text: str) -> list[str]:
    """Lines of at most 80 columns; a word that is longer stays whole, to be copied."""
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _lines_of(files: StateFiles, token: Token) -> str | None:
    """What was printed, where this very token was used up here."""
    data = None if files.exists(ENROL_KEY) else files.read(ENROLLED)
    mark, _, lines = (data or b"").decode("utf-8", "replace").partition("\n")
    return lines if mark == _mark(token) else None


def _mark(token: Token) -> str:
    """Of the token; not the token."""
    return hashlib.sha256(b"enrolled\n" + token.to_text().encode()).hexdigest()


def _check_order_key(vkey: str) -> None:
    if vkey:
        Verifier.from_vkey(vkey)


def _or_failed(found: T | Failure) -> T:
    if isinstance(found, Failure):
        raise _Failed(f"{found.problem}; {found.remedy}")
    return found
