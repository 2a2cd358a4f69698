"""Why a batch has no receipt, in words that a technician can act on."""

from __future__ import annotations

import json
from typing import Final, NamedTuple

from edge_agent.journal.reader import ReadFailed
from edge_agent.terminal import printable
from edge_agent.uplink.transport import Answer
from protocols.evidence.errors import BadSignature, EvidenceError, Fork, NotHeld

MAX_TOLD_CHARS: Final = 300
FOR_ANY_LOG: Final = frozenset({429, 502, 503, 504})
DOUBTFUL: Final = frozenset({403, 410})  # stopped at central; it holds a newer epoch
CENTRAL_LOG: Final = "look at central's log"


class Failure(NamedTuple):
    """What happened and what to do.

    `link`: it would have failed for any log; `doubt`: central's heads should be asked what it
    means; `retry_after_s`: central asks to wait so long.
    """

    problem: str
    remedy: str
    link: bool = False
    doubt: bool = False
    retry_after_s: int = 0


def failed(error: ReadFailed | EvidenceError) -> Failure:
    """The journal, or evidence that does not verify."""
    if isinstance(error, ReadFailed):
        return Failure(str(error), "look at the disk, and keep the journal for salvage")
    if isinstance(error, BadSignature):
        return Failure(str(error), "check central.receipt_key, and which central answers")
    if isinstance(error, Fork):
        remedy = "two gateways use one key: keep both journals, ask central"
        return Failure(str(error), remedy, doubt=True)
    if isinstance(error, NotHeld):
        remedy = "one side was set back: keep the journal, ask central"
        return Failure(str(error), remedy, doubt=True)
    return Failure(str(error), "check that central.url leads to central, and the versions of both")


def unexpected_page() -> Failure:
    """200 with a web page: TLS says that it is central's address, its content says otherwise."""
    return Failure(
        "central.url answers with a web page, not with a receipt",
        "set central.url to central's intake, not to its pages or to a portal",
    )


def refused(answer: Answer) -> Failure:
    """What central says of itself where it can, bounded: it is only for the log."""
    if 300 <= answer.status < 400:
        return Failure(
            f"central.url answers with a redirect ({answer.status}), which is not followed",
            "set central.url to central itself",
        )
    try:
        told = json.loads(answer.body)
        problem, remedy = printable(str(told["error"])), printable(str(told["remedy"]))
    except (ValueError, LookupError, TypeError, RecursionError):
        problem, remedy = "no reason given", CENTRAL_LOG
    return Failure(
        f"central answered {answer.status}: {problem[:MAX_TOLD_CHARS]}",
        remedy[:MAX_TOLD_CHARS],
        link=answer.status in FOR_ANY_LOG,
        doubt=answer.status in DOUBTFUL,
        retry_after_s=answer.retry_after_s,
    )
