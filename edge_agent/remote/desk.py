"""What is asked of a gateway's configuration, by the file itself: answers as JSON objects.

The running agent answers with the same over its sockets; without one the command calls this.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Final

from edge_agent.config.file import ConfigErrors, read_config_bytes
from edge_agent.config_store.apply import Applied, Refused, apply, roll_back, version_before
from edge_agent.config_store.difference import differences
from edge_agent.config_store.exchange import exchanges_of
from edge_agent.config_store.files import ConfigFiles, find_state_dir, sha256
from edge_agent.config_store.history import History
from edge_agent.config_store.offers import accept
from edge_agent.config_store.start import state_dir_of
from protocols.evidence.errors import EvidenceError
from protocols.evidence.offer import unverified_offer

SCHEMA: Final = 1
MOST_SHOWN: Final = 400
"""Changes of an offer, the legally relevant ones first: they fit an answer of the socket."""


class Desk:
    """Of one gateway.toml. Every method raises OSError; answers have `ok`, and `error` if not."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def versions(self) -> dict[str, object]:
        """All that is remembered of them."""
        files = self._files()
        if files is None or not files.directory.is_dir():
            return _no(f"no versions are known of {self._path}: no agent has run with it yet")
        with files.locked():
            history = files.history()
            before = version_before(files, history, files.read_config())
        return _yes(
            current=history.current,
            before=before,
            good=history.good,
            trial=None if history.trial is None else asdict(history.trial),
            waiting=[each._asdict() for each in history.waiting],
            versions=[asdict(each) for each in history.versions],
        )

    def text(self, version: int = 0) -> dict[str, object]:
        """The bytes of a version, or of gateway.toml, as text."""
        data = self._data(version)
        if data is None:
            return _no(f"version {version} is not there; see edge-agent config versions")
        text = data.decode("utf-8", "replace")
        return _yes(version=version, sha256=sha256(data), toml=text)

    def difference(self, old: bytes, new: bytes) -> dict[str, object]:
        """What would change, field by field."""
        try:
            found = differences(old, new, self._path)
        except ConfigErrors as error:
            return _no("the configuration is faulty", [str(fault) for fault in error.faults])
        other = exchanges_of(old, new, self._path).found
        return _yes(
            changes=[each._asdict() for each in found],
            exchanges=[f"{each}" for each in other if each.new],
        )

    def offer(self, number: int) -> dict[str, object]:
        """What an offer that waits for consent would change: nobody agrees to what he cannot see.

        Its signature was verified when it was taken, and is once more before it is applied.
        """
        files, history = self._files(), self._history()
        waiting = () if history is None else history.waiting
        asked = [each.number for each in waiting if each.consent and not each.who]
        if files is None or number not in asked:
            known = ", ".join(map(str, asked)) or "none"
            return _no(f"no offer {number} waits for consent; waiting: {known}")
        try:
            offer = unverified_offer(files.read_offer(number) or b"")
        except EvidenceError as error:
            return _no(f"offer {number} cannot be read: {error}; the agent refuses it")
        _, candidate = offer.item  # only a configuration waits for consent
        assert isinstance(candidate, bytes)
        told = self.difference(files.read_config() or b"", candidate)
        if not told["ok"]:
            return told
        changes = told["changes"]
        assert isinstance(changes, list)
        changes.sort(key=lambda each: not each["relevant"])
        shown, left = changes[:MOST_SHOWN], len(changes[MOST_SHOWN:])
        return _yes(number=number, who=offer.who, why=offer.why, changes=shown, left_out=left)

    def apply(self, candidate: bytes, who: str, why: str) -> dict[str, object]:
        """Put it in force."""
        return _answer(apply(self._path, candidate, who, why))

    def roll_back(self, number: int, who: str, why: str) -> dict[str, object]:
        """An earlier version, 0: the one before."""
        return _answer(roll_back(self._path, who, why, number))

    def accept(self, number: int, who: str, why: str) -> dict[str, object]:
        """Consent to an offer that waits for it."""
        files = self._files()
        error = "no agent has run here yet" if files is None else accept(files, number, who, why)
        return _no(error) if error else _yes(number=number)

    def _data(self, version: int) -> bytes | None:
        if version == 0:
            return read_config_bytes(self._path)
        files, history = self._files(), self._history()
        known = None if history is None else history.version(version)
        if files is None or known is None:
            return None
        return files.read_version(version, known.sha256)

    def _files(self) -> ConfigFiles | None:
        state_dir = state_dir_of(self._path) or find_state_dir(self._path, os.environ)
        return None if state_dir is None else ConfigFiles(self._path, state_dir)

    def _history(self) -> History | None:
        files = self._files()
        if files is None or not files.directory.is_dir():
            return None
        with files.locked():
            return files.history()


def _answer(found: Applied | Refused) -> dict[str, object]:
    if isinstance(found, Refused):
        return _no(found.why, list(found.faults))
    return _yes(**asdict(found))


def _yes(**fields: object) -> dict[str, object]:
    return {"ok": True, "schema": SCHEMA, **fields}


def _no(error: str, faults: list[str] | None = None) -> dict[str, object]:
    return {"ok": False, "schema": SCHEMA, "error": error, "faults": faults or []}
