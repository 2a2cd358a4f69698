"""What the instruments of a run say now, read through the agent or without one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from edge_agent.acts.act import run_in_force
from edge_agent.acts.fault import NotDone
from edge_agent.control.command import ask
from edge_agent.control.protocol import ReadRequest
from protocols.evidence import cbor
from protocols.metering.carry import Carry
from protocols.metering.conditions import Conditions, conditions_at, sense
from protocols.metering.instant import ClockState, Instant
from protocols.metering.quality import Quality
from protocols.metering.run_config import RunConfig
from protocols.metering.scan import Scan

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig, DeviceConfig

_MAX_BYTES = 65_536
Values = Mapping[str, tuple[int | float | None, str]]


class InForce(NamedTuple):
    """A run as the pipeline has it: its gas may be an order's. `seen`: last indexes, in counts."""

    config: RunConfig
    seen: Mapping[str, int]


class Readings(NamedTuple):
    """Indexes in counts by point, what they are converted with, and when (monotonic, s)."""

    indexes: Mapping[str, int]
    at: Conditions
    mono_s: float


def in_force(config: AgentConfig, run: str) -> InForce:
    """Raises NotDone for a run that is none, and what asking raises."""
    answer = run_in_force(config, run)
    seen = answer.get("indexes")
    indexes = seen if isinstance(seen, dict) else {}
    return InForce(config_of(answer), {f"{k}": int(v) for k, v in indexes.items()})


def config_of(answer: Mapping[str, object]) -> RunConfig:
    """Of a `run` answer."""
    body = cbor.decode(bytes.fromhex(f"{answer['config']}"), "run", _MAX_BYTES, _MAX_BYTES)
    return RunConfig.from_body(body)


def device_of(config: AgentConfig, serial: str) -> DeviceConfig:
    """Raises NotDone where the file has none of that serial number."""
    for device in config.devices:
        if device.serial == serial:
            return device
    raise NotDone("no_serial", serial=serial)


def read_values(config: AgentConfig, device: str, points: tuple[str, ...]) -> Values:
    """Each point now. Raises NotDone where the device does not answer."""
    answer = ask(config, ReadRequest(device, points))
    values = answer.get("values")
    if not answer.get("ok") or not isinstance(values, list):
        raise NotDone("other", text=answer.get("error"))
    return {f"{value['name']}": (value["number"], f"{value['unit']}") for value in values}


def read_run(config: AgentConfig, run: RunConfig) -> Readings:
    """All instruments of a run, one after another, the meter last. Raises NotDone where the meter
    does not answer; without another one there is a substitute, and the reason for it.
    """
    instant = Instant(0, 0, None, ClockState.UNKNOWN)
    carry, indexes = Carry(0, 0), dict[str, int]()
    others = sorted(run.serials - {run.meter_serial})
    for serial in (*others, run.meter_serial):
        device = device_of(config, serial)
        names = tuple(name for name in device.polled if name in run.points)
        try:
            values = read_values(config, device.name, names)
        except NotDone:
            if serial == run.meter_serial:
                raise
            continue
        carry = sense(run, carry, Scan(0, serial, instant, Quality.GOOD, values))
        if serial == run.meter_serial:
            indexes = indexes_of(run, values)
    return Readings(indexes, conditions_at(run, carry, instant), time.monotonic())


def indexes_of(run: RunConfig, values: Values) -> dict[str, int]:
    """The meter's totals, in counts."""
    found = {}
    for total in run.totals:
        number, _unit = values.get(total.point, (None, ""))
        if isinstance(number, int):
            found[total.point] = number
    return found


def in_m3(run: RunConfig, point: str, counts: int) -> Decimal:
    """An index in m3, with all its digits."""
    total = next(total for total in run.totals if total.point == point)
    return Decimal(counts).scaleb(run.line_exponent if total.role.of_line else run.base_exponent)
