"""A configuration as it works, every default filled in, as lines of `field = value`. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_agent.config_store.difference import hidden
from protocols.registers.profile import Profile

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig

_HIDDEN: Final = frozenset({"warnings", "gas_hashes"})
_NAMES: Final = ("name", "run", "regulator", "gas")


def effective(config: AgentConfig) -> dict[str, str]:
    """Each field by its name. Passwords in addresses are not shown; a profile is its name."""
    found: dict[str, str] = {}
    for name, value in _fields(config):
        if name not in _HIDDEN:
            found.update((key, hidden(text)) for key, text in _walk(name, value))
    return found


def _walk(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Profile):
        yield name, value.id
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(f"{name}.{key}", inner)
    elif dataclasses.is_dataclass(value) or hasattr(value, "_asdict"):
        for key, inner in _fields(value):
            yield from _walk(f"{name}.{key}", inner)
    elif isinstance(value, tuple) and any(_is_record(each) for each in value):
        for place, each in enumerate(value):
            label = next((getattr(each, key) for key in _NAMES if hasattr(each, key)), f"#{place}")
            yield from _walk(f"{name}[{label}]", each)
    else:
        yield name, _text(value)


def _is_record(value: object) -> bool:
    return dataclasses.is_dataclass(value) or hasattr(value, "_asdict")


def _fields(value: object) -> list[tuple[str, object]]:
    if hasattr(value, "_asdict"):
        return list(value._asdict().items())
    assert dataclasses.is_dataclass(value)
    return [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)]


def _text(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case bytes():
            return value.hex()
        case tuple():
            return ", ".join(_text(each) for each in value) or "none"
        case Path() | Decimal() | int() | float():
            return str(value)
        case _:
            return f'"{value}"'
