"""What central's heads mean for this gateway, asked before the first upload and when in doubt.

Pure. Each log of ours stands against what central holds of it:

    central's newest epoch is above ours            set back (an old image of the disk)
    another key than ours signed what it holds      rekeyed
    it holds more leaves than we recorded           set back
    its root is not ours at its size                forked
    it holds what we know, or more than receipts    go on (409 is the memory of the link)
    it holds less than it gave receipts for         send again; adopt where we no longer hold it

The first four, and a new key that may not sign our epoch, open a new one at a start. While the
agent runs nobody sets it back: then another machine signs with this key, and nothing is healed: a
clone is suspected.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from protocols.evidence.leaf import Log


class Reason(StrEnum):
    """Why a new epoch is opened; names of `facts.EpochBody`."""

    SET_BACK = "set_back"
    FORKED = "forked"
    REKEYED = "rekeyed"


class OwnLog(NamedTuple):
    """Our log: its size, how far receipts go, and from where leaves can still be sent.

    `root`: ours at central's size; None where our log does not reach there, or no longer knows.
    """

    size: int
    receipted: int
    held_from: int
    root: bytes | None = None


class CentralLog(NamedTuple):
    """Central's copy of a log, whose receipt verified. `own_key`: signed by the key of ours."""

    epoch: int
    size: int
    root: bytes
    own_key: bool = True


class Own(NamedTuple):
    """This gateway, as its journal says. `first_epoch`: our key signs none before it."""

    epoch: int
    logs: Mapping[Log, OwnLog]
    first_epoch: int = 0


class Central(NamedTuple):
    """Central, as its heads say, each of which was verified.

    A newest epoch without heads is central's word alone: good enough to open a new epoch at a
    start, not to stand still.
    """

    newest_epoch: int | None
    logs: Mapping[Log, CentralLog]


class GoOn(NamedTuple):
    """Upload; `again`: logs that central lost the end of, and from where they are sent again;
    `adopt`: logs whose lost end we no longer hold."""

    again: Mapping[Log, int]
    adopt: tuple[Log, ...]


class OpenEpoch(NamedTuple):
    """Begin a new epoch, above `above`."""

    reason: Reason
    above: int


class CloneSuspected(NamedTuple):
    """Send nothing more until an operator decides."""

    reason: Reason


Decision = GoOn | OpenEpoch | CloneSuspected


def decide(own: Own, central: Central, *, running: bool) -> Decision:
    """What to do now. `running`: something was sent or received since the start."""
    if own.epoch < own.first_epoch:  # enrolled again: the new key may not sign this epoch
        above = max(own.epoch, own.first_epoch - 1, central.newest_epoch or 0)
        return OpenEpoch(Reason.REKEYED, above)
    reason = _contradiction(own, central)
    if reason is not None:
        if not running:
            return OpenEpoch(reason, max(own.epoch, central.newest_epoch or 0))
        return CloneSuspected(reason) if central.logs else GoOn({}, ())
    again: dict[Log, int] = {}
    adopt: list[Log] = []
    for log, ours in own.logs.items():
        theirs = _same_epoch(own, central, log)
        size = 0 if theirs is None else theirs.size
        if size >= ours.receipted:
            continue
        if size >= ours.held_from:
            again[log] = size
        else:
            adopt.append(log)
    return GoOn(again, tuple(adopt))


def _contradiction(own: Own, central: Central) -> Reason | None:
    """The gravest first: a fork says more than a log that is longer."""
    if central.newest_epoch is not None and central.newest_epoch > own.epoch:
        return Reason.SET_BACK
    pairs = [
        (ours, theirs)
        for log, ours in own.logs.items()
        if (theirs := _same_epoch(own, central, log)) is not None
    ]
    if any(not theirs.own_key for _, theirs in pairs):
        return Reason.REKEYED
    if any(ours.root not in (None, theirs.root) for ours, theirs in pairs):
        return Reason.FORKED
    if any(theirs.size > ours.size for ours, theirs in pairs):
        return Reason.SET_BACK
    return None


def _same_epoch(own: Own, central: Central, log: Log) -> CentralLog | None:
    """Central's copy of our log; None where it has only earlier epochs."""
    theirs = central.logs.get(log)
    return theirs if theirs is not None and theirs.epoch == own.epoch else None
