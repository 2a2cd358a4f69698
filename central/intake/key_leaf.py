"""KEY leaves in an upload: a key is rotated by the batch that ends with one, by nothing else."""

from itertools import pairwise
from typing import Final

from protocols.evidence.errors import BadSignature, EvidenceError
from protocols.evidence.key_change import KeyChange, verify_change
from protocols.evidence.keys import KeySchedule
from protocols.evidence.leaf import Kind, Leaf, Log, Origin
from protocols.evidence.upload import Refused

REMEDY: Final = "end a batch with the KEY leaf, signed by the old key; the next is the new key's"


def rotated(
    schedule: KeySchedule, origin: Origin, leaves: list[Leaf], size: int, telemetry_size: int
) -> KeySchedule | Refused:
    """The schedule after a batch that ends at `size`; the same one where nothing changes the key.

    `telemetry_size`: of this epoch's telemetry at central. A KEY leaf that was appended again is
    history: its numbers are of another epoch.
    """
    changes = [leaf for leaf in leaves if leaf.kind is Kind.KEY and leaf.was is None]
    if not changes:
        return schedule
    if len(changes) > 1 or changes[0].seq != size - 1:
        reason = f"a KEY leaf at {changes[0].seq} inside a batch that ends at {size}"
        return Refused("content", reason, REMEDY)
    leaf = changes[0]
    try:
        change = KeyChange.from_body(leaf.body)
        verify_change(change, origin.epoch, leaf.seq)
        if _is_known(schedule, change, origin.epoch, leaf.seq):
            return schedule  # told by an operator after a restored backup, before the leaf came
        after = schedule.rotated(change, origin.epoch, leaf.seq)
    except BadSignature as error:
        return Refused("signature", str(error), "sign the change with the key in force and the new")
    except EvidenceError as error:
        return Refused("content", str(error), REMEDY)
    if telemetry_size > change.telemetry_size:
        reason = (
            f"the key change names {change.telemetry_size} telemetry leaves, {telemetry_size} were "
            "sent with the old key"
        )
        return Refused("content", reason, "name what the telemetry log held at the change")
    return after


def _is_known(schedule: KeySchedule, change: KeyChange, epoch: int, seq: int) -> bool:
    """Whether the schedule has this very change already, in both logs."""
    ends = {Log.BILLING: seq + 1, Log.TELEMETRY: change.telemetry_size}
    return all(
        any(
            (before.vkey, span.vkey, span.begin) == (change.old_vkey, change.new_vkey, (epoch, end))
            for before, span in pairwise(spans)
        )
        for log, end in ends.items()
        for spans in (schedule.spans(log),)
    )
