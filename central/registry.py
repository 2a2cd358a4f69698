"""The allow-list: which gateways may upload, with which keys, and what operators decide of them.

Every decision is one transaction with the act that says who took it and why.
"""

from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from central.clock import Clock
from central.key_spans import Act, Done, held, keep_act, load_schedule, store_schedule
from central.store.database import Store
from central.store.log_tables import gateway as gateway_table
from central.store.log_tables import head
from protocols.evidence.errors import EvidenceError, Malformed
from protocols.evidence.keys import KeySchedule, KeySpan
from protocols.evidence.leaf import Log, is_gateway_id
from protocols.evidence.note import KeyType, Verifier


class RegistryError(Exception):
    """An operator's act that cannot be done so; says what to do."""


class Who(NamedTuple):
    """Who acts, and why; both are claims and kept as they are given."""

    name: str
    reason: str = ""


class Entry(NamedTuple):
    """One gateway of the allow-list. `last_ms`: of its newest accepted batch."""

    gateway: str
    schedule: KeySchedule
    stopped_reason: str | None
    last_ms: int | None

    @property
    def vkey(self) -> str:
        return self.schedule.newest

    @property
    def state(self) -> str:
        """In one word, or with the reason."""
        if self.stopped_reason is not None:
            return f"STOPPED {self.stopped_reason}"
        return "REVOKED" if self.schedule.is_revoked() else "may upload"


def add_gateway(
    store: Store, gateway: str, vkey: str, clock: Clock, who: Who | None = None
) -> bool:
    """Register a gateway; False if it was there with this very key. Raises RegistryError.

    A key is never replaced so: what it signed must stay provable.
    """
    check_log_key(gateway, vkey)
    with store.writer.begin() as conn:
        known = load_schedule(conn, gateway)
        if known is None:
            register(conn, gateway, vkey, clock())
            keep_act(conn, Done(gateway, Act.ADDED, *(who or Who("")), vkey), clock())
        elif known.newest != vkey:
            raise RegistryError(
                f"{gateway} is registered with another key, {known.newest}; a gateway that lost "
                "its key is enrolled again (gateway add --token), a replaced one needs a new id"
            )
    return known is None


def register(conn: Connection, gateway: str, vkey: str, at_ms: int) -> None:
    """Make the entry of a new gateway with its first key."""
    conn.execute(insert(gateway_table).values(gateway=gateway, added_ms=at_ms))
    store_schedule(conn, KeySchedule.of(vkey), at_ms)


def check_log_key(gateway: str, vkey: str) -> None:
    """Raise RegistryError unless this can be the log key of this gateway."""
    if not is_gateway_id(gateway):
        raise RegistryError(
            f"gateway id {gateway[:80]!r}: use [a-z0-9][a-z0-9.-]*, at most 63 characters"
        )
    try:
        verifier = Verifier.from_vkey(vkey)
    except Malformed as error:
        raise RegistryError(f"{error}; edge-agent key show prints it") from None
    if verifier.key_type is not KeyType.NOTE or verifier.name != gateway:
        raise RegistryError(
            f"the key is {verifier.name}'s of type {verifier.key_type}, not the log key (type 1) "
            f"of {gateway}; edge-agent key show prints it"
        )


def list_gateways(store: Store) -> list[Entry]:
    """The allow-list, by name."""
    table = gateway_table
    last = (
        select(head.c.gateway, func.max(head.c.received_ms).label("last_ms"))
        .group_by(head.c.gateway)
        .subquery()
    )
    query = (
        select(table.c.gateway, table.c.stopped_reason, last.c.last_ms)
        .outerjoin(last, last.c.gateway == table.c.gateway)
        .order_by(table.c.gateway)
    )
    with store.engine.connect() as conn:
        rows = conn.execute(query).all()
        return [Entry(row[0], _schedule(conn, row[0]), row[1], row[2]) for row in rows]


def revoke(
    store: Store,
    gateway: str,
    ends: dict[Log, tuple[int, int]],
    clock: Clock,
    who: Who,
    vkey: str | None = None,
) -> KeySchedule:
    """Let a gateway's keys sign nothing beyond `ends` (epoch, size); return what holds then.

    A log that `ends` does not name ends where central holds it now. `vkey`: only that key's spans.
    What was signed before stays provable. Raises RegistryError.
    """
    with store.writer.begin() as conn:
        schedule = _schedule(conn, gateway)
        at = dict.fromkeys(Log, (0, 0)) | held(conn, gateway) | ends
        revoked = schedule.revoked(at)
        if vkey is not None:
            if vkey not in schedule.vkeys():
                raise RegistryError(f"{gateway} never had the key {vkey}; see gateway list")
            revoked = _only(vkey, schedule, revoked)
        store_schedule(conn, revoked, clock())
        detail = " ".join(f"{log.value}:{epoch}:{size}" for log, (epoch, size) in at.items())
        detail = f"valid up to {detail}" + ("" if vkey is None else f" of {vkey}")
        keep_act(conn, Done(gateway, Act.REVOKED, *who, detail), clock())
    return revoked


def restore_keys(store: Store, gateway: str, text: str, clock: Clock, who: Who) -> KeySchedule:
    """Take the keys that came since the backup from which this store was restored.

    `text`: the schedule in its text form, from the gateway's state directory or as it was
    published. It must go on from the one that is stored. Raises RegistryError.
    """
    try:
        newer = KeySchedule.from_text(text)
    except EvidenceError as error:
        raise RegistryError(f"{error}; give the whole text") from None
    with store.writer.begin() as conn:
        known = _schedule(conn, gateway)
        if newer.gateway != gateway:
            raise RegistryError(f"these are the keys of {newer.gateway}, not of {gateway}")
        for log in Log:
            before, after = known.spans(log), newer.spans(log)
            if [span[:3] for span in after[: len(before)]] != [span[:3] for span in before]:
                raise RegistryError(
                    f"{log.value}: what is stored is not the beginning of these keys; enrol the "
                    "gateway again (gateway add --token)"
                )
        merged = KeySchedule(
            *((*known.spans(log), *newer.spans(log)[len(known.spans(log)) :]) for log in Log)
        )
        if merged == known:
            raise RegistryError(f"{gateway}: these keys are stored already")
        store_schedule(conn, merged, clock())
        keep_act(conn, Done(gateway, Act.KEYS_RESTORED, *who, merged.newest), clock())
    return merged


def resume(store: Store, gateway: str, clock: Clock, who: Who) -> str:
    """Let a stopped gateway upload again; return the reason it was stopped for. RegistryError."""
    with store.writer.begin() as conn:
        _schedule(conn, gateway)
        stopped: str | None = conn.scalar(
            select(gateway_table.c.stopped_reason).where(gateway_table.c.gateway == gateway)
        )
        if stopped is None:
            raise RegistryError(f"{gateway} is not stopped; see gateway list")
        let_go(conn, gateway)
        keep_act(conn, Done(gateway, Act.RESUMED, *who, f"was stopped: {stopped}"), clock())
    return stopped


def let_go(conn: Connection, gateway: str) -> None:
    """Take the stop away, in the caller's transaction."""
    conn.execute(
        update(gateway_table)
        .where(gateway_table.c.gateway == gateway)
        .values(stopped_ms=None, stopped_reason=None)
    )


def parse_end(text: str) -> tuple[Log, tuple[int, int]]:
    """Read `log:epoch:size`, as of --at-size. Raises RegistryError."""
    parts = text.split(":")
    if (
        len(parts) != 3
        or parts[0] not in tuple(Log)
        or not all(part.isascii() and part.isdigit() and len(part) < 16 for part in parts[1:])
    ):
        raise RegistryError(f"--at-size {text[:80]}: write log:epoch:size, such as billing:0:1200")
    return Log(parts[0]), (int(parts[1]), int(parts[2]))


def _schedule(conn: Connection, gateway: str) -> KeySchedule:
    schedule = load_schedule(conn, gateway)
    if schedule is None:
        raise RegistryError(f"{gateway} is not registered; see edge-central gateway list")
    return schedule


def _only(vkey: str, before: KeySchedule, after: KeySchedule) -> KeySchedule:
    """Of a revocation only what concerns this key."""

    def spans(log: Log) -> tuple[KeySpan, ...]:
        pairs = zip(before.spans(log), after.spans(log), strict=True)
        return tuple(new if new.vkey == vkey else old for old, new in pairs)

    try:
        return KeySchedule(spans(Log.BILLING), spans(Log.TELEMETRY))
    except EvidenceError as error:
        raise RegistryError(str(error)) from None
