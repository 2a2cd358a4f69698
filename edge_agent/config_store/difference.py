"""What differs between two configurations, by field, and what of it is legally relevant. Pure.

A field is relevant unless it stands in `HARMLESS`: what is added to gateway.toml one day is
relevant until somebody says otherwise. Some are never changed from afar at all (`LOCAL`): whose
gateway it is, where its files lie, who may act on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

from edge_agent.config.fields import without_login
from edge_agent.config.file import ConfigErrors, read_config, read_table
from edge_agent.config_store.history import MAX_TEXT, Told

HARMLESS: Final = re.compile(
    r"journal\..*|change\..*|observe\.health_seconds|remote\.trial_seconds"
    r"|central\.(url|proxy|(batch|deadline|drain)_seconds|bytes_per_second|urgent_connects)"
    r"|central\.connect_windows"
    r"|bus\[[^]]*\]\.(baud|parity|stop_bits|data_bits|timeout_s|gap_ms|quiet_s|pause_ms)"
    r"|bus\[[^]]*\]\.(turnaround_ms|idle_close_seconds|line_baud)"
    r"|device\[[^]]*\]\.(clock_(zone|seconds|limit_seconds)|read_archives|archives|priority)"
)
LOCAL: Final = re.compile(
    r"gateway\..*|control\..*|central\.(ca|client_certificate|parcel_key)"
    r"|observe\.metrics.*"
)
RECORDED: Final = re.compile(
    r"site\.(?!customer).*|run\[.*|gas\[.*|regulator\[.*|meter_change\[.*|change\..*|effective"
    r"|device\[[^]]*\]\.(serial|profile|bus|poll_seconds|slow_points|slow_seconds)"
    r"|remote\.(operator_key|consent)"
)
"""Fields whose change the recorder finds by itself, in the bodies of CONFIGURATION leaves."""
MAX_VALUE: Final = 500
CHANGED: Final = "configuration_changed"
MOST_TOLD: Final = 24
_NAMES: Final = ("name", "id", "run")


class Difference(NamedTuple):
    """One field; "" where a side has none. Passwords in addresses are not shown."""

    field: str
    old: str
    new: str
    relevant: bool
    local: bool  # no offer may change it


def differences(old: bytes, new: bytes, path: Path) -> tuple[Difference, ...]:
    """In the order of their names. Raises ConfigErrors where one cannot be read at all."""
    before, after = flat(read_table(old, path)), flat(read_table(new, path))
    changed = sorted(
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    )
    found = [
        Difference(
            name,
            hidden(before.get(name, "")),
            hidden(after.get(name, "")),
            HARMLESS.fullmatch(name) is None,
            _is_local(name, after.get(name, "")),
        )
        for name in changed
    ]
    if not any(each.relevant for each in found) and _hashes(old, path) != _hashes(new, path):
        # nothing that was written, but something that follows of it, such as a profile's file
        found.append(Difference("effective", "", "", relevant=True, local=False))
    return tuple(found)


def hidden(text: str) -> str:
    """Without the password of an address, which is for nobody's screen."""
    return without_login(text)[:MAX_VALUE]


def flat(table: dict[str, Any]) -> dict[str, str]:
    """Each value by its field, `run[R1].base.pressure_kpa`, as TOML writes it."""
    return dict(_walk("", table))


def _walk(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(f"{name}.{key}" if name else key, inner)
    elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        labels: set[str] = set()
        for place, entry in enumerate(value, start=1):
            label = next((entry[key] for key in _NAMES if isinstance(entry.get(key), str)), "")
            if not label or label in labels:  # of two with one name neither hides the other
                label += f"#{place}"
            labels.add(label)
            yield from _walk(f"{name}[{label}]", entry)
    else:
        yield name, text_of(value)


def text_of(value: object) -> str:
    """A value as TOML writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case str():
            return f'"{value}"'
        case list():
            return f"[{', '.join(text_of(each) for each in value)}]"
        case _:
            return str(value)


def _is_local(name: str, new: str) -> bool:
    if LOCAL.fullmatch(name):
        return True
    field = name.rpartition(".")[2]
    if field == "port" and name.startswith("bus["):
        return not new.startswith('"/dev/') or ".." in new
    # a profile's file, or one for anything else: what is in it was not signed
    return field == "profile" and ("/" in new or ".toml" in new)


def _hashes(data: bytes, path: Path) -> tuple[bytes, ...]:
    config = read_config(data, path)
    return (config.hash(), *(run.hash() for run in config.runs))


def told_changes(path: Path, old: bytes | None, new: bytes, who: str) -> tuple[Told, ...]:
    """What changes and stands in no CONFIGURATION leaf, field by field: where a bus leads, say.

    `who` "": whom the file itself names. Bounded: of very many the last event says how many more.
    """
    try:
        if old is None:
            return ()
        by, reason = read_config(new, path).change
        found = [
            each for each in differences(old, new, path) if RECORDED.fullmatch(each.field) is None
        ]
    except ConfigErrors:
        return ()
    named = who or (f"{by}: {reason}" if by and reason else by or "configuration file")
    told = [
        Told(CHANGED, each.old[:MAX_TEXT], each.new[:MAX_TEXT], named, each.field)
        for each in found[:MOST_TOLD]
    ]
    if len(found) > MOST_TOLD:
        told.append(Told(CHANGED, None, None, named, f"and {len(found) - MOST_TOLD} fields more"))
    return tuple(told)
