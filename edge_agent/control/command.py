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
from edge_agent.language import Words
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


def question(config: AgentConfig, request: WriteRequest | ClockRequest, words: Words) -> list[str]:
    """What is about to be done, for whoever must confirm it."""
    device = _device(config, request.device)
    if device is None:
        return []
    about = {"name": device.name, "serial": device.serial, "profile": device.profile.id}
    lines = [words("device", **about)]
    if isinstance(request, ClockRequest):
        lines.append(words("clock"))
    else:
        rule = rule_of(device, request.point)
        now = ask(config, ReadRequest(device.name, (request.point,)))
        lines.append(words("point", point=request.point, now=_now(now, words)))
        if isinstance(rule, Refused):
            lines.append(words("write", value=request.value))
        else:
            limits = {"low": rule.low, "high": rule.high}
            lines.append(words("write_within", value=request.value, **limits))
    lines.append(words("by", who=request.who, reason=request.reason))
    return [part for line in lines for part in wrapped(line, 0, 8)]


def answer_lines(answer: Answer, words: Words) -> list[str]:
    """An answer in lines of at most 80 columns."""
    if not answer.get("ok"):
        return wrapped(words.said(f"{answer.get('error')}"))
    values = answer.get("values")
    if not isinstance(values, list):
        lines = [words("was", value=answer.get("old")), words("is", value=answer.get("new"))]
        if answer.get("warning"):
            lines.append(words("warning", text=answer["warning"]))
        return [part for line in lines for part in wrapped(line, 0, 4)]
    lines = [words("head", device=answer.get("device"), serial=answer.get("serial"))]
    for value in values:
        name = f"{value['name']:<{_NAME_WIDTH}}"
        lines += _wrapped(f"{name}{value['text']}", " " * _NAME_WIDTH)
    return lines


def _now(answer: Answer, words: Words) -> str:
    values = answer.get("values")
    if not isinstance(values, list) or not values:
        return words("unknown", why=f"{answer.get('error')}")
    return str(values[0]["text"])


def _device(config: AgentConfig, name: str) -> DeviceConfig | None:
    return next((one for one in config.devices if one.name == name), None)


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, subsequent_indent=indent, drop_whitespace=False, break_on_hyphens=False
    ) or [""]
