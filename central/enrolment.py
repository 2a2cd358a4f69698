"""Enrolment as a gateway sees it: a request for a token, how it stands, a new certificate.

A token lets in once, for a day, and for one machine where its serial is given; what it brings is
only a request: a key signs nothing before an operator has approved it (`enrol_decisions.py`).
"""

from typing import Final, NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from central.gateway_ca import GatewayCa
from central.key_spans import Act, Done, keep_act, load_schedule
from central.store.log_tables import head
from central.store.registry_tables import enrol_token, enrolment
from protocols.evidence.enrol import (
    Answer,
    Approved,
    Cited,
    Denied,
    Pending,
    Replaced,
    Request,
    check_poll,
    fingerprint,
    open_request,
)
from protocols.evidence.enrol_token import secret_hash
from protocols.evidence.errors import EvidenceError
from protocols.evidence.keys import KeySchedule
from protocols.evidence.note import Verifier

PENDING: Final = "pending"
APPROVED: Final = "approved"
REFUSED: Final = "refused"
_POLLED: Final = 4
"""How many of a gateway's newest requests a poll may be of."""


class Keys(NamedTuple):
    """What an approved gateway is told; `ca` signs its certificate, None where there is none."""

    receipt_vkey: str
    order_vkey: str
    ca: GatewayCa | None


def ask(conn: Connection, request: Request, data: bytes, now_ms: int) -> int | Denied:
    """Take a verified request with a token; its number, or why not. In the caller's transaction.

    The same request again, as after a lost answer, is the same number.
    """
    token = conn.execute(
        select(enrol_token).where(enrol_token.c.token_hash == secret_hash(request.secret))
    ).one_or_none()
    make_new = "ask for a new token: edge-central gateway add --token"
    if token is None or token.gateway != request.gateway:
        return Denied(f"no such token for {request.gateway}", make_new)
    if token.serial not in ("", request.serial):
        reason = f"the token is for the machine with serial {token.serial}"
        return Denied(reason, f"this one has {request.serial}; {make_new}")
    shown = fingerprint(request)
    if token.used_ms is not None:
        number = _number_of(conn, request.gateway, shown)
        return number or Denied("the token was used, by other keys", make_new)
    if token.expires_ms <= now_ms:
        return Denied("the token is over, it was good for a day", make_new)
    fault = _fault(conn, request)
    if fault is not None:
        return fault
    conn.execute(
        update(enrol_token)
        .where(enrol_token.c.token_hash == token.token_hash)
        .values(used_ms=now_ms)
    )
    conn.execute(  # an older request is overtaken: one decision at a time
        update(enrolment)
        .where(enrolment.c.gateway == request.gateway, enrolment.c.state == PENDING)
        .values(state=REFUSED, decided_ms=now_ms)
    )
    inserted = conn.execute(
        insert(enrolment).values(
            gateway=request.gateway,
            fingerprint=shown,
            vkey=request.log_vkey,
            serial=request.serial,
            request=data,
            asked_ms=now_ms,
            state=PENDING,
        )
    )
    keep_act(conn, Done(request.gateway, Act.ENROLLED, "", "", shown), now_ms)
    [number] = inserted.inserted_primary_key or (0,)
    return int(number)


def answer(conn: Connection, number: int, keys: Keys) -> Answer:
    """How a request stands."""
    row = conn.execute(select(enrolment).where(enrolment.c.number == number)).one()
    if row.state == PENDING:
        return Pending(row.fingerprint)
    if row.state == REFUSED:
        return Denied("this request was refused, or a later one took its place",
                      "ask the operator, and for a new token")  # fmt: skip
    return _approved(conn, open_request(row.request), row.certificate or b"", keys)


def poll(conn: Connection, gateway: str, header: str) -> int | None:
    """The newest request of a gateway whose log key signed this poll; None where there is none."""
    rows = conn.execute(
        select(enrolment.c.number, enrolment.c.vkey)
        .where(enrolment.c.gateway == gateway)
        .order_by(enrolment.c.number.desc())
        .limit(_POLLED)
    )
    for row in rows:
        try:
            check_poll(gateway, header, Verifier.from_vkey(row.vkey))
        except EvidenceError:
            continue
        return int(row.number)
    return None


def renew(conn: Connection, request: Request, keys: Keys, now_ms: int) -> Approved | Denied:
    """A new client certificate for a gateway in service, whose log key in force asked for it."""
    schedule = load_schedule(conn, request.gateway)
    if schedule is None or schedule.newest != request.log_vkey or schedule.is_revoked():
        return Denied(f"{request.gateway} has no such key in force", "enrol it with a token")
    certificate = b"" if keys.ca is None else keys.ca.issue(request.csr, request.gateway, now_ms)
    return _approved(conn, request._replace(replaces=None), certificate, keys)


def _fault(conn: Connection, request: Request) -> Denied | None:
    """What an operator could not approve anyway."""
    schedule = load_schedule(conn, request.gateway)
    if schedule is not None and request.log_vkey in schedule.vkeys():
        return Denied("this log key was in use before", "make a new one: edge-agent enroll")
    if request.replaces is not None and load_schedule(conn, request.replaces) is None:
        reason = f"the gateway to be replaced, {request.replaces}, is not registered"
        return Denied(reason, "give its id as central knows it")
    return None


def _approved(conn: Connection, request: Request, certificate: bytes, keys: Keys) -> Approved:
    schedule = load_schedule(conn, request.gateway)
    assert schedule is not None, f"{request.gateway} was approved and is not registered"
    epoch = _first_epoch(schedule, request.log_vkey)
    replaced = None
    if request.replaces is not None:
        replaced = Replaced(request.replaces, _cited(conn, request.replaces))
    return Approved(keys.receipt_vkey, keys.order_vkey, certificate, epoch, replaced)


def _first_epoch(schedule: KeySchedule, vkey: str) -> int:
    return next(span.epoch for span in schedule.billing if span.vkey == vkey)


def _cited(conn: Connection, gateway: str) -> tuple[Cited, ...]:
    """Where the newest epoch of each of its logs ends at central, with receipt."""
    rows = conn.execute(
        select(head.c.log, head.c.checkpoint, head.c.receipt)
        .where(head.c.gateway == gateway, head.c.receipt.is_not(None))
        .order_by(head.c.log, head.c.epoch)
    )
    newest = {row.log: Cited(row.checkpoint, row.receipt) for row in rows}
    return tuple(newest.values())


def _number_of(conn: Connection, gateway: str, shown: str) -> int | None:
    number: int | None = conn.scalar(
        select(func.max(enrolment.c.number)).where(
            enrolment.c.gateway == gateway, enrolment.c.fingerprint == shown
        )
    )
    return number
