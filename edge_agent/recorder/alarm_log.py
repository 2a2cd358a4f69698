"""Conditions that begin and end, in the program's own log too: what the leaves tell central, a
technician finds by journalctl. Each begin and end once, however long it lasts."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from edge_agent.journal.memory import AlarmTold

Alarms = Mapping[tuple[str, str], "AlarmTold"]
MOST_TOLD: Final = 20  # of one commit
_log = logging.getLogger(__name__)


def tell_alarms(before: Alarms, now: Alarms) -> None:
    """What changed with a commit."""
    if before is now:
        return
    for one in changes(before, now)[:MOST_TOLD]:
        _log.warning("%s", one.text, extra={"code": one.code, "subject": one.subject})


class Change(NamedTuple):
    """A condition that has begun or ended, in words; code and subject are fields of the line."""

    text: str
    code: str
    subject: str


def changes(before: Alarms, now: Alarms) -> list[Change]:
    """A line for each: what began, with its detail, then what ended."""
    begun = [
        Change(
            f"{_named(code, subject)} is on" + (f": {told.detail}" if told.detail else ""),
            *(code, subject),
        )
        for (code, subject), told in now.items()
        if (code, subject) not in before
    ]
    return begun + [Change(f"{_named(*key)} is over", *key) for key in before if key not in now]


def _named(code: str, subject: str) -> str:
    return f"{subject}: {code}" if subject else code
