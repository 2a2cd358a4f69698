"""Enrolment over HTTP: central's CA, a gateway's request for its token, and how it stands.

Nobody is authenticated before his token or signature was looked at, so what is wrong is told
slowly: all strangers share one budget, and whoever brings a good token never waits for it.
"""

from collections.abc import Callable
from typing import Final

from central.clock import Clock
from central.enrolment import Keys, answer, ask, poll, renew
from central.intake.answer import CBOR, Answer, come_again, refusal
from central.intake.budget import Budget
from central.store.database import Store
from protocols.evidence.enrol import (
    Answer as Enrolled,
)
from protocols.evidence.enrol import (
    Denied,
    encode_answer,
    open_request,
)
from protocols.evidence.errors import BadSignature, EvidenceError
from protocols.evidence.leaf import is_gateway_id

PEM: Final = b"application/x-pem-file"
STRANGERS: Final = ""
STRANGERS_BURST: Final = 60
STRANGERS_EACH_MS: Final = 1_000


class Enroller:
    """`keys` tells central's keys as they are now; `ca` is the PEM that tokens pin."""

    def __init__(self, store: Store, keys: Callable[[], Keys], ca: bytes, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._ca = ca
        self._clock = clock
        self._budget = Budget(STRANGERS_BURST, STRANGERS_EACH_MS)

    def ca(self) -> Answer:
        """The CA's certificate: believed only by whoever has its hash."""
        return Answer(200, PEM, self._ca)

    def ask(self, body: bytes) -> Answer:
        """A request with a token, or one for a new certificate. Raises as `Intake.receive`."""
        try:
            request = open_request(body)
        except EvidenceError as error:
            return self._strange(401 if isinstance(error, BadSignature) else 400, str(error))
        keys = self._keys()
        now_ms = self._clock()
        if not request.secret:
            with self._store.engine.connect() as conn:
                return self._told(renew(conn, request, keys, now_ms))
        with self._store.writer.begin() as conn:
            number = ask(conn, request, body, now_ms)
            if isinstance(number, Denied):
                return self._told(number)
            return self._told(answer(conn, number, keys))

    def poll(self, gateway: str, header: str) -> Answer:
        """How the newest request of this log key stands."""
        if not is_gateway_id(gateway):
            return self._strange(400, f"bad gateway id {gateway[:80]!r}")
        keys = self._keys()
        with self._store.engine.connect() as conn:
            number = poll(conn, gateway, header)
            if number is None:
                return self._strange(401, f"no request of {gateway} with this log key")
            return self._told(answer(conn, number, keys))

    def _told(self, enrolled: Enrolled) -> Answer:
        """200 whatever the decision: the protocol's answer says it. Only a denial costs budget."""
        if isinstance(enrolled, Denied):
            waited = self._wait()
            if waited is not None:
                return waited
        return Answer(200, CBOR, encode_answer(enrolled))

    def _strange(self, status: int, reason: str) -> Answer:
        waited = self._wait()
        return waited or refusal(status, reason, "edge-agent enroll, with a token of central's")

    def _wait(self) -> Answer | None:
        now_ms = self._clock()
        wait_s = self._budget.wait_s(STRANGERS, now_ms)
        self._budget.take(STRANGERS, now_ms)
        return come_again("too many wrong enrolments", wait_s) if wait_s else None
