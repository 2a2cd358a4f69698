"""`edge-agent read` and `edge-agent write`: through the running agent, or without one.

The answer comes from the agent's socket where one listens. Else this program takes the lock of the
state directory and opens the port itself.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from edge_agent.bus.device_write import Refused, rule_of
from edge_agent.config.model import AgentConfig, DeviceConfig
from edge_agent.console import said
from edge_agent.control.client import NoAgent, ask_agent
from edge_agent.control.control import Control
from edge_agent.control.offline import acting, reading
from edge_agent.control.protocol import (
    ClockRequest,
    ReadRequest,
    Request,
    WriteRequest,
    encode_request,
    parse_request,
)
from edge_agent.state_lock import AlreadyRunning
from edge_agent.terminal import wrapped

WIDTH: Final = 80
_NAME_WIDTH: Final = 33
_HERE: Final = "command line, no agent"

Answer = Mapping[str, object]


class CannotAsk(Exception):  # noqa: N818 - what was found is the name
    """The request could not be put to anybody; says why and the remedy."""


def ask(config: AgentConfig, request: Request) -> Answer:
    """Whoever can answer. Raises CannotAsk, SocketError, and what opening the journal raises."""
    parse_request(encode_request(request).removesuffix(b"\n"))  # the same words, with or without
    control = config.control
    assert control is not None  # every file has the section or its defaults
    reads = isinstance(request, ReadRequest)
    if not (reads or control.writes):
        raise CannotAsk("writes are off: set [control] writes = true in the configuration")
    path = control.read_socket if reads else control.act_socket
    try:
        return ask_agent(path, request)
    except NoAgent:
        return _ask_here(config, request, path, reading if reads else acting)


def _ask_here(
    config: AgentConfig,
    request: Request,
    path: Path,
    opened: Callable[[AgentConfig], AbstractContextManager[Control]],
) -> Answer:
    try:
        with opened(config) as here:
            return here.answer(request, _HERE)
    except AlreadyRunning as error:
        raise CannotAsk(
            f"an agent runs on {config.state_dir}, but does not listen at {path}:"
            " restart it with this configuration"
        ) from error


def read_request(device: str, points: Sequence[str]) -> ReadRequest:
    return ReadRequest(device, tuple(points))


def write_request(
    device: str, change: Sequence[str] | None, who: str, reason: str, password: str = ""
) -> WriteRequest | ClockRequest:
    """`change`: point and value; None: the clock."""
    if change is None:
        return ClockRequest(device, who, reason, password)
    return WriteRequest(device, change[0], change[1], who, reason, password)


def question(config: AgentConfig, request: WriteRequest | ClockRequest) -> list[str]:
    """What is about to be done, for whoever must confirm it."""
    device = _device(config, request.device)
    if device is None:
        return []
    lines = [f"device  {device.name}, serial {device.serial}, {device.profile.id}"]
    if isinstance(request, ClockRequest):
        lines.append("clock   set to the gateway's UTC")
    else:
        rule = rule_of(device, request.point)
        limits = "" if isinstance(rule, Refused) else f", allowed {rule.low} to {rule.high}"
        now = ask(config, ReadRequest(device.name, (request.point,)))
        lines.append(f"point   {request.point}, now {_now(now)}")
        lines.append(f"write   {request.value}{limits}")
    lines.append(f"by      {request.who}: {request.reason}")
    return [part for line in lines for part in _wrapped(line, "        ")]


def answer_lines(answer: Answer) -> list[str]:
    """An answer in lines of at most 80 columns."""
    if not answer.get("ok"):
        return wrapped(said(f"{answer.get('error')}"))
    values = answer.get("values")
    if not isinstance(values, list):
        lines = [f"was {answer.get('old')}", f"is  {answer.get('new')}"]
        if answer.get("warning"):
            lines.append(f"warning: {answer['warning']}")
        return [part for line in lines for part in _wrapped(line, "    ")]
    lines = [f"{answer.get('device')}, serial {answer.get('serial')}"]
    for value in values:
        name = f"{value['name']:<{_NAME_WIDTH}}"
        lines += _wrapped(f"{name}{value['text']}", " " * _NAME_WIDTH)
    return lines


def _now(answer: Answer) -> str:
    values = answer.get("values")
    if not isinstance(values, list) or not values:
        return f"unknown ({answer.get('error')})"
    return str(values[0]["text"])


def _device(config: AgentConfig, name: str) -> DeviceConfig | None:
    return next((one for one in config.devices if one.name == name), None)


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, subsequent_indent=indent, drop_whitespace=False, break_on_hyphens=False
    ) or [""]
