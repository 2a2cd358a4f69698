"""The memory as rows: loaded when the journal is opened, stored with each tick that changed it."""

from __future__ import annotations

import sqlite3  # noqa: TID251  # the journal's shell
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeAlias

from edge_agent.journal.device_memory import load_devices, store_devices
from edge_agent.journal.memory import (
    LOGS,
    ClockRelation,
    HeldOrder,
    LogHead,
    Memory,
    OrderState,
    RunMemory,
    Tick,
    first_memory,
)
from edge_agent.journal.memory_rows import SELECT, DamagedRow, digest, put, take
from edge_agent.journal.state_rows import StateRows, join, pack, unpack
from protocols.evidence import cbor
from protocols.evidence.leaf import Log
from protocols.evidence.merkle import Frontier
from protocols.metering.gas_order import parse_gas_order
from protocols.metering.regulator_state import RegulatorState
from protocols.metering.run_config import RunConfig
from protocols.metering.run_config_faults import parse_run_config

MAX_BODY_BYTES: Final = 1024 * 1024
MAX_BODY_ITEMS: Final = 65_536

Rows: TypeAlias = Callable[[str], list[tuple[Any, ...]]]
"""Gives all rows of a table."""


class OtherGateway(ValueError):  # noqa: N818  # what was found is the name
    """The journal is another gateway's."""


def load_memory(
    connection: sqlite3.Connection,
    gateway: str,
    boot_id: str,
    mono_ms: int,
    new_epoch: Callable[[], int],
) -> Memory:
    """What the last commit stored; a new boot, or a clock behind the newest leaf, has the next
    number. An empty journal begins in a `new_epoch`.

    Raises DamagedRow, or EvidenceError, BodyError or another ValueError for rows that this program
    cannot read.
    """
    rows: Rows = partial(take, connection)
    stored = rows("gateway")
    if not stored:
        if rows("log") or connection.execute("SELECT 1 FROM telemetry LIMIT 1").fetchone():
            raise DamagedRow("the gateway's row is missing")
        return replace(first_memory(gateway, boot_id, new_epoch()), stored_ms=mono_ms)
    if stored[0][1] != gateway:
        raise OtherGateway(f"it belongs to gateway {stored[0][1]!r}")
    memory = stored_memory(rows, stored[0], load_heads(connection))
    if memory.counts() != cbor.decode(bytes(stored[0][9]), "counts", 256, 16):
        raise DamagedRow("rows are missing: there are fewer or more than were remembered")
    newest = {Log(row[0]): int(row[4]) for row in rows("log")}
    newest_ms = max(newest.values())
    boot_no = memory.boot_no
    if boot_id != memory.boot_id or mono_ms < newest_ms:  # the latter: set back to a snapshot
        boot_no += 1
    ended = (memory.boot_no, newest[Log.TELEMETRY]) if memory.running else None
    return replace(memory, boot_id=boot_id, boot_no=boot_no, ended=ended, stored_ms=mono_ms)


def stored_memory(rows: Rows, gateway: tuple[Any, ...], heads: Mapping[Log, LogHead]) -> Memory:
    """The memory in these rows, as it was stored. Raises ValueError for what cannot be read."""
    _, name, boot_id, boot_no, offset_ms, clock_state, configuration, order_number, running, _ = (
        gateway
    )
    return Memory(
        name,
        boot_id,
        boot_no,
        heads,
        _load_runs(rows),
        frozenset(rows("register_map")),
        _body(configuration, "gateway configuration"),
        ClockRelation(boot_no, offset_ms, clock_state),
        {
            name: RegulatorState.from_body(_body(state, f"state of regulator {name}"))
            for name, state in rows("regulator_state")
        },
        _load_orders(rows),
        order_number,
        load_devices(rows),
        running=bool(running),
    )


def load_heads(connection: sqlite3.Connection) -> dict[Log, LogHead]:
    """The stored ends of both logs; none before the first commit. Raises DamagedRow."""
    heads = {
        Log(row[0]): LogHead(row[1], Frontier.from_bytes(row[2], row[3]))
        for row in take(connection, "log")
    }
    if len(heads) not in (0, len(LOGS)):
        raise DamagedRow("the row of one log is missing")
    return heads


def _load_runs(rows: Rows) -> dict[str, RunMemory]:
    openings: dict[str, bytes] = dict(rows("run_opening"))
    states = join(openings, dict(rows("run_state")))
    runs = rows("run")
    if not {run for run, _, _ in runs} == states.keys() == openings.keys():
        raise DamagedRow("a run has no state, or a state no run")
    return {run: stored_run(run, config, states[run], active) for run, config, active in runs}


def stored_run(run: str, config: bytes, state: StateRows, active: int) -> RunMemory:
    """A run of its three rows. Raises EvidenceError, BodyError or another ValueError."""
    return RunMemory(
        stored_config(run, config),
        unpack(state, f"run state of {run}"),
        bool(active),
    )


def stored_config(run: str, config: bytes) -> RunConfig:
    """Raises EvidenceError, BodyError or another ValueError."""
    return parse_run_config(_body(config, f"configuration of run {run}"))


def _load_orders(rows: Rows) -> dict[int, HeldOrder]:
    return {
        number: HeldOrder(
            number,
            note,
            parse_gas_order(_body(gas, f"gas of order {number}")),
            OrderState(state),
            file_hash,
        )
        for number, note, gas, state, file_hash in sorted(rows("gas_order"))
    }


def store_memory(connection: sqlite3.Connection, tick: Tick) -> None:
    """What changed, within the transaction of the tick's leaves.

    Raises DamagedRow where the stored heads are no longer what was stored.
    """
    before, after = tick.before, tick.after
    take(connection, "log")  # part of each row goes on as it is: it must not be damaged
    _store_heads(connection, tick)
    _store_gateway(connection, after)
    store_devices(connection, before.devices, after.devices)
    for run, memory in after.runs.items():
        old = before.runs.get(run)
        if old is None or old.config is not memory.config or old.active != memory.active:
            row = (run, cbor.encode(memory.config.to_body()), memory.active)
            put(connection, "run", [row])
        if old is None or old.state is not memory.state:
            packed = pack(memory.state)
            if old is None or old.state.opening != memory.state.opening:
                put(connection, "run_opening", [(run, packed.opening)])
            put(connection, "run_state", [(run, packed.rest)])
    for name, watched in after.regulators.items():
        if before.regulators.get(name) is not watched:
            put(connection, "regulator_state", [(name, cbor.encode(watched.to_body()))])
    connection.executemany(
        "DELETE FROM regulator_state WHERE regulator = ?",
        [(name,) for name in before.regulators.keys() - after.regulators.keys()],
    )
    _store_orders(connection, tick)
    put(connection, "register_map", after.maps - before.maps)
    connection.executemany(
        "DELETE FROM register_map WHERE serial = ? AND hash = ?", before.maps - after.maps
    )


def _store_orders(connection: sqlite3.Connection, tick: Tick) -> None:
    """An order that is over goes: the log tells of it."""
    before, after = tick.before.orders, tick.after.orders
    changed = [order for number, order in after.items() if before.get(number) is not order]
    put(
        connection,
        "gas_order",
        (
            (o.number, o.note, cbor.encode(o.gas.to_body()), o.state.value, o.file_hash)
            for o in changed
        ),
    )
    connection.executemany(
        "DELETE FROM gas_order WHERE number = ?",
        [(number,) for number in before.keys() - after.keys()],
    )


def _store_heads(connection: sqlite3.Connection, tick: Tick) -> None:
    """The row of each log that grew; in a boot's first tick both, so that the newest moment that
    they tell is of this boot. Telemetry's is that of the polls: events, and leaves that are
    appended again, are recorded while older polls wait.
    """
    before = tick.before
    moments = {Log.BILLING: tick.last_mono_ms, Log.TELEMETRY: tick.after.stored_ms}
    is_first = not before.running or before.ended is not None
    is_new = not all(head.size for head in before.heads.values())  # an epoch begins
    connection.executemany(
        "INSERT INTO log (log, epoch, size, frontier, last_mono_ms, receipted_size, "
        "receipted_frontier) VALUES (?1, ?2, ?3, ?4, ?5, 0, x'') ON CONFLICT (log) "
        "DO UPDATE SET epoch = ?2, size = ?3, frontier = ?4, last_mono_ms = ?5",
        [
            (log.value, head.epoch, head.size, head.frontier.to_bytes(), moments[log])
            for log, head in tick.after.heads.items()
            if tick.leaves and (is_first or is_new or head != before.heads[log])
        ],
    )


def _store_gateway(connection: sqlite3.Connection, memory: Memory) -> None:
    """Compared with the row, not with the memory before: a new boot is told by `load_memory`."""
    clock = memory.clock or ClockRelation(memory.boot_no, None, 0)
    configuration = memory.configuration
    row = (
        1,
        memory.gateway,
        memory.boot_id,
        memory.boot_no,
        clock.offset_ms,
        int(clock.state),
        None if configuration is None else cbor.encode(configuration),
        memory.order_number,
        int(memory.running),
        cbor.encode(memory.counts()),
    )
    if connection.execute(SELECT["gateway"]).fetchone() != (*row, digest("gateway", row)):
        put(connection, "gateway", [row])


def _body(data: bytes | None, what: str) -> cbor.Body | None:
    if data is None:
        return None
    body = cbor.decode(data, what, MAX_BODY_BYTES, MAX_BODY_ITEMS)
    if not isinstance(body, tuple):
        raise ValueError(f"{what} is no array")  # noqa: TRY004  # a damaged row, not a bug
    return body
