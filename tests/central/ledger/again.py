"""What a gateway does after a discontinuity: a new epoch, and unreceipted leaves sent again."""

from dataclasses import replace

from protocols.evidence.facts import Citation, EpochBody, EpochReason
from protocols.evidence.leaf import NO_REFERENCE, Kind, Log, Was, encode_leaf, leaf_hash

BILLING, TELEMETRY = Log.BILLING, Log.TELEMETRY


def reopened(old, reason=EpochReason.SALVAGED, *, unsent=(0, 0), gone=(), citations=()):
    """The same gateway in its next epoch; the old object stays what was signed before.

    `unsent`: from where on leaves of billing and telemetry have no receipt; `gone` names those of
    them, (log, seq), that did not survive. Runs are to be closed (`stop`) before.
    """
    new = type(old)(old.name, old.epoch + 1)
    new.secret = bytes([old.epoch + 1]) * 32
    for name in ("signer", "configs", "states", "now_ms", "boot_no", "boot_ms", "clock", "index"):
        setattr(new, name, getattr(old, name))
    body = EpochBody(reason, old.epoch, tuple(citations), "")
    new.add(Kind.EPOCH, "", NO_REFERENCE, body.to_body())
    for log, first in zip((BILLING, TELEMETRY), unsent, strict=True):
        for leaf in old.leaves[log][first:]:
            if (log, leaf.seq) not in gone:
                repeat(new, leaf)
    next_seq = len(new.leaves[TELEMETRY])
    for run, state in old.states.items():
        carry = state.now._replace(next_seq=next_seq)
        new.states[run] = state.opened(carry) if carry.reference else replace(state, now=carry)
    return new


def repeat(gateway, leaf):
    """Append a leaf of an earlier epoch once more."""
    first = leaf.was or Was(leaf.epoch, leaf.seq, leaf_hash(encode_leaf(leaf)))
    changes = {name: getattr(leaf, name) for name in ("boot_no", "mono_ms", "utc_ms")}
    gateway.add(
        leaf.kind, leaf.subject, leaf.reference, leaf.body,
        **changes, clock_state=leaf.clock_state, quality=leaf.quality, was=first,
    )  # fmt: skip


def cited(central, gateway, log):
    """The last receipt of a log, as an EPOCH leaf cites it."""
    from central.intake.log import head_of

    with central.store.engine.connect() as conn:
        head = head_of(conn, gateway.origin(log))
    return Citation(log, head.frontier.size, head.checkpoint, head.receipt)
