"""The broken gateway whose place this one takes: what central holds of it, as the enrolment told.

The file is there until the first leaf of this gateway's log cites it. Where the meters' indexes
went on in between, central tells: it has the records of both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_agent.keys.key_files import KeyFileError, StateFiles
from edge_agent.recording.epoch_opening import Opening
from protocols.evidence.errors import EvidenceError, Malformed
from protocols.evidence.facts import Citation, EpochReason
from protocols.evidence.note import unverified_checkpoint

if TYPE_CHECKING:
    from protocols.evidence.enrol import Replaced

FILE_NAME: Final = "replaces"


def citations_of(replaced: Replaced) -> tuple[Citation, ...]:
    """What a new log cites of the old gateway's. Raises Malformed where it is of another one.

    The receipts may be of keys that were changed long ago: central confirms its own.
    """
    found = []
    for cited in replaced.cited:
        checkpoint = unverified_checkpoint(cited.checkpoint)
        if checkpoint.origin.gateway != replaced.gateway:
            raise Malformed(
                f"central cites {checkpoint.origin} for {replaced.gateway}, which is replaced"
            )
        found.append(Citation(checkpoint.origin.log, checkpoint.size, *cited))
    return tuple(found)


def waiting(files: StateFiles) -> Opening | None:
    """The opening that the first epoch of this gateway has to say. Raises KeyFileError."""
    if not files.exists(FILE_NAME):
        return None
    # only here: x509 takes a megabyte of memory that a running agent does without
    from protocols.evidence.enrol import MAX_ANSWER_BYTES, Approved, decode_answer

    data = files.read(FILE_NAME, MAX_ANSWER_BYTES)
    if data is None:
        return None
    try:
        answer = decode_answer(data)
        replaced = answer.replaced if isinstance(answer, Approved) else None
        if replaced is None:
            raise Malformed("it names no gateway")
        cited = citations_of(replaced)
    except EvidenceError as error:
        path = files.directory / FILE_NAME
        raise KeyFileError(f"{path} is damaged: {error}; enroll again") from error
    detail = f"this gateway takes the place of {replaced.gateway}"
    if not cited:
        return None  # it never sent anything: there is nothing to go on from
    return Opening(EpochReason.REPLACED, cited, detail=detail)
