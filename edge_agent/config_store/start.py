"""What an agent begins with: the configuration in force, or the last good one.

A kill or a power cut may come between any two file operations of `apply.py`; here it is gone on
with. A gateway.toml that cannot be read does not stop the metering: the version that was in force
is run, or the last that ran well, and the log says so. The file itself is left for a person, who
may be in the midst of it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from edge_agent.config.file import ConfigErrors, read_config, read_config_bytes
from edge_agent.config.model import AgentConfig, Change
from edge_agent.config_store.apply import Refused, adopt, end_trial, owed, settle
from edge_agent.config_store.files import ConfigFiles, find_state_dir, sha256
from edge_agent.config_store.history import MOST_STARTS, History, Told, Version

_log = logging.getLogger(__name__)
UNREADABLE: Final = "configuration_unreadable"


@dataclass(frozen=True, slots=True)
class Started:
    """What is to be run, from which version; `unreadable`: why it is not gateway.toml's."""

    config: AgentConfig
    files: ConfigFiles
    history: History
    sha256: str
    unreadable: str = ""


def begin(config_path: Path, environment: Mapping[str, str] = os.environ) -> Started | Refused:
    """Settle what a kill left, count a trial's starts, choose what is run.

    A full disk does not stop the metering: then gateway.toml is run as it is, or the version that
    it must hold and cannot take, and nothing of it is remembered before the next start. Raises
    OSError where not even that can be read.
    """
    try:
        return _begin(config_path, environment)
    except OSError as error:
        data = read_config_bytes(config_path)
        config, _ = _parse(config_path, data)
        if config is None:
            raise
        _log.error("the configuration's versions are left alone: %s; look at the disk", error)
        files = ConfigFiles(config_path, config.state_dir)
        return _as_it_lies(Started(config, files, History(), sha256(data)))


def _as_it_lies(found: Started) -> Started:
    """What gateway.toml holds, but for a version that the log calls in force already."""
    files = found.files
    try:
        history = files.history()
        data = owed(files, history)
    except OSError:
        return found
    config, _ = _parse(files.path, data)
    if config is None or data is None or config.state_dir != found.config.state_dir:
        return replace(found, history=history)
    return Started(_said(config, history.in_force), files, history, sha256(data))


def _begin(config_path: Path, environment: Mapping[str, str]) -> Started | Refused:
    state_dir, why, faults = _look(config_path, environment)
    if state_dir is None:
        return Refused(why, faults)
    files = ConfigFiles(config_path, state_dir)
    with files.locked():
        history = settle(files, files.history())
        history = _count_start(files, history)
        data = files.read_config()
        config, faults = _parse(config_path, data)
        if config is None and history.trial is not None:
            history = end_trial(files, history, "gateway.toml cannot be read")
            data = files.read_config()
            config, faults = _parse(config_path, data)
        if config is None or data is None:
            return _last_good(files, history, faults)
        history = adopt(files, history, data)
        if history.unreadable:
            told = Told(UNREADABLE, "on", "off", "agent", "gateway.toml can be read again")
            history = replace(history, unreadable=False).tell(told)
            files.store(history)
        files.note_place()
        return Started(_said(config, history.in_force), files, history, sha256(data))


def place_of(config_path: Path, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The state directory that `begin` works in; None where it is not known."""
    return _look(config_path, environment)[0]


def state_dir_of(config_path: Path) -> Path | None:
    """As gateway.toml says; None where it cannot be read. Raises OSError where it may not be."""
    try:
        config, _ = _parse(config_path, read_config_bytes(config_path))
    except FileNotFoundError:
        return None
    return None if config is None else config.state_dir


def _look(
    config_path: Path, environment: Mapping[str, str]
) -> tuple[Path | None, str, tuple[str, ...]]:
    """The state directory, by the file or by what was noted; else what is wrong with the file."""
    try:
        data: bytes | None = read_config_bytes(config_path)
    except FileNotFoundError:
        data = None
    except OSError as error:
        return find_state_dir(config_path, environment), str(error), ()
    config, faults = _parse(config_path, data)
    if config is not None:
        return config.state_dir, "", ()
    return find_state_dir(config_path, environment), "the configuration is faulty", faults


def _parse(path: Path, data: bytes | None) -> tuple[AgentConfig | None, tuple[str, ...]]:
    if data is None:
        return None, (f"{path}: file: is missing; edge-agent commission writes one",)
    try:
        return read_config(data, path), ()
    except ConfigErrors as error:
        return None, tuple(f"{path}: {each}" for each in error.faults)


def _count_start(files: ConfigFiles, history: History) -> History:
    """A version under which the agent dies again and again is not waited for."""
    trial = history.trial
    if trial is None:
        return history
    if trial.starts >= MOST_STARTS:
        return end_trial(files, history, f"the agent began {trial.starts} times without a verdict")
    history = replace(history, trial=replace(trial, starts=trial.starts + 1))
    files.store(history)
    return history


def _last_good(files: ConfigFiles, history: History, faults: tuple[str, ...]) -> Started | Refused:
    """What was in force; else the last that ran well, else the newest that can be read at all.

    Not the last that ran well first: since then a meter may have been changed.
    """
    good = [history.version(number) for number in (history.current, history.good)]
    newest = sorted(history.versions, key=lambda each: each.number, reverse=True)
    fine = [each for each in newest if each.outcome != "rolled_back"]
    named = [(each.number, each.sha256) for each in (*good, *fine) if each is not None]
    if not named:  # the index was damaged
        stored = files.stored()
        named = [(number, sha256(stored[number].read_bytes())) for number in sorted(stored)[::-1]]
    for number, digest in named:
        data = files.read_version(number, digest)
        config, _ = _parse(files.path, data)
        if (
            config is None
            or data is None
            or config.state_dir.resolve() != files.state_dir.resolve()
        ):
            continue
        why = "; ".join(faults)[:800]
        # with each start: an alarm stands as long as the agent lives that told it
        told = Told(UNREADABLE, "off", "on", "agent", f"version {number} runs: {why}")
        history = replace(history, unreadable=True)
        if told not in history.untold:
            history = history.tell(told)
        files.store(history)
        version = history.version(number)
        return Started(_said(config, version), files, history, sha256(data), why)
    return Refused("the configuration is faulty, and no earlier version can be read", faults)


def _said(config: AgentConfig, version: Version | None) -> AgentConfig:
    """Who changed it and why, as he told when it was applied; a file edited by hand says it."""
    if version is None or not version.who:
        return config
    return replace(config, change=Change(version.who, version.why))
