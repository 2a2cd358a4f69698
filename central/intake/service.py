"""One upload from bytes to answer: judge, append, and only then countersign.

Blocking; `app.py` calls it in a worker thread.
"""

from collections.abc import Callable
from typing import Final

from central.clock import Clock
from central.intake import log
from central.intake.answer import Answer, conflict_answer, receipt_answer, refusal
from central.intake.orders import answer_orders, newest_order
from central.intake.quarantine import Quarantine
from central.store.database import Store
from protocols.evidence.errors import Malformed
from protocols.evidence.leaf import Origin
from protocols.evidence.note import Signer, Verifier, unverified_checkpoint
from protocols.evidence.upload import (
    Accepted,
    Conflict,
    Equivocation,
    Outcome,
    Refused,
    Upload,
    accept,
    countersign,
    decode_upload,
)

MAX_RACES: Final = 8
"""How often one upload is judged again because another moved the head meanwhile."""

_REFUSAL_STATUS: Final = {"signature": 401, "content": 422}


class Intake:
    """Judges uploads against the store; `stored` is called after each that was accepted."""

    def __init__(
        self, store: Store, cosigner: Signer, clock: Clock, stored: Callable[[], None]
    ) -> None:
        self._store = store
        self._cosigner = cosigner
        self._clock = clock
        self._stored = stored
        self._quarantine = Quarantine(store, clock)

    def receive(self, body: bytes, unsent: tuple[int, int] | None = None) -> Answer:
        """The answer to one POSTed body. Raises SQLAlchemyError where the store fails.

        `unsent`: what the gateway says still waits there, of billing and of telemetry.
        """
        try:
            upload = decode_upload(body)
            size = unverified_checkpoint(upload.checkpoint).size
        except Malformed as error:
            return self._refuse(400, "", str(error), "send what encode_upload made", body)
        gateway = upload.origin.gateway
        with self._store.engine.connect() as conn:
            entry = log.registered(conn, gateway)
        if entry is None:
            reason = f"gateway {gateway} is not registered"
            return self._refuse(401, gateway, reason, "edge-central gateway add", body)
        for _ in range(MAX_RACES):
            if entry is None or entry.stopped_reason is not None:
                return self._refuse_stopped(gateway, entry, body)
            answer = self._judge(upload, size, Verifier.from_vkey(entry.vkey), body, unsent)
            if answer is not None:
                return self._with_orders(gateway, answer)
            with self._store.engine.connect() as conn:
                entry = log.registered(conn, gateway)
        return refusal(429, "other uploads of this log overtook this one", "send it again")

    def orders(self, gateway: str, query: bytes, request: str) -> Answer:
        """The answer to a gateway that asks for its orders. Raises SQLAlchemyError as `receive`."""
        return answer_orders(self._store, gateway, query, request)

    def complete_receipts(self) -> int:
        """Countersign what was committed just before the process died; how many batches."""
        with self._store.engine.connect() as conn:
            missing = log.without_receipt(conn)
        for origin, size in missing:
            self._receipt(origin, size)
        return len(missing)

    def close(self) -> None:
        """Write the counts that still wait."""
        self._quarantine.flush()

    def _with_orders(self, gateway: str, answer: Answer) -> Answer:
        """Tell the newest order's number to a gateway that has proven who it is."""
        if answer.status not in (200, 409):
            return answer
        with self._store.engine.connect() as conn:
            return answer._replace(newest_order=newest_order(conn, gateway))

    def _judge(
        self,
        upload: Upload,
        size: int,
        verifier: Verifier,
        body: bytes,
        unsent: tuple[int, int] | None,
    ) -> Answer | None:
        """The answer, or None where the head moved between reading it and writing."""
        origin = upload.origin
        with self._store.engine.connect() as conn:
            head = log.head_of(conn, origin)
            same_size = log.checkpoint_at(conn, origin, size)
        outcome: Outcome = accept(head, upload, verifier, same_size)
        match outcome:
            case Accepted(frontier, leaves):
                now_ms = self._clock()
                new = log.NewBatch(
                    origin, head, frontier, upload.checkpoint, body, leaves, now_ms, unsent
                )
                with self._store.writer.begin() as conn:
                    if not log.append(conn, new):
                        return None
                self._stored()
                return receipt_answer(self._receipt(origin, frontier.size))
            case Conflict():
                return conflict_answer(self._with_receipt(origin, outcome))
            case Refused(code, reason, remedy):
                status = _REFUSAL_STATUS[code]
                return self._refuse(status, origin.gateway, reason, remedy, body)
            case Equivocation():
                return self._stop(origin, size, outcome, body)

    def _receipt(self, origin: Origin, size: int) -> bytes:
        """Countersign a committed batch, unless it was done already, and store the receipt."""
        with self._store.engine.connect() as conn:
            checkpoint = log.checkpoint_at(conn, origin, size)
        assert checkpoint is not None, f"{origin} at {size} was committed and is gone"
        receipt = countersign(checkpoint, self._cosigner, self._clock() // 1000)
        with self._store.writer.begin() as conn:
            return log.keep_receipt(conn, origin, size, receipt)

    def _with_receipt(self, origin: Origin, conflict: Conflict) -> Conflict:
        if conflict.size == 0 or conflict.receipt:
            return conflict
        return conflict._replace(receipt=self._receipt(origin, conflict.size))

    def _stop(self, origin: Origin, size: int, proof: Equivocation, body: bytes) -> Answer:
        with self._store.writer.begin() as conn:
            log.stop(conn, origin, size, proof, self._clock())
        self._stored()
        reason = f"two signed roots for {origin} at size {size}; uploads of the gateway are stopped"
        return self._refuse(403, origin.gateway, reason, "an operator must look at both", body)

    def _refuse_stopped(self, gateway: str, entry: log.Registered | None, body: bytes) -> Answer:
        why = "no longer registered" if entry is None else f"stopped: {entry.stopped_reason}"
        remedy = "an operator of central must decide"
        return self._refuse(403, gateway, f"gateway {gateway} is {why}", remedy, body)

    def _refuse(self, status: int, gateway: str, reason: str, remedy: str, body: bytes) -> Answer:
        self._quarantine.add(status, gateway, reason, body)
        return refusal(status, reason, remedy)
