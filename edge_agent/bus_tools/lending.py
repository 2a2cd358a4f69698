"""A running agent's part of `bus take` and `bus release`: the act socket's routes, the event.

| call | does |
|---|---|
| `take`: bus, seconds (1..3600), who, reason, pid | EVENT bus_lent on, then the port is free |
| `release`: bus, pid | the agent takes the port again; EVENT bus_lent off |

`pid` (optional): a program's that holds it while it runs. Its loan ends with it, however it ends;
and with `pid` it gives back its own loan only, not the next one's.

The event stands in the log before the port is free: a gap never lacks its reason. A kill ends a
loan; then the start of the agent stands in the log.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from edge_agent.bus.bus import BusThread
from edge_agent.bus.holder import MAX_PID, Holder
from edge_agent.bus.loan import MAX_LOAN_MS, Loan
from edge_agent.bus.poller import Now
from edge_agent.control.protocol import BadRequest, Call, Route, refusal
from edge_agent.recording.device_recording import AGENT, Fact, News, Said
from protocols.metering.events import OFF, ON

BUS_LENT: Final = "bus_lent"
NOTE_S: Final = 10.0
STAND_BACK_S: Final = 30.0
"""A lost answer of a slow line and its quiet time; a poll of many blocks."""
Note = Callable[[Sequence[Fact | Said], float], bool]


class Lending:
    """Answers in the client's thread; the loan's end comes from the bus thread."""

    def __init__(
        self, buses: Sequence[BusThread], note: Note, tell: Callable[[News], bool], clock: Now
    ) -> None:
        self._buses = {bus.bus.name: bus for bus in buses}
        self._note = note
        self._tell = tell
        self._clock = clock
        self._one = threading.Lock()
        for bus in buses:
            bus.loans.on_end = self._ended

    def take(self, call: Call, peer: str) -> Mapping[str, object]:
        """Lend it. Raises BadRequest."""
        bus = self._bus(call)
        seconds = call.integer("seconds", 1, MAX_LOAN_MS // 1000)
        who = f"{call.text('who')[:150]} (own word; {peer})"
        now = self._clock.now()
        utc_ms = None if now.utc_ms is None else now.utc_ms + 1000 * seconds
        until_mono_ms = now.mono_ms + 1000 * seconds
        pid = call.integer("pid", 0, MAX_PID, 0)
        loan = Loan(bus.bus.name, who, call.text("reason"), until_mono_ms, utc_ms)
        with self._one:  # else two events say that it is lent, and one of them that it is not
            if bus.loans.current is not None:
                return _lent_already(bus.loans.current)
            why = f"{loan.reason}; {_until(loan, seconds)}"
            if not self._note([self._fact(loan, ON, why)], NOTE_S):
                # behind the other, which the journal may still take: requests stay in order
                self._note([self._fact(loan, OFF, "not lent: the journal was slow")], 0.0)
                return refusal("not lent: the journal takes nothing; see edge-agent's log")
            bus.loans.lend(loan._replace(holder=Holder(pid)))
        bus.jobs.wake()
        if not bus.loans.wait(STAND_BACK_S):
            bus.loans.give_back("the bus did not stand back")
            return refusal(f"bus {loan.bus} does not come round: see edge-agent doctor")
        return {"ok": True, "bus": loan.bus, "seconds": seconds, "until_utc_ms": utc_ms}

    def release(self, call: Call, peer: str) -> Mapping[str, object]:
        """Take it back. Raises BadRequest."""
        bus = self._bus(call)
        pid = call.integer("pid", 0, MAX_PID, 0)
        loan = bus.loans.give_back(f"given back by {peer}", pid)
        bus.jobs.wake()
        current = bus.loans.current
        if loan is None and current is not None:
            return _lent_already(current)
        if loan is None:
            return refusal(f"bus {bus.bus.name} is not lent: the agent has it")
        return {"ok": True, "bus": loan.bus, "who": loan.who}

    def _bus(self, call: Call) -> BusThread:
        name = call.name("bus")
        if name not in self._buses:
            known = ", ".join(self._buses)
            raise BadRequest(f"no bus {name!r}; there are: {known[:500]}")
        return self._buses[name]

    def _ended(self, loan: Loan, how: str) -> bool:
        return self._tell(self._fact(loan, OFF, how))

    def _fact(self, loan: Loan, new: str, why: str) -> Fact:
        old = OFF if new == ON else ON
        who = loan.who if new == ON else AGENT
        detail = f"bus {loan.bus}: {why}"[:500]
        return Fact(self._clock.now(), BUS_LENT, "", old, new, who, detail)


def lending_routes(
    buses: Sequence[BusThread], note: Note, tell: Callable[[News], bool], clock: Now
) -> dict[str, Route]:
    """For the agent's table."""
    lending = Lending(buses, note, tell, clock)
    return {"take": Route(lending.take, acts=True), "release": Route(lending.release, acts=True)}


def _lent_already(loan: Loan) -> dict[str, object]:
    return refusal(f"bus {loan.bus} is lent to {loan.who}: {loan.reason}; bus release ends that")


def _until(loan: Loan, seconds: int) -> str:
    if loan.until_utc_ms is None:
        return f"for {seconds} s at most"
    return f"until {datetime.fromtimestamp(loan.until_utc_ms / 1000, UTC):%F %T} UTC at most"
