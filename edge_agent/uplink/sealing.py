"""What was cut from a log into a signed batch: only what was recorded, by the key that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.journal.reader import Cut, LogState, ReadFailed
from protocols.evidence.errors import EvidenceError, NotHeld
from protocols.evidence.upload import encode_upload, seal

if TYPE_CHECKING:
    from edge_agent.journal.reader import JournalReader
    from edge_agent.keys.keys import Keys
    from protocols.evidence.leaf import Log, Origin
    from protocols.evidence.merkle import Frontier

MOST_BYTES: Final = 2_000_000  # of leaves, before they are packed
SENT_BYTES: Final = 100_000
"""Of the leaves of a batch that the agent sends: as objects, and as columns while they are packed,
they take twelve times as much for a moment."""
LEAST_BYTES: Final = 60_000
MOST_VERIFIED: Final = 65_536  # rows that one turn looks at, of a backlog: about 0.2 s


def most_bytes(bytes_per_s: int) -> int:
    """Of a batch's leaves: packed it takes a minute of the rate at most, so that billing that comes
    meanwhile does not wait long. Leaves pack to a tenth and less."""
    return max(LEAST_BYTES, min(SENT_BYTES, 600 * bytes_per_s))


class NotRecorded(ReadFailed):
    """The rows do not lead to the tree that was stored with them."""


class Batch(NamedTuple):
    """An upload's bytes, its checkpoint, and the tree around it."""

    data: bytes
    checkpoint: bytes
    before: Frontier
    after: Frontier


class Sealer:
    """For one thread."""

    def __init__(self, reader: JournalReader, keys: Keys) -> None:
        self._reader = reader
        self._keys = keys
        # up to here the rows lead to what was stored
        self._verified: dict[Log, tuple[Origin, Frontier]] = {}
        self._looking: dict[Log, tuple[Frontier, LogState]] = {}  # reached, and where to

    def forget(self, log: Log) -> None:
        """Look at the rows again."""
        self._verified.pop(log, None)
        self._looking.pop(log, None)

    def most(self, origin: Origin, first: int, most: int) -> int:
        """Leaves of one batch: at most so many, and never across a change of the key."""
        boundary = self._keys.boundary(origin.log, origin.epoch)
        return most if boundary is None or first >= boundary else min(most, boundary - first)

    def must_wait(self, origin: Origin, first: int) -> bool:
        """Billing has to tell central of a new key before."""
        return self._keys.must_wait(origin.log, origin.epoch, first)

    def looks_on(self, state: LogState, end: int) -> bool:
        """The rows up to `end` are still being looked at: call again. At most MOST_VERIFIED a call.

        Before anything of a backlog is signed all of it must lead to the stored frontier. Raises
        NotRecorded where it does not.
        """
        log = state.origin.log
        at = self._reached(state)
        if end <= at.size and log not in self._looking:
            return False
        at, goal = self._looking.get(log, (at, state))
        if goal.origin != state.origin or at.size < state.receipted.size:
            at, goal = state.receipted, state
        most = min(MOST_VERIFIED, goal.frontier.size - at.size)
        found = self._reader.frontier_after(log, at, most) if most else at
        if found is not None and found.size > goal.frontier.size:  # a hole that grew meanwhile
            goal = state
        if found is None or (found.size == goal.frontier.size and found != goal.frontier):
            self.forget(log)
            raise NotRecorded(f"{state.origin}: a stored leaf is not the one that was recorded")
        if found.size != goal.frontier.size:
            self._looking[log] = found, goal
            return True
        self._looking.pop(log, None)
        self._verified[log] = state.origin, found
        return end > found.size

    def _reached(self, state: LogState) -> Frontier:
        """From where on the rows were not looked at yet."""
        origin, frontier = self._verified.get(state.origin.log, (None, state.receipted))
        if origin != state.origin or frontier.size < state.receipted.size:
            return state.receipted
        return frontier

    def seal(self, cut: Cut) -> Batch:
        """The batch. Raises ReadFailed, NotHeld where its key is gone, or BadSignature."""
        origin = cut.state.origin
        signer = self._keys.signer_for(origin.log, origin.epoch, cut.end)
        secret = self._keys.salt_secret
        try:
            sealed = seal(origin, cut.before, cut.leaves, secret, signer, cut.holes)
        except EvidenceError as error:
            raise ReadFailed(
                f"a stored leaf, or salt.secret, is not the right one: {error}"
            ) from error
        upload = sealed.upload
        return Batch(encode_upload(upload), upload.checkpoint, cut.before, sealed.frontier)

    def again(self, cut: Cut, most: int) -> Batch:
        """What had a receipt once: as it went, where it begins there; its key may be gone."""
        stored = self._reader.stored_batch(cut.state.origin.log, cut.before.size)
        if stored is not None and stored.after.size - cut.before.size <= most:
            return Batch(stored.upload, stored.checkpoint, cut.before, stored.after)
        try:
            return self.seal(cut)
        except NotHeld as error:
            raise NotHeld(f"{error}; central ends in the middle of one") from error
