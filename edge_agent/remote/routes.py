"""What the running agent answers of its configuration.

| call | socket | does |
|---|---|---|
| `config-versions` | read | versions, trial, offers that wait |
| `config-text`: version (0: gateway.toml) | read | its text |
| `config-offer`: number | read | what an offer would change that waits for consent |
| `config-apply`: toml, who, reason | act | puts it in force, on trial |
| `config-rollback`: version (0: the one before), who, reason | act | the same with an old one |
| `config-accept`: number, who, reason | act | consent to an offer |
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from edge_agent.config_store.difference import hidden
from edge_agent.config_store.files import MAX_CONFIG_BYTES
from edge_agent.control.protocol import BadRequest, Call, Route, refusal
from edge_agent.remote.desk import Desk

MAX_NUMBER: Final = (1 << 53) - 1
_log = logging.getLogger(__name__)


def config_routes(path: Path) -> dict[str, Route]:
    """By what they are called."""
    desk = Desk(path)

    def apply(call: Call, peer: str) -> Mapping[str, object]:
        toml = call.fields.get("toml")
        if not isinstance(toml, str) or len(toml) > MAX_CONFIG_BYTES:
            raise BadRequest("toml: must be the text of a configuration")
        return desk.apply(toml.encode("utf-8", "surrogatepass"), *_said(call, peer))

    def roll_back(call: Call, peer: str) -> Mapping[str, object]:
        return desk.roll_back(call.integer("version", 0, MAX_NUMBER, 0), *_said(call, peer))

    def accept(call: Call, peer: str) -> Mapping[str, object]:
        return desk.accept(call.integer("number", 1, MAX_NUMBER), *_said(call, peer))

    def text(call: Call, _peer: str) -> Mapping[str, object]:
        """Without passwords of addresses: whoever may read is not whoever may know them."""
        found = desk.text(call.integer("version", 0, MAX_NUMBER, 0))
        lines = str(found.get("toml", "")).split("\n")
        return {**found, "toml": "\n".join(hidden_line(line) for line in lines)}

    def offer(call: Call, _peer: str) -> Mapping[str, object]:
        return desk.offer(call.integer("number", 1, MAX_NUMBER))

    return {
        "config-versions": Route(lambda _call, _peer: _tried(desk.versions)),
        "config-text": Route(lambda call, peer: _tried(lambda: text(call, peer))),
        "config-offer": Route(lambda call, peer: _tried(lambda: offer(call, peer))),
        "config-apply": Route(lambda call, peer: _tried(lambda: apply(call, peer)), acts=True),
        "config-rollback": Route(lambda c, peer: _tried(lambda: roll_back(c, peer)), acts=True),
        "config-accept": Route(lambda call, peer: _tried(lambda: accept(call, peer)), acts=True),
    }


def hidden_line(line: str) -> str:
    """A line of the file as it may be shown."""
    return hidden(line) if "://" in line else line


def _said(call: Call, peer: str) -> tuple[str, str]:
    return by_own_word(call.text("who"), peer), call.text("reason")


def by_own_word(who: str, peer: str) -> str:
    """A claim, with as whom the kernel knows him who made it; "" where nothing is claimed."""
    told = f" (own word; {peer})"
    return who[: 200 - len(told)] + told if who.strip() else ""


def _tried(do: Callable[[], Mapping[str, object]]) -> Mapping[str, object]:
    try:
        return do()
    except OSError as error:
        _log.error("the configuration: %s", error)
        return refusal(f"{error}; look at the disk, and who may write the folder")
