"""Whether a statement stands in the log already: a command whose answer was lost asks again."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from edge_agent.journal.newest import NewestReader
from edge_agent.journal.reader import ReadFailed
from protocols.evidence.leaf import Kind, Log

if TYPE_CHECKING:
    from pathlib import Path

    from edge_agent.recording.device_recording import Said
    from protocols.evidence.cbor import Item

MOST_LOOKED: Final = 256  # leaves: a command asks again for half a minute
OWN_WORD: Final = " (own word; "


def was_said(journal: Path, gateway: str, said: Said) -> bool:
    """By the same person, whoever the kernel knew him as. False where the journal cannot be read:
    twice is better than never.
    """
    code, _, why, fields = said.statement.to_body()
    wanted = (said.subject, code, _claimed(said.statement.who), why, fields)
    try:
        reader = NewestReader(journal, gateway)
        try:
            for leaf in islice(reader.leaves(Log.BILLING), MOST_LOOKED):
                if leaf.kind is Kind.STATEMENT:
                    code, who, why, fields = leaf.body
                    if (leaf.subject, code, _claimed(who), why, fields) == wanted:
                        return True
        finally:
            reader.close()
    except ReadFailed:
        pass
    return False


def _claimed(who: Item) -> str:
    return who.partition(OWN_WORD)[0] if isinstance(who, str) else ""
