"""Orders of central: asked for when an upload's answer tells of newer ones, verified, handed over.

Nothing of an answer counts before its signature, its gateway and its number are right; what is not
is refused whole and told, and the gateway goes on as it was. Orders wait for nobody: a central that
cannot be believed, or does not answer, costs one request in five minutes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from edge_agent.uplink.failure import Failure, refused
from edge_agent.uplink.transport import LinkFailure
from protocols.evidence.errors import BadSignature, EvidenceError
from protocols.evidence.order import (
    REQUEST_HEADER,
    Order,
    decode_orders,
    open_order,
    sign_request,
)

if TYPE_CHECKING:
    from edge_agent.keys.keys import Keys
    from edge_agent.uplink.transport import Transport
    from protocols.evidence.note import Verifier

PATH: Final = "/v1/orders/"
RETRY_S: Final = 300.0  # such a request holds up a batch until its deadline
OBEY_TIMEOUT_S: Final = 30.0
_log = logging.getLogger(__name__)


class OrderFetch:
    """For the uplink's thread. `taken` tells the highest number received, `obey` makes one durable.

    Without a verifier orders are ignored, and said so once.
    """

    def __init__(
        self,
        transport: Transport,
        keys: Keys,
        verifier: Verifier | None,
        taken: Callable[[], int],
        obey: Callable[[Order, bytes, float], bool],
    ) -> None:
        self._transport = transport
        self._keys = keys
        self._verifier = verifier
        self._taken = taken
        self._obey = obey
        self._newest = 0
        self._retry_at = float("-inf")
        self._told = ""

    def tell(self, newest: int) -> None:
        """An answer of central told the number of its newest order; 0: it told none."""
        self._newest = newest
        if newest and self._verifier is None:
            self._say("central has orders; they are ignored, [central] order_key is not set")
        elif 0 < newest < self._taken():
            self._say(
                f"central's newest order is {newest}, number {self._taken()} was taken: central "
                f"was set back; new orders need: edge-central gas send --after {self._taken()}"
            )

    def wait_s(self, now: float) -> float:
        """Until there is something to ask for."""
        if self._verifier is None or self._newest <= self._taken():
            return float("inf")
        return max(0.0, self._retry_at - now)

    def fetch(self, now: float) -> None:
        """Ask once, if it is time; at most MAX_ORDERS orders are taken."""
        if self._verifier is None or self.wait_s(now) > 0:
            return
        failure = self._fetch(self._verifier)
        if failure is None:
            self._retry_at = float("-inf")
            self._told = ""
            return
        self._retry_at = now + RETRY_S
        self._say(f"no orders taken: {failure.problem}; {failure.remedy}")

    def _fetch(self, verifier: Verifier) -> Failure | None:
        gateway, after = self._keys.gateway, self._taken()
        request = sign_request(gateway, after, self._keys.signer)
        path = f"{PATH}{gateway}?after={after}"
        answer = self._transport.get(path, {REQUEST_HEADER: request})
        if isinstance(answer, LinkFailure):
            return Failure(answer.problem, answer.remedy, link=True)
        if answer.status != 200:
            return refused(answer)
        try:
            notes = decode_orders(answer.body)
            orders = [open_order(note, verifier, gateway) for note in notes]
            _check_numbers(orders, after)
        except EvidenceError as error:
            return Failure(str(error), "check central.order_key, and which central answers")
        for order, note in zip(orders, notes, strict=True):
            if not self._obey(order, note, OBEY_TIMEOUT_S):
                return Failure(f"order {order.number} could not be stored", "look at the disk")
            _log.info("order %d of central received", order.number)
        return None

    def _say(self, problem: str) -> None:
        """Each problem once, until something succeeds."""
        if problem != self._told:
            self._told = problem
            _log.warning("%s", problem)


def _check_numbers(orders: list[Order], after: int) -> None:
    """Each above all before: neither an old order again nor two that changed places."""
    if not orders:
        raise BadSignature(f"central told of orders after {after}, and gives none")
    last = after
    for order in orders:
        if order.number <= last:
            raise BadSignature(f"order {order.number} comes after order {last}: it is an old one")
        last = order.number
