"""An act that changes gateway.toml: the candidate is made and checked before anybody says yes."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from edge_agent.acts.act import Act, Who, record
from edge_agent.acts.fault import NotDone
from edge_agent.acts.toml_edit import CannotEdit, Edit, edited
from edge_agent.config.file import ConfigErrors, read_config, read_config_bytes
from edge_agent.config.model import AgentConfig
from edge_agent.config_store.apply import ACT, Applied, apply
from edge_agent.config_store.exchange import exchanges_of
from edge_agent.config_store.files import ConfigFiles
from edge_agent.control.client import NoAgent, SocketError, ask_agent
from edge_agent.control.command import CannotAsk
from edge_agent.control.protocol import Call

AGAIN_S: Final = 0.5
TRIES: Final = 60
"""An agent that takes the configuration over is away for some seconds."""


def candidate(path: Path, edits: Sequence[Edit], source: Path | None = None) -> bytes:
    """gateway.toml (or what `source` holds, to take its place) with the edits, checked as a whole.

    Raises NotDone.
    """
    try:
        made = edited(read_config_bytes(source or path).decode("utf-8"), edits).encode()
        read_config(made, path)
    except OSError as error:
        raise NotDone("file", path=source or path, reason=error.strerror) from error
    except (CannotEdit, ConfigErrors, UnicodeDecodeError) as error:
        raise NotDone("other", text=error) from error
    return made


def may_change(config: AgentConfig, path: Path) -> None:
    """Before anybody takes a meter out: nothing is on trial, which might come back over the change.

    Raises NotDone.
    """
    assert config.control is not None  # every file has the section or its defaults
    try:
        trial = ask_agent(config.control.read_socket, Call("config-versions")).get("trial")
    except NoAgent:
        trial = _trial_here(ConfigFiles(path, config.state_dir))
    if isinstance(trial, dict):
        raise NotDone("on_trial", number=trial["number"])


def _trial_here(files: ConfigFiles) -> Mapping[str, object] | None:
    if not files.directory.is_dir():
        return None
    with files.locked():
        trial = files.history().trial
    return None if trial is None else {"number": trial.number}


def only_the_meter(path: Path, made: bytes) -> None:
    """A file that brings another meter brings nothing else that a trial would have to show.

    Raises NotDone.
    """
    try:
        why = exchanges_of(path.read_bytes(), made, path).fault
    except OSError as error:
        raise NotDone("file", path=path, reason=error.strerror) from error
    if why:
        raise NotDone("not_changed", path=path, why=why)


class InForceNow(NamedTuple):
    """The version of the configuration; whether an agent must show first that it works; whether
    one runs, which takes it over within seconds.
    """

    version: int
    trial: bool
    running: bool


def put_in_force(config: AgentConfig, path: Path, made: bytes, by: Who) -> InForceNow:
    """By the running agent, else by the file itself. Raises NotDone where it is refused; then
    nothing was changed.
    """
    assert config.control is not None  # every file has the section or its defaults
    call = Call("config-apply", {"toml": made.decode(), "who": by.who, "reason": by.reason})
    try:
        told = ask_agent(config.control.act_socket, call)
    except NoAgent:
        return _by_file(path, made, by)
    match told:
        case {"ok": True, "number": int(number), "on_trial": bool(trial)}:
            return InForceNow(number, trial, running=True)
        case _:
            raise _refused(path, f"{told.get('error')}", told.get("faults"))


def _by_file(path: Path, made: bytes, by: Who) -> InForceNow:
    try:
        done = apply(path, made, by.who, by.reason, ACT)
    except OSError as error:
        raise NotDone("file", path=path, reason=error) from error
    if isinstance(done, Applied):
        return InForceNow(done.number, done.on_trial, running=False)
    raise _refused(path, done.why, done.faults)


def _refused(path: Path, why: str, faults: object) -> NotDone:
    told = "; ".join(f"{fault}" for fault in faults) if isinstance(faults, (list, tuple)) else ""
    return NotDone("not_changed", path=path, why=f"{why}: {told}" if told else why)


def record_after(config: AgentConfig, act: Act, done: InForceNow) -> Mapping[str, object]:
    """Record it, while the agent takes over a new configuration. Raises NotDone."""
    try:
        return _by_agent(config, act) if done.running else record(config, act)
    except (CannotAsk, SocketError, NotDone) as error:
        raise NotDone("not_after", why=error) from error


def _by_agent(config: AgentConfig, act: Act) -> Mapping[str, object]:
    """Again while it begins anew. Where it does not come back, the journal itself."""
    pause, again = threading.Event(), False
    for _ in range(TRIES):
        try:
            return record(config, act, here=False, again=again)
        except NoAgent:
            pass
        except SocketError:  # whether it was recorded before is not known
            again = True
        pause.wait(AGAIN_S)
    return record(config, act, again=again)
