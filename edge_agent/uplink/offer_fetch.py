"""Offers of a distant operator: asked for when an upload's answer tells of newer ones, verified.

Central only hands them on. Nothing of one counts before the operator's signature, the gateway, the
number and the time are right; what is not is refused whole and told, and everything goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.uplink.failure import Failure, refused
from edge_agent.uplink.transport import LinkFailure
from protocols.evidence.errors import BadSignature, EvidenceError
from protocols.evidence.offer import PATH, Offer, decode_offers, open_offer, sign_request
from protocols.evidence.order import REQUEST_HEADER

if TYPE_CHECKING:
    from edge_agent.keys.keys import Keys
    from edge_agent.uplink.transport import Transport
    from protocols.evidence.note import Verifier

RETRY_S: Final = 300.0
FORGED: Final = "check remote.operator_key, and who signed it"
_log = logging.getLogger(__name__)


class OfferSide(NamedTuple):
    """What keeps offers. `taken`: the highest number that was. `take`: durably, with its bytes;
    False where too many wait. `doubt`: one that cannot be believed, once for each reason.
    """

    taken: Callable[[], int]
    take: Callable[[Offer, bytes], bool]
    doubt: Callable[[str], None]
    utc_ms: Callable[[], int | None]


class OfferFetch:
    """For the uplink's thread."""

    def __init__(
        self, transport: Transport, keys: Keys, verifier: Verifier, side: OfferSide
    ) -> None:
        self._transport = transport
        self._keys = keys
        self._verifier = verifier
        self._side = side
        self._newest = 0
        self._last = 0  # before whoever keeps them has looked
        self._retry_at = float("-inf")
        self._told = ""

    def tell(self, newest: int) -> None:
        """An answer of central told the number of its newest offer; 0: it told none."""
        self._newest = newest

    def wait_s(self, now: float) -> float:
        """Until there is something to ask for."""
        if self._newest <= self._taken():
            return float("inf")
        return max(0.0, self._retry_at - now)

    def _taken(self) -> int:
        return max(self._last, self._side.taken())

    def fetch(self, now: float) -> None:
        """Ask once, if it is time."""
        if self.wait_s(now) > 0:
            return
        failure = self._fetch()
        self._retry_at = now + RETRY_S if failure is not None else float("-inf")
        if failure is None:
            self._told = ""
        elif failure.problem != self._told:
            self._told = failure.problem
            _log.warning("no offer taken: %s; %s", failure.problem, failure.remedy)
            self._say(failure)

    def _say(self, failure: Failure) -> None:
        """In the log of events too, where somebody may have forged it."""
        if failure.remedy == FORGED:
            try:
                self._side.doubt(failure.problem)
            except OSError as error:
                _log.error("%s", error)

    def _fetch(self) -> Failure | None:
        gateway, after = self._keys.gateway, self._taken()
        now_ms = self._side.utc_ms()
        if now_ms is None:
            return Failure("the clock was never set, and offers end at a time", "wait for it")
        request = sign_request(gateway, after, self._keys.signer)
        answer = self._transport.get(f"{PATH}{gateway}?after={after}", {REQUEST_HEADER: request})
        if isinstance(answer, LinkFailure):
            return Failure(answer.problem, answer.remedy, link=True)
        if answer.status != 200:
            return refused(answer)
        try:
            found = decode_offers(answer.body)
            if not found:
                raise BadSignature(f"central told of offers after {after}, and gives none")
            for data in found:
                after = self._take(data, after)
        except EvidenceError as error:
            return Failure(str(error), FORGED)
        except OSError as error:
            return Failure(f"an offer cannot be kept: {error}", "look at the disk")
        return None

    def _take(self, data: bytes, after: int) -> int:
        """Its number. Raises EvidenceError, OSError."""
        offer = open_offer(data, self._verifier, self._keys.gateway)
        if offer.number <= after:
            raise BadSignature(f"offer {offer.number} comes after offer {after}: it is an old one")
        if not self._side.take(offer, data):
            raise OSError(f"offer {offer.number} waits until others are done")
        self._last = offer.number
        _log.info("offer %d: %s", offer.number, offer.kind)
        return offer.number
