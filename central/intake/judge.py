"""What an upload is: the next of its log, a repetition, a refusal, or proof against its sender.

Reads the store, changes nothing. `admit` asks who sent it, `judge` what it says.
"""

from typing import Final, NamedTuple

from sqlalchemy import Connection

from central.intake import log
from central.intake.alarms import Finding, IntakeCode
from central.intake.contradiction import contradiction
from central.intake.key_leaf import rotated
from protocols.evidence.adopt import Adoption
from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.keys import KeySchedule
from protocols.evidence.leaf import Log, Origin
from protocols.evidence.note import Verifier, open_checkpoint, unverified_checkpoint
from protocols.evidence.upload import (
    Accepted,
    Conflict,
    Equivocation,
    Head,
    Refused,
    Upload,
    accept,
)

REPLAY_QUIET_MS: Final = 600_000
"""A proxy may repeat a request; after so long nobody does who only lost an answer."""
_REFUSAL_STATUS: Final = {"signature": 401, "content": 422}


class Claim(NamedTuple):
    """What a request says of a log: its origin, and the checkpoint that it stands on."""

    origin: Origin
    checkpoint: bytes
    size: int

    @classmethod
    def of(cls, sent: Upload | Adoption) -> "Claim":
        """Raises Malformed for a checkpoint that is none."""
        size = unverified_checkpoint(sent.checkpoint).size
        return cls(sent.origin, sent.checkpoint, size)


class No(NamedTuple):
    """A refusal; `finding` is alarmed. `is_his`: the sender is the gateway, its budget pays."""

    status: int
    reason: str
    remedy: str
    finding: Finding | None = None
    is_his: bool = False


class Take(NamedTuple):
    """The upload follows `head`; after it `schedule` is in force."""

    head: Head
    accepted: Accepted
    schedule: KeySchedule


class GoOn(NamedTuple):
    """The log ends elsewhere (409); `finding` says what of the upload is odd.

    `may_differ`: it overlaps ours and ends at no checkpoint of ours: to be compared leaf by leaf.
    """

    conflict: Conflict
    finding: Finding | None = None
    may_differ: bool = False


class Clone(NamedTuple):
    """Two machines use one key."""

    finding: Finding


Verdict = Take | GoOn | No | Clone | Equivocation


def admit(entry: log.Registered, claim: Claim, identity: str | None) -> No | None:
    """Whether a request is this gateway's: its terminator's word, its origin, its signature."""
    origin, size = claim.origin, claim.size
    if identity is not None and identity != origin.gateway:
        return stranger(origin.gateway, identity)
    claimed = unverified_checkpoint(claim.checkpoint)
    if claimed.origin != origin:
        reason = f"sent for {origin}, with a checkpoint of {claimed.origin}"
        finding = Finding(origin.gateway, IntakeCode.WRONG_ORIGIN, reason)
        finding = finding._replace(checkpoint=claim.checkpoint)
        return No(422, reason, f"sign one of {origin}", finding)
    try:
        open_checkpoint(claim.checkpoint, entry.schedule.key_for(origin, size))
    except BadSignature as error:
        return _unsigned(entry.schedule, claim, str(error))
    except Malformed as error:
        return No(422, str(error), "send the checkpoint as it was signed")
    return None


def stranger(gateway: str, identity: str) -> No:
    """The terminator verified another gateway's certificate, or none."""
    shown = f"that of {identity[:80]}" if identity else "none"
    reason = f"the client certificate must be {gateway}'s, it is {shown}"
    finding = Finding(gateway, IntakeCode.WRONG_ORIGIN, reason)
    return No(403, reason, "connect with the certificate that edge-agent enroll made", finding)


def judge(
    conn: Connection, entry: log.Registered, upload: Upload, claim: Claim, now_ms: int
) -> Verdict:
    """What an admitted upload says, beside what central holds."""
    origin, size = claim.origin, claim.size
    head = log.head_of(conn, origin)
    same_size = log.checkpoint_at(conn, origin, size)
    if entry.newest_epoch is not None and origin.epoch < entry.newest_epoch:
        return _closed(entry.newest_epoch, head, claim, same_size)
    verifier = entry.schedule.key_for(origin, size)
    outcome = accept(head, upload, verifier, same_size)
    match outcome:
        case Accepted():
            return _taken(conn, claim, Take(head, outcome, entry.schedule))
        case Conflict():
            return _repeated(conn, GoOn(outcome), head, (claim, upload.first), now_ms)
        case Refused():
            return _refused(outcome)
        case Equivocation():
            return outcome


def odd(claim: Claim, code: IntakeCode, detail: str) -> Finding:
    """A finding about a checkpoint that a key of this gateway signed."""
    origin, checkpoint, size = claim
    return Finding(origin.gateway, code, detail, origin.log.value, origin.epoch, size, checkpoint)


def _unsigned(schedule: KeySchedule, claim: Claim, why: str) -> No:
    """Refused for its signature: of a key that this gateway once had, or of nobody known."""
    if any(_is_signed(claim.checkpoint, vkey) for vkey in schedule.vkeys()):
        where = f"{claim.origin} at size {claim.size}"
        why = f"{where} is signed by a key that is not in force there: {why}"
        finding = odd(claim, IntakeCode.REVOKED_KEY, why)
    else:
        finding = Finding(schedule.gateway, IntakeCode.FORGED, why, checkpoint=claim.checkpoint)
    return No(401, why, "register the gateway's log key, or use that key", finding)


def _is_signed(note: bytes, vkey: str) -> bool:
    try:
        open_checkpoint(note, Verifier.from_vkey(vkey))
    except BadSignature:
        return False
    return True


def _closed(
    newest: int, head: Head, claim: Claim, same_size: bytes | None
) -> No | Clone | Equivocation:
    """An epoch that another followed grows no more: who still writes it is a second machine."""
    origin, size = claim.origin, claim.size
    if size > head.frontier.size:
        reason = (
            f"{origin} grows to {size} after epoch {newest} began: two machines use the key of "
            f"{origin.gateway}; its uploads are stopped"
        )
        return Clone(odd(claim, IntakeCode.CLONE, reason))
    ours = head.checkpoint if size == head.frontier.size else same_size
    if ours and unverified_checkpoint(ours) != unverified_checkpoint(claim.checkpoint):
        return Equivocation(ours, claim.checkpoint)
    reason = f"{origin} is closed: epoch {newest} began"
    finding = odd(claim, IntakeCode.CLOSED_EPOCH, reason)
    return No(410, reason, "go on in the newest epoch; ask GET /v1/heads", finding, is_his=True)


def _taken(conn: Connection, claim: Claim, take: Take) -> Take | No:
    """With the key that its KEY leaf brings in, if it ends with one."""
    origin, size = claim.origin, claim.size
    telemetry = log.head_of(conn, origin._replace(log=Log.TELEMETRY)).frontier.size
    after = rotated(take.schedule, origin, take.accepted.leaves, size, telemetry)
    if isinstance(after, Refused):
        finding = odd(claim, IntakeCode.KEY_CHANGE, after.reason)
        return _refused(after)._replace(finding=finding)
    return take._replace(schedule=after)


def _refused(refused: Refused) -> No:
    return No(_REFUSAL_STATUS[refused.code], refused.reason, refused.remedy, is_his=True)


def _repeated(
    conn: Connection, told: GoOn, head: Head, sent: tuple[Claim, int], now_ms: int
) -> GoOn:
    """What of a repeated upload an operator should hear of, as far as its size tells.

    `sent`: what it claims, and where it begins.
    """
    claim, first = sent
    size = claim.size
    received_ms = log.batch_at(conn, claim.origin, size)
    if received_ms is None:
        is_known = size == head.frontier.size or first >= head.frontier.size
        return told._replace(may_differ=not is_known)
    if size == head.frontier.size or now_ms - received_ms < REPLAY_QUIET_MS:
        return told
    detail = f"{claim.origin} at size {size}: was stored long ago, and more after it"
    return told._replace(finding=odd(claim, IntakeCode.REPLAYED, detail))


def compare(conn: Connection, upload: Upload, claim: Claim) -> Finding | None:
    """What of an upload that overlaps ours cannot be true beside it: costs as much as taking it."""
    frontier = log.head_of(conn, claim.origin).frontier
    told = contradiction(conn, frontier, upload, claim.size)
    if told is None:
        return None
    return odd(claim, IntakeCode.ROLLED_BACK, f"{claim.origin} at size {claim.size}: {told}")
