"""What the log says of the last hours and no condition shows: jumps of an index, steps of UTC."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from edge_agent.doctor.host import Told
from edge_agent.journal.reader import JournalReader, ReadFailed
from protocols.evidence.errors import EvidenceError
from protocols.evidence.leaf import Kind, Leaf
from protocols.metering.events import INDEX_JUMP, NEW_SEGMENT

SINCE_S: Final = 6 * 3600
"""All billing of that time is read: a quarter of a second on a Raspberry Pi."""
MOST_TOLD: Final = 32
STEP: Final = "clock_step"
_WANTED: Final = (INDEX_JUMP, NEW_SEGMENT)
_MAX_TEXT: Final = 200


def recent_events(journal: Path, gateway: str, utc_s: int) -> tuple[Told, ...]:
    """The newest of each kind and subject. Raises ReadFailed."""
    if not journal.exists():
        return ()
    reader = JournalReader(journal, gateway)
    try:
        return newest(reader.billing_since(utc_s - SINCE_S), utc_s)
    except EvidenceError as error:
        raise ReadFailed(f"{journal}: {error}") from error
    finally:
        reader.close()


def newest(leaves: Iterable[Leaf], utc_s: int) -> tuple[Told, ...]:
    """Of the leaves, oldest first. A step has its seconds as detail."""
    found: dict[tuple[str, str], Told] = {}
    for leaf in leaves:
        told = _of_event(leaf, utc_s) if leaf.kind is Kind.EVENT else _of_clock(leaf, utc_s)
        if told is not None and told.age_s <= SINCE_S and len(found) < MOST_TOLD:
            found[told.code, told.subject] = told
    return tuple(found.values())


def _age_s(leaf: Leaf, utc_s: int) -> int:
    return SINCE_S + 1 if leaf.utc_ms is None else max(0, utc_s - leaf.utc_ms // 1000)


def _of_event(leaf: Leaf, utc_s: int) -> Told | None:
    match leaf.body:
        case (str(code), _, _, _, str(detail)) if code in _WANTED:
            return Told(code, leaf.subject, _age_s(leaf, utc_s), detail[:_MAX_TEXT])
    return None


def _of_clock(leaf: Leaf, utc_s: int) -> Told | None:
    """(UTC ms by the old relation, UTC ms now, old state): a step is where both are known."""
    if leaf.kind is not Kind.CLOCK:
        return None
    match leaf.body:
        case (int(before_ms), int(now_ms), _) if abs(now_ms - before_ms) >= 1000:
            step_s = round((now_ms - before_ms) / 1000)
            return Told(STEP, leaf.subject, _age_s(leaf, utc_s), str(step_s))
    return None
