"""Why a batch has no receipt, in words that a technician can act on."""

from __future__ import annotations

import json
from typing import Final, NamedTuple

from edge_agent.journal_reader import ReadFailed
from edge_agent.transport import Answer
from protocols.evidence.errors import BadSignature, EvidenceError, Fork, NotHeld

MAX_TOLD_CHARS: Final = 300
CENTRAL_LOG: Final = "look at central's log"


class Failure(NamedTuple):
    """What happened and what to do; `link`: it would have failed for any log."""

    problem: str
    remedy: str
    link: bool = False


def failed(error: ReadFailed | EvidenceError) -> Failure:
    """The journal, or evidence that does not verify."""
    if isinstance(error, ReadFailed):
        return Failure(str(error), "look at the disk, and keep the journal for salvage")
    if isinstance(error, BadSignature):
        return Failure(str(error), "check central.receipt_key, and which central answers")
    if isinstance(error, Fork):
        return Failure(str(error), "two gateways use one key: keep both journals, ask central")
    if isinstance(error, NotHeld):
        return Failure(str(error), "one side was set back: keep the journal, ask central")
    return Failure(str(error), "check that central.url leads to central, and the versions of both")


def refused(answer: Answer) -> Failure:
    """What central says of itself where it can, bounded: it is only for the log."""
    if 300 <= answer.status < 400:
        return Failure(
            f"central.url answers with a redirect ({answer.status}), which is not followed",
            "set central.url to central itself",
        )
    try:
        told = json.loads(answer.body)
        problem, remedy = str(told["error"]), str(told["remedy"])
    except (ValueError, LookupError, TypeError, RecursionError):
        problem, remedy = "no reason given", CENTRAL_LOG
    return Failure(
        f"central answered {answer.status}: {problem[:MAX_TOLD_CHARS]}", remedy[:MAX_TOLD_CHARS]
    )
