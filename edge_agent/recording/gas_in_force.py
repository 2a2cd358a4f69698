"""Which gas holds for the runs of the file: the file's, or that of an order of central.

An order holds from its effective time until the file says something else of the gas of that name,
or another order for it comes into force.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_agent.journal.memory import HeldOrder, OrderState
from protocols.metering.gas_order import under_gas

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig
    from edge_agent.journal.draft import Draft
    from protocols.metering.instant import Instant
    from protocols.metering.run_config import RunConfig

MAX_DETAIL: Final = 500  # characters of an event's detail

# Codes of the events; `new` is the order's number, `old` another order's that it is about.
RECEIVED: Final = "gas_order_received"
WAITS: Final = "gas_order_waits"
REFUSED: Final = "gas_order_refused"
LATE: Final = "gas_order_late"
IN_FORCE: Final = "gas_order_in_force"
ENDED: Final = "gas_order_ended"


def who_sent(order: HeldOrder) -> str:
    """Who changed the gas, for the log."""
    return f"central: {order.gas.who}, order {order.number}"


def runs_in_force(
    draft: Draft, config: AgentConfig, instant: Instant, who: str
) -> tuple[RunConfig, ...]:
    """The file's runs, with the gases that orders hold; an order that the file ended is told."""
    held: dict[str, HeldOrder] = {}
    draft.changing = frozenset()  # what was to change does so now: all runs close at a start
    for order in list(draft.orders.values()):
        if order.state is not OrderState.IN_FORCE:
            continue
        if order.file_hash == config.gas_hash(order.gas.name):
            held[order.gas.name] = order
        else:
            del draft.orders[order.number]
            detail = f"gas {order.gas.name} was changed in the file"
            draft.event(instant, ENDED, "", None, order.number, who, detail)
    return tuple(_under(draft, run, held.get(run.gas.name), instant) for run in config.runs)


def _under(draft: Draft, run: RunConfig, order: HeldOrder | None, instant: Instant) -> RunConfig:
    """A run that the file changed so that the order's gas no longer suits it goes by the file."""
    if order is None:
        return run
    changed = under_gas(run, order.gas)
    if not isinstance(changed, list):
        return changed
    told = "; ".join(changed)[:MAX_DETAIL]
    draft.event(instant, REFUSED, run.run, None, order.number, who_sent(order), told)
    return run
