"""Deep: each device is asked for its serial number, where its profile knows the register.

Through the running agent, between two of its polls; without one by this program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from edge_agent.control.client import SocketError
from edge_agent.control.command import CannotAsk, ask, read_request

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig

POINT: Final = "serial_number"
MAX_TEXT: Final = 32


def read_serials(
    config: AgentConfig, progress: Callable[[str], None], unknown: list[str]
) -> Mapping[str, str]:
    """By device; one that does not answer has its own finding."""
    found: dict[str, str] = {}
    asked = [device for device in config.devices if POINT in device.profile.names]
    if asked:
        progress("serials")
    for device in asked:
        try:
            said = serial_of(ask(config, read_request(device.name, [POINT])))
        except (CannotAsk, SocketError) as error:
            unknown.append(f"serial numbers: {error}")
            return found
        if said:
            found[device.name] = said
    told = [device.name for device in config.devices if device not in asked]
    if told:
        unknown.append(f"serial numbers: {_few(told)} have no register for it")
    return found


def serial_of(answer: Mapping[str, object]) -> str:
    """The text of the one point; "" where there is none."""
    values = answer.get("values")
    if not answer.get("ok") or not isinstance(values, list) or not values:
        return ""
    first = values[0]
    text = first.get("text") if isinstance(first, dict) else None
    return str(text).strip()[:MAX_TEXT] if text else ""


def _few(names: list[str]) -> str:
    return ", ".join(names[:6]) + (" ..." if len(names) > 6 else "")
