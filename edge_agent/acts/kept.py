"""What the gateway remembers of statements: due dates, and runs that are being worked on. Pure.

The log is the record; this is a notice on the wall, for who looks at the gateway. It lies in the
state directory, and what is lost with it is at central.
"""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from protocols.evidence.statement import Statement

FILE_NAME: Final = "acts.json"
MAX_ENTRIES: Final = 200  # of each kind
MAX_BYTES: Final = 1_048_576  # all of them with the longest texts
VERIFICATION: Final = "verification"
PRESSURE: Final = "pressure"
TEMPERATURE: Final = "temperature"
BEGAN: Final = "maintenance_began"
ENDED: Final = "maintenance_ended"
_WHAT: Final = {
    "verification_due": VERIFICATION,
    "calibrated_pressure": PRESSURE,
    "calibrated_temperature": TEMPERATURE,
}


class Due(NamedTuple):
    """Until when a verification or calibration is good: a date, ISO 8601."""

    subject: str
    what: str
    until: str
    certificate: str

    def is_over(self, today: date) -> bool:
        """The last day is still good."""
        return date.fromisoformat(self.until) < today


class Work(NamedTuple):
    """A run or device whose readings are not the gas since then; UTC in ms, None where unknown."""

    subject: str
    what: str
    since_ms: int | None


class Kept(NamedTuple):
    """All that is remembered."""

    due: tuple[Due, ...] = ()
    work: tuple[Work, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Also the answer of the agent's route."""
        return {
            "due": [one._asdict() for one in self.due],
            "maintenance": [one._asdict() for one in self.work],
        }


def after(kept: Kept, subject: str, said: Statement, utc_ms: int | None) -> Kept:
    """What is remembered once this was said. A replaced meter has no verification date yet."""
    match said.code:
        case "verification_due" | "calibrated_pressure" | "calibrated_temperature":
            until = said.get("until")
            if not isinstance(until, str) or not is_date(until):
                return kept
            due = Due(subject, _WHAT[said.code], until, f"{said.get('certificate') or ''}")
            others = [one for one in kept.due if one[:2] != due[:2]]
            return kept._replace(due=(*others, due)[-MAX_ENTRIES:])
        case "meter_replaced" | "meter_removed":
            gone = (subject, VERIFICATION)
            return kept._replace(due=tuple(one for one in kept.due if one[:2] != gone))
        case "maintenance_began" | "maintenance_ended":
            what = f"{said.get('what') or ''}"
            works = [one for one in kept.work if one[:2] != (subject, what)]
            if said.code == BEGAN:
                works.append(Work(subject, what, utc_ms))
            return kept._replace(work=tuple(works[-MAX_ENTRIES:]))
        case _:
            return kept


def is_date(text: str) -> bool:
    """Whether it is a day of the calendar, YYYY-MM-DD."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def encode(kept: Kept) -> bytes:
    """The file."""
    return json.dumps(kept.to_json(), ensure_ascii=False, indent=1).encode() + b"\n"


def parse(data: bytes) -> Kept:
    """The file or the agent's answer. Raises ValueError for what `encode` does not write."""
    return of_json(json.loads(data))


def of_json(told: object) -> Kept:
    """Raises ValueError where it is none."""
    match told:
        case {"due": list(dues), "maintenance": list(works)}:
            return Kept(
                tuple(_due(one) for one in dues[:MAX_ENTRIES]),
                tuple(_work(one) for one in works[:MAX_ENTRIES]),
            )
        case _:
            raise ValueError("no due dates and maintenance in it")


def _due(told: object) -> Due:
    match told:
        case {"subject": str(s), "what": str(w), "until": str(until), "certificate": str(c)} if (
            is_date(until)
        ):
            return Due(s, w, until, c)
        case _:
            raise ValueError(f"no due date: {told!r}"[:200])


def _work(told: object) -> Work:
    match told:
        case {"subject": str(s), "what": str(w), "since_ms": None | int() as since_ms}:
            return Work(s, w, since_ms)
        case _:
            raise ValueError(f"no maintenance: {told!r}"[:200])
