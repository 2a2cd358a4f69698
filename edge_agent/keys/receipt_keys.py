"""Central's receipt keys: the pinned one, and those that follow from it by signatures of both.

A receipt of a key that is not known yet is the occasion to ask central for its successions. They
are believed only as a whole chain that leads on from the pinned key; the file of them in the state
directory is verified like an answer, each time it is read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge_agent.keys.key_files import KeyFileError, StateFiles
from protocols.evidence.errors import BadSignature, EvidenceError
from protocols.evidence.note import Verifier, pick_verifier
from protocols.evidence.receipt_keys import MAX_ANSWER_BYTES, follow, split_successions

FILE_NAME: Final = "receipt.keys"
RETRY_S: Final = 300.0  # a stranger's receipts must not cost a request each
Fetch = Callable[[], bytes | None]
_log = logging.getLogger(__name__)


def keys_for(receipts: Verifier | ReceiptKeys, line: bytes) -> tuple[Verifier, ...]:
    """The keys that may have signed this receipt. Raises Malformed."""
    return (receipts,) if isinstance(receipts, Verifier) else receipts.keys_for(line)


def stored_receipt_keys(pinned_vkey: str, state_dir: Path) -> ReceiptKeys:
    """As far as they were learned by now, for whoever does not ask central."""
    return ReceiptKeys(Verifier.from_vkey(pinned_vkey), StateFiles(state_dir))


class ReceiptKeys:
    """For the uplink's thread. `fetch` asks central, None where there is no answer."""

    def __init__(
        self,
        pinned: Verifier,
        files: StateFiles | None = None,
        fetch: Fetch = lambda: None,
        monotonic_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._pinned = pinned
        self._files = files
        self._fetch = fetch
        self._monotonic_s = monotonic_s
        self._retry_at = float("-inf")
        self.known = self._stored()

    def keys_for(self, line: bytes) -> tuple[Verifier, ...]:
        """The keys that may have signed this receipt; asks central where it names none of them.

        Raises Malformed for what is no receipt line.
        """
        try:
            pick_verifier(line, self.known)
        except BadSignature:
            self._learn()
        return self.known

    def _stored(self) -> tuple[Verifier, ...]:
        try:
            data = None if self._files is None else self._files.read(FILE_NAME, MAX_ANSWER_BYTES)
            if data is not None:
                return follow(self._pinned.vkey, split_successions(data))
        except (EvidenceError, KeyFileError) as error:
            _log.warning("%s is not believed, central is asked again: %s", FILE_NAME, error)
        return (self._pinned,)

    def _learn(self) -> None:
        now = self._monotonic_s()
        if now < self._retry_at:
            return
        self._retry_at = now + RETRY_S
        data = self._fetch()
        if data is None:
            return
        try:
            found = follow(self._pinned.vkey, split_successions(data))
        except EvidenceError as error:
            _log.error("central's receipt key seems to have changed, not believed: %s", error)
            return
        if len(found) <= len(self.known):
            return
        self.known = found
        _log.warning("central's receipt key is %s now, by the signature of the old", found[-1].vkey)
        if self._files is not None:
            try:
                self._files.write(FILE_NAME, data)
            except OSError as error:
                _log.warning("%s cannot be kept: %s; it is asked for again", FILE_NAME, error)
