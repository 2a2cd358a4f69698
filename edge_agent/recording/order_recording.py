"""Orders of central into leaves: received, waiting, in force. Pure: everything goes into a draft.

An order comes into force at its effective UTC by a synchronised clock, never before and never
after the fact. A run changes with its meter's first good scan at or after that: what passed up to
that scan is still the old gas's and closes with it, as at any boundary of an interval, so an order
for the begin of a gas day cuts nothing in two. Either all runs that use the gas take it, or none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from edge_agent.journal.memory import HeldOrder, OrderState
from edge_agent.recording.clock_recording import record_clock
from edge_agent.recording.gas_in_force import (
    ENDED,
    IN_FORCE,
    LATE,
    MAX_DETAIL,
    RECEIVED,
    REFUSED,
    WAITS,
    who_sent,
)
from edge_agent.recording.recording import configure_run
from protocols.evidence.order import GAS, Order
from protocols.metering.body import BodyError
from protocols.metering.gas_data import GasData
from protocols.metering.gas_order import parse_gas_order, under_gas
from protocols.metering.instant import ClockState, Instant
from protocols.metering.run_config import RunConfig

if TYPE_CHECKING:
    from edge_agent.bus.poller import PolledScan
    from edge_agent.config.model import AgentConfig
    from edge_agent.journal.draft import Draft

MAX_HELD: Final = 64  # orders that wait or are in force
LATE_MS: Final = 5_000  # less is a poll that took its time
CENTRAL: Final = "central"

Refusals = Sequence[tuple[str, str]]
"""(run, or "" for the gateway; why)."""


def is_waiting(orders: Iterable[HeldOrder]) -> bool:
    """Whether an order has yet to come into force."""
    return any(order.state is not OrderState.IN_FORCE for order in orders)


def record_order(
    draft: Draft, order: Order, note: bytes, config: AgentConfig, instant: Instant
) -> None:
    """An order that verified: kept with its event, or refused with one; nothing where it is known.

    Its number is used up either way, so that none is obeyed twice.
    """
    if order.number <= draft.order_number:
        return
    record_clock(draft, instant)
    draft.order_number = order.number
    draft.urgent = True
    told = f"note sha256 {hashlib.sha256(note).hexdigest()}"
    gas = _gas_of(order)
    if isinstance(gas, str):
        draft.event(instant, RECEIVED, "", None, order.number, CENTRAL, told)
        draft.event(instant, REFUSED, "", None, order.number, CENTRAL, gas[:MAX_DETAIL])
        return
    held = HeldOrder(order.number, note, gas)
    told = f"gas {gas.name} from {_utc(gas.effective_utc_ms)}, {told}"
    draft.event(instant, RECEIVED, "", None, order.number, who_sent(held), told)
    found = _taken(draft, gas)
    if isinstance(found, list) and len(draft.orders) >= MAX_HELD:
        found = (("", f"{MAX_HELD} orders are held already; wait until one is in force"),)
    if isinstance(found, tuple):
        _refuse(draft, held, found, instant)
        return
    if (utc_ms := _believed(instant)) is not None and utc_ms > gas.effective_utc_ms:
        held = held._replace(state=OrderState.LATE)
        _tell_late(draft, held, utc_ms, instant)
    draft.orders[order.number] = held
    record_due(draft, config, instant)


def _gas_of(order: Order) -> GasData | str:
    if order.kind != GAS:
        return f"kind {order.kind[:40]!r} is not known; use a newer edge-agent"
    try:
        return parse_gas_order(order.item)
    except BodyError as error:
        return str(error)


def record_due(draft: Draft, config: AgentConfig, instant: Instant, grace_ms: int = 0) -> None:
    """What is due at this instant comes into force, in the order of the effective times.

    `grace_ms`: the scans of so long ago may still be on their way.
    """
    waiting = [o for o in draft.orders.values() if o.state is not OrderState.IN_FORCE]
    for order in sorted(waiting, key=lambda o: (o.gas.effective_utc_ms, o.number)):
        utc_ms = _believed(instant)
        if utc_ms is None:
            _wait(draft, order, instant)
        elif utc_ms >= order.gas.effective_utc_ms + grace_ms:
            _put_in_force(draft, order, config, instant, utc_ms)


def _believed(instant: Instant) -> int | None:
    """UTC where somebody steers the clock, else None."""
    return instant.utc_ms if instant.clock_state == ClockState.SYNCHRONISED else None


def _wait(draft: Draft, order: HeldOrder, instant: Instant) -> None:
    """Said once, and only when the time may have come."""
    shown = instant.utc_ms
    is_due = shown is None or shown >= order.gas.effective_utc_ms
    if not is_due or order.state is OrderState.UNSYNCHRONISED:
        return
    record_clock(draft, instant)
    detail = "the clock is not synchronised: the gas changes when it is"
    draft.event(instant, WAITS, "", None, order.number, who_sent(order), detail)
    draft.orders[order.number] = order._replace(state=OrderState.UNSYNCHRONISED)
    draft.urgent = True


def _put_in_force(
    draft: Draft, order: HeldOrder, config: AgentConfig, instant: Instant, utc_ms: int
) -> None:
    record_clock(draft, instant)
    draft.urgent = True
    found = _taken(draft, order.gas)
    if isinstance(found, tuple):
        del draft.orders[order.number]
        _refuse(draft, order, found, instant)
        return
    if order.state is not OrderState.LATE and utc_ms - order.gas.effective_utc_ms > LATE_MS:
        _tell_late(draft, order, utc_ms, instant)
    name, who = order.gas.name, who_sent(order)
    for other in list(draft.orders.values()):
        if other.state is OrderState.IN_FORCE and other.gas.name == name:
            del draft.orders[other.number]
            detail = f"another order for gas {name} comes into force"
            draft.event(instant, ENDED, "", order.number, other.number, who, detail)
    draft.event(instant, IN_FORCE, "", None, order.number, who, f"gas {name}")
    draft.orders[order.number] = order._replace(
        state=OrderState.IN_FORCE, file_hash=config.gas_hash(name)
    )
    draft.changing |= {run.run for run in found if draft.runs[run.run].config != run}


def change_gas(draft: Draft, polled: PolledScan) -> None:
    """After a scan of a meter: its run takes the gas of the order that came into force."""
    for name in sorted(draft.changing):
        memory = draft.runs[name]
        if memory.state.now.reference != polled.instant:
            continue  # not this run's meter, or the scan was not accepted
        order = _in_force(draft, memory.config.gas.name)
        utc_ms = polled.instant.utc_ms
        if utc_ms is not None and utc_ms < order.gas.effective_utc_ms:
            continue  # polled before, and only now recorded
        draft.changing -= {name}
        changed = under_gas(memory.config, order.gas)
        assert isinstance(changed, RunConfig), "the order was put in force for this configuration"
        configure_run(draft, changed, polled.instant, who_sent(order), None)


def _in_force(draft: Draft, name: str) -> HeldOrder:
    """The one order for a gas that is in force: there is one, or no run would be changing."""
    return next(
        order
        for order in draft.orders.values()
        if order.state is OrderState.IN_FORCE and order.gas.name == name
    )


def _taken(draft: Draft, gas: GasData) -> list[RunConfig] | tuple[tuple[str, str], ...]:
    """The configurations of all runs that use the gas under the new one, or why not, by run."""
    users = [
        memory.config
        for memory in draft.runs.values()
        if memory.active and memory.config.gas.name == gas.name
    ]
    if not users:
        return (("", f"no run uses a gas {gas.name!r}; name it as gateway.toml does"),)
    configs, refusals = [], []
    for config in users:
        changed = under_gas(config, gas)
        if isinstance(changed, list):
            refusals.append((config.run, "; ".join(changed)))
        else:
            configs.append(changed)
    return tuple(refusals) or configs


def _refuse(draft: Draft, order: HeldOrder, why: Refusals, instant: Instant) -> None:
    for run, told in why:
        who = who_sent(order)
        draft.event(instant, REFUSED, run, None, order.number, who, told[:MAX_DETAIL])


def _tell_late(draft: Draft, order: HeldOrder, utc_ms: int, instant: Instant) -> None:
    late_s = (utc_ms - order.gas.effective_utc_ms) / 1000
    detail = f"{late_s:.0f} s after its effective time; it holds from now on, not from then"
    draft.event(instant, LATE, "", None, order.number, who_sent(order), detail)


def _utc(utc_ms: int) -> str:
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=utc_ms)
    return instant.isoformat().replace("+00:00", "Z")
