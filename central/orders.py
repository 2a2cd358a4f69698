"""Gas data for a gateway: checked, numbered, signed and stored; the intake hands them out.

A number is given inside the transaction that stores the order, so two senders cannot take one.
"""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, insert, select

from central.clock import Clock
from central.keys import KeyFileError, create_order_key, has_order_key, load_order_key
from central.store.database import Store
from central.store.ledger_tables import event
from central.store.log_tables import gas_order
from central.store.log_tables import gateway as gateway_table
from protocols.evidence.errors import Malformed
from protocols.evidence.note import Signer
from protocols.evidence.order import GAS, Order, sign_order
from protocols.metering.body import BodyError
from protocols.metering.composition import CompositionFault, SumRule, parse_composition
from protocols.metering.gas_data import (
    GasData,
    GasSource,
    gas_of_composition,
    gas_of_inputs,
)
from protocols.metering.gas_order import parse_gas_order
from protocols.metering.request_object import RequestError, read_object
from protocols.metering.sgerg88 import SgergGas

MAX_LISTED: Final = 1000
STATES: Final = {
    "gas_order_received": "received",
    "gas_order_waits": "waits for the gateway's clock",
    "gas_order_refused": "refused",
    "gas_order_in_force": "in force",
    "gas_order_ended": "over",
}
"""What the newest event of an order means."""


class OrderError(Exception):
    """An order cannot be sent so; names the field and the remedy."""


class Listed(NamedTuple):
    """An order as it was sent, and what the gateway's events say of it."""

    gateway: str
    number: int
    gas: str
    effective_utc_ms: int
    who: str
    state: str


class Effective(NamedTuple):
    """Since when a gas holds, and who says so."""

    utc_ms: int
    who: str


def effective_ms(text: str | None, now_ms: int, *, is_now: bool) -> int:
    """The effective time in UTC ms. Raises OrderError where it is none, or is over."""
    if text is None:
        if is_now:
            return now_ms
        raise OrderError("--effective is missing; write 2026-12-01T08:00:00+08:00, or give --now")
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise OrderError(f"--effective: {error}; write 2026-12-01T08:00:00+08:00") from None
    if instant.tzinfo is None:
        raise OrderError(f"--effective {text} has no offset; end it with one, +08:00, or Z for UTC")
    utc_ms = round((instant - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
    if utc_ms < now_ms and not is_now:
        raise OrderError(
            f"--effective {text} is over; nothing is changed after the fact: choose a later time, "
            "or give --now, and it takes effect when it arrives"
        )
    return utc_ms


def gas_of_json(name: str, data: bytes, since: Effective) -> GasData:
    """The gas of a JSON object of component: mole fraction. Raises OrderError."""
    try:
        entries = read_object(data)
    except RequestError as error:
        raise OrderError(f"--composition {error.field or 'file'}: {error.error}") from None
    found = parse_composition(entries, rule=SumRule.REFUSE)
    if isinstance(found, CompositionFault):
        raise OrderError(f"--composition {found}")
    return gas_of_composition(name, found.composition, GasSource.CENTRAL, *since)


def gas_of_figures(
    name: str, figures: tuple[float, float, float, float], since: Effective
) -> GasData:
    """The gas of Hs (MJ/m3, 25/0), d (0 degC), x_CO2 and x_H2. Raises OrderError."""
    for field, figure in zip(("Hs", "d", "x_CO2", "x_H2"), figures, strict=True):
        if not abs(figure) < 1e6:
            raise OrderError(f"--figures {field}: {figure} is no figure of a gas")
    return gas_of_inputs(name, SgergGas(*figures), GasSource.CENTRAL, *since)


def order_key(store: Store) -> Signer:
    """The order key; an older store gets one now. Raises KeyFileError.

    Where orders were sent it is never made anew: gateways believe the one that signed those.
    """
    if has_order_key(store.directory):
        return load_order_key(store.directory)
    with store.engine.connect() as conn:
        if conn.execute(select(gas_order.c.number).limit(1)).first() is not None:
            raise KeyFileError(
                f"{store.directory}: the order key is missing, and orders were signed with it; "
                "restore it from your own copy"
            )
    return create_order_key(store.directory)


def check_gas(gas: GasData) -> None:
    """Raise OrderError with every fault that makes the gas data unusable anywhere."""
    try:
        parse_gas_order(gas.to_body())
    except BodyError as error:
        raise OrderError(str(error)) from None


def send_gas(
    store: Store, signer: Signer, gateway: str, gas: GasData, clock: Clock, after: int = 0
) -> int:
    """Sign and store the order; its number, which is above `after` too. Raises OrderError.

    `after` is for a store that was restored from a backup: what the gateway has taken already.
    """
    check_gas(gas)
    table = gas_order
    with store.writer.begin() as conn:
        known = select(gateway_table.c.gateway).where(gateway_table.c.gateway == gateway)
        if conn.execute(known).first() is None:
            raise OrderError(
                f"--gateway {gateway[:80]!r} is not registered; edge-central gateway list"
            )
        newest = select(func.max(table.c.number)).where(table.c.gateway == gateway)
        number = max(conn.scalar(newest) or 0, after) + 1
        try:
            note = sign_order(Order(gateway, number, GAS, gas.to_body()), signer)
        except Malformed as error:
            raise OrderError(str(error)) from None
        conn.execute(
            insert(table).values(
                gateway=gateway,
                number=number,
                gas=gas.name,
                effective_utc_ms=gas.effective_utc_ms,
                who=gas.who,
                note=note,
                sent_ms=clock(),
            )
        )
    return number


def list_orders(store: Store, gateway: str | None = None) -> list[Listed]:
    """The newest orders, newest last; of one gateway or of all."""
    table = gas_order
    columns = (table.c[name] for name in Listed._fields[:-1])
    query = (
        select(*columns).order_by(table.c.sent_ms.desc(), table.c.number.desc()).limit(MAX_LISTED)
    )
    if gateway is not None:
        query = query.where(table.c.gateway == gateway)
    with store.engine.connect() as conn:
        return [
            Listed(**sent, state=_state(conn, sent["gateway"], sent["number"]))
            for sent in reversed(conn.execute(query).mappings().all())
        ]


def utc_text(utc_ms: int) -> str:
    """UTC ms as people read it: 2026-12-01T00:00:00Z."""
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=utc_ms)
    return instant.isoformat(timespec="auto").replace("+00:00", "Z")


def _state(conn: Connection, gateway: str, number: int) -> str:
    """By the newest event that names the order."""
    events = select(event.c.code).where(
        event.c.gateway == gateway, event.c.code.in_(tuple(STATES)), event.c.new == str(number)
    )
    code = conn.scalar(events.order_by(event.c.epoch.desc(), event.c.seq.desc()).limit(1))
    return "sent" if code is None else STATES[code]
