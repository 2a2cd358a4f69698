"""The memory as rows: loaded when the journal is opened, stored with each tick that changed it."""

from __future__ import annotations

import sqlite3  # noqa: TID251  # the journal's shell
from collections.abc import Callable
from typing import Final

from edge_agent.device_memory import load_devices, store_devices
from edge_agent.memory import (
    ClockRelation,
    HeldOrder,
    LogHead,
    Memory,
    OrderState,
    RunMemory,
    Tick,
    first_memory,
)
from protocols.evidence import cbor
from protocols.evidence.leaf import Log
from protocols.evidence.merkle import Frontier
from protocols.metering.gas_order import parse_gas_order
from protocols.metering.regulator_state import RegulatorState
from protocols.metering.run import RunState
from protocols.metering.run_config_faults import parse_run_config

MAX_BODY_BYTES: Final = 1024 * 1024
MAX_BODY_ITEMS: Final = 65_536
_SELECT_GATEWAY: Final = (
    "SELECT gateway, boot_id, boot_no, clock_offset_ms, clock_state, configuration, order_number, "
    "running FROM gateway"
)


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

    Raises EvidenceError, BodyError or another ValueError for rows that this program cannot read.
    """
    row = connection.execute(_SELECT_GATEWAY).fetchone()
    if row is None:
        return first_memory(gateway, boot_id, new_epoch())
    stored_gateway, stored_boot_id, boot_no, offset_ms, clock_state, configuration = row[:6]
    if stored_gateway != gateway:
        raise OtherGateway(f"it belongs to gateway {stored_gateway!r}")
    clock = ClockRelation(boot_no, offset_ms, clock_state)
    newest_ms = connection.execute("SELECT max(last_mono_ms) FROM log").fetchone()[0]
    ended = (boot_no, int(newest_ms)) if row[7] else None
    if boot_id != stored_boot_id or mono_ms < newest_ms:  # the latter: set back to a snapshot
        boot_no += 1
    return Memory(
        gateway,
        boot_id,
        boot_no,
        load_heads(connection),
        _load_runs(connection),
        frozenset(connection.execute("SELECT serial, hash FROM register_map")),
        _body(configuration, "gateway configuration"),
        clock,
        _load_regulators(connection),
        _load_orders(connection),
        row[6],
        load_devices(connection),
        running=bool(row[7]),
        ended=ended,
    )


def load_heads(connection: sqlite3.Connection) -> dict[Log, LogHead]:
    """The stored ends of both logs; none before the first commit."""
    rows = connection.execute("SELECT log, epoch, size, frontier FROM log")
    return {
        Log(log): LogHead(epoch, Frontier.from_bytes(size, data)) for log, epoch, size, data in rows
    }


def _load_runs(connection: sqlite3.Connection) -> dict[str, RunMemory]:
    rows = connection.execute(
        "SELECT run, configuration, state, active FROM run JOIN run_state USING (run)"
    )
    return {
        run: RunMemory(
            parse_run_config(_body(config, f"configuration of run {run}")),
            RunState.from_body(_body(state, f"state of run {run}")),
            bool(active),
        )
        for run, config, state, active in rows
    }


def _load_regulators(connection: sqlite3.Connection) -> dict[str, RegulatorState]:
    rows = connection.execute("SELECT regulator, state FROM regulator_state")
    return {
        name: RegulatorState.from_body(_body(state, f"state of regulator {name}"))
        for name, state in rows
    }


def _load_orders(connection: sqlite3.Connection) -> dict[int, HeldOrder]:
    rows = connection.execute(
        "SELECT number, note, gas, state, file_hash FROM gas_order ORDER BY number"
    )
    return {
        number: HeldOrder(
            number,
            note,
            parse_gas_order(_body(gas, f"gas of order {number}")),
            OrderState(state),
            file_hash,
        )
        for number, note, gas, state, file_hash in rows
    }


def store_memory(connection: sqlite3.Connection, tick: Tick) -> None:
    """What changed, within the transaction of the tick's leaves."""
    before, after = tick.before, tick.after
    _store_heads(connection, tick)
    _store_gateway(connection, after)
    store_devices(connection, before.devices, after.devices)
    for run, memory in after.runs.items():
        old = before.runs.get(run)
        if old is None or old.config is not memory.config or old.active != memory.active:
            connection.execute(
                "INSERT OR REPLACE INTO run (run, configuration, active) VALUES (?, ?, ?)",
                (run, cbor.encode(memory.config.to_body()), memory.active),
            )
        if old is None or old.state is not memory.state:
            connection.execute(
                "INSERT OR REPLACE INTO run_state (run, state) VALUES (?, ?)",
                (run, cbor.encode(memory.state.to_body())),
            )
    for name, watched in after.regulators.items():
        if before.regulators.get(name) is not watched:
            connection.execute(
                "INSERT OR REPLACE INTO regulator_state (regulator, state) VALUES (?, ?)",
                (name, cbor.encode(watched.to_body())),
            )
    connection.executemany(
        "DELETE FROM regulator_state WHERE regulator = ?",
        [(name,) for name in before.regulators.keys() - after.regulators.keys()],
    )
    _store_orders(connection, tick)
    connection.executemany(
        "INSERT INTO register_map (serial, hash) VALUES (?, ?)", after.maps - before.maps
    )


def _store_orders(connection: sqlite3.Connection, tick: Tick) -> None:
    """An order that is over goes: the log tells of it."""
    before, after = tick.before.orders, tick.after.orders
    for number, order in after.items():
        if before.get(number) is not order:
            connection.execute(
                "INSERT OR REPLACE INTO gas_order (number, note, gas, state, file_hash) "
                "VALUES (?, ?, ?, ?, ?)",
                (
                    *(number, order.note, cbor.encode(order.gas.to_body())),
                    *(order.state.value, order.file_hash),
                ),
            )
    connection.executemany(
        "DELETE FROM gas_order WHERE number = ?",
        [(number,) for number in before.keys() - after.keys()],
    )


def _store_heads(connection: sqlite3.Connection, tick: Tick) -> None:
    """Both rows with each leaf: it is one page, and they tell the newest moment of this boot."""
    if not tick.leaves:
        return
    connection.executemany(
        "INSERT INTO log (log, epoch, size, frontier, last_mono_ms, receipted_size, "
        "receipted_frontier) VALUES (?1, ?2, ?3, ?4, ?5, 0, x'') ON CONFLICT (log) "
        "DO UPDATE SET epoch = ?2, size = ?3, frontier = ?4, last_mono_ms = ?5",
        [
            (log.value, head.epoch, head.size, head.frontier.to_bytes(), tick.last_mono_ms)
            for log, head in tick.after.heads.items()
        ],
    )


def _store_gateway(connection: sqlite3.Connection, memory: Memory) -> None:
    """Compared with the row, not with the memory before: a new boot is told by `load_memory`."""
    clock = memory.clock or ClockRelation(memory.boot_no, None, 0)
    configuration = memory.configuration
    row = (
        memory.gateway,
        memory.boot_id,
        memory.boot_no,
        clock.offset_ms,
        clock.state,
        None if configuration is None else cbor.encode(configuration),
        memory.order_number,
        int(memory.running),
    )
    if connection.execute(_SELECT_GATEWAY).fetchone() != row:
        connection.execute(
            "INSERT OR REPLACE INTO gateway (id, gateway, boot_id, boot_no, clock_offset_ms, "
            "clock_state, configuration, order_number, running) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )


def _body(data: bytes | None, what: str) -> cbor.Body | None:
    if data is None:
        return None
    body = cbor.decode(data, what, MAX_BODY_BYTES, MAX_BODY_ITEMS)
    if not isinstance(body, tuple):
        raise ValueError(f"{what} is no array")  # noqa: TRY004  # a damaged row, not a bug
    return body
