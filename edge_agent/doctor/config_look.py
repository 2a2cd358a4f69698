"""Which configuration is looked at: gateway.toml; where that is faulty, the last that ran well.

So a torn file is one finding with its faults, and not the end of all others.
"""

from __future__ import annotations

import os
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edge_agent.config.file import ConfigErrors, load_config, parse_config
from edge_agent.config_store.files import ConfigFiles, find_state_dir

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig


class Found(NamedTuple):
    """`faults` of gateway.toml; `is_earlier`: the configuration is not that file's."""

    config: AgentConfig | None
    faults: tuple[str, ...] = ()
    is_earlier: bool = False


def find_config(path: Path) -> Found:
    """Nothing is changed, and nothing is waited for: versions are replaced whole."""
    try:
        return Found(load_config(path))
    except ConfigErrors as error:
        faults = tuple(str(fault) for fault in error.faults)
    state_dir = find_state_dir(path, os.environ)
    try:
        earlier = None if state_dir is None else _last_good(path, state_dir)
    except OSError:  # not ours to look into
        earlier = None
    return Found(earlier, faults, is_earlier=earlier is not None)


def _last_good(path: Path, state_dir: Path) -> AgentConfig | None:
    """The version that ran well last, else the newest that can be read. Raises OSError."""
    files = ConfigFiles(path, state_dir)
    if not files.directory.is_dir():
        return None
    history = files.history()
    newest = sorted(history.versions, key=lambda one: one.number, reverse=True)
    for version in sorted(newest, key=lambda one: one.number != history.good):
        data = files.read_version(version.number, version.sha256)
        config = None if data is None else _parsed(data, path)
        if config is not None:
            return config
    return None


def _parsed(data: bytes, path: Path) -> AgentConfig | None:
    try:
        return parse_config(tomllib.loads(data.decode("utf-8"), parse_float=Decimal), path)
    except (ConfigErrors, ValueError, RecursionError):
        return None
