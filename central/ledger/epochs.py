"""EPOCH leaves: why a gateway's log begins anew, what it follows, and which gateway it replaces."""

import json
from typing import Final, NamedTuple

from sqlalchemy import Connection, insert, select

from central.ledger.alarms import Alarm, AlarmCode
from central.ledger.bodies import EventEntry
from central.ledger.place import Place
from central.ledger.timing import BootClocks, BootKey
from central.store.gap_tables import boot, epoch_opening
from central.store.log_tables import batch
from protocols.evidence.facts import STALE, Citation, EpochBody, EpochReason, parse_epoch
from protocols.evidence.leaf import Leaf, Log, Was
from protocols.evidence.note import unverified_checkpoint

CODE: Final = "epoch_"
"""Of the events of EPOCH leaves, before the reason."""
_PLANNED: Final = frozenset({EpochReason.REPLACED, EpochReason.REKEYED})
"""A person did it: no alarm."""
_RUNS_ON: Final = frozenset({EpochReason.SALVAGED, EpochReason.FORKED, EpochReason.REKEYED})
"""The box may have gone on without a boot, and its boot numbers with it."""


class Opening(NamedTuple):
    """How an epoch began. `old_gateway` is "" unless another one is replaced."""

    gateway: str
    epoch: int
    seq: int
    reason: str
    old_gateway: str
    old_epoch: int | None
    old_size: int


def apply_epoch(place: Place, clocks: BootClocks, leaf: Leaf) -> tuple[EventEntry, list[Alarm]]:
    """Raises Malformed where the body makes no sense, ValueError where it contradicts the log.

    A leaf that comes again tells of an epoch that ended before anything of it was sent.
    """
    told = parse_epoch(leaf.body)
    epoch, seq = (leaf.epoch, leaf.seq) if leaf.was is None else leaf.was[:2]
    if opening_of(place.conn, place.origin.gateway, epoch) is not None:
        raise ValueError("epoch: it was opened by an earlier leaf")
    old_gateway, old_size = _cited(place, told)
    same_boot = told.old_epoch is not None and leaf.was is None and _runs_on(place, leaf, told)
    cited = [_received_ms(place, citation) for citation in told.citations]
    place.conn.execute(
        insert(epoch_opening).values(
            gateway=place.origin.gateway,
            epoch=epoch,
            seq=seq,
            reason=told.reason.value,
            old_gateway=old_gateway,
            old_epoch=told.old_epoch,
            old_size=old_size,
            is_confirmed=bool(cited) and None not in cited,
            boot_no=leaf.boot_no,
            same_boot=same_boot,
            received_ms=place.received_ms,
        )
    )
    if same_boot and told.old_epoch is not None:
        clocks.run_on(leaf, told.old_epoch)
    for received_ms in cited:
        if received_ms is not None:
            clocks.cite(leaf, received_ms)
    shown = {
        "old_gateway": old_gateway,
        "old_epoch": told.old_epoch,
        "old_size": old_size,
        "detail": told.detail,
    }
    code = CODE + told.reason.value
    entry = EventEntry(code, "null", "null", "", json.dumps(shown, ensure_ascii=False))
    if told.reason in _PLANNED:
        return entry, []
    detail = f"{told.reason.value}: epoch {epoch} follows epoch {told.old_epoch}"
    detail += f" from leaf {old_size} on" if told.citations else ", with no receipt cited"
    detail += f"; {told.detail}" if told.detail else ""
    return entry, [Alarm(leaf.seq, AlarmCode.EPOCH, leaf.subject, detail)]


def opening_of(conn: Connection, gateway: str, epoch: int) -> Opening | None:
    """How this epoch began, as its log tells."""
    row = conn.execute(
        select(*(epoch_opening.c[name] for name in Opening._fields)).where(
            epoch_opening.c.gateway == gateway, epoch_opening.c.epoch == epoch
        )
    ).one_or_none()
    return None if row is None else Opening(*row)


def is_of_old_image(conn: Connection, leaf: Leaf, was: Was) -> bool:
    """Whether what this leaf repeats was made by a state older than central's.

    Such a state counts once more from where it stood: booked, its intervals would be billed twice.
    It was found out when an epoch above `was` began, not always the one that the leaf comes in.
    """
    table = epoch_opening
    found = select(table.c.epoch).where(
        table.c.gateway == leaf.gateway,
        table.c.epoch > was.epoch,
        table.c.epoch <= leaf.epoch,
        table.c.reason.in_(STALE),
    )
    return conn.execute(found.limit(1)).first() is not None


def old_image_alarm(leaf: Leaf) -> Alarm:
    """One alarm a run: its intervals until the epoch began are evidence, and booked nowhere."""
    detail = (
        "recorded by an old state of the gateway, before it asked central: not booked; what the "
        "index moved until the new segment begins is told at the seam"
    )
    return Alarm(0, AlarmCode.OLD_IMAGE, leaf.subject, detail)


def running_on(conn: Connection, gateway: str, epoch: int) -> BootKey | None:
    """The boot that went on while the epoch began, if one did."""
    table = epoch_opening
    boot_no = conn.scalar(
        select(table.c.boot_no).where(
            table.c.gateway == gateway, table.c.epoch == epoch, table.c.same_boot
        )
    )
    return None if boot_no is None else BootKey(epoch, boot_no)


def _cited(place: Place, told: EpochBody) -> tuple[str, int]:
    """The gateway that is replaced ("": none), and the cited size of the billing log."""
    old_gateway, size = "", 0
    for citation in told.citations:
        origin = unverified_checkpoint(citation.checkpoint).origin
        if origin.gateway != place.origin.gateway:
            old_gateway = origin.gateway
        if citation.log is Log.BILLING:
            size = citation.size
    if (told.reason is EpochReason.REPLACED) != bool(old_gateway):
        raise ValueError(f"epoch: {told.reason.value}, but it cites gateway {old_gateway!r}")
    return old_gateway, size


def _runs_on(place: Place, leaf: Leaf, told: EpochBody) -> bool:
    """Not where the boot numbers began again, as they do when the journal's memory is lost."""
    if told.reason not in _RUNS_ON:
        return False
    last = place.conn.execute(
        select(boot.c.boot_no, boot.c.last_mono_ms)
        .where(boot.c.gateway == place.origin.gateway, boot.c.epoch == told.old_epoch)
        .order_by(boot.c.boot_no.desc())
        .limit(1)
    ).one_or_none()
    return last is None or tuple(last) <= (leaf.boot_no, leaf.mono_ms)


def _received_ms(place: Place, citation: Citation) -> int | None:
    """When central stored the batch with this receipt; None where it is none of its receipts."""
    origin = unverified_checkpoint(citation.checkpoint).origin
    row = place.conn.execute(
        select(batch.c.received_ms, batch.c.receipt).where(
            batch.c.gateway == origin.gateway,
            batch.c.log == origin.log.value,
            batch.c.epoch == origin.epoch,
            batch.c.size == citation.size,
        )
    ).one_or_none()
    if row is None or row.receipt != citation.receipt:
        return None
    return int(row.received_ms)
