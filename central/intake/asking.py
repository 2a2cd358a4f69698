"""Whether a gateway's own key asked: requests that only read are signed by one of its log keys."""

from collections.abc import Callable, Iterable
from typing import Final

from protocols.evidence.errors import BadSignature, EvidenceError
from protocols.evidence.keys import KeySchedule
from protocols.evidence.note import Verifier

MAX_ASKED: Final = 8
"""Of so many keys, the newest, one may have signed: each costs a verification."""


def unrevoked(schedule: KeySchedule) -> list[str]:
    """The keys that were never revoked, newest first: retired ones too.

    A gateway that rotates may not know yet that central has its KEY leaf, or the other way round.
    """
    revoked = {span.vkey for span in (*schedule.billing, *schedule.telemetry) if span.until}
    return [vkey for vkey in reversed(schedule.vkeys()) if vkey not in revoked][:MAX_ASKED]


def check_asked(vkeys: Iterable[str], check: Callable[[Verifier], None]) -> None:
    """Raise Malformed or BadSignature unless one of the keys signed what `check` verifies."""
    failed: EvidenceError = BadSignature("every key of this gateway is revoked")
    for vkey in vkeys:
        try:
            check(Verifier.from_vkey(vkey))
        except BadSignature as error:
            failed = error
            continue
        return
    raise failed
