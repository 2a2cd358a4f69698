"""One upload from bytes to answer: judge, append, and only then countersign.

Blocking; `app.py` calls it in a worker thread.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from central.clock import Clock
from central.intake import log
from central.intake.adoption import Had, Lost, judge_adoption
from central.intake.alarms import Finding, IntakeCode, keep_alarm
from central.intake.answer import (
    TEXT,
    Answer,
    come_again,
    conflict_answer,
    receipt_answer,
    refusal,
)
from central.intake.heads import newest_heads
from central.intake.judge import (
    Claim,
    Clone,
    GoOn,
    No,
    Take,
    Verdict,
    admit,
    compare,
    judge,
    stranger,
)
from central.intake.offers import answer_offers, newest_offer, take_bundle
from central.intake.orders import answer_orders, newest_order
from central.intake.refusing import OPERATOR, Refusing
from central.key_spans import Act, Done, keep_act, store_schedule
from central.receipt_keys import ReceiptKeys
from central.store.database import Store
from protocols.evidence.adopt import decode_adoption
from protocols.evidence.errors import Malformed
from protocols.evidence.heads import PATH as HEADS_PATH
from protocols.evidence.leaf import Origin, is_gateway_id
from protocols.evidence.upload import Conflict, Equivocation, Upload, countersign, decode_upload

MAX_RACES: Final = 8
"""How often one upload is judged again because another moved the head meanwhile."""


class Sent(NamedTuple):
    """A body, and whose certificate a TLS terminator verified."""

    body: bytes
    identity: str | None


class Intake:
    """Judges uploads against the store; `stored` is called after each that was accepted.

    `identity` of a request: the gateway whose certificate a TLS terminator verified, "" where none
    was shown; None where no terminator is in use.
    """

    def __init__(
        self,
        store: Store,
        keys: Callable[[], ReceiptKeys],
        clock: Clock,
        stored: Callable[[], None],
    ) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._stored = stored
        self._refusing = Refusing(store, clock, stored)

    def receive(
        self, body: bytes, unsent: tuple[int, int] | None = None, identity: str | None = None
    ) -> Answer:
        """The answer to one POSTed body. Raises SQLAlchemyError where the store fails.

        `unsent`: what the gateway says still waits there, of billing and of telemetry.
        """
        try:
            upload = decode_upload(body)
            claim = Claim.of(upload)
        except Malformed as error:
            return self._refusing.refuse(400, "", str(error), "send what encode_upload made", body)
        gateway = claim.origin.gateway
        for _ in range(MAX_RACES):
            entry = self._admitted(claim, body, identity)
            if isinstance(entry, Answer):
                return entry
            with self._store.engine.connect() as conn:
                verdict = judge(conn, entry, upload, claim, self._clock())
            answer = self._do(_Case(entry, upload, claim, body, unsent), verdict)
            if answer is not None:
                return self._with_orders(gateway, answer)
        return come_again("other uploads of this log overtook this one", 1)

    def adopt(self, body: bytes, identity: str | None = None) -> Answer:
        """The answer to a gateway that knows a later end of its log than central does."""
        try:
            adoption = decode_adoption(body)
            claim = Claim.of(adoption)
        except Malformed as error:
            remedy = "send what encode_adoption made"
            return self._refusing.refuse(400, "", str(error), remedy, body)
        for _ in range(MAX_RACES):
            entry = self._admitted(claim, body, identity)
            if isinstance(entry, Answer):
                return entry
            with self._store.engine.connect() as conn:
                judged = judge_adoption(conn, entry, adoption, claim, self._keys())
            match judged:
                case Had(receipt):
                    return receipt_answer(receipt)
                case No() | Equivocation():
                    return self._say(claim, judged, body)
                case Lost():
                    if self._adopted(entry, claim, judged, body):
                        return receipt_answer(judged.adopted.head.receipt)
        return come_again("uploads of this log overtook its adoption", 1)

    def orders(
        self, gateway: str, query: bytes, request: str, identity: str | None = None
    ) -> Answer:
        """The answer to a gateway that asks for its orders. Raises SQLAlchemyError as `receive`."""
        if identity is not None and identity != gateway:
            return self._refused(gateway, stranger(gateway, identity), b"")
        return answer_orders(self._store, gateway, query, request)

    def offers(
        self, gateway: str, query: bytes, request: str, identity: str | None = None
    ) -> Answer:
        """The answer to a gateway that asks what operators offer it."""
        if identity is not None and identity != gateway:
            return self._refused(gateway, stranger(gateway, identity), b"")
        return answer_offers(self._store, gateway, query, request)

    def bundle(self, gateway: str, query: bytes, request: str, sent: Sent) -> Answer:
        """The answer to a gateway that sends its support bundle."""
        if sent.identity is not None and sent.identity != gateway:
            return self._refused(gateway, stranger(gateway, sent.identity), b"")
        return take_bundle(self._store, self._clock, (gateway, query, request), sent.body)

    def heads(self, gateway: str, request: str, identity: str | None = None) -> Answer:
        """The answer to a gateway that asks what central holds of it."""
        if not is_gateway_id(gateway):
            return refusal(400, "no such request", f"GET {HEADS_PATH}<gateway>")
        if identity is not None and identity != gateway:
            return self._refused(gateway, stranger(gateway, identity), b"")
        with self._store.engine.connect() as conn:
            return newest_heads(conn, gateway, request, self._receipt)

    def receipt_keys(self) -> Answer:
        """The successions of the receipt key, oldest first: each proves itself."""
        return Answer(200, TEXT, b"".join(self._keys().notes))

    def complete_receipts(self) -> int:
        """Countersign what was committed just before the process died; how many batches."""
        with self._store.engine.connect() as conn:
            missing = log.without_receipt(conn)
        for origin, size in missing:
            self._receipt(origin, size)
        return len(missing)

    def close(self) -> None:
        """Write the counts that still wait."""
        self._refusing.close()

    def _entry(self, gateway: str, body: bytes) -> log.Registered | Answer:
        """The gateway's entry, if it may upload."""
        with self._store.engine.connect() as conn:
            entry = log.registered(conn, gateway)
        if entry is None:
            reason = f"gateway {gateway} is not registered"
            finding = Finding("", IntakeCode.FOREIGN, reason)
            return self._refusing.alarm(401, finding, "edge-central gateway add", body, gateway)
        if entry.stopped_reason is not None:
            reason = f"gateway {gateway} is stopped: {entry.stopped_reason}"
            return self._refusing.refuse(403, gateway, reason, OPERATOR, body)
        return entry

    def _admitted(self, claim: Claim, body: bytes, identity: str | None) -> log.Registered | Answer:
        """The entry of the gateway that sent this, if it may; verified before its budget pays."""
        gateway = claim.origin.gateway
        entry = self._entry(gateway, body)
        if isinstance(entry, Answer):
            return entry
        no = admit(entry, claim, identity)
        if no is not None:
            return self._refused(gateway, no, body)
        wait_s = self._refusing.budget.wait_s(gateway, self._clock())
        if wait_s:
            return come_again(f"gateway {gateway} sent too much that was refused", wait_s)
        return entry

    def _adopted(self, entry: log.Registered, claim: Claim, lost: Lost, body: bytes) -> bool:
        """Move the head over what is lost, with the alarm; False where it moved meanwhile."""
        now_ms = self._clock()
        with self._store.writer.begin() as conn:
            if not log.append_hole(conn, entry, claim.origin, lost.adopted, now_ms):
                return False
            keep_alarm(conn, lost.finding, body, now_ms)
        self._stored()
        return True

    def _with_orders(self, gateway: str, answer: Answer) -> Answer:
        """Tell the newest order's and offer's number to a gateway that has proven who it is."""
        if answer.status not in (200, 409):
            return answer
        with self._store.engine.connect() as conn:
            return answer._replace(
                newest_order=newest_order(conn, gateway), newest_offer=newest_offer(conn, gateway)
            )

    def _do(self, case: "_Case", verdict: Verdict) -> Answer | None:
        """The answer, or None where the head moved between reading it and writing."""
        match verdict:
            case Take():
                return self._take(case, verdict)
            case GoOn():
                return self._go_on(case, verdict)
            case No() | Clone() | Equivocation():
                return self._say(case.claim, verdict, case.body)

    def _go_on(self, case: "_Case", told: GoOn) -> Answer:
        """409; where the upload may be of another log than ours it is compared, within a budget."""
        origin = case.claim.origin
        finding = told.finding
        if told.may_differ and self._refusing.may_compare(origin.gateway):
            with self._store.engine.connect() as conn:
                finding = compare(conn, case.upload, case.claim)
        answer = conflict_answer(self._with_receipt(origin, told.conflict))
        if finding is None:
            return answer
        self._refusing.note(finding, case.body)
        return self._refusing.charge(origin.gateway, answer)

    def _take(self, case: "_Case", take: Take) -> Answer | None:
        """Append, and only then countersign. None as `_do`."""
        origin = case.claim.origin
        now_ms = self._clock()
        new = log.NewBatch(
            case.entry, origin, take.head, take.accepted.frontier, case.upload.checkpoint,
            case.body, take.accepted.leaves, now_ms, case.unsent,
        )  # fmt: skip
        with self._store.writer.begin() as conn:
            if not log.append(conn, new):
                return None
            if take.schedule != case.entry.schedule:
                store_schedule(conn, take.schedule, now_ms)
                detail = f"{take.schedule.newest} after {origin} at size {case.claim.size}"
                keep_act(
                    conn, Done(origin.gateway, Act.ROTATED, origin.gateway, "", detail), now_ms
                )
        self._stored()
        return receipt_answer(self._receipt(origin, case.claim.size))

    def _say(self, claim: Claim, verdict: No | Clone | Equivocation, body: bytes) -> Answer:
        """A refusal, or a stop with its proof."""
        match verdict:
            case No():
                return self._refused(claim.origin.gateway, verdict, body)
            case Clone(finding):
                return self._refusing.stop_clone(finding, body)
            case Equivocation():
                return self._refusing.stop_equivocation(claim.origin, claim.size, verdict, body)

    def _refused(self, gateway: str, no: No, body: bytes) -> Answer:
        """With its alarm; what is the gateway's own fault costs its budget."""
        if no.finding is None:
            answer = self._refusing.refuse(no.status, gateway, no.reason, no.remedy, body)
        else:
            answer = self._refusing.alarm(no.status, no.finding, no.remedy, body, gateway)
        return self._refusing.charge(gateway, answer) if no.is_his else answer

    def _receipt(self, origin: Origin, size: int) -> bytes:
        """Countersign a committed batch, unless it was done already, and store the receipt."""
        with self._store.engine.connect() as conn:
            checkpoint = log.checkpoint_at(conn, origin, size)
        assert checkpoint is not None, f"{origin} at {size} was committed and is gone"
        receipt = countersign(checkpoint, self._keys().signer, self._clock() // 1000)
        with self._store.writer.begin() as conn:
            return log.keep_receipt(conn, origin, size, receipt)

    def _with_receipt(self, origin: Origin, conflict: Conflict) -> Conflict:
        if conflict.size == 0 or conflict.receipt:
            return conflict
        return conflict._replace(receipt=self._receipt(origin, conflict.size))


class _Case(NamedTuple):
    """One upload, and what it is judged by."""

    entry: log.Registered
    upload: Upload
    claim: Claim
    body: bytes
    unsent: tuple[int, int] | None
