"""What becomes of an offer: checked, agreed to where that is demanded, carried out, told.

A configuration is refused that is made for another one than is in force, that is faulty, or that
changes what belongs to the site (`difference.LOCAL`). One that touches anything legally relevant
waits for consent on site, unless the configuration in force waives that. Then it goes the way of
every other: in force, on trial, back by itself.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge_agent.config.file import ConfigErrors, read_config
from edge_agent.config_store import offers
from edge_agent.config_store.apply import Refused, apply
from edge_agent.config_store.difference import differences
from edge_agent.config_store.exchange import MOST_NAMED, exchanges_of, named
from edge_agent.config_store.files import sha256
from edge_agent.config_store.history import MAX_TEXT, Told, Waiting
from protocols.evidence.errors import EvidenceError
from protocols.evidence.offer import (
    CONFIGURATION,
    MAX_BUNDLE_BYTES,
    READ_NOW,
    READ_RANGE,
    Offer,
    open_offer,
)

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig
    from edge_agent.config_store.files import ConfigFiles
    from edge_agent.config_store.history import History
    from protocols.evidence.note import Verifier

RETRY_MS: Final = 60_000
MOST_MS: Final = 3_600_000
"""Between two tries to send a bundle: to make it again takes a small machine a minute."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Requests:
    """What an operator may ask beside a configuration; each says what came of it, or refuses.

    `read_now`: device, points. `read_range`: run, from, to. `bundle`: its bytes. `send`: a bundle
    to central; why not, or "".
    """

    read_now: Callable[[Offer], str | Refused]
    read_range: Callable[[Offer], str | Refused]
    bundle: Callable[[], bytes]
    send: Callable[[int, bytes], str]


class OfferWork:
    """For the thread that keeps the configuration; `look` with each of its turns."""

    def __init__(
        self,
        files: ConfigFiles,
        config: AgentConfig,
        verifier: Verifier,
        requests: Requests,
        clocks: tuple[Callable[[], int | None], Callable[[], int]],
    ) -> None:
        self._files = files
        self._config = config
        self._verifier = verifier
        self._requests = requests
        self._utc_ms, self._mono_ms = clocks
        self._retry_ms: dict[int, int] = {}
        self._pause_ms: dict[int, int] = {}

    def look(self, history: History) -> History:
        """One offer that can go on, if any does; none before a clock tells whether it is over.

        Raises OSError.
        """
        if self._utc_ms() is None:
            return history
        for waiting in history.waiting:
            if waiting.consent and not waiting.who and not self._is_over(waiting):
                continue
            if self._mono_ms() < self._retry_ms.get(waiting.number, 0):
                continue
            return self._go_on(waiting, history)
        return history

    def _is_over(self, waiting: Waiting) -> bool:
        now_ms = self._utc_ms()
        return now_ms is not None and now_ms > waiting.valid_until_ms

    def _go_on(self, waiting: Waiting, history: History) -> History:
        number = waiting.number
        if waiting.kind == CONFIGURATION and _was_applied(number, history):
            return offers.done(self._files, number)
        if self._is_over(waiting):
            return self._refuse(number, "its time is over")
        data = self._files.read_offer(number)
        try:
            offer = open_offer(data or b"", self._verifier, self._config.gateway)
        except EvidenceError as error:  # the key was changed meanwhile, or the disk is bad
            return self._refuse(number, str(error))
        if offer.kind == CONFIGURATION:
            return self._configure(offer, waiting, history)
        return self._answer(offer)

    # ---- a configuration ------------------------------------------------------------------------

    def _configure(self, offer: Offer, waiting: Waiting, history: History) -> History:
        if history.trial is not None:
            return history  # one change at a time
        base, candidate = offer.item
        assert isinstance(base, bytes)
        assert isinstance(candidate, bytes)
        held = self._files.read_config() or b""
        wrong = self._wrong(base, candidate, held)
        if wrong:
            return self._refuse(offer.number, wrong)
        relevant = [
            each.field
            for each in differences(held, candidate, self._files.path)
            if each.relevant and self._config.remote.consent
        ]
        if relevant and not waiting.who:
            return offers.wait_for_consent(self._files, offer.number, named(relevant))
        who = f"{offer.who} (operator)"
        if waiting.who:
            who += f"; consent: {waiting.who}"
        try:
            found = apply(
                self._files.path, candidate, who[:MAX_TEXT], offer.why[:MAX_TEXT],
                f"offer {offer.number}", offer=offer.number,
            )  # fmt: skip
        except OSError:  # each try writes to the card
            self._retry_ms[offer.number] = self._mono_ms() + RETRY_MS
            raise
        if isinstance(found, Refused):
            return self._refuse(offer.number, "; ".join((found.why, *found.faults)))
        _log.info("offer %d: its configuration is version %d", offer.number, found.number)
        return offers.done(self._files, offer.number)

    def _wrong(self, base: bytes, candidate: bytes, held: bytes) -> str:
        """Why it cannot be taken; empty where it can."""
        if hashlib.sha256(held).digest() != base:
            return f"made for configuration {base.hex()}, in force is {sha256(held)}"
        path = self._files.path
        try:
            read_config(held, path)
        except ConfigErrors:
            return "gateway.toml cannot be read: what would change is not known; mend it on site"
        try:
            local = [d.field for d in differences(held, candidate, path) if d.local]
            if local:  # before any file is opened that it names: whether there is one, is not told
                return f"it changes what only the site may: {named(local)}"
            read_config(candidate, path)
        except ConfigErrors as error:
            return "faulty: " + "; ".join(str(fault) for fault in error.faults[:MOST_NAMED])
        return exchanges_of(held, candidate, path).fault

    # ---- requests -------------------------------------------------------------------------------

    def _answer(self, offer: Offer) -> History:
        if offer.kind == READ_NOW:
            return self._tell(offer, self._requests.read_now(offer))
        if offer.kind == READ_RANGE:
            return self._tell(offer, self._requests.read_range(offer))
        bundle = self._requests.bundle()
        if len(bundle) > MAX_BUNDLE_BYTES:
            why = f"the bundle has {len(bundle)} bytes, at most {MAX_BUNDLE_BYTES} are sent"
            return self._refuse(offer.number, f"{why}; edge-agent support-bundle on site")
        failed = self._requests.send(offer.number, bundle)
        if failed:
            _log.warning("offer %d: the bundle is not sent: %s", offer.number, failed)
            pause_ms = self._pause_ms.get(offer.number, RETRY_MS)
            self._pause_ms[offer.number] = min(2 * pause_ms, MOST_MS)
            self._retry_ms[offer.number] = self._mono_ms() + pause_ms
            with self._files.locked():
                return self._files.history()
        return self._tell(offer, f"bundle of {len(bundle)} bytes, SHA-256 {sha256(bundle)}")

    def _tell(self, offer: Offer, found: str | Refused) -> History:
        if isinstance(found, Refused):
            return self._refuse(offer.number, found.why)
        told = Told("offer_done", None, offer.number, "agent", f"{offer.kind}: {found}"[:1000])
        return offers.done(self._files, offer.number, told)

    def _refuse(self, number: int, why: str) -> History:
        _log.warning("offer %d refused: %s", number, why)
        told = Told("offer_refused", None, number, "agent", why[:1000])
        return offers.done(self._files, number, told)


def _was_applied(number: int, history: History) -> bool:
    """A kill came between the configuration and the word that it was applied."""
    return any(version.source == f"offer {number}" for version in history.versions)
