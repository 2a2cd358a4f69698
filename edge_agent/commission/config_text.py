"""The table of gateway.toml as a text that the next technician can read. Pure.

The order is the file's own, each setting has its explanation beside it, in the language of whoever
wrote it; `load_config` reads it back to the same table.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from edge_agent.language import Words

COMMENT_AT: Final = 40
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_TABLES: Final = ("gateway", "change", "site", "central")
_ARRAYS: Final = ("bus", "device", "gas", "run", "regulator")
_FIRST: Final = (
    "id", "name", "customer", "zone", "gas_day_start_hour", "altitude_m",
    "atmospheric_pressure_kpa", "state_dir", "url", "ca", "receipt_key", "type", "bus", "unit",
    "profile", "serial", "meter", "qmin_m3_h", "qmax_m3_h", "device", "point", "gauge",
    "low_kpa_abs", "high_kpa_abs", "low_c", "high_c",
)  # fmt: skip
"""What a reader looks for; the others follow as they were answered."""


def config_text(table: Mapping[str, Any], words: Words, head: tuple[str, ...] = ()) -> str:
    """The whole file; `head` are lines that stand above it as comments."""
    lines = [f"# {line}".rstrip() for line in head]
    for name in _TABLES:
        if name in table:
            lines += ["", f"[{name}]", *_settings(table[name], name, words)]
    for name in _ARRAYS:
        for entry in table.get(name, ()):
            lines += ["", f"[[{name}]]", *_settings(entry, name, words)]
            lines += _nested(entry, name, words)
    return "\n".join(lines).lstrip("\n") + "\n"


def _settings(table: Mapping[str, Any], name: str, words: Words) -> Iterator[str]:
    places = {key: place for place, key in enumerate(_FIRST)}
    for key, value in sorted(table.items(), key=lambda item: places.get(item[0], len(places))):
        if not _is_place(key, value):
            about = words.get(f"toml.{name}.{key}", words.get(f"toml.{key}", ""))
            line = f"{_key(key)} = {_value(value)}"
            yield f"{line:{COMMENT_AT - 1}} # {about}".rstrip() if about else line


def _nested(entry: Mapping[str, Any], name: str, words: Words) -> Iterator[str]:
    """Transmitters have a table of their own under their run."""
    for key, value in entry.items():
        if _is_place(key, value):
            yield from ("", f"[{name}.{key}]", *_settings(value, f"{name}.{key}", words))


def _is_place(key: str, value: object) -> bool:
    return isinstance(value, Mapping) and key in ("pressure", "temperature", "outlet_pressure")


def _value(value: Any) -> str:
    """As TOML 1.0 writes it. A JSON string is a basic string, but for DEL."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal():
            text = f"{value:f}"
            return text if "." in text else f"{text}.0"
        case str():
            return _quoted(value)
        case Mapping():
            parts = (f"{_key(key)} = {_value(one)}" for key, one in value.items())
            return "{ " + ", ".join(parts) + " }"
        case _:
            return "[" + ", ".join(_value(one) for one in value) + "]"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
