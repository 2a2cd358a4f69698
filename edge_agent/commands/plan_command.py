"""`edge-agent plan`: what each poll costs and what a line has left, by the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from edge_agent.config.bus_time import has_line, line_of, loads_of
from edge_agent.config.model import AgentConfig, BusConfig, DeviceConfig
from edge_agent.language import Words
from edge_agent.terminal import columns
from protocols.modbus.budget import ANSWER_CHARS, MAX_LOAD, REQUEST_CHARS, Line, Load
from protocols.modbus.frames import MBAP
from protocols.modbus.plan import Block

WIDTH: Final = 80
_NAME: Final = 24
_SUM: Final = 72  # where the line of the sum ends
_WIDTHS: Final = (8, 8, 8, 10, 9)
_COLUMNS: Final = ("requests", "bytes", "ms", "each", "share")
_REQUEST_PDU: Final = 5


class Cost(NamedTuple):
    """One poll: requests, bytes both ways, milliseconds of a serial line (None: of no line)."""

    requests: int
    byte_count: int
    line_ms: float | None


def plan_lines(config: AgentConfig, words: Words) -> Iterator[str]:
    """The table of every bus, in at most 80 columns."""
    for number, bus in enumerate(config.buses):
        if number:
            yield ""
        yield from _bus_lines(bus, config.devices_of(bus.name), words)


def cost_of(blocks: Sequence[Block], bus: BusConfig) -> Cost:
    """Of one poll of these blocks."""
    if has_line(bus):
        line = line_of(bus)
        chars = sum(line.request_chars() + line.answer_chars(block) for block in blocks)
        return Cost(len(blocks), chars, line.scan_ms(blocks))
    if bus.kind == "tcp":
        around = 2 * MBAP + _REQUEST_PDU + 2
    else:
        around = REQUEST_CHARS + ANSWER_CHARS
    return Cost(len(blocks), sum(around + block.data_bytes for block in blocks), None)


def _bus_lines(bus: BusConfig, devices: Sequence[DeviceConfig], words: Words) -> Iterator[str]:
    line = line_of(bus) if has_line(bus) else None
    yield _head(bus, line, words)
    yield _cells(words("col.device"), *(words(f"col.{name}") for name in _COLUMNS))
    total = 0.0
    for device in devices:
        for load in loads_of(device, bus):
            cost = cost_of(load.blocks, bus)
            share = 0.0 if cost.line_ms is None else cost.line_ms / load.poll_ms
            total += share
            yield _row(load, cost, share)
    if line is not None:
        used = words("used", share=_percent(total), most=_percent(MAX_LOAD))
        line_of_it = words("line")
        yield line_of_it + " " * (_SUM - columns(line_of_it) - columns(used)) + used


def _head(bus: BusConfig, line: Line | None, words: Words) -> str:
    where = bus.port if bus.is_serial else f"{bus.host}:{bus.tcp_port}"
    head = words("head", name=bus.name, kind=bus.kind)
    if line:
        setup = f"{bus.data_bits}{bus.parity}{bus.stop_bits}"
        head += words("rate", baud=line.baud, setup=setup)
    room = WIDTH - columns(head) - 1
    return f"{head} {where if len(where) <= room else '...' + where[3 - room :]}"


def _row(load: Load, cost: Cost, share: float) -> str:
    name = load.device
    if len(name) > _NAME:
        name = name[: _NAME - 3] + "..."
    return _cells(
        name,
        f"{cost.requests}",
        f"{cost.byte_count}",
        "-" if cost.line_ms is None else f"{cost.line_ms:.0f}",
        f"{load.poll_ms / 1000:g}",
        "-" if cost.line_ms is None else _percent(share),
    )


def _cells(name: str, *figures: str) -> str:
    """A row: the name, and figures at the right of their columns; a Han takes two."""
    row = name + " " * (_NAME - columns(name))
    for figure, width in zip(figures, _WIDTHS, strict=True):
        row += " " * (1 + width - columns(figure)) + figure
    return row


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
