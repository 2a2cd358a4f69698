"""Receipts that came back by hand: read, verified against our own log, and settled.

Nothing of the file is believed before its signatures and roots are right, whoever put it there. It
is read piece by piece, and each receipt lets the rows up to it become their batch.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from edge_agent.journal.reader import ReadFailed
from edge_agent.keys.receipt_keys import keys_for
from edge_agent.uplink.batch_exchange import Exchange
from edge_agent.uplink.failure import Failure
from edge_agent.uplink.lane import Lane
from protocols.evidence.errors import EvidenceError, Fork, Malformed, NotHeld
from protocols.evidence.note import open_checkpoint
from protocols.evidence.parcel import NotTaken, ReceiptItem, decode_receipts
from protocols.evidence.upload import check_receipt

if TYPE_CHECKING:
    from edge_agent.journal.reader import JournalReader
    from edge_agent.keys.keys import Keys
    from edge_agent.keys.receipt_keys import ReceiptKeys
    from protocols.evidence.leaf import Log
    from protocols.evidence.merkle import Frontier
    from protocols.evidence.note import Verifier

SPOOL: Final = "receipts.in"  # in the state directory: for the running agent to settle
PIECE_BYTES: Final = 65_536
_log = logging.getLogger(__name__)


class Good(NamedTuple):
    """Central holds the log up to there; `receipt_of`: checkpoint, receipt, its time in s."""

    log: Log
    size: int
    receipt_of: tuple[bytes, bytes, int]


class Old(NamedTuple):
    """Of an earlier epoch, or of leaves that have a receipt already."""

    origin: str
    size: int


Found = Good | Old | NotTaken


class Judge:
    """Verifies one receipt after another; for one file, whose sizes rise."""

    def __init__(self, reader: JournalReader, keys: Keys, receipts: Verifier | ReceiptKeys) -> None:
        self._reader = reader
        self._keys = keys
        self._receipts = receipts
        self._reached: dict[Log, Frontier] = {}

    def judge(self, item: ReceiptItem) -> Found:
        """Raises ReadFailed, or EvidenceError: a receipt that is not ours, or not central's."""
        if isinstance(item, NotTaken):
            return item
        origin, size = item.origin, item.size
        if origin.gateway != self._keys.gateway:
            raise Malformed(f"receipts: of {origin}, this gateway is {self._keys.gateway}")
        claimed = open_checkpoint(item.checkpoint, self._keys.verifier_for(origin, size))
        if claimed[:2] != (origin, size):
            raise Malformed(f"receipts: {origin} at {size} with another checkpoint")
        found = check_receipt(item.checkpoint, item.receipt, keys_for(self._receipts, item.receipt))
        state = self._reader.state(origin.log)
        if origin.epoch < state.origin.epoch or size <= state.receipted.size:
            return Old(str(origin), size)
        if origin != state.origin or size > state.frontier.size:
            raise NotHeld(f"receipts: {origin} at {size}, our log does not reach there")
        before = self._reached.get(origin.log, state.receipted)
        if not state.receipted.size <= before.size <= size:
            before = state.receipted
        reached = self._reader.frontier_after(origin.log, before, size - before.size)
        if reached is None or reached.size != size or reached.root() != claimed.root:
            raise Fork(f"receipts: {origin} at {size} is another tree than ours")
        self._reached[origin.log] = reached
        return Good(origin.log, size, (item.checkpoint, item.receipt, found.time_s))


def pieces_of(file: IO[bytes]) -> Iterator[bytes]:
    """A file in pieces. Raises OSError."""
    while piece := file.read(PIECE_BYTES):
        yield piece


def judged(pieces: Iterable[bytes], judge: Judge) -> Iterator[Found]:
    """All of a file. Raises ReadFailed, EvidenceError, OSError."""
    for item in decode_receipts(pieces):
        yield judge.judge(item)


class ReceiptBox:
    """For the uplink's thread: what `edge-agent import` put into the state directory.

    `turn` settles one receipt. A file that is faulty is told and goes; what of it was good counts.
    """

    def __init__(
        self, state_dir: Path, exchange: Exchange, reader: JournalReader, keys: Keys,
        receipts: Verifier | ReceiptKeys,
    ) -> None:  # fmt: skip
        self._path = state_dir / SPOOL
        self._exchange = exchange
        self._judge = (reader, keys, receipts)
        self._file: IO[bytes] | None = None
        self._items: Iterator[Found] = iter(())

    def is_filled(self) -> bool:
        """Something waits."""
        return self._file is not None or self._path.exists()

    def turn(self) -> bool:
        """True where there is more to do at once."""
        try:
            return self._step()
        except OSError as error:
            self._end(f"the file cannot be read: {error}")
        except (ReadFailed, EvidenceError) as error:
            self._end(str(error))
        return False

    def _step(self) -> bool:
        if self._file is None:
            if not self._path.exists():
                return False
            self._file = self._path.open("rb")
            self._items = judged(pieces_of(self._file), Judge(*self._judge))
        found = next(self._items, None)
        if found is None:
            self._end("all of the file is settled")
            return False
        failure = self.settle(found)
        if failure is not None:
            self._end(f"{failure.problem}; {failure.remedy}")
        return failure is None

    def settle(self, found: Found) -> Failure | None:
        """Let the rows become batches. Raises ReadFailed, EvidenceError."""
        if not isinstance(found, Good):
            return None
        lane = Lane(0.0, 0.0)  # of its own: it changes nothing of what is being sent
        done = self._exchange.catch_up(found.log, lane, found.size, found.receipt_of)
        return done if isinstance(done, Failure) else None

    def close(self) -> None:
        """At the end of the uplink's thread: what is left waits for the next one."""
        if self._file is not None:
            self._file.close()
        self._file = None

    def _end(self, why: str) -> None:
        _log.info("receipts carried by hand: %s", why)
        self.close()
        self._path.unlink(missing_ok=True)
