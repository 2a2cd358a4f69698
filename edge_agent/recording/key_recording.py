"""The keys in the recorder's thread: the KEY leaf, and what of it is durable; and the first
leaf of a gateway that replaces another.

A file that cannot be written (a full disk) stops nothing: the rotation stays where it was, that is
said once, and the next tick tries again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.keys.key_files import KeyFileError, StateFiles
from edge_agent.recording import replacement
from edge_agent.recording.epoch_opening import record_epoch
from protocols.evidence.errors import EvidenceError
from protocols.evidence.key_change import KeyChange, Place
from protocols.evidence.leaf import Kind, Leaf, Log, decode_leaf
from protocols.evidence.upload import decode_upload, open_leaves

if TYPE_CHECKING:
    from sqlite3 import Connection  # noqa: TID251  # the journal's, as the recorder lends it

    from edge_agent.journal.draft import Draft
    from edge_agent.journal.memory import Memory, Settled
    from edge_agent.keys.keyring import Keys
    from edge_agent.keys.rotation import Rotation
    from edge_agent.recording.epoch_opening import Opening
    from protocols.metering.instant import Instant

ASKED: Final = "key_rotation_asked"
REFUSED: Final = "key_rotation_refused"
_log = logging.getLogger(__name__)


class Wish(NamedTuple):
    """Somebody asks for a new log key; who and why are his own word."""

    who: str
    reason: str


class KeyDesk:
    """For the recorder's thread."""

    def __init__(
        self, keys: Keys, random: Callable[[int], bytes], files: StateFiles | None = None
    ) -> None:
        self._keys = keys
        self._random = random
        self._files = files
        self._replaces: Opening | None = None
        self._epoch: int | None = None
        self._told = ""

    def begin(self, look: Callable[[Callable[[Connection], Found]], Found | None]) -> None:
        """At a start: compare with the journal, and see whether another gateway is replaced."""
        if self._files is not None:
            try:
                self._replaces = replacement.waiting(self._files)
            except KeyFileError as error:
                _log.error("whom this gateway replaces is not told in its log: %s", error)
        rotation = self._keys.rotation
        found = look(lambda connection: find(connection, rotation))
        if found is not None:
            self._epoch = found.epoch
            self._try(lambda: self._keys.begin(found.epoch, found.is_key_leaf, found.sizes))

    def record_first(self, draft: Draft, instant: Instant) -> None:
        """The first leaf of a gateway that takes another one's place."""
        if self._replaces is not None and draft.new_epoch == 0:
            record_epoch(draft, self._replaces, None, instant)

    def wish(self, draft: Draft, wish: Wish, instant: Instant, *, has_begun: bool = False) -> bool:
        """Begin a rotation, or say why not; both in the log. True where it has begun.

        `has_begun`: by this wish, and the tick is made anew.
        """
        try:
            if not has_begun:
                self._keys.want(self._random)
        except (OSError, KeyFileError) as error:
            _log.error("no new log key: %s", error)
            detail = f"{wish.reason}; {error}"[:1000]
            draft.event(instant, REFUSED, "", None, None, wish.who, detail)
            return False
        rotation = self._keys.rotation
        assert rotation is not None  # it was begun just now
        old, new = (vkey.split("+")[1] for vkey in rotation[2:])
        draft.event(instant, ASKED, "", old, new, wish.who, wish.reason)
        return True

    def record(self, draft: Draft, instant: Instant) -> None:
        """The KEY leaf, where one is wanted; nothing may be inserted before it afterwards."""
        epoch = draft.before.heads[Log.BILLING].epoch
        if not self._keys.wants_leaf(epoch):
            return
        place = Place(epoch, draft.next_seq(Log.BILLING), draft.next_seq(Log.TELEMETRY))
        made: list[KeyChange] = []
        self._try(lambda: made.append(self._keys.attempt(place)))
        for change in made:
            draft.append(Kind.KEY, "", change.to_body(), instant)
            draft.urgent = True

    def withdrawn(self) -> None:
        """The tick was not stored, and another is stored first: no KEY leaf is on its way."""
        self._try(self._keys.withdraw)

    def committed(self, after: Memory, settled: Sequence[Settled]) -> None:
        """A tick is durable."""
        epoch = after.heads[Log.BILLING].epoch
        if epoch != self._epoch:
            self._epoch = epoch
            self._keys.epoch_opened(epoch)
        if self._replaces is not None and self._files is not None:
            files, self._replaces = self._files, None
            self._try(lambda: files.remove(replacement.FILE_NAME))
        sizes = {batch.log: (batch.epoch, batch.after.size) for batch in settled}
        self._try(lambda: self._keys.committed(sizes))

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except (OSError, KeyFileError) as error:
            if str(error) != self._told:
                self._told = str(error)
                _log.error("the key rotation waits: %s; it goes on by itself", error)
        else:
            self._told = ""


class Found(NamedTuple):
    """What the journal says at a start: its epoch, whether the KEY leaf of the rotation is where
    it should be, and what central is known to hold, (epoch, size) of each log.
    """

    epoch: int
    is_key_leaf: bool
    sizes: dict[Log, tuple[int, int]]


def find(connection: Connection, rotation: Rotation | None) -> Found:
    """Read it."""
    rows = connection.execute("SELECT log, epoch, receipted_size FROM log").fetchall()
    sizes = {Log(log): (epoch, size) for log, epoch, size in rows}
    epoch = sizes.get(Log.BILLING, (0, 0))[0]
    is_key_leaf = False
    if rotation is not None and rotation.divides and rotation.place.epoch == epoch:
        leaf = _leaf_at(connection, epoch, rotation.place.seq)
        is_key_leaf = leaf is not None and _names(leaf, rotation.new_vkey)
    return Found(epoch, is_key_leaf, sizes)


def _leaf_at(connection: Connection, epoch: int, seq: int) -> Leaf | None:
    """A leaf of billing, as a row or in its sealed batch; None where neither gives it."""
    try:
        row = connection.execute("SELECT leaf FROM billing WHERE seq = ?", (seq,)).fetchone()
        if row is not None:
            return decode_leaf(row[0])
        row = connection.execute(
            "SELECT size, upload FROM batch WHERE log = 'billing' AND epoch = ? AND first <= ? "
            "ORDER BY first DESC LIMIT 1",
            (epoch, seq),
        ).fetchone()
        leaves = [] if row is None else open_leaves(decode_upload(row[1]), row[0])
    except EvidenceError:
        return None
    return next((leaf for leaf in leaves if leaf.seq == seq), None)


def _names(leaf: Leaf, new_vkey: str) -> bool:
    if leaf.kind is not Kind.KEY or leaf.was is not None:
        return False
    try:
        return KeyChange.from_body(leaf.body).new_vkey == new_vkey
    except EvidenceError:
        return False
