"""Offers of central, from the moment they are verified until something has become of them.

The bytes of an offer lie beside the versions until then; the index says which wait, and for what.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from edge_agent.config_store.files import ConfigFiles
from edge_agent.config_store.history import MAX_TEXT, History, Told, Waiting

MOST_WAITING: Final = 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def take(files: ConfigFiles, offer: Waiting, data: bytes) -> bool:
    """Keep a verified offer, durably; False where too many wait. Raises OSError.

    Its number counts from now on: the same offer, or an older one, is never taken again.
    """
    with files.locked():
        history = files.history()
        if offer.number <= history.offer_number:
            return True
        if len(history.waiting) >= MOST_WAITING:
            return False
        files.write_offer(offer.number, data)
        until = _EPOCH + timedelta(milliseconds=offer.valid_until_ms)
        detail = f"{offer.kind}, valid until {until:%Y-%m-%d %H:%M} UTC"
        told = Told("offer_taken", None, offer.number, "central", detail)
        history = replace(
            history, offer_number=offer.number, waiting=(*history.waiting, offer)
        ).tell(told)
        files.store(history)
        return True


def doubt(files: ConfigFiles, why: str) -> None:
    """Something came that cannot be believed: told; no number is used up by it."""
    with files.locked():
        history = files.history()
        files.store(history.tell(Told("offer_refused", None, None, "agent", why[:1000])))


def wait_for_consent(files: ConfigFiles, number: int, relevant: str) -> History:
    """Nothing of it is done before somebody on site agrees. `relevant`: to what."""
    with files.locked():
        history = files.history()
        waiting = tuple(
            each._replace(consent=relevant) if each.number == number else each
            for each in history.waiting
        )
        told = Told(
            "offer_waits", None, number, "agent", f"for consent on site to {relevant}"[:1000]
        )
        history = replace(history, waiting=waiting).tell(told)
        files.store(history)
        return history


def accept(files: ConfigFiles, number: int, who: str, why: str) -> str:
    """Consent on site to an offer that waits for it; what is wrong, or "". Raises OSError."""
    for name, text in (("who", who), ("reason", why)):
        if not (0 < len(text) <= MAX_TEXT and text.isprintable() and text.strip()):
            return f"{name}: printable text of 1 to {MAX_TEXT} characters is needed"
    with files.locked():
        history = files.history()
        asked = [each for each in history.waiting if each.consent and not each.who]
        if number not in [each.number for each in asked]:
            known = ", ".join(str(each.number) for each in asked) or "none"
            return f"no offer {number} waits for consent; waiting: {known}"
        waiting = tuple(
            each._replace(who=who, why=why) if each.number == number else each
            for each in history.waiting
        )
        told = Told("offer_accepted", None, number, who, why)
        files.store(replace(history, waiting=waiting).tell(told))
    return ""


def done(files: ConfigFiles, number: int, told: Told | None = None) -> History:
    """Something has become of it: it waits no more, and the log is told what."""
    with files.locked():
        history = files.history()
        waiting = tuple(each for each in history.waiting if each.number != number)
        history = replace(history, waiting=waiting)
        if told is not None:
            history = history.tell(told)
        files.store(history)
        files.remove_offer(number)
        return history
