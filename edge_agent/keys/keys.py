"""The gateway's secrets, made and read: the Ed25519 log key, and the secret of every leaf's salt.

A log key is made once and replaced by a rotation (`keyring.py`) or an enrolment only: a log that is
signed by another key is another gateway's.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from edge_agent.keys.key_files import KeyFileError, StateFiles, sync_directory
from edge_agent.keys.keyring import (
    ENROL_KEY,
    KIND,
    LOG_KEY,
    NEXT_KEY,
    OLD_KEY,
    ROTATION,
    SALT_SECRET,
    SCHEDULE,
    SECRET_BYTES,
    Keys,
    read_signer,
)
from edge_agent.keys.rotation import Held, Rotation
from protocols.evidence.errors import Malformed
from protocols.evidence.keys import MAX_TEXT_BYTES, KeySchedule
from protocols.evidence.leaf import is_gateway_id

__all__ = [
    "LOG_KEY",
    "SALT_SECRET",
    "KeyFileError",
    "Keys",
    "create_keys",
    "load_keys",
    "sync_directory",
]
_TRIES = 3  # of a reader beside the agent, which may be replacing a key just now
_log = logging.getLogger(__name__)


def create_keys(state_dir: Path, gateway: str, random: Callable[[int], bytes]) -> Keys:
    """Make the secrets of a new gateway. Raises KeyFileError where it has a log key already."""
    if not is_gateway_id(gateway):
        raise KeyFileError(
            f"gateway id {gateway!r} is not usable; use [a-z0-9][a-z0-9.-]*, at most 63 characters"
        )
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = StateFiles(state_dir)
    if files.exists(LOG_KEY):
        raise KeyFileError(
            f"{state_dir / LOG_KEY} exists; keep it: central knows this gateway by it "
            "(edge-agent key show prints its public half)"
        )
    # A salt secret without a log key is what a crash between the two left: it goes with no log yet.
    with contextlib.suppress(FileExistsError):
        files.write_secret(SALT_SECRET, "salt-secret", gateway, random(SECRET_BYTES))
    try:
        files.write_secret(LOG_KEY, KIND, gateway, random(SECRET_BYTES))
    except FileExistsError as error:
        raise KeyFileError(f"{state_dir / LOG_KEY} was made by somebody else just now") from error
    return load_keys(state_dir)


def load_keys(state_dir: Path, repair_with: StateFiles | None = None) -> Keys:
    """What the files say. Raises KeyFileError.

    Whoever holds the lock of the state directory gives `repair_with`: then what a crash interrupted
    is ended first. Without it nothing is changed, so that it may run beside the agent.
    """
    if repair_with is not None:
        _repair(repair_with)
        return _load(repair_with, LOG_KEY)
    files = StateFiles(state_dir)
    for _ in range(_TRIES - 1):
        with contextlib.suppress(KeyFileError):
            return _load(files, _name_of_log_key(files))
    return _load(files, _name_of_log_key(files))


def _repair(files: StateFiles) -> None:
    """End a replacement that was begun, forget a rotation that was not."""
    if files.exists(OLD_KEY):
        if not files.exists(LOG_KEY):
            files.rename(_name_of_log_key(files), LOG_KEY)
        files.destroy(OLD_KEY)
        files.remove(ROTATION)
    rotation = _read_rotation(files)
    if rotation is None:
        if files.exists(NEXT_KEY):
            files.destroy(NEXT_KEY)
        return
    gateway, _ = files.read_secret(LOG_KEY, KIND)
    if read_signer(files, LOG_KEY, gateway).vkey == rotation.new_vkey:
        files.remove(ROTATION)


def _name_of_log_key(files: StateFiles) -> str:
    """Between two renames the new key has its old name still."""
    if not files.exists(OLD_KEY) or files.exists(LOG_KEY):
        return LOG_KEY
    return NEXT_KEY if files.exists(NEXT_KEY) else ENROL_KEY


def _load(files: StateFiles, name: str) -> Keys:
    gateway, _ = files.read_secret(name, KIND)
    salt_gateway, salt_secret = files.read_secret(SALT_SECRET, "salt-secret")
    if salt_gateway != gateway:
        raise KeyFileError(
            f"{files.directory / SALT_SECRET} belongs to {salt_gateway!r}, {name} to {gateway!r}; "
            "put the two files of one gateway together"
        )
    signer = read_signer(files, name, gateway)
    signers = {signer.vkey: signer}
    rotation = _read_rotation(files)
    if rotation is not None and rotation.new_vkey == signer.vkey:
        rotation = None
    if rotation is not None:
        new = read_signer(files, NEXT_KEY, gateway)
        signers[new.vkey] = new
        if rotation[2:] != (signer.vkey, new.vkey):
            raise KeyFileError(
                f"{files.directory / ROTATION} speaks of other keys than {name} and {NEXT_KEY}; "
                "put the files of one gateway together"
            )
    held = Held(signers, _read_schedule(files, signer.vkey, rotation), rotation)
    try:
        held.whole_schedule()
    except Malformed as error:
        raise KeyFileError(
            f"{files.directory / ROTATION} does not fit {SCHEDULE}: {error}; put the files of one "
            "gateway and one time together, or enroll this gateway again (edge-agent enroll)"
        ) from error
    return Keys(gateway, signer, salt_secret, files, held)


def _read_rotation(files: StateFiles) -> Rotation | None:
    data = files.read(ROTATION)
    rotation = None if data is None else Rotation.from_bytes(data)
    if data is not None and rotation is None:
        raise KeyFileError(
            f"{files.directory / ROTATION} is damaged; enroll this gateway again with edge-agent "
            "enroll"
        )
    return rotation


def _read_schedule(files: StateFiles, vkey: str, rotation: Rotation | None) -> KeySchedule:
    """The public keys of before. Where that file is no longer readable the key in force signs on:
    old checkpoints that central shows are then not known as ours, and nothing else is wrong.
    """
    path = files.directory / SCHEDULE
    data = files.read(SCHEDULE, MAX_TEXT_BYTES)
    if data is None:
        return KeySchedule.of(vkey)
    try:
        schedule = KeySchedule.from_text(data.decode("ascii", errors="replace"))
    except Malformed as error:
        _log.error("%s is damaged (%s): what central holds of older keys is not known", path, error)
        return KeySchedule.of(vkey)
    if schedule.newest == vkey:
        return schedule
    if rotation is not None and schedule.newest == rotation.new_vkey:  # written, keys not swapped
        return KeySchedule(schedule.billing[:-1], schedule.telemetry[:-1])
    _log.error("%s ends with another key than %s: it is passed by", path, LOG_KEY)
    return KeySchedule.of(vkey)
