"""`edge-agent verify`: finds out what it was given, and judges it. Exit status 0, 1 or 2."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from edge_agent.language import Words
from edge_agent.terminal import printable, wrapped
from edge_agent.verify.export_audit import Progress, audit_export
from edge_agent.verify.export_files import EXPORT_FILE
from edge_agent.verify.export_lines import export_lines
from edge_agent.verify.fleet_folder import FILES as FLEET_FILES
from edge_agent.verify.fleet_folder import PROOF_FILE, check_fleet, fleet_lines
from edge_agent.verify.folder import Unreadable, read_files
from edge_agent.verify.proof_lines import proof_lines
from protocols.audit.proof_folder import FILES as PROOF_FILES
from protocols.audit.proof_folder import LEAF, check_proof, pair
from protocols.evidence.errors import BadSignature, EvidenceError
from protocols.evidence.published import Publisher

_MEMBERS: Final = PROOF_FILES | FLEET_FILES | {EXPORT_FILE}
GOOD: Final = 0
FINDINGS: Final = 1


class Verdict(NamedTuple):
    """The exit status, and what is printed."""

    status: int
    lines: list[str]


def verify(place: Path, publisher: str | None, words: Words, progress: Progress) -> Verdict:
    """Judge a folder or zip; ``publisher`` is the fingerprint to be believed, None where unknown.

    Raises Unreadable where it is none of what can be verified.
    """
    if place.is_file() and place.name in _MEMBERS:
        place = place.parent
    judge = _judge_of(place)
    try:
        return judge(place, publisher, words, progress)
    except (EvidenceError, ValueError) as error:
        text = f"{words('not_proven')}: {words.said(printable(str(error)))}"
        return Verdict(FINDINGS, wrapped(text, 0, 2))


_Judge = Callable[[Path, "str | None", Words, Progress], Verdict]


def _judge_of(place: Path) -> _Judge:
    if place.is_dir() and (place / EXPORT_FILE).exists():
        return _export
    if place.is_file() and not zipfile.is_zipfile(place):
        raise Unreadable(f"{place}: neither a zip nor a file of a proof; give the whole folder")
    names = read_files(place, {*PROOF_FILES, *FLEET_FILES}).keys()
    if PROOF_FILE in names:
        return _fleet
    if {*pair(LEAF)} & names:
        return _proof
    raise Unreadable(
        f"{place}: neither a proof ({', '.join(pair(LEAF))}), nor an export ({EXPORT_FILE}), nor a"
        f" daily checkpoint ({PROOF_FILE})"
    )


def _proof(place: Path, publisher: str | None, words: Words, _: Progress) -> Verdict:
    report = check_proof(read_files(place, PROOF_FILES))
    _pin(report.keys.publisher, publisher, words)
    return Verdict(GOOD, list(proof_lines(report, publisher is not None, words)))


def _fleet(place: Path, publisher: str | None, words: Words, _: Progress) -> Verdict:
    report = check_fleet(read_files(place, FLEET_FILES))
    _pin(report.keys.publisher, publisher, words)
    return Verdict(GOOD, list(fleet_lines(report, publisher is not None, words)))


def _export(place: Path, publisher: str | None, words: Words, progress: Progress) -> Verdict:
    report = audit_export(place, progress)
    _pin(report.keys.publisher, publisher, words)
    status = FINDINGS if report.flaws else GOOD
    return Verdict(status, list(export_lines(report, publisher is not None, words)))


def _pin(found: Publisher, given: str | None, words: Words) -> None:
    """Raise BadSignature where another publisher was to be believed."""
    if given is not None and given != found.fingerprint:
        raise BadSignature(words("k.other", found=found.fingerprint, given=given))
