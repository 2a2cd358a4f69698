"""A new configuration comes into force: checked, the old one kept, gateway.toml replaced whole.

The index names the new version before gateway.toml holds it (`moving`), so that a kill between any
two file operations leaves what a start goes on with. A running agent sees the index change, reads
the configuration again and puts it on trial; where none runs, the next start does.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from edge_agent.clock import EARLIEST_UTC_MS, LATEST_UTC_MS, wall_ms
from edge_agent.config.file import ConfigErrors, read_config, read_config_bytes
from edge_agent.config.model import AgentConfig
from edge_agent.config_store.difference import told_changes
from edge_agent.config_store.exchange import exchanges_of, named, no_way_back
from edge_agent.config_store.files import ConfigFiles, find_state_dir, sha256
from edge_agent.config_store.history import (
    MAX_TEXT,
    Baseline,
    History,
    Told,
    Trial,
    Version,
)

FILE: Final = "file"
ACT: Final = "act"
COMMISSIONING: Final = "commissioning"
"""Every serial number was compared with its plate, every instrument read, the link is tested."""
AGENT: Final = "agent"
ON_TRIAL: Final = (
    "version {number} is on trial; wait for its end, or take it back first: "
    "edge-agent config rollback"
)


@dataclass(frozen=True, slots=True)
class Applied:
    """It is in force. `on_trial`: an agent must show that it works, else version `back` returns.

    Without one where nothing was in force before, and where another device is in place.
    """

    number: int
    sha256: str
    back: int
    on_trial: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was changed; why, and every fault of the candidate with its field and remedy."""

    why: str
    faults: tuple[str, ...] = ()


def apply(
    config_path: Path, candidate: bytes, who: str, why: str, source: str = ACT, *, offer: int = 0
) -> Applied | Refused:
    """Put the candidate in force. `who` and `why` are claims, for the log. Raises OSError.

    `offer`: the number of central's offer that brings it. Relative paths of the candidate begin at
    `config_path`. What it is applied to is what gateway.toml holds at that moment.
    """
    faulty = _words_fault(who, why)
    if faulty:
        return Refused(faulty)
    try:
        wanted = read_config(candidate, config_path)
    except ConfigErrors as error:
        return Refused("the configuration is faulty", tuple(str(each) for each in error.faults))
    held = _state_dir(config_path)
    if held is not None and held.resolve() != wanted.state_dir.resolve():
        return Refused(
            f"gateway.state_dir would change from {held} to {wanted.state_dir}; that moves keys "
            "and journal: stop the agent, move the directory, and edit the file"
        )
    files = ConfigFiles(config_path, wanted.state_dir)
    with files.locked():
        return _apply(files, candidate, wanted, Version(0, "", who, why, source), offer)


def _apply(
    files: ConfigFiles, candidate: bytes, wanted: AgentConfig, said: Version, offer: int
) -> Applied | Refused:
    history = settle(files, files.history())
    trial = history.trial
    before = files.read_config()
    is_whole = before is not None and _is_whole(files, before)
    found = exchanges_of(_held(files, history, before) or b"", candidate, files.path)
    # what cannot be read is mended by a person, whatever else he writes
    is_fact = bool(found.found) and (found.is_alone or said.source == COMMISSIONING or not is_whole)
    if trial is not None and (trial.starts or trial.baseline is not None or is_fact):
        return Refused(ON_TRIAL.format(number=trial.number))
    if before is not None:
        faulty = _gateway_fault(before, files.path, wanted) or ("" if is_fact else found.fault)
        if faulty:
            return Refused(faulty)
        if is_whole:
            history = adopt(files, history, before)
    digest, back = sha256(candidate), history.current
    if trial is not None:  # nobody has begun under it: the one before is what is known
        back = trial.back
    if before is not None and sha256(before) == digest:
        return Refused("nothing changes: gateway.toml holds exactly this")
    number = history.next_number
    files.write_version(number, candidate)
    version = replace(said, number=number, sha256=digest, utc_ms=utc_ms())
    history = history.with_version(version)
    trial = Trial(number, back, offer=offer) if back and not is_fact else None
    changes = told_changes(files.path, before, candidate, said.who)
    no_trial = f"no trial: {named(found.found)}" if is_fact else ""
    unmoved = replace(history, versions=history.versions[:-1])
    history = history.tell(*changes).put_in_force(number, trial, no_trial)
    if offer and trial is None:
        history = history.tell(Told("offer_done", None, offer, AGENT, "in force"))
    files.store(history)
    try:
        move(files, files.history(), candidate)
    except OSError:
        if files.read_config() != candidate:  # whoever asked is told that it failed: so it did
            files.store(unmoved)
        raise
    files.note_place()
    return Applied(number, digest, back, trial is not None)


def roll_back(
    config_path: Path, who: str, why: str, number: int = 0, source: str = ACT
) -> Applied | Refused:
    """Put a version that was in force before in force again; 0: the one before, or the one that
    runs where gateway.toml cannot be read. During a trial it ends the trial. Raises OSError.
    """
    faulty = _words_fault(who, why)
    if faulty:
        return Refused(faulty)
    state_dir = _state_dir(config_path)
    if state_dir is None:
        return Refused(f"no versions are known of {config_path}; edge-agent config versions")
    files = ConfigFiles(config_path, state_dir)
    with files.locked():
        history = settle(files, files.history())
        trial = history.trial
        if trial is not None and number in (0, trial.back):
            history = end_trial(files, history, why, who)
            back = history.in_force
            return Applied(trial.back, back.sha256 if back else "", trial.number, on_trial=False)
        before = files.read_config()
        number = number or version_before(files, history, before)
        version = history.version(number)
        data = None if version is None else files.read_version(number, version.sha256)
        held = _held(files, history, before)
    if data is None:
        known = ", ".join(str(v.number) for v in history.versions)
        return Refused(f"version {number} is not there; there are: {known or 'none'}")
    found = [each for each in exchanges_of(held or b"", data, config_path).found if each.new]
    if why_not := no_way_back(number, found):
        return Refused(why_not)
    return apply(config_path, data, who, f"back to version {number}: {why}"[:MAX_TEXT], source)


def version_before(files: ConfigFiles, history: History, before: bytes | None) -> int:
    """Which one a way back leads to; 0: there is none. `before`: what gateway.toml holds."""
    if history.trial is not None:
        return history.trial.back
    if not (before is not None and _is_whole(files, before)):
        return history.current
    earlier = [v for v in history.versions if v.number != history.current]
    good = [v.number for v in earlier if v.outcome != "rolled_back"]
    return max((n for n in good if n < history.current), default=max(good, default=0))


def settle(files: ConfigFiles, history: History) -> History:
    """End what a kill left undone: gateway.toml gets the version that the index names."""
    if not history.moving:
        return history
    data = owed(files, history)
    if data is None:
        history = replace(history, moving=False, trial=None)
        files.store(history)
        return history
    return move(files, history, data)


def owed(files: ConfigFiles, history: History) -> bytes | None:
    """What gateway.toml has still to hold. None: nothing, or somebody wrote a file of his own
    meanwhile, which holds.
    """
    version = history.in_force
    if not history.moving or version is None:
        return None
    held = files.read_config()
    known = held is None or history.by_hash(sha256(held)) is not None or not _is_whole(files, held)
    return files.read_version(version.number, version.sha256) if known else None


def move(files: ConfigFiles, history: History, data: bytes) -> History:
    """gateway.toml holds what the index says."""
    if files.read_config() != data:
        files.put_config(data)
    history = history.moved()
    files.store(history)
    return history


def adopt(files: ConfigFiles, history: History, data: bytes) -> History:
    """What gateway.toml holds is in force, also where somebody wrote it by hand."""
    digest, held = sha256(data), history.in_force
    if held is not None and held.sha256 == digest:
        return history
    if history.trial is not None:
        why = "gateway.toml was edited by hand meanwhile"
        told = Told("configuration_rolled_back", None, digest, "configuration file", why)
        history = replace(history, trial=None).judged(history.trial.number, "rolled_back")
        history = history.tell(told)
    known = history.by_hash(digest)
    before = None if held is None else files.read_version(held.number, held.sha256)
    if known is None:
        number = history.next_number
        files.write_version(number, data)
        known = Version(number, digest, "", "found in gateway.toml", FILE, utc_ms())
        history = history.with_version(known)
    if before is not None:
        history = history.tell(*told_changes(files.path, before, data, ""))
    history = history.put_in_force(known.number).moved()
    files.store(history)
    return history


def end_trial(files: ConfigFiles, history: History, why: str, who: str = AGENT) -> History:
    """The version on trial goes back to the one before it; what somebody wrote meanwhile holds."""
    trial, held = history.trial, files.read_config()
    if who == AGENT and held is not None and trial is not None and _is_whole(files, held):
        tried = history.version(trial.number)
        if tried is not None and tried.sha256 != sha256(held):
            return adopt(files, history, held)
    back = None if trial is None else history.version(trial.back)
    data = None if back is None else files.read_version(back.number, back.sha256)
    if data is None:  # the version to go back to is gone: what is in force stays, and is told
        detail = f"the version before cannot be read; kept although {why}"[:1000]
        history = replace(history, trial=None)
        history = history.tell(Told("configuration_kept", None, None, "agent", detail))
        files.store(history)
        return history
    changes = told_changes(files.path, held, data, who)
    history = history.tell(*changes).rolled_back(why, who)
    files.store(history)
    return move(files, history, data)


def set_baseline(files: ConfigFiles, baseline: Baseline) -> History:
    """What worked under the version before, told once by the agent that ran it."""
    with files.locked():
        history = files.history()
        if history.trial is not None and history.trial.baseline is None:
            history = replace(history, trial=replace(history.trial, baseline=baseline))
            files.store(history)
        return history


def utc_ms() -> int | None:
    """UTC of now where it can be believed."""
    now = wall_ms()
    return now if EARLIEST_UTC_MS <= now <= LATEST_UTC_MS else None


def _words_fault(who: str, why: str) -> str:
    for name, text in (("who", who), ("reason", why)):
        shown = text.replace("\u3000", " ")
        if not (0 < len(text) <= MAX_TEXT and shown.isprintable() and shown.strip()):
            return f"{name}: printable text of 1 to {MAX_TEXT} characters is needed"
    return ""


def _state_dir(config_path: Path) -> Path | None:
    """As the file says that is in force; where it cannot be read, as it was noted."""
    try:
        return read_config(read_config_bytes(config_path), config_path).state_dir
    except (OSError, ConfigErrors):
        return find_state_dir(config_path, os.environ)


def _held(files: ConfigFiles, history: History, before: bytes | None) -> bytes | None:
    """What gateway.toml holds; where it cannot be read, the version that runs instead of it."""
    version = history.in_force
    if (before is not None and _is_whole(files, before)) or version is None:
        return before
    return files.read_version(version.number, version.sha256)


def _gateway_fault(before: bytes, path: Path, wanted: AgentConfig) -> str:
    try:
        held = read_config(before, path)
    except ConfigErrors:
        return ""
    if held.gateway != wanted.gateway:
        return (
            f"gateway.id would change from {held.gateway} to {wanted.gateway}; a gateway keeps "
            "its name: enrol another one instead (edge-agent enroll)"
        )
    return ""


def _is_whole(files: ConfigFiles, data: bytes) -> bool:
    try:
        read_config(data, files.path)
    except ConfigErrors:
        return False
    return True
