"""Enrolment as an operator does it: tokens, and the approval of a fingerprint.

Each decision is one transaction with the act that says who took it and why.
"""

import secrets
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, func, insert, select, update

from central.clock import Clock
from central.enrolment import APPROVED, PENDING, REFUSED
from central.gateway_ca import GatewayCa
from central.key_spans import (
    Act,
    Done,
    held,
    keep_act,
    load_schedule,
    newest_epoch,
    store_schedule,
)
from central.registry import RegistryError, Who, let_go, register
from central.store.database import Store
from central.store.registry_tables import enrol_token, enrolment
from protocols.evidence.enrol import open_request
from protocols.evidence.enrol_token import LIFE_S, SECRET_BYTES, Token
from protocols.evidence.errors import Malformed
from protocols.evidence.leaf import is_gateway_id

MAX_OPEN_TOKENS: Final = 10_000


class Pins(NamedTuple):
    """What a token says of central: SHA-256 of its CA certificate, and of its receipt key."""

    ca_sha256: bytes
    receipt_sha256: bytes


class Waiting(NamedTuple):
    """A request that an operator has to decide."""

    gateway: str
    fingerprint: str
    serial: str
    replaces: str | None
    asked_ms: int


def make_token(
    store: Store, gateway: str, serial: str, pins: Pins, clock: Clock, who: Who
) -> Token:
    """A new one-time token; only its hash is kept. `serial` "": of any machine.

    Raises RegistryError. Also for a gateway that is registered: it gets a new key, from a new epoch
    on.
    """
    if not is_gateway_id(gateway):
        raise RegistryError(
            f"gateway id {gateway[:80]!r}: use [a-z0-9][a-z0-9.-]*, at most 63 characters"
        )
    now_ms = clock()
    token = Token(gateway, secrets.token_bytes(SECRET_BYTES), *pins)
    with store.writer.begin() as conn:
        is_open = enrol_token.c.used_ms.is_(None) & (enrol_token.c.expires_ms > now_ms)
        count = conn.scalar(select(func.count()).select_from(enrol_token).where(is_open)) or 0
        if count >= MAX_OPEN_TOKENS:
            raise RegistryError(f"{count} tokens are open; wait until some are used or over")
        conn.execute(
            insert(enrol_token).values(
                token_hash=token.secret_sha256(),
                gateway=gateway,
                serial=serial,
                made_ms=now_ms,
                expires_ms=now_ms + LIFE_S * 1000,
            )
        )
        detail = f"for serial {serial}" if serial else "for any serial"
        keep_act(conn, Done(gateway, Act.TOKEN, *who, detail), now_ms)
    return token


def approve(
    store: Store, gateway: str, shown: str, ca: GatewayCa | None, clock: Clock, who: Who
) -> int:
    """Let the request with this fingerprint in; return the first epoch of its key. RegistryError.

    A registered gateway goes on with the new key from a new epoch on; the old key is good for what
    central holds, and a stop is over.
    """
    now_ms = clock()
    with store.writer.begin() as conn:
        row = _pending(conn, gateway, shown)
        schedule = load_schedule(conn, gateway)
        if schedule is None:
            register(conn, gateway, row.vkey, now_ms)
            epoch = 0
        else:
            epoch = (newest_epoch(conn, schedule) or 0) + 1
            try:
                renewed = schedule.revoked(held(conn, gateway)).renewed(row.vkey, epoch)
            except Malformed as error:
                raise RegistryError(str(error)) from None
            store_schedule(conn, renewed, now_ms)
            let_go(conn, gateway)
        request = open_request(row.request)
        certificate = None if ca is None else ca.issue(request.csr, gateway, now_ms)
        conn.execute(
            update(enrolment)
            .where(enrolment.c.number == row.number)
            .values(state=APPROVED, decided_ms=now_ms, certificate=certificate)
        )
        replaced = f" replaces {request.replaces}" if request.replaces else ""
        detail = f"{row.fingerprint} {row.vkey} from epoch {epoch}{replaced}"
        keep_act(conn, Done(gateway, Act.APPROVED, *who, detail), now_ms)
    return epoch


def refuse(store: Store, gateway: str, shown: str, clock: Clock, who: Who) -> None:
    """Say no to a request. Raises RegistryError."""
    with store.writer.begin() as conn:
        row = _pending(conn, gateway, shown)
        conn.execute(
            update(enrolment)
            .where(enrolment.c.number == row.number)
            .values(state=REFUSED, decided_ms=clock())
        )
        keep_act(conn, Done(gateway, Act.REFUSED, *who, row.fingerprint), clock())


def waiting(conn: Connection) -> list[Waiting]:
    """Requests that wait for an operator, oldest first."""
    rows = conn.execute(
        select(enrolment).where(enrolment.c.state == PENDING).order_by(enrolment.c.number)
    )
    return [
        Waiting(
            row.gateway,
            row.fingerprint,
            row.serial,
            open_request(row.request).replaces,
            row.asked_ms,
        )
        for row in rows
    ]


def _pending(conn: Connection, gateway: str, shown: str) -> Row[Any]:
    row = conn.execute(
        select(enrolment).where(
            enrolment.c.gateway == gateway,
            enrolment.c.fingerprint == shown.strip().lower(),
            enrolment.c.state == PENDING,
        )
    ).one_or_none()
    if row is None:
        raise RegistryError(
            f"no request of {gateway} with the fingerprint {shown[:80]} waits; compare it with "
            "what the gateway shows, and with edge-central gateway list"
        )
    return row
