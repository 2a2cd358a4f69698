"""POST /v1/adopt: a log goes on behind leaves that central lost with a restored backup."""

from typing import NamedTuple

from sqlalchemy import Connection

from central.intake import log
from central.intake.alarms import Finding, IntakeCode
from central.intake.judge import Claim, No, odd
from central.receipt_keys import ReceiptKeys
from protocols.evidence.adopt import Adopted, Adoption, adopt
from protocols.evidence.errors import BadSignature
from protocols.evidence.upload import Equivocation, Receipt, Refused, check_receipt


class Lost(NamedTuple):
    """An adoption to be stored, with the alarm that says what is lost."""

    adopted: Adopted
    finding: Finding


class Had(NamedTuple):
    """It was adopted before, or never missing: the receipt for it."""

    receipt: bytes


def judge_adoption(
    conn: Connection, entry: log.Registered, adoption: Adoption, claim: Claim, keys: ReceiptKeys
) -> Lost | Had | No | Equivocation:
    """Judge an admitted one beside what central holds."""
    origin, size = claim.origin, claim.size
    if entry.newest_epoch is not None and origin.epoch < entry.newest_epoch:
        reason = f"{origin} is closed: epoch {entry.newest_epoch} began"
        return No(410, reason, "go on in the newest epoch; ask GET /v1/heads", is_his=True)
    head = log.head_of(conn, origin)

    def check(checkpoint: bytes, receipt: bytes) -> Receipt:
        return _own_receipt(checkpoint, receipt, keys)

    judged = adopt(head, adoption, entry.schedule.key_for(origin, size), check)
    match judged:
        case Adopted():
            detail = (
                f"leaves {judged.first} to {size - 1} of {origin} had a receipt and are lost at "
                "central; the gateway no longer holds them"
            )
            return Lost(judged, odd(claim, IntakeCode.LOST_AT_CENTRAL, detail))
        case Equivocation():
            return judged
        case Refused(code, reason, remedy):
            if adoption.checkpoint == head.checkpoint and head.receipt:
                return Had(head.receipt)
            return No(401 if code == "signature" else 422, reason, remedy, is_his=True)


def _own_receipt(checkpoint: bytes, receipt: bytes, keys: ReceiptKeys) -> Receipt:
    """The receipt, if any key that central ever gave receipts with signed it."""
    failed = BadSignature("central has no receipt key")
    for verifier in reversed(keys.verifiers):
        try:
            return check_receipt(checkpoint, receipt, verifier)
        except BadSignature as error:
            failed = error
    raise failed
