"""Refusals with what is kept of them: a count and a sample, an alarm with its evidence, a stop."""

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection

from central.clock import Clock
from central.intake import log
from central.intake.alarms import Finding, IntakeAlarms, keep_alarm
from central.intake.answer import Answer, refusal
from central.intake.budget import Budget
from central.intake.quarantine import Quarantine
from central.key_spans import Act, Done, keep_act
from central.store.database import Store
from protocols.evidence.leaf import Origin
from protocols.evidence.upload import Equivocation

OPERATOR: Final = "an operator of central must decide: edge-central gateway list"
CENTRAL: Final = "central"
"""Who stops a gateway where no person does."""


class Refusing:
    """One for an intake. `told` is called after each stop: somebody shows it."""

    def __init__(self, store: Store, clock: Clock, told: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._told = told
        self._quarantine = Quarantine(store, clock)
        self._alarms = IntakeAlarms(store, clock)
        self.budget = Budget()
        self._compared = Budget()

    def refuse(self, status: int, gateway: str, reason: str, remedy: str, body: bytes) -> Answer:
        """Count it, keep a sample now and then, and tell."""
        self._quarantine.add(status, gateway, reason, body)
        return refusal(status, reason, remedy)

    def alarm(
        self, status: int, finding: Finding, remedy: str, body: bytes, claimed: str
    ) -> Answer:
        """Refuse what an operator must hear of; the finding's words are the reason.

        `claimed`: the gateway that the request says it is of, also where nobody knows it.
        """
        self._alarms.add(finding, body)
        return self.refuse(status, claimed, finding.detail, remedy, body)

    def may_compare(self, gateway: str) -> bool:
        """Whether a repeated upload may be compared with ours now: seldom repeated, it may.

        Without it the gateway gets the same answer, and nobody looks whether it has another log.
        """
        now_ms = self._clock()
        if self._compared.wait_s(gateway, now_ms):
            return False
        self._compared.take(gateway, now_ms)
        return True

    def note(self, finding: Finding, body: bytes) -> None:
        """Alarm what is answered otherwise."""
        self._alarms.add(finding, body)

    def charge(self, gateway: str, answer: Answer) -> Answer:
        """Take one of the gateway's tokens for refused work that was verified to be his."""
        self.budget.take(gateway, self._clock())
        return answer

    def stop_clone(self, finding: Finding, body: bytes) -> Answer:
        """Two machines use one key: no more uploads of this gateway until an operator decides."""
        now_ms = self._clock()
        with self._store.writer.begin() as conn:
            keep_alarm(conn, finding, body, now_ms)
            _stop(conn, finding.gateway, f"{finding.code.value}: {finding.detail}", now_ms)
        self._told()
        return self.refuse(403, finding.gateway, finding.detail, OPERATOR, body)

    def stop_equivocation(
        self, origin: Origin, size: int, proof: Equivocation, body: bytes
    ) -> Answer:
        """Two signed roots for one size: both are kept, and the gateway is stopped."""
        now_ms = self._clock()
        with self._store.writer.begin() as conn:
            log.keep_equivocation(conn, origin, size, proof, now_ms)
            _stop(conn, origin.gateway, f"{log.EQUIVOCATION}: {origin} at size {size}", now_ms)
        self._told()
        reason = f"two signed roots for {origin} at size {size}; uploads of the gateway are stopped"
        return self.refuse(403, origin.gateway, reason, "an operator must look at both", body)

    def close(self) -> None:
        """Write the counts that still wait."""
        self._quarantine.flush()
        self._alarms.flush()


def _stop(conn: Connection, gateway: str, reason: str, at_ms: int) -> None:
    """Stop it, and keep that; one that is stopped keeps its first reason."""
    if log.stop(conn, gateway, reason, at_ms):
        keep_act(conn, Done(gateway, Act.STOPPED, CENTRAL, reason), at_ms)
