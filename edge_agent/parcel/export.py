"""All that has no receipt yet, as a parcel on a stick. Beside a running agent, and without one.

The parcel holds the very uploads that the link would carry. What is exported stays in the journal
until a receipt comes back; exported twice, or sent over the link too, it does no harm.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.journal.memory import LOGS
from edge_agent.journal.reader import ReadFailed
from edge_agent.journal.rows import MOST_LEAVES
from edge_agent.uplink.sealing import MOST_BYTES, Sealer
from protocols.evidence.parcel import ParcelKey, seal_parcel

if TYPE_CHECKING:
    from edge_agent.journal.reader import JournalReader, LogState
    from edge_agent.keys.keys import Keys
    from protocols.evidence.leaf import Log

Tell = Callable[["Log", int, int], None]  # log, leaves packed, leaves in all
_DIRECTORY_SYNC: Final = os.O_RDONLY | os.O_DIRECTORY


class Packed(NamedTuple):
    """What of one log is in the parcel; `fault`: why not all of it."""

    first: int
    end: int
    fault: str = ""


class Export:
    """One parcel. `packed` says what is in it, once `uploads` was read to its end."""

    def __init__(self, reader: JournalReader, keys: Keys, tell: Tell) -> None:
        self._reader = reader
        self._sealer = Sealer(reader, keys)
        self._tell = tell
        self.packed: dict[Log, Packed] = {}

    def is_empty(self) -> bool:
        """Everything has a receipt. Raises ReadFailed."""
        states = [self._reader.state(log) for log in LOGS]
        return all(state.frontier.size == state.receipted.size for state in states)

    def uploads(self) -> Iterator[bytes]:
        """Billing first, each log in its order. Raises ReadFailed, EvidenceError."""
        for log in LOGS:
            yield from self._log(log, self._reader.state(log))

    def _log(self, log: Log, state: LogState) -> Iterator[bytes]:
        goal, before = state.frontier.size, state.receipted
        fault = ""
        while before.size < goal and self._sealer.looks_on(state, goal):
            pass
        while before.size < goal:
            most = self._sealer.most(
                state.origin, before.size, min(MOST_LEAVES, goal - before.size)
            )
            cut = self._reader.cut_on(log, before, most, MOST_BYTES)
            if cut.state.origin != state.origin:
                raise ReadFailed(f"{state.origin}: a new epoch was opened just now; export again")
            if cut.end == before.size:
                fault = f"row {before.size} is not the leaf that belongs there"
                if cut.state.receipted.size > before.size:
                    fault = "receipts come over the link just now"
                break
            batch = self._sealer.seal(cut)
            before = batch.after
            yield batch.data
            self._tell(log, before.size - state.receipted.size, goal - state.receipted.size)
        self.packed[log] = Packed(state.receipted.size, before.size, fault)


def write_parcel(path: Path, gateway: str, key: ParcelKey, uploads: Iterator[bytes]) -> int:
    """Write the file whole or not at all, and sync it; its bytes.

    Raises FileExistsError, OSError, and what `uploads` raises.
    """
    if path.exists():
        raise FileExistsError(f"{path} is there already; name a new file")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path.parent}: no such folder; check the path and the stick")
    aside = path.with_name(f".{path.name}.part")
    size = 0
    aside.unlink(missing_ok=True)  # never through a link that somebody put there
    try:
        with aside.open("xb") as file:
            for piece in seal_parcel(gateway, key, os.urandom(32), uploads):
                size += file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)
    finally:
        aside.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # some file systems of sticks have no such thing
        descriptor = os.open(path.parent, _DIRECTORY_SYNC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return size
